/* One logical request to the application: form parameters, signature, overrides (#rc=2&ct=500),
 * retries, limits, and what kind of answer came. Above the seam of exchange.h, so it runs in
 * virtual time too. Fallback URLs are the session's business (a broken document needs one as well).
 * Source: webhooks.md §6, §7. */
#ifndef ALMON_HTTP_WEBHOOK_H
#define ALMON_HTTP_WEBHOOK_H

#include "base/config.h"
#include "base/loop.h"
#include "base/sid.h"
#include "http/exchange.h"

enum {
    WEBHOOK_MAX_BYTES = 64 * 1024,
    WEBHOOK_MAX_MS = 15000,
};

/* What the answer is (webhooks.md §6.1). */
enum webhook_kind {
    WEBHOOK_NOTHING, /* empty or 204 */
    WEBHOOK_MARKUP,  /* text/xml, application/xml, text/html */
    WEBHOOK_TEXT,    /* text/plain */
    WEBHOOK_AUDIO,   /* an audio type */
    WEBHOOK_OTHER,   /* 12300 */
};

struct webhook_params; /* an ordered list of name and value, names may repeat */
struct webhook_params *webhook_params_new(void);
struct webhook_params *webhook_params_free(struct webhook_params *p);
/* Copies; NULL value is left out. 0 or ERR_NOMEM, ERR_LIMIT (1,000 parameters, 256 kB). */
int webhook_params_add(struct webhook_params *p, const char *name, const char *value);
/* Replaces all of that name. */
int webhook_params_set(struct webhook_params *p, const char *name, const char *value);
const char *webhook_params_get(const struct webhook_params *p, const char *name);
size_t webhook_params_count(const struct webhook_params *p);
const char *webhook_params_at(const struct webhook_params *p, size_t i, const char **value);

struct webhook_request {
    const char *url; /* absolute http(s), may end in #overrides */
    bool get;        /* else POST */
    const struct webhook_params *params;
    const char *auth_token; /* signs; NULL: unsigned */
    enum http_trust trust;
    const char *own;      /* see struct http_rule */
    struct http_jar *jar; /* may be NULL */
    bool callback;        /* a status callback: any 2xx is fine, body ignored, else 15003 */
};

struct webhook_reply {
    int twilio;     /* 0: fine; else the code of what went wrong (11200 … 12300) */
    char text[300]; /* one clear line when twilio is not 0 */
    enum webhook_kind kind;
    int status;      /* HTTP; 0 when there was no reply */
    const char *url; /* after redirects: the base of relative URLs */
    const char *content_type;
    const char *body; /* NUL-terminated */
    size_t body_len;
    int attempts;
    int64_t ms;
    int warning;              /* 0, or 11240 to 11243: the URL's overrides are partly wrong */
    const char *warning_text; /* NULL when there is none */
};
typedef void webhook_h(const struct webhook_reply *reply, void *arg);

struct webhooks;
struct webhook;
int webhooks_new(struct webhooks **wp, struct loop *loop, struct http_port port, struct rng *rng,
                 struct error *err);
/* The configuration (timeouts, http.allow) used from now on; must outlive its use. */
void webhooks_set_config(struct webhooks *w, const struct config *config);
struct webhooks *webhooks_free(struct webhooks *w);
/* What its exchanges go through, for requests that are no webhooks. */
const struct http_port *webhooks_port(const struct webhooks *w);

/* Starts; `h` is called exactly once on the loop, never from within, unless cancelled. Everything
 * is copied but `jar`. NULL with *err set when it cannot even be asked (11100 bad URL). */
struct webhook *webhook_start(struct webhooks *w, const struct webhook_request *rq, webhook_h *h,
                              void *arg, struct error *err);
void webhook_cancel(struct webhook *wh);

/* X-Twilio-Signature (webhooks.md §7); `params` NULL for GET. `out` holds 29 bytes. */
int webhook_sign(const char *token, const char *url, const struct webhook_params *params,
                 char out[32]);

#endif
