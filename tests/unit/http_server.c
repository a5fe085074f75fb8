#include "tests/unit/http_server.h"

#include "base/mem.h"
#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_server {
    uv_tcp_t tcp;
    http_got_h *h;
    void *arg;
    struct list conns;
    int port, connections, requests;
    char first[2048];
    size_t first_len;
};

struct http_conn {
    uv_tcp_t tcp;
    struct http_server *server;
    struct link_node node;
    struct str in;
    char chunk[4096];
    bool closing;
};

struct out {
    uv_write_t req;
    char bytes[];
};

static void on_server_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

static void on_conn_closed(uv_handle_t *h)
{
    struct http_conn *c = h->data;

    str_free(&c->in);
    mem_free(c);
}

static bool leave(struct http_conn *c)
{
    if (c->closing)
        return false;
    c->closing = true;
    list_remove(&c->node);
    return true;
}

void http_conn_close(struct http_conn *c)
{
    if (leave(c))
        uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

void http_conn_reset(struct http_conn *c)
{
    if (leave(c))
        uv_tcp_close_reset(&c->tcp, on_conn_closed);
}

static void on_written(uv_write_t *req, int status)
{
    (void)status;
    mem_free(req);
}

void http_conn_raw(struct http_conn *c, const char *bytes, size_t len)
{
    uv_buf_t now = uv_buf_init((char *)bytes, (unsigned)len), rest;
    struct out *out;
    int done;

    if (c->closing)
        return;
    done = uv_try_write((uv_stream_t *)&c->tcp, &now, 1);
    if (done < 0)
        done = 0;
    if ((size_t)done == len || (out = mem_alloc(sizeof *out + len)) == NULL)
        return;
    memcpy(out->bytes, bytes + done, len - (size_t)done);
    rest = uv_buf_init(out->bytes, (unsigned)(len - (size_t)done));
    if (uv_write(&out->req, (uv_stream_t *)&c->tcp, &rest, 1, on_written) != 0)
        mem_free(out);
}

void http_conn_reply(struct http_conn *c, int status, const char *headers, const char *body,
                     size_t len)
{
    struct str s = STR_INIT(len + 10000);

    str_addf(&s, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status, len, headers);
    str_addn(&s, body, len);
    http_conn_raw(c, str_text(&s), s.len);
    str_free(&s);
}

/* Hands over the first whole request; true when there was one. */
static bool take_request(struct http_conn *c)
{
    struct http_got got = {0};
    char *end = c->in.len > 0 ? strstr(c->in.data, "\r\n\r\n") : NULL, *field;
    size_t head, body = 0;
    char *copy;

    if (end == NULL)
        return false;
    head = (size_t)(end - c->in.data) + 4;
    field = strcasestr(c->in.data, "\r\nContent-Length:");
    if (field != NULL && field < end)
        body = strtoul(field + 17, NULL, 10);
    if (c->in.len < head + body || (copy = mem_strndup(c->in.data, head + body)) == NULL)
        return false;
    memmove(c->in.data, c->in.data + head + body, c->in.len - head - body + 1);
    c->in.len -= head + body;
    sscanf(copy, "%7s %299s", got.method, got.path);
    got.body = copy + head;
    copy[head - 1] = '\0';
    got.head = copy;
    c->server->requests++;
    c->server->h(c, &got, c->server->arg);
    mem_free(copy);
    return !c->closing;
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
    struct http_conn *c = h->data;

    (void)size;
    *buf = uv_buf_init(c->chunk, sizeof c->chunk);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct http_conn *c = stream->data;
    struct http_server *s = c->server;

    if (n < 0) {
        http_conn_close(c);
        return;
    }
    if (s->first_len == 0 && (size_t)n < sizeof s->first) {
        memcpy(s->first, buf->base, (size_t)n);
        s->first_len = (size_t)n;
    }
    str_addn(&c->in, buf->base, (size_t)n);
    while (take_request(c))
        ;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct http_server *s = stream->data;
    struct http_conn *c = status == 0 ? mem_alloc(sizeof *c) : NULL;

    if (c == NULL)
        return;
    s->connections++;
    s->first_len = 0;
    c->server = s;
    str_init(&c->in, 1024 * 1024);
    uv_tcp_init(stream->loop, &c->tcp);
    c->tcp.data = c;
    list_append(&s->conns, &c->node);
    if (uv_accept(stream, (uv_stream_t *)&c->tcp) != 0)
        http_conn_close(c);
    else
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_bytes);
}

struct http_server *http_server_new(struct loop *loop, http_got_h *h, void *arg)
{
    struct http_server *s = mem_alloc(sizeof *s);
    struct sockaddr_storage addr;
    int len = sizeof addr;

    if (s == NULL)
        return NULL;
    s->h = h;
    s->arg = arg;
    list_init(&s->conns);
    uv_tcp_init(loop_uv(loop), &s->tcp);
    s->tcp.data = s;
    uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&addr);
    if (uv_tcp_bind(&s->tcp, (struct sockaddr *)&addr, 0) != 0 ||
        uv_listen((uv_stream_t *)&s->tcp, 64, on_connection) != 0 ||
        uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&addr, &len) != 0)
        return http_server_free(s);
    s->port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
    return s;
}

struct http_server *http_server_free(struct http_server *s)
{
    struct link_node *n;

    if (s == NULL)
        return NULL;
    while ((n = list_first(&s->conns)) != NULL)
        http_conn_close(list_entry(n, struct http_conn, node));
    uv_close((uv_handle_t *)&s->tcp, on_server_closed);
    return NULL;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

int http_server_connections(const struct http_server *s)
{
    return s->connections;
}

int http_server_requests(const struct http_server *s)
{
    return s->requests;
}

const char *http_server_first_bytes(const struct http_server *s, size_t *len)
{
    *len = s->first_len;
    return s->first;
}
