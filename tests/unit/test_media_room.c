/* Rooms: who hears whom, whatever happens meanwhile. */
#include "base/mem.h"
#include "media/mixer.h"
#include "tests/unit/media_party.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct party p;

static struct media_room *room;
static struct {
    unsigned played, tapped, released, began, ceased;
    struct media_channel *speaker;
    struct tap_result tap;
} voice;

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static void on_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
    voice.played++;
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *r)
{
    (void)arg;
    (void)request;
    voice.tapped++;
    voice.tap = *r;
}

static void on_released(void *arg)
{
    (void)arg;
    voice.released++;
}

static void on_speaking(void *arg, struct media_channel *c, bool on)
{
    (void)arg;
    voice.speaker = c;
    if (on)
        voice.began++;
    else
        voice.ceased++;
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

/* Tones of whole periods in 20 ms, none a multiple or a sum of two others that matters. */
static const double tones[] = {400, 550, 700, 900, 1150, 1450, 1750, 2100, 2450, 2800, 3050, 3300};

static int open_room(const enum codec *codecs, unsigned count, int rate, size_t places,
                     struct error *err)
{
    struct room_config config = {.rate = rate, .speaking = on_speaking};
    int rc = party_open(&p, codecs, count, places, err);
    unsigned i;

    room = NULL;
    memset(&voice, 0, sizeof voice);
    if (rc == 0)
        rc = media_room_new(&room, p.media, &config, &handlers, NULL, err);
    for (i = 0; rc == 0 && i < count; i++) {
        p.guests[i].hz = tones[i];
        p.guests[i].level = 0.15;
        rc = media_room_join(room, p.guests[i].channel, ROOM_TALKER, NULL, err);
    }
    if (rc == 0) {
        party_run(&p, 5);
        party_listen(&p);
    }
    return rc;
}

static void close_room(void)
{
    if (room != NULL)
        media_room_release(room);
    room = NULL;
    party_close(&p);
}

static const enum codec mixed[] = {CODEC_PCMU, CODEC_PCMA, CODEC_L16_16, CODEC_L16_24, CODEC_L16_8};

UNIT(everybody_hears_all_others_and_not_himself_at_every_rate)
{
    struct error err = {0};
    int rate;

    for (rate = 8000; rate <= 24000; rate += 8000) {
        unsigned i;

        ok_rc(open_room(mixed, 5, rate, 0, &err), &err);
        party_run(&p, 50);
        for (i = 0; i < 5; i++) {
            ok_int(p.guests[i].frames, 50);
            ok_int(p.guests[i].gaps, 0);
        }
        ok(party_hears(&p, 0, "01111"));
        ok(party_hears(&p, 1, "10111"));
        ok(party_hears(&p, 2, "11011"));
        ok(party_hears(&p, 3, "11101"));
        ok(party_hears(&p, 4, "11110"));
        close_room();
        ok_int(voice.released, 1);
    }
    {
        struct room_config config = {.rate = 44100, .speaking = on_speaking};

        ok_rc(party_open(&p, NULL, 0, 0, &err), &err);
        ok_int(media_room_new(&room, p.media, &config, &handlers, NULL, &err), ERR_INVALID);
    }
out:
    close_room();
}

UNIT(five_with_one_muted_and_one_coach)
{
    struct error err = {0};
    struct media_channel *c[5];
    int i;

    ok_rc(open_room(mixed, 5, 16000, 0, &err), &err);
    for (i = 0; i < 5; i++)
        c[i] = p.guests[i].channel;
    ok_rc(media_room_mode(c[1], ROOM_MUTED, NULL, &err), &err);
    ok_rc(media_room_mode(c[2], ROOM_COACH, c[3], &err), &err);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    for (i = 0; i < 5; i++)
        ok_int(p.guests[i].gaps, 0);
    ok(party_hears(&p, 0, "00011"));
    ok(party_hears(&p, 1, "10011"));
    ok(party_hears(&p, 2, "10011"));
    ok(party_hears(&p, 3, "10101"));
    ok(party_hears(&p, 4, "10010"));

    /* The coached one leaves: nobody hears the coach; he talks again: all do. */
    media_room_leave(c[3]);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    ok(party_hears(&p, 0, "00001"));
    ok(party_hears(&p, 4, "10000"));
    ok_int(p.guests[3].frames, 0);
    ok_rc(media_room_mode(c[2], ROOM_TALKER, NULL, &err), &err);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    ok(party_hears(&p, 4, "10100"));
    ok_int(media_room_mode(c[2], ROOM_COACH, c[2], &err), ERR_INVALID);
    ok_int(media_room_mode(c[2], ROOM_COACH, c[3], &err), ERR_INVALID);
    ok_int(err.twilio, 13240);
    ok_int(media_room_mode(c[3], ROOM_MUTED, NULL, &err), ERR_WRONG_STATE);
out:
    close_room();
}

UNIT(who_is_on_hold_hears_only_what_is_played_to_him)
{
    struct error err = {0};
    struct audio *music = NULL;

    ok_rc(open_room(mixed, 3, 8000, 0, &err), &err);
    ok_rc(audio_from_tone(&music, CODEC_PCMU, 1150, 3000, 0.2, &err), &err);
    ok_rc(media_room_mode(p.guests[0].channel, ROOM_HOLD, NULL, &err), &err);
    ok_int(media_play(p.guests[0].channel, music, 1, 1), 0);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    ok(party_hears(&p, 0, "000"));
    ok(party_tone(&p, 0, 1150) > 0.18);
    ok(party_hears(&p, 1, "001"));
    ok(party_tone(&p, 1, 1150) < 0.01);
out:
    audio_unref(music);
    close_room();
}

UNIT(an_announcement_is_heard_by_one_or_by_all_over_the_room)
{
    struct error err = {0};
    struct audio *one = NULL, *all = NULL;

    ok_rc(open_room(mixed, 3, 16000, 0, &err), &err);
    ok_rc(audio_from_tone(&one, CODEC_PCMA, 1750, 2000, 0.2, &err), &err);
    ok_rc(audio_from_tone(&all, CODEC_L16_16, 2450, 2000, 0.2, &err), &err);
    ok_int(media_play(p.guests[1].channel, one, 1, 1), 0);
    ok_int(media_play(media_room_voice(room), all, 1, 1), 0);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    ok_int(p.guests[1].gaps, 0);
    ok_int(p.guests[1].frames, 50);
    ok(party_hears(&p, 0, "011"));
    ok(party_hears(&p, 1, "101"));
    ok(party_tone(&p, 1, 1750) > 0.18);
    ok(party_tone(&p, 0, 1750) < 0.01);
    ok(party_tone(&p, 0, 2450) > 0.18);
    ok(party_tone(&p, 1, 2450) > 0.18);
    ok(party_tone(&p, 2, 2450) > 0.18);
    party_run(&p, 60);
    ok_int(voice.played, 1);
out:
    audio_unref(one);
    audio_unref(all);
    close_room();
}

UNIT(a_beep_wakes_a_silent_room_and_silence_costs_nothing)
{
    struct error err = {0};
    struct audio *beep = NULL;
    struct media_stats before, after;
    int i;

    ok_rc(open_room(mixed, 3, 8000, 0, &err), &err);
    for (i = 0; i < 3; i++)
        p.guests[i].quiet = true;
    party_run(&p, 70); /* until nobody counts as speaking */
    party_listen(&p);
    media_stats(p.media, &before);
    party_run(&p, 50);
    media_stats(p.media, &after);
    ok_int(after.slots, before.slots);
    ok_int(after.playing, 0);
    ok_int(p.guests[0].frames, 0);
    ok_rc(audio_from_tone(&beep, CODEC_L16_8, 800, 200, 0.2, &err), &err);
    ok_int(media_play(media_room_voice(room), beep, 1, 1), 0);
    party_run(&p, 20);
    for (i = 0; i < 3; i++)
        ok_int(p.guests[i].frames, 10);
out:
    audio_unref(beep);
    close_room();
}

UNIT(a_sum_beyond_the_range_is_clipped_not_wrapped)
{
    static const enum codec codecs[] = {CODEC_L16_8, CODEC_L16_8, CODEC_L16_8, CODEC_L16_8};
    struct error err = {0};
    unsigned i;

    ok_rc(open_room(codecs, 4, 8000, 0, &err), &err);
    for (i = 0; i < 4; i++) {
        p.guests[i].hz = 400;
        p.guests[i].level = 0.9;
    }
    party_run(&p, 5);
    for (i = 0; i < 4; i++)
        p.guests[i].spoken = 0; /* in phase */
    party_run(&p, 3);
    party_listen(&p);
    party_run(&p, 20);
    ok(party_tone(&p, 0, 400) > 1.1);
    for (i = 1; i < 20 * 160; i++)
        ok(abs(p.guests[0].heard[i] - p.guests[0].heard[i - 1]) < 50000);
out:
    close_room();
}

UNIT(a_tap_on_the_voice_records_the_whole_room_silence_included)
{
    struct error err = {0};
    struct tap *tap = NULL;
    static int16_t samples[160 * 128];
    size_t n;
    int i;

    ok_rc(open_room(mixed, 4, 8000, 0, &err), &err);
    ok_rc(media_room_mode(p.guests[3].channel, ROOM_COACH, p.guests[0].channel, &err), &err);
    party_run(&p, 5);
    ok_rc(tap_new(&tap, CODEC_L16_8, 128, &err), &err);
    ok_int(media_tap(media_room_voice(room), tap, 0, 0, 9), 0);
    party_run(&p, 50);
    n = tap_take(tap, samples, 128);
    ok(n >= 49 && n <= 51);
    for (i = 0; i < 4; i++) {
        double level = stand_tone(samples + 160, 48 * 160, 8000, tones[i]);

        ok(i == 3 ? level < 0.01 : level > 0.12);
    }
    for (i = 0; i < 4; i++)
        p.guests[i].quiet = true;
    party_run(&p, 100);
    n += tap_take(tap, samples, 128);
    ok(n >= 149 && n <= 151);
    media_tap_stop(media_room_voice(room), 9);
    party_run(&p, 2);
    ok_int(voice.tapped, 1);
    ok(voice.tap.tail_silence > 90);
out:
    close_room();
    tap_free(tap);
}

UNIT(who_speaks_is_told_with_hysteresis)
{
    struct error err = {0};
    int i;

    ok_rc(open_room(mixed, 2, 8000, 0, &err), &err);
    p.guests[1].quiet = true;
    for (i = 0; i < 2; i++)
        ok_rc(media_room_mode(p.guests[i].channel, ROOM_TALKER, NULL, &err), &err);
    party_run(&p, 80);
    voice.began = voice.ceased = 0;
    p.guests[0].quiet = true;
    party_run(&p, 80);
    ok_int(voice.ceased, 1);
    ok(voice.speaker == p.guests[0].channel);
    p.guests[1].quiet = false;
    party_run(&p, 3); /* a cough */
    p.guests[1].quiet = true;
    party_run(&p, 20);
    ok_int(voice.began, 0);
    p.guests[1].quiet = false;
    party_run(&p, 10);
    ok_int(voice.began, 1);
    ok(voice.speaker == p.guests[1].channel);
    p.guests[1].quiet = true;
    party_run(&p, 40); /* a pause for breath */
    p.guests[1].quiet = false;
    party_run(&p, 20);
    ok_int(voice.began, 1);
    ok_int(voice.ceased, 1);
    ok_rc(media_room_mode(p.guests[1].channel, ROOM_MUTED, NULL, &err), &err);
    party_run(&p, 60);
    ok_int(voice.ceased, 2);
out:
    close_room();
}

/* Steps between samples as large as a tone's own, and no more. */
static int largest_step(const struct guest *g)
{
    size_t n = g->frames * codec_frame_samples(g->codec), i;
    int step = 0;

    for (i = 1; i < n; i++) {
        int d = abs(g->heard[i] - g->heard[i - 1]);

        step = d > step ? d : step;
    }
    return step;
}

UNIT(muting_leaving_and_joining_make_no_click_and_cost_others_no_frame)
{
    static const enum codec codecs[] = {CODEC_L16_16, CODEC_L16_16, CODEC_L16_16, CODEC_L16_8};
    struct error err = {0};
    int normal, i;

    ok_rc(open_room(codecs, 4, 16000, 0, &err), &err);
    p.guests[0].hz = p.guests[3].hz = 0; /* they listen */
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 20);
    normal = largest_step(&p.guests[0]);
    for (i = 0; i < 5; i++) {
        party_listen(&p);
        ok_rc(media_room_mode(p.guests[1].channel, ROOM_MUTED, NULL, &err), &err);
        party_run(&p, 7);
        ok_rc(media_room_mode(p.guests[1].channel, ROOM_TALKER, NULL, &err), &err);
        party_run(&p, 7);
        media_room_leave(p.guests[1].channel);
        party_run(&p, 7);
        ok_rc(media_room_join(room, p.guests[1].channel, ROOM_TALKER, NULL, &err), &err);
        party_run(&p, 7);
        ok_int(p.guests[0].frames, 28);
        ok_int(p.guests[3].frames, 28);
        ok(largest_step(&p.guests[0]) <= normal * 11 / 10);
        ok(largest_step(&p.guests[3]) <= normal * 2); /* half as many samples */
    }
out:
    close_room();
}

UNIT(a_listener_who_begins_to_speak_hears_no_seam)
{
    static const enum codec codecs[] = {CODEC_L16_8, CODEC_L16_8};
    struct error err = {0};
    int normal;

    ok_rc(open_room(codecs, 2, 24000, 0, &err), &err); /* each mix is converted */
    p.guests[1].quiet = true;
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 20);
    normal = largest_step(&p.guests[1]);
    p.guests[1].quiet = false;
    party_listen(&p);
    party_run(&p, 20);
    ok_int(p.guests[1].gaps, 0);
    ok(largest_step(&p.guests[1]) <= normal + 3);
    ok(party_hears(&p, 1, "10"));
out:
    close_room();
}

UNIT(a_room_is_full_at_its_limit_and_a_member_is_in_one_place)
{
    struct room_config config = {.rate = 8000, .limit = 2, .speaking = on_speaking};
    struct media_room *small = NULL;
    struct error err = {0};

    ok_rc(open_room(mixed, 4, 8000, 0, &err), &err);
    ok_int(media_room_join(room, p.guests[0].channel, ROOM_TALKER, NULL, &err), ERR_WRONG_STATE);
    ok_int(media_join(p.guests[0].channel, p.guests[1].channel), ERR_WRONG_STATE);
    ok_rc(media_room_new(&small, p.media, &config, &handlers, NULL, &err), &err);
    media_room_leave(p.guests[0].channel);
    media_room_leave(p.guests[1].channel);
    media_room_leave(p.guests[2].channel);
    ok_rc(media_room_join(small, p.guests[0].channel, ROOM_TALKER, NULL, &err), &err);
    ok_rc(media_room_join(small, p.guests[1].channel, ROOM_MUTED, NULL, &err), &err);
    ok_int(media_room_join(small, p.guests[2].channel, ROOM_TALKER, NULL, &err), ERR_LIMIT);
    ok_int(err.twilio, 16020);
    party_release(&p, 1);
    ok_int(media_room_count(small), 1);
    ok_rc(media_room_join(small, p.guests[2].channel, ROOM_TALKER, NULL, &err), &err);
    party_run(&p, 5);
    party_listen(&p);
    party_run(&p, 50);
    ok(party_hears(&p, 0, "0010"));
    ok(party_hears(&p, 2, "1000"));
    ok_int(p.guests[3].frames, 0);
out:
    if (small != NULL)
        media_room_release(small);
    close_room();
}

/* Guests 0 and 1 stay and must lose no frame; all else comes and goes, through a crossing so small
 * that commands must wait for each other. */
static void storm(uint32_t seed, size_t places, int steps)
{
    static const enum codec codecs[] = {CODEC_PCMU,   CODEC_L16_24, CODEC_PCMU,  CODEC_PCMA,
                                        CODEC_L16_16, CODEC_L16_24, CODEC_L16_8, CODEC_PCMA};
    struct error err = {0};
    int step, joined = 0;

    ok_rc(open_room(codecs, 8, 16000, places, &err), &err);
    for (step = 0; step < steps; step++) {
        uint32_t x = seed = seed * 1664525 + 1013904223;
        struct media_channel *c = p.guests[2 + (x >> 16) % 6].channel;
        struct media_channel *other = p.guests[(x >> 20) % 8].channel;
        struct error refused = {0};

        switch (x >> 28) {
        case 0:
        case 1:
            party_run(&p, 1);
            break;
        case 2:
        case 3:
            media_room_leave(c);
            break;
        case 4:
            media_part(c);
            break;
        case 5:
            media_join(c, p.guests[2 + (x >> 20) % 6].channel);
            break;
        case 6:
        case 7:
        case 8:
            media_room_mode(c, (enum room_mode)((x >> 24) % 4), other, &refused);
            break;
        default:
            joined +=
                media_room_join(room, c, (enum room_mode)((x >> 24) % 4), other, &refused) == 0;
        }
    }
    ok(joined > steps / 50);
    ok(p.guests[0].frames > (unsigned)steps / 15);
    ok_int(p.guests[0].gaps, 0);
    ok_int(p.guests[1].gaps, 0);
out:
    close_room();
}

UNIT(members_come_and_go_in_any_order_and_others_lose_nothing)
{
    storm(1, 0, 1500);
    storm(2, 0, 1500);
}

UNIT(a_crossing_too_small_for_all_commands_delays_them_and_loses_none)
{
    storm(3, 32, 250);
}

UNIT(a_room_may_go_while_all_talk)
{
    struct error err = {0};

    ok_rc(open_room(mixed, 5, 24000, 32, &err), &err);
    media_room_release(room);
    room = NULL;
    party_release(&p, 2);
    party_run(&p, 2);
    ok_int(voice.released, 1);
    party_listen(&p);
    party_run(&p, 20);
    ok_int(p.guests[0].frames + p.guests[1].frames, 0);
    ok_int(media_join(p.guests[0].channel, p.guests[1].channel), 0);
    party_run(&p, 20);
    ok(p.guests[0].frames >= 19);
out:
    close_room();
}

UNIT_MAIN(CASE(everybody_hears_all_others_and_not_himself_at_every_rate),
          CASE(five_with_one_muted_and_one_coach),
          CASE(who_is_on_hold_hears_only_what_is_played_to_him),
          CASE(an_announcement_is_heard_by_one_or_by_all_over_the_room),
          CASE(a_beep_wakes_a_silent_room_and_silence_costs_nothing),
          CASE(a_sum_beyond_the_range_is_clipped_not_wrapped),
          CASE(a_tap_on_the_voice_records_the_whole_room_silence_included),
          CASE(who_speaks_is_told_with_hysteresis),
          CASE(muting_leaving_and_joining_make_no_click_and_cost_others_no_frame),
          CASE(a_listener_who_begins_to_speak_hears_no_seam),
          CASE(a_room_is_full_at_its_limit_and_a_member_is_in_one_place),
          NO_TORTURE(members_come_and_go_in_any_order_and_others_lose_nothing),
          CASE(a_crossing_too_small_for_all_commands_delays_them_and_loses_none),
          CASE(a_room_may_go_while_all_talk))
