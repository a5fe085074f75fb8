/* What flows from the exchange to the far end. */
#include "gateways/sip/rtp_private.h"

#include <string.h>

#define PAUSE_US    60000 /* between two frames: then the stamp follows the clock */
#define QUIET_LEVEL 70    /* of our comfort noise, below full scale */

static unsigned clock_of(const struct rtp *r)
{
    return rtp_codec_clock(r->peer.codec);
}

static uint32_t frame_units(const struct rtp *r)
{
    return clock_of(r) * FRAME_MS / 1000;
}

bool rtp_is_reachable(const struct rtp *r)
{
    return r->has_peer && !address_is_empty(&r->to);
}

static bool may_send(const struct rtp *r)
{
    return rtp_is_reachable(r) && r->peer.send && rtp_is_keyed(r);
}

/* Called anew with each peer: packets that open a NAT's door go at the next tick. */
void rtp_out_start(struct rtp *r)
{
    r->said_comfort = false;
    if (r->stats.sent == 0)
        r->sent_us = rtp_now(r) - RTP_KEEPALIVE_MS * 1000;
}

static void send_packet(struct rtp *r, int type, bool marker, uint32_t stamp,
                        const uint8_t *payload, size_t len, int64_t now)
{
    uint8_t packet[RTP_HEADER + CODEC_PAYLOAD_MAX + SRTP_GROWTH];
    struct rtp_packet head = {.seq = r->seq++,
                              .timestamp = stamp,
                              .ssrc = r->ssrc,
                              .payload_type = (uint8_t)type,
                              .marker = marker};
    size_t n = RTP_HEADER + len;

    rtp_write_header(packet, &head);
    memcpy(packet + RTP_HEADER, payload, len);
    if (r->out_crypt != NULL && !srtp_protect(r->out_crypt, packet, &n, sizeof packet))
        return;
    rtp_engine_send(r, false, &r->to, packet, n);
    r->sent_us = now;
    r->stats.sent++;
    r->stats.bytes_sent += len;
}

/* Moves the stamp to the frame that begins now. True when it did not follow the last one. */
static bool advance(struct rtp *r, int64_t now)
{
    int64_t frames = (now - r->stamp_us + FRAME_MS * 500) / (FRAME_MS * 1000);
    bool pause = r->stamp_us < 0 || now - r->stamp_us > PAUSE_US;

    r->stamp += frame_units(r) * (pause && r->stamp_us >= 0 && frames > 0 ? (uint32_t)frames : 1);
    r->stamp_us = now;
    return pause;
}

static void flush(struct rtp *r, bool marker, int64_t now)
{
    if (r->frames > 0)
        send_packet(r, r->peer.payload, marker, r->stamp - frame_units(r) * (r->frames - 1),
                    r->payload, r->payload_len, now);
    r->frames = 0;
    r->payload_len = 0;
}

static unsigned frames_in_packet(const struct rtp *r)
{
    if (r->peer.codec == RTP_OPUS)
        return 1;
    return r->peer.ptime_ms == 40 ? 2 : r->peer.ptime_ms == 60 ? 3 : 1;
}

static void send_comfort(struct rtp *r, int64_t now)
{
    static const uint8_t level[1] = {QUIET_LEVEL};

    flush(r, !r->talking, now);
    advance(r, now);
    send_packet(r, r->peer.comfort, false, r->stamp, level, sizeof level, now);
    r->said_comfort = true;
    r->talking = false;
}

/* One frame of the bridge's codec. */
static void send_audio(struct rtp *r, const void *bytes, size_t len, int64_t now)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    uint8_t *at;
    size_t room;

    if (r->stamp_us >= 0 && now - r->stamp_us > PAUSE_US)
        flush(r, !r->talking, now);
    if (advance(r, now))
        r->talking = false;
    r->said_comfort = false;
    if (r->encoder == NULL && r->frames == 0 && frames_in_packet(r) == 1) { /* nearly always */
        send_packet(r, r->peer.payload, !r->talking, r->stamp, bytes, len, now);
        r->talking = true;
        return;
    }
    at = r->payload + r->payload_len;
    room = sizeof r->payload - r->payload_len;
    if (r->encoder == NULL) {
        memcpy(at, bytes, len);
    } else {
        codec_decode(CODEC_L16_16, bytes, len / 2, samples);
        len = transcoder_encode(r->encoder, samples, at, room);
    }
    r->payload_len += len;
    if (++r->frames < frames_in_packet(r))
        return;
    flush(r, !r->talking, now);
    r->talking = true;
}

static void send_silence(struct rtp *r, int64_t now)
{
    uint8_t frame[FRAME_BYTES_MAX];
    enum codec c = rtp_codec_bridge(r->peer.codec);

    codec_silence(c, frame);
    send_audio(r, frame, codec_frame_bytes(c), now);
}

void rtp_send_frame(struct rtp *r, const void *bytes, size_t len)
{
    int64_t now = rtp_now(r);

    if (!may_send(r) || dtmf_out_busy(&r->keys_out) || r->tones != NULL)
        return;
    if (len == codec_frame_bytes(rtp_codec_bridge(r->peer.codec)))
        send_audio(r, bytes, len, now);
    else if (len != 0)
        return;
    else if (r->peer.comfort < 0)
        send_silence(r, now);
    else if (!r->said_comfort)
        send_comfort(r, now);
}

/* --- keys --- */

void rtp_send_digits(struct rtp *r, const char *digits)
{
    for (; *digits != 0; digits++)
        if (!dtmf_out_add(&r->keys_out, *digits))
            r->stats.digits_dropped++;
        else if (*digits != 'w' && *digits != 'W')
            r->stats.digits_out++;
}

static void key_step(struct rtp *r, int64_t now)
{
    uint8_t payload[RTP_EVENT_BYTES];
    struct rtp_event e;
    bool begins;

    if (!dtmf_out_step(&r->keys_out, clock_of(r), &e, &begins))
        return;
    if (begins) {
        flush(r, !r->talking, now);
        advance(r, now);
        r->key_stamp = r->stamp;
        r->talking = r->said_comfort = false; /* what comes next is a new stretch of talk */
    }
    rtp_event_write(payload, &e);
    send_packet(r, r->peer.dtmf, begins, r->key_stamp, payload, sizeof payload, now);
}

/* Where the far end takes no events, each key becomes 200 ms of sound. */
static void tone_step(struct rtp *r, int64_t now)
{
    enum codec c = rtp_codec_bridge(r->peer.codec);
    size_t n = codec_frame_bytes(c);
    char key[2] = "";

    if (r->tones != NULL && (r->tone_at >= r->tones->frames || r->tones->codec != c))
        r->tones = audio_unref(r->tones);
    if (r->tones == NULL && dtmf_out_take(&r->keys_out, key)) {
        r->tone_at = 0;
        if (audio_from_digits(&r->tones, c, key, NULL) != 0) {
            r->tones = NULL;
            r->stats.digits_dropped++;
        }
    }
    if (r->tones != NULL && r->tone_at < r->tones->frames)
        send_audio(r, r->tones->data + n * r->tone_at++, n, now);
}

/* --- reports --- */

void rtp_out_report(struct rtp *r, int64_t now, bool bye)
{
    uint8_t packet[RTCP_MAX + SRTP_GROWTH];
    struct rtcp own = {.ssrc = r->ssrc, .bye = bye};
    struct srtp *out, *in;
    size_t n;

    if (!rtp_report_keys(r, &out, &in))
        return;

    own.sender = r->stats.sent > r->reported;
    own.ntp = rtcp_ntp(r->engine->wall_us + now);
    own.timestamp = r->stamp + (uint32_t)((now - r->stamp_us) / 1000 * (clock_of(r) / 1000));
    own.packets = (uint32_t)r->stats.sent;
    own.bytes = (uint32_t)r->stats.bytes_sent;
    own.has_block = r->source.any;
    if (own.has_block)
        rtcp_source_report(&r->source, r->lock.ssrc, &own.block, now);
    r->reported = r->stats.sent;
    n = rtcp_write(packet, &own, "almon");
    if (out != NULL && !srtp_protect_rtcp(out, packet, &n, sizeof packet))
        return;
    rtp_engine_send(r, !r->peer.rtcp_mux, &r->rtcp_to, packet, n);
}

/* What the tick has to send: a step of a key, or what keeps the way open. */
static void send_due(struct rtp *r, int64_t now)
{
    if (r->tones != NULL || (r->peer.dtmf < 0 && dtmf_out_busy(&r->keys_out)))
        tone_step(r, now);
    else if (dtmf_out_busy(&r->keys_out))
        key_step(r, now);
    else if (now - r->sent_us >= RTP_KEEPALIVE_MS * 1000 && r->peer.comfort >= 0)
        send_comfort(r, now);
    else if (now - r->sent_us >= RTP_KEEPALIVE_MS * 1000) {
        send_silence(r, now);
        flush(r, true, now);
    }
}

void rtp_out_tick(struct rtp *r, int64_t now)
{
    rtp_path_tick(r, now);
    if (r->dead)
        return;
    if (may_send(r))
        send_due(r, now);
    if (rtp_is_reachable(r) && now >= r->report_us) { /* on hold, too */
        r->report_us = now + RTCP_INTERVAL_MS * 1000;
        rtp_out_report(r, now, false);
    }
}
