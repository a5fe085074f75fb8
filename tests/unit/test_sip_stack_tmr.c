/* libre's timers on our heap: each test drives them through libre's own calls, on a clock of the
 * test's (libre asks tmr_jiffies() of the program, too), and libre's own list is the measure. */
#include "gateways/sip/stack_private.h"
#include "unit.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static uint64_t now_ms;

uint64_t tmr_jiffies(void)
{
    return now_ms;
}

/* libre's list of this thread, which its header keeps to itself. */
struct list *tmrl_get(void);

/* One set of timer functions: those that a program of ours calls, or libre's own. */
struct way {
    void (*start)(struct tmr *t, uint64_t delay, tmr_h *th, void *arg);
    void (*poll)(struct list *tmrl);
    uint64_t (*next)(struct list *tmrl);
};

enum { TIMERS = 5000, ROUNDS = 4000, SEEN_MOST = 400000 };

static struct ran {
    const struct way *way;
    struct tmr timers[TIMERS];
    uint16_t seen[SEEN_MOST]; /* which ran, in their order; TIMERS: a poll was over */
    size_t n;
    uint64_t random;
    uint64_t waits; /* sum of what the polls were told to wait */
} ours, theirs;

static unsigned pick(struct ran *r, unsigned below)
{
    r->random = r->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->random >> 33) % below;
}

static void see(struct ran *r, size_t what)
{
    if (r->n < SEEN_MOST)
        r->seen[r->n++] = (uint16_t)what;
}

static struct ran *ran_of(struct tmr *t)
{
    return t >= ours.timers && t < ours.timers + TIMERS ? &ours : &theirs;
}

/* As transactions do: most linger for long, some come at once, some at the same time. */
static uint64_t delay_of(struct ran *r)
{
    static const uint64_t usual[] = {0, 0, 1, 20, 500, 500, 1000, 5000, 32000, 32000};
    unsigned which = pick(r, 12);

    return which < 10 ? usual[which] : pick(r, 40000);
}

static void on_due(void *arg)
{
    struct tmr *t = arg;
    struct ran *r = ran_of(t);
    struct tmr *other = &r->timers[pick(r, TIMERS)];

    see(r, (size_t)(t - r->timers));
    switch (pick(r, 8)) {
    case 0: /* itself, not at once for ever */
        r->way->start(t, 1 + delay_of(r), on_due, t);
        break;
    case 1: /* another one, in the same poll as well */
        r->way->start(other, delay_of(r), on_due, other);
        break;
    case 2:
        r->way->start(other, 0, NULL, NULL);
        break;
    default:
        break;
    }
}

static void play(struct ran *r, const struct way *way)
{
    memset(r, 0, sizeof *r);
    r->way = way;
    r->random = 20261123;
    now_ms = 1000000;
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = pick(r, 30); i > 0; i--) {
            struct tmr *t = &r->timers[pick(r, TIMERS)];

            if (pick(r, 4) == 0)
                way->start(t, 0, NULL, NULL);
            else
                way->start(t, delay_of(r), on_due, t);
        }
        r->waits += way->next(tmrl_get());
        now_ms += pick(r, 60);
        way->poll(tmrl_get());
        see(r, TIMERS);
    }
    for (size_t i = 0; i < TIMERS; i++)
        way->start(&r->timers[i], 0, NULL, NULL);
}

static bool find(const char *name, void *function)
{
    void *at = dlsym(RTLD_NEXT, name);

    memcpy(function, &at, sizeof at);
    return at != NULL;
}

/* libre's calls of its own functions, from its tmr_cancel() to its loop, come to us. */
UNIT(libre_calls_our_timers)
{
    void (*cancel)(struct tmr * t);
    struct tmr t = {.th = NULL};

    ok(stack_tmr_reached());
    ok(find("tmr_cancel", &cancel));
    tmr_start(&t, 10, on_due, &t);
    ok(tmr_isrunning(&t) && tmr_next_timeout(tmrl_get()) == 10);
    cancel(&t);
    ok(!tmr_isrunning(&t) && tmr_next_timeout(tmrl_get()) == 0);
out:
    tmr_cancel(&t);
}

UNIT(timers_run_in_the_order_of_libre)
{
    const struct way heap = {tmr_start, tmr_poll, tmr_next_timeout};
    struct way list;

    ok(find("tmr_start", &list.start) && find("tmr_poll", &list.poll) &&
       find("tmr_next_timeout", &list.next));
    ok(list.start != tmr_start && list.poll != tmr_poll && list.next != tmr_next_timeout);
    play(&ours, &heap);
    ok_int(tmr_next_timeout(tmrl_get()), 0);
    play(&theirs, &list);
    ok(theirs.n > 20000 && theirs.n < SEEN_MOST);
    ok_int(ours.n, theirs.n);
    ok(memcmp(ours.seen, theirs.seen, ours.n * sizeof *ours.seen) == 0);
    ok(ours.waits == theirs.waits);
out:;
}

static void on_count(void *arg)
{
    ++*(int *)arg;
}

static void on_stop(void *arg)
{
    struct tmr *t = arg;

    if (t != NULL)
        tmr_cancel(t);
    re_cancel();
}

/* libre's loop itself: it waits as long as the soonest says, runs it, and those it stops never. */
UNIT(the_loop_of_libre_turns_on_them)
{
    struct tmr first = {.th = NULL}, second = {.th = NULL}, same = {.th = NULL};
    int seconds = 0, sames = 0;

    if (libre_init() != 0)
        return;
    now_ms = 5000;
    tmr_start(&second, 0, on_count, &seconds);
    tmr_start(&first, 0, on_stop, &second);
    tmr_start(&same, 0, on_count, &sames);
    tmr_start(&second, 0, on_count, &seconds);
    ok_int(re_main(NULL), 0);
    ok(!tmr_isrunning(&first) && !tmr_isrunning(&second));
    ok(seconds == 0 && sames == 1);
out:
    tmr_cancel(&first);
    tmr_cancel(&second);
    tmr_cancel(&same);
    libre_close();
}

UNIT(only_the_timer_that_was_started_last_is_made_due_at_another_time)
{
    struct tmr t = {.th = NULL}, other = {.th = NULL};
    int one, two;

    now_ms = 1;
    tmr_start(&t, 60000, on_stop, &one);
    stack_tmr_again(&two, 100);
    ok_int(tmr_next_timeout(tmrl_get()), 60000);
    stack_tmr_again(&one, 100);
    ok_int(tmr_next_timeout(tmrl_get()), 100);
    stack_tmr_again(&one, 90000);
    ok_int(tmr_next_timeout(tmrl_get()), 90000);
    tmr_start(&other, 95000, on_stop, &two);
    stack_tmr_again(&one, 100);
    ok_int(tmr_next_timeout(tmrl_get()), 90000);
    tmr_cancel(&other);
    stack_tmr_again(&two, 100);
    ok_int(tmr_next_timeout(tmrl_get()), 90000);
out:
    tmr_cancel(&t);
    tmr_cancel(&other);
}

/* What made the list slow: many that linger, and short ones that come and go before them. The list
 * would pass 40,000 for each of 200,000, for minutes. */
UNIT(a_short_timer_costs_little_behind_many_long_ones)
{
    static struct tmr long_ones[40000];
    struct tmr t = {.th = NULL};

    now_ms = 1;
    for (size_t i = 0; i < 40000; i++)
        tmr_start(&long_ones[i], 32000 + i / 10, on_stop, NULL);
    for (int i = 0; i < 200000; i++) {
        tmr_start(&t, 500, on_stop, NULL);
        ok_int(tmr_next_timeout(tmrl_get()), 500);
    }
out:
    tmr_cancel(&t);
    for (size_t i = 0; i < 40000; i++)
        tmr_cancel(&long_ones[i]);
}

UNIT_MAIN(CASE(libre_calls_our_timers), CASE(timers_run_in_the_order_of_libre),
          CASE(the_loop_of_libre_turns_on_them),
          CASE(only_the_timer_that_was_started_last_is_made_due_at_another_time),
          CASE(a_short_timer_costs_little_behind_many_long_ones))
