/* Private to the room: libcurl's side of the exchange. multi.c owns the loop glue, transfer.c one
 * exchange. */
#ifndef ALMON_HTTP_TRANSFER_H
#define ALMON_HTTP_TRANSFER_H

#include "base/arena.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/str.h"
#include "http/exchange.h"
#include <curl/curl.h>

enum {
    HTTP_POOL = 32,         /* easy handles kept for the next request */
    HTTP_IDLE_MS = 30000,   /* after this nothing of libcurl is kept */
    HTTP_CONNECTIONS = 256, /* kept alive at most */
    HTTP_MAX_REDIRECTS = 10,
    HTTP_MAX_HEADER_BYTES = 128 * 1024, /* of all replies of one exchange */
    HTTP_MAX_REQUEST_BYTES = 2 * 1024 * 1024,
};

struct http_curl {
    struct loop *loop;
    CURLM *multi;         /* NULL while idle for long */
    struct timer timeout; /* libcurl's */
    struct task soon;     /* and when it is 0 */
    struct timer idle;
    struct list transfers;
    CURL *pool[HTTP_POOL];
    size_t pooled;
    bool started; /* curl_global_init() was called */
};

/* The header fields that a reply hands on. */
enum { FIELD_TYPE, FIELD_ETAG, FIELD_MODIFIED, FIELD_CACHE, FIELD_EXPIRES, FIELDS };

struct transfer {
    struct http_curl *owner;
    struct link_node node;
    CURL *easy;
    http_reply_h *h;
    void *arg;
    int64_t started; /* loop_now() */

    struct arena arena; /* of the copy of the request */
    struct http_request rq;
    struct curl_slist *headers;
    char origin[300]; /* "host:port" of the first request */

    struct timer read; /* nothing came for so long */
    bool connected;    /* of this hop */
    bool began, cookies_came;
    bool refused, too_large, headers_too_large, read_timeout, write_failed;
    char why[200]; /* of refused and write_failed */
    size_t header_bytes, received;
    struct str body;
    int fd; /* of save_to, -1: none */
    char fields[FIELDS][256];
    char error[CURL_ERROR_SIZE];
};

/* A transfer ready to be added to the multi handle; takes `easy` over on success only. */
int transfer_new(struct transfer **tp, struct http_curl *owner, CURL *easy,
                 const struct http_request *rq, http_reply_h *h, void *arg, struct error *err);
/* Writes the reply, which points into the transfer, and updates the request's jar. */
void transfer_reply(struct transfer *t, CURLcode code, struct http_reply *reply);
/* Frees all but the easy handle. */
void transfer_free(struct transfer *t);

/* multi.c: ends a transfer from outside of libcurl's callbacks. */
void transfer_end(struct transfer *t, CURLcode code);

#endif
