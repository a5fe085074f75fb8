/* Timers of the SIP stack fire in the order of their moments, whatever was added and removed. */
#include "base/sid.h"
#include "gateways/sip/due.h"
#include "tests/unit/unit.h"

enum { MANY = 5000 };

static void nothing(void *arg)
{
    (void)arg;
}

static void add(struct due_heap *heap, struct due *d, uint64_t at)
{
    d->h = nothing;
    d->at = at;
    due_add(heap, d);
}

static struct due *take(struct due_heap *heap)
{
    struct due *d = heap->first;

    if (d != NULL)
        due_remove(heap, d);
    return d;
}

UNIT(timers_come_in_the_order_of_their_moments)
{
    struct due_heap heap = {0};
    struct due d[3] = {0};

    add(&heap, &d[0], 500);
    add(&heap, &d[1], 32000);
    add(&heap, &d[2], 100);
    ok(take(&heap) == &d[2]);
    ok(d[2].h == NULL);
    ok(take(&heap) == &d[0]);
    ok(take(&heap) == &d[1]);
    ok(take(&heap) == NULL);
out:;
}

UNIT(timers_of_one_moment_keep_their_order)
{
    struct due_heap heap = {.added = UINTPTR_MAX - 4}; /* its counter wraps on the way */
    struct due d[10] = {0};

    for (int i = 0; i < 10; i++)
        add(&heap, &d[i], 7);
    due_remove(&heap, &d[4]);
    for (int i = 0; i < 10; i++)
        if (i != 4)
            ok(take(&heap) == &d[i]);
    ok(heap.first == NULL);
out:;
}

/* As transactions do: short timers started, restarted and cancelled among many long ones. */
UNIT(short_timers_among_thousands_of_long_ones_keep_order_and_number)
{
    static struct due d[MANY];
    struct due_heap heap = {0};
    struct rng rng;
    uint64_t last = 0;
    size_t in = 0, taken = 0;
    struct due *first;

    rng_init_seeded(&rng, 4);
    for (int i = 0; i < MANY; i++)
        d[i] = (struct due){0};
    for (int step = 0; step < 20 * MANY; step++) {
        struct due *one = &d[rng_u64(&rng) % MANY];

        if (one->h != NULL) {
            due_remove(&heap, one);
            in--;
        }
        if (rng_u64(&rng) % 4 != 0) {
            add(&heap, one,
                rng_u64(&rng) % 2 == 0 ? 32000 + rng_u64(&rng) % 9 : rng_u64(&rng) % 500);
            in++;
        }
    }
    while ((first = take(&heap)) != NULL) {
        ok(first->at >= last);
        last = first->at;
        taken++;
    }
    ok_int((int)taken, (int)in);
out:;
}

UNIT_MAIN(CASE(timers_come_in_the_order_of_their_moments),
          CASE(timers_of_one_moment_keep_their_order),
          CASE(short_timers_among_thousands_of_long_ones_keep_order_and_number))
