/* What libre's timers count by: the monotonic clock. Its own tmr_jiffies() reads the wall clock, so
 * that setting it would move every retransmission; libre asks this one, as stack_tmr.c tells. */
#include "gateways/sip/stack_private.h"
#include <time.h>

/* Milliseconds. */
uint64_t tmr_jiffies(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
