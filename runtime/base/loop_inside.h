/* A loop from within: private to loop.c (real time, and what both have) and vtime.c (virtual). */
#ifndef ALMON_BASE_LOOP_INSIDE_H
#define ALMON_BASE_LOOP_INSIDE_H

#include "base/loop.h"
#include <stdatomic.h>

struct vtime {
    struct list loops; /* in the order they were made */
    struct list works; /* of all its loops, in the order they were submitted */
    int64_t now;
    int64_t wall;   /* loop_wall() at 0 */
    uint64_t order; /* of timers, over all loops */
    bool stopped;
};

struct loop {
    uv_loop_t uv;
    struct vtime *vtime; /* NULL: real */
    struct link_node node;
    struct timer *timers; /* root of the heap */
    uint64_t order;
    struct list tasks;
    struct list wakes;
    atomic_bool woken; /* some wake was sent since the last look */
    unsigned working;

    /* Real only. The timers share one timerfd, since libuv's own know milliseconds only. */
    int fd;
    int64_t armed; /* what the timerfd is set to; INT64_MAX: nothing */
    uv_poll_t poll;
    uv_prepare_t prepare; /* runs tasks and sets the timerfd before the loop waits */
    uv_idle_t idle;       /* active while tasks wait, so that the loop does not */

    /* Real only: becomes readable when `woken` becomes true. */
    int wake_fd;
    uv_poll_t wake_poll;
};

struct wake {
    struct loop *loop;
    wake_h *h;
    void *arg;
    struct link_node node;
    atomic_bool sent;
    atomic_uint sending; /* threads that are within wake_send() */
};

/* --- loop.c --- */

/* By time, then by start. */
bool timer_is_before(const struct timer *a, const struct timer *b);
void timer_fire(struct timer *t);
/* Runs those that wait now; what they post comes in the next turn. True when any ran. */
bool loop_run_tasks(struct loop *loop);
/* Calls those that were sent. True when any was. */
bool loop_run_wakes(struct loop *loop);

/* --- vtime.c --- */

/* Waits for the oldest work, and answers that one. */
void vtime_deliver(struct vtime *v);

#endif
