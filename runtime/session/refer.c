/* Transfers over SIP (REFER): one that a verb asks of the far end, and those that the far end of a
 * dialled party asks of us. */
#include "base/log.h"
#include "session/leg_private.h"
#include "session/private.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { REFER_MS = 120 * 1000 }; /* longest time until it is known how a transfer ended */

/* --- asked of the far end --- */

static bool is_sip(const char *address)
{
    return strncasecmp(address, "sip:", 4) == 0 || strncasecmp(address, "sips:", 5) == 0;
}

/* Only a SIP gateway knows of a Call-ID. */
static bool is_sip_call(const struct session *s)
{
    for (const char *const *p = s->offered; p != NULL && *p != NULL; p += 2)
        if (strcmp(p[0], "SipCallId") == 0)
            return true;
    return is_sip(s->parent_sid == NULL ? s->from : s->to);
}

static void answer(struct request *r, unsigned response, unsigned notify)
{
    struct event ev = {.type = EVENT_REFER, .refer = {response, notify}};

    timer_stop(&r->timer);
    request_answer(r, &ev);
}

static void limit_reached(void *arg)
{
    struct request *r = arg;

    answer(r, r->refer_response, 0);
}

uint32_t session_refer(struct activation *a, const char *to)
{
    struct session *s = a->session;
    struct request *r;

    if (!is_sip_call(s)) {
        session_warn(a, 13801, "only a call that came or went over SIP can be referred to %s", to);
        return 0;
    }
    r = s->channel != NULL && !s->channel_over ? request_new(a, REQUEST_REFER) : NULL;
    if (r == NULL)
        return 0;
    if (channel_refer(s->channel, to) != 0) {
        session_warn(a, 13801, "the call is not answered: it cannot be referred to %s", to);
        request_free(r);
        return 0;
    }
    timer_init(&r->timer, s->rt->parts.loop, limit_reached, r);
    timer_start(&r->timer, REFER_MS);
    journal_add(s, "refer", "{s:i, s:s}", "request", (int)r->id, "to", to);
    return r->id;
}

void refer_status(struct session *s, unsigned response, unsigned notify)
{
    struct link_node *n;

    journal_add(s, "refer_status", "{s:i, s:i}", "response", (int)response, "notify", (int)notify);
    for (n = list_first(&s->requests); n != NULL; n = list_next(&s->requests, n)) {
        struct request *r = list_entry(n, struct request, node);

        if (r->kind != REQUEST_REFER)
            continue;
        r->refer_response = response;
        /* Taken, it goes on until its own end is known. */
        if (response >= 300 || notify >= 200)
            answer(r, response, notify);
        return;
    }
}

/* --- asked of us --- */

void refer_asked(struct session *s, const char *to, const char *const *params)
{
    struct request *r = s->leg != NULL ? s->leg->request : NULL;
    struct event ev = {.type = EVENT_LEG};

    journal_add(s, "referred", "{s:s}", "to", to);
    if (r == NULL || s->phase != SESSION_RUNNING) {
        session_say_problem(s, false, 13802, to,
                            "a transfer is asked for, but this call was not made by a <Dial> with "
                            "referUrl: declined");
        channel_refer_answer(s->channel, 603, 0);
        return;
    }
    ev.request = r->id;
    ev.leg = (struct leg_event){.stage = LEG_REFERRED,
                                .sid = s->sid,
                                .refer_to = to,
                                .refer_params = params,
                                .joined = s->leg->joined};
    session_deliver(s->leg->parent, r->owner, &ev);
}

void session_leg_refer(struct activation *a, uint32_t request, bool take)
{
    struct request *r = request != 0 ? request_find(a->session, request) : NULL;
    struct session *child =
        r != NULL && r->kind == REQUEST_LEG && r->leg != NULL ? r->leg->child : NULL;

    if (child == NULL || child->channel == NULL || child->channel_over)
        return;
    if (take) {
        /* What follows is the flow's business: to the far end the transfer has come off. */
        channel_refer_answer(child->channel, 202, 0);
        channel_refer_answer(child->channel, 202, 200);
    } else {
        channel_refer_answer(child->channel, 603, 0);
    }
}
