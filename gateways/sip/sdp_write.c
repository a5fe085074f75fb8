/* Session descriptions as we write them. */
#include "gateways/sip/sdp.h"

#include <string.h>

static const char *way_name(enum sdp_way w)
{
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

    return names[w];
}

static enum sdp_way mirrored(enum sdp_way w)
{
    if (w == SDP_SENDONLY)
        return SDP_RECVONLY;
    return w == SDP_RECVONLY ? SDP_SENDONLY : w;
}

static void write_head(struct str *out, const struct sdp_ours *o)
{
    const char *family = strchr(o->address, ':') != NULL ? "IP6" : "IP4";

    str_addf(out, "v=0\r\no=almon %llu %u IN %s %s\r\ns=almon\r\nc=IN %s %s\r\nt=0 0\r\n%s",
             (unsigned long long)o->session, o->version, family, o->address, family, o->address,
             o->ice != NULL && !o->ice->mismatch ? "a=ice-lite\r\n" : "");
}

static void write_codec(struct str *out, enum rtp_codec c, int payload)
{
    str_addf(out, "a=rtpmap:%d %s/%u%s\r\n", payload, rtp_codec_name(c), rtp_codec_clock(c),
             c == RTP_OPUS ? "/2" : "");
}

static void write_dtmf(struct str *out, int payload, unsigned clock)
{
    str_addf(out, "a=rtpmap:%d telephone-event/%u\r\na=fmtp:%d 0-15\r\n", payload, clock, payload);
}

int sdp_our_payload(enum rtp_codec c)
{
    return c == RTP_OPUS ? SDP_PAYLOAD_OPUS : rtp_codec_payload(c);
}

/* --- what secures it, and how it finds its way --- */

static void write_security(struct str *out, const struct sdp_ours *o)
{
    static const char *const setups[] = {NULL, "actpass", "active", "passive", "holdconn"};
    char crypto[SDES_TEXT_MAX];

    for (size_t i = 0; i < o->n_crypto; i++) {
        sdes_print(crypto, &o->crypto[i]);
        str_addf(out, "a=crypto:%s\r\n", crypto);
    }
    if (o->fingerprint != NULL)
        str_addf(out, "a=fingerprint:%s\r\na=setup:%s\r\n", o->fingerprint, setups[o->setup]);
}

/* RFC 8445 §5.1.2.1, for hosts: the first address before the second, RTP before RTCP. */
static unsigned priority(unsigned address, unsigned component)
{
    return 126u << 24 | (65535u - address) << 8 | (256u - component);
}

static void write_ice(struct str *out, const struct sdp_ours *o, bool mux)
{
    const struct sdp_ice *ice = o->ice;

    if (ice == NULL)
        return;
    if (ice->mismatch) {
        str_add(out, "a=ice-mismatch\r\n");
        return;
    }
    str_addf(out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", ice->ufrag, ice->pwd);
    for (unsigned i = 0; i < 2 && ice->addresses[i] != NULL; i++)
        for (unsigned component = 1; component <= (mux ? 1u : 2u); component++)
            str_addf(out, "a=candidate:%u %u UDP %u %s %u typ host\r\n", i + 1, component,
                     priority(i, component), ice->addresses[i], o->port + component - 1);
}

void sdp_write_offer(struct str *out, const struct sdp_ours *o)
{
    /* Narrow first: an exchange mostly meets telephones, and a copied frame costs nothing. */
    static const enum rtp_codec order[] = {RTP_PCMU, RTP_PCMA, RTP_G722, RTP_OPUS};
    enum rtp_codec ours[RTP_CODEC_COUNT];
    size_t n = 0;
    bool opus = false, other = false;

    for (size_t i = 0; i < RTP_CODEC_COUNT; i++) {
        if (!(o->codecs & 1u << order[i]) || !rtp_codec_available(order[i]))
            continue;
        ours[n++] = order[i];
        *(order[i] == RTP_OPUS ? &opus : &other) = true;
    }
    write_head(out, o);
    str_addf(out, "m=audio %u %s", o->port, o->transport != NULL ? o->transport : "RTP/AVP");
    for (size_t i = 0; i < n; i++)
        str_addf(out, " %d", sdp_our_payload(ours[i]));
    str_addf(out, "%s%s\r\n", other ? " 101" : "", opus ? " 110" : "");
    for (size_t i = 0; i < n; i++)
        write_codec(out, ours[i], sdp_our_payload(ours[i]));
    if (other)
        write_dtmf(out, SDP_PAYLOAD_DTMF, 8000);
    if (opus)
        write_dtmf(out, SDP_PAYLOAD_DTMF_WIDE, 48000);
    if (o->rtcp_mux)
        str_add(out, "a=rtcp-mux\r\n");
    write_security(out, o);
    write_ice(out, o, false);
    str_addf(out, "a=ptime:20\r\na=%s\r\n", way_name(o->way));
}

int sdp_dtmf_of(const struct sdp *s, enum rtp_codec c)
{
    return c == RTP_OPUS ? s->dtmf_wide : s->dtmf;
}

static void write_audio(struct str *out, const struct sdp_ours *o, const struct sdp *offer,
                        size_t choice)
{
    const struct sdp_codec *c = &offer->codecs[choice];
    int dtmf = sdp_dtmf_of(offer, c->codec);

    str_addf(out, "m=audio %u %s %d", o->port, offer->others[offer->audio].proto, c->payload);
    if (dtmf >= 0)
        str_addf(out, " %d", dtmf);
    if (offer->comfort >= 0)
        str_addf(out, " %d", offer->comfort);
    str_add(out, "\r\n");
    write_codec(out, c->codec, c->payload);
    if (dtmf >= 0)
        write_dtmf(out, dtmf, c->codec == RTP_OPUS ? 48000 : 8000);
    if (offer->rtcp_mux)
        str_add(out, "a=rtcp-mux\r\n");
    write_security(out, o);
    write_ice(out, o, offer->rtcp_mux);
    str_addf(out, "a=ptime:20\r\na=%s\r\n", way_name(mirrored(offer->way)));
}

void sdp_write_answer(struct str *out, const struct sdp_ours *o, const struct sdp *offer,
                      size_t choice)
{
    write_head(out, o);
    for (size_t i = 0; i < offer->n_media; i++) {
        const struct sdp_other *m = &offer->others[i];

        if (i == offer->audio)
            write_audio(out, o, offer, choice);
        else
            str_addf(out, "m=%s 0 %s %s\r\n", m->kind, m->proto, m->format);
    }
}
