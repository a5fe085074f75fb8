#include "gateways/sip/rtp.h"

#include "base/mem.h"
#include "gateways/sip/rtp_private.h"
#include <string.h>
#include <sys/random.h>

static void draw(void *out, size_t n)
{
    /* Up to 256 bytes come whole; without randomness the numbers are only easier to guess. */
    if (getrandom(out, n, 0) != (ssize_t)n)
        memset(out, 0x5a, n);
}

int rtp_new(struct rtp **rp, struct rtp_engine *e, const struct rtp_handlers *h, void *arg,
            struct error *err)
{
    struct rtp *r = mem_alloc(sizeof *r);
    int rc;

    if (r == NULL)
        return error_nomem(err);
    r->engine = e;
    r->fds[0] = r->fds[1] = -1;
    r->h = h;
    r->arg = arg;
    r->family = e->address.ss_family;
    rc = rtp_engine_take_ports(r, err);
    if (rc != 0) {
        mem_free(r);
        return rc;
    }
    draw(&r->ssrc, sizeof r->ssrc);
    draw(&r->stamp, sizeof r->stamp);
    draw(&r->seq, sizeof r->seq);
    r->seq &= 0x7fff; /* the first turn-over is some time away: SRTP's receiver counts from it */
    r->stats.round_trip_ms = -1;
    r->stamp_us = -1;
    rtp_engine_join(r);
    *rp = r;
    return 0;
}

void rtp_hold(struct rtp *r)
{
    r->busy++;
}

void rtp_let_go(struct rtp *r)
{
    if (--r->busy == 0 && r->dead && !r->closing)
        mem_free(r);
}

struct rtp *rtp_free(struct rtp *r)
{
    if (r == NULL || r->dead)
        return NULL;
    if (rtp_is_reachable(r) && r->stats.sent > 0)
        rtp_out_report(r, rtp_now(r), true);
    r->dead = true;
    rtp_engine_leave(r);
    rtp_engine_give_ports(r);
    rtp_path_free(r);
    r->out_crypt = srtp_free(r->out_crypt);
    r->in_crypt = srtp_free(r->in_crypt);
    r->encoder = transcoder_free(r->encoder);
    r->tones = audio_unref(r->tones);
    rtp_ear_free(&r->ear);
    if (r->busy == 0 && !r->closing)
        mem_free(r);
    return NULL;
}

unsigned rtp_port(const struct rtp *r)
{
    return r->engine->port_first + 2 * r->pair;
}

/* --- the far end --- */

static int check_peer(const struct rtp *r, const struct rtp_peer *p, struct error *err)
{
    if ((unsigned)p->codec >= RTP_CODEC_COUNT || !rtp_codec_available(p->codec))
        return error_set(err, ERR_INVALID, "RTP codec %d: not spoken here", (int)p->codec);
    if (p->payload < 0 || p->payload > 127 || p->payload_in < 0 || p->payload_in > 127)
        return error_set(err, ERR_INVALID, "RTP payload type %d or %d: must be 0 to 127",
                         p->payload, p->payload_in);
    if (!address_is_empty(&p->address) && p->address.ss_family != r->family)
        return error_set(err, ERR_INVALID,
                         "the far end's RTP address is not of the kind (IPv4, IPv6) of our own");
    return 0;
}

/* The parts of a new peer that need memory, made before the old ones go. */
struct fresh {
    struct transcoder *encoder;
    struct rtp_ear ear;
    struct srtp *out, *in;
};

static void fresh_free(struct fresh *f)
{
    transcoder_free(f->encoder);
    rtp_ear_free(&f->ear);
    srtp_free(f->out);
    srtp_free(f->in);
}

static bool is_same_key(const struct srtp_key *a, const struct srtp_key *old, bool has_old)
{
    return a == NULL ? !has_old : has_old && srtp_key_is_same(a, old);
}

static int make_fresh(struct rtp *r, const struct rtp_peer *p, bool codec, bool out, bool in,
                      struct fresh *f, struct error *err)
{
    int rc = 0;

    memset(f, 0, sizeof *f);
    if (codec)
        rc = rtp_ear_init(&f->ear, p->codec, r->engine->config.jitter_max_ms, err);
    if (rc == 0 && codec)
        rc = transcoder_new(&f->encoder, p->codec, true, err);
    if (rc == 0 && out && p->key_out != NULL)
        rc = srtp_new(&f->out, p->key_out, err);
    if (rc == 0 && in && p->key_in != NULL)
        rc = srtp_new(&f->in, p->key_in, err);
    if (rc != 0)
        fresh_free(f);
    return rc;
}

static void set_keys(struct rtp *r, const struct rtp_peer *p, bool out, bool in, struct fresh *f)
{
    if (out) {
        srtp_free(r->out_crypt);
        r->out_crypt = f->out;
        if (p->key_out != NULL)
            r->keys[0] = *p->key_out;
    }
    if (in) {
        srtp_free(r->in_crypt);
        r->in_crypt = f->in;
        if (p->key_in != NULL)
            r->keys[1] = *p->key_in;
    }
    r->peer.key_out = p->key_out == NULL ? NULL : &r->keys[0];
    r->peer.key_in = p->key_in == NULL ? NULL : &r->keys[1];
}

static void set_addresses(struct rtp *r, const struct rtp_peer *p)
{
    r->to = p->address;
    r->rtcp_to = p->rtcp.ss_family != 0 ? p->rtcp : p->address;
    if (p->rtcp.ss_family == 0 && !p->rtcp_mux)
        address_set_port(&r->rtcp_to, address_port(&p->address) + 1);
    rtp_in_start(r);
}

int rtp_set_peer(struct rtp *r, const struct rtp_peer *p, struct error *err)
{
    bool codec = !r->has_peer || r->peer.codec != p->codec;
    /* Where ICE goes on, its pair is the address, whatever c= says. */
    bool moved = !r->has_peer ||
                 (!address_is_same(&r->peer.address, &p->address) &&
                  !(p->ice_ufrag != NULL && r->peer.ice_ufrag != NULL)) ||
                 (p->ice_ufrag == NULL && r->peer.ice_ufrag != NULL);
    bool out = !is_same_key(p->key_out, &r->keys[0], r->peer.key_out != NULL);
    bool in = !is_same_key(p->key_in, &r->keys[1], r->peer.key_in != NULL);
    const char *had_ice;
    struct fresh f;
    int rc = check_peer(r, p, err);

    if (rc == 0)
        rc = rtp_path_make(r, p, err);
    if (rc == 0)
        rc = make_fresh(r, p, codec, out, in, &f, err);
    if (rc != 0)
        return rc;
    if (codec) {
        rtp_ear_free(&r->ear);
        r->ear = f.ear;
        transcoder_free(r->encoder);
        r->encoder = f.encoder;
        r->payload_len = r->frames = 0;
        dtmf_in_reset(&r->keys_in, rtp_codec_clock(p->codec));
        rtcp_source_reset(&r->source);
    }
    had_ice = r->peer.ice_ufrag;
    r->peer = *p;
    r->peer.ice_ufrag = had_ice;
    if (moved)
        set_addresses(r, p);
    rtp_path_set(r, p);
    set_keys(r, p, out, in, &f);
    if (!r->has_peer)
        r->report_us = rtp_now(r) + RTCP_INTERVAL_MS * 1000 / 2 + r->ssrc % 1000 * 1000;
    r->has_peer = true;
    r->heard_us = rtp_now(r);
    r->timed_out = false;
    rtp_out_start(r);
    return 0;
}

void rtp_deliver(struct rtp *r, bool on)
{
    if (on && !r->deliver) {
        r->heard_us = rtp_now(r);
        r->timed_out = false;
    }
    r->deliver = on;
}

/* --- figures --- */

void rtp_remote(const struct rtp *r, struct sockaddr_storage *to)
{
    *to = r->to;
}

void rtp_stats(const struct rtp *r, struct rtp_stats *s)
{
    uint64_t expected = rtcp_source_expected(&r->source);
    double clock = r->has_peer ? rtp_codec_clock(r->peer.codec) : 8000;
    double late;

    *s = r->stats;
    s->lost = rtcp_source_lost(&r->source);
    s->late = r->ear.late;
    s->duplicate = r->ear.duplicate;
    s->concealed = r->ear.concealed;
    s->jitter_ms = r->source.jitter * 1000 / clock;
    s->delay_ms = jitter_delay_ms(&r->ear.jitter);
    expected += r->source.lost_before;
    s->loss = expected == 0 ? 0 : (double)s->lost / (double)expected;
    late = expected == 0 ? 0 : (double)s->late / (double)expected; /* not heard either */
    s->mos = rtcp_mos(s->loss + late > 1 ? 1 : s->loss + late,
                      s->delay_ms + FRAME_MS + (s->round_trip_ms > 0 ? s->round_trip_ms / 2 : 0));
}
