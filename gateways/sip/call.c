/* One call: a leg of SIP, a stream of RTP, a channel of the bridge. Each of the three may end it,
 * then call_free() ends the other two. */
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/call_private.h"
#include "gateways/sip/near.h"
#include "gateways/sip/route.h"
#include "gateways/sip/status.h"
#include <stdio.h>
#include <string.h>

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

static void call_put_on_bridge(struct call *c, uint32_t number)
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

        n += trunk != NULL   ? c->trunk != NULL && strcmp(c->trunk->name, trunk->name) == 0
             : phone != NULL ? c->phone != NULL && strcmp(c->phone->name, phone->name) == 0
                             : 0;
    }
    return n;
}

static struct call *call_new(struct gateway *g, const char *id)
{
    struct call *c = mem_alloc(sizeof *c);

    if (c == NULL)
        return NULL;
    c->g = g;
    c->config = g->config;
    c->choice = -1;
    c->session = ++g->next_session;
    str_copy(c->id, sizeof c->id, id);
    list_append(&g->calls, &c->node);
    g->n_calls++;
    return c;
}

/* `status`: how an unanswered call from SIP is refused. */
void call_free(struct call *c, unsigned status, enum cause cause, const char *why)
{
    uint32_t number = c->number;
    bool told = !c->on_bridge;
    struct call_params params;
    const char *const *facts = call_facts(c, c->answered ? 0 : c->final_status, &params);

    call_log_figures(c, why);
    call_tell_quality(c);
    take_off_bridge(c);
    if (!told && c->g->client != NULL)
        client_hangup_with(c->g->client, number, cause, facts);
    c->rtp = rtp_free(c->rtp);
    c->tone = c->tone != NULL ? audio_unref(c->tone) : NULL;
    c->leg = leg_end(c->leg, status, status_q850(cause));
    call_fork_drop(c);
    call_hunt_drop(c);
    mem_free(c->progress);
    list_remove(&c->node);
    c->g->n_calls--;
    mem_free(c);
}

bool call_uses(const struct gateway *g, const struct config *config)
{
    for (struct link_node *i = list_first(&g->calls); i != NULL; i = list_next(&g->calls, i))
        if (list_entry(i, struct call, node)->config == config)
            return true;
    return false;
}

void call_end_all(struct gateway *g, enum cause cause)
{
    struct link_node *n;

    while ((n = list_first(&g->calls)) != NULL)
        call_free(list_entry(n, struct call, node), (unsigned)cause_sip(cause), cause,
                  cause_name(cause));
}

/* --- what the leg says --- */

static void on_leg_ringing(void *arg, unsigned status)
{
    struct call *c = arg;
    struct call_params params;

    (void)status;
    if (c->rang)
        return;
    c->rang = true;
    if (c->g->client != NULL)
        client_ringing_with(c->g->client, c->number, false, call_facts(c, 0, &params));
}

static void on_leg_heard(void *arg)
{
    call_hunt_heard(arg);
}

/* What they play before the answer is heard; where several do, the last that says so. */
static void on_leg_early(void *arg, const char *sdp, size_t len)
{
    struct call *c = arg;

    if (c->answered || call_take_description(c, sdp, len, call_codecs(c->codec), true) != 200)
        return;
    c->we_offered = true;
    if (call_start_sound(c) != 0 || c->early)
        return;
    c->early = true;
    rtp_deliver(c->rtp, true);
    if (c->g->client != NULL)
        client_ringing_with(c->g->client, c->number, true, NULL);
}

static void on_leg_answered(void *arg)
{
    struct call *c = arg;
    struct call_params params;

    c->answered = true;
    call_fork_drop(c);
    call_hunt_drop(c);
    rtp_deliver(c->rtp, true);
    log_info("sip", NULL, "%s: answered, %s", c->id, secure_way_name(&c->secure));
    if (c->g->client != NULL)
        client_answer_with(c->g->client, c->number, call_facts(c, 200, &params));
}

static unsigned on_leg_offered(void *arg, const char *sdp, size_t len, struct str *out)
{
    struct call *c = arg;
    unsigned status;

    if (sdp == NULL) {
        c->we_offered = true;
        return call_describe(c, out) ? 200 : 500;
    }
    status = call_take_description(c, sdp, len, call_codecs(c->codec), false);
    if (status != 200)
        return status;
    c->we_offered = false;
    return call_describe(c, out) && call_start_sound(c) == 0 ? 200 : 488;
}

static bool on_leg_agreed(void *arg, const char *sdp, size_t len)
{
    struct call *c = arg;

    c->we_offered = true;
    return call_take_description(c, sdp, len, call_codecs(c->codec), true) == 200 &&
           call_start_sound(c) == 0;
}

static void on_leg_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)duration_ms;
    call_press(arg, DIGITS_INFO, digit);
}

/* A transfer is a new call on somebody's bill: the flow decides. */
static void on_leg_referred(void *arg, const struct leg_transfer *t)
{
    struct call *c = arg;
    struct call_params p = {0};

    if (c->g->client == NULL || !c->on_bridge) {
        leg_refer_answer(c->leg, 603, 0);
        return;
    }
    call_add_param(&p, "SipHeader_Referred-By", t->by);
    call_add_param(&p, "SipHeader_Replaces", t->replaces);
    log_info("sip", NULL, "%s: asks to be transferred to %s", c->id, t->to);
    client_refer(c->g->client, c->number, call_utf8(t->to), p.list);
}

static void on_leg_refer_answered(void *arg, unsigned status)
{
    struct call *c = arg;

    c->refer_status = status;
    if (c->g->client != NULL)
        client_refer_status(c->g->client, c->number, status, 0);
}

static void on_leg_refer_notified(void *arg, unsigned status)
{
    struct call *c = arg;

    if (c->g->client != NULL)
        client_refer_status(c->g->client, c->number, c->refer_status != 0 ? c->refer_status : 202,
                            status);
}

static void on_leg_ended(void *arg, unsigned status, int q850)
{
    struct call *c = arg;
    char why[96];
    enum cause cause = CAUSE_NORMAL;

    if (call_hunt_next(c, status))
        return;
    /* A caller who gives up is normal, too; who was called says why not. */
    if (!c->came_in && !c->answered)
        cause = status_cause(status, q850);
    if (c->answered)
        snprintf(why, sizeof why, "hung up");
    else
        snprintf(why, sizeof why, "not answered: %u %s, Q.850 %d", status, status_reason(status),
                 q850 >= 0 ? q850 : status_to_q850(status));
    c->final_status = c->came_in ? 0 : status;
    call_free(c, status, cause, why);
}

const struct leg_handlers call_leg_handlers = {
    .ringing = on_leg_ringing,
    .heard = on_leg_heard,
    .early = on_leg_early,
    .refer_answered = on_leg_refer_answered,
    .refer_notified = on_leg_refer_notified,
    .answered = on_leg_answered,
    .offered = on_leg_offered,
    .agreed = on_leg_agreed,
    .digit = on_leg_digit,
    .referred = on_leg_referred,
    .ended = on_leg_ended,
};

/* --- what the exchange says --- */

/* Only who called us hears that it rings, or is answered. */
void call_ringing(struct call *c)
{
    if (c->came_in)
        leg_ring(c->leg);
}

/* A number becomes one of the trunk's, or, with a phone, one of our own domain. */
static const char *refer_uri(const struct call *c, const char *to, char uri[ROUTE_TEXT_MAX])
{
    char plain[ROUTE_TEXT_MAX], host[ROUTE_TEXT_MAX + 8];

    if (!route_is_number(to))
        return to;
    str_copy(plain, sizeof plain, to);
    snprintf(host, sizeof host, "sip:%s", c->g->config->sip.domain);
    if (c->trunk != NULL)
        route_rewrite(c->trunk->rewrite_out, c->trunk->n_rewrite_out, to, plain);
    return route_uri(plain, c->trunk != NULL && c->trunk->to != NULL ? c->trunk->to : host, uri)
               ? uri
               : "";
}

void call_refer(struct call *c, const char *target)
{
    char uri[ROUTE_TEXT_MAX];
    struct error err = {0};

    c->refer_status = 0;
    if (c->leg != NULL && leg_refer(c->leg, refer_uri(c, target, uri), &err) == 0)
        return;
    log_warn("sip", NULL, "%s: not transferred: %s", c->id, err.text);
    if (c->g->client != NULL)
        client_refer_status(c->g->client, c->number, err.code == ERR_INVALID ? 400 : 491, 0);
}

void call_refer_status(struct call *c, unsigned response, unsigned final)
{
    if (c->leg != NULL)
        leg_refer_answer(c->leg, response, final);
}

void call_answered(struct call *c)
{
    struct str sdp = STR_INIT(SDP_TEXT_MAX);

    if (c->answered || !c->came_in)
        return;
    if (c->progress != NULL)
        str_add(&sdp, c->progress); /* one INVITE has one answer */
    else if (!call_describe(c, &sdp) || (!c->we_offered && call_start_sound(c) != 0)) {
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

static void list_params(struct call_params *p, const struct stack_request *r)
{
    p->n = 0;
    call_add_param(p, "SipDomain", *r->uri_host != '\0' ? r->uri_host : NULL);
    call_add_param(p, "SipCallId", r->call_id);
    call_add_param(p, "SipSourceIp", r->source_ip);
    call_add_param(p, "SipUsername", r->user);
    for (size_t i = 0; r->headers[2 * i] != NULL; i++) {
        snprintf(p->names[i], sizeof p->names[i], "SipHeader_%.54s", r->headers[2 * i]);
        call_add_param(p, p->names[i], r->headers[2 * i + 1]);
    }
    p->list[p->n] = NULL;
}

static int offer_to_exchange(struct call *c, const struct stack_request *r, struct error *err)
{
    struct call_params params;
    char from[ROUTE_TEXT_MAX], to[ROUTE_TEXT_MAX];
    struct offer offer = {.from = from, .to = to, .codec = c->codec, .dtmf_events = c->events};
    uint32_t number;
    int rc;

    route_from(r, c->trunk, c->phone, from);
    route_to(r, c->trunk, to);
    list_params(&params, r);
    offer.params = params.list;
    if (*r->from_name != '\0')
        offer.caller_name = call_utf8(r->from_name);
    if (r->diverted_user != NULL)
        offer.forwarded_from = call_utf8(r->diverted_user);
    rc = client_offer(c->g->client, &offer, &number, err);
    if (rc != 0)
        return rc;
    call_put_on_bridge(c, number);
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
        status = call_take_description(c, r->body, r->body_len, all, false);
    if (status != 200)
        return status;
    if (c->choice >= 0) {
        c->codec = rtp_codec_bridge(c->remote.codecs[c->choice].codec);
        c->events = c->remote.dtmf >= 0 || c->remote.dtmf_wide >= 0;
    }
    if (rtp_new(&c->rtp, c->g->rtp, &call_rtp_handlers, c, &err) != 0 ||
        rtp_use_six(c->rtp, is_six(c->local_ip), &err) != 0) {
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
    leg_attach(leg, &call_leg_handlers, c);
    call_set_terms(c, strcmp(r->transport, "tls") == 0, r->source_ip);
    if (phone != NULL ? phone->nat : trunk->nat)
        leg_behind_nat(leg);
    status = prepare(c, r);
    if (status != 200)
        call_free(c, status, CAUSE_ERROR, status_reason(status));
}

/* --- a call from the exchange --- */

/* Calls `d` by way of `route`, or all places of a phone at once. */
int call_dial(struct call *c, const struct dial *d, const char *route, struct error *err)
{
    struct str sdp = STR_INIT(SDP_TEXT_MAX);
    struct leg_call call = {.uri = d->uri,
                            .route = route,
                            .behind_nat = d->phone != NULL   ? d->phone->nat
                                          : d->trunk != NULL ? d->trunk->nat
                                                             : false,
                            .from_uri = d->from,
                            .from_name = strcmp(d->from, DIAL_ANONYMOUS) == 0 ? "Anonymous" : NULL,
                            .headers = d->headers,
                            .user = d->user,
                            .password = d->password,
                            .session_expires =
                                (unsigned)(d->trunk != NULL ? d->trunk->session_expires
                                                            : c->g->config->sip.session_expires)};
    int rc;

    stack_local_ip(route, c->local_ip);
    call_set_terms(c, strstr(route, "transport=tls") != NULL, route);
    rc = rtp_use_six(c->rtp, is_six(c->local_ip), err);
    if (rc == 0 && !call_describe(c, &sdp))
        rc = error_set(err, ERR_IO, "no session description");
    if (rc == 0) {
        call.sdp = str_text(&sdp);
        rc = d->phone != NULL && d->n_more > 0
                 ? call_fork(c, d, &call, err)
                 : leg_dial(&c->leg, c->g->stack, &call, &call_leg_handlers, c, err);
    }
    str_free(&sdp);
    return rc;
}

static int place(struct call *c, const struct dial *d, struct error *err)
{
    int rc = rtp_new(&c->rtp, c->g->rtp, &call_rtp_handlers, c, err);

    if (rc != 0)
        return rc;
    return d->phone != NULL ? call_dial(c, d, d->route, err) : call_hunt(c, d, err);
}

void call_offered(struct gateway *g, uint32_t number, const struct offer *offer)
{
    struct dial d;
    struct error err = {0};
    int refused = dial_plan(g, offer, &d);
    struct call *c;

    if (refused < 0 && call_codecs(offer->codec) == 0)
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
    call_put_on_bridge(c, number);
    log_info("sip", NULL, "%s: calling for %s", c->id, offer->from);
    if (place(c, &d, &err) != 0)
        call_free(c, 500, CAUSE_ERROR, err.text);
}
