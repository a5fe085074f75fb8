/* What http and https URLs have beyond base/url.h: a host, a port, and what is signed or shown of
 * them; and the connection overrides that a webhook URL may carry in its fragment (webhooks.md
 * §6.3). All are pure functions of their bytes; connecting is libcurl's, which parses for itself.
 */
#ifndef ALMON_HTTP_URL_H
#define ALMON_HTTP_URL_H

#include "base/error.h"
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>

enum { HTTP_URL_MAX = 8192 };

/* Points into the text it was made from. */
struct http_url {
    bool tls;
    const char *user; /* "name:password", percent-encoded; NULL: none */
    size_t user_len;
    const char *host; /* without the brackets of IPv6 */
    size_t host_len;
    int port;              /* 80 or 443 when the text has none */
    const char *authority; /* host and port as written, without user */
    const char *rest;      /* "/path?query", may be empty; ends at rest_len */
    size_t rest_len;
    const char *fragment; /* after '#'; NULL: none */
};

/* 0, or ERR_INVALID with 11100: not an absolute http or https URL. */
int http_url_split(struct http_url *u, const char *text, struct error *err);
/* "host:port", lower case, IPv6 in brackets: what struct http_rule calls `own`. */
void http_url_origin(const struct http_url *u, struct str *out);
/* The URL without user and fragment: what is signed and what may be logged. */
void http_url_public(const struct http_url *u, struct str *out);
/* The URL as a request line may hold it: without fragment, and every byte beyond ASCII in path and
 * query percent-encoded. `text` is what `u` was made from. */
void http_url_request(const struct http_url *u, const char *text, struct str *out);

enum {
    OVERRIDE_4XX = 1,
    OVERRIDE_5XX = 2,
    OVERRIDE_CT = 4,
    OVERRIDE_RT = 8,
};

struct http_url_overrides {
    int ct, rt, tt; /* milliseconds: connect, read, total */
    int rc;         /* retries */
    unsigned rp;    /* what is retried: OVERRIDE_* */
    bool no_sni;
    int twilio;     /* 0, or 11240 to 11243: what is wrong with them; the default holds instead */
    char text[200]; /* and in words: the first problem */
};
/* `fragment` may be NULL. */
void http_url_overrides(struct http_url_overrides *o, const char *fragment);

#endif
