/* Loops and time. A loop is either real (libuv, the system's clocks) or virtual (the same libuv
 * loop for workers' answers, but time that only moves when everybody waits). All time in our own
 * code comes from here; nothing sleeps.
 *
 * A loop and everything started on it belongs to one thread, except wake_send(). */
#ifndef ALMON_BASE_LOOP_H
#define ALMON_BASE_LOOP_H

#include "base/error.h"
#include "base/list.h"
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;
struct vtime;

/* A loop on real time (vtime NULL) or one more loop of a virtual time (see below). */
int loop_new(struct loop **lp, struct vtime *vtime, struct error *err);
/* Everything started on the loop must have been stopped or closed. Returns NULL. */
struct loop *loop_free(struct loop *loop);
/* Runs a real loop until loop_stop(). */
void loop_run(struct loop *loop);
/* Safe from the loop's own thread only; from another use a wake. */
void loop_stop(struct loop *loop);
/* Runs one turn of a real loop: waits for events when `wait`, else only takes what is there. */
void loop_turn(struct loop *loop, bool wait);
/* For parts that bring their own handles (libwebsockets, libcurl). */
uv_loop_t *loop_uv(struct loop *loop);
bool loop_is_virtual(const struct loop *loop);

/* Monotonic microseconds; in virtual time 0 is the start. */
int64_t loop_now(const struct loop *loop);
/* Milliseconds since 1970-01-01T00:00:00Z; virtual time starts at 2026-01-01T00:00:00Z. */
int64_t loop_wall(const struct loop *loop);

/* --- timers: inside your object, no allocation. Equal times fire in order of start. --- */
typedef void timer_h(void *arg);
struct timer {
    struct loop *loop;
    timer_h *h;
    void *arg;
    int64_t due; /* microseconds, as loop_now() */
    uint64_t order;
    struct timer *child, *sibling, *prev; /* pairing heap */
    bool active;
};
void timer_init(struct timer *t, struct loop *loop, timer_h *h, void *arg);
/* Starts, or starts anew. */
void timer_start(struct timer *t, int64_t delay_ms);
/* At an absolute loop_now() time; in the past means as soon as possible. */
void timer_start_at(struct timer *t, int64_t due_us);
/* Safe when not active or never initialised (all zero). */
void timer_stop(struct timer *t);

/* --- deferred calls: run from the loop before it waits again, in order. --- */
typedef void task_h(void *arg);
struct task {
    struct loop *loop;
    task_h *h;
    void *arg;
    struct link_node node;
};
void task_init(struct task *t, struct loop *loop, task_h *h, void *arg);
/* Does nothing when it already waits to be run. */
void task_post(struct task *t);
void task_cancel(struct task *t);

/* --- wakes: the one thing another thread may touch. Several sends may make one call. --- */
typedef void wake_h(void *arg);
struct wake;
int wake_new(struct wake **wp, struct loop *loop, wake_h *h, void *arg, struct error *err);
void wake_send(struct wake *w);
struct wake *wake_free(struct wake *w);

/* --- work: a blocking function run on a worker thread, its answer given on the loop. --- */
struct work {
    void (*run)(struct work *w);  /* on a worker thread; touches only its own struct */
    void (*done)(struct work *w); /* on the loop; may free or submit `w` again */
    struct loop *loop;            /* set by work_submit() */
    uv_work_t uv;
    struct link_node node;
    bool finished;
};
/* 0, or ERR_IO. In virtual time answers come in the order of the requests and cost no time.
 * Work cannot be cancelled: forget it in `done`. A loop must outlive its work: loop_free() waits.
 */
int work_submit(struct loop *loop, struct work *w);
/* Works submitted and not yet done. */
unsigned work_pending(const struct loop *loop);

/* --- virtual time: a set of loops in one thread that share one clock. --- */
int vtime_new(struct vtime **vp, struct error *err);
/* What loop_wall() says now, instead of 2026-01-01T00:00:00Z at the start: for replaying what
 * happened at another time. */
void vtime_set_wall(struct vtime *v, int64_t wall_ms);
/* After all its loops are freed. Returns NULL. */
struct vtime *vtime_free(struct vtime *v);
/* Runs each loop, in the order they were made, until all are idle; then takes one answer, if a
 * worker owes any, or anything is active on a loop_uv() (a child process, a closing handle); when
 * nobody owes any, jumps to the earliest timer; and again, until the time would pass `until_us`, or
 * nothing is left to happen, or `stop` (may be NULL) returns true, or loop_stop() is called on one
 * of the loops. Returns the virtual time reached: the clock then stands at `until_us` unless
 * stopped early (or `until_us` is INT64_MAX: then at the last thing that happened). */
int64_t vtime_run(struct vtime *v, int64_t until_us, bool (*stop)(void *arg), void *arg);

#endif
