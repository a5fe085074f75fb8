/* Messages that flows send: judged as calls are (route.h), given to a gateway, as often as it
 * takes, and what becomes of them. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/url.h"
#include "session/message.h"
#include "session/segments.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CODE_UNKNOWN = 30008,  /* the carrier says no more */
    CODE_EXPIRED = 30036,  /* its validity is over */
    CODE_SENDER = 14102,   /* Message: invalid From */
    CODE_RECEIVER = 14101, /* … To */
    CODE_SAME = 21266,     /* To and From are one */
    CODE_BLOCKED = 21610,  /* its receiver wants none */
};

/* --- its state --- */

static void tell_callback(struct session *s)
{
    const struct status_target *t = &s->message->told;

    if (t->url != NULL)
        callback_send(s, message_status_name(s->message->status), t->url, t->get, t->trust,
                      params_standard(s));
}

static bool is_final(enum message_status status)
{
    return status >= MESSAGE_DELIVERED;
}

/* One function changes it: it writes old → new, there and in the store, and sends the callback. */
static void set_status(struct session *s, enum message_status status)
{
    struct message *m = s->message;
    enum message_status old = m->status;

    if (status <= old || is_final(old))
        return;
    m->status = status;
    journal_add(s, "state", "{s:s, s:s}", "old", message_status_name(old), "new",
                message_status_name(status));
    if (status != MESSAGE_SENDING) {
        message_keep_state(s, true);
        tell_callback(s);
    }
    if (is_final(status))
        message_finish(s);
}

static void fail(struct session *s, enum message_status status, int code, const char *text)
{
    if (is_final(s->message->status))
        return;
    s->message->error = code;
    session_say_problem(s, false, code, NULL, text);
    set_status(s, status);
}

/* --- its gateway --- */

static int64_t age_ms(const struct session *s)
{
    return (loop_now(s->rt->parts.loop) - s->began) / 1000;
}

/* Its gateway has spoken meanwhile: what the store was asked, so that it could be given it again,
 * is of no use any more. */
static void forget_op(struct message *m)
{
    if (m->op != NULL)
        messages_forget(m->op);
    m->op = NULL;
}

/* Every gateway was asked, or did not answer: all of them again, after a while. */
static void wait_for_gateway(struct session *s)
{
    struct message *m = s->message;

    if (age_ms(s) >= MESSAGE_VALID_MS) {
        fail(s, MESSAGE_FAILED, CODE_EXPIRED, "no gateway took it within four hours");
        return;
    }
    if (!m->given)
        m->step = 0;
    m->retry_ms = m->retry_ms == 0 ? MESSAGE_RETRY_MS : 2 * m->retry_ms;
    if (m->retry_ms > MESSAGE_RETRY_MAX_MS)
        m->retry_ms = MESSAGE_RETRY_MAX_MS;
    timer_start(&m->timer, m->retry_ms);
}

static const char *const *media_params(struct session *s)
{
    const struct message *m = s->message;
    const char **params;

    if (m->n_media == 0)
        return NULL;
    params = arena_alloc(&s->arena, (2 * (size_t)m->n_media + 1) * sizeof *params);
    for (int i = 0; params != NULL && i < m->n_media; i++) {
        char name[24];

        snprintf(name, sizeof name, "MediaUrl%d", i);
        params[2 * i] = arena_strdup(&s->arena, name);
        params[2 * i + 1] = m->media[i];
        if (params[2 * i] == NULL)
            return NULL;
    }
    if (params != NULL)
        params[2 * m->n_media] = NULL;
    return params;
}

/* The same once more is the same message: its id is its SID. */
static void give(struct session *s)
{
    struct message *m = s->message;
    const struct route_step *step = &m->plan.steps[m->step];
    struct error err = {0};
    int rc;

    if (s->offered == NULL)
        s->offered = media_params(s);
    rc = bridge_text(s->rt->bridge,
                     &(struct bridge_text){.gateway = step->gateway,
                                           .id = s->sid,
                                           .from = step->from,
                                           .to = step->to,
                                           .body = m->body,
                                           .params = s->offered},
                     &err);
    if (rc == ERR_MISSING) {
        wait_for_gateway(s);
    } else if (rc != 0) {
        fail(s, MESSAGE_FAILED, CODE_UNKNOWN, err.text);
    } else {
        journal_add(s, "offer", "{s:s, s:s, s:s}", "gateway", step->gateway, "to", step->to, "from",
                    step->from);
        m->given = m->asked = true;
        set_status(s, MESSAGE_SENDING);
        timer_start(&m->timer, MESSAGE_ANSWER_MS);
    }
}

static const char blocked_text[] = "its receiver has sent STOP: nothing goes there until START";

static void kept_as_sending(void *arg, const struct messages_answer *a)
{
    struct session *s = arg;

    s->message->op = NULL;
    if (a->err != NULL) {
        log_error("message", s->sid, "it waits, since that it is sent cannot be kept: %s",
                  a->err->text);
        wait_for_gateway(s);
    } else if (a->blocked) {
        fail(s, MESSAGE_FAILED, CODE_BLOCKED, blocked_text);
    } else {
        give(s);
    }
}

/* False: its turn has not come yet, and the timer waits for it. */
static bool has_turn(struct session *s)
{
    struct message *m = s->message;
    int64_t wait_ms = m->paced ? 0 : routes_message_turn(s->rt->routes, s->account);

    m->paced = true;
    if (wait_ms > 0)
        timer_start(&m->timer, wait_ms);
    return wait_ms == 0;
}

/* What one gateway was given goes to no other, unless that says no: it may be on its way. */
static void try_next(struct session *s)
{
    struct message *m = s->message;
    struct error err = {0};

    if (!has_turn(s))
        return;
    for (; m->step < m->plan.n; m->step++) {
        m->gateway = m->plan.steps[m->step].gateway;
        if (bridge_takes_text(s->rt->bridge, m->gateway)) {
            if (message_keep_sending(s, kept_as_sending, &err) == 0)
                return;
            break;
        }
        if (m->given)
            break;
    }
    wait_for_gateway(s);
}

static void on_timer(void *arg)
{
    struct session *s = arg;
    struct message *m = s->message;

    if (m->reported && m->status == MESSAGE_SENT) {
        message_finish(s); /* no report will come any more */
    } else if (m->reported) {
        set_status(s, MESSAGE_SENT);
        fail(s, MESSAGE_UNDELIVERED, CODE_UNKNOWN, "its gateway has it, and never said more");
    } else if (m->asked) {
        m->asked = false; /* it did not answer */
        wait_for_gateway(s);
    } else {
        try_next(s);
    }
}

/* Only its gateway's own word counts from now on. */
static void await_report(struct session *s)
{
    struct message *m = s->message;
    int64_t left = MESSAGE_REPORT_MS - age_ms(s);

    if (s->phase != SESSION_RUNNING)
        return;
    forget_op(m);
    if (!m->reported)
        s->rt->reports_awaited++;
    m->reported = true;
    timer_start(&m->timer, left > 1 ? left : 1);
}

static void was_accepted(struct session *s)
{
    if (s->message->accepted)
        return;
    s->message->accepted = true;
    message_keep_state(s, true);
    await_report(s);
}

/* It will not be sent by that one: by the next, by the same one later, or not at all. */
static void was_refused(struct session *s, const char *code, int number, const char *text)
{
    static const char *const others[] = {"unroutable", "not-supported", "not-authorised"};
    struct message *m = s->message;
    bool again = code != NULL && strcmp(code, "congestion") == 0, next = false;

    for (size_t i = 0; code != NULL && i < sizeof others / sizeof *others; i++)
        next |= strcmp(code, others[i]) == 0;
    next = next && m->step + 1 < m->plan.n;
    if (m->status != MESSAGE_SENDING || m->accepted || (!again && !next)) {
        fail(s, m->status == MESSAGE_SENT ? MESSAGE_UNDELIVERED : MESSAGE_FAILED, number, text);
        return;
    }
    forget_op(m);
    m->asked = false;
    m->given = false;
    timer_stop(&m->timer);
    if (next) {
        m->step++;
        try_next(s);
    } else {
        wait_for_gateway(s);
    }
}

/* A gateway's code is Twilio's where it is a number of five digits. */
static int code_of(const char *code)
{
    char *end;
    long n = code != NULL ? strtol(code, &end, 10) : 0;

    return n >= 10000 && n <= 99999 && *end == '\0' ? (int)n : CODE_UNKNOWN;
}

void message_told(struct runtime *rt, const struct bridge_text_status *t)
{
    struct session *s = map_get(&rt->by_sid, t->id);
    char text[300];

    if (s == NULL || s->message == NULL || !s->message->out || s->phase != SESSION_RUNNING ||
        s->message->gateway == NULL || strcmp(s->message->gateway, t->gateway) != 0)
        return; /* of something long over, or another's */
    journal_add(s, "message_status", "{s:s, s:s?, s:s?}", "status", t->status, "code", t->code,
                "text", t->text);
    snprintf(text, sizeof text, "gateway '%s': %s%s%.200s", t->gateway,
             t->code != NULL ? t->code : t->status, t->text != NULL ? ": " : "",
             t->text != NULL ? t->text : "");
    if (strcmp(t->status, "accepted") == 0) {
        was_accepted(s);
    } else if (strcmp(t->status, "sent") == 0) {
        set_status(s, MESSAGE_SENT);
        await_report(s);
    } else if (strcmp(t->status, "delivered") == 0) {
        set_status(s, MESSAGE_SENT);
        set_status(s, MESSAGE_DELIVERED);
    } else if (strcmp(t->status, "undelivered") == 0) {
        set_status(s, MESSAGE_SENT);
        fail(s, MESSAGE_UNDELIVERED, code_of(t->code), text);
    } else if (strcmp(t->status, "failed") == 0) {
        was_refused(s, t->code, code_of(t->code), text);
    } else {
        log_warn("message", s->sid, "gateway '%s' says '%s', which is no status", t->gateway,
                 t->status);
    }
}

/* --- beginning --- */

int message_plan(struct session *s, const char *own, struct error *err)
{
    struct route_request rq = {
        .from = s->from, .to = s->to, .call_from = own, .account = s->account};
    int rc = routes_plan(s->rt->routes, s->config->config, s->rt->bridge, &rq, &s->arena,
                         &s->message->plan, err);

    if (rc != 0)
        err->twilio = err->twilio == 13214 || err->twilio == 13248 ? CODE_SENDER : CODE_RECEIVER;
    else if (strcmp(s->message->plan.steps[0].from, s->message->plan.steps[0].to) == 0)
        rc = error_set_twilio(err, ERR_REFUSED, CODE_SAME, "From and To are the same number, %s",
                              s->to);
    return rc;
}

/* Not sent: that stands in the store, too. */
static void keep_blocked(struct session *s)
{
    struct message *m = s->message;
    struct error err = {0};

    m->error = CODE_BLOCKED;
    m->status = MESSAGE_FAILED;
    if (message_keep(s, NULL, &err) != 0)
        log_error("message", s->sid, "that it is not sent cannot be kept: %s", err.text);
    m->op = NULL;
    m->status = MESSAGE_QUEUED;
    fail(s, MESSAGE_FAILED, CODE_BLOCKED, blocked_text);
}

void message_kept(void *arg, const struct messages_answer *a)
{
    struct session *s = arg;

    s->message->op = NULL;
    if (a->err != NULL) {
        fail(s, MESSAGE_FAILED, CODE_UNKNOWN, a->err->text);
    } else if (a->known) {
        log_info("message", s->sid, "it was sent before the restart, as %s", a->rows[0].sid);
        journal_add(s, "known", "{s:s}", "sid", a->rows[0].sid);
        message_finish(s);
    } else if (a->blocked) {
        keep_blocked(s);
    } else {
        try_next(s);
    }
}

void message_goes_out(struct session *s, const char *direction)
{
    s->direction = direction;
    s->message->out = true;
    s->message->status = MESSAGE_QUEUED;
    timer_init(&s->message->timer, s->rt->parts.loop, on_timer, s);
}

/* --- after a restart --- */

/* Its gateway is the first to be asked: it may have it. */
static void prefer_gateway(struct message *m, const char *gateway)
{
    for (size_t i = 0; i < m->plan.n; i++)
        if (strcmp(m->plan.steps[i].gateway, gateway) == 0) {
            m->step = i;
            m->given = true;
            return;
        }
}

void message_resume(struct session *s)
{
    struct message *m = s->message;
    const char *gateway = m->gateway;
    struct error err = {0};

    if (is_final(m->status)) {
        tell_callback(s); /* it may not have been told */
        message_finish(s);
    } else if (m->status == MESSAGE_SENT || m->accepted) {
        await_report(s);
    } else if (message_plan(s, s->from, &err) != 0) {
        fail(s, MESSAGE_FAILED, err.twilio != 0 ? err.twilio : CODE_UNKNOWN, err.text);
    } else {
        if (m->status == MESSAGE_SENDING && gateway != NULL)
            prefer_gateway(m, gateway);
        try_next(s);
    }
}
