#include "media/lateness.h"

#include <stdbool.h>
#include <string.h>

static unsigned bucket_of(uint32_t us)
{
    unsigned top, bucket;

    if (us < 8)
        return us;
    top = 31 - (unsigned)__builtin_clz(us);
    bucket = (top - 2) * 8 + (us >> (top - 3) & 7);
    return bucket < LATENESS_BUCKETS ? bucket : LATENESS_BUCKETS - 1;
}

/* The highest value that falls into a bucket. */
static uint32_t bucket_value(unsigned bucket)
{
    if (bucket < 8)
        return bucket;
    return ((8 + bucket % 8 + 1) << (bucket / 8 - 1)) - 1;
}

static void publish(struct lateness *l)
{
    uint32_t sum[LATENESS_BUCKETS] = {0}, total = 0, seen = 0, worst = 0, p50 = 0;
    unsigned i, j;

    for (i = 0; i < LATENESS_SECONDS; i++) {
        for (j = 0; j < LATENESS_BUCKETS; j++) {
            sum[j] += l->count[i][j];
            total += l->count[i][j];
        }
        if (l->max[i] > worst)
            worst = l->max[i];
    }
    for (j = 0; seen * 2 < total; j++) {
        seen += sum[j];
        p50 = bucket_value(j);
    }
    for (; (uint64_t)seen * 100 < (uint64_t)total * 99; j++)
        seen += sum[j];
    atomic_store_explicit(&l->p50, p50, memory_order_relaxed);
    atomic_store_explicit(&l->p99, j == 0 ? 0 : bucket_value(j - 1), memory_order_relaxed);
    atomic_store_explicit(&l->worst, worst, memory_order_relaxed);
}

/* Forgets what has become too old, at most once round: after a time without slots before it is
 * told, since that was then, and not now. */
static void turn(struct lateness *l, int64_t second)
{
    bool idle = second - l->second > 1;
    int i;

    if (!idle)
        publish(l);
    for (i = 0; i < LATENESS_SECONDS && l->second < second; i++) {
        l->second++;
        memset(l->count[l->second % LATENESS_SECONDS], 0, sizeof l->count[0]);
        l->max[l->second % LATENESS_SECONDS] = 0;
    }
    l->second = second;
    if (idle)
        publish(l);
}

void lateness_add(struct lateness *l, int64_t due_us, int64_t now_us)
{
    int64_t late = now_us - due_us;
    uint32_t us = late < 0 ? 0 : late > UINT32_MAX ? UINT32_MAX : (uint32_t)late;
    int64_t second = now_us / 1000000;

    if (second != l->second)
        turn(l, second);
    l->count[second % LATENESS_SECONDS][bucket_of(us)]++;
    if (us > l->max[second % LATENESS_SECONDS])
        l->max[second % LATENESS_SECONDS] = us;
}
