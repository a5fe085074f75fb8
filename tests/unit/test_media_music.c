/* The music of those who wait: sound throughout, never loud, and no seam where it begins again. */
#include "base/mem.h"
#include "media/music.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static double loudness(const int16_t *samples, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)samples[i] * samples[i];
    return sum / (double)n;
}

UNIT(the_music_plays_on_without_a_seam)
{
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *samples = NULL;
    size_t n, second = 8000;
    int peak = 0, step = 0;

    ok_rc(music_hold(&a, CODEC_L16_8, &err), &err);
    ok_int(a->frames, MUSIC_SECONDS * 50);
    samples = stand_samples(a, &n);
    ok(samples != NULL);
    for (size_t i = 0; i < n; i++) {
        int next = samples[(i + 1) % n];

        peak = abs(samples[i]) > peak ? abs(samples[i]) : peak;
        if (i + 1 < n)
            step = abs(next - samples[i]) > step ? abs(next - samples[i]) : step;
    }
    /* Loud enough to be heard as music, never louder than speech. */
    for (size_t at = 0; at + second <= n; at += second)
        ok(loudness(samples + at, second) > 500.0 * 500);
    ok(peak < 16000);
    ok(abs(samples[0] - samples[n - 1]) <= step);
    ok(stand_tone(samples, 3 * second, 8000, 261.63) > 0.01); /* it begins in C major */
    ok(stand_tone(samples, 3 * second, 8000, 277.18) < 0.005);
out:
    mem_free(samples);
    audio_unref(a);
}

UNIT_MAIN(CASE(the_music_plays_on_without_a_seam))
