/* Pairs: what one says the other hears. */
#include "base/mem.h"
#include "tests/unit/media_party.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static struct party p;

/* Tones of whole periods in 20 ms, so that they do not smear into each other. */
#define HZ_A 600
#define HZ_B 1000

static int open_pair(enum codec a, enum codec b, size_t places, struct error *err)
{
    const enum codec codecs[] = {a, b};
    int rc = party_open(&p, codecs, 2, places, err);

    if (rc != 0)
        return rc;
    p.guests[0].hz = HZ_A;
    p.guests[1].hz = HZ_B;
    if (media_join(p.guests[0].channel, p.guests[1].channel) != 0)
        return error_nomem(err);
    party_run(&p, 5);
    party_listen(&p);
    return 0;
}

UNIT(each_of_a_pair_hears_the_other_whatever_their_codecs)
{
    struct error err = {0};
    int a, b;

    for (a = 0; a < CODEC_COUNT; a++) {
        for (b = a; b < CODEC_COUNT; b++) {
            ok_rc(open_pair((enum codec)a, (enum codec)b, 0, &err), &err);
            party_run(&p, 50);
            ok_int(p.guests[0].frames, 50);
            ok_int(p.guests[1].frames, 50);
            ok(party_hears(&p, 0, "01"));
            ok(party_hears(&p, 1, "10"));
            party_close(&p);
        }
    }
out:
    party_close(&p);
}

UNIT(what_cannot_be_heard_at_a_lower_rate_does_not_fold_into_it)
{
    struct error err = {0};

    ok_rc(open_pair(CODEC_L16_24, CODEC_PCMU, 0, &err), &err);
    p.guests[0].hz = 5000; /* would be heard as 3000 */
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    ok_int(p.guests[1].frames, 50);
    ok(party_tone(&p, 1, 3000) < 0.005);
out:
    party_close(&p);
}

UNIT(a_parted_pair_hears_nothing_at_once)
{
    struct error err = {0};

    ok_rc(open_pair(CODEC_PCMU, CODEC_PCMU, 0, &err), &err);
    media_part(p.guests[1].channel);
    party_run(&p, 1);
    party_listen(&p);
    party_run(&p, 10);
    ok_int(p.guests[0].frames + p.guests[1].frames, 0);
    media_part(p.guests[0].channel); /* nothing to part */
    ok_int(media_join(p.guests[1].channel, p.guests[0].channel), 0);
    party_run(&p, 2);
    party_listen(&p);
    party_run(&p, 10);
    ok(party_hears(&p, 0, "01"));
    ok(party_hears(&p, 1, "10"));
out:
    party_close(&p);
}

UNIT(the_other_of_a_released_channel_is_alone_and_may_be_joined_again)
{
    struct error err = {0};

    ok_rc(open_pair(CODEC_PCMU, CODEC_L16_16, 0, &err), &err);
    ok_rc(party_add(&p, CODEC_PCMA, &err), &err);
    p.guests[2].hz = 1400;
    ok_int(media_join(p.guests[1].channel, p.guests[2].channel), ERR_WRONG_STATE);
    ok_int(media_join(p.guests[2].channel, p.guests[2].channel), ERR_INVALID);
    party_release(&p, 0);
    ok_int(media_join(p.guests[1].channel, p.guests[2].channel), 0);
    party_run(&p, 5);
    ok_int(p.guests[0].released, 1);
    party_listen(&p);
    party_run(&p, 50);
    ok(party_hears(&p, 1, "001"));
    ok(party_hears(&p, 2, "010"));
out:
    party_close(&p);
}

UNIT(what_is_played_to_one_of_a_pair_is_heard_by_him_over_the_other)
{
    struct error err = {0};
    struct audio *a = NULL;

    ok_rc(open_pair(CODEC_PCMA, CODEC_PCMU, 0, &err), &err);
    ok_rc(audio_from_tone(&a, CODEC_PCMA, 1800, 1000, 0.3, &err), &err);
    ok_int(media_play(p.guests[0].channel, a, 1, 1), 0);
    party_run(&p, 1);
    party_listen(&p);
    party_run(&p, 40);
    ok_int(p.guests[0].frames, 40); /* not two at a time */
    ok(party_hears(&p, 0, "01"));
    ok(party_tone(&p, 0, 1800) > 0.28);
    ok(party_hears(&p, 1, "10"));
    ok(party_tone(&p, 1, 1800) < 0.01);
    party_run(&p, 10);
    ok_int(p.guests[0].played, 1);
out:
    audio_unref(a);
    party_close(&p);
}

UNIT(two_loud_voices_are_clipped_not_wrapped)
{
    struct error err = {0};
    struct audio *a = NULL;
    size_t i;

    ok_rc(open_pair(CODEC_L16_8, CODEC_L16_8, 0, &err), &err);
    p.guests[1].level = 0.9;
    ok_rc(audio_from_tone(&a, CODEC_L16_8, HZ_B, 1000, 0.9, &err), &err);
    ok_int(media_play(p.guests[0].channel, a, 1, 1), 0);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 10);
    ok(party_tone(&p, 0, HZ_B) > 1); /* a clipped sine's first harmonic is above its peak */
    for (i = 1; i < 10 * 160; i++)   /* a wrapped sum would jump by nearly the whole range */
        ok(abs(p.guests[0].heard[i] - p.guests[0].heard[i - 1]) < 50000);
out:
    audio_unref(a);
    party_close(&p);
}

UNIT(silence_records_send_nothing_to_the_other)
{
    struct error err = {0};

    ok_rc(open_pair(CODEC_PCMU, CODEC_PCMU, 0, &err), &err);
    p.guests[0].quiet = true;
    party_run(&p, 1);
    party_listen(&p);
    party_run(&p, 20);
    ok_int(p.guests[1].frames, 0);
    ok_int(p.guests[0].frames, 20);
out:
    party_close(&p);
}

UNIT(digits_are_heard_from_a_joined_channel_and_by_the_other)
{
    struct error err = {0};
    struct audio *a = NULL;
    size_t i;

    ok_rc(open_pair(CODEC_PCMU, CODEC_PCMA, 0, &err), &err);
    p.guests[0].hz = 0;
    ok_rc(audio_from_digits(&a, CODEC_PCMU, "*1", &err), &err);
    for (i = 0; i < a->frames; i++) {
        media_channel_input(p.guests[0].channel, a->data + i * 160, 160);
        party_run(&p, 1);
    }
    ok_str(p.guests[0].digits, "*1");
    ok_str(p.guests[1].digits, ""); /* spoken to him, not by him */
    ok(p.guests[1].frames >= 20);
out:
    audio_unref(a);
    party_close(&p);
}

/* The echo is off while joined, and comes back. */
UNIT(a_joined_channel_has_no_echo)
{
    struct error err = {0};

    ok_rc(open_pair(CODEC_PCMU, CODEC_PCMU, 0, &err), &err);
    media_echo(p.guests[0].channel, true);
    party_run(&p, 2);
    party_listen(&p);
    party_run(&p, 25);
    ok(party_hears(&p, 0, "01"));
    media_part(p.guests[0].channel);
    party_run(&p, 2);
    party_listen(&p);
    party_run(&p, 25);
    ok(party_hears(&p, 0, "10"));
out:
    party_close(&p);
}

/* A tap for 40 frames of a pair, of which B speaks in the first half only; what it took is in
 * `samples`. */
static int tap_pair(struct tap **tap, enum tap_tracks tracks, int16_t *samples, struct error *err)
{
    int rc = open_pair(CODEC_PCMA, CODEC_L16_16, 0, err);

    if (rc == 0)
        rc = tap_new_tracks(tap, CODEC_PCMA, tracks, 128, err);
    if (rc != 0)
        return rc;
    if (media_tap(p.guests[0].channel, *tap, 0, 0, 1) != 0)
        return error_nomem(err);
    party_run(&p, 20);
    p.guests[1].quiet = true;
    party_run(&p, 20);
    media_tap_stop(p.guests[0].channel, 1);
    party_run(&p, 1);
    return (int)tap_take(*tap, samples, 128);
}

UNIT(a_tap_of_a_pair_hears_one_side_or_both)
{
    static int16_t samples[128 * 160];
    static const enum tap_tracks tracks[] = {TAP_HEARD, TAP_SENT, TAP_BOTH};
    struct error err = {0};
    struct tap *tap = NULL;
    int n, i;

    for (i = 0; i < 3; i++) {
        double a, b, late;

        n = tap_pair(&tap, tracks[i], samples, &err);
        ok_rc(n < 0 ? n : 0, &err);
        ok(n >= 39 && n <= 41); /* one for each 20 ms, sound or not */
        ok_int(p.guests[0].tapped, 1);
        ok_int(p.guests[0].tap.frames, n);
        a = stand_tone(samples + 320, 15 * 160, 8000, HZ_A);
        b = stand_tone(samples + 320, 15 * 160, 8000, HZ_B);
        late = stand_tone(samples + 25 * 160, 10 * 160, 8000, HZ_B);
        ok(tracks[i] == TAP_SENT ? a < 0.01 : a > 0.18);
        ok(tracks[i] == TAP_HEARD ? b < 0.01 : b > 0.18);
        ok(late < 0.01);
        ok_int(p.guests[0].gaps, 21); /* the tap adds nothing to what is sent */
        party_close(&p);
        tap = tap_free(tap);
    }
out:
    party_close(&p);
    tap_free(tap);
}

UNIT(a_dual_tap_keeps_the_sides_apart)
{
    static int16_t samples[128 * 320];
    int16_t side[15 * 160];
    struct error err = {0};
    struct tap *tap = NULL;
    int n, i, channel;

    n = tap_pair(&tap, TAP_DUAL, samples, &err);
    ok_rc(n < 0 ? n : 0, &err);
    ok_int(tap_channels(tap), 2);
    ok(n >= 39 && n <= 41);
    for (channel = 0; channel < 2; channel++) {
        for (i = 0; i < 15 * 160; i++)
            side[i] = samples[2 * (320 + i) + channel];
        ok(stand_tone(side, 15 * 160, 8000, channel == 0 ? HZ_A : HZ_B) > 0.18);
        ok(stand_tone(side, 15 * 160, 8000, channel == 0 ? HZ_B : HZ_A) < 0.01);
    }
out:
    party_close(&p);
    tap_free(tap);
}

/* Joins, parts and releases in any order, through a crossing so small that commands must wait. */
UNIT(pairs_come_and_go_in_any_order_and_leave_nothing_behind)
{
    static const enum codec codecs[] = {CODEC_PCMU,   CODEC_PCMA,   CODEC_L16_8,
                                        CODEC_L16_16, CODEC_L16_24, CODEC_PCMU};
    struct error err = {0};
    uint32_t seed = 7;
    int step, joined = 0;

    ok_rc(party_open(&p, codecs, 6, 16, &err), &err);
    for (step = 0; step < 4000; step++) {
        struct guest *a = &p.guests[(seed = seed * 1664525 + 1013904223) >> 24 & 7];
        struct guest *b = &p.guests[(seed = seed * 1664525 + 1013904223) >> 20 & 7];

        if (a->channel == NULL || b->channel == NULL)
            continue;
        a->hz = HZ_A;
        switch ((seed = seed * 1664525 + 1013904223) >> 28) {
        case 0:
        case 1:
            media_part(a->channel);
            break;
        case 2:
            party_run(&p, 1);
            break;
        default:
            joined += media_join(a->channel, b->channel) == 0;
        }
    }
    party_run(&p, 2);
    ok(joined > 100);
out:
    party_close(&p);
}

UNIT_MAIN(CASE(each_of_a_pair_hears_the_other_whatever_their_codecs),
          CASE(what_cannot_be_heard_at_a_lower_rate_does_not_fold_into_it),
          CASE(a_parted_pair_hears_nothing_at_once),
          CASE(the_other_of_a_released_channel_is_alone_and_may_be_joined_again),
          CASE(what_is_played_to_one_of_a_pair_is_heard_by_him_over_the_other),
          CASE(two_loud_voices_are_clipped_not_wrapped),
          CASE(silence_records_send_nothing_to_the_other),
          CASE(digits_are_heard_from_a_joined_channel_and_by_the_other),
          CASE(a_joined_channel_has_no_echo), CASE(a_tap_of_a_pair_hears_one_side_or_both),
          CASE(a_dual_tap_keeps_the_sides_apart),
          CASE(pairs_come_and_go_in_any_order_and_leave_nothing_behind))
