/* How much each address may ask for: a bucket of tokens for every source, in a table of fixed size,
 * so that a flood from forged addresses costs no memory. When the table is full the least recently
 * seen of a few is forgotten. */
#ifndef ALMON_SIP_GUARD_H
#define ALMON_SIP_GUARD_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct guard;

/* `rate` requests a second from one address (IPv6: from one /64), twice that at once. */
int guard_new(struct guard **gp, unsigned rate, uint64_t seed, struct error *err);
struct guard *guard_free(struct guard *g);
/* From now on. */
void guard_set_rate(struct guard *g, unsigned rate);
/* Takes one token; false when there is none. */
bool guard_admit(struct guard *g, const struct sockaddr_storage *source, int64_t now_us);
/* Takes `tokens` more, as far as there are: a wrong password costs a second's worth. */
void guard_charge(struct guard *g, const struct sockaddr_storage *source, unsigned tokens,
                  int64_t now_us);

#endif
