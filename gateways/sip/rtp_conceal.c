#include "gateways/sip/rtp_conceal.h"

#include <limits.h>
#include <stdlib.h>

#define SHORTEST_US 2500 /* a cycle: 400 Hz */
#define LONGEST_US  15000
#define SPAN_MS     20 /* over which a cycle is looked for */
#define PARTS       4  /* of that, between two looks whether it is enough */
#define ROUGH       4  /* samples of which one is looked at first */
#define NEAR        4  /* then, how far around what was found */
#define BLEND_MS    5

/* How much the last `span` samples differ from those `shift` before, looking at every `step`th. No
 * longer counted once that is as much as `most`. */
static int difference(const int16_t *end, int shift, int span, int step, int most)
{
    int sum = 0, i = -span;

    while (i < 0 && sum < most)
        for (int stop = i + span / PARTS; i < stop; i += step)
            sum += abs(end[i] - end[i - shift]);
    return sum;
}

static int find_least(const int16_t *end, int from, int to, int span, int step)
{
    int best = to, least = INT_MAX;

    for (int shift = from; shift <= to; shift++) {
        int d = difference(end, shift, span, step, least);

        if (d < least) {
            least = d;
            best = shift;
        }
    }
    return best;
}

/* The shift at which the last SPAN_MS are most like what was before them: roughly, then exactly. On
 * a machine that is too slow packets come too late on all calls at once, and this must not make it
 * slower still. */
static int find_cycle(const int16_t *end, int rate)
{
    int least = rate * (SHORTEST_US / 100) / 10000, most = rate * (LONGEST_US / 100) / 10000;
    int span = rate * SPAN_MS / 1000, step = rate / 8000, near = NEAR * step;
    int rough = find_least(end, least, most, span, ROUGH * step);

    return find_least(end, rough - near < least ? least : rough - near,
                      rough + near > most ? most : rough + near, span, step);
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
