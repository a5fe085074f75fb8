#include "tests/bench/floor.h"
#include "base/loop.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double floor_cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct bare {
    struct loop *loop;
    struct timer timer;
    int64_t due, late[1000];
    unsigned n;
};

static void on_bare(void *arg)
{
    struct bare *b = arg;

    b->late[b->n++] = loop_now(b->loop) - b->due;
    if (b->n == sizeof b->late / sizeof *b->late) {
        loop_stop(b->loop);
        return;
    }
    b->due += 2000;
    timer_start_at(&b->timer, b->due);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

int64_t floor_lateness(void)
{
    static struct bare b;
    struct error err = {0};

    b.n = 0;
    if (loop_new(&b.loop, NULL, &err) != 0) {
        fprintf(stderr, "the floor of lateness: %s\n", err.text);
        exit(1);
    }
    timer_init(&b.timer, b.loop, on_bare, &b);
    b.due = loop_now(b.loop) + 2000;
    timer_start_at(&b.timer, b.due);
    loop_run(b.loop);
    loop_free(b.loop);
    qsort(b.late, b.n, sizeof *b.late, compare);
    return b.late[b.n * 99 / 100];
}
