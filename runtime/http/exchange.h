/* The first of the two seams: one HTTP exchange. A request goes out; status, headers and body, or a
 * named failure, come back; it can be cancelled. libcurl does it in `serve`, the scenario in
 * `test`. Redirects and cookies are done below the seam (the network rules are judged at each
 * connect); signing, retries, overrides, fallback, content types and limits are above it. */
#ifndef ALMON_HTTP_EXCHANGE_H
#define ALMON_HTTP_EXCHANGE_H

#include "base/error.h"
#include "base/loop.h"
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>

#define HTTP_USER_AGENT "Almon/0.1"

/* How a URL came to us decides what it may reach (issue 2, "Network rules"). */
enum http_trust {
    HTTP_OPERATOR, /* written in almon.lua: its first hop may go anywhere; redirects are judged as
                      HTTP_DOCUMENT */
    HTTP_DOCUMENT, /* from a document, a redirect or Lua: public addresses, `own`, http.allow */
};

struct http_rule {
    enum http_trust trust;
    const char *own;          /* "host:port" of that number's own flow, or NULL */
    const char *const *allow; /* config http.allow */
    size_t n_allow;
    const char *ca_file;
};

enum http_failure {
    HTTP_DONE,      /* there is a reply, whatever its status */
    HTTP_CONNECT,   /* 11205 could not connect */
    HTTP_HOST,      /* 11210 no such host */
    HTTP_TLS,       /* 11220 handshake or certificate */
    HTTP_PROTOCOL,  /* 11206 not HTTP, reset, half a body */
    HTTP_TIMEOUT,   /* 11200 */
    HTTP_REDIRECTS, /* 11215 */
    HTTP_TOO_LARGE, /* 11750 */
    HTTP_REFUSED,   /* 11205 the network rules forbid the address */
    HTTP_FAILED,    /* 11200 anything else */
};

/* Twilio's code, 0 for HTTP_DONE. */
int http_failure_twilio(enum http_failure failure);

/* Cookies of one call (or of one pair of numbers): lines in libcurl's own format. Empty until one
 * is set; bounded to 50 cookies and 16 kB. */
struct http_jar {
    char **lines;
    size_t count, bytes;
};
enum { HTTP_JAR_COOKIES = 50, HTTP_JAR_BYTES = 16 * 1024 };
void http_jar_free(struct http_jar *jar);
/* Copies. 0, ERR_NOMEM, or ERR_LIMIT (the jar stays as it was). */
int http_jar_add(struct http_jar *jar, const char *line);

struct http_request {
    const char *method;         /* "GET", "POST"; from Lua also "PUT", "PATCH", "DELETE" */
    const char *url;            /* no fragment; user:pass@ allowed (Basic and Digest) */
    const char *const *headers; /* "Name: value", NULL-ended; may be NULL */
    const char *body;           /* NULL: none */
    size_t body_len;
    int connect_ms, read_ms, total_ms;
    bool no_sni;
    size_t max_bytes;    /* of the body */
    const char *save_to; /* write the body to this file instead (media), else NULL */
    struct http_rule rule;
    struct http_jar *jar; /* may be NULL */
};

struct http_reply {
    enum http_failure failure;
    char text[200]; /* what failed, for people */
    bool began;     /* some bytes of a reply were received */
    int status;
    const char *url;                                                           /* after redirects */
    const char *content_type, *etag, *last_modified, *cache_control, *expires; /* NULL: absent */
    const char *body; /* NUL-terminated for convenience; may hold NULs */
    size_t body_len;
    int redirects;
    int64_t ms;
};

typedef void http_reply_h(const struct http_reply *reply, void *arg);

/* Whoever does exchanges fills this in. */
struct http_port {
    /* Starts; `h` is called exactly once on the loop, never from within this call, unless
     * cancelled. Everything in `rq` is copied, but `jar` must live until the end. Returns a handle,
     * or NULL with *err set. */
    void *(*start)(void *self, const struct http_request *rq, http_reply_h *h, void *arg,
                   struct error *err);
    void (*cancel)(void *self, void *handle);
    void *self;
};

/* libcurl's multi interface on a real loop. */
struct http_curl;
int http_curl_new(struct http_curl **hp, struct loop *loop, struct error *err);
struct http_port http_curl_port(struct http_curl *h);
/* Cancels what runs. Returns NULL. */
struct http_curl *http_curl_free(struct http_curl *h);

/* The network rules as a pure function: may `addr` (sockaddr) be connected to for this hop?
 * `host` and `port` are what the URL of the hop says; `hop` is 0 for the first request. */
struct sockaddr;
bool http_rule_allows(const struct http_rule *rule, const struct sockaddr *addr, const char *host,
                      int port, int hop);

#endif
