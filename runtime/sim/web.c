/* The scripted web: what stands below http/exchange.h instead of libcurl. */
#include "base/mem.h"
#include "sim/private.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An answer as the scenario wrote it down; the strings are our copies. */
struct web_answer {
    struct sim_answer a;
    bool used;
};

/* A request that waits for its answer. */
struct web_exchange {
    struct link_node node;
    struct sim *sim;
    struct web_answer *answer; /* NULL: no such host */
    struct sim_answer now;     /* what is answered: a copy of our own */
    char *url, *save_to;
    struct timer timer;
    http_reply_h *h;
    void *arg;
};

/* --- failures --- */

static const char *const failure_names[] = {
    [HTTP_CONNECT] = "connect",     [HTTP_HOST] = "host",         [HTTP_TLS] = "tls",
    [HTTP_PROTOCOL] = "protocol",   [HTTP_TIMEOUT] = "timeout",   [HTTP_REDIRECTS] = "redirects",
    [HTTP_TOO_LARGE] = "too-large", [HTTP_REFUSED] = "forbidden", [HTTP_FAILED] = "failed",
};

const char *sim_failure_name(enum http_failure f)
{
    return failure_names[f];
}

enum http_failure sim_failure_find(const char *name)
{
    for (int f = HTTP_CONNECT; f <= HTTP_FAILED; f++)
        if (strcmp(failure_names[f], name) == 0)
            return (enum http_failure)f;
    return HTTP_DONE;
}

/* --- answers --- */

static void copy_free(struct sim_answer *a)
{
    mem_free((char *)(uintptr_t)a->url);
    mem_free((char *)(uintptr_t)a->body);
    mem_free((char *)(uintptr_t)a->type);
    mem_free((char *)(uintptr_t)a->etag);
    mem_free((char *)(uintptr_t)a->cache_control);
    mem_free((char *)(uintptr_t)a->moved);
}

/* With a NUL behind it, as http/exchange.h has it; it may hold others. */
static char *copy_body(const char *bytes, size_t n)
{
    char *body = mem_alloc(n + 1);

    if (body != NULL)
        memcpy(body, bytes, n);
    return body;
}

static int copy(struct sim_answer *to, const struct sim_answer *from)
{
    const char *body = from->body != NULL ? from->body : "";

    *to = *from;
    to->len = from->len != 0 ? from->len : strlen(body);
    to->url = mem_strdup(from->url);
    to->body = copy_body(body, to->len);
    to->type = mem_strdup(from->type);
    to->etag = mem_strdup(from->etag);
    to->cache_control = mem_strdup(from->cache_control);
    to->moved = mem_strdup(from->moved);
    if (to->body != NULL && !to->url == !from->url && !to->type == !from->type &&
        !to->etag == !from->etag && !to->cache_control == !from->cache_control &&
        !to->moved == !from->moved)
        return 0;
    copy_free(to);
    *to = (struct sim_answer){0};
    return ERR_NOMEM;
}

int sim_web(struct sim *s, const struct sim_answer *a, struct error *err)
{
    struct web_answer *w = mem_alloc(sizeof *w);
    struct web_answer **at;

    if (w == NULL || copy(&w->a, a) != 0) {
        mem_free(w);
        return error_nomem(err);
    }
    at = sim_row_add(&s->answers, sizeof *at, SIM_ANSWERS);
    if (at == NULL) {
        copy_free(&w->a);
        mem_free(w);
        return error_set(err, ERR_LIMIT, "more than %d web answers in one exchange", SIM_ANSWERS);
    }
    *at = w;
    return 0;
}

/* The first unused answer of that URL, else its last one. */
static struct web_answer *find(struct sim *s, const char *url, size_t len)
{
    struct web_answer **all = s->answers.items, *last = NULL;

    for (size_t i = 0; i < s->answers.count; i++) {
        if (strncmp(all[i]->a.url, url, len) != 0 || all[i]->a.url[len] != '\0')
            continue;
        last = all[i];
        if (!last->used)
            break;
    }
    if (last != NULL)
        last->used = true;
    return last;
}

/* An answer of the whole URL goes before one without its query. */
static struct web_answer *answer_of(struct sim *s, const char *url)
{
    struct web_answer *a = find(s, url, strlen(url));

    return a != NULL ? a : find(s, url, strcspn(url, "?"));
}

/* --- requests --- */

static void request_free(struct sim_request *r)
{
    if (r == NULL)
        return;
    mem_free(r->url);
    mem_free(r->method);
    mem_free(r->form);
    mem_free(r);
}

static struct sim_request *remember(struct sim *s, const struct http_request *rq)
{
    const char *query = strchr(rq->url, '?');
    bool get = strcmp(rq->method, "GET") == 0;
    struct sim_request *r = mem_alloc(sizeof *r), **at;

    if (r == NULL)
        return NULL;
    r->url = get && query != NULL ? mem_strndup(rq->url, (size_t)(query - rq->url))
                                  : mem_strdup(rq->url);
    r->method = mem_strdup(rq->method);
    r->form = mem_strdup(rq->body != NULL ? rq->body : query != NULL ? query + 1 : "");
    r->at = sim_now(s);
    at = r->url != NULL && r->method != NULL && r->form != NULL
             ? sim_row_add(&s->requests, sizeof *at, SIM_REQUESTS)
             : NULL;
    if (at == NULL) {
        request_free(r);
        return NULL;
    }
    *at = r;
    return r;
}

struct sim_request *sim_request_at(struct sim *s, size_t i)
{
    return i < s->requests.count ? ((struct sim_request **)s->requests.items)[i] : NULL;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static const char *decode(const char *p, const char *ends, struct str *out)
{
    int high, low;

    for (str_reset(out); *p != '\0' && strchr(ends, *p) == NULL; p++) {
        high = *p == '%' ? hex(p[1]) : -1;
        low = high >= 0 ? hex(p[2]) : -1;
        if (low >= 0) {
            str_addc(out, (char)(high * 16 + low));
            p += 2;
        } else {
            str_addc(out, *p == '+' ? ' ' : *p);
        }
    }
    return p;
}

bool sim_form_next(const char **form, struct str *name, struct str *value)
{
    const char *p = *form;

    if (*p == '\0')
        return false;
    p = decode(p, "=&", name);
    p = decode(*p == '=' ? p + 1 : p, "&", value);
    *form = *p == '&' ? p + 1 : p;
    return true;
}

/* --- one exchange --- */

static void exchange_free(struct web_exchange *x)
{
    timer_stop(&x->timer);
    list_remove(&x->node);
    copy_free(&x->now);
    mem_free(x->url);
    mem_free(x->save_to);
    mem_free(x);
}

/* Media goes to a file instead of into the reply. */
static void save(struct web_exchange *x, struct http_reply *reply)
{
    FILE *f = fopen(x->save_to, "wb");

    if (f != NULL && fwrite(reply->body, 1, reply->body_len, f) == reply->body_len) {
        fclose(f);
        return;
    }
    reply->failure = HTTP_FAILED;
    snprintf(reply->text, sizeof reply->text, "%.120s: %s", x->save_to, strerror(errno));
    if (f != NULL)
        fclose(f);
}

static void exchange_fires(void *arg)
{
    struct web_exchange *x = arg;
    const struct sim_answer *a = &x->now;
    struct http_reply reply = {.failure = HTTP_HOST, .url = x->url};

    if (x->answer == NULL)
        snprintf(reply.text, sizeof reply.text, "no web answer was written down for %.150s",
                 x->url);
    else {
        reply.failure = a->failure;
        reply.began = a->failure == HTTP_DONE;
        reply.status = a->failure != HTTP_DONE ? 0 : a->status != 0 ? a->status : 200;
        reply.body = a->body;
        reply.body_len = a->len;
        reply.content_type = a->type != NULL ? a->type : "text/xml";
        reply.ms = a->delay_ms;
        reply.etag = a->etag;
        reply.cache_control = a->cache_control;
        if (a->moved != NULL)
            reply.url = a->moved;
        snprintf(reply.text, sizeof reply.text, "as the scenario says");
    }
    if (x->save_to != NULL && reply.failure == HTTP_DONE)
        save(x, &reply);
    list_remove(&x->node); /* what the handler cancels is no longer this */
    x->h(&reply, x->arg);
    exchange_free(x);
}

/* What the answer is at this moment, as a copy that is the exchange's own. */
static int settle_answer(struct web_exchange *x, const struct sim_request *r)
{
    struct sim_answer a;

    if (x->answer == NULL)
        return 0;
    a = x->answer->a;
    if (a.ask != NULL) {
        a.len = 0;
        a.ask(&a, r, a.arg);
    }
    return copy(&x->now, &a);
}

/* An answer that takes longer than the request waits is none. */
static void hold_to_time(struct web_exchange *x, const struct http_request *rq)
{
    int most = rq->total_ms > 0 && (rq->read_ms <= 0 || rq->total_ms < rq->read_ms) ? rq->total_ms
                                                                                    : rq->read_ms;

    if (most <= 0 || x->now.delay_ms <= most)
        return;
    x->now.delay_ms = most;
    x->now.failure = HTTP_TIMEOUT;
}

static void *exchange_start(void *self, const struct http_request *rq, http_reply_h *h, void *arg,
                            struct error *err)
{
    struct sim *s = self;
    struct web_exchange *x = mem_alloc(sizeof *x);
    struct sim_request *r = remember(s, rq);

    if (x == NULL || r == NULL) {
        mem_free(x);
        error_set(err, ERR_LIMIT, "more than %d requests in one exchange, or memory is out",
                  SIM_REQUESTS);
        return NULL;
    }
    x->sim = s;
    x->url = mem_strdup(r->url);
    x->save_to = mem_strdup(rq->save_to);
    x->answer = answer_of(s, rq->url);
    x->h = h;
    x->arg = arg;
    if (x->url == NULL || (x->save_to == NULL && rq->save_to != NULL) || settle_answer(x, r) != 0) {
        x->answer = NULL;
        exchange_free(x);
        error_nomem(err);
        return NULL;
    }
    hold_to_time(x, rq);
    list_append(&s->exchanges, &x->node);
    timer_init(&x->timer, s->loop, exchange_fires, x);
    timer_start(&x->timer, x->now.delay_ms);
    return x;
}

static void exchange_cancel(void *self, void *handle)
{
    (void)self;
    exchange_free(handle);
}

struct http_port sim_web_port(struct sim *s)
{
    return (struct http_port){.start = exchange_start, .cancel = exchange_cancel, .self = s};
}

void sim_web_free(struct sim *s)
{
    struct web_answer **answers = s->answers.items;
    struct sim_request **requests = s->requests.items;

    while (!list_empty(&s->exchanges))
        exchange_free(list_entry(list_first(&s->exchanges), struct web_exchange, node));
    for (size_t i = 0; i < s->answers.count; i++) {
        copy_free(&answers[i]->a);
        mem_free(answers[i]);
    }
    for (size_t i = 0; i < s->requests.count; i++)
        request_free(requests[i]);
    mem_free(answers);
    mem_free(requests);
}
