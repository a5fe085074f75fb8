#include "base/loop.h"

#include "base/log.h"
#include "base/mem.h"
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define VIRTUAL_START_MS (1767225600 * INT64_C(1000)) /* 2026-01-01T00:00:00Z */

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
    struct list wakes; /* virtual only: real ones are libuv's */
    atomic_bool woken; /* virtual only: some wake was sent since the last look */
    unsigned working;

    /* Real only. The timers share one timerfd, since libuv's own know milliseconds only. */
    int fd;
    int64_t armed; /* what the timerfd is set to; INT64_MAX: nothing */
    uv_poll_t poll;
    uv_prepare_t prepare; /* runs tasks and sets the timerfd before the loop waits */
    uv_idle_t idle;       /* active while tasks wait, so that the loop does not */
};

struct wake {
    uv_async_t async; /* real only */
    struct loop *loop;
    wake_h *h;
    void *arg;
    struct link_node node;
    atomic_bool sent; /* virtual only */
};

/* --- timers: a pairing heap, ordered by time, then by start --- */

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static struct timer *heap_merge(struct timer *a, struct timer *b)
{
    struct timer *swap;

    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (is_before(b, a)) {
        swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->sibling = a->child;
    if (b->sibling != NULL)
        b->sibling->prev = b;
    a->child = b;
    return a;
}

/* Makes one heap of a row of siblings: pairs them from the left, then merges from the right. */
static struct timer *heap_combine(struct timer *first)
{
    struct timer *pairs = NULL, *root = NULL;

    while (first != NULL) {
        struct timer *a = first, *b = a->sibling, *pair;

        first = b == NULL ? NULL : b->sibling;
        a->sibling = a->prev = NULL;
        if (b != NULL)
            b->sibling = b->prev = NULL;
        pair = heap_merge(a, b);
        pair->sibling = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        struct timer *next = pairs->sibling;

        pairs->sibling = pairs->prev = NULL;
        root = heap_merge(root, pairs);
        pairs = next;
    }
    return root;
}

static void heap_remove(struct timer **root, struct timer *t)
{
    struct timer *rest = heap_combine(t->child);

    if (t == *root) {
        *root = rest;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->sibling;
        else
            t->prev->sibling = t->sibling;
        if (t->sibling != NULL)
            t->sibling->prev = t->prev;
        *root = heap_merge(*root, rest);
    }
    t->child = t->sibling = t->prev = NULL;
}

void timer_init(struct timer *t, struct loop *loop, timer_h *h, void *arg)
{
    *t = (struct timer){.loop = loop, .h = h, .arg = arg};
}

void timer_start(struct timer *t, int64_t delay_ms)
{
    timer_start_at(t, loop_now(t->loop) + delay_ms * 1000);
}

void timer_start_at(struct timer *t, int64_t due_us)
{
    struct loop *loop = t->loop;

    timer_stop(t);
    t->due = due_us;
    t->order = loop->vtime != NULL ? loop->vtime->order++ : loop->order++;
    t->active = true;
    loop->timers = heap_merge(loop->timers, t);
}

void timer_stop(struct timer *t)
{
    if (!t->active)
        return;
    t->active = false;
    heap_remove(&t->loop->timers, t);
}

static void fire(struct timer *t)
{
    timer_stop(t);
    t->h(t->arg);
}

/* Fires what is due now, but not what the handlers themselves start: the loop takes a turn first.
 */
static void fire_due(struct loop *loop)
{
    int64_t now = loop_now(loop);
    uint64_t end = loop->order;
    struct timer *t;

    while ((t = loop->timers) != NULL && t->due <= now && t->order < end)
        fire(t);
}

static void arm(struct loop *loop)
{
    struct itimerspec at = {0};
    int64_t due = loop->timers == NULL ? INT64_MAX : loop->timers->due;

    /* Waking up too early is harmless, and cheaper than a system call for every change. */
    if (due >= loop->armed)
        return;
    loop->armed = due;
    if (due < 1)
        due = 1; /* all zero would switch it off */
    at.it_value.tv_sec = due / 1000000;
    at.it_value.tv_nsec = due % 1000000 * 1000;
    timerfd_settime(loop->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void on_timerfd(uv_poll_t *poll, int status, int events)
{
    struct loop *loop = poll->data;
    uint64_t times;

    (void)status;
    (void)events;
    if (read(loop->fd, &times, sizeof times) < 0 && errno == EAGAIN)
        return;
    loop->armed = INT64_MAX;
    fire_due(loop);
}

/* --- tasks --- */

void task_init(struct task *t, struct loop *loop, task_h *h, void *arg)
{
    *t = (struct task){.loop = loop, .h = h, .arg = arg};
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

void task_post(struct task *t)
{
    struct loop *loop = t->loop;

    if (list_linked(&t->node))
        return;
    if (loop->vtime == NULL && list_empty(&loop->tasks))
        uv_idle_start(&loop->idle, on_idle);
    list_append(&loop->tasks, &t->node);
}

void task_cancel(struct task *t)
{
    list_remove(&t->node);
}

/* Runs those that wait now; what they post comes in the next turn. True when any ran. */
static bool run_tasks(struct loop *loop)
{
    struct list now;
    struct link_node *n;

    if (list_empty(&loop->tasks))
        return false;
    list_take_all(&now, &loop->tasks);
    while ((n = list_pop(&now)) != NULL) {
        struct task *t = list_entry(n, struct task, node);

        t->h(t->arg);
    }
    return true;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;

    run_tasks(loop);
    if (list_empty(&loop->tasks))
        uv_idle_stop(&loop->idle);
    arm(loop);
}

/* --- wakes --- */

static void on_async(uv_async_t *async)
{
    struct wake *w = async->data;

    w->h(w->arg);
}

int wake_new(struct wake **wp, struct loop *loop, wake_h *h, void *arg, struct error *err)
{
    struct wake *w = mem_alloc(sizeof *w);
    int rc;

    if (w == NULL)
        return error_nomem(err);
    w->loop = loop;
    w->h = h;
    w->arg = arg;
    if (loop->vtime != NULL) {
        list_append(&loop->wakes, &w->node);
        *wp = w;
        return 0;
    }
    rc = uv_async_init(&loop->uv, &w->async, on_async);
    if (rc != 0) {
        mem_free(w);
        return error_set(err, ERR_IO, "cannot make a wake: %s", uv_strerror(rc));
    }
    w->async.data = w;
    *wp = w;
    return 0;
}

void wake_send(struct wake *w)
{
    if (w->loop->vtime == NULL) {
        uv_async_send(&w->async);
        return;
    }
    atomic_store(&w->sent, true);
    atomic_store(&w->loop->woken, true);
}

static void on_wake_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

struct wake *wake_free(struct wake *w)
{
    if (w == NULL)
        return NULL;
    list_remove(&w->node);
    if (w->loop->vtime != NULL)
        mem_free(w);
    else
        uv_close((uv_handle_t *)&w->async, on_wake_closed);
    return NULL;
}

/* Virtual: calls those that were sent. A handler may free any wake, so each search starts anew. */
static bool run_wakes(struct loop *loop)
{
    struct link_node *n;
    bool ran = false;

    if (!atomic_load(&loop->woken))
        return false;
    atomic_store(&loop->woken, false);
again:
    for (n = list_first(&loop->wakes); n != NULL; n = list_next(&loop->wakes, n)) {
        struct wake *w = list_entry(n, struct wake, node);

        if (atomic_exchange(&w->sent, false)) {
            ran = true;
            w->h(w->arg);
            goto again;
        }
    }
    return ran;
}

/* --- work --- */

static void on_work(uv_work_t *uv)
{
    struct work *w = uv->data;

    w->run(w);
}

static void on_work_done(uv_work_t *uv, int status)
{
    struct work *w = uv->data;

    (void)status;
    w->finished = true;
    if (w->loop->vtime != NULL)
        return; /* handed out in turn by deliver_work() */
    w->loop->working--;
    w->done(w);
}

int work_submit(struct loop *loop, struct work *w)
{
    w->loop = loop;
    w->finished = false;
    w->uv.data = w;
    if (uv_queue_work(&loop->uv, &w->uv, on_work, on_work_done) != 0)
        return ERR_IO;
    loop->working++;
    if (loop->vtime != NULL)
        list_append(&loop->vtime->works, &w->node);
    return 0;
}

unsigned work_pending(const struct loop *loop)
{
    return loop->working;
}

/* Virtual: waits for the oldest work, and answers that one. */
static void deliver_work(struct vtime *v)
{
    struct work *w = list_entry(list_first(&v->works), struct work, node);

    while (!w->finished)
        uv_run(&w->loop->uv, UV_RUN_ONCE);
    list_remove(&w->node);
    w->loop->working--;
    w->done(w);
}

/* --- loops --- */

static int start_real(struct loop *loop, struct error *err)
{
    int rc;

    loop->armed = INT64_MAX;
    loop->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->fd < 0)
        return error_set(err, ERR_IO, "cannot make a timer: %s", strerror(errno));
    rc = uv_poll_init(&loop->uv, &loop->poll, loop->fd);
    if (rc != 0) {
        close(loop->fd);
        return error_set(err, ERR_IO, "cannot watch a timer: %s", uv_strerror(rc));
    }
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->poll.data = loop->prepare.data = loop->idle.data = loop;
    uv_poll_start(&loop->poll, UV_READABLE, on_timerfd);
    uv_prepare_start(&loop->prepare, on_prepare);
    return 0;
}

int loop_new(struct loop **lp, struct vtime *vtime, struct error *err)
{
    struct loop *loop = mem_alloc(sizeof *loop);
    int rc;

    if (loop == NULL)
        return error_nomem(err);
    list_init(&loop->tasks);
    list_init(&loop->wakes);
    rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        mem_free(loop);
        return error_set(err, ERR_IO, "cannot make a loop: %s", uv_strerror(rc));
    }
    loop->vtime = vtime;
    if (vtime != NULL) {
        list_append(&vtime->loops, &loop->node);
    } else if ((rc = start_real(loop, err)) != 0) {
        uv_loop_close(&loop->uv);
        mem_free(loop);
        return rc;
    }
    *lp = loop;
    return 0;
}

static void stop_real(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->poll, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
}

struct loop *loop_free(struct loop *loop)
{
    if (loop == NULL)
        return NULL;
    while (loop->working > 0) {
        if (loop->vtime != NULL)
            deliver_work(loop->vtime);
        else
            uv_run(&loop->uv, UV_RUN_ONCE);
    }
    list_remove(&loop->node);
    if (loop->vtime == NULL)
        stop_real(loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT); /* lets what was closed call its owners back */
    if (loop->vtime == NULL)
        close(loop->fd);
    if (uv_loop_close(&loop->uv) != 0) {
        /* Freeing it under somebody's open handle would be worse than the leak. */
        log_error("loop", NULL, "something is still open on a loop that was freed");
        return NULL;
    }
    mem_free(loop);
    return NULL;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    if (loop->vtime != NULL)
        loop->vtime->stopped = true;
    else
        uv_stop(&loop->uv);
}

void loop_turn(struct loop *loop, bool wait)
{
    uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    /* Who turns us inside a loop of his own waits for our descriptor: it must know of timers that
     * this turn has started. */
    arm(loop);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

bool loop_is_virtual(const struct loop *loop)
{
    return loop->vtime != NULL;
}

int64_t loop_now(const struct loop *loop)
{
    return loop->vtime != NULL ? loop->vtime->now : (int64_t)(uv_hrtime() / 1000);
}

int64_t loop_wall(const struct loop *loop)
{
    struct timespec now;

    if (loop->vtime != NULL)
        return loop->vtime->wall + loop->vtime->now / 1000;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- virtual time --- */

int vtime_new(struct vtime **vp, struct error *err)
{
    struct vtime *v = mem_alloc(sizeof *v);

    if (v == NULL)
        return error_nomem(err);
    list_init(&v->loops);
    list_init(&v->works);
    v->wall = VIRTUAL_START_MS;
    *vp = v;
    return 0;
}

void vtime_set_wall(struct vtime *v, int64_t wall_ms)
{
    v->wall = wall_ms - v->now / 1000;
}

struct vtime *vtime_free(struct vtime *v)
{
    mem_free(v);
    return NULL;
}

/* Runs each loop until it is idle, in turn; true when any had something to do. */
static bool run_round(struct vtime *v)
{
    struct link_node *n;
    bool ran = false;

    for (n = list_first(&v->loops); n != NULL; n = list_next(&v->loops, n)) {
        struct loop *loop = list_entry(n, struct loop, node);

        while (run_wakes(loop) || run_tasks(loop))
            ran = true;
    }
    return ran;
}

/* Takes one answer that somebody outside owes: a work, or whatever is active on a libuv loop
 * itself, such as a child process. False when nobody owes any. */
static bool take_answer(struct vtime *v)
{
    struct link_node *n;

    if (!list_empty(&v->works)) {
        deliver_work(v);
        return true;
    }
    for (n = list_first(&v->loops); n != NULL; n = list_next(&v->loops, n)) {
        struct loop *loop = list_entry(n, struct loop, node);

        if (uv_loop_alive(&loop->uv)) {
            uv_run(&loop->uv, UV_RUN_ONCE);
            return true;
        }
    }
    return false;
}

static struct timer *earliest(struct vtime *v)
{
    struct timer *first = NULL;
    struct link_node *n;

    for (n = list_first(&v->loops); n != NULL; n = list_next(&v->loops, n)) {
        struct timer *t = list_entry(n, struct loop, node)->timers;

        if (t != NULL && (first == NULL || is_before(t, first)))
            first = t;
    }
    return first;
}

int64_t vtime_run(struct vtime *v, int64_t until_us, bool (*stop)(void *arg), void *arg)
{
    struct timer *t;

    v->stopped = false;
    for (;;) {
        while (!v->stopped && run_round(v))
            ;
        if (v->stopped || (stop != NULL && stop(arg)))
            return v->now;
        if (take_answer(v))
            continue;
        t = earliest(v);
        if (t == NULL || t->due > until_us)
            break;
        if (t->due > v->now)
            v->now = t->due;
        fire(t);
    }
    if (until_us > v->now && until_us != INT64_MAX)
        v->now = until_us;
    return v->now;
}
