/* Tones: each party may send one of its own, and listens for those of others, so that a test can
 * tell who hears whom. */
#include "sim/private.h"
#include <math.h>

enum {
    SQUARE = 8000, /* peaks */
    SINE = 4000,   /* five of them added are still no clipping */
    AUDIBLE = 800,
};

static void square(size_t n, int16_t *samples)
{
    size_t period = n / 20; /* 1 kHz */

    for (size_t i = 0; i < n; i++)
        samples[i] = i % period < period / 2 ? SQUARE : -SQUARE;
}

static void sine(struct sim_caller *c, size_t n, int16_t *samples)
{
    double step = 2 * M_PI * c->hz / codec_rate(c->codec);

    for (size_t i = 0; i < n; i++)
        samples[i] = (int16_t)lrint(SINE * sin(step * (double)(c->sent + i)));
    c->sent = (c->sent + n) % (size_t)codec_rate(c->codec); /* whole periods a second */
}

void sim_tone_frame(struct sim_caller *c, void *bytes)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(c->codec);

    if (c->hz != 0)
        sine(c, n, samples);
    else
        square(n, samples);
    codec_encode(c->codec, samples, n, bytes);
}

static void remember(struct sim *s, int hz)
{
    const int *all = s->hz.items;
    int *at;

    for (size_t i = 0; i < s->hz.count; i++)
        if (all[i] == hz)
            return;
    at = sim_row_add(&s->hz, sizeof *at, SIM_TONES);
    if (at != NULL)
        *at = hz;
}

void sim_caller_sends_tone(struct sim_caller *c, int hz)
{
    sim_caller_sends(c, hz != 0 ? SIM_TONE : SIM_SILENCE);
    c->hz = hz;
    c->sent = 0;
    if (hz != 0)
        remember(c->sim, hz);
}

int sim_tone_at(const struct sim *s, size_t n)
{
    return n < s->hz.count ? ((const int *)s->hz.items)[n] : 0;
}

/* How high the sine of that frequency peaks in these samples (Goertzel). */
static double peak(const int16_t *samples, size_t n, int hz, int rate)
{
    double k = 2 * cos(2 * M_PI * hz / rate), a = 0, b = 0, next;

    for (size_t i = 0; i < n; i++) {
        next = samples[i] + k * a - b;
        b = a;
        a = next;
    }
    return 2 * sqrt(fmax(0, a * a + b * b - k * a * b)) / (double)n;
}

void sim_tone_hear(struct sim_caller *c, const void *bytes)
{
    struct sim_tone *all = c->tones.items;
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(c->codec);
    int64_t now;

    if (c->tones.count == 0)
        return;
    codec_decode(c->codec, bytes, n, samples);
    now = sim_now(c->sim);
    for (size_t i = 0; i < c->tones.count; i++) {
        if (peak(samples, n, all[i].hz, codec_rate(c->codec)) < AUDIBLE) {
            all[i].run = 0;
            continue;
        }
        /* Between two frames of one stream there is no gap. */
        all[i].run = all[i].last >= 0 && now - all[i].last > FRAME_MS ? 1 : all[i].run + 1;
        all[i].frames++;
        all[i].last = now;
    }
}

const struct sim_tone *sim_caller_tone(struct sim_caller *c, int hz)
{
    struct sim_tone *all = c->tones.items, *t;

    for (size_t i = 0; i < c->tones.count; i++)
        if (all[i].hz == hz)
            return &all[i];
    t = sim_row_add(&c->tones, sizeof *t, SIM_TONES);
    if (t != NULL)
        *t = (struct sim_tone){.hz = hz, .last = -1};
    return t;
}

bool sim_caller_hears_tone(struct sim_caller *c, int hz, size_t frames)
{
    const struct sim_tone *t = sim_caller_tone(c, hz);

    return t != NULL && t->run >= frames && sim_now(c->sim) - t->last <= FRAME_MS;
}
