/* A loop: timers, tasks, wakes, work on other threads. */
#include "base/log.h"
#include "base/loop_inside.h"
#include "base/mem.h"
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* --- timers: a pairing heap, ordered by time, then by start --- */

bool timer_is_before(const struct timer *a, const struct timer *b)
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
    if (timer_is_before(b, a)) {
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

void timer_fire(struct timer *t)
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
        timer_fire(t);
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

bool loop_run_tasks(struct loop *loop)
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

    loop_run_tasks(loop);
    if (list_empty(&loop->tasks))
        uv_idle_stop(&loop->idle);
    arm(loop);
}

/* --- wakes ---
 *
 * Not libuv's: its uv_async_send() marks the handle busy until it has written, and the loop that is
 * woken spins until then; where the writer loses its processor to the loop that it wakes (two
 * cores, a busy one), that took a sixth of what a short call costs. */

int wake_new(struct wake **wp, struct loop *loop, wake_h *h, void *arg, struct error *err)
{
    struct wake *w = mem_alloc(sizeof *w);

    if (w == NULL)
        return error_nomem(err);
    w->loop = loop;
    w->h = h;
    w->arg = arg;
    list_append(&loop->wakes, &w->node);
    *wp = w;
    return 0;
}

void wake_send(struct wake *w)
{
    const uint64_t one = 1;

    atomic_fetch_add(&w->sending, 1);
    /* A counter of 64 bits does not overflow, so the write cannot fail. */
    if (!atomic_exchange(&w->sent, true) && !atomic_exchange(&w->loop->woken, true) &&
        w->loop->vtime == NULL && write(w->loop->wake_fd, &one, sizeof one) < 0)
        log_error("loop", NULL, "cannot wake a loop: %s", strerror(errno));
    atomic_fetch_sub(&w->sending, 1);
}

/* Each once: one that is sent meanwhile has set `woken` again. A handler may free any of them. */
bool loop_run_wakes(struct loop *loop)
{
    struct list now;
    struct link_node *n;
    bool ran = false;

    if (!atomic_exchange(&loop->woken, false))
        return false;
    list_take_all(&now, &loop->wakes);
    while ((n = list_pop(&now)) != NULL) {
        struct wake *w = list_entry(n, struct wake, node);

        list_append(&loop->wakes, n);
        if (atomic_exchange(&w->sent, false)) {
            ran = true;
            w->h(w->arg);
        }
    }
    return ran;
}

static void on_woken(uv_poll_t *poll, int status, int events)
{
    struct loop *loop = poll->data;
    uint64_t times;

    (void)status;
    (void)events;
    if (read(loop->wake_fd, &times, sizeof times) > 0)
        loop_run_wakes(loop);
}

/* Who sends must not begin to any more; who is about to be done is waited for. */
struct wake *wake_free(struct wake *w)
{
    if (w == NULL)
        return NULL;
    while (atomic_load(&w->sending) > 0)
        sched_yield();
    list_remove(&w->node);
    mem_free(w);
    return NULL;
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
        return; /* handed out in turn by vtime_deliver() */
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

/* --- loops --- */

static int watch(struct loop *loop, uv_poll_t *poll, int fd, uv_poll_cb cb, struct error *err)
{
    int rc = fd < 0 ? -errno : uv_poll_init(&loop->uv, poll, fd);

    if (rc != 0)
        return error_set(err, ERR_IO, "cannot watch a loop's timer or wakes: %s", uv_strerror(rc));
    poll->data = loop;
    uv_poll_start(poll, UV_READABLE, cb);
    return 0;
}

static void close_real(struct loop *loop)
{
    if (loop->fd >= 0)
        close(loop->fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
}

static int start_real(struct loop *loop, struct error *err)
{
    int rc;

    loop->armed = INT64_MAX;
    loop->wake_fd = -1;
    loop->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    rc = watch(loop, &loop->poll, loop->fd, on_timerfd, err);
    if (rc == 0) {
        loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        rc = watch(loop, &loop->wake_poll, loop->wake_fd, on_woken, err);
        if (rc != 0)
            uv_close((uv_handle_t *)&loop->poll, NULL);
    }
    if (rc != 0) {
        uv_run(&loop->uv, UV_RUN_NOWAIT); /* the handle is closed before its descriptor */
        close_real(loop);
        return rc;
    }
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->prepare.data = loop->idle.data = loop;
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
    uv_close((uv_handle_t *)&loop->wake_poll, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
}

struct loop *loop_free(struct loop *loop)
{
    if (loop == NULL)
        return NULL;
    while (loop->working > 0) {
        if (loop->vtime != NULL)
            vtime_deliver(loop->vtime);
        else
            uv_run(&loop->uv, UV_RUN_ONCE);
    }
    list_remove(&loop->node);
    if (loop->vtime == NULL)
        stop_real(loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT); /* lets what was closed call its owners back */
    if (loop->vtime == NULL)
        close_real(loop);
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
