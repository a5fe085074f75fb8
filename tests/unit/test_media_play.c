/* Playing and hearing in virtual time: what a caller would notice. */
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <string.h>

UNIT(one_frame_leaves_every_20_ms)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMU, 5, 0);
    unsigned i;

    ok(a != NULL);
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    stand_run(&r, 33);
    ok(media_play(r.channel, a, 1, 1) == 0);
    a = audio_unref(a);
    stand_run(&r, 1000);
    ok_int(r.port.frames, 5);
    ok_int(r.port.flushes, 5);
    ok(r.port.at[0] > 33000 && r.port.at[0] <= 35000); /* within one slot */
    for (i = 1; i < 5; i++)
        ok_int(r.port.at[i] - r.port.at[i - 1], 20000);
    for (i = 0; i < 5; i++)
        ok_int(r.port.first[i], i + 1);
    ok_int(r.started, 1);
    ok_int(r.started_at, r.port.at[0]);
    ok_int(r.played, 1);
    ok_int(r.how[0], PLAY_ENDED);
    ok_int(r.sent[0], 5);
    ok_int(r.played_at[0], r.port.at[4]); /* told with the last frame, not 20 ms later */
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(what_is_queued_follows_without_a_gap)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_L16_16, 2, 0), *b = stand_audio(CODEC_L16_16, 2, 10);

    ok(a != NULL && b != NULL);
    ok_rc(stand_open(&r, CODEC_L16_16, false, 0, &err), &err);
    ok(media_play(r.channel, a, 1, 1) == 0);
    ok(media_play(r.channel, b, 1, 2) == 0);
    stand_run(&r, 70); /* both are over, the last less than 20 ms ago */
    ok_int(r.played, 2);
    ok(media_play(r.channel, a, 1, 3) == 0);
    stand_run(&r, 100);
    ok_int(r.port.frames, 6);
    ok_int(r.port.at[5] - r.port.at[0], 100000);
    ok_int(r.port.first[2], 11);
    ok_int(r.order[1], 2);
out:
    audio_unref(a);
    audio_unref(b);
    stand_close(&r);
}

UNIT(a_stopped_play_is_silent_at_once_and_the_next_begins)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMA, 100, 0), *b = stand_audio(CODEC_PCMA, 3, 200);

    ok(a != NULL && b != NULL);
    ok_rc(stand_open(&r, CODEC_PCMA, false, 0, &err), &err);
    ok(media_play(r.channel, a, 1, 1) == 0);
    ok(media_play(r.channel, b, 1, 2) == 0);
    stand_run(&r, 50);
    ok_int(r.port.frames, 3);
    media_play_stop(r.channel, 1);
    stand_run(&r, 15);
    ok_int(r.how[0], PLAY_STOPPED);
    ok_int(r.sent[0], 3);
    ok_int(r.port.frames, 4);
    ok_int(r.port.first[3], 201);
    ok_int(r.port.at[3] - r.port.at[2], 20000);
    media_play_stop(r.channel, 0);
    stand_run(&r, 100);
    ok_int(r.port.frames, 4);
    ok_int(r.played, 2);
    media_play_stop(r.channel, 2); /* of one that is over: nothing */
    stand_run(&r, 100);
    ok_int(r.played, 2);
out:
    audio_unref(a);
    audio_unref(b);
    stand_close(&r);
}

UNIT(loops_repeat_and_nothing_runs_when_all_is_played)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMU, 2, 0);
    struct media_stats stats;

    ok(a != NULL);
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    ok(media_play(r.channel, a, 3, 1) == 0);
    stand_run(&r, 1000);
    ok_int(r.port.frames, 6);
    ok_int(r.port.first[4], 1);
    ok_int(r.played, 1);
    ok_int(r.sent[0], 6);
    media_stats(r.media, &stats);
    ok_int(stats.frames_out, 6);
    ok_int(stats.playing, 0);
    ok(stats.slots <= 70); /* 120 ms of slots, then the clock stopped */
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(plays_are_bounded_and_checked)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMU, 2, 0), *wide = stand_audio(CODEC_L16_8, 2, 0),
                 *none = stand_audio(CODEC_PCMU, 0, 0);
    uint32_t i;

    ok(a != NULL && wide != NULL && none != NULL);
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    ok_int(media_play(r.channel, wide, 1, 1), ERR_INVALID);
    ok_int(media_play(r.channel, a, 0, 1), ERR_INVALID);
    ok_int(media_play(r.channel, a, 1001, 1), ERR_INVALID);
    for (i = 1; i <= 8; i++)
        ok(media_play(r.channel, i == 1 ? none : a, 1, i) == 0);
    ok_int(media_play(r.channel, a, 1, 9), ERR_LIMIT);
    stand_run(&r, 1000);
    ok_int(r.played, 8);
    ok_int(r.started, 7); /* what has no frame never starts, but ends */
    ok_int(r.how[0], PLAY_ENDED);
    ok_int(r.sent[0], 0);
out:
    audio_unref(a);
    audio_unref(wide);
    audio_unref(none);
    stand_close(&r);
}

UNIT(a_released_channel_answers_all_and_last_says_released)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMU, 20, 0);
    struct tap *tap = NULL;

    ok(a != NULL);
    ok_rc(stand_open(&r, CODEC_PCMU, true, 0, &err), &err);
    ok_rc(tap_new(&tap, CODEC_PCMU, 10, &err), &err);
    ok(media_play(r.channel, a, 1, 1) == 0);
    ok(media_play(r.channel, a, 1, 2) == 0);
    ok(media_tap(r.channel, tap, 0, 0, 3) == 0);
    stand_run(&r, 50);
    media_channel_release(r.channel);
    ok_int(media_play(r.channel, a, 1, 4), ERR_INVALID);
    r.channel = NULL;
    stand_run(&r, 50);
    ok_int(r.port.frames, 3);
    ok_int(r.played, 2);
    ok_int(r.how[0], PLAY_STOPPED);
    ok_int(r.sent[0], 3);
    ok_int(r.how[1], PLAY_STOPPED);
    ok_int(r.tapped, 1);
    ok_int(r.tap.why, TAP_GONE);
    ok_int(r.released, 1);
out:
    audio_unref(a);
    stand_close(&r);
    tap_free(tap);
}

UNIT(echo_returns_each_frame_once_and_never_two_at_a_time)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMU, 10, 0);
    unsigned i;

    ok(a != NULL);
    ok_rc(stand_open(&r, CODEC_PCMU, false, 0, &err), &err);
    media_echo(r.channel, true);
    stand_run(&r, 20);
    stand_hear(&r, a);
    stand_run(&r, 100);
    ok_int(r.port.frames, 10);
    ok_int(r.port.first[9], 10);
    ok(r.port.at[0] <= 22000);
    for (i = 0; i < 18; i++) /* a burst: most of it is dropped, or the delay would stay */
        ok(media_channel_input(r.channel, a->data, 160));
    stand_run(&r, 1000);
    ok_int(r.port.frames, 10 + 2);
    for (i = 1; i < r.port.frames; i++)
        ok(r.port.at[i] - r.port.at[i - 1] >= 20000);
    media_echo(r.channel, false);
    i = r.port.frames;
    stand_run(&r, 20);
    stand_hear(&r, a);
    ok_int(r.port.frames, i);
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT(frames_of_a_wrong_size_are_refused)
{
    struct stand r = {0};
    struct error err = {0};
    uint8_t bytes[FRAME_BYTES_MAX] = {0};

    ok_rc(stand_open(&r, CODEC_L16_8, true, 0, &err), &err);
    ok(!media_channel_input(r.channel, bytes, 160));
    ok(!media_channel_input(r.channel, bytes, 321));
    ok(media_channel_input(r.channel, bytes, 320));
    ok(media_channel_input(r.channel, NULL, 0));
out:
    stand_close(&r);
}

/* A crossing of few places: commands are refused, but what was admitted is answered, and a stop or
 * a release that found no place arrives later. */
UNIT(a_full_crossing_refuses_but_loses_nothing)
{
    struct stand r = {0};
    struct error err = {0};
    struct audio *a = stand_audio(CODEC_PCMU, 100, 0);
    unsigned admitted = 0, i;

    ok(a != NULL);
    ok_rc(stand_open(&r, CODEC_PCMU, false, 4, &err), &err);
    for (i = 1; i <= 8; i++)
        admitted += media_play(r.channel, a, 1, i) == 0;
    ok_int(admitted, 1); /* of four places one is the channel's end, two the play's answers */
    for (i = 0; i < 10; i++)
        media_echo(r.channel, i % 2 == 0); /* fills the commands */
    media_play_stop(r.channel, 0);
    media_channel_release(r.channel);
    r.channel = NULL;
    stand_run(&r, 100);
    ok_int(r.played, 1);
    ok_int(r.how[0], PLAY_STOPPED);
    ok_int(r.released, 1);
out:
    audio_unref(a);
    stand_close(&r);
}

UNIT_MAIN(CASE(one_frame_leaves_every_20_ms), CASE(what_is_queued_follows_without_a_gap),
          CASE(a_stopped_play_is_silent_at_once_and_the_next_begins),
          CASE(loops_repeat_and_nothing_runs_when_all_is_played),
          CASE(plays_are_bounded_and_checked),
          CASE(a_released_channel_answers_all_and_last_says_released),
          CASE(echo_returns_each_frame_once_and_never_two_at_a_time),
          CASE(frames_of_a_wrong_size_are_refused), CASE(a_full_crossing_refuses_but_loses_nothing))
