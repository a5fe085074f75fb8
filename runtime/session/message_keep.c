/* What the store keeps of messages: they are there before they are acknowledged, and go on after a
 * restart. What came is answered once; what goes out is given to its gateway again under the same
 * id, unless that had said that it has it. */
#include "base/log.h"
#include "base/mem.h"
#include "session/message.h"
#include <stdio.h>
#include <string.h>

enum { RESUME_AT_ONCE = 200, PARAMS_MOST = 64 };

/* --- outgoing --- */

/* Everything about it that has no column of its own; to be freed with mem_free(). */
static char *rest_of(const struct session *s)
{
    const struct message *m = s->message;
    json_t *media = json_array(), *rest;
    char *text;

    for (int i = 0; media != NULL && i < m->n_media; i++)
        json_array_append_new(media, json_string(m->media[i]));
    rest = json_pack("{s:s, s:s?, s:b, s:i, s:b, s:b, s:o}", "number", s->number->pattern,
                     "callback", m->told.url, "get", m->told.get, "trust", (int)m->told.trust,
                     "accepted", m->accepted, "always", m->always, "media", media);
    text = rest != NULL ? json_dumps(rest, JSON_COMPACT) : NULL;
    json_decref(rest);
    return text;
}

static struct message_row row_of(const struct session *s, enum message_status status)
{
    const struct message *m = s->message;

    return (struct message_row){
        .sid = s->sid,
        .account = s->account->sid,
        .direction = s->direction,
        .from = s->from,
        .to = s->to,
        .body = m->body,
        .status = message_status_name(status),
        .code = m->error,
        .segments = m->segments,
        .media = m->n_media,
        .gateway = m->gateway,
        .open = true,
    };
}

int message_keep(struct session *s, messages_h *h, struct error *err)
{
    struct message_row row = row_of(s, s->message->status);
    char *rest = rest_of(s);

    if (s->rt->messages == NULL || rest == NULL) {
        mem_free(rest);
        return rest == NULL ? error_nomem(err)
                            : error_set(err, ERR_INVALID, "this exchange keeps no messages");
    }
    row.once = s->message->once;
    row.rest = rest;
    s->message->op =
        messages_add(s->rt->messages, &row, h != NULL && !s->message->always, h, s, err);
    mem_free(rest);
    return s->message->op != NULL ? 0 : err->code;
}

int message_keep_sending(struct session *s, messages_h *h, struct error *err)
{
    struct message_row row = row_of(s, MESSAGE_SENDING);

    s->message->op = messages_set(s->rt->messages, &row, !s->message->always, h, s, err);
    return s->message->op != NULL ? 0 : err->code;
}

void message_keep_state(struct session *s, bool open)
{
    struct message_row row = row_of(s, s->message->status);
    struct error err = {0};
    char *rest = s->message->out ? rest_of(s) : NULL;

    row.rest = rest;
    row.open = open;
    if (messages_set(s->rt->messages, &row, false, NULL, NULL, &err) == NULL)
        log_error("message", s->sid, "the store does not know yet that it is %s: %s", row.status,
                  err.text);
    mem_free(rest);
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* The number whose flow sent it; after a change of almon.lua another one that stands for it. */
static const struct config_number *number_of(const struct config *c, const struct message_row *row,
                                             const json_t *rest)
{
    const char *pattern = text_of(rest, "number");

    for (size_t i = 0; pattern != NULL && i < c->n_numbers; i++)
        if (strcmp(c->numbers[i].pattern, pattern) == 0)
            return &c->numbers[i];
    return config_find_number(c, row->from);
}

/* A row of which nothing can be made any more. */
static void give_up(struct runtime *rt, const struct message_row *row, const char *why)
{
    struct message_row end = *row;

    log_error("message", row->sid, "from %s to %s is not gone on with: %s", row->from, row->to,
              why);
    if (strcmp(row->direction, "inbound") != 0)
        end.status = "failed";
    end.rest = NULL;
    end.open = false;
    messages_set(rt->messages, &end, false, NULL, NULL, NULL);
}

static int take_rest(struct session *s, const struct message_row *row, const json_t *rest)
{
    struct message *m = s->message;
    const json_t *media = json_object_get(rest, "media");
    const char **urls = arena_alloc(&s->arena, (MESSAGE_MEDIA + 1) * sizeof *urls);
    const char *callback = text_of(rest, "callback");

    if (urls == NULL || (m->body = arena_strdup(&s->arena, row->body)) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < json_array_size(media) && i < MESSAGE_MEDIA; i++) {
        urls[i] = arena_strdup(&s->arena, json_string_value(json_array_get(media, i)));
        if (urls[i] == NULL)
            return ERR_NOMEM;
        m->n_media++;
    }
    urls[m->n_media] = NULL;
    m->media = urls;
    m->segments = row->segments;
    m->accepted = json_is_true(json_object_get(rest, "accepted"));
    m->always = json_is_true(json_object_get(rest, "always"));
    m->told = (struct status_target){
        .get = json_is_true(json_object_get(rest, "get")),
        .trust = (enum http_trust)json_integer_value(json_object_get(rest, "trust"))};
    if (callback != NULL && (m->told.url = arena_strdup(&s->arena, callback)) == NULL)
        return ERR_NOMEM;
    if (row->gateway != NULL && (m->gateway = arena_strdup(&s->arena, row->gateway)) == NULL)
        return ERR_NOMEM;
    return 0;
}

static bool direction_of(struct session *s, const char *word)
{
    static const char *const all[] = {"outbound-reply", "outbound-call", "outbound-api"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i], word) == 0) {
            s->direction = all[i];
            return true;
        }
    return false;
}

static void resume_out(struct runtime *rt, const struct message_row *row)
{
    const struct config *c = rt->config->config;
    json_t *rest = row->rest != NULL ? json_loads(row->rest, 0, NULL) : NULL;
    const struct config_number *number = number_of(c, row, rest);
    const struct config_account *account = config_find_account(c, row->account);
    enum message_status status = message_status_of(row->status);
    const struct offer o = {.from = row->from, .to = row->to};
    struct session *s = NULL;

    if (number == NULL || account == NULL || status == MESSAGE_RECEIVED || rest == NULL)
        give_up(rt, row, "its number or account is in almon.lua no more");
    else if ((s = message_session(rt, rt->config, number, &o, row->sid)) == NULL)
        log_error("message", row->sid, "out of memory: it waits for the next start");
    if (s != NULL && (!direction_of(s, row->direction) || take_rest(s, row, rest) != 0)) {
        session_drop_child(s);
        s = NULL;
    }
    json_decref(rest);
    if (s == NULL)
        return;
    s->account = account;
    message_goes_out(s, s->direction);
    s->message->status = status;
    s->message->error = row->code;
    message_began(s, row->created);
    message_open(s);
    message_journal_resume(s);
    message_resume(s);
}

/* --- incoming --- */

static char *rest_of_arrival(const struct bridge_text *t)
{
    json_t *params = json_object();
    char *text;

    for (const char *const *p = t->params; params != NULL && p != NULL && *p != NULL; p += 2)
        json_object_set_new(params, p[0], json_string(p[1]));
    text = params != NULL ? json_dumps(params, JSON_COMPACT) : NULL;
    json_decref(params);
    return text;
}

/* Name, value … NULL; of the object's own strings. */
static void params_of(const json_t *rest, const char *out[2 * PARAMS_MOST + 1])
{
    const char *key;
    json_t *value;
    size_t n = 0;

    json_object_foreach((json_t *)rest, key, value)
    {
        if (n == PARAMS_MOST || !json_is_string(value))
            continue;
        out[2 * n] = key;
        out[2 * n++ + 1] = json_string_value(value);
    }
    out[2 * n] = NULL;
}

static void begin_arrival(struct runtime *rt, const struct message_row *row, bool resumed)
{
    json_t *rest = row->rest != NULL ? json_loads(row->rest, 0, NULL) : NULL;
    const struct config_number *number = config_find_number(rt->config->config, row->to);
    const char *params[2 * PARAMS_MOST + 1];
    const char *id = strchr(row->once != NULL ? row->once : "", '\n');

    params_of(rest, params);
    if (number == NULL || number->message == NULL)
        give_up(rt, row, "its number has no flow for messages in almon.lua any more");
    else
        message_begin(rt, number,
                      &(struct bridge_text){.gateway = row->gateway,
                                            .id = id != NULL ? id + 1 : "",
                                            .from = row->from,
                                            .to = row->to,
                                            .body = row->body,
                                            .params = params},
                      row, resumed);
    json_decref(rest);
}

static void arrived(void *arg, const struct messages_answer *a)
{
    const struct message_row *row = &a->rows[0];
    struct runtime *rt = arg;
    char once[160], *id;

    snprintf(once, sizeof once, "%s", row->once);
    id = strchr(once, '\n');
    if (id == NULL)
        return;
    *id++ = '\0';
    if (a->err != NULL) {
        log_error("message", NULL, "from %s to %s could not be kept: %s", row->from, row->to,
                  a->err->text);
        message_answer(rt, once, id, "congestion",
                       "it could not be kept: hand it over again later");
        return;
    }
    message_answer(rt, once, id, NULL, NULL);
    if (!a->known && !rt->closing) /* else the next start goes on with it */
        begin_arrival(rt, row, false);
}

int message_keep_arrival(struct runtime *rt, const struct bridge_text *t,
                         const struct config_number *number, int segments, struct error *err)
{
    char sid[SID_SIZE], once[160], *rest = rest_of_arrival(t);
    struct message_row row = {.sid = sid,
                              .account = number->account->sid,
                              .direction = "inbound",
                              .from = t->from,
                              .to = t->to,
                              .body = t->body,
                              .status = message_status_name(MESSAGE_RECEIVED),
                              .segments = segments,
                              .media = message_count_media(t->params),
                              .gateway = t->gateway,
                              .once = once,
                              .rest = rest,
                              .open = true};
    const struct messages_op *op = NULL;

    sid_make(sid, row.media > 0 ? "MM" : "SM", &rt->parts.rng);
    snprintf(once, sizeof once, "%s\n%s", t->gateway, t->id);
    if (rest == NULL)
        error_nomem(err);
    else
        op = messages_add(rt->messages, &row, false, arrived, rt, err);
    mem_free(rest);
    return op != NULL ? 0 : err->code;
}

/* --- after a restart --- */

static void ask_open(struct runtime *rt, int64_t after);

static void resume_some(void *arg, const struct messages_answer *a)
{
    struct runtime *rt = arg;

    if (a->err != NULL) {
        log_error("message", NULL, "what was begun cannot be read: %s", a->err->text);
        return;
    }
    if (rt->closing)
        return;
    for (size_t i = 0; i < a->count; i++)
        if (map_get(&rt->by_sid, a->rows[i].sid) != NULL)
            continue; /* it came just now */
        else if (strcmp(a->rows[i].direction, "inbound") == 0)
            begin_arrival(rt, &a->rows[i], true);
        else
            resume_out(rt, &a->rows[i]);
    if (a->more)
        ask_open(rt, a->rows[a->count - 1].number);
}

static void ask_open(struct runtime *rt, int64_t after)
{
    struct error err = {0};

    if (messages_open(rt->messages, after, RESUME_AT_ONCE, resume_some, rt, &err) == NULL)
        log_error("message", NULL, "what was begun cannot be read: %s", err.text);
}

void messages_resume(struct runtime *rt)
{
    if (rt->messages != NULL)
        ask_open(rt, 0);
}
