#include "media/convert.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define RATES     3  /* 8, 16, 24 kHz */
#define TAPS      24 /* for each output sample, when the rate grows */
#define TAPS_MAX  (TAPS * RATES)
#define FRAME_MAX (FRAME_BYTES_MAX / 2)
#define PASS_BAND 0.9 /* of half the lower rate */

_Static_assert(CONVERT_PAST == TAPS_MAX - 1, "the past that the longest filter sees");

/* How many taps a filter has; for an output sample at each place between two input samples. */
static struct {
    int up, down, taps;
    float tap[RATES][TAPS_MAX];
} filters[RATES + 1][RATES + 1];
static pthread_once_t filters_once = PTHREAD_ONCE_INIT;

static double windowed_sinc(double at, double cutoff, double length)
{
    const double pi = 3.14159265358979323846;
    double x = at - (length - 1) / 2;
    double sinc = fabs(x) < 1e-9 ? 2 * cutoff : sin(2 * pi * cutoff * x) / (pi * x);

    return sinc * (0.54 - 0.46 * cos(2 * pi * at / (length - 1)));
}

static void make_filter(int from, int to)
{
    int up = from == 2 && to == 3 ? 3 : from == 3 && to == 2 ? 2 : from == 1 ? to : 1;
    int down = up * from / to, taps = down > up ? (TAPS * down + up - 1) / up : TAPS, phase, i;
    double low = from < to ? from : to, cutoff = PASS_BAND * low / (2.0 * from * up);

    filters[from][to].up = up;
    filters[from][to].down = down;
    filters[from][to].taps = taps;
    for (phase = 0; phase < up; phase++) {
        float *tap = filters[from][to].tap[phase];
        double sum = 0;

        for (i = 0; i < taps; i++) {
            /* Stored backwards, so that the inner loop walks forwards through the samples. */
            double v = windowed_sinc(i * up + phase, cutoff, taps * up);

            tap[taps - 1 - i] = (float)v;
            sum += v;
        }
        for (i = 0; i < taps; i++)
            tap[i] = (float)(tap[i] / sum);
    }
}

static void make_filters(void)
{
    int from, to;

    for (from = 1; from <= RATES; from++)
        for (to = 1; to <= RATES; to++)
            if (from != to)
                make_filter(from, to);
}

void convert_init(struct convert *c, enum codec from, enum codec to)
{
    pthread_once(&filters_once, make_filters);
    *c = (struct convert){.from = (uint8_t)(codec_rate(from) / 8000),
                          .to = (uint8_t)(codec_rate(to) / 8000)};
}

static int16_t apply(const float *tap, const int16_t *x, int taps)
{
    float sum[4] = {0}, all;
    int i;

    /* The number of taps is a multiple of four: four sums need not wait for each other. */
    for (i = 0; i < taps; i += 4) {
        sum[0] += tap[i] * x[i];
        sum[1] += tap[i + 1] * x[i + 1];
        sum[2] += tap[i + 2] * x[i + 2];
        sum[3] += tap[i + 3] * x[i + 3];
    }
    all = sum[0] + sum[1] + sum[2] + sum[3];
    return (int16_t)(all > 32767 ? 32767 : all < -32768 ? -32768 : all);
}

void convert_frame(struct convert *c, const int16_t *in, int16_t *out)
{
    int up = filters[c->from][c->to].up, down = filters[c->from][c->to].down;
    int taps = filters[c->from][c->to].taps, n = 160 * c->from, i, at = 0, phase = 0;
    int16_t line[CONVERT_PAST + FRAME_MAX];

    if (c->from == c->to) {
        memcpy(out, in, (size_t)n * sizeof *out);
        return;
    }
    memcpy(line, c->past, sizeof c->past);
    memcpy(line + CONVERT_PAST, in, (size_t)n * sizeof *line);
    for (i = 0; i < 160 * c->to; i++) {
        out[i] =
            apply(filters[c->from][c->to].tap[phase], line + CONVERT_PAST + at + 1 - taps, taps);
        for (phase += down; phase >= up; phase -= up)
            at++;
    }
    memcpy(c->past, line + n, sizeof c->past);
}
