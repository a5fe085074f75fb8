#include "rtp_rig.h"

#include "base/mem.h"
#include "base/str.h"
#include <math.h>
#include <string.h>

#define FLIGHTS 128

struct flight {
    struct timer timer;
    struct rig *rig; /* NULL: free */
    struct rig_end *to;
    struct sockaddr_storage from;
    bool rtcp;
    size_t len;
    uint8_t bytes[1500];
};

struct sockaddr_storage rig_address(const char *ip, unsigned port)
{
    struct sockaddr_storage a;
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&a;

    memset(&a, 0, sizeof a);
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, ip, &in->sin_addr);
    return a;
}

static unsigned draw(struct rig *r)
{
    r->network.seed = r->network.seed * 1664525 + 1013904223;
    return r->network.seed >> 8;
}

static bool happens(struct rig *r, int percent)
{
    return (int)(draw(r) % 100) < percent;
}

static void arrive(void *arg)
{
    struct flight *f = arg;

    if (f->to->rtp != NULL)
        rtp_input(f->to->rtp, f->rtcp, (struct sockaddr *)&f->from, f->bytes, f->len);
    f->rig = NULL;
}

/* Packets on their way are taken from a pool: under torture only what is tested allocates. */
static struct flight *find_flight(struct rig *r)
{
    int i;

    for (i = 0; i < FLIGHTS; i++)
        if (r->flights[i].rig == NULL)
            return &r->flights[i];
    return NULL;
}

static void launch(struct rig *r, struct rig_end *from, struct rig_end *to, bool rtcp,
                   const void *bytes, size_t len)
{
    int us = r->network.delay_ms * 1000;
    struct flight *f;

    if (r->network.jitter_ms > 0)
        us += (int)(draw(r) % (unsigned)(r->network.jitter_ms * 1000));
    f = find_flight(r);
    if (f == NULL)
        return;
    f->rig = r;
    f->to = to;
    f->from = from->address;
    if (rtcp)
        ((struct sockaddr_in *)(void *)&f->from)->sin_port =
            htons((uint16_t)(rtp_port(from->rtp) + 1));
    f->rtcp = rtcp;
    f->len = len;
    memcpy(f->bytes, bytes, len);
    timer_init(&f->timer, r->loop, arrive, f);
    timer_start_at(&f->timer, loop_now(r->loop) + us);
}

static void on_send(void *arg, struct rtp *rtp, bool rtcp, const struct sockaddr *to,
                    const void *bytes, size_t len)
{
    struct rig *r = arg;
    struct rig_end *from = rtp == r->ends[0].rtp ? &r->ends[0] : &r->ends[1];
    struct rig_end *far = &r->ends[from == &r->ends[0]];

    r->packets++;
    r->packet_len = len;
    from->reports += rtcp;
    memcpy(r->packet, bytes, len);
    memset(&r->packet_to, 0, sizeof r->packet_to);
    memcpy(&r->packet_to, to, sizeof(struct sockaddr_in));
    if (r->cut || happens(r, r->network.loss))
        return;
    launch(r, from, far, rtcp, bytes, len);
    if (happens(r, r->network.twice))
        launch(r, from, far, rtcp, bytes, len);
}

static void on_flush(void *arg)
{
    struct rig *r = arg;

    r->flushes++;
}

static void on_frame(void *arg, const void *bytes, size_t len)
{
    struct rig_end *e = arg;
    int16_t *at = e->heard + (size_t)(e->frames % RIG_FRAMES) * 320;

    e->frames++;
    e->last_us = loop_now(e->rig->loop);
    memset(at, 0, 320 * sizeof *at);
    if (len == 0)
        e->silent++;
    else
        codec_decode(e->rig->codec, bytes, codec_frame_samples(e->rig->codec), at);
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct rig_end *e = arg;
    size_t n = strlen(e->digits);

    if (n + 1 < sizeof e->digits && duration_ms >= 40)
        e->digits[n] = digit;
}

static void on_timeout(void *arg)
{
    struct rig_end *e = arg;

    e->timeouts++;
}

static void on_keyless(void *arg, const char *why)
{
    struct rig_end *e = arg;

    e->keyless++;
    str_copy(e->why, sizeof e->why, why);
}

static const struct rtp_handlers handlers = {
    .frame = on_frame, .digit = on_digit, .timeout = on_timeout, .keyless = on_keyless};

/* The exchange's clock: one frame of the tone. */
static void on_clock(void *arg)
{
    struct rig_end *e = arg;
    size_t i, n = codec_frame_samples(e->rig->codec);
    int rate = codec_rate(e->rig->codec);
    uint8_t frame[FRAME_BYTES_MAX];
    int16_t samples[320];

    timer_start_at(&e->clock, e->clock.due + e->frame_us);
    if (e->hz <= 0 || e->rtp == NULL)
        return;
    for (i = 0; i < n; i++)
        samples[i] =
            (int16_t)(8000 * sin(2 * 3.14159265358979 * e->hz * (double)(e->sent * n + i) / rate));
    e->sent++;
    codec_encode(e->rig->codec, samples, n, frame);
    rtp_send_frame(e->rtp, frame, codec_frame_bytes(e->rig->codec));
}

struct rtp_peer rig_peer(const struct rig_end *far, enum rtp_codec c)
{
    int payload = rtp_codec_payload(c) < 0 ? 111 : rtp_codec_payload(c);

    return (struct rtp_peer){.address = far->address,
                             .codec = c,
                             .payload = payload,
                             .payload_in = payload,
                             .dtmf = 101,
                             .dtmf_in = 101,
                             .comfort = -1,
                             .send = true,
                             .receive = true};
}

static bool start_end(struct rig *r, struct rig_end *e, struct error *err)
{
    e->rig = r;
    e->frame_us = 20000;
    e->heard = mem_alloc(sizeof *e->heard * 320 * RIG_FRAMES);
    if (e->heard == NULL)
        return error_nomem(err) == 0;
    if (rtp_new(&e->rtp, r->engine, &handlers, e, err) != 0)
        return false;
    e->address = rig_address("10.0.0.1", rtp_port(e->rtp));
    timer_init(&e->clock, r->loop, on_clock, e);
    return true;
}

bool rig_start(struct rig *r, enum rtp_codec c, const struct rig_network *n, struct error *err)
{
    struct rtp_config config = {
        .port_min = 20000, .port_max = 20007, .flush = on_flush, .arg = r, .send = on_send};
    int i;

    memset(r, 0, sizeof *r);
    if (n != NULL)
        r->network = *n;
    r->codec = rtp_codec_bridge(c);
    r->flights = mem_alloc(sizeof *r->flights * FLIGHTS);
    if (r->flights == NULL)
        return error_nomem(err) == 0;
    if (vtime_new(&r->vtime, err) != 0 || loop_new(&r->loop, r->vtime, err) != 0 ||
        rtp_engine_new(&r->engine, r->loop, &config, err) != 0)
        return false;
    for (i = 0; i < 2; i++)
        if (!start_end(r, &r->ends[i], err))
            return false;
    for (i = 0; i < 2; i++) {
        struct rtp_peer p = rig_peer(&r->ends[1 - i], c);

        if (rtp_set_peer(r->ends[i].rtp, &p, err) != 0)
            return false;
        rtp_deliver(r->ends[i].rtp, true);
        timer_start(&r->ends[i].clock, 3 + 4 * i);
    }
    return true;
}

void rig_run(struct rig *r, int ms)
{
    vtime_run(r->vtime, loop_now(r->loop) + ms * INT64_C(1000), NULL, NULL);
}

void rig_stop(struct rig *r)
{
    int i;

    r->cut = true;
    for (i = 0; i < 2; i++) {
        r->ends[i].rtp = rtp_free(r->ends[i].rtp);
        timer_stop(&r->ends[i].clock);
        mem_free(r->ends[i].heard);
    }
    if (r->loop != NULL)
        rig_run(r, 2000);
    mem_free(r->flights);
    rtp_engine_free(r->engine);
    if (r->loop != NULL)
        loop_free(r->loop);
    if (r->vtime != NULL)
        vtime_free(r->vtime);
}

double rig_tone(const struct rig_end *e, double hz, int ms, int skip_ms)
{
    size_t n = codec_frame_samples(e->rig->codec), i, frames = (size_t)ms / 20;
    size_t first = e->frames - frames - (size_t)skip_ms / 20, f;
    double re = 0, im = 0, all = 0, w = 2 * 3.14159265358979 * hz / codec_rate(e->rig->codec);

    for (f = 0; f < frames; f++) {
        const int16_t *at = e->heard + (first + f) % RIG_FRAMES * 320;

        for (i = 0; i < n; i++) {
            double t = (double)(f * n + i);

            re += at[i] * cos(w * t);
            im += at[i] * sin(w * t);
            all += (double)at[i] * at[i];
        }
    }
    return all == 0 ? 0 : 2 * (re * re + im * im) / (all * (double)(frames * n));
}
