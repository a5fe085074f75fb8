/* Messages that come: known again when they come twice, given to the number's flow, answered to
 * their gateway. And what all messages have. */
#include "session/message.h"
#include "base/log.h"
#include "base/mem.h"
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

/* --- what came before --- */

/* The last ids, of all gateways: the oldest makes room for the newest. */
struct messages_seen {
    struct map ids; /* "gateway\nid" → the same text in `ring` */
    char *ring[MESSAGE_SEEN];
    size_t next;
};

void messages_seen_free(struct messages_seen *seen)
{
    if (seen == NULL)
        return;
    for (size_t i = 0; i < MESSAGE_SEEN; i++)
        mem_free(seen->ring[i]);
    map_free(&seen->ids);
    mem_free(seen);
}

static void seen_key(const struct bridge_text *t, char *out, size_t size)
{
    snprintf(out, size, "%s\n%s", t->gateway, t->id);
}

static bool was_seen(const struct runtime *rt, const struct bridge_text *t)
{
    char key[160];

    seen_key(t, key, sizeof key);
    return rt->seen != NULL && map_get(&rt->seen->ids, key) != NULL;
}

static int remember(struct runtime *rt, const struct bridge_text *t)
{
    struct messages_seen *seen = rt->seen;
    char key[160], **at;

    if (seen == NULL && (seen = rt->seen = mem_alloc(sizeof *seen)) == NULL)
        return ERR_NOMEM;
    seen_key(t, key, sizeof key);
    at = &seen->ring[seen->next];
    if (*at != NULL) {
        map_remove(&seen->ids, *at);
        mem_free(*at);
    }
    *at = mem_strdup(key);
    if (*at == NULL || map_set(&seen->ids, key, *at) != 0) {
        mem_free(*at);
        *at = NULL;
        return ERR_NOMEM;
    }
    seen->next = (seen->next + 1) % MESSAGE_SEEN;
    return 0;
}

/* --- its session --- */

struct session *message_session(struct runtime *rt, struct config_holder *config,
                                const struct config_number *number, const struct offer *o,
                                const char *prefix)
{
    struct session *s = session_make(rt, config, number, o, prefix);

    if (s == NULL)
        return NULL;
    s->message = arena_alloc(&s->arena, sizeof *s->message);
    if (s->message == NULL) {
        session_drop_child(s);
        return NULL;
    }
    *s->message = (struct message){.body = ""};
    s->status = CALL_IN_PROGRESS; /* there is nothing to answer */
    s->answered = s->began + 1;
    return s;
}

void message_open(struct session *s)
{
    struct runtime *rt = s->rt;

    list_prepend(&rt->sessions, &s->in_sessions);
    rt->count++;
    rt->message_sessions++;
    rt->stats.messages++;
}

/* MediaUrl0, MediaUrl1 … of what the gateway gave. */
static int take_media(struct session *s)
{
    const char **media = arena_alloc(&s->arena, (MESSAGE_MEDIA + 1) * sizeof *media);
    char name[24];

    if (media == NULL)
        return ERR_NOMEM;
    for (int i = 0; i < MESSAGE_MEDIA; i++) {
        const char *const *o = s->offered;

        snprintf(name, sizeof name, "MediaUrl%d", i);
        while (o != NULL && *o != NULL && strcmp(*o, name) != 0)
            o += 2;
        if (o == NULL || *o == NULL)
            break;
        media[s->message->n_media++] = o[1];
    }
    media[s->message->n_media] = NULL;
    s->message->media = media;
    return 0;
}

static bool has_media(const struct bridge_text *t)
{
    for (const char *const *p = t->params; p != NULL && *p != NULL; p += 2)
        if (strcmp(*p, "MediaUrl0") == 0)
            return true;
    return false;
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

/* NULL when memory is out. */
static struct session *session_of(struct runtime *rt, const struct config_number *number,
                                  const struct bridge_text *t)
{
    const struct offer o = {.from = t->from, .to = t->to, .params = t->params};
    struct session *s = message_session(rt, rt->config, number, &o, has_media(t) ? "MM" : "SM");

    if (s == NULL)
        return NULL;
    s->direction = "inbound";
    s->message->body = arena_strdup(&s->arena, t->body);
    if (s->message->body == NULL || take_media(s) != 0 || remember(rt, t) != 0) {
        session_drop_child(s);
        return NULL;
    }
    s->message->segments = segments_of(s->message->body).count;
    message_open(s);
    log_info("message", s->sid, "from %s to %s over %s", s->from, s->to, t->gateway);
    journal_message(s, t);
    return s;
}

static void begin(struct session *s)
{
    const struct config_number *n = s->number;
    bool get = n->message_method != NULL && strcmp(n->message_method, "GET") == 0;
    struct error err = {0};

    if (activation_push_url(s, n->message, get, HTTP_OPERATOR, USE_FLOW, &err) == 0)
        return;
    session_say_problem(s, true, err.twilio, n->message, err.text);
    session_finish(s, CALL_FAILED, CAUSE_ERROR, "flow");
}

/* --- gateways --- */

static void answer(struct runtime *rt, const struct bridge_text *t, const char *code,
                   const char *text)
{
    if (code != NULL)
        log_warn("message", NULL, "from %s to %s refused: %s", t->from, t->to, text);
    bridge_text_status(rt->bridge,
                       &(struct bridge_text_status){.gateway = t->gateway,
                                                    .link = t->link,
                                                    .id = t->id,
                                                    .status = code != NULL ? "failed" : "accepted",
                                                    .code = code,
                                                    .text = text});
}

void message_comes(struct runtime *rt, const struct bridge_text *t)
{
    const struct config *config = rt->config->config;
    const struct config_number *number = config_find_number(config, t->to);
    struct session *s;

    if (was_seen(rt, t)) {
        answer(rt, t, NULL, NULL); /* it was taken then */
    } else if (number == NULL || number->message == NULL) {
        answer(rt, t, "unroutable",
               "no number{} of this exchange fits, or it has no flow for messages");
    } else if (segments_of(t->body).characters > MESSAGE_CHARACTERS) {
        answer(rt, t, "too-long", "a message has at most 1600 characters");
    } else if (rt->message_sessions - rt->reports_awaited >= (unsigned)config->limits.calls) {
        answer(rt, t, "congestion", "too many messages at once: hand it over again later");
    } else if ((s = session_of(rt, number, t)) == NULL) {
        answer(rt, t, "congestion", "out of memory: hand it over again later");
    } else {
        answer(rt, t, NULL, NULL);
        begin(s);
    }
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
    s->phase = SESSION_ENDING;
    s->ended_wall = loop_wall(s->rt->parts.loop);
    timer_stop(&s->message->timer);
    if (s->message->reported)
        s->rt->reports_awaited--;
    s->message->reported = false;
    timer_start(&s->limit, MESSAGE_ANSWER_MS);
    activation_unwind(s, true);
    session_settled(s);
}

void message_forget(struct session *s)
{
    timer_stop(&s->message->timer);
    s->rt->message_sessions--;
    journal_add(s, "end", "{s:s, s:i}", "status", message_status_name(s->message->status),
                "seconds", 0);
}
