#include "session/runtime.h"
#include "base/log.h"
#include "base/mem.h"
#include "session/message.h"
#include "session/pairs.h"
#include <string.h>

/* --- configurations live as long as a call uses them --- */

struct config_holder *config_holder_ref(struct config_holder *h)
{
    h->refs++;
    return h;
}

struct config_holder *config_holder_unref(struct config_holder *h)
{
    if (h != NULL && --h->refs == 0) {
        config_free(h->config);
        mem_free(h);
    }
    return NULL;
}

static struct config_holder *config_holder_new(struct config *config)
{
    struct config_holder *h = mem_alloc(sizeof *h);

    if (h != NULL) {
        h->config = config;
        h->refs = 1;
    }
    return h;
}

/* --- life --- */

static void close_if_empty(void *arg)
{
    struct runtime *rt = arg;
    void (*closed)(void *) = rt->closed;

    if (closed != NULL && rt->count == 0) {
        rt->closed = NULL;
        closed(rt->closed_arg);
    }
}

int runtime_new(struct runtime **rp, const struct runtime_parts *parts, struct config *config,
                struct error *err)
{
    struct runtime *rt = mem_alloc(sizeof *rt);

    if (rt == NULL)
        return error_nomem(err);
    rt->config = config_holder_new(config);
    if (rt->config == NULL) {
        mem_free(rt);
        return error_nomem(err);
    }
    rt->pairs = pairs_new(parts->loop);
    if (rt->pairs == NULL || routes_new(&rt->routes, parts->loop, parts->kv, err) != 0 ||
        (parts->kv != NULL &&
         messages_new(&rt->messages, parts->loop, kv_store(parts->kv), err) != 0)) {
        routes_free(rt->routes);
        pairs_free(rt->pairs);
        mem_free(rt->config);
        mem_free(rt);
        return error_nomem(err);
    }
    rt->parts = *parts;
    /* A verb begins with its schema, so the list of verbs is the list of schemas. */
    rt->table.all = (const struct schema *const *)(const void *)parts->verbs;
    while (parts->verbs[rt->table.count] != NULL)
        rt->table.count++;
    list_init(&rt->sessions);
    list_init(&rt->all_queues);
    list_init(&rt->watches);
    list_init(&rt->decodings);
    list_init(&rt->tunes);
    task_init(&rt->close_task, parts->loop, close_if_empty, rt);
    webhooks_set_config(parts->webhooks, config);
    fetcher_set_config(parts->fetcher, config);
    speech_set_config(parts->speech, config);
    *rp = rt;
    return 0;
}

void runtime_set_bridge(struct runtime *rt, struct bridge *bridge)
{
    rt->bridge = bridge;
    messages_resume(rt);
}

void runtime_set_then(struct runtime *rt, const struct runtime_then *then)
{
    rt->then = then != NULL ? *then : (struct runtime_then){0};
}

int session_found(const struct session *s, enum runtime_asked what)
{
    const struct runtime_then *then = &s->rt->then;

    return then->found != NULL ? then->found(then->arg, s->sid, what) : RUNTIME_NOT_KNOWN;
}

void runtime_set_call_seed(struct runtime *rt, uint64_t seed)
{
    rt->parts.call_seed = seed;
}

const struct config *runtime_config(const struct runtime *rt)
{
    return rt->config->config;
}

void runtime_set_config(struct runtime *rt, struct config *config)
{
    struct config_holder *h = config_holder_new(config);

    if (h == NULL) {
        log_error("session", NULL, "out of memory: the old configuration stays");
        config_free(config);
        return;
    }
    webhooks_set_config(rt->parts.webhooks, config);
    fetcher_set_config(rt->parts.fetcher, config);
    speech_set_config(rt->parts.speech, config);
    if (rt->bridge != NULL)
        bridge_set_config(rt->bridge, config);
    config_holder_unref(rt->config);
    rt->config = h;
}

struct runtime *runtime_free(struct runtime *rt)
{
    if (rt == NULL)
        return NULL;
    task_cancel(&rt->close_task);
    music_forget(rt);
    config_holder_unref(rt->config);
    queues_free(rt);
    routes_free(rt->routes);
    messages_free(rt->messages);
    pairs_free(rt->pairs);
    map_free(&rt->by_sid);
    map_free(&rt->rooms);
    map_free(&rt->recordings);
    flow_files_free(rt->files);
    mem_free(rt);
    return NULL;
}

void runtime_forget(struct runtime *rt, struct session *s)
{
    list_remove(&s->in_sessions);
    map_remove(&rt->by_sid, s->sid);
    rt->count--;
    rt->room_sessions -= s->room != NULL;
    if (rt->count == 0 && rt->closed != NULL)
        task_post(&rt->close_task);
}

void runtime_close(struct runtime *rt, void (*closed)(void *arg), void *arg)
{
    struct link_node *n, *next;

    rt->closing = true;
    rt->closed = closed;
    rt->closed_arg = arg;
    if (rt->bridge != NULL)
        bridge_refuse(rt->bridge, true);
    for (n = list_first(&rt->sessions); n != NULL; n = next) {
        struct session *s = list_entry(n, struct session, in_sessions);

        next = list_next(&rt->sessions, n);
        session_finish(s, s->answered != 0 ? CALL_COMPLETED : CALL_CANCELED, CAUSE_NORMAL,
                       "operator");
    }
    task_post(&rt->close_task);
}

void runtime_stats(const struct runtime *rt, struct runtime_stats *out)
{
    *out = rt->stats;
    out->sessions = rt->count - rt->room_sessions - rt->reports_awaited;
    out->reports = rt->reports_awaited;
    out->rooms = rt->room_sessions;
}

/* --- calls arrive --- */

static void offered(void *arg, struct channel *channel, const struct offer *o)
{
    struct runtime *rt = arg;
    const struct config *config = rt->config->config;
    const struct config_number *number = config_find_number(config, o->to != NULL ? o->to : "");
    struct session *s;

    if (number == NULL || number->voice == NULL) {
        log_warn("session", NULL,
                 "call from %s to %s refused: no number{} in %s fits, or it has no voice flow",
                 o->from != NULL ? o->from : "?", o->to != NULL ? o->to : "?", config->path);
        channel_hangup(channel, CAUSE_UNROUTABLE);
        return;
    }
    if (rt->count - rt->room_sessions - rt->message_sessions >= (unsigned)config->limits.calls) {
        log_warn("session", NULL, "call to %s refused: limits.calls (%d) reached", o->to,
                 config->limits.calls);
        channel_hangup(channel, CAUSE_CONGESTION);
        return;
    }
    s = session_new(rt, channel, o, number);
    if (s == NULL) {
        log_error("session", NULL, "call to %s refused: out of memory", o->to);
        channel_hangup(channel, CAUSE_CONGESTION);
        return;
    }
    session_begin(s);
}

static void text_comes(void *arg, const struct bridge_text *t)
{
    message_comes(arg, t);
}

static void text_told(void *arg, const struct bridge_text_status *t)
{
    message_told(arg, t);
}

const struct bridge_handlers *runtime_bridge_handlers(void)
{
    static const struct bridge_handlers handlers = {
        .offered = offered, .text = text_comes, .text_status = text_told};

    return &handlers;
}

/* --- acting on a live call --- */

static struct session *find_live(struct runtime *rt, const char *sid, struct error *err)
{
    struct session *s = map_get(&rt->by_sid, sid);

    if (s != NULL && s->phase == SESSION_RUNNING)
        return s;
    error_set(err, ERR_MISSING, "no live call %s: see `almon trace %s` for what became of it", sid,
              sid);
    return NULL;
}

int runtime_redirect(struct runtime *rt, const char *sid, const char *url, struct error *err)
{
    struct session *s = find_live(rt, sid, err);
    int rc;

    if (s == NULL)
        return ERR_MISSING;
    if (s->room != NULL)
        return error_set(err, ERR_INVALID, "%s is a conference: redirect its calls, or hang it up",
                         sid);
    if (s->message != NULL)
        return error_set(err, ERR_INVALID, "%s is a message, which cannot be redirected", sid);
    if (s->leg != NULL && s->answered == 0)
        return error_set_twilio(err, ERR_WRONG_STATE, 21220,
                                "call %s is not answered yet: it can be hung up, not redirected",
                                sid);
    leg_redirected(s);
    journal_add(s, "redirect", "{s:s, s:s}", "url", url, "by", "operator");
    activation_tell(s, &(struct event){.type = EVENT_REDIRECT});
    activation_unwind(s, false);
    rc = activation_push_url(s, url, false, HTTP_OPERATOR, USE_FLOW, err);
    if (rc != 0)
        session_finish(s, s->answered != 0 ? CALL_COMPLETED : CALL_FAILED, CAUSE_ERROR, "operator");
    return rc;
}

int runtime_hangup(struct runtime *rt, const char *sid, struct error *err)
{
    struct session *s = find_live(rt, sid, err);

    if (s == NULL)
        return ERR_MISSING;
    session_finish(s, s->answered != 0 ? CALL_COMPLETED : CALL_CANCELED, CAUSE_NORMAL, "operator");
    return 0;
}
