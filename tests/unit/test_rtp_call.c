/* Two calls joined by a network, in virtual time: what one end says the other hears. */
#include "gateways/sip/codec.h"
#include "rtp_rig.h"

#include "unit.h"
#include <math.h>
#include <string.h>

/* Frames of a tone both ways; each end hears the other's, one frame every 20 ms. */
static bool hears(enum rtp_codec c, const struct rig_network *n, double least, struct error *err)
{
    struct rig r;
    bool good = rig_start(&r, c, n, err);

    if (good) {
        r.ends[0].hz = 440;
        r.ends[1].hz = 1000;
        rig_run(&r, 3000);
        good = r.ends[0].frames >= 149 && r.ends[0].frames <= 151;
        good = good && rig_tone(&r.ends[1], 440, 2000, 0) > least;
        good = good && rig_tone(&r.ends[0], 1000, 2000, 0) > least;
    }
    rig_stop(&r);
    return good;
}

UNIT(each_end_hears_the_others_tone)
{
    struct error err = {0};

    ok(hears(RTP_PCMU, NULL, 0.99, &err));
    ok(hears(RTP_PCMA, NULL, 0.99, &err));
    ok(hears(RTP_G722, NULL, 0.98, &err));
    if (rtp_codec_available(RTP_OPUS))
        ok(hears(RTP_OPUS, NULL, 0.9, &err));
out:;
}

UNIT(a_tone_survives_jitter_reordering_and_copies)
{
    struct rig_network n = {.seed = 7, .twice = 20, .delay_ms = 30, .jitter_ms = 60};
    struct error err = {0};

    ok(hears(RTP_PCMU, &n, 0.6, &err));
    ok(hears(RTP_G722, &n, 0.6, &err));
out:;
}

UNIT(the_packet_leaves_when_its_frame_arrives)
{
    struct rig r;
    struct error err = {0};
    uint8_t frame[160];
    unsigned before;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    rig_run(&r, 100);
    before = r.packets;
    memset(frame, 0x12, sizeof frame);
    rtp_send_frame(r.ends[0].rtp, frame, sizeof frame);
    ok_int(r.packets, before + 1);
    ok_int(r.packet_len, 172);
    ok(memcmp(r.packet + 12, frame, sizeof frame) == 0);
    ok_int(r.packet[1] & 0x80, 0x80); /* a stretch of talk begins */
    rtp_send_frame(r.ends[0].rtp, frame, 80);
    ok_int(r.packets, before + 1);
out:
    rig_stop(&r);
}

UNIT(digits_arrive_exactly_once_whatever_the_network_does)
{
    static const char all[] = "0123456789*#ABCD55550";
    struct rig_network n = {.loss = 10, .twice = 20, .delay_ms = 20, .jitter_ms = 35};
    struct error err = {0};
    struct rig r;
    int seed;

    for (seed = 1; seed <= 20; seed++) {
        struct rtp_stats s;
        bool good;

        n.seed = (unsigned)seed;
        good = rig_start(&r, RTP_PCMU, &n, &err);
        if (good) {
            r.ends[0].hz = 300; /* speech around them */
            rig_run(&r, 500);
            rtp_send_digits(r.ends[0].rtp, all);
            rig_run(&r, 6000);
            rtp_stats(r.ends[1].rtp, &s);
            good = strcmp(r.ends[1].digits, all) == 0 && s.digits_in == sizeof all - 1;
        }
        rig_stop(&r);
        ok(good);
    }
out:;
}

UNIT(without_events_a_key_is_heard_as_its_two_tones)
{
    struct error err = {0};
    struct rtp_peer p;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    p = rig_peer(&r.ends[1], RTP_PCMU);
    p.dtmf = -1;
    ok_rc(rtp_set_peer(r.ends[0].rtp, &p, &err), &err);
    rig_run(&r, 200);
    rtp_send_digits(r.ends[0].rtp, "5");
    rig_run(&r, 120);
    ok(rig_tone(&r.ends[1], 770, 60, 0) > 0.3);
    ok(rig_tone(&r.ends[1], 1336, 60, 0) > 0.3);
    ok_str(r.ends[1].digits, "");
out:
    rig_stop(&r);
}

UNIT(silence_is_suppressed_with_comfort_noise_and_talk_goes_on_after_it)
{
    struct error err = {0};
    struct rtp_peer p;
    struct rig r;
    unsigned before;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    for (i = 0; i < 2; i++) {
        p = rig_peer(&r.ends[1 - i], RTP_PCMU);
        p.comfort = 13;
        ok_rc(rtp_set_peer(r.ends[i].rtp, &p, &err), &err);
    }
    r.ends[0].hz = 500;
    rig_run(&r, 1000);
    r.ends[0].hz = 0;
    before = r.packets;
    for (i = 0; i < 50; i++) {
        rtp_send_frame(r.ends[0].rtp, NULL, 0);
        rig_run(&r, 20);
    }
    ok(r.packets - before <= 2);
    ok(rig_tone(&r.ends[1], 500, 200, 0) < 0.1);
    r.ends[0].hz = 500;
    rig_run(&r, 600);
    ok(rig_tone(&r.ends[1], 500, 400, 0) > 0.99);
out:
    rig_stop(&r);
}

/* a=ptime is a wish (RFC 4566 §6): what is no multiple of a frame, or long, gets 20 ms. */
UNIT(packets_are_as_long_as_the_far_end_likes_them)
{
    static const struct {
        int ptime;
        unsigned a_second;
    } cases[] = {{10, 50}, {20, 50}, {30, 50}, {40, 25}, {60, 16}, {120, 50}};
    struct error err = {0};
    struct rig r = {0};

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        unsigned before;

        ok(rig_start(&r, RTP_PCMU, NULL, &err));
        for (int i = 0; i < 2; i++) {
            struct rtp_peer p = rig_peer(&r.ends[1 - i], RTP_PCMU);

            p.ptime_ms = cases[k].ptime;
            ok_rc(rtp_set_peer(r.ends[i].rtp, &p, &err), &err);
            r.ends[i].hz = 440;
        }
        rig_run(&r, 1000);
        before = r.packets;
        rig_run(&r, 1000);
        ok(r.packets - before >= 2 * cases[k].a_second - 1 &&
           r.packets - before <= 2 * cases[k].a_second + 2);
        ok(rig_tone(&r.ends[1], 440, 900, 0) > 0.99);
        rig_stop(&r);
        r = (struct rig){0};
    }
out:
    rig_stop(&r);
}

UNIT(on_hold_nothing_is_sent_and_silence_is_heard)
{
    struct error err = {0};
    struct rtp_peer p;
    struct rig r;
    unsigned before;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.ends[0].hz = r.ends[1].hz = 440;
    rig_run(&r, 500);
    p = rig_peer(&r.ends[1], RTP_PCMU);
    p.send = p.receive = false;
    ok_rc(rtp_set_peer(r.ends[0].rtp, &p, &err), &err);
    r.ends[1].hz = 0;
    rig_run(&r, 200);
    before = r.packets;
    rig_run(&r, 1000);
    ok_int(r.packets - before, 0);
    ok(rig_tone(&r.ends[0], 440, 500, 0) < 0.01);
    before = r.ends[0].reports;
    rig_run(&r, 5000);
    ok_int(r.ends[0].reports,
           before + 1); /* but both go on reporting: nobody takes the call for dead */
    p.send = p.receive = true;
    ok_rc(rtp_set_peer(r.ends[0].rtp, &p, &err), &err);
    r.ends[1].hz = 440;
    rig_run(&r, 500);
    ok(rig_tone(&r.ends[0], 440, 300, 0) > 0.99);
    ok(rig_tone(&r.ends[1], 440, 300, 0) > 0.99);
out:
    rig_stop(&r);
}

UNIT(a_quiet_call_sends_enough_to_keep_nat_open)
{
    struct error err = {0};
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    rig_run(&r, 25);
    ok_int(r.packets, 2); /* at once: the door opens before anybody speaks */
    rig_run(&r, 20000);
    ok(r.packets >= 20 && r.packets <= 40);
    ok_int(r.ends[0].timeouts, 0);
out:
    rig_stop(&r);
}

UNIT(media_that_stops_is_told_once)
{
    struct error err = {0};
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.ends[0].hz = r.ends[1].hz = 440;
    rig_run(&r, 1000);
    r.cut = true;
    rig_run(&r, 59000);
    ok_int(r.ends[0].timeouts, 0);
    rig_run(&r, 62000);
    ok_int(r.ends[0].timeouts, 1);
    r.cut = false;
    rig_run(&r, 1000);
    r.cut = true;
    rig_run(&r, 61000);
    ok_int(r.ends[0].timeouts, 2);
out:
    rig_stop(&r);
}

/* A microphone that is off, or a hold without music: for ten minutes, which is no reason to hang
 * up. */
UNIT(who_is_quiet_but_reports_or_has_us_on_hold_is_there)
{
    struct error err = {0};
    struct rtp_peer p;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    p = rig_peer(&r.ends[0], RTP_PCMU);
    p.send = false;
    ok_rc(rtp_set_peer(r.ends[1].rtp, &p, &err), &err);
    rig_run(&r, 600000);
    ok_int(r.ends[0].timeouts, 0);
    p = rig_peer(&r.ends[1], RTP_PCMU);
    p.send = false;
    ok_rc(rtp_set_peer(r.ends[0].rtp, &p, &err), &err);
    r.cut = true;
    rig_run(&r, 600000);
    ok_int(r.ends[0].timeouts, 0);
    p.send = true;
    ok_rc(rtp_set_peer(r.ends[0].rtp, &p, &err), &err);
    rig_run(&r, 59000);
    ok_int(r.ends[0].timeouts, 0);
    rig_run(&r, 2000);
    ok_int(r.ends[0].timeouts, 1);
out:
    rig_stop(&r);
}

UNIT(reports_tell_loss_jitter_and_round_trip)
{
    struct rig_network n = {.seed = 3, .loss = 10, .delay_ms = 40, .jitter_ms = 20};
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, &n, &err));
    r.ends[0].hz = r.ends[1].hz = 440;
    rig_run(&r, 60000);
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.loss > 0.07 && s.loss < 0.13);
    ok(s.remote && s.remote_loss > 0.03 && s.remote_loss < 0.2);
    ok(s.jitter_ms > 2 && s.jitter_ms < 15);
    ok(s.round_trip_ms > 79 && s.round_trip_ms < 121);
    ok(s.mos > 2 && s.mos < 4);
    ok(s.concealed > 100);
out:
    rig_stop(&r);
}

UNIT(a_clean_call_scores_well)
{
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.ends[0].hz = r.ends[1].hz = 440;
    rig_run(&r, 20000);
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.mos > 4.2 && s.mos <= 4.5);
    ok_int(s.lost + s.late + s.duplicate + s.strangers + s.bad, 0);
    ok(s.delay_ms <= 30);
    ok(s.concealed == 0);
out:
    rig_stop(&r);
}

/* Calls take turns in one work place. */
UNIT(what_a_call_encodes_does_not_depend_on_the_others)
{
    enum { FRAMES = 100, CALLS = 3 };
    struct transcoder *t[CALLS + 1] = {NULL};
    struct error err = {0};
    int16_t samples[320];
    uint8_t alone[FRAMES][300], out[300];
    size_t len[FRAMES];

    if (!rtp_codec_available(RTP_OPUS))
        return;
    for (int i = 0; i <= CALLS; i++)
        ok_rc(transcoder_new(&t[i], RTP_OPUS, true, &err), &err);
    for (int pass = 0; pass < 2; pass++)
        for (int f = 0; f < FRAMES; f++)
            for (int c = 0; c < (pass == 0 ? 1 : CALLS); c++) {
                for (int k = 0; k < 320; k++)
                    samples[k] = (int16_t)(8000 * sin((f * 320 + k) * 0.07 * (c + 1)));
                if (pass == 0) {
                    len[f] = transcoder_encode(t[CALLS], samples, alone[f], sizeof alone[f]);
                    ok(len[f] > 0);
                } else if (transcoder_encode(t[c], samples, out, sizeof out) != len[f]) {
                    ok(c > 0);
                } else if (c == 0) {
                    ok(memcmp(out, alone[f], len[f]) == 0);
                }
            }
out:
    for (int i = 0; i <= CALLS; i++)
        transcoder_free(t[i]);
}

UNIT_MAIN(CASE(what_a_call_encodes_does_not_depend_on_the_others),
          CASE(each_end_hears_the_others_tone), CASE(a_tone_survives_jitter_reordering_and_copies),
          CASE(the_packet_leaves_when_its_frame_arrives),
          CASE(digits_arrive_exactly_once_whatever_the_network_does),
          CASE(without_events_a_key_is_heard_as_its_two_tones),
          CASE(silence_is_suppressed_with_comfort_noise_and_talk_goes_on_after_it),
          CASE(packets_are_as_long_as_the_far_end_likes_them),
          CASE(on_hold_nothing_is_sent_and_silence_is_heard),
          CASE(a_quiet_call_sends_enough_to_keep_nat_open), CASE(media_that_stops_is_told_once),
          CASE(who_is_quiet_but_reports_or_has_us_on_hold_is_there),
          CASE(reports_tell_loss_jitter_and_round_trip), CASE(a_clean_call_scores_well))
