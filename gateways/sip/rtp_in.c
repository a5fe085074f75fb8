/* What comes from the far end: whom to believe, and what becomes of his packets. */
#include "gateways/sip/rtp_private.h"

#include <string.h>

/* How well a source fits the far end's SDP: 4 proved (rtp_path.c), 3 its very address, 2 its host,
 * 1 somebody else, who may be it behind NAT. 0: a stranger. The better one takes the place of the
 * worse; see README.md.
 */
int rtp_in_rank(const struct rtp *r, const struct sockaddr_storage *from, int64_t now)
{
    int rank;

    if (r->lock.rank > 0 && address_is_same(from, &r->lock.source))
        return r->lock.rank;
    if (r->peer.ice_ufrag != NULL) /* its checks alone say who it is */
        return 0;
    rank = address_is_same(from, &r->peer.address)      ? 3
           : address_is_same_ip(from, &r->peer.address) ? 2
                                                        : 1;
    if (rank == 1 && (!r->peer.learn || now >= r->learn_until))
        return 0;
    if (rank <= r->lock.rank)
        return 0;
    /* Once locked, another source must be better, and in the time for learning. */
    return r->lock.rank == 0 || now < r->learn_until ? rank : 0;
}

void rtp_in_start(struct rtp *r)
{
    memset(&r->lock, 0, sizeof r->lock);
    memset(&r->candidate, 0, sizeof r->candidate);
    r->learn_until = rtp_now(r) + (int64_t)r->engine->config.learn_ms * 1000;
}

/* Counts packets in a row of one who is not believed yet. True when there were enough. */
static bool prove(struct rtp *r, const struct sockaddr_storage *from, const struct rtp_packet *p,
                  unsigned enough)
{
    struct rtp_candidate *c = &r->candidate;

    if (c->count > 0 && p->ssrc == c->ssrc && address_is_same(from, &c->source) &&
        p->seq == (uint16_t)(c->seq + 1)) {
        c->count++;
    } else {
        c->count = 1;
        c->ssrc = p->ssrc;
        c->source = *from;
    }
    c->seq = p->seq;
    return c->count >= enough;
}

static void lock(struct rtp *r, const struct sockaddr_storage *from, uint32_t ssrc, int rank)
{
    r->lock.source = *from;
    r->lock.rank = rank;
    r->lock.ssrc = ssrc;
    r->lock.has_ssrc = true;
    r->candidate.count = 0;
    dtmf_in_reset(&r->keys_in, rtp_codec_clock(r->peer.codec));
    jitter_restart(&r->ear.jitter);
    if (r->source.any) {
        r->source.lost_before = rtcp_source_lost(&r->source);
        r->source.any = false;
    }
    if (!r->peer.learn || address_is_same(from, &r->to))
        return;
    r->to = *from;
    if (r->peer.rtcp_mux) {
        r->rtcp_to = *from;
    } else if (!address_is_same_ip(&r->rtcp_to, from)) {
        r->rtcp_to = *from; /* the usual place, until a report of his own shows another */
        address_set_port(&r->rtcp_to, address_port(from) + 1);
    }
}

/* Whether the packet is the far end's, who from now on is held to his source and SSRC. */
static bool is_trusted(struct rtp *r, const struct sockaddr_storage *from,
                       const struct rtp_packet *p, int rank, int64_t now)
{
    bool same = r->lock.rank > 0 && address_is_same(from, &r->lock.source);

    if (same && r->lock.has_ssrc && p->ssrc == r->lock.ssrc)
        return true;
    if (same && r->lock.has_ssrc) {
        if (now - r->heard_us < RTP_CHANGE_QUIET_MS * 1000 || !prove(r, from, p, 2))
            return false;
    } else if (rank == 1 && r->in_crypt == NULL && !prove(r, from, p, RTP_PROBATION)) {
        return false;
    }
    lock(r, from, p->ssrc, rank);
    return true;
}

/* --- RTP --- */

static void take_key(struct rtp *r, const struct rtp_packet *p, int64_t now)
{
    unsigned ms;
    char key;

    switch (dtmf_in_packet(&r->keys_in, p, now, &key, &ms)) {
    case DTMF_KEY:
        r->stats.digits_in++;
        r->h->digit(r->arg, key, ms);
        break;
    case DTMF_TOO_MANY:
        r->stats.digits_dropped++;
        break;
    case DTMF_NOTHING:
        break;
    }
}

static bool is_other_law(const struct rtp *r, int type)
{
    return r->peer.both_laws &&
           type == rtp_codec_payload(r->peer.codec == RTP_PCMU ? RTP_PCMA : RTP_PCMU);
}

/* Into the law that the ear expects. */
static void translate(const struct rtp *r, uint8_t *bytes, size_t n)
{
    int16_t samples[RTP_PACKET_MAX];
    bool mu = r->peer.codec == RTP_PCMU;

    codec_decode(mu ? CODEC_PCMA : CODEC_PCMU, bytes, n, samples);
    codec_encode(mu ? CODEC_PCMU : CODEC_PCMA, samples, n, bytes);
}

static bool kind_of(const struct rtp *r, int type, enum jitter_kind *kind)
{
    if (type == r->peer.payload_in || is_other_law(r, type))
        *kind = JITTER_AUDIO;
    else if (type == r->peer.dtmf_in)
        *kind = JITTER_OTHER;
    else if (type == r->peer.comfort)
        *kind = JITTER_COMFORT;
    else
        return false;
    return true;
}

static void take_packet(struct rtp *r, const struct rtp_packet *p, enum jitter_kind kind,
                        int64_t now)
{
    r->heard_us = now;
    r->timed_out = false;
    r->stats.received++;
    r->stats.bytes_received += p->len;
    rtcp_source_packet(&r->source, p->seq, p->timestamp, kind != JITTER_OTHER,
                       rtp_codec_clock(r->peer.codec), now);
    if (r->deliver && r->peer.receive)
        rtp_ear_put(&r->ear, kind, p->seq, p->timestamp, p->payload, p->len, now);
    if (kind == JITTER_OTHER)
        take_key(r, p, now);
}

static void input_rtp(struct rtp *r, const struct sockaddr_storage *from, uint8_t *bytes,
                      size_t len, int64_t now)
{
    struct rtp_packet p;
    enum jitter_kind kind;
    int rank;

    if (!rtp_parse_head(&p, bytes, len) || !kind_of(r, p.payload_type, &kind)) {
        r->stats.bad++;
        return;
    }
    rank = rtp_in_rank(r, from, now);
    if (rank == 0) {
        r->stats.strangers++;
        return;
    }
    if (!rtp_is_keyed(r) || (r->in_crypt != NULL && !srtp_unprotect(r->in_crypt, bytes, &len)) ||
        !rtp_parse(&p, bytes, len)) {
        r->stats.bad++;
        return;
    }
    if (r->in_crypt != NULL)
        rtp_path_proved(r, false);
    if (!is_trusted(r, from, &p, rank, now)) {
        r->stats.strangers++;
        return;
    }
    if (kind == JITTER_AUDIO && p.payload_type != r->peer.payload_in)
        translate(r, bytes + (p.payload - bytes), p.len);
    take_packet(r, &p, kind, now);
}

/* --- RTCP --- */

static bool may_report(struct rtp *r, int64_t now)
{
    const int64_t one = 1000000 / RTCP_RATE, most = 1000000;

    r->report_credit_us += now - r->report_at_us;
    r->report_at_us = now;
    if (r->report_credit_us > most)
        r->report_credit_us = most;
    if (r->report_credit_us < one)
        return false;
    r->report_credit_us -= one;
    return true;
}

static void take_report(struct rtp *r, const struct rtcp *report, int64_t now)
{
    double trip;

    if (r->lock.has_ssrc && report->ssrc != r->lock.ssrc)
        return;
    if (!report->bye)
        r->told_us = now;
    if (report->sender) {
        r->source.lsr = (uint32_t)(report->ntp >> 16);
        r->source.lsr_at_us = now;
    }
    if (!report->has_block)
        return;
    r->stats.remote = true;
    r->stats.remote_loss = report->block.fraction / 256.0;
    r->stats.remote_jitter_ms = report->block.jitter * 1000.0 / rtp_codec_clock(r->peer.codec);
    trip = rtcp_round_trip_ms(&report->block, r->engine->wall_us + now);
    if (trip >= 0)
        r->stats.round_trip_ms = trip;
}

/* A BYE in a report ends nothing: that is for signalling to say. */
static void input_rtcp(struct rtp *r, const struct sockaddr_storage *from, uint8_t *bytes,
                       size_t len, int64_t now)
{
    struct rtcp report;
    struct srtp *out, *in;

    if (!address_is_same_ip(from, &r->rtcp_to) &&
        !(r->lock.rank > 0 && address_is_same_ip(from, &r->lock.source))) {
        r->stats.strangers++;
        return;
    }
    if (!may_report(r, now) || !rtp_report_keys(r, &out, &in) ||
        (in != NULL && !srtp_unprotect_rtcp(in, bytes, &len)) ||
        !rtcp_parse(&report, bytes, len, r->ssrc)) {
        r->stats.bad++;
        return;
    }
    if (in != NULL)
        rtp_path_proved(r, true);
    if (r->peer.learn && r->lock.rank > 0 && !r->peer.rtcp_mux && now < r->learn_until &&
        address_is_same_ip(from, &r->lock.source))
        r->rtcp_to = *from;
    take_report(r, &report, now);
}

void rtp_take(struct rtp *r, bool rtcp, const struct sockaddr_storage *from, uint8_t *bytes,
              size_t len, int64_t at)
{
    if (r->dead)
        return;
    if (len > RTP_PACKET_MAX || (from->ss_family != AF_INET && from->ss_family != AF_INET6)) {
        r->stats.bad++;
        return;
    }
    rtp_hold(r);
    if (rtp_path_input(r, rtcp, from, bytes, len) || !r->has_peer)
        ; /* no sound, or sound that nobody has agreed on yet */
    else if (rtcp || (r->peer.rtcp_mux && rtp_is_rtcp(bytes, len)))
        input_rtcp(r, from, bytes, len, at);
    else
        input_rtp(r, from, bytes, len, at);
    rtp_let_go(r);
}

void rtp_input(struct rtp *r, bool rtcp, const struct sockaddr *from, const void *bytes, size_t len)
{
    uint8_t copy[RTP_PACKET_MAX];
    struct sockaddr_storage source = {.ss_family = from->sa_family};

    if (len <= sizeof copy)
        memcpy(copy, bytes, len);
    if (from->sa_family == AF_INET || from->sa_family == AF_INET6)
        memcpy(&source, from, address_size(&source));
    rtp_take(r, rtcp, &source, copy, len, rtp_now(r));
}

/* --- the tick --- */

/* Who has put us on hold may be silent for as long as he likes, whether he says inactive or, as
 * most do, sendonly without sending. A report shows that he is there: some say nothing else while
 * their microphone is off. */
static bool is_silent_too_long(const struct rtp *r, int64_t now)
{
    int ms = r->engine->config.timeout_ms;
    int64_t since = r->told_us > r->heard_us ? r->told_us : r->heard_us;

    return ms > 0 && r->has_peer && r->peer.receive && r->peer.send &&
           (r->peer.ice_ufrag != NULL || !address_is_empty(&r->peer.address)) && !r->timed_out &&
           now - since >= ms * INT64_C(1000);
}

bool rtp_in_tick(struct rtp *r, int64_t now)
{
    uint8_t frame[FRAME_BYTES_MAX];
    size_t n = 0;

    if (!r->deliver || r->dead)
        return false;
    if (is_silent_too_long(r, now)) {
        r->timed_out = true;
        if (r->h->timeout != NULL)
            r->h->timeout(r->arg);
        if (r->dead)
            return false;
    }
    if (r->has_peer && r->peer.receive)
        n = rtp_ear_tick(&r->ear, frame, now);
    r->h->frame(r->arg, n > 0 ? frame : NULL, n);
    return true;
}
