#include "media/music.h"

#include "base/mem.h"
#include <math.h>

/* Eight bars of six notes: broken chords over a bass, with a slow melody above. A note is its
 * distance in semitones from the A of 440 Hz. */
enum { BARS = 8, NOTES = 6, NOTE_MS = 500, NOTE_LASTS_MS = 3000 };

static const struct {
    signed char bass, chord[4], melody; /* melody: one long note in each bar */
} bars[BARS] = {
    {-21, {-9, -5, -2, 3}, 7},   /* C major, the melody on E */
    {-24, {-12, -9, -5, 0}, 3},  /* A minor, C */
    {-28, {-12, -9, -4, 0}, 8},  /* F major, F */
    {-26, {-10, -7, -2, 2}, 5},  /* G major, D */
    {-21, {-9, -5, -2, 3}, 10},  /* C major, G */
    {-29, {-10, -5, -2, 2}, 7},  /* E minor, E */
    {-28, {-12, -9, -4, 0}, 3},  /* F major, C */
    {-26, {-10, -7, -4, -2}, 5}, /* G seventh, D */
};
static const signed char order[NOTES] = {0, 1, 2, 3, 2, 1};

/* How loud a kind of note begins, and in how many seconds it falls to a third. */
struct voice {
    double peak, fall, overtone; /* overtone: the share of the octave above */
};
static const struct voice chord_voice = {0.08, 0.45, 0.3};
static const struct voice bass_voice = {0.09, 0.9, 0.6};
static const struct voice melody_voice = {0.055, 0.8, 0.1};

/* A tone that turns by a fixed angle each sample, without a sine each. */
struct turn {
    double x, y, c, s;
};

static struct turn turn_of(double hz, int rate)
{
    double angle = 2 * 3.14159265358979323846 * hz / rate;

    return (struct turn){1, 0, cos(angle), sin(angle)};
}

static double turn_next(struct turn *t)
{
    double x = t->x * t->c - t->y * t->s, y = t->x * t->s + t->y * t->c;

    t->x = x;
    t->y = y;
    return y;
}

/* Adds a note that begins at sample `at`; what sounds beyond the end goes on at the beginning. */
static void strike(float *out, size_t n, size_t at, int semitones, const struct voice *v, int rate)
{
    double hz = 440 * pow(2, semitones / 12.0), fall = exp(-1 / (v->fall * rate)), level = v->peak;
    struct turn low = turn_of(hz, rate), high = turn_of(2 * hz, rate);
    size_t lasts = (size_t)rate * NOTE_LASTS_MS / 1000, edge = (size_t)rate / 100, i;

    for (i = 0; i < lasts; i++, level *= fall) {
        size_t from_end = lasts - 1 - i;
        size_t near = i < from_end ? i : from_end;
        double gain = near < edge ? (double)near / (double)edge : 1;
        double sound = turn_next(&low) + v->overtone * turn_next(&high);

        out[(at + i) % n] += (float)(level * gain * sound);
    }
}

static void write_bar(float *out, size_t n, int bar, int rate)
{
    size_t note = (size_t)rate * NOTE_MS / 1000, at = (size_t)bar * NOTES * note;
    int i;

    strike(out, n, at, bars[bar].bass, &bass_voice, rate);
    strike(out, n, at + note, bars[bar].melody, &melody_voice, rate);
    for (i = 0; i < NOTES; i++)
        strike(out, n, at + (size_t)i * note, bars[bar].chord[order[i]], &chord_voice, rate);
}

int music_hold(struct audio **ap, enum codec c, struct error *err)
{
    int rate = codec_rate(c), bar, rc;
    size_t n = (size_t)rate * MUSIC_SECONDS, i;
    float *sum = mem_alloc(n * sizeof *sum);
    int16_t *samples = mem_alloc(n * sizeof *samples);

    if (sum == NULL || samples == NULL) {
        mem_free(sum);
        mem_free(samples);
        return error_nomem(err);
    }
    for (bar = 0; bar < BARS; bar++)
        write_bar(sum, n, bar, rate);
    for (i = 0; i < n; i++)
        samples[i] = sample_clip((int32_t)lrintf(32767 * sum[i]));
    rc = audio_from_samples(ap, c, samples, n, rate, err);
    mem_free(sum);
    mem_free(samples);
    return rc;
}
