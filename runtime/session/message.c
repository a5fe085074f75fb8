/* Messages that come: known again when they come twice, given to the number's flow, answered to
 * their gateway. And what all messages have. */
#include "session/message.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/opt_out.h"
#include "session/pairs.h"
#include "session/segments.h"
#include <stdio.h>
#include <string.h>

const char *message_status_name(enum message_status s)
{
    static const char *const names[] = {
        [MESSAGE_RECEIVED] = "received",   [MESSAGE_QUEUED] = "queued",
        [MESSAGE_SENDING] = "sending",     [MESSAGE_SENT] = "sent",
        [MESSAGE_DELIVERED] = "delivered", [MESSAGE_UNDELIVERED] = "undelivered",
        [MESSAGE_FAILED] = "failed",
    };

    return names[s];
}

enum message_status message_status_of(const char *name)
{
    for (int s = MESSAGE_QUEUED; s <= MESSAGE_FAILED; s++)
        if (strcmp(message_status_name((enum message_status)s), name) == 0)
            return (enum message_status)s;
    return MESSAGE_RECEIVED;
}

/* --- its session --- */

static int rename_session(struct session *s, const char *sid)
{
    map_remove(&s->rt->by_sid, s->sid);
    memcpy(s->sid, sid, SID_SIZE);
    return map_set(&s->rt->by_sid, s->sid, s);
}

struct session *message_session(struct runtime *rt, struct config_holder *config,
                                const struct config_number *number, const struct offer *o,
                                const char *sid)
{
    char prefix[3] = {sid[0], sid[1]};
    struct session *s = session_make(rt, config, number, o, prefix);

    if (s == NULL)
        return NULL;
    s->message = arena_alloc(&s->arena, sizeof *s->message);
    if (s->message == NULL || (sid_valid(sid, prefix) && rename_session(s, sid) != 0)) {
        session_drop_child(s);
        return NULL;
    }
    *s->message = (struct message){.body = ""};
    s->status = CALL_IN_PROGRESS; /* there is nothing to answer */
    s->answered = s->began + 1;
    return s;
}

void message_began(struct session *s, int64_t wall_ms)
{
    s->began -= (s->began_wall - wall_ms) * 1000;
    s->began_wall = wall_ms;
}

void message_open(struct session *s)
{
    struct runtime *rt = s->rt;

    list_prepend(&rt->sessions, &s->in_sessions);
    rt->count++;
    rt->message_sessions++;
    rt->stats.messages++;
}

/* MediaUrl0, MediaUrl1 … of what the gateway gave; NULL behind the last. */
static const char *media_of(const char *const *params, int i)
{
    char name[24];

    snprintf(name, sizeof name, "MediaUrl%d", i);
    while (params != NULL && *params != NULL && strcmp(*params, name) != 0)
        params += 2;
    return params != NULL && *params != NULL ? params[1] : NULL;
}

int message_count_media(const char *const *params)
{
    int n = 0;

    while (n < MESSAGE_MEDIA && media_of(params, n) != NULL)
        n++;
    return n;
}

static int take_media(struct session *s)
{
    const char **media = arena_alloc(&s->arena, (MESSAGE_MEDIA + 1) * sizeof *media);

    if (media == NULL)
        return ERR_NOMEM;
    s->message->n_media = message_count_media(s->offered);
    for (int i = 0; i < s->message->n_media; i++)
        media[i] = media_of(s->offered, i);
    media[s->message->n_media] = NULL;
    s->message->media = media;
    return 0;
}

static void journal_message(struct session *s, const struct bridge_text *t)
{
    char iso[32];
    json_t *params = json_object(), *settings = config_settings(s->config->config, s->number);

    params_iso8601(s->began_wall, iso);
    for (const char *const *p = s->offered; params != NULL && p != NULL && *p != NULL; p += 2)
        json_object_set_new(params, p[0], json_string(p[1]));
    journal_add(s, "start",
                "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:I, s:s, s:o, s:o}",
                "v", 1, "sid", s->sid, "account", s->account->sid, "direction", s->direction,
                "from", s->from, "to", s->to, "gateway", t->gateway, "id", t->id, "body",
                s->message->body, "segments", s->message->segments, "at", iso, "wall",
                (json_int_t)s->began_wall, "seed", (json_int_t)s->seed, "flow", s->number->message,
                "params", params != NULL ? params : json_null(), "settings",
                settings != NULL ? settings : json_null());
}

void message_journal_resume(struct session *s)
{
    journal_add(s, "resume", "{s:s, s:s, s:s, s:s, s:s, s:s}", "status",
                message_status_name(s->message->status), "account", s->account->sid, "direction",
                s->direction, "from", s->from, "to", s->to, "body", s->message->body);
}

/* NULL when memory is out. */
static struct session *session_of(struct runtime *rt, const struct config_number *number,
                                  const struct bridge_text *t, const struct message_row *row)
{
    const struct offer o = {.from = t->from, .to = t->to, .params = t->params};
    struct session *s = message_session(rt, rt->config, number, &o, row->sid);

    if (s == NULL)
        return NULL;
    s->direction = "inbound";
    s->message->body = arena_strdup(&s->arena, t->body);
    if (s->message->body == NULL || take_media(s) != 0) {
        session_drop_child(s);
        return NULL;
    }
    s->message->segments = row->segments;
    s->message->gateway = arena_strdup(&s->arena, t->gateway);
    message_began(s, row->created);
    message_open(s);
    return s;
}

void message_begin(struct runtime *rt, const struct config_number *number,
                   const struct bridge_text *t, const struct message_row *row, bool resumed)
{
    struct session *s = session_of(rt, number, t, row);
    bool get = number->message_method != NULL && strcmp(number->message_method, "GET") == 0;
    struct error err = {0};

    if (s == NULL) {
        log_error("message", row->sid, "out of memory: it waits for the next start");
        return;
    }
    log_info("message", s->sid, "from %s to %s over %s", s->from, s->to, t->gateway);
    if (resumed)
        message_journal_resume(s);
    else
        journal_message(s, t);
    opt_out_obey(s);
    pairs_give_cookies(rt->pairs, s->from, s->to, &s->jar);
    if (activation_push_url(s, number->message, get, HTTP_OPERATOR, USE_FLOW, &err) == 0)
        return;
    session_say_problem(s, true, err.twilio, number->message, err.text);
    session_finish(s, CALL_FAILED, CAUSE_ERROR, "flow");
}

/* --- gateways --- */

void message_answer(struct runtime *rt, const char *gateway, const char *id, const char *code,
                    const char *text)
{
    bridge_text_status(rt->bridge,
                       &(struct bridge_text_status){.gateway = gateway,
                                                    .id = id,
                                                    .status = code != NULL ? "failed" : "accepted",
                                                    .code = code,
                                                    .text = text});
}

static void refuse(struct runtime *rt, const struct bridge_text *t, const char *code,
                   const char *text)
{
    log_warn("message", NULL, "from %s to %s refused: %s", t->from, t->to, text);
    message_answer(rt, t->gateway, t->id, code, text);
}

void message_comes(struct runtime *rt, const struct bridge_text *t)
{
    const struct config *config = rt->config->config;
    const struct config_number *number = config_find_number(config, t->to);
    struct segments segments = segments_of(t->body);
    struct error err = {0};

    if (rt->messages == NULL)
        refuse(rt, t, "not-supported", "this exchange keeps no messages");
    else if (number == NULL || number->message == NULL)
        refuse(rt, t, "unroutable",
               "no number{} of this exchange fits, or it has no flow for messages");
    else if (segments.characters > MESSAGE_CHARACTERS)
        refuse(rt, t, "too-long", "a message has at most 1600 characters");
    else if (rt->message_sessions - rt->reports_awaited >= (unsigned)config->limits.calls)
        refuse(rt, t, "congestion", "too many messages at once: hand it over again later");
    else if (message_keep_arrival(rt, t, number, segments.count, &err) != 0)
        refuse(rt, t, "congestion", "it cannot be kept now: hand it over again later");
}

/* --- parameters --- */

static int add_places(struct webhook_params *p, const struct session *s)
{
    int rc = 0;

    for (const char *const *o = s->offered; rc == 0 && o != NULL && *o != NULL; o += 2)
        rc = webhook_params_add(p, o[0], o[1]);
    return rc;
}

static int add_numbers(struct webhook_params *p, const struct message *m)
{
    char number[16];
    int rc;

    snprintf(number, sizeof number, "%d", m->n_media);
    rc = webhook_params_add(p, "NumMedia", number);
    snprintf(number, sizeof number, "%d", m->segments);
    return rc != 0 ? rc : webhook_params_add(p, "NumSegments", number);
}

static int add_result(struct webhook_params *p, const struct session *s)
{
    const struct message *m = s->message;
    char number[16];
    int64_t seconds = loop_wall(s->rt->parts.loop) / 1000;
    time_t now = (time_t)seconds;
    struct tm tm;
    int rc = webhook_params_add(p, "MessageStatus", message_status_name(m->status));

    if (rc == 0 && m->error != 0) {
        snprintf(number, sizeof number, "%d", m->error);
        rc = webhook_params_add(p, "ErrorCode", number);
    }
    if (rc == 0 && (m->status == MESSAGE_DELIVERED || m->status == MESSAGE_UNDELIVERED)) {
        gmtime_r(&now, &tm);
        strftime(number, sizeof number, "%y%m%d%H%M", &tm);
        rc = webhook_params_add(p, "RawDlrDoneDate", number);
    }
    return rc;
}

struct webhook_params *message_params(const struct session *s)
{
    const struct message *m = s->message;
    const char *const values[][2] = {
        {"MessageSid", s->sid},
        {"SmsSid", s->sid},
        {"SmsMessageSid", m->out ? NULL : s->sid},
        {"AccountSid", s->account->sid},
        {"From", s->from},
        {"To", s->to},
        {"Body", m->out ? NULL : m->body},
        {"SmsStatus", message_status_name(m->status)},
        {"ApiVersion", "2010-04-01"},
    };
    struct webhook_params *p = webhook_params_new();
    int rc = p == NULL ? ERR_NOMEM : 0;

    for (size_t i = 0; rc == 0 && i < sizeof values / sizeof *values; i++)
        rc = webhook_params_add(p, values[i][0], values[i][1]);
    if (rc == 0)
        rc = m->out ? add_result(p, s) : add_numbers(p, m);
    if (rc == 0)
        rc = add_places(p, s);
    return rc == 0 ? p : webhook_params_free(p);
}

/* --- the end --- */

void message_finish(struct session *s)
{
    struct message *m = s->message;

    if (s->phase != SESSION_RUNNING)
        return;
    s->phase = SESSION_ENDING;
    s->ended_wall = loop_wall(s->rt->parts.loop);
    m->suspended =
        s->rt->closed != NULL && (m->out ? m->status < MESSAGE_DELIVERED : s->top != NULL);
    timer_stop(&m->timer);
    if (m->op != NULL)
        messages_forget(m->op);
    m->op = NULL;
    if (m->reported)
        s->rt->reports_awaited--;
    m->reported = false;
    timer_start(&s->limit, MESSAGE_ANSWER_MS);
    activation_unwind(s, true);
    session_settled(s);
}

void message_forget(struct session *s)
{
    timer_stop(&s->message->timer);
    s->rt->message_sessions--;
    if (!s->message->out)
        pairs_keep_cookies(s->rt->pairs, s->from, s->to, &s->jar);
    if (s->message->suspended)
        return; /* no end: it goes on */
    message_keep_state(s, false);
    journal_add(s, "end", "{s:s, s:i}", "status", message_status_name(s->message->status),
                "seconds", 0);
}
