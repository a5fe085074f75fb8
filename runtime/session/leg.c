/* Calls that a call makes. A leg is the tie between the verb that dials (a request of its session)
 * and the child session, whose channel comes from attempt.c. */
#include "session/leg.h"
#include "base/mem.h"
#include "base/url.h"
#include "bridge/wire.h"
#include "session/leg_private.h"
#include "session/route_target.h"
#include <stdio.h>
#include <string.h>

/* --- telling the verb --- */

static void leg_free_if_done(struct leg *leg)
{
    if (leg->request != NULL || leg->child != NULL || leg->telling)
        return;
    task_cancel(&leg->tell);
    webhook_params_free(leg->facts);
    mem_free(leg);
}

static void journal_stage(struct leg *leg, unsigned what)
{
    static const char *const names[] = {"ringing", "early", "answered", "ready", "ended"};
    int i = 0;

    while (what >> (i + 1) != 0)
        i++;
    if (what == TELL_ENDED)
        journal_add(leg->parent, "leg", "{s:i, s:s, s:s, s:s, s:i, s:b}", "request",
                    (int)leg->request->id, "stage", names[i], "sid", leg->sid, "status",
                    leg->status, "seconds", leg->seconds, "redirected", leg->redirected);
    else
        journal_add(leg->parent, "leg", "{s:i, s:s, s:s}", "request", (int)leg->request->id,
                    "stage", names[i], "sid", leg->sid);
}

static void tell_one(struct leg *leg, unsigned what)
{
    struct request *r = leg->request;
    struct event ev = {.type = EVENT_LEG, .request = r->id};

    ev.leg = (struct leg_event){
        .stage = what == TELL_ENDED      ? LEG_ENDED
                 : what == TELL_READY    ? LEG_READY
                 : what == TELL_ANSWERED ? LEG_ANSWERED
                                         : LEG_RINGING,
        .early = what == TELL_EARLY,
        .sid = leg->sid,
        .status = leg->status,
        .seconds = leg->seconds,
        .redirected = leg->redirected,
        .joined = leg->joined,
        .facts = leg->facts,
    };
    journal_stage(leg, what);
    if (what != TELL_ENDED) {
        session_deliver(leg->parent, r->owner, &ev);
        return;
    }
    leg->request = NULL;
    request_answer(r, &ev);
}

/* From the loop: no verb is told from within another's function. */
static void tell(void *arg)
{
    struct leg *leg = arg;

    leg->telling = true; /* a verb may end its request when it is told */
    for (unsigned what = TELL_RINGING; what <= TELL_ENDED && leg->request != NULL; what <<= 1) {
        if ((leg->reached & ~leg->told & what) == 0)
            continue;
        leg->told |= what;
        tell_one(leg, what);
    }
    leg->telling = false;
    leg_free_if_done(leg);
}

static void reach(struct leg *leg, unsigned what)
{
    if ((leg->reached & what) != 0)
        return;
    leg->reached |= what;
    task_post(&leg->tell);
}

/* The child is over, or goes on by itself. The leg may be gone afterwards. */
static void let_go(struct leg *leg)
{
    struct session *child = leg->child;

    leg->child = NULL;
    child->leg = NULL;
    if (leg->request == NULL)
        leg_free_if_done(leg);
    else
        reach(leg, TELL_ENDED);
}

/* --- stages of the child --- */

void leg_ringing(struct session *s)
{
    struct leg *leg = s->leg;

    if (leg == NULL || s->phase != SESSION_RUNNING || leg->rang)
        return;
    leg->rang = true;
    session_set_status(s, CALL_RINGING);
    reach(leg, TELL_RINGING);
}

void leg_early(struct session *s)
{
    if (s->leg != NULL && s->phase == SESSION_RUNNING)
        reach(s->leg, TELL_EARLY);
}

/* Later facts take the place of earlier ones of the same name. */
void leg_facts(struct session *s, const char *const *params)
{
    struct leg *leg = s->leg;

    if (leg == NULL)
        return;
    if (leg->facts == NULL)
        leg->facts = webhook_params_new();
    for (; leg->facts != NULL && *params != NULL; params += 2)
        webhook_params_set(leg->facts, params[0], params[1]);
}

static void whisper(struct session *s)
{
    struct leg *leg = s->leg;
    struct error err = {0};

    if (leg->url == NULL) {
        leg_ready(s);
        return;
    }
    if (activation_push_url(s, leg->url, leg->get, HTTP_DOCUMENT, USE_WHISPER, &err) == 0)
        return;
    session_say_problem(s, true, err.twilio != 0 ? err.twilio : 11100, leg->url, err.text);
    session_finish(s, CALL_COMPLETED, CAUSE_ERROR, "flow");
}

void leg_answered(struct session *s)
{
    struct leg *leg = s->leg;

    if (leg == NULL || s->phase != SESSION_RUNNING || s->answered != 0)
        return;
    session_now_answered(s);
    if (leg->send_digits != NULL || leg->url != NULL)
        session_unjoin(s); /* who was heard while it rang is alone again until he is ready */
    reach(leg, TELL_ANSWERED);
    if (leg->send_digits == NULL) /* with them it is known who answers */
        amd_start(s, &leg->detection, "");
    if (leg->send_digits != NULL &&
        channel_send_digits(s->channel, leg->send_digits, LEG_DIGITS_REQUEST) == 0)
        journal_add(s, "digits", "{s:i, s:s}", "request", 0, "digits", leg->send_digits);
    else
        whisper(s);
}

void leg_digits_sent(struct session *s)
{
    if (s->leg != NULL && s->phase == SESSION_RUNNING)
        whisper(s);
}

void leg_ready(struct session *s)
{
    reach(s->leg, TELL_READY);
}

void leg_over(struct session *s, enum cause cause)
{
    struct leg *leg = s->leg;

    attempt_drop_all(s, cause);
    if (leg == NULL)
        return;
    leg->status = call_status_name(s->status);
    leg->seconds = s->seconds;
    let_go(leg);
}

void leg_redirected(struct session *s)
{
    struct leg *leg = s->leg;

    if (leg == NULL)
        return;
    session_unjoin(s);
    leg->status = "completed";
    leg->redirected = true;
    let_go(leg);
}

/* --- the beginning --- */

/* Absolute, in the arena; NULL when there is none or memory is out. */
static const char *url_in(struct arena *arena, const char *base, const char *url)
{
    char *absolute = url != NULL ? url_resolve(base, url) : NULL;
    const char *copy = absolute != NULL ? arena_strdup(arena, absolute) : NULL;

    mem_free(absolute);
    return copy;
}

static int copy_party(struct session *s, struct leg *leg, const struct leg_party *p)
{
    struct arena *a = &s->arena;
    const char *base = leg->base;

    leg->detection = p->detection;
    leg->get = p->method == FLOW_GET;
    leg->url = url_in(a, base, p->url);
    leg->send_digits = p->send_digits != NULL ? arena_strdup(a, p->send_digits) : NULL;
    leg->detection.callback = url_in(a, base, p->detection.callback);
    s->told.url = url_in(a, base, p->callback);
    s->told.get = p->callback_method == FLOW_GET;
    s->told.events = p->callback_events;
    s->told.trust = HTTP_DOCUMENT;
    if ((p->url != NULL && leg->url == NULL) ||
        (p->send_digits != NULL && leg->send_digits == NULL) ||
        (p->callback != NULL && s->told.url == NULL) ||
        (p->detection.callback != NULL && leg->detection.callback == NULL))
        return ERR_NOMEM;
    return 0;
}

/* The child's parameters, and how often the call was passed on by now. A client is a device: it
 * passes nothing on. */
static const char *const *with_hops(struct session *s)
{
    size_t n = 0;
    const char **all;
    char hops[16];

    while (s->offered != NULL && s->offered[n] != NULL)
        n++;
    if (strncmp(s->to, "client:", 7) == 0 || n == 2 * (size_t)WIRE_PARAMS_MAX)
        return s->offered;
    all = arena_alloc(&s->arena, (n + 3) * sizeof *all);
    snprintf(hops, sizeof hops, "%u", s->hops);
    if (all == NULL || (all[n + 1] = arena_strdup(&s->arena, hops)) == NULL)
        return NULL;
    if (n > 0)
        memcpy(all, s->offered, n * sizeof *all);
    all[n] = ROUTE_HOPS;
    return all;
}

static int fill_offer(struct session *s, struct leg *leg, const struct leg_party *p,
                      enum codec codec)
{
    const char *user = p->user != NULL ? arena_strdup(&s->arena, p->user) : NULL;
    const char *password = p->password != NULL ? arena_strdup(&s->arena, p->password) : NULL;

    if ((p->user != NULL && user == NULL) || (p->password != NULL && password == NULL))
        return ERR_NOMEM;
    leg->offer = (struct offer){
        .caller_name = s->caller_name,
        .codec = codec,
        .dtmf_events = true,
        .params = with_hops(s),
        .user = user,
        .password = password,
    };
    return leg->offer.params != NULL || strncmp(s->to, "client:", 7) == 0 ? 0 : ERR_NOMEM;
}

/* The child, with its leg, not yet calling anybody. NULL: *err says why. */
static struct session *make_child(struct activation *a, struct leg *leg, const struct leg_party *p,
                                  const char *to, struct error *err)
{
    struct session *parent = a->session, *s;
    struct offer o = {.from = p->from != NULL ? p->from : parent->from,
                      .to = to,
                      .codec = session_codec(a),
                      .params = p->params};

    if (parent->rt->count >= (unsigned)parent->config->config->limits.calls) {
        error_set(err, ERR_LIMIT, "limits.calls (%d) is reached",
                  parent->config->config->limits.calls);
        return NULL;
    }
    s = session_new_child(parent, &o);
    if (s == NULL) {
        error_nomem(err);
        return NULL;
    }
    leg->child = s;
    leg->base = a->document->url;
    s->leg = leg;
    memcpy(leg->sid, s->sid, sizeof leg->sid);
    s->hops = parent->hops + 1;
    if (copy_party(s, leg, p) != 0 || fill_offer(s, leg, p, o.codec) != 0) {
        error_nomem(err);
        session_drop_child(s);
        return NULL;
    }
    return s;
}

/* Where the call goes; who is shown may be another than was asked for. */
static int plan(struct session *s, const struct leg_party *p, struct error *err)
{
    const struct session *parent = s->leg->parent;
    struct route_request rq = {.from = p->from,
                               .to = s->to,
                               .call_from = parent->from,
                               .call_to = parent->to,
                               .account = parent->account,
                               .trunk = p->trunk,
                               .from_sip = strncmp(parent->from, "sip:", 4) == 0};
    int rc = routes_plan(s->rt->routes, s->config->config, s->rt->bridge, &rq, &s->arena,
                         &s->leg->plan, err);

    if (rc == 0)
        s->from = s->leg->plan.steps[0].from;
    return rc;
}

/* 0, or *err says why nobody is called. */
static int dial(struct activation *a, struct leg *leg, const struct leg_party *p, struct error *err)
{
    struct session *s;
    struct target target;
    int rc = target_read(&target, p->to, err);

    if (rc == 0 && a->session->hops >= ROUTE_HOPS_MAX)
        rc = error_set(err, ERR_LIMIT,
                       "the call was passed on %u times already, and goes in circles, it seems; it "
                       "is not passed on again",
                       a->session->hops);
    if (rc != 0)
        return rc;
    s = make_child(a, leg, p, target.name, err);
    if (s == NULL)
        return err->code;
    rc = plan(s, p, err);
    if (rc != 0)
        session_drop_child(s);
    return rc;
}

uint32_t session_dial(struct activation *a, const struct leg_party *p)
{
    struct request *r = request_new(a, REQUEST_LEG);
    struct leg *leg = r != NULL ? mem_alloc(sizeof *leg) : NULL;
    struct error err = {0};
    uint32_t id;

    if (leg == NULL) {
        if (r != NULL)
            request_free(r);
        return 0;
    }
    task_init(&leg->tell, a->session->rt->parts.loop, tell, leg);
    leg->parent = a->session;
    if (dial(a, leg, p, &err) != 0) {
        session_warn(a, err.twilio != 0 ? err.twilio : 13225, "%s: %s", p->to, err.text);
        mem_free(leg);
        request_free(r);
        return 0;
    }
    leg->request = r;
    r->leg = leg;
    id = r->id;
    journal_add(leg->parent, "dial", "{s:i, s:s, s:s, s:s}", "request", (int)id, "sid", leg->sid,
                "to", leg->child->to, "from", leg->child->from);
    session_start_child(leg->child, &leg->offer);
    attempt_next(leg->child);
    return id;
}

/* --- what the verb does with it --- */

static struct leg *leg_of(struct activation *a, uint32_t request)
{
    struct request *r = request != 0 ? request_find(a->session, request) : NULL;

    return r != NULL && r->kind == REQUEST_LEG && r->owner == a ? r->leg : NULL;
}

static void end_child(struct session *s, bool time_up)
{
    if (s->answered != 0)
        session_finish(s, CALL_COMPLETED, CAUSE_NORMAL, "dial");
    else
        session_finish(s, time_up ? CALL_NO_ANSWER : CALL_CANCELED, CAUSE_CANCELED, "dial");
}

void session_leg_hangup(struct activation *a, uint32_t request, bool time_up)
{
    struct leg *leg = leg_of(a, request);

    if (leg != NULL && leg->child != NULL)
        end_child(leg->child, time_up);
}

void leg_cancel(struct leg *leg)
{
    leg->request = NULL;
    if (leg->child != NULL)
        end_child(leg->child, false);
    else
        leg_free_if_done(leg);
}

void session_record_told_by(struct activation *a, uint32_t request, uint32_t leg_request)
{
    struct request *r = request != 0 ? request_find(a->session, request) : NULL;
    struct leg *leg = leg_of(a, leg_request);

    if (r != NULL && r->kind == REQUEST_RECORD && leg != NULL && leg->child != NULL)
        record_tells(r->recording, leg->child);
}

/* --- joining --- */

bool session_join(struct activation *a, uint32_t request)
{
    struct leg *leg = leg_of(a, request);
    struct session *s = a->session, *child = leg != NULL ? leg->child : NULL;

    if (child == NULL || child->channel == NULL || child->channel_over || s->channel == NULL ||
        s->channel_over)
        return false; /* the end of one of them is on its way */
    if (!session_join_channels(s, child))
        return false;
    a->joins = true;
    leg->joined = leg->joined || child->answered != 0;
    return true;
}

void session_go_facts(struct activation *a, const struct leg_event *leg)
{
    size_t n = leg->facts != NULL ? webhook_params_count(leg->facts) : 0;
    char whole[100];

    for (size_t i = 0; i < n; i++) {
        const char *value, *name = webhook_params_at(leg->facts, i, &value);

        snprintf(whole, sizeof whole, "Dial%s", name);
        session_go_param(a, whole, value);
    }
}
