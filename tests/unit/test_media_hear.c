/* Taps, silence and digits in the audio. */
#include "base/mem.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

/* A key held for `ms`, each of its tones at `dbm0`, then the same time of silence; twice. */
static struct audio *key_twice(enum codec c, double row, double column, int ms, double dbm0)
{
    int rate = codec_rate(c), i, n = rate * ms / 1000;
    double peak = pow(10, (dbm0 - 3.14) / 20), turn = 2 * 3.14159265358979323846 / rate;
    int16_t *samples = mem_alloc((size_t)n * 4 * sizeof *samples);
    struct audio *a = NULL;

    for (i = 0; samples != NULL && i < n; i++) {
        double v = peak * (sin(turn * row * i) + sin(turn * column * i));

        samples[i] = samples[i + 2 * n] = (int16_t)lrint(v * 32767);
    }
    if (samples != NULL)
        audio_from_samples(&a, c, samples, (size_t)n * 4, rate, NULL);
    mem_free(samples);
    return a;
}

UNIT(keys_are_heard_at_every_level_codec_and_rate)
{
    static const double levels[] = {-10, -25, -40};
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    int c;
    size_t i;

    for (c = 0; c < CODEC_COUNT; c++) {
        for (i = 0; i < 3; i++) {
            a = key_twice((enum codec)c, 770, 1336, 60, levels[i]);
            ok(a != NULL);
            ok_rc(stand_open(&r, (enum codec)c, true, 0, &err), &err);
            stand_hear(&r, a);
            ok_str(r.digits, "55");
            stand_close(&r);
            memset(&r, 0, sizeof r);
            a = audio_unref(a);
        }
    }
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(digits_played_as_tones_are_heard_once_each)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    size_t n;

    ok_rc(audio_from_digits(&a, CODEC_PCMA, "1234567890*#abcDw55W9", &err), &err);
    n = 21; /* characters, of which two are pauses */
    ok_int(a->frames, (n - 2) * 10 + 25 + 50);
    ok_rc(stand_open(&r, CODEC_PCMA, true, 0, &err), &err);
    stand_hear(&r, a);
    ok_str(r.digits, "1234567890*#ABCD559");
out:
    audio_unref(a);
    stand_close(&r);
}

/* A gateway that sends silence records between the keys: the tone's end must still be seen. */
UNIT(a_key_pressed_twice_with_silence_records_between_counts_twice)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    int i;

    ok_rc(audio_from_digits(&a, CODEC_PCMU, "7", &err), &err);
    a->frames = 5; /* the tone alone */
    ok_rc(stand_open(&r, CODEC_PCMU, true, 0, &err), &err);
    for (i = 0; i < 3; i++) {
        stand_hear(&r, a);
        stand_hear_silence(&r, 5);
    }
    ok_str(r.digits, "777");
out:
    audio_unref(a);
    stand_close(&r);
}

/* At 8 kHz these would fold onto the tones of the 5. */
UNIT(tones_above_the_telephone_band_are_no_digits)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = key_twice(CODEC_L16_16, 8000 - 770, 8000 - 1336, 100, -10);

    ok(a != NULL);
    ok_rc(stand_open(&r, CODEC_L16_16, true, 0, &err), &err);
    stand_hear(&r, a);
    ok_str(r.digits, "");
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(a_channel_with_digit_events_hears_no_tones)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;

    ok_rc(audio_from_digits(&a, CODEC_PCMU, "12", &err), &err);
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    stand_hear(&r, a);
    ok_str(r.digits, "");
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(a_flood_of_digits_is_bounded_and_counted)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    struct media_stats stats;
    char many[101];
    size_t i;

    memset(many, '8', 100);
    many[100] = '\0';
    ok_rc(audio_from_digits(&a, CODEC_PCMU, many, &err), &err);
    ok_rc(stand_open(&r, CODEC_PCMU, true, 0, &err), &err);
    for (i = 0; i < a->frames; i++) /* all before control looks */
        media_channel_input(r.channel, a->data + i * 160, 160);
    media_stats(r.media, &stats);
    ok_int(stats.digits_dropped, 100 - 64);
    stand_run(&r, 20);
    ok_int(strlen(r.digits), STAND_EVENTS - 1); /* as many as the stand keeps */
out:
    audio_unref(a);
    stand_close(&r);
}

/* --- taps --- */

struct tapping {
    struct stand r;
    struct tap *tap;
    struct audio *tone;
};

static int tapping_open(struct tapping *t, enum codec c, int silence_ms, int max_ms,
                        struct error *err)
{
    int rc = stand_open(&t->r, c, false, 0, err);

    if (rc == 0)
        rc = tap_new(&t->tap, c, 128, err);
    if (rc == 0)
        rc = audio_from_tone(&t->tone, c, 440, 200, 0.2, err);
    if (rc == 0)
        rc = media_tap(t->r.channel, t->tap, silence_ms, max_ms, 1);
    if (rc == 0)
        stand_run(&t->r, 1);
    return rc;
}

static void tapping_close(struct tapping *t)
{
    stand_close(&t->r);
    audio_unref(t->tone);
    tap_free(t->tap);
}

UNIT(a_tap_ends_after_silence_and_knows_where_the_sound_was)
{
    struct tapping t = {0};
    struct error err = {0};
    int16_t samples[160 * 128];

    ok_rc(tapping_open(&t, CODEC_PCMU, 500, 60000, &err), &err);
    stand_hear_silence(&t.r, 5);
    stand_hear(&t.r, t.tone);
    stand_hear_silence(&t.r, 24);
    stand_hear(&t.r, t.tone);
    stand_hear_silence(&t.r, 24);
    ok_int(t.r.tapped, 0);
    stand_run(&t.r, 5000); /* nothing received is not silence */
    ok_int(t.r.tapped, 0);
    stand_hear_silence(&t.r, 1);
    ok_int(t.r.tapped, 1);
    ok_int(t.r.tap.why, TAP_SILENCE);
    ok(t.r.tap.heard);
    ok_int(t.r.tap.lead_silence, 5);
    ok_int(t.r.tap.tail_silence, 25);
    ok_int(t.r.tap.frames, 5 + 10 + 24 + 10 + 25);
    ok_int(t.r.tap.lost, 0);
    ok_int(tap_take(t.tap, samples, 128), t.r.tap.frames);
    ok_int(samples[0], 0);
    ok(stand_tone(samples + 5 * 160, 1600, 8000, 440) > 0.19);
    ok(stand_tone(samples + 15 * 160, 1600, 8000, 440) < 0.01);
out:
    tapping_close(&t);
}

UNIT(a_tap_ends_at_its_maximum)
{
    struct tapping t = {0};
    struct error err = {0};

    ok_rc(tapping_open(&t, CODEC_L16_16, 0, 300, &err), &err);
    stand_hear(&t.r, t.tone);
    stand_hear(&t.r, t.tone);
    ok_int(t.r.tapped, 1);
    ok_int(t.r.tap.why, TAP_MAX);
    ok_int(t.r.tap.frames, 15);
out:
    tapping_close(&t);
}

UNIT(a_tap_without_silence_limit_goes_on_until_stopped)
{
    struct tapping t = {0};
    struct error err = {0};

    ok_rc(tapping_open(&t, CODEC_PCMA, 0, 0, &err), &err);
    ok_int(media_tap(t.r.channel, t.tap, 0, 0, 2), ERR_WRONG_STATE);
    stand_hear_silence(&t.r, 120);
    ok_int(t.r.tapped, 0);
    media_tap_stop(t.r.channel, 2); /* another's */
    stand_run(&t.r, 20);
    ok_int(t.r.tapped, 0);
    media_tap_stop(t.r.channel, 1);
    stand_run(&t.r, 20);
    ok_int(t.r.tapped, 1);
    ok_int(t.r.tap.why, TAP_STOPPED);
    ok(!t.r.tap.heard);
    ok_int(t.r.tap.lead_silence, 120);
    ok_int(t.r.tap.tail_silence, 0);
    ok(media_tap(t.r.channel, t.tap, 0, 0, 2) == 0);
out:
    tapping_close(&t);
}

UNIT(three_taps_hear_one_channel_each_for_its_own_time)
{
    struct tapping t = {0};
    struct error err = {0};
    struct tap *more[3] = {NULL};
    int16_t samples[160 * 128];
    int i;

    ok_rc(tapping_open(&t, CODEC_PCMU, 0, 0, &err), &err);
    for (i = 0; i < 3; i++)
        ok_rc(tap_new_tracks(&more[i], CODEC_PCMU, i == 1 ? TAP_BOTH : TAP_HEARD, 128, &err), &err);
    stand_hear(&t.r, t.tone);
    ok_int(media_tap(t.r.channel, more[0], 0, 200, 2), 0);
    ok_int(media_tap(t.r.channel, more[1], 0, 0, 3), 0);
    ok_int(media_tap(t.r.channel, more[2], 0, 0, 4), ERR_LIMIT);
    ok_int(media_tap(t.r.channel, more[2], 0, 0, 3), ERR_WRONG_STATE);
    stand_run(&t.r, 1);
    stand_hear(&t.r, t.tone);
    stand_hear(&t.r, t.tone);
    ok_int(t.r.tapped, 1); /* the second, at its maximum */
    ok_int(t.r.tap.why, TAP_MAX);
    ok_int(tap_take(more[0], samples, 128), 10);
    ok_int(media_tap(t.r.channel, more[2], 0, 0, 4), 0); /* there is a place again */
    media_tap_stop(t.r.channel, 3);
    stand_run(&t.r, 1);
    ok_int(t.r.tapped, 2);
    ok(t.r.tap.frames >= 19 && t.r.tap.frames <= 21);
    stand_hear(&t.r, t.tone);
    ok_int(tap_take(t.tap, samples, 128), 40);
    ok_int(tap_take(more[2], samples, 128), 10);
out:
    tapping_close(&t);
    for (i = 0; i < 3; i++)
        tap_free(more[i]);
}

UNIT(a_paused_tap_skips_or_takes_silence_and_does_not_end_of_it)
{
    struct tapping t = {0};
    struct error err = {0};
    int16_t samples[160 * 128];

    ok_rc(tapping_open(&t, CODEC_PCMU, 500, 1000, &err), &err);
    stand_hear(&t.r, t.tone);
    media_tap_pause(t.r.channel, 1, TAP_SKIPS);
    stand_run(&t.r, 1);
    stand_hear_silence(&t.r, 60);
    ok_int(t.r.tapped, 0);
    ok_int(tap_take(t.tap, samples, 128), 10);
    media_tap_pause(t.r.channel, 1, TAP_SILENT);
    stand_run(&t.r, 1);
    stand_hear(&t.r, t.tone);
    stand_hear(&t.r, t.tone);
    stand_hear(&t.r, t.tone);
    ok_int(t.r.tapped, 0);
    ok_int(tap_take(t.tap, samples, 128), 30);
    ok(stand_tone(samples, 30 * 160, 8000, 440) < 0.001);
    media_tap_pause(t.r.channel, 1, TAP_RUNS);
    stand_run(&t.r, 1);
    stand_hear(&t.r, t.tone);
    ok_int(tap_take(t.tap, samples, 128), 10);
    ok(stand_tone(samples, 10 * 160, 8000, 440) > 0.19);
    ok_int(t.r.tapped, 1);
    ok_int(t.r.tap.why, TAP_MAX);               /* 50 frames, the skipped ones not counted */
    media_tap_pause(t.r.channel, 1, TAP_SKIPS); /* too late for anything */
    stand_run(&t.r, 1);
out:
    tapping_close(&t);
}

UNIT(a_tap_that_nobody_empties_loses_frames_and_says_so)
{
    struct tapping t = {0};
    struct error err = {0};

    ok_rc(tapping_open(&t, CODEC_PCMU, 0, 0, &err), &err);
    stand_hear_silence(&t.r, 130);
    media_tap_stop(t.r.channel, 1);
    stand_run(&t.r, 20);
    ok_int(t.r.tap.frames, 128);
    ok_int(t.r.tap.lost, 2);
out:
    tapping_close(&t);
}

UNIT_MAIN(CASE(keys_are_heard_at_every_level_codec_and_rate),
          CASE(digits_played_as_tones_are_heard_once_each),
          CASE(a_key_pressed_twice_with_silence_records_between_counts_twice),
          CASE(tones_above_the_telephone_band_are_no_digits),
          CASE(a_channel_with_digit_events_hears_no_tones),
          CASE(a_flood_of_digits_is_bounded_and_counted),
          CASE(a_tap_ends_after_silence_and_knows_where_the_sound_was),
          CASE(a_tap_ends_at_its_maximum), CASE(a_tap_without_silence_limit_goes_on_until_stopped),
          CASE(three_taps_hear_one_channel_each_for_its_own_time),
          CASE(a_paused_tap_skips_or_takes_silence_and_does_not_end_of_it),
          CASE(a_tap_that_nobody_empties_loses_frames_and_says_so))
