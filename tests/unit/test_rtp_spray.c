/* Threat R1 at its full size, in virtual time: a third party sprays every port of the range with
 * RTP, RTCP, handshakes and checks while a thousand calls are set up. Counted is what any call
 * sends to it. */
#include "base/mem.h"
#include "gateways/sip/rtp_packet.h"
#include "rtp_rig.h"
#include "unit.h"
#include <string.h>

enum {
    CALLS = 1000,
    APART_MS = 2,   /* between two set-ups */
    SPEAKS_MS = 60, /* from the description to the phone's first packet */
    ROUND_MS = 100, /* one spray over all ports */
};

struct caller {
    struct spray *spray;
    struct rtp *rtp;
    struct sockaddr_storage from; /* where it truly is */
    struct rtp_peer peer;
    uint16_t seq;
    bool set;
    unsigned to_phone;
};

struct spray {
    struct vtime *vtime;
    struct loop *loop;
    struct rtp_engine *engine;
    struct caller *calls;
    struct sockaddr_storage thief;
    uint16_t seq;
    unsigned leaked, answered;
};

static void on_send(void *arg, struct rtp *rtp, bool rtcp, const struct sockaddr *to,
                    const void *bytes, size_t len)
{
    struct spray *s = arg;
    unsigned i = (rtp_port(rtp) - 20000) / 2;

    (void)len;
    if (memcmp(to, &s->thief, 8) == 0)
        s->leaked++;
    else if (!rtcp && i < CALLS && memcmp(to, &s->calls[i].from, 8) == 0)
        s->calls[i].to_phone++;
    s->answered += ((const uint8_t *)bytes)[0] < 64; /* STUN or DTLS */
}

/* What is heard comes back at once: so each call also sends all the time. */
static void on_frame(void *arg, const void *bytes, size_t len)
{
    struct caller *c = arg;

    rtp_send_frame(c->rtp, bytes, len);
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)arg;
    (void)digit;
    (void)duration_ms;
}

static const struct rtp_handlers handlers = {.frame = on_frame, .digit = on_digit};

static void speak(struct caller *c, const struct sockaddr_storage *from, uint16_t seq,
                  uint32_t ssrc)
{
    uint8_t bytes[172] = {0};
    struct rtp_packet p = {.seq = seq, .timestamp = seq * 160u, .ssrc = ssrc};

    rtp_write_header(bytes, &p);
    rtp_input(c->rtp, false, (const struct sockaddr *)from, bytes, sizeof bytes);
}

static void spray_one(struct spray *s, struct caller *c)
{
    static const uint8_t report[8] = {0x80, 201, 0, 1, 0, 0, 2, 154};
    static const uint8_t hello[40] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 27, 1};
    static const uint8_t check[28] = {0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, 0,    0,    0, 0,
                                      0, 0, 0, 0, 0,    0,    0,    0,    0x80, 0x28, 0, 4};
    const struct sockaddr *thief = (const struct sockaddr *)&s->thief;

    speak(c, &s->thief, s->seq, 666);
    rtp_input(c->rtp, true, thief, report, sizeof report);
    rtp_input(c->rtp, false, thief, hello, sizeof hello);
    rtp_input(c->rtp, false, thief, check, sizeof check);
}

static bool start(struct spray *s, const char *sdp, bool learn, struct error *err)
{
    struct rtp_config config = {.port_min = 20000, .port_max = 21999, .send = on_send, .arg = s};

    memset(s, 0, sizeof *s);
    s->thief = rig_address("192.0.2.66", 4000);
    s->calls = mem_alloc(CALLS * sizeof *s->calls);
    if (s->calls == NULL || vtime_new(&s->vtime, err) != 0 ||
        loop_new(&s->loop, s->vtime, err) != 0 ||
        rtp_engine_new(&s->engine, s->loop, &config, err) != 0)
        return false;
    for (unsigned i = 0; i < CALLS; i++) {
        struct caller *c = &s->calls[i];

        c->spray = s;
        if (rtp_new(&c->rtp, s->engine, &handlers, c, err) != 0)
            return false;
        c->from = rig_address("198.51.100.9", 10000 + 2 * i);
        c->peer = (struct rtp_peer){.address = rig_address(sdp, 10000 + 2 * i),
                                    .dtmf = -1,
                                    .dtmf_in = -1,
                                    .comfort = -1,
                                    .send = true,
                                    .receive = true,
                                    .learn = learn};
    }
    return true;
}

/* 20 ms of all calls. */
static bool step(struct spray *s, int ms, struct error *err)
{
    for (int i = 0; i < CALLS; i++) {
        struct caller *c = &s->calls[i];
        int age = ms - APART_MS * i;

        if (ms % ROUND_MS == 0)
            spray_one(s, c);
        if (age >= 0 && !c->set) {
            c->set = true;
            rtp_deliver(c->rtp, true);
            if (rtp_set_peer(c->rtp, &c->peer, err) != 0)
                return false;
        }
        if (age >= SPEAKS_MS) {
            speak(c, &c->from, c->seq, 7);
            c->seq++;
        }
    }
    s->seq += ms % ROUND_MS == 0;
    vtime_run(s->vtime, loop_now(s->loop) + 20000, NULL, NULL);
    return true;
}

static void stop(struct spray *s)
{
    for (unsigned i = 0; s->calls != NULL && i < CALLS; i++)
        rtp_free(s->calls[i].rtp);
    mem_free(s->calls);
    rtp_engine_free(s->engine);
    if (s->loop != NULL)
        loop_free(s->loop);
    if (s->vtime != NULL)
        vtime_free(s->vtime);
}

/* How much went to the thief; UINT_MAX: a call does not reach its phone, or something failed. */
static unsigned leaked(const char *sdp, bool learn)
{
    unsigned n = 0, deaf = 0;
    struct error err = {0};
    struct spray s;

    ok(start(&s, sdp, learn, &err));
    for (int ms = 0; ms < CALLS * APART_MS + 1000; ms += 20)
        ok(step(&s, ms, &err));
    for (int i = 0; i < CALLS; i++)
        deaf += s.calls[i].to_phone < 30;
    n = s.leaked;
    ok_int(deaf, 0);
    ok_int(s.answered, 0);
out:
    stop(&s);
    return n;
}

UNIT(a_spray_over_all_ports_gets_nothing_where_the_sdp_says_where_the_phone_is)
{
    ok_int(leaked("198.51.100.9", false), 0);
    ok_int(leaked("198.51.100.9", true), 0);
out:;
}

UNIT(nor_where_the_phone_behind_nat_must_be_found)
{
    ok_int(leaked("192.168.1.5", true), 0);
out:;
}

UNIT_MAIN(NO_TORTURE(a_spray_over_all_ports_gets_nothing_where_the_sdp_says_where_the_phone_is),
          NO_TORTURE(nor_where_the_phone_behind_nat_must_be_found))
