#include "gateways/sip/sdp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Our own payload numbers, where the codec has none of its own. */
enum { PAYLOAD_OPUS = 111, PAYLOAD_DTMF = 101, PAYLOAD_DTMF_WIDE = 110, PAYLOAD_COMFORT = 13 };

/* --- reading --- */

struct line {
    const char *text;
    size_t len;
};

struct reader {
    struct sdp *s;
    struct sockaddr_storage session_address, media_address;
    bool session_way, in_audio, audio_found;
    enum sdp_way way;
    unsigned port;
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
    return out->ss_family != 0;
}

static void set_port(struct sockaddr_storage *a, unsigned port)
{
    if (a->ss_family == AF_INET)
        ((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
    else if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
}

static int read_media(struct reader *r, struct line l, struct error *err)
{
    struct sdp *s = r->s;
    struct sdp_other *o;
    struct line formats;
    char port[16];
    long number_of_port, payload;

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
    if (r->audio_found || strcasecmp(o->kind, "audio") != 0 || number_of_port == 0 ||
        strcasecmp(o->proto, "RTP/AVP") != 0)
        return 0;
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

static void read_attribute(struct reader *r, struct line l)
{
    long ms;

    if (read_way(r, &l) || !r->in_audio)
        return;
    if (starts(&l, "rtpmap:"))
        read_rtpmap(r, l);
    else if (starts(&l, "rtcp-mux"))
        r->s->rtcp_mux = true;
    else if (starts(&l, "rtcp:"))
        read_rtcp(r, l);
    else if (starts(&l, "ptime:") && number(&l, 1000, &ms))
        r->s->ptime = (int)ms;
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
        !read_address(l, r->in_audio ? &r->media_address : &r->session_address))
        return error_set(err, ERR_INVALID, "a c= line without an IP address");
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
        if (payload == PAYLOAD_COMFORT)
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

static int finish(struct reader *r, struct error *err)
{
    struct sdp *s = r->s;

    if (!r->audio_found)
        return error_set(err, ERR_INVALID, "no audio over RTP/AVP");
    s->address = r->media_address.ss_family != 0 ? r->media_address : r->session_address;
    if (s->address.ss_family == 0)
        return error_set(err, ERR_INVALID, "no c= line says where the audio goes");
    set_port(&s->address, r->port);
    join_codecs(r);
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

int sdp_parse(struct sdp *s, const char *text, size_t len, struct error *err)
{
    struct reader r = {.s = s};
    size_t lines = 0, at = 0;
    int rc;

    *s = (struct sdp){.dtmf = -1, .dtmf_wide = -1, .comfort = -1};
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

/* --- writing --- */

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

    str_addf(out, "v=0\r\no=almon %llu %u IN %s %s\r\ns=almon\r\nc=IN %s %s\r\nt=0 0\r\n",
             (unsigned long long)o->session, o->version, family, o->address, family, o->address);
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

static int our_payload(enum rtp_codec c)
{
    return c == RTP_OPUS ? PAYLOAD_OPUS : rtp_codec_payload(c);
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
    str_addf(out, "m=audio %u RTP/AVP", o->port);
    for (size_t i = 0; i < n; i++)
        str_addf(out, " %d", our_payload(ours[i]));
    str_addf(out, "%s%s\r\n", other ? " 101" : "", opus ? " 110" : "");
    for (size_t i = 0; i < n; i++)
        write_codec(out, ours[i], our_payload(ours[i]));
    if (other)
        write_dtmf(out, PAYLOAD_DTMF, 8000);
    if (opus)
        write_dtmf(out, PAYLOAD_DTMF_WIDE, 48000);
    str_addf(out, "a=ptime:20\r\na=%s\r\n", way_name(o->way));
}

static int dtmf_of(const struct sdp *s, enum rtp_codec c)
{
    return c == RTP_OPUS ? s->dtmf_wide : s->dtmf;
}

static void write_audio(struct str *out, const struct sdp_ours *o, const struct sdp *offer,
                        size_t choice)
{
    const struct sdp_codec *c = &offer->codecs[choice];
    int dtmf = dtmf_of(offer, c->codec);

    str_addf(out, "m=audio %u RTP/AVP %d", o->port, c->payload);
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

/* --- for RTP --- */

static bool is_nowhere(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET && ((const struct sockaddr_in *)a)->sin_addr.s_addr == 0;
}

void sdp_peer(const struct sdp *s, size_t choice, bool answered, bool nat, struct rtp_peer *peer)
{
    const struct sdp_codec *c = &s->codecs[choice];

    *peer = (struct rtp_peer){
        .address = s->address,
        .rtcp = s->rtcp,
        .rtcp_mux = s->rtcp_mux,
        .codec = c->codec,
        .payload = c->payload,
        .payload_in = answered ? our_payload(c->codec) : c->payload,
        .dtmf = dtmf_of(s, c->codec),
        .comfort = s->comfort,
        .ptime_ms = s->ptime,
        .learn = nat,
    };
    peer->dtmf_in = peer->dtmf;
    if (answered && peer->dtmf >= 0)
        peer->dtmf_in = c->codec == RTP_OPUS ? PAYLOAD_DTMF_WIDE : PAYLOAD_DTMF;
    /* The old way to hold a call (RFC 2543): an address of zeros. */
    peer->send = (s->way == SDP_SENDRECV || s->way == SDP_RECVONLY) && !is_nowhere(&s->address);
    peer->receive = s->way == SDP_SENDRECV || s->way == SDP_SENDONLY;
}
