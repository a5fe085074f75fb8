/* Virtual time: loops that run until none has anything to do, then to the earliest timer. */
#include "base/loop_inside.h"
#include "base/mem.h"

#define VIRTUAL_START_MS (1767225600 * INT64_C(1000)) /* 2026-01-01T00:00:00Z */

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

void vtime_deliver(struct vtime *v)
{
    struct work *w = list_entry(list_first(&v->works), struct work, node);

    while (!w->finished)
        uv_run(&w->loop->uv, UV_RUN_ONCE);
    list_remove(&w->node);
    w->loop->working--;
    w->done(w);
}

/* Runs each loop until it is idle, in turn; true when any had something to do. */
static bool run_round(struct vtime *v)
{
    struct link_node *n;
    bool ran = false;

    for (n = list_first(&v->loops); n != NULL; n = list_next(&v->loops, n)) {
        struct loop *loop = list_entry(n, struct loop, node);

        while (loop_run_wakes(loop) || loop_run_tasks(loop))
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
        vtime_deliver(v);
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

        if (t != NULL && (first == NULL || timer_is_before(t, first)))
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
        timer_fire(t);
    }
    if (until_us > v->now && until_us != INT64_MAX)
        v->now = until_us;
    return v->now;
}
