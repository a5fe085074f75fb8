/* A small HTTP server on the test's own loop, for what needs real sockets: it hands each whole
 * request to the test, which answers as well or as badly as it likes. */
#ifndef ALMON_TESTS_HTTP_SERVER_H
#define ALMON_TESTS_HTTP_SERVER_H

#include "base/loop.h"
#include <stddef.h>

struct http_conn;
struct http_got {
    char method[8];
    char path[300];
    const char *head; /* the whole head as text */
    const char *body; /* NUL-terminated */
};
typedef void http_got_h(struct http_conn *c, const struct http_got *got, void *arg);

struct http_server;
struct http_server *http_server_new(struct loop *loop, http_got_h *h, void *arg);
/* Closes what is open. Returns NULL. */
struct http_server *http_server_free(struct http_server *s);
int http_server_port(const struct http_server *s);
int http_server_connections(const struct http_server *s); /* accepted so far */
int http_server_requests(const struct http_server *s);
/* The first bytes that came on the last connection, for what is no HTTP. */
const char *http_server_first_bytes(const struct http_server *s, size_t *len);

/* `headers` are whole lines with "\r\n", or "". Content-Length is added. */
void http_conn_reply(struct http_conn *c, int status, const char *headers, const char *body,
                     size_t len);
void http_conn_raw(struct http_conn *c, const char *bytes, size_t len);
void http_conn_close(struct http_conn *c);
void http_conn_reset(struct http_conn *c);

#endif
