/* Tones of the network: the right pitch at the right time, and no seam where they repeat. */
#include "base/mem.h"
#include "media/tones.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* Sound between two times, in samples of 8 kHz: how strong a tone is there. */
static double between(const int16_t *samples, int from_ms, int to_ms, double hz)
{
    return stand_tone(samples + from_ms * 8, (size_t)(to_ms - from_ms) * 8, 8000, hz);
}

UNIT(the_ringback_of_america_and_of_britain)
{
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *samples = NULL;
    size_t n;

    ok_rc(tones_ringback(&a, CODEC_PCMU, NULL, &err), &err);
    ok_int(a->frames, 300);
    samples = stand_samples(a, &n);
    ok(samples != NULL);
    ok(between(samples, 0, 2000, 440) > 0.09 && between(samples, 0, 2000, 480) > 0.09);
    ok(between(samples, 0, 2000, 425) < 0.005);
    ok(between(samples, 2000, 6000, 440) < 0.0001);
    mem_free(samples);
    samples = NULL;
    a = audio_unref(a);
    ok_rc(tones_ringback(&a, CODEC_L16_8, "UK", &err), &err);
    samples = stand_samples(a, &n);
    ok(samples != NULL);
    ok_int(a->frames, 150);
    ok(between(samples, 0, 400, 400) > 0.09 && between(samples, 600, 1000, 450) > 0.09);
    ok(between(samples, 400, 600, 400) < 0.0001 && between(samples, 1000, 3000, 400) < 0.0001);
out:
    mem_free(samples);
    audio_unref(a);
}

/* Every value that Dial's ringTone may have. */
UNIT(every_country_of_the_reference_rings)
{
    static const char all[] =
        "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx "
        "my nl no nz ph pl pt ru se sg th uk us us-old tw ve za";
    struct error err = {0};
    struct audio *a = NULL;
    char name[8];
    const char *at = all;

    while (*at != '\0') {
        size_t length = strcspn(at, " ");

        memcpy(name, at, length);
        name[length] = '\0';
        at += length + (at[length] == ' ');
        ok_rc(tones_ringback(&a, CODEC_PCMA, name, &err), &err);
        ok(a->frames * FRAME_MS >= 3000 && a->frames * FRAME_MS <= 6000);
        a = audio_unref(a);
    }
    ok_int(tones_ringback(&a, CODEC_PCMA, "xx", &err), ERR_INVALID);
    ok(strstr(err.text, "\"xx\"") != NULL);
out:
    audio_unref(a);
}

/* Played again and again, and at each beginning and end, no step is larger than the tone's own. */
UNIT(no_tone_clicks)
{
    struct error err = {0};
    struct audio *a = NULL;
    int16_t *samples = NULL;
    size_t n, i;
    int kind;

    for (kind = 0; kind < 4; kind++) {
        ok_rc(kind == 0   ? tones_ringback(&a, CODEC_L16_16, "sg", &err)
              : kind == 1 ? tones_ringback(&a, CODEC_L16_16, "hu", &err)
              : kind == 2 ? tones_enter(&a, CODEC_L16_16, &err)
                          : tones_exit(&a, CODEC_L16_16, &err),
              &err);
        samples = stand_samples(a, &n);
        ok(samples != NULL);
        for (i = 0; i < n; i++) {
            int step = abs(samples[i] - samples[i == 0 ? n - 1 : i - 1]);

            ok(step < 0.2 * 32767 * 2 * 3.1416 * 900 / 16000);
        }
        mem_free(samples);
        samples = NULL;
        a = audio_unref(a);
    }
out:
    mem_free(samples);
    audio_unref(a);
}

UNIT_MAIN(CASE(the_ringback_of_america_and_of_britain), CASE(every_country_of_the_reference_rings),
          CASE(no_tone_clicks))
