#include "base/loop.h"

#include "base/mem.h"
#include "tests/unit/unit.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Notes what happened, in order. */
static char trail[4096];

static void note(const char *s)
{
    strncat(trail, s, sizeof trail - strlen(trail) - 1);
}

static void on_note(void *arg)
{
    note(arg);
}

static void on_stop(void *arg)
{
    loop_stop(arg);
}

/* --- timers in virtual time --- */

UNIT(timers_fire_by_time_then_by_start)
{
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct timer a, b, c, d;
    struct error err = {0};

    trail[0] = '\0';
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    ok(loop_is_virtual(loop));
    ok_int(loop_now(loop), 0);
    ok_int(loop_wall(loop), 1767225600000);
    timer_init(&a, loop, on_note, "a");
    timer_init(&b, loop, on_note, "b");
    timer_init(&c, loop, on_note, "c");
    timer_init(&d, loop, on_note, "d");
    timer_start(&a, 20);
    timer_start(&b, 10);
    timer_start(&c, 20);
    timer_start(&d, 10);
    timer_start(&b, 20); /* anew: now after c */
    ok_int(vtime_run(v, 15000, NULL, NULL), 15000);
    ok_str(trail, "d");
    ok_int(loop_now(loop), 15000);
    timer_stop(&a);
    timer_stop(&a);
    ok(!a.active && b.active);
    ok_int(vtime_run(v, INT64_MAX, NULL, NULL), 20000);
    ok_str(trail, "dcb");
    ok_int(loop_wall(loop), 1767225600020);
    timer_start_at(&a, 0); /* in the past: at once */
    ok_int(vtime_run(v, 20000, NULL, NULL), 20000);
    ok_str(trail, "dcba");
out:
    loop_free(loop);
    vtime_free(v);
}

enum { MANY = 2000 };
static int64_t last_due;
static int fired;
static bool ordered;

static void on_many(void *arg)
{
    struct timer *t = arg;

    ordered = ordered && t->due >= last_due && loop_now(t->loop) == t->due;
    last_due = t->due;
    fired++;
}

UNIT(timers_stay_ordered_in_a_crowd)
{
    struct timer *many = mem_alloc(MANY * sizeof *many);
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct error err = {0};
    unsigned seed = 7;
    int stopped = 0;

    ok(many != NULL);
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    last_due = fired = 0;
    ordered = true;
    for (int i = 0; i < MANY; i++) {
        timer_init(&many[i], loop, on_many, &many[i]);
        timer_start_at(&many[i], rand_r(&seed) % 100000);
    }
    vtime_run(v, 30000, NULL, NULL);
    for (int i = 0; i < MANY; i++) {
        if (i % 3 == 0 && many[i].active) {
            timer_stop(&many[i]);
            stopped++;
        } else if (i % 3 == 1 && many[i].active) {
            timer_start_at(&many[i], 30000 + rand_r(&seed) % 100000);
        }
    }
    vtime_run(v, INT64_MAX, NULL, NULL);
    ok(ordered);
    ok_int(fired, MANY - stopped);
    ok(stopped > 100);
out:
    loop_free(loop);
    vtime_free(v);
    mem_free(many);
}

static void on_again(void *arg)
{
    struct timer *t = arg;

    note("x");
    timer_start(t, 1000);
}

static bool after_three(void *arg)
{
    (void)arg;
    return strlen(trail) >= 3;
}

UNIT(vtime_run_stops_where_it_is_told)
{
    struct vtime *v = NULL;
    struct loop *loop = NULL;
    struct timer t, halt;
    struct error err = {0};

    trail[0] = '\0';
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&loop, v, &err), &err);
    timer_init(&t, loop, on_again, &t);
    timer_init(&halt, loop, on_stop, loop);
    timer_start(&t, 1000);
    ok_int(vtime_run(v, INT64_MAX, after_three, NULL), 3000000);
    ok_str(trail, "xxx");
    timer_start(&halt, 1500);
    ok_int(vtime_run(v, INT64_MAX, NULL, NULL), 4500000);
    ok_str(trail, "xxxx");
    timer_stop(&t);
    ok_int(vtime_run(v, 9000000, NULL, NULL), 9000000);
out:
    loop_free(loop);
    vtime_free(v);
}

/* --- tasks, wakes and several loops --- */

struct relay {
    struct task task;
    struct wake *wake;
    const char *name;
    int left;
};

static void on_relay(void *arg)
{
    struct relay *r = arg;

    note(r->name);
    if (r->left-- > 0)
        wake_send(r->wake);
}

UNIT(virtual_loops_take_turns_until_all_are_idle)
{
    struct vtime *v = NULL;
    struct loop *one = NULL, *two = NULL;
    struct relay a = {.name = "a", .left = 2}, b = {.name = "b", .left = 2};
    struct wake *to_a = NULL, *to_b = NULL;
    struct task t, u, w;
    struct timer later;
    struct error err = {0};

    trail[0] = '\0';
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&one, v, &err), &err);
    ok_rc(loop_new(&two, v, &err), &err);
    ok_rc(wake_new(&to_a, one, on_relay, &a, &err), &err);
    ok_rc(wake_new(&to_b, two, on_relay, &b, &err), &err);
    a.wake = to_b;
    b.wake = to_a;
    task_init(&t, one, on_note, "1");
    task_init(&u, two, on_note, "2");
    task_init(&w, one, on_note, "never");
    timer_init(&later, one, on_note, "t");
    timer_start(&later, 0);
    task_post(&u);
    task_post(&t);
    task_post(&t);
    task_post(&w);
    task_cancel(&w);
    wake_send(to_a);
    wake_send(to_a);
    vtime_run(v, 0, NULL, NULL);
    ok_str(trail, "a1b2abat");
out:
    wake_free(to_a);
    wake_free(to_b);
    loop_free(one);
    loop_free(two);
    vtime_free(v);
}

/* --- work --- */

struct job {
    struct work work;
    const char *name;
    int sleep_ms;
    int times;
};

static void job_run(struct work *w)
{
    usleep((unsigned)((struct job *)w)->sleep_ms * 1000);
}

static void job_done(struct work *w)
{
    struct job *j = (struct job *)w;

    note(j->name);
    if (j->times-- > 0)
        work_submit(w->loop, w);
}

UNIT(work_answers_in_the_order_of_requests_and_costs_no_time)
{
    struct job a = {{.run = job_run, .done = job_done}, "a", 30, 1};
    struct job b = {{.run = job_run, .done = job_done}, "b", 0, 0};
    struct job c = {{.run = job_run, .done = job_done}, "c", 10, 0};
    struct vtime *v = NULL;
    struct loop *one = NULL, *two = NULL;
    struct timer t;
    struct error err = {0};

    trail[0] = '\0';
    ok_rc(vtime_new(&v, &err), &err);
    ok_rc(loop_new(&one, v, &err), &err);
    ok_rc(loop_new(&two, v, &err), &err);
    timer_init(&t, one, on_note, "t");
    timer_start(&t, 0);
    ok_int(work_submit(one, &a.work), 0);
    ok_int(work_submit(two, &b.work), 0);
    ok_int(work_submit(one, &c.work), 0);
    ok_int(work_pending(one), 2);
    ok_int(vtime_run(v, INT64_MAX, NULL, NULL), 0);
    ok_str(trail, "abcat");
    ok_int(work_pending(one), 0);
    b.sleep_ms = 20;
    ok_int(work_submit(two, &b.work), 0);
    two = loop_free(two); /* waits for it */
    ok_str(trail, "abcatb");
out:
    loop_free(one);
    loop_free(two);
    vtime_free(v);
}

/* --- real loops --- */

static void *send_from_thread(void *arg)
{
    wake_send(arg);
    return NULL;
}

UNIT(real_loop_runs_tasks_wakes_and_work)
{
    struct job a = {{.run = job_run, .done = job_done}, "w", 1, 0};
    struct wake *wake = NULL;
    struct loop *loop = NULL;
    struct task t, u;
    struct error err = {0};
    pthread_t thread;

    trail[0] = '\0';
    ok_rc(loop_new(&loop, NULL, &err), &err);
    ok(!loop_is_virtual(loop));
    ok_rc(wake_new(&wake, loop, on_stop, loop, &err), &err);
    task_init(&t, loop, on_note, "t");
    task_init(&u, loop, on_stop, loop);
    task_post(&t);
    task_post(&u);
    loop_run(loop); /* hangs if a task does not keep the loop from waiting */
    ok_str(trail, "t");
    ok_int(pthread_create(&thread, NULL, send_from_thread, wake), 0);
    loop_run(loop);
    pthread_join(thread, NULL);
    ok_int(work_submit(loop, &a.work), 0);
    while (work_pending(loop) > 0)
        loop_turn(loop, true);
    ok_str(trail, "tw");
    ok_int(work_submit(loop, &a.work), 0);
out:
    wake_free(wake);
    loop_free(loop); /* waits for the second work */
    if (trail[0] != '\0')
        unit_str(trail, "tww", __FILE__, __LINE__);
}

struct precise {
    struct timer timer;
    int64_t worst;
    int left;
};

static void on_precise(void *arg)
{
    struct precise *p = arg;
    int64_t late = loop_now(p->timer.loop) - p->timer.due;

    if (late < 0)
        p->worst = INT64_MAX; /* early */
    else if (p->worst != INT64_MAX && late < p->worst)
        p->worst = late;
    if (--p->left == 0)
        loop_stop(p->timer.loop);
    else
        timer_start_at(&p->timer, p->timer.due + 1300);
}

UNIT(real_timers_are_finer_than_a_millisecond)
{
    struct precise p = {.worst = 1000000, .left = 20};
    struct timer far, past;
    struct loop *loop = NULL;
    struct error err = {0};

    trail[0] = '\0';
    ok_rc(loop_new(&loop, NULL, &err), &err);
    timer_init(&p.timer, loop, on_precise, &p);
    timer_init(&far, loop, on_note, "far");
    timer_init(&past, loop, on_note, "p");
    timer_start(&far, 3600000);
    timer_start_at(&past, -5);
    timer_start_at(&p.timer, loop_now(loop) + 1300);
    loop_run(loop);
    timer_stop(&far);
    ok_str(trail, "p");
    /* The best of twenty, since the machine may be busy: never early, and not on the next whole
     * millisecond. */
    ok(p.worst < 300);
    ok(loop_wall(loop) > 1700000000000);
out:
    loop_free(loop);
}

UNIT_MAIN(CASE(timers_fire_by_time_then_by_start), CASE(timers_stay_ordered_in_a_crowd),
          CASE(vtime_run_stops_where_it_is_told), CASE(virtual_loops_take_turns_until_all_are_idle),
          CASE(work_answers_in_the_order_of_requests_and_costs_no_time),
          NO_TORTURE(real_loop_runs_tasks_wakes_and_work),
          NO_TORTURE(real_timers_are_finer_than_a_millisecond))
