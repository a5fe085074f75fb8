/* A bounded queue of records of one size between exactly two threads (one puts, one takes), with
 * no lock. The two loops of the program speak to each other through a pair of these. */
#ifndef ALMON_BASE_RING_H
#define ALMON_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
    unsigned char *slots;
    size_t record, mask;
    atomic_size_t head, tail; /* head: next to take; tail: next to put; both only grow */
};

/* `count` is rounded up to a power of two. 0 or ERR_NOMEM. */
int ring_init(struct ring *r, size_t record, size_t count);
void ring_free(struct ring *r);
/* False when full; the record is copied. */
bool ring_put(struct ring *r, const void *record);
/* False when empty. */
bool ring_take(struct ring *r, void *record);
/* Records waiting, seen from either side. */
size_t ring_count(const struct ring *r);
size_t ring_space(const struct ring *r);

#endif
