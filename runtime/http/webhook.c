#include "http/webhook.h"

#include "base/mem.h"
#include "http/params.h"
#include "http/url.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { OWN_SIZE = 300 };

struct webhooks {
    struct loop *loop;
    struct http_port port;
    struct rng *rng;
    const struct config *config;
    struct list live;
};

struct webhook {
    struct webhooks *owner;
    struct link_node node;
    webhook_h *h;
    void *arg;
    bool callback;
    struct http_url_overrides overrides;
    void *handle; /* of the attempt that runs */
    int attempts;
    int64_t started;       /* loop_now() */
    struct timer deadline; /* over all attempts */

    struct http_request rq; /* points into what follows */
    struct str url, body;
    struct str shown; /* "POST https://host/path": for messages */
    char own[OWN_SIZE], signature[64], token[80];
    const char *headers[6];
};

/* --- the set --- */

int webhooks_new(struct webhooks **wp, struct loop *loop, struct http_port port, struct rng *rng,
                 struct error *err)
{
    struct webhooks *w = mem_alloc(sizeof *w);

    if (w == NULL)
        return error_nomem(err);
    w->loop = loop;
    w->port = port;
    w->rng = rng;
    list_init(&w->live);
    *wp = w;
    return 0;
}

const struct http_port *webhooks_port(const struct webhooks *w)
{
    return &w->port;
}

void webhooks_set_config(struct webhooks *w, const struct config *config)
{
    w->config = config;
}

struct webhooks *webhooks_free(struct webhooks *w)
{
    struct link_node *n;

    if (w == NULL)
        return NULL;
    while ((n = list_first(&w->live)) != NULL)
        webhook_cancel(list_entry(n, struct webhook, node));
    mem_free(w);
    return NULL;
}

static void forget(struct webhook *wh)
{
    timer_stop(&wh->deadline);
    list_remove(&wh->node);
    str_free(&wh->url);
    str_free(&wh->body);
    str_free(&wh->shown);
    mem_free(wh);
}

void webhook_cancel(struct webhook *wh)
{
    if (wh == NULL)
        return;
    if (wh->handle != NULL)
        wh->owner->port.cancel(wh->owner->port.self, wh->handle);
    forget(wh);
}

/* --- the answer --- */

static void finish(struct webhook *wh, struct webhook_reply *reply)
{
    reply->attempts = wh->attempts;
    reply->ms = (loop_now(wh->owner->loop) - wh->started) / 1000;
    reply->warning = wh->overrides.twilio;
    reply->warning_text = reply->warning != 0 ? wh->overrides.text : NULL;
    if (reply->url == NULL)
        reply->url = wh->rq.url;
    if (reply->body == NULL)
        reply->body = "";
    timer_stop(&wh->deadline);
    list_remove(&wh->node);
    wh->h(reply, wh->arg);
    forget(wh);
}

static void fail(struct webhook *wh, struct webhook_reply *reply, int twilio, const char *why)
{
    reply->twilio = wh->callback ? 15003 : twilio;
    snprintf(reply->text, sizeof reply->text, "%.130s: %.160s", str_text(&wh->shown), why);
    finish(wh, reply);
}

/* "text/xml; charset=utf-8" → "text/xml" */
static void media_type(char out[64], const char *content_type)
{
    size_t n = 0, len;
    const char *s = str_trim(content_type, &len);

    while (n < len && n < 63 && s[n] != ';' && s[n] != ' ' && s[n] != '\t') {
        out[n] = (char)tolower((unsigned char)s[n]);
        n++;
    }
    out[n] = '\0';
}

/* What a Content-Type promises; NULL is WEBHOOK_OTHER. */
static enum webhook_kind kind_of(const char *content_type)
{
    char type[64];

    if (content_type == NULL)
        return WEBHOOK_OTHER;
    media_type(type, content_type);
    if (strcmp(type, "text/xml") == 0 || strcmp(type, "application/xml") == 0 ||
        strcmp(type, "text/html") == 0)
        return WEBHOOK_MARKUP;
    if (strcmp(type, "text/plain") == 0)
        return WEBHOOK_TEXT;
    return strncmp(type, "audio/", 6) == 0 ? WEBHOOK_AUDIO : WEBHOOK_OTHER;
}

/* A 2xx came: is it something we can use? */
static void judge_body(struct webhook *wh, struct webhook_reply *reply)
{
    char why[160];

    if (wh->callback || reply->status == 204) {
        finish(wh, reply);
        return;
    }
    if (reply->body_len == 0) {
        fail(wh, reply, 11770, "the answer is empty; to do nothing, answer <Response/>");
        return;
    }
    if (reply->body_len > WEBHOOK_MAX_BYTES) {
        fail(wh, reply, 11750, "the answer is larger than 64 kB");
        return;
    }
    reply->kind = kind_of(reply->content_type);
    if (reply->kind != WEBHOOK_OTHER) {
        finish(wh, reply);
        return;
    }
    snprintf(why, sizeof why, "the answer's Content-Type is %.60s; markup needs text/xml",
             reply->content_type == NULL ? "missing" : reply->content_type);
    fail(wh, reply, 12300, why);
}

static void judge(struct webhook *wh, const struct http_reply *r)
{
    struct webhook_reply reply = {
        .status = r->status,
        .url = r->url,
        .content_type = r->content_type,
        .body = r->body,
        .body_len = r->body_len,
    };
    char why[80];

    if (r->failure == HTTP_TOO_LARGE) {
        fail(wh, &reply, 11750, "the answer is larger than 64 kB");
    } else if (r->failure != HTTP_DONE) {
        fail(wh, &reply, http_failure_twilio(r->failure), r->text);
    } else if (r->status < 200 || r->status > 299) {
        snprintf(why, sizeof why, "answered with status %d; a 2xx is needed", r->status);
        fail(wh, &reply, 11200, why);
    } else {
        judge_body(wh, &reply);
    }
}

/* --- attempts --- */

static int time_left(const struct webhook *wh)
{
    int64_t spent = (loop_now(wh->owner->loop) - wh->started) / 1000;

    return spent >= wh->overrides.tt ? 0 : (int)(wh->overrides.tt - spent);
}

/* Once part of a reply came the request may have had its effect, so only a whole reply that the
 * policy names is asked for again. */
static bool wants_retry(const struct webhook *wh, const struct http_reply *r)
{
    unsigned policy = wh->overrides.rp;

    if (wh->attempts > wh->overrides.rc || time_left(wh) == 0)
        return false;
    switch (r->failure) {
    case HTTP_DONE:
        return (r->status >= 400 && r->status <= 499 && (policy & OVERRIDE_4XX)) ||
               (r->status >= 500 && r->status <= 599 && (policy & OVERRIDE_5XX));
    case HTTP_CONNECT:
    case HTTP_TLS:
        return policy & OVERRIDE_CT;
    case HTTP_TIMEOUT:
    case HTTP_PROTOCOL:
        return !r->began && (policy & OVERRIDE_RT);
    default:
        return false;
    }
}

static void on_reply(const struct http_reply *r, void *arg);

static int attempt(struct webhook *wh, struct error *err)
{
    struct http_port *port = &wh->owner->port;
    int left = time_left(wh);

    wh->rq.total_ms = left;
    wh->rq.connect_ms = wh->overrides.ct < left ? wh->overrides.ct : left;
    wh->rq.read_ms = wh->overrides.rt < left ? wh->overrides.rt : left;
    wh->attempts++;
    wh->handle = port->start(port->self, &wh->rq, on_reply, wh, err);
    return wh->handle != NULL ? 0 : ERR_IO;
}

static void on_reply(const struct http_reply *r, void *arg)
{
    struct webhook *wh = arg;
    struct webhook_reply nothing = {0};
    struct error err = {0};

    wh->handle = NULL;
    if (!wants_retry(wh, r))
        judge(wh, r);
    else if (attempt(wh, &err) != 0)
        fail(wh, &nothing, 11200, err.text);
}

static void on_deadline(void *arg)
{
    struct webhook *wh = arg;
    struct webhook_reply nothing = {0};
    char why[80];

    if (wh->handle != NULL)
        wh->owner->port.cancel(wh->owner->port.self, wh->handle);
    wh->handle = NULL;
    snprintf(why, sizeof why, "no complete answer within %d ms", wh->overrides.tt);
    fail(wh, &nothing, 11200, why);
}

/* --- the request --- */

static int build_url(struct webhook *wh, const struct webhook_request *rq, struct error *err)
{
    struct http_url u;
    int limit;

    if (http_url_split(&u, rq->url, err) != 0)
        return err != NULL ? err->code : ERR_INVALID;
    http_url_overrides(&wh->overrides, u.fragment);
    limit = wh->owner->config != NULL ? wh->owner->config->http.timeout_ms : 0;
    if (limit <= 0 || limit > WEBHOOK_MAX_MS)
        limit = WEBHOOK_MAX_MS;
    if (wh->overrides.tt > limit)
        wh->overrides.tt = limit;

    http_url_request(&u, rq->url, &wh->url);
    if (rq->get && rq->params != NULL && webhook_params_count(rq->params) > 0) {
        str_addc(&wh->url, memchr(u.rest, '?', u.rest_len) != NULL ? '&' : '?');
        webhook_params_form(rq->params, &wh->url);
    }
    str_add(&wh->shown, rq->get ? "GET " : "POST ");
    http_url_public(&u, &wh->shown);

    if (rq->own != NULL && str_copy(wh->own, sizeof wh->own, rq->own))
        wh->rq.rule.own = wh->own;
    if (wh->url.failed || wh->shown.failed)
        return error_set(err, ERR_NOMEM, "webhook: out of memory, or parameters too large");
    return 0;
}

/* The form of a UUID, as Twilio's has it; the same for every attempt. */
static void write_token(struct webhook *wh)
{
    unsigned char b[16];

    rng_bytes(wh->owner->rng, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(wh->token, sizeof wh->token,
             "I-Twilio-Idempotency-Token: "
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

static int build_headers(struct webhook *wh, const struct webhook_request *rq, struct error *err)
{
    char signature[32];
    size_t n = 0;

    wh->headers[n++] = "User-Agent: " HTTP_USER_AGENT;
    wh->headers[n++] = "Accept: */*";
    if (!rq->get)
        wh->headers[n++] = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8";
    write_token(wh);
    wh->headers[n++] = wh->token;
    if (rq->auth_token != NULL) {
        if (webhook_sign(rq->auth_token, str_text(&wh->url), rq->get ? NULL : rq->params,
                         signature) != 0)
            return error_nomem(err);
        snprintf(wh->signature, sizeof wh->signature, "X-Twilio-Signature: %s", signature);
        wh->headers[n++] = wh->signature;
    }
    return 0;
}

static int build(struct webhook *wh, const struct webhook_request *rq, struct error *err)
{
    const struct config *config = wh->owner->config;
    int rc = build_url(wh, rq, err);

    if (rc == 0)
        rc = build_headers(wh, rq, err);
    if (rc != 0)
        return rc;
    wh->rq.method = rq->get ? "GET" : "POST";
    wh->rq.url = str_text(&wh->url);
    wh->rq.headers = wh->headers;
    if (!rq->get) {
        webhook_params_form(rq->params, &wh->body);
        if (wh->body.failed)
            return error_nomem(err);
        wh->rq.body = str_text(&wh->body);
        wh->rq.body_len = wh->body.len;
    }
    wh->rq.no_sni = wh->overrides.no_sni;
    wh->rq.max_bytes = WEBHOOK_MAX_BYTES;
    wh->rq.jar = rq->jar;
    wh->rq.rule.trust = rq->trust;
    if (config != NULL) {
        wh->rq.rule.allow = config->http.allow;
        wh->rq.rule.n_allow = config->http.n_allow;
        wh->rq.rule.ca_file = config->http.ca_file;
    }
    return 0;
}

struct webhook *webhook_start(struct webhooks *w, const struct webhook_request *rq, webhook_h *h,
                              void *arg, struct error *err)
{
    struct webhook *wh = mem_alloc(sizeof *wh);

    if (wh == NULL) {
        error_nomem(err);
        return NULL;
    }
    wh->owner = w;
    wh->h = h;
    wh->arg = arg;
    wh->callback = rq->callback;
    wh->started = loop_now(w->loop);
    /* Percent-encoding makes at most three bytes of one. */
    str_init(&wh->url, HTTP_URL_MAX + 3 * 256 * 1024);
    str_init(&wh->body, 3 * 256 * 1024);
    str_init(&wh->shown, HTTP_URL_MAX + 8);
    timer_init(&wh->deadline, w->loop, on_deadline, wh);
    if (build(wh, rq, err) != 0 || attempt(wh, err) != 0) {
        forget(wh);
        return NULL;
    }
    timer_start(&wh->deadline, wh->overrides.tt);
    list_append(&w->live, &wh->node);
    return wh;
}
