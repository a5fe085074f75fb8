/* A bucket that fills with time: so many a second, so many at once. */
#ifndef ALMON_BASE_BUCKET_H
#define ALMON_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    int64_t at; /* when it was looked at last; 0: never, it is full */
    double level;
};

/* Takes one; false when it is empty. `now` is loop_now(). */
bool bucket_take(struct bucket *b, int64_t now, double per_second, double burst);

#endif
