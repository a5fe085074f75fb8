#include "tests/unit/http_script.h"

#include "base/mem.h"
#include <stdio.h>
#include <string.h>

struct running {
    struct http_script *script;
    const struct http_step *step;
    struct link_node node;
    struct timer timer;
    http_reply_h *h;
    void *arg;
    char *url, *save_to;
    int64_t started;
    bool late; /* the step takes longer than the request waits */
};

void http_script_init(struct http_script *s, struct loop *loop, const struct http_step *steps,
                      size_t n_steps)
{
    *s = (struct http_script){.loop = loop, .steps = steps, .n_steps = n_steps};
    list_init(&s->running);
}

static void drop(struct running *r)
{
    timer_stop(&r->timer);
    list_remove(&r->node);
    mem_free(r->url);
    mem_free(r->save_to);
    mem_free(r);
}

void http_script_free(struct http_script *s)
{
    struct link_node *n;

    if (s->loop == NULL)
        return;
    while ((n = list_first(&s->running)) != NULL)
        drop(list_entry(n, struct running, node));
    for (size_t i = 0; i < HTTP_SCRIPT_SEEN; i++) {
        mem_free(s->seen[i].url);
        mem_free(s->seen[i].headers);
        mem_free(s->seen[i].body);
    }
    s->loop = NULL;
}

static void save(const struct running *r, const char *body, size_t len)
{
    FILE *f = r->save_to != NULL ? fopen(r->save_to, "wb") : NULL;

    if (f == NULL)
        return;
    fwrite(body, 1, len, f);
    fclose(f);
}

static void on_timer(void *arg)
{
    struct running *r = arg;
    const struct http_step *s = r->step;
    struct http_reply reply = {
        .failure = r->late ? HTTP_TIMEOUT : s->failure,
        .began = s->began || (s->failure == HTTP_DONE && !r->late),
        .status = s->status != 0 ? s->status : 200,
        .url = s->url != NULL ? s->url : r->url,
        .content_type = s->content_type,
        .etag = s->etag,
        .last_modified = s->last_modified,
        .cache_control = s->cache_control,
        .expires = s->expires,
        .body = s->body != NULL ? s->body : "",
        .ms = (loop_now(r->script->loop) - r->started) / 1000,
    };

    reply.body_len = s->body_len != 0 ? s->body_len : strlen(reply.body);
    snprintf(reply.text, sizeof reply.text, "%s", s->text != NULL ? s->text : "as scripted");
    if (reply.failure != HTTP_DONE)
        reply.status = 0;
    list_remove(&r->node);
    if (reply.failure == HTTP_DONE)
        save(r, reply.body, reply.body_len);
    r->h(&reply, r->arg);
    drop(r);
}

static char *join_headers(const char *const *headers)
{
    struct str s = STR_INIT(10000);

    for (; headers != NULL && *headers != NULL; headers++)
        str_addf(&s, "%s\n", *headers);
    return str_take(&s);
}

static bool note(struct http_seen *seen, const struct http_request *rq)
{
    str_copy(seen->method, sizeof seen->method, rq->method);
    seen->url = mem_strdup(rq->url);
    seen->headers = join_headers(rq->headers);
    seen->body = mem_strndup(rq->body != NULL ? rq->body : "", rq->body_len);
    str_copy(seen->own, sizeof seen->own, rq->rule.own != NULL ? rq->rule.own : "");
    str_copy(seen->save_to, sizeof seen->save_to, rq->save_to != NULL ? rq->save_to : "");
    seen->connect_ms = rq->connect_ms;
    seen->read_ms = rq->read_ms;
    seen->total_ms = rq->total_ms;
    seen->no_sni = rq->no_sni;
    seen->trust = rq->rule.trust;
    return seen->url != NULL && seen->headers != NULL && seen->body != NULL;
}

static void *start(void *self, const struct http_request *rq, http_reply_h *h, void *arg,
                   struct error *err)
{
    struct http_script *s = self;
    struct running *r;
    int wait = rq->read_ms < rq->total_ms ? rq->read_ms : rq->total_ms;

    if (s->started >= s->n_steps || s->started >= HTTP_SCRIPT_SEEN) {
        error_set(err, ERR_MISSING, "the script has no more replies");
        return NULL;
    }
    r = mem_alloc(sizeof *r);
    if (r == NULL || !note(&s->seen[s->started], rq) || (r->url = mem_strdup(rq->url)) == NULL ||
        (rq->save_to != NULL && (r->save_to = mem_strdup(rq->save_to)) == NULL)) {
        if (r != NULL)
            drop(r);
        s->started++;
        error_nomem(err);
        return NULL;
    }
    r->script = s;
    r->step = &s->steps[s->started++];
    r->h = h;
    r->arg = arg;
    r->started = loop_now(s->loop);
    r->late = r->step->delay_ms >= wait;
    timer_init(&r->timer, s->loop, on_timer, r);
    list_append(&s->running, &r->node);
    if (!r->step->hang)
        timer_start(&r->timer, r->late ? wait : r->step->delay_ms);
    return r;
}

static void cancel(void *self, void *handle)
{
    ((struct http_script *)self)->canceled++;
    drop(handle);
}

struct http_port http_script_port(struct http_script *s)
{
    return (struct http_port){start, cancel, s};
}
