/* What the exchange and the log are told of a call besides its states. */
#include "base/log.h"
#include "gateways/sip/call_private.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { MINUTE_US = 60000000 }; /* the most that the bridge takes */

/* The bridge speaks UTF-8; SIP headers hold what somebody once configured. */
const char *call_utf8(const char *text)
{
    json_t *j = json_string(text);
    bool good = j != NULL;

    json_decref(j);
    return good ? text : "?";
}

/* A name or value that the bridge does not take would cost the whole message, or the link. */
void call_add_param(struct call_params *p, const char *name, const char *value)
{
    if (value == NULL || p->n + 2 > 2 * PARAMS_MAX || !wire_param_allowed(name) ||
        strlen(value) > WIRE_PARAM_BYTES)
        return;
    p->list[p->n++] = name;
    p->list[p->n++] = call_utf8(value);
}

/* Of a call that we placed: its Call-ID, how it was answered, headers of the answer. */
const char *const *call_facts(const struct call *c, unsigned status, struct call_params *p)
{
    const char *const *headers = c->leg != NULL ? leg_headers(c->leg) : NULL;
    const char *id = c->leg != NULL ? leg_call_id(c->leg) : "";

    p->n = 0;
    p->list[0] = NULL;
    if (c->came_in)
        return p->list;
    call_add_param(p, "SipCallId", *id != '\0' ? id : NULL);
    snprintf(p->status, sizeof p->status, "%u", status);
    call_add_param(p, "SipResponseCode", status != 0 ? p->status : NULL);
    for (size_t i = 0; headers != NULL && headers[2 * i] != NULL && i < STACK_HEADERS_MAX; i++) {
        snprintf(p->names[i], sizeof p->names[i], "SipHeader_%.54s", headers[2 * i]);
        call_add_param(p, p->names[i], headers[2 * i + 1]);
    }
    p->list[p->n] = NULL;
    return p->list;
}

void call_log_figures(const struct call *c, const char *why)
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
             c->id, why, (unsigned long long)s.received, s.loss * 100, s.jitter_ms,
             s.received > 0 ? s.mos : 0, (unsigned long long)s.sent);
}

/* The far end may report anything. */
static uint32_t whole(double v, uint32_t most)
{
    return v >= most ? most : v > 0 ? (uint32_t)(v + 0.5) : 0;
}

/* How it sounds, for the journal. */
void call_tell_quality(const struct call *c)
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
    q.jitter_us = whole(s.jitter_ms * 1000, MINUTE_US);
    q.round_trip_us = whole(s.round_trip_ms * 1000, MINUTE_US);
    q.mos = s.received > 0 ? whole(s.mos * 100, 500) : 0;
    if (s.remote) {
        q.remote_loss = whole(s.remote_loss * 10000, 10000);
        q.remote_jitter_us = whole(s.remote_jitter_ms * 1000, MINUTE_US);
    }
    client_quality(c->g->client, c->number, &q);
}
