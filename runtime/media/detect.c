#include "media/detect.h"

#include "base/mem.h"
#include <math.h>
#include <pthread.h>
#include <spandsp.h>
#include <string.h>

#define FACTOR_MAX 3  /* 24 kHz to 8 kHz */
#define TAPS       16 /* of the filter, for each sample that it makes one of */
#define TAPS_MAX   (TAPS * FACTOR_MAX)
#define CUTOFF     3600.0

/* After sound, this many silent frames are really fed, so that the detector sees the tone end and
 * takes the same key pressed again for a second digit. */
#define SILENCE_FED 3

struct detector {
    dtmf_rx_state_t *rx;
    int factor; /* samples of the channel for one of the detector */
    int silent; /* silent frames in a row, up to SILENCE_FED */
    int16_t past[TAPS_MAX];
};

static float taps[FACTOR_MAX + 1][TAPS_MAX];
static pthread_once_t taps_once = PTHREAD_ONCE_INIT;

/* A sinc in a Hamming window for each factor, with gain 1. */
static void make_taps(void)
{
    const double pi = 3.14159265358979323846;
    int factor, i;

    for (factor = 2; factor <= FACTOR_MAX; factor++) {
        int n = TAPS * factor;
        double sum = 0, w[TAPS_MAX];

        for (i = 0; i < n; i++) {
            double x = i - (n - 1) / 2.0; /* never 0: n is even */

            w[i] = sin(2 * pi * CUTOFF / (8000.0 * factor) * x) / x *
                   (0.54 - 0.46 * cos(2 * pi * i / (n - 1)));
            sum += w[i];
        }
        for (i = 0; i < n; i++)
            taps[factor][i] = (float)(w[i] / sum);
    }
}

int detector_new(struct detector **dp, enum codec c, struct error *err)
{
    struct detector *d = mem_alloc(sizeof *d);

    if (d == NULL)
        return error_nomem(err);
    pthread_once(&taps_once, make_taps);
    d->factor = codec_rate(c) / 8000;
    d->rx = dtmf_rx_init(NULL, NULL, NULL);
    if (d->rx == NULL) {
        mem_free(d);
        return error_nomem(err);
    }
    *dp = d;
    return 0;
}

struct detector *detector_free(struct detector *d)
{
    if (d == NULL)
        return NULL;
    dtmf_rx_free(d->rx);
    mem_free(d);
    return NULL;
}

/* Makes 160 samples at 8 kHz out of a frame at 16 or 24 kHz. */
static void narrow(struct detector *d, const int16_t *in, int16_t *out)
{
    int n = TAPS * d->factor, past = n - d->factor, i, j;
    const float *tap = taps[d->factor];
    int16_t line[TAPS_MAX + FRAME_BYTES_MAX / 2];

    memcpy(line, d->past, (size_t)past * sizeof *line);
    memcpy(line + past, in, (size_t)(160 * d->factor) * sizeof *line);
    for (i = 0; i < 160; i++) {
        const int16_t *from = line + i * d->factor;
        float sum = 0;

        for (j = 0; j < n; j++)
            sum += tap[j] * from[j];
        out[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
    }
    memcpy(d->past, line + 160 * d->factor, (size_t)past * sizeof *line);
}

size_t detector_frame(struct detector *d, const int16_t *samples, char *digits, size_t max)
{
    static const int16_t zeros[FRAME_BYTES_MAX / 2];
    int16_t narrowed[160];
    char found[8];
    size_t n;

    if (samples != NULL) {
        d->silent = 0;
    } else {
        if (d->silent == SILENCE_FED)
            return 0;
        d->silent++;
        samples = zeros;
    }
    if (d->factor > 1) {
        narrow(d, samples, narrowed);
        samples = narrowed;
    }
    dtmf_rx(d->rx, samples, 160);
    n = dtmf_rx_get(d->rx, found, (int)(max < sizeof found - 1 ? max : sizeof found - 1));
    memcpy(digits, found, n);
    return n;
}
