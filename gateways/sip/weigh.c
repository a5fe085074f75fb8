#include "gateways/sip/weigh.h"

static void swap(struct weighed *a, struct weighed *b)
{
    struct weighed t = *a;

    *a = *b;
    *b = t;
}

/* Puts the one that comes first of `n` at w[0]. */
static void pick(struct weighed *w, size_t n, struct rng *rng)
{
    uint64_t total = 0, at;
    uint32_t least = w[0].priority;

    for (size_t i = 1; i < n; i++)
        if (w[i].priority < least)
            least = w[i].priority;
    /* One more each, so that those of weight 0 have their small chance. */
    for (size_t i = 0; i < n; i++)
        total += w[i].priority == least ? (uint64_t)w[i].weight + 1 : 0;
    at = total > 0 ? rng_u64(rng) % total : 0; /* never 0, which cppcheck does not see */
    for (size_t i = 0; i < n; i++) {
        if (w[i].priority != least)
            continue;
        if (at <= w[i].weight) {
            swap(&w[0], &w[i]);
            return;
        }
        at -= (uint64_t)w[i].weight + 1;
    }
}

void weigh(struct weighed *w, size_t n, struct rng *rng)
{
    for (; n > 1; w++, n--)
        pick(w, n, rng);
}
