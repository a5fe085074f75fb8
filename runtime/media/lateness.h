/* How late the slots of the tick began, over the last ten seconds: a histogram a second. Written by
 * the media thread; the results may be read by any. */
#ifndef ALMON_MEDIA_LATENESS_H
#define ALMON_MEDIA_LATENESS_H

#include <stdatomic.h>
#include <stdint.h>

#define LATENESS_SECONDS 10
#define LATENESS_BUCKETS 160 /* eight to each doubling: a value is known to 9 % */

struct lateness {
    uint16_t count[LATENESS_SECONDS][LATENESS_BUCKETS];
    uint32_t max[LATENESS_SECONDS];
    int64_t second;              /* the one that is being filled */
    atomic_uint p50, p99, worst; /* microseconds */
};

/* A slot that was due at `due_us` began at `now_us`. */
void lateness_add(struct lateness *l, int64_t due_us, int64_t now_us);

#endif
