#include "gateways/sip/rtp_conceal.h"

#include <stdlib.h>

#define SHORTEST_US 2500 /* a cycle: 400 Hz */
#define LONGEST_US  15000
#define SPAN_MS     20 /* over which a cycle is looked for */
#define BLEND_MS    5

/* The shift at which the last SPAN_MS are most like what was before them. */
static int find_cycle(const int16_t *end, int rate)
{
    int least = rate * (SHORTEST_US / 100) / 10000, most = rate * (LONGEST_US / 100) / 10000;
    int span = rate * SPAN_MS / 1000, step = rate / 8000, best = most, shift, i;
    int64_t least_difference = INT64_MAX;

    for (shift = least; shift <= most; shift++) {
        int64_t difference = 0;

        for (i = -span; i < 0; i += step)
            difference += abs(end[i] - end[i - shift]);
        if (difference < least_difference) {
            least_difference = difference;
            best = shift;
        }
    }
    return best;
}

void conceal_start(struct conceal *c, const int16_t *past, size_t n, int rate)
{
    const int16_t *end = past + n;
    int i, quarter;

    c->rate = rate;
    c->at = c->made = 0;
    c->cycle_len = find_cycle(end, rate);
    quarter = c->cycle_len / 4;
    for (i = 0; i < c->cycle_len; i++) {
        int from_end = c->cycle_len - i, in = quarter - from_end; /* 0 up in the last quarter */

        c->cycle[i] = end[-from_end];
        if (in >= 0) /* goes over to what came before the cycle, so that its ends meet */
            c->cycle[i] =
                (int16_t)((end[-from_end] * (quarter - in) + end[-from_end - c->cycle_len] * in) /
                          quarter);
    }
}

void conceal_make(struct conceal *c, int16_t *out, size_t n)
{
    int all = c->rate * CONCEAL_MS / 1000;
    size_t i;

    for (i = 0; i < n; i++) {
        int left = c->made < all ? all - c->made : 0;

        out[i] = (int16_t)(c->cycle[c->at] * left / all);
        c->at = (c->at + 1) % c->cycle_len;
        c->made++;
    }
}

void conceal_end(struct conceal *c, int16_t *samples, size_t n)
{
    int16_t made[16 * BLEND_MS];
    int i, blend = c->rate * BLEND_MS / 1000;

    if (n < (size_t)blend)
        blend = (int)n;
    conceal_make(c, made, (size_t)blend);
    for (i = 0; i < blend; i++)
        samples[i] = (int16_t)((made[i] * (blend - i) + samples[i] * i) / blend);
}
