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
    CODE_BODY = 14103,
    CODE_REPLIES = 14109,
    CODE_SAME = 21266, /* To and From are one */
};

static void try_next(struct session *s);

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

/* One function changes it: it writes old → new and sends the callback. */
static void set_status(struct session *s, enum message_status status)
{
    struct message *m = s->message;
    enum message_status old = m->status;

    if (status <= old || is_final(old))
        return;
    m->status = status;
    journal_add(s, "state", "{s:s, s:s}", "old", message_status_name(old), "new",
                message_status_name(status));
    if (status != MESSAGE_SENDING)
        tell_callback(s);
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

/* Every gateway was asked, or did not answer: all of them again, after a while. */
static void wait_for_gateway(struct session *s)
{
    struct message *m = s->message;

    if (age_ms(s) >= MESSAGE_VALID_MS) {
        fail(s, MESSAGE_FAILED, CODE_EXPIRED, "no gateway took it within four hours");
        return;
    }
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
static void try_next(struct session *s)
{
    struct message *m = s->message;
    struct error err = {0};
    int rc;

    for (; m->step < m->plan.n; m->step++) {
        const struct route_step *step = &m->plan.steps[m->step];

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
        if (rc == 0) {
            journal_add(s, "offer", "{s:s, s:s, s:s}", "gateway", step->gateway, "to", step->to,
                        "from", step->from);
            /* What one gateway was given goes to no other: it may be on its way. */
            m->plan.steps[0] = *step;
            m->plan.n = 1;
            m->step = 0;
            m->asked = true;
            set_status(s, MESSAGE_SENDING);
            timer_start(&m->timer, MESSAGE_ANSWER_MS);
            return;
        }
        if (rc != ERR_MISSING) {
            fail(s, MESSAGE_FAILED, CODE_UNKNOWN, err.text);
            return;
        }
    }
    wait_for_gateway(s);
}

static void on_timer(void *arg)
{
    struct session *s = arg;
    struct message *m = s->message;

    if (m->reported) {
        message_finish(s); /* no report will come any more */
    } else if (m->asked) {
        m->asked = false; /* it did not answer */
        wait_for_gateway(s);
    } else {
        try_next(s);
    }
}

static void was_sent(struct session *s)
{
    struct message *m = s->message;

    set_status(s, MESSAGE_SENT);
    if (m->reported || m->status != MESSAGE_SENT)
        return;
    m->reported = true;
    s->rt->reports_awaited++;
    timer_start(&m->timer, MESSAGE_REPORT_MS);
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

    if (s == NULL || s->message == NULL || !s->message->out || s->phase != SESSION_RUNNING)
        return; /* of something long over */
    journal_add(s, "message_status", "{s:s, s:s?, s:s?}", "status", t->status, "code", t->code,
                "text", t->text);
    snprintf(text, sizeof text, "gateway '%s': %s%s%.200s", t->gateway,
             t->code != NULL ? t->code : t->status, t->text != NULL ? ": " : "",
             t->text != NULL ? t->text : "");
    if (strcmp(t->status, "accepted") == 0) {
        /* It has it: from now on only its own word counts. */
        timer_start(&s->message->timer, MESSAGE_REPORT_MS);
    } else if (strcmp(t->status, "sent") == 0) {
        was_sent(s);
    } else if (strcmp(t->status, "delivered") == 0) {
        set_status(s, MESSAGE_SENT);
        set_status(s, MESSAGE_DELIVERED);
    } else if (strcmp(t->status, "undelivered") == 0) {
        set_status(s, MESSAGE_SENT);
        fail(s, MESSAGE_UNDELIVERED, code_of(t->code), text);
    } else if (strcmp(t->status, "failed") == 0) {
        fail(s, s->message->status == MESSAGE_SENT ? MESSAGE_UNDELIVERED : MESSAGE_FAILED,
             code_of(t->code), text);
    } else {
        log_warn("message", s->sid, "gateway '%s' says '%s', which is no status", t->gateway,
                 t->status);
    }
}

/* --- beginning --- */

/* 0, or Twilio's code and what is wrong. */
static int judge(const struct session *by, const struct message_draft *d, struct error *err)
{
    int characters = segments_of(d->body).characters;

    if (*d->body == '\0' && (d->media == NULL || *d->media == NULL))
        return error_set_twilio(err, ERR_INVALID, CODE_BODY, "the message has no text");
    if (characters > MESSAGE_CHARACTERS)
        return error_set_twilio(err, ERR_LIMIT, CODE_BODY,
                                "the message has %d characters: at most %d are sent", characters,
                                MESSAGE_CHARACTERS);
    if (by->texts_sent >= MESSAGE_REPLIES)
        return error_set_twilio(err, ERR_LIMIT, CODE_REPLIES,
                                "%d messages were sent by this one flow: no more are",
                                MESSAGE_REPLIES);
    return 0;
}

/* Which gateways may take it. The sender is judged as a caller id; the number that was written to
 * or called is one that may be shown. */
static int plan(struct session *s, const struct session *by, struct error *err)
{
    bool inbound = strncmp(by->direction, "outbound", 8) != 0;
    struct route_request rq = {.from = s->from,
                               .to = s->to,
                               .call_from = inbound ? by->to : by->from,
                               .account = s->account};
    int rc = routes_plan(s->rt->routes, s->config->config, s->rt->bridge, &rq, &s->arena,
                         &s->message->plan, err);

    if (rc != 0)
        err->twilio = err->twilio == 13214 || err->twilio == 13248 ? CODE_SENDER : CODE_RECEIVER;
    else if (strcmp(s->message->plan.steps[0].from, s->message->plan.steps[0].to) == 0)
        rc = error_set_twilio(err, ERR_REFUSED, CODE_SAME, "From and To are the same number, %s",
                              s->to);
    return rc;
}

/* Counts it; a message is over for the limits as soon as it is sent. */
static int count(struct session *s, struct error *err)
{
    struct route_step *step = &s->message->plan.steps[0];
    int rc = routes_take(s->rt->routes, s->config->config, s->account, step, err);

    if (rc == 0)
        routes_give(s->rt->routes, s->account, step);
    else if (err->twilio == 0 || err->twilio == 10004)
        err->twilio = 14107;
    return rc;
}

static int copy_draft(struct session *s, const struct activation *a, const struct message_draft *d,
                      struct error *err)
{
    struct message *m = s->message;
    const char **media = arena_alloc(&s->arena, (MESSAGE_MEDIA + 1) * sizeof *media);
    char *url;

    m->body = arena_strdup(&s->arena, d->body);
    m->segments = segments_of(d->body).count;
    if (media == NULL || m->body == NULL)
        return error_nomem(err);
    for (const char *const *u = d->media; u != NULL && *u != NULL && m->n_media < MESSAGE_MEDIA;
         u++) {
        url = url_resolve(a->document->url, *u);
        if (url == NULL || !url_is_http(url)) {
            mem_free(url);
            return error_set_twilio(err, ERR_INVALID, 21620,
                                    "<Media> is a URL that the carrier can fetch, not '%.100s'",
                                    *u);
        }
        media[m->n_media++] = arena_strdup(&s->arena, url);
        mem_free(url);
        if (media[m->n_media - 1] == NULL)
            return error_nomem(err);
    }
    media[m->n_media] = NULL;
    m->media = media;
    if (m->n_media > 0)
        m->segments = 1;
    return 0;
}

static int set_callback(struct session *s, struct activation *a, const struct message_draft *d,
                        struct error *err)
{
    struct status_target *t = &s->message->told;
    char *url = d->callback != NULL ? url_resolve(a->document->url, d->callback) : NULL;
    bool good = url != NULL && url_is_http(url);

    *t = (struct status_target){.get = d->callback_method == FLOW_GET, .trust = HTTP_DOCUMENT};
    if (good)
        t->url = arena_strdup(&s->arena, url);
    else if (d->callback != NULL)
        session_warn(a, 14105, "'%.100s' is no URL: nobody is told what becomes of the message",
                     d->callback);
    mem_free(url);
    return good && t->url == NULL ? error_nomem(err) : 0;
}

static void journal_out(struct session *s, const struct activation *a)
{
    const struct message *m = s->message;
    json_t *media = json_array();
    char iso[32];

    params_iso8601(s->began_wall, iso);
    for (int i = 0; media != NULL && i < m->n_media; i++)
        json_array_append_new(media, json_string(m->media[i]));
    journal_add(s, "start", "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:O?, s:s, s:I, s:s}", "v", 1,
                "sid", s->sid, "account", s->account->sid, "direction", s->direction, "from",
                s->from, "to", s->to, "body", m->body, "segments", m->segments, "media",
                m->n_media > 0 ? media : NULL, "at", iso, "wall", (json_int_t)s->began_wall,
                "parent", a->session->sid);
    journal_add(a->session, "message", "{s:s, s:s, s:s, s:s, s:O?}", "sid", s->sid, "from", s->from,
                "to", s->to, "body", m->body, "media", m->n_media > 0 ? media : NULL);
    json_decref(media);
}

static struct session *new_out(struct session *by, const struct message_draft *d)
{
    bool inbound = strncmp(by->direction, "outbound", 8) != 0;
    struct offer o = {.from = d->from, .to = d->to};
    struct session *s;

    if (o.from == NULL)
        o.from = inbound ? by->to : by->from;
    if (o.to == NULL)
        o.to = inbound ? by->from : by->to;
    s = message_session(by->rt, by->config, by->number, &o,
                        d->media != NULL && *d->media != NULL ? "MM" : "SM");
    if (s == NULL)
        return NULL;
    s->account = by->account;
    s->direction = by->message != NULL ? "outbound-reply" : "outbound-call";
    s->message->out = true;
    s->message->status = MESSAGE_QUEUED;
    timer_init(&s->message->timer, s->rt->parts.loop, on_timer, s);
    return s;
}

int session_send_message(struct activation *a, const struct message_draft *d, char sid[SID_SIZE])
{
    struct session *by = a->session, *s = NULL;
    struct error err = {0};
    int rc = judge(by, d, &err);

    if (rc == 0 && (s = new_out(by, d)) == NULL)
        rc = error_nomem(&err);
    if (rc == 0)
        rc = copy_draft(s, a, d, &err);
    if (rc == 0)
        rc = set_callback(s, a, d, &err);
    if (rc == 0)
        rc = plan(s, by, &err);
    if (rc == 0)
        rc = count(s, &err);
    if (rc != 0) {
        if (s != NULL)
            session_drop_child(s);
        rc = err.twilio != 0 ? err.twilio : 12400;
        session_warn(a, rc, "no message is sent: %s", err.text);
        return rc;
    }
    by->texts_sent++;
    s->from = s->message->plan.steps[0].from;
    s->to = s->message->plan.steps[0].to;
    memcpy(sid, s->sid, SID_SIZE);
    message_open(s);
    log_info("message", s->sid, "from %s to %s, for %s", s->from, s->to, by->sid);
    journal_out(s, a);
    try_next(s);
    return 0;
}
