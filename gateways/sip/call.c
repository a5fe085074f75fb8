/* One call: a leg of SIP, a stream of RTP, a channel of the bridge. Each of the three may end it,
 * then call_free() ends the other two. */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/wire.h"
#include "gateways/sip/gateway.h"
#include "gateways/sip/route.h"
#include "gateways/sip/sdp.h"
#include "gateways/sip/secure.h"
#include "gateways/sip/status.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    PARAMS_MAX = 28,
    SDP_TEXT_MAX = 8192,
    QUALITY_FRAMES = 500, /* how often, in frames of 20 ms, the exchange is told how it sounds */
    QUALITY_FIRST = 50,
};

/* How the digits of this call come: the first way that is heard is the one that counts, so that a
 * phone which sends them twice presses once. */
enum digit_way { DIGITS_ANY, DIGITS_RTP, DIGITS_INFO };

struct call {
    struct gateway *g;
    struct leg *leg;
    struct rtp *rtp;
    uint32_t number; /* of the channel */
    bool on_bridge, came_in, answered;
    enum codec codec;      /* of the channel */
    enum codec wire_codec; /* what rtp speaks */
    const struct config_trunk *trunk;
    const struct config_phone *phone;
    struct sdp remote;
    struct secure secure;
    int choice;       /* of the remote's codecs; -1: it has said nothing yet */
    bool we_offered;  /* the description in force was our offer, theirs the answer */
    uint64_t session; /* of our descriptions */
    unsigned version;
    enum digit_way digits;
    bool events; /* digits go to the exchange as messages; else as tones in the audio: */
    char pending[33];
    struct audio *tone; /* of the digit that is being sent */
    size_t tone_at;     /* its next frame */
    unsigned frames;    /* that went to the exchange */
    char local_ip[48];
    char id[80]; /* for the log */
    struct link_node node;
    struct call *next; /* in its bucket */
};

/* --- the list of calls --- */

static struct call **bucket(struct gateway *g, uint32_t number)
{
    return &g->buckets[number % GATEWAY_BUCKETS];
}

struct call *call_find(struct gateway *g, uint32_t number)
{
    struct call *c = *bucket(g, number);

    while (c != NULL && c->number != number)
        c = c->next;
    return c;
}

static void put_on_bridge(struct call *c, uint32_t number)
{
    struct call **at = bucket(c->g, number);

    c->number = number;
    c->on_bridge = true;
    c->next = *at;
    *at = c;
}

static void take_off_bridge(struct call *c)
{
    struct call **at = bucket(c->g, c->number);

    if (!c->on_bridge)
        return;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->on_bridge = false;
}

int call_count(const struct gateway *g, const struct config_trunk *trunk,
               const struct config_phone *phone)
{
    int n = 0;

    for (struct link_node *i = list_first(&g->calls); i != NULL; i = list_next(&g->calls, i)) {
        const struct call *c = list_entry(i, struct call, node);

        n += c->trunk == trunk && c->phone == phone;
    }
    return n;
}

static struct call *call_new(struct gateway *g, const char *id)
{
    struct call *c = mem_alloc(sizeof *c);

    if (c == NULL)
        return NULL;
    c->g = g;
    c->choice = -1;
    c->session = ++g->next_session;
    str_copy(c->id, sizeof c->id, id);
    list_append(&g->calls, &c->node);
    g->n_calls++;
    return c;
}

static void log_figures(const struct call *c, const char *why)
{
    struct rtp_stats s;

    if (c->rtp == NULL || !c->answered) {
        log_info("sip", NULL, "%s: ended: %s", c->id, why);
        return;
    }
    rtp_stats(c->rtp, &s);
    log_info("sip", NULL,
             "%s: ended: %s; received %llu packets, lost %.1f %%, jitter %.1f ms, MOS %.1f; sent "
             "%llu",
             c->id, why, (unsigned long long)s.received, s.loss * 100, s.jitter_ms, s.mos,
             (unsigned long long)s.sent);
}

static uint32_t whole(double v)
{
    return v > 0 ? (uint32_t)(v + 0.5) : 0;
}

/* How it sounds, for the journal. */
static void tell_quality(const struct call *c)
{
    struct wire_quality q = {0};
    struct rtp_stats s;

    if (c->rtp == NULL || !c->answered || !c->on_bridge || c->g->client == NULL)
        return;
    rtp_stats(c->rtp, &s);
    q.sent = (uint32_t)s.sent;
    q.received = (uint32_t)s.received;
    q.lost = (uint32_t)s.lost;
    q.late = (uint32_t)s.late;
    q.jitter_us = whole(s.jitter_ms * 1000);
    q.round_trip_us = whole(s.round_trip_ms * 1000);
    q.mos = s.received > 0 ? whole(s.mos * 100) : 0;
    if (s.remote) {
        q.remote_loss = whole(s.remote_loss * 10000);
        q.remote_jitter_us = whole(s.remote_jitter_ms * 1000);
    }
    client_quality(c->g->client, c->number, &q);
}

/* `status`: how an unanswered call from SIP is refused. */
static void call_free(struct call *c, unsigned status, enum cause cause, const char *why)
{
    uint32_t number = c->number;
    bool told = !c->on_bridge;

    log_figures(c, why);
    tell_quality(c);
    take_off_bridge(c);
    c->rtp = rtp_free(c->rtp);
    c->tone = c->tone != NULL ? audio_unref(c->tone) : NULL;
    c->leg = leg_end(c->leg, status, status_q850(cause));
    if (!told && c->g->client != NULL)
        client_hangup(c->g->client, number, cause);
    list_remove(&c->node);
    c->g->n_calls--;
    mem_free(c);
}

void call_end_all(struct gateway *g, enum cause cause)
{
    struct link_node *n;

    while ((n = list_first(&g->calls)) != NULL)
        call_free(list_entry(n, struct call, node), (unsigned)cause_sip(cause), cause,
                  cause_name(cause));
}

/* --- sound --- */

/* Between the channel's codec and that of the wire, which have the same rate: a phone may speak
 * the other law than the exchange chose, or change it within the call. */
static const void *convert(enum codec from, enum codec to, const void *bytes, size_t *len,
                           uint8_t out[FRAME_BYTES_MAX])
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(from);

    if (from == to || *len == 0)
        return bytes;
    codec_decode(from, bytes, n, samples);
    codec_encode(to, samples, n, out);
    *len = codec_frame_bytes(to);
    return out;
}

/* The next frame of a digit that came as INFO on a call whose digits are tones; NULL: there is
 * none. */
static const void *tone_frame(struct call *c)
{
    char digit[2] = {c->pending[0], '\0'};
    size_t size = codec_frame_bytes(c->codec);

    if (c->tone != NULL && c->tone_at == c->tone->frames)
        c->tone = audio_unref(c->tone);
    if (c->tone == NULL && digit[0] != '\0') {
        memmove(c->pending, c->pending + 1, strlen(c->pending));
        c->tone_at = 0;
        if (audio_from_digits(&c->tone, c->codec, digit, NULL) != 0)
            c->tone = NULL;
    }
    return c->tone != NULL ? c->tone->data + size * c->tone_at++ : NULL;
}

static void on_frame(void *arg, const void *bytes, size_t len)
{
    struct call *c = arg;
    uint8_t out[FRAME_BYTES_MAX];
    const void *tone;

    if (!c->on_bridge || c->g->client == NULL)
        return;
    if (c->frames++ % QUALITY_FRAMES == QUALITY_FIRST)
        tell_quality(c);
    tone = tone_frame(c);
    if (tone != NULL)
        len = codec_frame_bytes(c->codec);
    else
        bytes = convert(c->wire_codec, c->codec, bytes, &len, out);
    client_audio(c->g->client, c->number, tone != NULL ? tone : bytes, len);
}

void call_audio(struct call *c, const void *bytes, size_t len)
{
    uint8_t out[FRAME_BYTES_MAX];

    bytes = convert(c->codec, c->wire_codec, bytes, &len, out);
    rtp_send_frame(c->rtp, bytes, len);
}

static void press(struct call *c, enum digit_way way, char digit)
{
    char digits[2] = {digit, '\0'};

    if (c->digits == DIGITS_ANY)
        c->digits = way;
    if (c->digits != way || !c->answered || c->g->client == NULL)
        return;
    if (c->events)
        client_digits(c->g->client, c->number, digits);
    else if (strlen(c->pending) + 1 < sizeof c->pending)
        strcat(c->pending, digits);
}

static void on_rtp_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)duration_ms;
    press(arg, DIGITS_RTP, digit);
}

static void on_rtp_timeout(void *arg)
{
    struct call *c = arg;

    if (c->remote.way == SDP_SENDRECV)
        call_free(c, 408, CAUSE_NORMAL, "its sound stopped coming");
}

static void on_rtp_keyless(void *arg, const char *why)
{
    struct call *c = arg;

    log_warn("sip", NULL, "%s: no keys were agreed by DTLS: %s", c->id, why);
    call_free(c, 500, CAUSE_ERROR, "its sound cannot be decrypted");
}

static const struct rtp_handlers rtp_handlers = {
    .frame = on_frame, .digit = on_rtp_digit, .timeout = on_rtp_timeout, .keyless = on_rtp_keyless};

static bool nat_of(const struct call *c)
{
    return c->trunk != NULL ? c->trunk->nat : c->phone == NULL || c->phone->nat;
}

/* What trunk or phone says of encryption; a call to any other address has the defaults. */
static void set_terms(struct call *c, bool tls)
{
    const struct config_trunk *t = c->trunk;
    const struct config_phone *p = c->phone;
    const char *srtp = t != NULL ? t->srtp : p != NULL ? p->srtp : "optional";
    const char *keys = t != NULL ? t->srtp_keys : p != NULL ? p->srtp_keys : "sdes";

    c->secure.terms = (struct secure_terms){.policy = secure_policy_of(srtp),
                                            .dtls = strcmp(keys, "dtls") == 0,
                                            .tls = tls,
                                            .nat = nat_of(c),
                                            .ice = t != NULL ? t->ice : p != NULL && p->ice,
                                            .fingerprint = rtp_fingerprint(c->g->rtp),
                                            .local_ip = c->local_ip};
}

/* Both sides have agreed: sound may flow. */
static int start_sound(struct call *c)
{
    struct rtp_peer peer;
    struct error err = {0};
    int rc;

    sdp_peer(&c->remote, (size_t)c->choice, c->we_offered, nat_of(c), &peer);
    secure_peer(&c->secure, &c->remote, &peer);
    rc = rtp_set_peer(c->rtp, &peer, &err);
    if (rc != 0) {
        log_warn("sip", NULL, "%s: %s", c->id, err.text);
        return rc;
    }
    c->wire_codec = rtp_codec_bridge(peer.codec);
    return 0;
}

/* What a channel's codec can be on the wire. */
static unsigned codecs_for(enum codec codec)
{
    if (codec_rate(codec) == 8000)
        return 1u << RTP_PCMU | 1u << RTP_PCMA;
    return codec_rate(codec) == 16000 ? 1u << RTP_G722 | 1u << RTP_OPUS : 0;
}

static struct sdp_ours ours(struct call *c)
{
    return (struct sdp_ours){
        .address = c->g->config->sip.address != NULL ? c->g->config->sip.address : c->local_ip,
        .port = rtp_port(c->rtp),
        .session = c->session,
        .version = ++c->version,
        .way = SDP_SENDRECV,
        .codecs = codecs_for(c->codec)};
}

/* False: it cannot be written, which the log says. */
static bool write_ours(struct call *c, struct str *out)
{
    struct sdp_ours o = ours(c);
    struct error err = {0};

    c->we_offered = c->choice < 0 || c->we_offered;
    if (secure_describe(&c->secure, c->rtp, c->we_offered ? NULL : &c->remote, &o, &err) != 0) {
        log_error("sip", NULL, "%s: %s", c->id, err.text);
        return false;
    }
    if (c->we_offered)
        sdp_write_offer(out, &o);
    else
        sdp_write_answer(out, &o, &c->remote, (size_t)c->choice);
    return !out->failed;
}

/* Reads their description, an offer or the answer to ours; 200, or 488. */
static unsigned take_description(struct call *c, const char *sdp, size_t len, unsigned codecs,
                                 bool answered)
{
    struct sdp remote;
    struct error err = {0};
    int choice;

    if (secure_parse(&c->secure, &remote, sdp, len, &err) != 0) {
        log_warn("sip", NULL, "%s: its session description cannot be taken: %s", c->id, err.text);
        return 488;
    }
    choice = sdp_choose(&remote, codecs);
    if (choice < 0) {
        log_warn("sip", NULL, "%s: it offers no codec that this call can have", c->id);
        return 488;
    }
    if (secure_take(&c->secure, &remote, answered, &err) != 0) {
        log_warn("sip", NULL, "%s: %s", c->id, err.text);
        return 488;
    }
    c->remote = remote;
    c->choice = choice;
    return 200;
}

/* --- what the leg says --- */

static void on_leg_ringing(void *arg, unsigned status)
{
    struct call *c = arg;

    (void)status;
    if (c->g->client != NULL)
        client_ringing(c->g->client, c->number);
}

static void on_leg_answered(void *arg)
{
    struct call *c = arg;

    c->answered = true;
    rtp_deliver(c->rtp, true);
    log_info("sip", NULL, "%s: answered, %s", c->id, secure_way_name(&c->secure));
    if (c->g->client != NULL)
        client_answer(c->g->client, c->number);
}

static unsigned on_leg_offered(void *arg, const char *sdp, size_t len, struct str *out)
{
    struct call *c = arg;
    unsigned status;

    if (sdp == NULL) {
        c->we_offered = true;
        return write_ours(c, out) ? 200 : 500;
    }
    status = take_description(c, sdp, len, codecs_for(c->codec), false);
    if (status != 200)
        return status;
    c->we_offered = false;
    return write_ours(c, out) && start_sound(c) == 0 ? 200 : 488;
}

static bool on_leg_agreed(void *arg, const char *sdp, size_t len)
{
    struct call *c = arg;

    c->we_offered = true;
    return take_description(c, sdp, len, codecs_for(c->codec), true) == 200 && start_sound(c) == 0;
}

static void on_leg_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)duration_ms;
    press(arg, DIGITS_INFO, digit);
}

/* A transfer is a new call on somebody's bill: not before the flow may decide it. */
static unsigned on_leg_referred(void *arg, const char *target)
{
    struct call *c = arg;

    log_warn("sip", NULL, "%s: refuses to be transferred to %s", c->id, target);
    return 603;
}

static void on_leg_ended(void *arg, unsigned status, int q850)
{
    struct call *c = arg;
    char why[64];
    enum cause cause = CAUSE_NORMAL;

    /* A caller who gives up is normal, too; who was called says why not. */
    if (!c->came_in && !c->answered)
        cause = status_cause(status, q850);
    snprintf(why, sizeof why, "%s %u", c->answered ? "hung up" : "not answered", status);
    call_free(c, status, cause, why);
}

static const struct leg_handlers leg_handlers = {
    .ringing = on_leg_ringing,
    .answered = on_leg_answered,
    .offered = on_leg_offered,
    .agreed = on_leg_agreed,
    .digit = on_leg_digit,
    .referred = on_leg_referred,
    .ended = on_leg_ended,
};

/* --- what the exchange says --- */

void call_ringing(struct call *c)
{
    leg_ring(c->leg);
}

void call_answered(struct call *c)
{
    struct str sdp = STR_INIT(SDP_TEXT_MAX);

    if (c->answered)
        return;
    if (!write_ours(c, &sdp) || (!c->we_offered && start_sound(c) != 0)) {
        str_free(&sdp);
        call_free(c, 500, CAUSE_ERROR, "no sound can be agreed");
        return;
    }
    c->answered = true;
    log_info("sip", NULL, "%s: answered, %s", c->id, secure_way_name(&c->secure));
    rtp_deliver(c->rtp, true);
    leg_answer(c->leg, str_text(&sdp));
    str_free(&sdp);
}

void call_ended(struct call *c, enum cause cause)
{
    take_off_bridge(c);
    call_free(c, (unsigned)cause_sip(cause), cause, cause_name(cause));
}

void call_digits(struct call *c, const char *digits)
{
    rtp_send_digits(c->rtp, digits);
}

/* --- a call from SIP --- */

/* The bridge speaks UTF-8; SIP headers hold what somebody once configured. */
static const char *utf8(const char *text)
{
    json_t *j = json_string(text);
    bool good = j != NULL;

    json_decref(j);
    return good ? text : "?";
}

struct params {
    const char *list[2 * PARAMS_MAX + 1];
    char names[STACK_HEADERS_MAX][80];
    size_t n;
};

static void add_param(struct params *p, const char *name, const char *value)
{
    if (value == NULL || p->n + 2 > 2 * PARAMS_MAX)
        return;
    p->list[p->n++] = name;
    p->list[p->n++] = utf8(value);
}

static void list_params(struct params *p, const struct stack_request *r)
{
    p->n = 0;
    add_param(p, "SipDomain", r->uri_host);
    add_param(p, "SipCallId", r->call_id);
    add_param(p, "SipSourceIp", r->source_ip);
    add_param(p, "SipUsername", r->user);
    for (size_t i = 0; r->headers[2 * i] != NULL; i++) {
        snprintf(p->names[i], sizeof p->names[i], "SipHeader_%.54s", r->headers[2 * i]);
        add_param(p, p->names[i], r->headers[2 * i + 1]);
    }
    p->list[p->n] = NULL;
}

static int offer_to_exchange(struct call *c, const struct stack_request *r, struct error *err)
{
    struct params params;
    char from[ROUTE_TEXT_MAX], to[ROUTE_TEXT_MAX];
    struct offer offer = {.from = from, .to = to, .codec = c->codec, .dtmf_events = c->events};
    uint32_t number;
    int rc;

    route_from(r, c->trunk, c->phone, from);
    route_to(r, c->trunk, to);
    list_params(&params, r);
    offer.params = params.list;
    if (*r->from_name != '\0')
        offer.caller_name = utf8(r->from_name);
    if (r->diverted_user != NULL)
        offer.forwarded_from = utf8(r->diverted_user);
    rc = client_offer(c->g->client, &offer, &number, err);
    if (rc != 0)
        return rc;
    put_on_bridge(c, number);
    log_info("sip", NULL, "%s: call from %s to %s, by %s%s at %s", c->id, from, to,
             c->trunk != NULL ? "trunk " : "phone ",
             c->trunk != NULL ? c->trunk->name : c->phone->name, r->source_ip);
    return 0;
}

/* The status that refuses a call before anything is made of it; 0: none. */
static unsigned no_room(struct gateway *g, const struct config_trunk *trunk,
                        const struct config_phone *phone)
{
    if (!g->linked || g->stopping || g->n_calls >= (unsigned)g->config->sip.max_calls)
        return 503;
    if (trunk != NULL && call_count(g, trunk, NULL) >= trunk->max_calls)
        return 503;
    return phone != NULL && call_count(g, NULL, phone) >= phone->max_calls ? 486 : 0;
}

static unsigned prepare(struct call *c, const struct stack_request *r)
{
    struct error err = {0};
    unsigned status = 200, all = (1u << RTP_CODEC_COUNT) - 1;

    c->codec = CODEC_PCMU;
    c->events = true;
    if (r->body_len > 0)
        status = take_description(c, r->body, r->body_len, all, false);
    if (status != 200)
        return status;
    if (c->choice >= 0) {
        c->codec = rtp_codec_bridge(c->remote.codecs[c->choice].codec);
        c->events = c->remote.dtmf >= 0 || c->remote.dtmf_wide >= 0;
    }
    if (rtp_new(&c->rtp, c->g->rtp, &rtp_handlers, c, &err) != 0) {
        log_error("sip", NULL, "%s: %s", c->id, err.text);
        return 503;
    }
    if (offer_to_exchange(c, r, &err) != 0) {
        log_error("sip", NULL, "%s: %s", c->id, err.text);
        return 503;
    }
    return 200;
}

void call_invited(struct gateway *g, struct leg *leg, const struct stack_request *r,
                  const struct config_trunk *trunk, const struct config_phone *phone)
{
    unsigned status = no_room(g, trunk, phone);
    struct call *c = status == 0 ? call_new(g, r->call_id) : NULL;

    if (c == NULL) {
        log_warn("sip", NULL, "%s: refused with %u: too many calls, or no exchange", r->call_id,
                 status != 0 ? status : 503);
        leg_end(leg, status != 0 ? status : 503, -1);
        return;
    }
    c->leg = leg;
    c->came_in = true;
    c->trunk = trunk;
    c->phone = phone;
    str_copy(c->local_ip, sizeof c->local_ip, leg_local_ip(leg));
    leg_attach(leg, &leg_handlers, c);
    set_terms(c, strcmp(r->transport, "tls") == 0);
    status = prepare(c, r);
    if (status != 200)
        call_free(c, status, CAUSE_ERROR, status_reason(status));
}

/* --- a call from the exchange --- */

static int place(struct call *c, const struct dial *d, struct error *err)
{
    struct str sdp = STR_INIT(SDP_TEXT_MAX);
    struct leg_call call = {.uri = d->uri,
                            .route = d->route,
                            .from_uri = d->from,
                            .contact = "almon",
                            .headers = d->headers,
                            .user = d->user,
                            .password = d->password};
    int rc = rtp_new(&c->rtp, c->g->rtp, &rtp_handlers, c, err);

    if (rc != 0)
        return rc;
    stack_local_ip(d->route, c->local_ip);
    set_terms(c, strstr(d->route, "transport=tls") != NULL);
    if (write_ours(c, &sdp)) {
        call.sdp = str_text(&sdp);
        rc = leg_dial(&c->leg, c->g->stack, &call, &leg_handlers, c, err);
    } else {
        rc = error_set(err, ERR_IO, "no session description");
    }
    str_free(&sdp);
    return rc;
}

void call_offered(struct gateway *g, uint32_t number, const struct offer *offer)
{
    struct dial d;
    struct error err = {0};
    int refused = dial_plan(g, offer, &d);
    struct call *c;

    if (refused < 0 && codecs_for(offer->codec) == 0)
        refused = CAUSE_ERROR;
    c = refused < 0 ? call_new(g, d.uri) : NULL;
    if (c == NULL) {
        log_warn("sip", NULL, "a call to %s is refused: %s", offer->to,
                 refused < 0 ? "out of memory" : cause_name((enum cause)refused));
        client_hangup(g->client, number, refused < 0 ? CAUSE_ERROR : (enum cause)refused);
        return;
    }
    c->codec = offer->codec;
    c->events = offer->dtmf_events;
    c->trunk = d.trunk;
    c->phone = d.phone;
    put_on_bridge(c, number);
    log_info("sip", NULL, "%s: calling for %s", c->id, offer->from);
    if (place(c, &d, &err) != 0)
        call_free(c, 500, CAUSE_ERROR, err.text);
}
