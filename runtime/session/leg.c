/* Calls that a call makes. A leg is the tie between the verb that dials (a request of its session)
 * and the child session. The child has no channel of its own until a gateway's answer decides
 * which: until then there are attempts, several at once where an identity is registered in several
 * places, and group after group where a gateway fails. */
#include "session/leg.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/wire.h"
#include "session/private.h"
#include "session/route.h"
#include "session/route_target.h"
#include <stdio.h>
#include <string.h>

/* What the verb has yet to be told, in this order. */
enum { TELL_RINGING = 1, TELL_EARLY = 2, TELL_ANSWERED = 4, TELL_READY = 8, TELL_ENDED = 16 };

struct leg {
    struct request *request; /* NULL: nobody is to be told any more */
    struct session *parent;  /* of the request */
    struct session *child;   /* NULL: it is over, or goes on by itself */
    struct task tell;
    unsigned reached, told;

    /* in the child's arena, of use while `child` is there */
    const char *url, *send_digits, *base;
    bool get;
    struct leg_detection detection;
    struct route_plan plan;
    size_t next; /* of plan.steps */
    struct offer offer;
    unsigned attempts; /* under way */
    enum cause cause;  /* the weightiest of those that failed */
    bool any_failed, rang;

    /* what LEG_ENDED tells */
    char sid[SID_SIZE];
    const char *status;
    int seconds;
    bool redirected, joined;
    const char *const *facts;
};

/* One offer to a gateway. */
struct attempt {
    struct link_node node; /* in session->attempts */
    struct session *child;
    struct channel *channel;
    struct route_step step;
    bool over;
};

/* --- telling the verb --- */

static void leg_free_if_done(struct leg *leg)
{
    if (leg->request != NULL || leg->child != NULL)
        return;
    task_cancel(&leg->tell);
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

    for (unsigned what = TELL_RINGING; what <= TELL_ENDED && leg->request != NULL; what <<= 1) {
        if ((leg->reached & ~leg->told & what) == 0)
            continue;
        leg->told |= what;
        tell_one(leg, what);
    }
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

/* --- attempts --- */

static void try_next(struct session *s);

/* The channel is the child's from now on. */
static void adopt(struct attempt *at)
{
    struct session *s = at->child;

    list_remove(&at->node);
    s->leg->attempts--;
    s->channel = at->channel;
    s->route = at->step;
    s->routed = true;
    session_take_channel(s, at->channel);
    mem_free(at);
}

/* The others are not needed. */
static void drop_attempts(struct session *s, enum cause cause)
{
    struct link_node *n;

    for (n = list_first(&s->attempts); n != NULL; n = list_next(&s->attempts, n)) {
        struct attempt *at = list_entry(n, struct attempt, node);

        if (!at->over) {
            at->over = true;
            channel_hangup(at->channel, cause);
        }
    }
    if (s->leg != NULL)
        s->leg->attempts = 0;
}

static void attempt_answered(void *arg)
{
    struct attempt *at = arg;
    struct session *s = at->child;

    adopt(at);
    drop_attempts(s, CAUSE_CANCELED);
    leg_answered(s);
}

static void attempt_ringing(void *arg)
{
    struct attempt *at = arg;

    leg_ringing(at->child);
}

/* Which of several reasons a caller is told. */
static int weight(enum cause c)
{
    switch (c) {
    case CAUSE_BUSY:
    case CAUSE_REJECTED:
        return 3;
    case CAUSE_NO_ANSWER:
    case CAUSE_NORMAL:
        return 2;
    default:
        return 1;
    }
}

void leg_failed(struct session *s, enum cause cause)
{
    struct leg *leg = s->leg;
    bool again = weight(cause) == 1 && cause != CAUSE_UNROUTABLE && !leg->rang;

    if (!leg->any_failed || weight(cause) > weight(leg->cause))
        leg->cause = cause;
    leg->any_failed = true;
    if (leg->attempts > 0)
        return; /* another of its group may still answer */
    if (again && leg->next < leg->plan.n) {
        try_next(s);
        return;
    }
    if (leg->cause == CAUSE_NORMAL)
        leg->cause = CAUSE_NO_ANSWER; /* the gateway gave up: we did not ask it to */
    session_finish(s, leg_status(leg->cause), leg->cause, "callee");
}

enum call_status leg_status(enum cause cause)
{
    const char *name = cause_call_status(cause, 0);
    enum call_status status = CALL_COMPLETED;

    while (status < CALL_CANCELED && strcmp(call_status_name(status), name) != 0)
        status++;
    return status;
}

static void attempt_ended(void *arg, enum cause cause)
{
    struct attempt *at = arg;
    struct session *s = at->child;

    at->over = true;
    if (s->leg == NULL || s->phase != SESSION_RUNNING)
        return;
    s->leg->attempts--;
    leg_failed(s, cause);
}

static void attempt_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)arg;
    (void)digit;
    (void)duration_ms;
}

static void attempt_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void attempt_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
}

static void attempt_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    (void)arg;
    (void)request;
    (void)result;
}

static void attempt_released(void *arg)
{
    struct attempt *at = arg;
    struct session *s = at->child;

    list_remove(&at->node);
    routes_give(s->rt->routes, s->account, &at->step);
    mem_free(at);
    session_settled(s);
}

static const struct channel_handlers attempt_events = {
    .answered = attempt_answered,
    .ringing = attempt_ringing,
    .digit = attempt_digit,
    .ended = attempt_ended,
    .started = attempt_started,
    .played = attempt_played,
    .tapped = attempt_tapped,
    .released = attempt_released,
};

/* Offers the call along one step. 0, or an error. */
static int attempt(struct session *s, const struct route_step *step, struct error *err)
{
    struct attempt *at = mem_alloc(sizeof *at);
    struct offer offer = s->leg->offer;
    int rc;

    if (at == NULL)
        return error_nomem(err);
    rc = routes_take(s->rt->routes, s->config->config, s->account, step, err);
    if (rc != 0) {
        mem_free(at);
        return rc;
    }
    at->child = s;
    at->step = *step;
    offer.to = step->to;
    offer.from = step->from;
    rc = route_offer(s->rt->bridge, step, &offer, &at->channel, err);
    if (rc != 0) {
        routes_give(s->rt->routes, s->account, step);
        mem_free(at);
        return rc;
    }
    channel_bind(at->channel, &attempt_events, at);
    list_append(&s->attempts, &at->node);
    s->leg->attempts++;
    journal_add(s, "offer", "{s:s, s:s?, s:s, s:s, s:s}", "gateway", step->gateway, "trunk",
                step->trunk, "to", step->to, "from", step->from, "codec", codec_name(offer.codec));
    return 0;
}

/* The next group of steps, from the loop or session_dial(). */
static void try_next(struct session *s)
{
    struct leg *leg = s->leg;
    struct error err = {0};

    while (leg->attempts == 0 && leg->next < leg->plan.n) {
        unsigned group = leg->plan.steps[leg->next].group;

        for (; leg->next < leg->plan.n && leg->plan.steps[leg->next].group == group; leg->next++)
            if (attempt(s, &leg->plan.steps[leg->next], &err) != 0)
                session_say_problem(s, false, err.twilio != 0 ? err.twilio : 13225, s->to,
                                    err.text);
    }
    if (leg->attempts == 0)
        session_finish(s, CALL_FAILED, CAUSE_CONGESTION, "routing");
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

static void whisper(struct session *s)
{
    struct leg *leg = s->leg;
    struct error err = {0};

    if (leg->url == NULL) {
        leg_ready(s);
        return;
    }
    if (activation_push_url(s, leg->url, leg->get, HTTP_DOCUMENT, &err) == 0) {
        s->top->use = USE_WHISPER;
        return;
    }
    session_say_problem(s, true, err.twilio != 0 ? err.twilio : 11100, leg->url, err.text);
    session_finish(s, CALL_COMPLETED, CAUSE_ERROR, "flow");
}

void leg_answered(struct session *s)
{
    struct leg *leg = s->leg;

    if (leg == NULL || s->phase != SESSION_RUNNING || s->answered != 0)
        return;
    session_now_answered(s);
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

bool leg_is_ready(const struct session *s)
{
    return (s->leg->reached & TELL_READY) != 0;
}

void leg_over(struct session *s, enum cause cause)
{
    struct leg *leg = s->leg;

    drop_attempts(s, cause);
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
    char *absolute = url != NULL ? document_url(base, url) : NULL;
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
    leg->offer = (struct offer){
        .caller_name = s->caller_name,
        .codec = codec,
        .dtmf_events = true,
        .params = with_hops(s),
        .user = p->user,
        .password = p->password,
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
    try_next(leg->child);
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

void session_leg_forget(struct activation *a, uint32_t request)
{
    struct leg *leg = leg_of(a, request);
    struct request *r = leg != NULL ? leg->request : NULL;

    if (r == NULL)
        return;
    leg->request = NULL;
    request_free(r);
    if (leg->child != NULL)
        leg_redirected(leg->child);
    else
        leg_free_if_done(leg);
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

void session_part(struct activation *a)
{
    session_unjoin(a->session);
}
