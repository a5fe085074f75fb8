/* Offers of a called party to gateways. The child has no channel of its own until a gateway's
 * answer decides which: until then there are attempts, several at once where an identity is
 * registered in several places, and group after group where a gateway fails. */
#include "base/mem.h"
#include "session/leg_private.h"
#include <string.h>

/* One offer to a gateway. */
struct attempt {
    struct link_node node; /* in session->attempts */
    struct session *child;
    struct channel *channel;
    struct route_step step;
    bool over;
};

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
void attempt_drop_all(struct session *s, enum cause cause)
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
    attempt_drop_all(s, CAUSE_CANCELED);
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

/* How a call that was never answered ended. */
static enum call_status status_of(enum cause cause)
{
    const char *name = cause_call_status(cause, 0);
    enum call_status status = CALL_COMPLETED;

    while (status < CALL_CANCELED && strcmp(call_status_name(status), name) != 0)
        status++;
    return status;
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
        attempt_next(s);
        return;
    }
    if (leg->cause == CAUSE_NORMAL)
        leg->cause = CAUSE_NO_ANSWER; /* the gateway gave up: we did not ask it to */
    session_finish(s, status_of(leg->cause), leg->cause, "callee");
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

/* Sound before the answer: when nobody else is asked, the channel is decided. */
static void attempt_early(void *arg)
{
    struct attempt *at = arg;
    struct session *s = at->child;

    if (s->leg == NULL || s->phase != SESSION_RUNNING || s->leg->attempts > 1)
        return;
    adopt(at);
    leg_early(s);
}

static void attempt_facts(void *arg, const char *const *params)
{
    struct attempt *at = arg;

    leg_facts(at->child, params);
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
    .early = attempt_early,
    .facts = attempt_facts,
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
    at->child = s;
    at->step = *step;
    rc = routes_take(s->rt->routes, s->config->config, s->account, &at->step, err);
    if (rc != 0) {
        mem_free(at);
        return rc;
    }
    offer.to = step->to;
    offer.from = step->from;
    rc = route_offer(s->rt->bridge, step, &offer, &at->channel, err);
    if (rc != 0) {
        routes_give(s->rt->routes, s->account, &at->step);
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

void attempt_next(struct session *s)
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
