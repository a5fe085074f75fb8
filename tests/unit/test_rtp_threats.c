/* What hostile packets must not achieve: threats R1, R2, R5, R6, R8 and R9 of our list, and clocks
 * that drift (R10), in virtual time. */
#include "gateways/sip/rtp_packet.h"
#include "rtp_rig.h"

#include "base/mem.h"
#include "unit.h"
#include <string.h>
#include <unistd.h>

struct voice {
    struct sockaddr_storage from;
    uint32_t ssrc, timestamp;
    uint16_t seq;
    int type;
    uint8_t fill;
};

static void speak(struct rtp *r, struct voice *v)
{
    uint8_t bytes[172];
    struct rtp_packet p = {.seq = v->seq++,
                           .timestamp = v->timestamp,
                           .ssrc = v->ssrc,
                           .payload_type = (uint8_t)v->type};

    v->timestamp += 160;
    rtp_write_header(bytes, &p);
    memset(bytes + 12, v->fill, 160);
    rtp_input(r, false, (struct sockaddr *)&v->from, bytes, sizeof bytes);
}

static bool goes_to(const struct rig_end *e, const struct sockaddr_storage *a)
{
    struct sockaddr_storage to;

    rtp_remote(e->rtp, &to);
    return memcmp(&to, a, sizeof(struct sockaddr_in)) == 0;
}

/* R1: a spray over all ports while the call begins. */
UNIT(without_learning_nothing_ever_goes_but_to_the_address_of_the_sdp)
{
    struct voice thief = {.from = rig_address("192.0.2.66", 4000), .ssrc = 666, .fill = 0x20};
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.cut = true; /* only our voices speak */
    r.ends[0].hz = 440;
    for (i = 0; i < 200; i++) {
        speak(r.ends[0].rtp, &thief);
        rig_run(&r, 20);
        ok(goes_to(&r.ends[0], &r.ends[1].address));
    }
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.strangers, 200);
    ok_int(r.ends[0].silent, r.ends[0].frames);
out:
    rig_stop(&r);
}

/* Ends 0 learns; what end 1 says comes from elsewhere than its SDP says. */
static bool start_learning(struct rig *r, struct sockaddr_storage sdp, struct error *err)
{
    struct rtp_peer p;

    if (!rig_start(r, RTP_PCMU, NULL, err))
        return false;
    r->cut = true;
    p = rig_peer(&r->ends[1], RTP_PCMU);
    p.address = sdp;
    p.learn = true;
    return rtp_set_peer(r->ends[0].rtp, &p, err) == 0;
}

UNIT(a_far_end_behind_nat_is_found_by_its_packets)
{
    struct voice phone = {.from = rig_address("198.51.100.9", 31000), .ssrc = 9, .fill = 0x20};
    struct error err = {0};
    struct rig r;
    int i;

    ok(start_learning(&r, rig_address("192.168.1.5", 8000), &err));
    for (i = 0; i < 3; i++) {
        speak(r.ends[0].rtp, &phone);
        rig_run(&r, 20);
    }
    ok(!goes_to(&r.ends[0], &phone.from));
    speak(r.ends[0].rtp, &phone);
    ok(goes_to(&r.ends[0], &phone.from));
    for (i = 0; i < 20; i++) {
        speak(r.ends[0].rtp, &phone);
        rig_run(&r, 20);
    }
    ok(r.ends[0].frames - r.ends[0].silent >= 15);
out:
    rig_stop(&r);
}

UNIT(while_learning_the_address_of_the_sdp_wins)
{
    struct voice thief = {.from = rig_address("192.0.2.66", 4000), .ssrc = 666, .fill = 0x20};
    struct voice phone = {.ssrc = 9, .fill = 0x30};
    struct sockaddr_storage sdp = rig_address("198.51.100.9", 31000);
    struct error err = {0};
    struct rig r;
    int i;

    phone.from = rig_address("198.51.100.9", 31002); /* its host, another port */
    ok(start_learning(&r, sdp, &err));
    for (i = 0; i < 10; i++)
        speak(r.ends[0].rtp, &thief);
    ok(goes_to(&r.ends[0], &thief.from));
    speak(r.ends[0].rtp, &phone); /* one packet of the right host is enough */
    ok(goes_to(&r.ends[0], &phone.from));
    for (i = 0; i < 10; i++)
        speak(r.ends[0].rtp, &thief);
    ok(goes_to(&r.ends[0], &phone.from));
out:
    rig_stop(&r);
}

UNIT(after_its_time_nothing_is_learned)
{
    struct voice thief = {.from = rig_address("192.0.2.66", 4000), .ssrc = 666, .fill = 0x20};
    struct sockaddr_storage sdp = rig_address("198.51.100.9", 31000);
    struct error err = {0};
    struct rig r;
    int i;

    ok(start_learning(&r, sdp, &err));
    rig_run(&r, 5100);
    for (i = 0; i < 50; i++) {
        speak(r.ends[0].rtp, &thief);
        rig_run(&r, 20);
    }
    ok(goes_to(&r.ends[0], &sdp));
    ok_int(r.ends[0].silent, r.ends[0].frames);
out:
    rig_stop(&r);
}

/* R2: the right port, the right payload, even the right source, but not the voice that we know. */
UNIT(injected_audio_and_digits_are_not_heard)
{
    struct voice thief = {.from = rig_address("192.0.2.66", 4000), .ssrc = 666, .fill = 0x20};
    struct voice spoof = {.ssrc = 667, .fill = 0x20, .type = 101};
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.ends[1].hz = 440;
    rig_run(&r, 500);
    spoof.from = r.ends[1].address;
    for (i = 0; i < 100; i++) {
        speak(r.ends[0].rtp, &thief);
        speak(r.ends[0].rtp, &spoof);
        rig_run(&r, 20);
    }
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.strangers, 200);
    ok_str(r.ends[0].digits, "");
    ok(rig_tone(&r.ends[0], 440, 2000, 0) > 0.999);
    ok_int(s.late + s.lost + s.duplicate, 0);
out:
    rig_stop(&r);
}

/* R5 */
UNIT(a_new_voice_from_the_same_source_is_heard_within_100_ms)
{
    struct voice a = {.ssrc = 1, .fill = 0x20}, b = {.ssrc = 2, .fill = 0x30, .seq = 40000};
    struct error err = {0};
    struct rig r;
    unsigned silent;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.cut = true; /* only our voices speak */
    a.from = b.from = r.ends[1].address;
    b.timestamp = 3000000000u;
    for (i = 0; i < 50; i++) {
        speak(r.ends[0].rtp, &a);
        rig_run(&r, 20);
    }
    for (i = 0; i < 5; i++) {
        speak(r.ends[0].rtp, &b);
        rig_run(&r, 20);
    }
    silent = r.ends[0].silent;
    for (i = 0; i < 20; i++) {
        speak(r.ends[0].rtp, &b);
        rig_run(&r, 20);
    }
    ok(r.ends[0].silent - silent <= 1);
    ok_int(r.ends[0].heard[(r.ends[0].frames - 1) % RIG_FRAMES * 320 + 7], -3900); /* 0x30 */
out:
    rig_stop(&r);
}

UNIT(jumps_of_sequence_and_timestamp_are_followed_within_100_ms)
{
    static const struct {
        uint16_t seq;
        uint32_t timestamp;
    } jumps[] = {{30000, 0},           {0, 2000000000u}, {65000, 0},
                 {65530, 4294967000u}, {20000, 160},     {0, 16000}};
    struct voice v = {.ssrc = 1, .fill = 0x20};
    struct error err = {0};
    struct rig r;
    unsigned silent;
    size_t j;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.cut = true; /* only our voices speak */
    v.from = r.ends[1].address;
    for (j = 0; j < sizeof jumps / sizeof *jumps; j++) {
        for (i = 0; i < 5; i++) {
            speak(r.ends[0].rtp, &v);
            rig_run(&r, 20);
        }
        silent = r.ends[0].silent;
        for (i = 0; i < 45; i++) {
            speak(r.ends[0].rtp, &v);
            rig_run(&r, 20);
        }
        ok(r.ends[0].silent - silent <= 1);
        v.seq = (uint16_t)(v.seq + jumps[j].seq);
        v.timestamp += jumps[j].timestamp;
    }
out:
    rig_stop(&r);
}

UNIT(a_burst_does_not_add_more_than_200_ms)
{
    struct voice v = {.ssrc = 1, .fill = 0x20};
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;
    unsigned heard;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.cut = true; /* only our voices speak */
    v.from = r.ends[1].address;
    for (i = 0; i < 50; i++) {
        speak(r.ends[0].rtp, &v);
        rig_run(&r, 20);
    }
    rig_run(&r, 900); /* held up somewhere, then all at once, and nothing more */
    for (i = 0; i < 45; i++)
        speak(r.ends[0].rtp, &v);
    heard = r.ends[0].frames - r.ends[0].silent;
    rig_run(&r, 1000);
    heard = r.ends[0].frames - r.ends[0].silent - heard;
    ok(heard >= 1 && heard <= 13); /* 200 ms and what is made up at their end */
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.delay_ms <= 200);
out:
    rig_stop(&r);
}

UNIT(packets_that_lie_are_counted_and_dropped)
{
    static const uint8_t lies[][16] = {{0x80},
                                       {0x8f, 0, 0, 1},
                                       {0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},
                                       {0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99},
                                       {0x40, 0, 0, 1},
                                       {0x80, 200, 0, 1},
                                       {0x80, 55}};
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;
    size_t i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    for (i = 0; i < sizeof lies / sizeof *lies; i++)
        rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&r.ends[1].address, lies[i],
                  i == 0 ? 1 : 16);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.bad, sizeof lies / sizeof *lies);
    ok_int(s.received, 0);
out:
    rig_stop(&r);
}

/* R6 */
UNIT(a_flood_of_digits_is_cut_to_what_a_person_can_press)
{
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    for (i = 0; i < 10000; i++) {
        struct rtp_packet p = {.seq = (uint16_t)i,
                               .timestamp = (uint32_t)i * 4000,
                               .ssrc = 1,
                               .payload_type = 101,
                               .marker = true};
        uint8_t bytes[16] = {0};

        rtp_write_header(bytes, &p);
        bytes[12] = 5;
        bytes[15] = 160;
        rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&r.ends[1].address, bytes, sizeof bytes);
        if (i % 10 == 9)
            rig_run(&r, 1);
    }
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.digits_in >= 32 && s.digits_in <= 60);
    ok_int(s.digits_in + s.digits_dropped, 10000);
out:
    rig_stop(&r);
}

/* R8 */
UNIT(forged_reports_end_nothing_and_say_nothing)
{
    static const uint8_t bye[] = {0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 203, 0, 1, 0, 0, 0, 9};
    static const uint8_t four[] = {0x80, 201, 0, 0};
    static const uint8_t lie[] = {0x9f, 200, 0, 6, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0,
                                  0,    0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct sockaddr_storage from = rig_address("192.0.2.66", 4001);
    struct error err = {0};
    struct rtp_stats s;
    struct rig r;
    int i;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    r.ends[1].hz = 440;
    rig_run(&r, 1000);
    for (i = 0; i < 1000; i++)
        rtp_input(r.ends[0].rtp, true, (struct sockaddr *)&from, bye, sizeof bye);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.strangers, 1000);
    for (i = 0; i < 1000; i++) {
        rtp_input(r.ends[0].rtp, true, (struct sockaddr *)&r.ends[1].address, bye, sizeof bye);
        rtp_input(r.ends[0].rtp, true, (struct sockaddr *)&r.ends[1].address, four, sizeof four);
        rtp_input(r.ends[0].rtp, true, (struct sockaddr *)&r.ends[1].address, lie, sizeof lie);
    }
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.bad >= 2980); /* lies, and more than may come in a second */
    ok(!s.remote && s.round_trip_ms < 0);
    rig_run(&r, 1000);
    ok(rig_tone(&r.ends[0], 440, 900, 0) > 0.999);
out:
    rig_stop(&r);
}

static void on_frame(void *arg, const void *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    (void)len;
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static const struct rtp_handlers handlers = {.frame = on_frame, .digit = on_digit};

static int take_port(unsigned port)
{
    struct sockaddr_storage a = rig_address("127.0.0.1", port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(struct sockaddr_in)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* R9 */
UNIT(ports_are_bounded_given_back_and_others_ports_stepped_over)
{
    struct rtp_config config = {.address = "127.0.0.1", .port_min = 28000, .port_max = 28007};
    struct rtp_engine *e = NULL;
    struct loop *loop = NULL;
    struct rtp *calls[4] = {NULL}, *more = NULL;
    struct error err = {0};
    int fd = -1, i;

    ok_rc(loop_new(&loop, NULL, &err), &err);
    ok_rc(rtp_engine_new(&e, loop, &config, &err), &err);
    ok_int(rtp_ports_all(e), 4);
    fd = take_port(28003); /* RTCP's of the second pair */
    ok(fd >= 0);
    for (i = 0; i < 3; i++)
        ok_rc(rtp_new(&calls[i], e, &handlers, NULL, &err), &err);
    ok_int(rtp_port(calls[0]), 28000);
    ok_int(rtp_port(calls[1]), 28004);
    ok_int(rtp_port(calls[2]), 28006);
    ok_int(rtp_new(&more, e, &handlers, NULL, &err), ERR_IO);
    close(fd);
    fd = -1;
    ok_rc(rtp_new(&calls[3], e, &handlers, NULL, &err), &err);
    ok_int(rtp_port(calls[3]), 28002);
    ok_int(rtp_ports_used(e), 4);
    error_clear(&err);
    ok_int(rtp_new(&more, e, &handlers, NULL, &err), ERR_LIMIT);
    ok(strstr(err.text, "28000 to 28007") != NULL);
    calls[2] = rtp_free(calls[2]);
    for (i = 0; i < 3; i++)
        loop_turn(loop, false);
    ok_rc(rtp_new(&calls[2], e, &handlers, NULL, &err), &err);
    ok_int(rtp_port(calls[2]), 28006);
out:
    for (i = 0; i < 4; i++)
        rtp_free(calls[i]);
    if (fd >= 0)
        close(fd);
    rtp_engine_free(e);
    if (loop != NULL)
        loop_free(loop);
}

UNIT(a_range_that_makes_no_sense_is_refused)
{
    static const struct rtp_config configs[] = {
        {.address = "phone.example", .port_min = 20000, .port_max = 20100},
        {.port_min = 20000, .port_max = 20000},
        {.port_min = 20001, .port_max = 20002},
        {.port_min = 30000, .port_max = 20000},
        {.port_min = 20, .port_max = 400},
        {.port_min = 20000, .port_max = 70000},
    };
    struct rtp_engine *e = NULL;
    struct loop *loop = NULL;
    struct error err = {0};
    size_t i;

    ok_rc(loop_new(&loop, NULL, &err), &err);
    for (i = 0; i < sizeof configs / sizeof *configs; i++)
        ok_int(rtp_engine_new(&e, loop, &configs[i], &err), ERR_INVALID);
out:
    if (loop != NULL)
        loop_free(loop);
}

/* R10: the far end's clock is fast or slow by 500 ppm. An hour here: what grows would have grown by
 * 1.8 s. */
static bool drifts(int64_t frame_us, struct error *err)
{
    struct rig_network n = {.seed = 5, .jitter_ms = 10};
    struct rtp_stats s;
    struct rig r;
    bool good = rig_start(&r, RTP_PCMU, &n, err);

    if (good) {
        r.ends[1].frame_us = frame_us;
        r.ends[1].hz = 440;
        rig_run(&r, 3600 * 1000);
        rtp_stats(r.ends[0].rtp, &s);
        good = s.late <= 20 && s.delay_ms < 60 && s.concealed < 400;
        good = good && rig_tone(&r.ends[0], 440, 1000, 0) > 0.5;
        r.ends[1].hz = 0; /* what is still to be heard is what the delay was */
        s.received = r.ends[0].frames - r.ends[0].silent;
        rig_run(&r, 1000);
        good = good && r.ends[0].frames - r.ends[0].silent - s.received <= 8;
    }
    rig_stop(&r);
    return good;
}

UNIT(clocks_that_drift_do_not_let_the_delay_grow)
{
    struct error err = {0};

    ok(drifts(20010, &err));
    ok(drifts(19990, &err));
out:;
}

UNIT_MAIN(CASE(without_learning_nothing_ever_goes_but_to_the_address_of_the_sdp),
          CASE(a_far_end_behind_nat_is_found_by_its_packets),
          CASE(while_learning_the_address_of_the_sdp_wins), CASE(after_its_time_nothing_is_learned),
          CASE(injected_audio_and_digits_are_not_heard),
          CASE(a_new_voice_from_the_same_source_is_heard_within_100_ms),
          CASE(jumps_of_sequence_and_timestamp_are_followed_within_100_ms),
          CASE(a_burst_does_not_add_more_than_200_ms),
          CASE(packets_that_lie_are_counted_and_dropped),
          CASE(a_flood_of_digits_is_cut_to_what_a_person_can_press),
          CASE(forged_reports_end_nothing_and_say_nothing),
          NO_TORTURE(ports_are_bounded_given_back_and_others_ports_stepped_over),
          CASE(a_range_that_makes_no_sense_is_refused),
          NO_TORTURE(clocks_that_drift_do_not_let_the_delay_grow))
