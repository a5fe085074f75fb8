/* What we know of each trunk{…} besides its lines in almon.lua: whether it has taken our
 * registration, which servers its name stands for, and whether they answer. */
#ifndef ALMON_SIP_TRUNKS_H
#define ALMON_SIP_TRUNKS_H

#include "base/config.h"
#include "base/error.h"
#include "gateways/sip/stack.h"
#include <sys/socket.h>

struct gateway;
struct trunks;

enum { TRUNK_PLACES = 8 }; /* servers of one that are known */

int trunks_new(struct trunks **tp, struct gateway *g, struct error *err);
struct trunks *trunks_free(struct trunks *t);
/* The gateway has another configuration: what is as it was keeps its registration and health, the
 * rest begins anew. */
int trunks_renew(struct trunks *t, struct error *err);
/* Takes our registrations back. */
void trunks_leave(struct trunks *t);
/* Why no call should be given to it now; NULL: nothing speaks against it. */
const char *trunks_fault(const struct trunks *t, const struct config_trunk *trunk);
/* Where a call to it may go, the best first: as many addresses as are returned, valid until the
 * loop turns. Each call has another order among servers of one priority. */
size_t trunks_places(struct trunks *t, const struct config_trunk *trunk,
                     const char *routes[TRUNK_PLACES]);
/* The same of servers that DNS names and that are no trunk's: `places` in the order of a call. */
void trunks_sort(struct trunks *t, const struct stack_place *places, size_t n,
                 const char *routes[STACK_PLACES_MAX]);
/* A call to this address of it was answered by nothing at all. */
void trunks_silent(struct trunks *t, const struct config_trunk *trunk, const char *route);
/* The stack's answer to a registration (struct stack_handlers). */
void trunks_enrolled(struct trunks *t, void *enrolment_arg, unsigned status,
                     const struct sockaddr_storage *from);

#endif
