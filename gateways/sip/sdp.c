#include "gateways/sip/sdp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PORT_LATER = 9 }; /* of m=, while the candidates are not known yet (RFC 8840) */

/* --- reading --- */

struct line {
    const char *text;
    size_t len;
};

struct reader {
    struct sdp *s;
    struct sockaddr_storage session_address, media_address;
    bool session_way, in_audio, audio_found, audio_elsewhere;
    enum sdp_way way;
    unsigned port, transports;
    bool ice_pwd, candidates, found_default, trickle;
    /* The audio's payload numbers in their order, and what rtpmap says of them. */
    int payloads[SDP_PAYLOADS_MAX];
    struct {
        char name[16];
        unsigned clock;
    } maps[SDP_PAYLOADS_MAX];
    size_t n_payloads;
};

/* The next word of the line, cut to the field's size; false at the end. */
static bool word(struct line *l, char *out, size_t size)
{
    size_t n = 0;

    while (l->len > 0 && *l->text == ' ')
        l->text++, l->len--;
    while (n < l->len && l->text[n] != ' ')
        n++;
    if (n == 0)
        return false;
    snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), l->text);
    l->text += n;
    l->len -= n;
    return true;
}

static bool number(struct line *l, long max, long *out)
{
    char text[16];

    return word(l, text, sizeof text) && str_to_long(text, 0, max, out);
}

static bool starts(struct line *l, const char *with)
{
    size_t n = strlen(with);

    if (l->len < n || strncasecmp(l->text, with, n) != 0)
        return false;
    l->text += n;
    l->len -= n;
    return true;
}

/* IPv4 written as IPv6, "::ffff:192.0.2.10" (RFC 5118 §4.10), is reached as what it is. */
static void unmap(struct sockaddr_storage *a)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct in6_addr six = ((struct sockaddr_in6 *)a)->sin6_addr;

    if (a->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six))
        return;
    memcpy(&in.sin_addr, six.s6_addr + 12, sizeof in.sin_addr);
    memset(a, 0, sizeof *a);
    memcpy(a, &in, sizeof in);
}

static bool read_address(struct line l, struct sockaddr_storage *out)
{
    char net[8], family[8], text[64];
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    if (!word(&l, net, sizeof net) || !word(&l, family, sizeof family) ||
        !word(&l, text, sizeof text) || strcasecmp(net, "IN") != 0)
        return false;
    memset(out, 0, sizeof *out);
    text[strcspn(text, "/")] = '\0'; /* a time to live, of multicast */
    if (strcasecmp(family, "IP4") == 0 && inet_pton(AF_INET, text, &in->sin_addr) == 1)
        in->sin_family = AF_INET;
    else if (strcasecmp(family, "IP6") == 0 && inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
        in6->sin6_family = AF_INET6;
    unmap(out);
    return out->ss_family != 0;
}

static void set_port(struct sockaddr_storage *a, unsigned port)
{
    if (a->ss_family == AF_INET)
        ((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
    else if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
}

/* RTP/AVP and RTP/AVPF, RTP/SAVP and RTP/SAVPF, and the latter two over DTLS. */
static unsigned transport_of(const char *proto, bool *dtls)
{
    const char *rtp = strncasecmp(proto, "UDP/TLS/", 8) == 0 ? proto + 8 : proto;
    bool secure = strcasecmp(rtp, "RTP/SAVP") == 0 || strcasecmp(rtp, "RTP/SAVPF") == 0;

    *dtls = rtp != proto;
    if (secure)
        return SDP_SECURE;
    return !*dtls && (strcasecmp(rtp, "RTP/AVP") == 0 || strcasecmp(rtp, "RTP/AVPF") == 0)
               ? SDP_PLAIN
               : 0;
}

static int read_media(struct reader *r, struct line l, struct error *err)
{
    struct sdp *s = r->s;
    struct sdp_other *o;
    struct line formats;
    char port[16];
    long number_of_port, payload;
    unsigned transport;
    bool dtls;

    r->in_audio = false;
    if (s->n_media == SDP_MEDIA_MAX)
        return error_set(err, ERR_LIMIT, "more than %d m= lines", SDP_MEDIA_MAX);
    o = &s->others[s->n_media++];
    if (!word(&l, o->kind, sizeof o->kind) || !word(&l, port, sizeof port) ||
        !word(&l, o->proto, sizeof o->proto))
        return error_set(err, ERR_INVALID, "an m= line that says no kind, port and transport");
    formats = l;
    if (!word(&formats, o->format, sizeof o->format))
        return error_set(err, ERR_INVALID, "an m= line without formats");
    port[strcspn(port, "/")] = '\0';
    if (!str_to_long(port, 0, 65535, &number_of_port))
        return error_set(err, ERR_INVALID, "an m= line with port '%s'", port);
    transport = transport_of(o->proto, &dtls);
    if (r->audio_found || strcasecmp(o->kind, "audio") != 0 || number_of_port == 0)
        return 0;
    if ((transport & r->transports) == 0) {
        r->audio_elsewhere = true;
        return 0;
    }
    s->secure = transport == SDP_SECURE;
    s->dtls_transport = dtls;
    r->audio_found = r->in_audio = true;
    s->audio = s->n_media - 1;
    r->port = (unsigned)number_of_port;
    while (r->n_payloads < SDP_PAYLOADS_MAX && number(&l, 127, &payload))
        r->payloads[r->n_payloads++] = (int)payload;
    return 0;
}

static void read_rtpmap(struct reader *r, struct line l)
{
    char what[40];
    char *slash;
    long payload, clock;

    if (!number(&l, 127, &payload) || !word(&l, what, sizeof what))
        return;
    slash = strchr(what, '/');
    if (slash == NULL)
        return;
    *slash++ = '\0';
    slash[strcspn(slash, "/")] = '\0';
    if (!str_to_long(slash, 1, 1000000, &clock))
        return;
    for (size_t i = 0; i < r->n_payloads; i++) {
        if (r->payloads[i] != payload)
            continue;
        str_copy(r->maps[i].name, sizeof r->maps[i].name, what);
        r->maps[i].clock = (unsigned)clock;
    }
}

static bool read_way(struct reader *r, const struct line *l)
{
    static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

    for (int i = 0; i < 4; i++) {
        if (l->len != strlen(names[i]) || strncasecmp(l->text, names[i], l->len) != 0)
            continue;
        if (r->in_audio)
            r->s->way = (enum sdp_way)i;
        else if (r->s->n_media == 0)
            r->way = (enum sdp_way)i, r->session_way = true;
        return true;
    }
    return false;
}

static void read_rtcp(struct reader *r, struct line l)
{
    struct sockaddr_storage address;
    long port;

    if (!number(&l, 65535, &port))
        return;
    if (!read_address(l, &address))
        address = r->media_address.ss_family != 0 ? r->media_address : r->session_address;
    r->s->rtcp = address;
    set_port(&r->s->rtcp, (unsigned)port);
}

/* --- what secures it, and how it finds its way --- */

static void read_crypto(struct reader *r, const struct line *l)
{
    struct sdes crypto;

    if (r->s->has_crypto || sdes_parse(&crypto, l->text, l->len, NULL) != 0)
        return;
    r->s->crypto = crypto;
    r->s->has_crypto = true;
}

static void read_print(struct reader *r, const struct line *l)
{
    struct dtls_print print = {0};

    if (dtls_print_parse(&print, l->text, l->len) && print.len > r->s->print.len)
        r->s->print = print;
}

static void read_setup(struct reader *r, const struct line *l)
{
    static const char *const names[] = {NULL, "actpass", "active", "passive", "holdconn"};

    for (int i = SDP_ACTPASS; i <= SDP_HOLDCONN; i++)
        if (l->len == strlen(names[i]) && strncasecmp(l->text, names[i], l->len) == 0)
            r->s->setup = (enum sdp_setup)i;
}

/* The candidates are the far end's affair, who makes the checks. Only whether one of them is the
 * address that everybody else is told must be known: else something between has changed that. */
static void read_candidate(struct reader *r, struct line l)
{
    const struct sockaddr_storage *at =
        r->media_address.ss_family != 0 ? &r->media_address : &r->session_address;
    char skipped[64], address[64], text[64] = "";
    long component, port;

    r->candidates = true;
    if (!word(&l, skipped, sizeof skipped) || !number(&l, 256, &component) ||
        !word(&l, skipped, sizeof skipped) || strcasecmp(skipped, "UDP") != 0 ||
        !word(&l, skipped, sizeof skipped) || !word(&l, address, sizeof address) ||
        !number(&l, 65535, &port) || component != 1 || (unsigned)port != r->port)
        return;
    if (at->ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)at)->sin_addr, text, sizeof text);
    else if (at->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)at)->sin6_addr, text, sizeof text);
    r->found_default |= strcasecmp(text, address) == 0;
}

static bool read_ice(struct reader *r, struct line l)
{
    if (starts(&l, "ice-ufrag:")) {
        r->s->ice_ufrag[0] = '\0';
        if (l.len >= 4 && l.len < SDP_ICE_MAX)
            word(&l, r->s->ice_ufrag, SDP_ICE_MAX);
    } else if (starts(&l, "ice-pwd:")) {
        r->ice_pwd = l.len >= 22 && l.len < SDP_ICE_MAX;
    } else if (starts(&l, "ice-lite")) {
        r->s->ice_lite = true;
    } else if (starts(&l, "ice-mismatch")) {
        r->s->ice_mismatch = true;
    } else if (starts(&l, "ice-options:")) {
        r->trickle |= memmem(l.text, l.len, "trickle", 7) != NULL;
    } else {
        return false;
    }
    return true;
}

static void read_audio_attribute(struct reader *r, struct line l)
{
    long ms;

    if (starts(&l, "rtpmap:"))
        read_rtpmap(r, l);
    else if (starts(&l, "rtcp-mux"))
        r->s->rtcp_mux = true;
    else if (starts(&l, "rtcp:"))
        read_rtcp(r, l);
    else if (starts(&l, "crypto:"))
        read_crypto(r, &l);
    else if (starts(&l, "candidate:"))
        read_candidate(r, l);
    else if (starts(&l, "ptime:") && number(&l, 1000, &ms))
        r->s->ptime = (int)ms;
}

static void read_attribute(struct reader *r, struct line l)
{
    if (read_way(r, &l))
        return;
    if (!r->in_audio && r->s->n_media > 0)
        return;
    /* These may stand above all m= lines, and again below ours. */
    if (starts(&l, "fingerprint:"))
        read_print(r, &l);
    else if (starts(&l, "setup:"))
        read_setup(r, &l);
    else if (!read_ice(r, l) && r->in_audio)
        read_audio_attribute(r, l);
}

static int read_line(struct reader *r, struct line l, struct error *err)
{
    char kind;

    if (l.len < 2 || l.text[1] != '=')
        return error_set(err, ERR_INVALID, "a line that is not of the form x=…");
    kind = l.text[0];
    l.text += 2;
    l.len -= 2;
    if (kind == 'm')
        return read_media(r, l, err);
    if (kind == 'a')
        read_attribute(r, l);
    if (kind == 'c' && (r->in_audio || r->s->n_media == 0) &&
        !read_address(l, r->in_audio ? &r->media_address : &r->session_address)) {
        r->s->warning = SDP_WARN_ADDRESS;
        return error_set(err, ERR_INVALID, "a c= line without an IP address");
    }
    return 0;
}

/* What the payload numbers mean: by rtpmap, or by themselves. */
static void join_codecs(struct reader *r)
{
    struct sdp *s = r->s;

    for (size_t i = 0; i < r->n_payloads; i++) {
        const char *name = r->maps[i].name;
        int payload = r->payloads[i], found = -1;

        if (strcasecmp(name, "telephone-event") == 0) {
            int *to = r->maps[i].clock == 8000 ? &s->dtmf : &s->dtmf_wide;

            if (*to < 0 && (r->maps[i].clock == 8000 || r->maps[i].clock == 48000))
                *to = payload;
            continue;
        }
        if (payload == SDP_PAYLOAD_COMFORT)
            s->comfort = payload;
        for (int c = 0; c < RTP_CODEC_COUNT && found < 0; c++)
            if (name[0] != '\0' ? strcasecmp(name, rtp_codec_name((enum rtp_codec)c)) == 0 &&
                                      r->maps[i].clock == rtp_codec_clock((enum rtp_codec)c)
                                : payload == rtp_codec_payload((enum rtp_codec)c))
                found = c;
        if (found >= 0 && rtp_codec_available((enum rtp_codec)found) &&
            sdp_choose(s, 1u << found) < 0)
            s->codecs[s->n_codecs++] =
                (struct sdp_codec){.codec = (enum rtp_codec)found, .payload = payload};
    }
}

/* The old way to hold a call (RFC 2543), and how trickled candidates begin: an address of zeros. */
bool sdp_is_nowhere(const struct sdp *s)
{
    const struct sockaddr_in *in = (const void *)&s->address;
    const struct sockaddr_in6 *in6 = (const void *)&s->address;

    return s->address.ss_family == AF_INET ? in->sin_addr.s_addr == 0
                                           : IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

static int finish(struct reader *r, struct error *err)
{
    struct sdp *s = r->s;

    s->warning = r->audio_elsewhere ? SDP_WARN_TRANSPORT : SDP_WARN_MEDIA;
    if (!r->audio_found)
        return error_set(err, ERR_INVALID, "no audio over %s",
                         r->transports == SDP_PLAIN    ? "RTP/AVP (and SRTP is off)"
                         : r->transports == SDP_SECURE ? "RTP/SAVP"
                                                       : "RTP/AVP or RTP/SAVP");
    s->warning = SDP_WARN_ADDRESS;
    s->address = r->media_address.ss_family != 0 ? r->media_address : r->session_address;
    if (s->address.ss_family == 0)
        return error_set(err, ERR_INVALID, "no c= line says where the audio goes");
    set_port(&s->address, r->port);
    s->ice = s->ice_ufrag[0] != '\0' && r->ice_pwd && !s->ice_mismatch;
    s->ice_mismatch = s->ice && !r->found_default && (r->candidates || !r->trickle) &&
                      r->port != PORT_LATER && !sdp_is_nowhere(s);
    s->ice = s->ice && !s->ice_mismatch;
    join_codecs(r);
    s->warning = SDP_WARN_FORMAT;
    if (s->n_codecs == 0)
        return error_set(err, ERR_INVALID, "no codec that we have");
    return 0;
}

/* What we repeat in an answer must not end a line of it. */
static bool has_control(const struct line *l)
{
    for (size_t i = 0; i < l->len; i++)
        if (((unsigned char)l->text[i] < ' ' && l->text[i] != '\t') || l->text[i] == 0x7f)
            return true;
    return false;
}

int sdp_parse(struct sdp *s, const char *text, size_t len, unsigned transports, struct error *err)
{
    struct reader r = {.s = s, .transports = transports};
    size_t lines = 0, at = 0;
    int rc;

    *s = (struct sdp){.dtmf = -1, .dtmf_wide = -1, .comfort = -1, .warning = SDP_WARN_OTHER};
    if (len > SDP_BYTES_MAX)
        return error_set(err, ERR_LIMIT, "longer than %d bytes", SDP_BYTES_MAX);
    if (len < 4 || memcmp(text, "v=0", 3) != 0)
        return error_set(err, ERR_INVALID, "no session description: it does not begin with v=0");
    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - text) - at : len - at;
        struct line l = {.text = text + at, .len = n};

        at += n + 1;
        if (l.len > 0 && l.text[l.len - 1] == '\r')
            l.len--;
        if (l.len == 0)
            continue;
        if (++lines > SDP_LINES_MAX)
            return error_set(err, ERR_LIMIT, "more than %d lines", SDP_LINES_MAX);
        if (has_control(&l))
            return error_set(err, ERR_INVALID, "a control character in line %zu", lines);
        if (l.text[0] == 'm' && s->n_media == 0 && r.session_way)
            s->way = r.way;
        rc = read_line(&r, l, err);
        if (rc != 0)
            return rc;
    }
    return finish(&r, err);
}

int sdp_choose(const struct sdp *s, unsigned codecs)
{
    for (size_t i = 0; i < s->n_codecs; i++)
        if (codecs & 1u << s->codecs[i].codec)
            return (int)i;
    return -1;
}

/* --- for RTP --- */

void sdp_peer(const struct sdp *s, size_t choice, bool answered, bool nat, struct rtp_peer *peer)
{
    const struct sdp_codec *c = &s->codecs[choice];

    *peer = (struct rtp_peer){
        .address = s->address,
        .rtcp = s->rtcp,
        .rtcp_mux = s->rtcp_mux,
        .codec = c->codec,
        .payload = c->payload,
        .payload_in = answered ? sdp_our_payload(c->codec) : c->payload,
        .dtmf = sdp_dtmf_of(s, c->codec),
        .comfort = s->comfort,
        .ptime_ms = s->ptime,
        .learn = nat,
    };
    /* Our offers have both; who answers with both may change between them (RFC 3264 §7). */
    peer->both_laws = answered && (c->codec == RTP_PCMU || c->codec == RTP_PCMA) &&
                      sdp_choose(s, 1u << RTP_PCMU) >= 0 && sdp_choose(s, 1u << RTP_PCMA) >= 0;
    peer->dtmf_in = peer->dtmf;
    if (answered && peer->dtmf >= 0)
        peer->dtmf_in = c->codec == RTP_OPUS ? SDP_PAYLOAD_DTMF_WIDE : SDP_PAYLOAD_DTMF;
    peer->send =
        (s->way == SDP_SENDRECV || s->way == SDP_RECVONLY) && (s->ice || !sdp_is_nowhere(s));
    peer->receive = s->way == SDP_SENDRECV || s->way == SDP_SENDONLY;
}
