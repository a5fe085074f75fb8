/* Our loop inside the SIP stack's. libre polls by itself and cannot be turned from outside; a libuv
 * loop can: its descriptor becomes readable when it has something to do. So the stack watches that
 * descriptor and has an alarm for what our loop waits for, and our loop turns, without waiting,
 * whenever one of them says so. One thread, and no lock between SIP, sound and the bridge. */
#ifndef ALMON_SIP_PUMP_H
#define ALMON_SIP_PUMP_H

#include "base/error.h"
#include "base/loop.h"
#include "gateways/sip/stack.h"

struct pump;

int pump_new(struct pump **pp, struct loop *loop, struct error *err);
int pump_attach(struct pump *p, struct stack *s, struct error *err);
/* Something was started on our loop from outside of its turn (a handler of the stack): it takes one
 * as soon as the stack polls again. */
void pump_soon(struct pump *p);
/* After the stack. */
struct pump *pump_free(struct pump *p);

#endif
