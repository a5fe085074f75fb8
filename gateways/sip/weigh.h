/* In which order the servers behind a name are tried (RFC 2782): by priority, and at random among
 * those of one, the heavier the likelier. */
#ifndef ALMON_SIP_WEIGH_H
#define ALMON_SIP_WEIGH_H

#include "base/sid.h"
#include <stddef.h>
#include <stdint.h>

struct weighed {
    uint32_t priority;
    unsigned weight; /* 0 to 65535 */
    size_t which;    /* the caller's own */
};

/* Sorts `w`. */
void weigh(struct weighed *w, size_t n, struct rng *rng);

#endif
