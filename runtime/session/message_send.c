/* How a message begins that goes out: judged as calls are (route.h), counted, kept; message_out.c
 * goes on with it. */
#include "base/log.h"
#include "base/mem.h"
#include "base/url.h"
#include "session/message.h"
#include "session/pairs.h"
#include "session/segments.h"
#include <stdio.h>
#include <string.h>

enum {
    CODE_BODY = 14103, /* Message: invalid Body */
    CODE_RATE = 14107,
    CODE_REPLIES = 14109,
};

/* Two machines that answer each other: the first answer to each message counts. */
static bool goes_round(const struct session *by)
{
    return by->message != NULL && by->texts_sent == 0 &&
           !pairs_may_answer(by->rt->pairs, by->from, by->to);
}

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
    if (goes_round(by))
        return error_set_twilio(err, ERR_LIMIT, CODE_RATE,
                                "%.100s has been answered more than %d times in %d s: is it a "
                                "machine, too?",
                                by->from, PAIRS_BURST, PAIRS_BURST * PAIRS_EACH_MS / 1000);
    return 0;
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

/* In its own journal, and in that of who sends it. */
static void journal_out(struct session *s, const char *parent)
{
    const struct message *m = s->message;
    struct session *by = map_get(&s->rt->by_sid, parent);
    json_t *media = json_array();
    char iso[32];

    params_iso8601(s->began_wall, iso);
    for (int i = 0; media != NULL && i < m->n_media; i++)
        json_array_append_new(media, json_string(m->media[i]));
    journal_add(s, "start", "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:O?, s:s, s:I, s:s}", "v", 1,
                "sid", s->sid, "account", s->account->sid, "direction", s->direction, "from",
                s->from, "to", s->to, "body", m->body, "segments", m->segments, "media",
                m->n_media > 0 ? media : NULL, "at", iso, "wall", (json_int_t)s->began_wall,
                "parent", parent);
    if (by != NULL)
        journal_add(by, "message", "{s:s, s:s, s:s, s:s, s:O?}", "sid", s->sid, "from", s->from,
                    "to", s->to, "body", m->body, "media", m->n_media > 0 ? media : NULL);
    json_decref(media);
}

/* The number that a flow answers for. */
static const char *own_number(const struct session *by)
{
    return strncmp(by->direction, "outbound", 8) != 0 ? by->to : by->from;
}

static struct session *new_out(struct session *by, const struct message_draft *d)
{
    const char *own = own_number(by), *other = own == by->to ? by->from : by->to;
    struct offer o = {.from = d->from != NULL ? d->from : own, .to = d->to != NULL ? d->to : other};
    struct session *s = message_session(by->rt, by->config, by->number, &o,
                                        d->media != NULL && *d->media != NULL ? "MM" : "SM");

    if (s == NULL)
        return NULL;
    s->account = by->account;
    message_goes_out(s, by->message != NULL ? "outbound-reply" : "outbound-call");
    return s;
}

/* Judged, counted and in the store's hands; or not there at all. `once`: store/messages.h. */
static int begin(struct session *s, const char *own, const char *once, struct error *err)
{
    int rc = message_plan(s, own, err);

    if (rc == 0)
        rc = routes_take_message(s->rt->routes, s->config->config, s->account,
                                 s->message->plan.steps[0].to, err);
    if (rc != 0)
        return rc;
    s->from = s->message->plan.steps[0].from;
    s->to = s->message->plan.steps[0].to;
    s->message->once = arena_strdup(&s->arena, once);
    if (s->message->once == NULL)
        return error_nomem(err);
    return message_keep(s, message_kept, err);
}

static void go_on(struct session *s, const char *parent)
{
    message_open(s);
    log_info("message", s->sid, "from %s to %s, for %s", s->from, s->to, parent);
    journal_out(s, parent);
}

int session_send_message(struct activation *a, const struct message_draft *d, char sid[SID_SIZE])
{
    struct session *by = a->session, *s = NULL;
    struct error err = {0};
    char once[64];
    int rc = judge(by, d, &err);

    snprintf(once, sizeof once, "%s\n%u", by->sid, by->texts_sent);
    if (rc == 0 && (s = new_out(by, d)) == NULL)
        rc = error_nomem(&err);
    if (rc == 0)
        rc = copy_draft(s, a, d, &err);
    if (rc == 0)
        rc = set_callback(s, a, d, &err);
    if (rc == 0)
        rc = begin(s, own_number(by), once, &err);
    if (rc != 0) {
        if (s != NULL)
            session_drop_child(s);
        rc = err.twilio != 0 ? err.twilio : 12400;
        session_warn(a, rc, "no message is sent: %s", err.text);
        return rc;
    }
    by->texts_sent++;
    memcpy(sid, s->sid, SID_SIZE);
    go_on(s, by->sid);
    return 0;
}

void message_say(struct runtime *rt, const struct config_number *number,
                 const struct message_row *row, const char *text)
{
    const struct offer o = {.from = row->from, .to = row->to};
    struct session *s = message_session(rt, rt->config, number, &o, "SM");
    struct error err = {0};
    char once[64];
    int rc = 0;

    snprintf(once, sizeof once, "%s\nsaid", row->sid);
    if (s == NULL) {
        rc = error_nomem(&err);
    } else {
        s->message->body = text;
        s->message->always = true;
        s->message->segments = segments_of(text).count;
        message_goes_out(s, "outbound-reply");
        rc = begin(s, row->from, once, &err);
    }
    if (rc == 0) {
        go_on(s, row->sid);
        return;
    }
    log_warn("message", row->sid, "%s is not told \"%.40s…\": %s", row->to, text, err.text);
    if (s != NULL)
        session_drop_child(s);
}
