/* What we know of each trunk{…} besides its lines in almon.lua: whether it has taken our
 * registration, and whether it answers. */
#ifndef ALMON_SIP_TRUNKS_H
#define ALMON_SIP_TRUNKS_H

#include "base/config.h"
#include "base/error.h"
#include <sys/socket.h>

struct gateway;
struct trunks;

int trunks_new(struct trunks **tp, struct gateway *g, struct error *err);
struct trunks *trunks_free(struct trunks *t);
/* The gateway has another configuration: what is as it was keeps its registration and health, the
 * rest begins anew. */
int trunks_renew(struct trunks *t, struct error *err);
/* Takes our registrations back. */
void trunks_leave(struct trunks *t);
/* Why no call should be given to it now; NULL: nothing speaks against it. */
const char *trunks_fault(const struct trunks *t, const struct config_trunk *trunk);
/* The stack's answer to a registration (struct stack_handlers). */
void trunks_enrolled(struct trunks *t, void *enrolment_arg, unsigned status,
                     const struct sockaddr_storage *from);

#endif
