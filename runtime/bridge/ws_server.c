/* A listening socket of our own, so that its errors are ours to say; libwebsockets adopts what it
 * accepts. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/ws.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_AT_ONCE  64
#define ACCEPT_AGAIN_MS 200
#define COMPLAIN_US     10000000 /* a line about too many guests, at most so often */

/* Who connected and has not said yet who he is. */
struct guest {
    struct lws *wsi;
    struct in6_addr from;
};

struct ws_server {
    struct ws_context *context;
    uv_poll_t poll;
    int fd;
    struct timer again;                     /* accepting pauses until then */
    struct guest guests[WS_SERVER_SOCKETS]; /* in the order of their coming */
    unsigned n_guests;
    int64_t complained; /* 0: never */
    void (*closed)(void *arg);
    void *arg;
};

static void on_connection(uv_poll_t *poll, int status, int events);

static void resume_accepting(void *arg)
{
    struct ws_server *s = arg;

    uv_poll_start(&s->poll, UV_READABLE, on_connection);
}

/* No descriptor or memory is free, and the one who knocks stays: without a pause the media loop
 * would turn about him alone. */
static void pause_accepting(struct ws_server *s)
{
    log_warn("bridge", NULL, "cannot accept a connection: %s; tried again in %d ms",
             strerror(errno), ACCEPT_AGAIN_MS);
    uv_poll_stop(&s->poll);
    timer_start(&s->again, ACCEPT_AGAIN_MS);
}

/* --- guests --- */

/* An IPv4 address as a mapped one; of an IPv6 address its /64, since one host has all of that. */
static struct in6_addr source_of(const struct sockaddr *sa)
{
    struct in6_addr from = {0};

    if (sa->sa_family == AF_INET) {
        from.s6_addr[10] = from.s6_addr[11] = 0xff;
        memcpy(from.s6_addr + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        from = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(&from))
            memset(from.s6_addr + 8, 0, 8);
    }
    return from;
}

void ws_guest_leaves(struct ws_server *s, struct lws *wsi)
{
    for (unsigned i = 0; i < s->n_guests; i++) {
        if (s->guests[i].wsi != wsi)
            continue;
        s->n_guests--;
        memmove(s->guests + i, s->guests + i + 1, (s->n_guests - i) * sizeof *s->guests);
        return;
    }
}

static void complain(struct ws_server *s, const struct sockaddr *sa, socklen_t len)
{
    int64_t now = loop_now(s->context->loop);
    char from[64] = "?";

    if (s->complained != 0 && now - s->complained < COMPLAIN_US)
        return;
    s->complained = now;
    getnameinfo(sa, len, from, sizeof from, NULL, 0, NI_NUMERICHOST);
    log_warn("bridge", NULL,
             "%s has more than %d connections that have not said hello: the oldest are closed",
             from, LINK_GUESTS_EACH);
}

/* Where there are too many guests of one address its oldest goes, and never who just came: a
 * gateway says hello at once, so it is known before it is the oldest, whoever else crowds there. */
static void make_room(struct ws_server *s, const struct in6_addr *from, const struct sockaddr *sa,
                      socklen_t len)
{
    struct lws *oldest = NULL;
    unsigned n = 0;

    for (unsigned i = s->n_guests; i-- > 0;) {
        if (memcmp(&s->guests[i].from, from, sizeof *from) == 0) {
            oldest = s->guests[i].wsi;
            n++;
        }
    }
    if (n < LINK_GUESTS_EACH && s->n_guests < WS_SERVER_SOCKETS)
        return;
    if (n < LINK_GUESTS_EACH)
        oldest = s->guests[0].wsi;
    else
        complain(s, sa, len);
    ws_guest_leaves(s, oldest);
    ws_close_soon(oldest);
}

static void take_in(struct ws_server *s, int fd, const struct in6_addr *from)
{
    struct lws *wsi;

    ws_tune_socket(fd);
    wsi = lws_adopt_socket_vhost(s->context->vhost, fd);
    if (wsi != NULL)
        s->guests[s->n_guests++] = (struct guest){.wsi = wsi, .from = *from};
    else
        log_warn("bridge", NULL, "a connection was dropped: no place for it");
}

/* --- accepting --- */

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct ws_server *s = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage sa = {0};
        socklen_t len = sizeof sa;
        int fd = accept4(s->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct in6_addr from;

        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED)
                pause_accepting(s);
            return;
        }
        from = source_of((struct sockaddr *)&sa);
        make_room(s, &from, (struct sockaddr *)&sa, len);
        take_in(s, fd, &from);
    }
}

int ws_server_new(struct ws_server **sp, struct loop *loop, int fd,
                  void (*accepted)(void *arg, struct link *l), void *arg, struct error *err)
{
    struct ws_server *s = mem_alloc(sizeof *s);
    int rc;

    if (s == NULL) {
        close(fd);
        return error_nomem(err);
    }
    s->fd = fd;
    rc = ws_context_new(&s->context, loop, true, err);
    if (rc == 0 && (rc = uv_poll_init(loop_uv(loop), &s->poll, fd)) != 0) {
        ws_context_end(s->context, NULL, NULL);
        rc = error_set(err, ERR_IO, "cannot watch the bridge's socket: %s", uv_strerror(rc));
    }
    if (rc != 0) {
        close(fd);
        mem_free(s);
        return rc;
    }
    s->context->server = s;
    s->context->accepted = accepted;
    s->context->accepted_arg = arg;
    s->poll.data = s;
    timer_init(&s->again, loop, resume_accepting, s);
    uv_poll_start(&s->poll, UV_READABLE, on_connection);
    *sp = s;
    return 0;
}

struct ws_context *ws_server_context(struct ws_server *s)
{
    return s->context;
}

/* --- what a handshake says --- */

/* "Basic dXNlcjpwYXNz": what does not fit stays empty, and then fits no gateway. */
static void read_basic(struct lws *wsi, struct link_request *r)
{
    char header[512] = "", plain[400];
    int n = lws_hdr_copy(wsi, header, sizeof header, WSI_TOKEN_HTTP_AUTHORIZATION);
    const char *colon;

    if (n <= 6 || strncasecmp(header, "Basic ", 6) != 0)
        return;
    n = lws_b64_decode_string_len(header + 6, n - 6, plain, sizeof plain - 1);
    if (n <= 0)
        return;
    plain[n] = '\0';
    colon = strchr(plain, ':');
    if (colon == NULL || (size_t)(colon - plain) >= sizeof r->user)
        return;
    if (str_copy(r->password, sizeof r->password, colon + 1))
        memcpy(r->user, plain, (size_t)(colon - plain));
}

static void read_query(struct lws *wsi, struct link_request *r)
{
    size_t len = 0;
    int n;

    for (int i = 0;
         (n = lws_hdr_copy_fragment(wsi, r->query + len, (int)(sizeof r->query - len - 1),
                                    WSI_TOKEN_HTTP_URI_ARGS, i)) > 0;
         i++) {
        len += (size_t)n;
        r->query[len++] = '\n';
        if (len + 1 >= sizeof r->query)
            break;
    }
    r->query[len] = '\0';
}

struct link_request *ws_request(struct lws *wsi)
{
    struct link_request *r = mem_alloc(sizeof *r);

    if (r == NULL)
        return NULL;
    if (lws_hdr_copy(wsi, r->path, sizeof r->path, WSI_TOKEN_GET_URI) < 0)
        r->path[0] = '\0';
    read_basic(wsi, r);
    read_query(wsi, r);
    return r;
}

/* --- its end --- */

static void on_context_closed(void *arg)
{
    struct ws_server *s = arg;

    s->closed(s->arg);
    mem_free(s);
}

static void on_poll_closed(uv_handle_t *h)
{
    struct ws_server *s = h->data;

    close(s->fd);
    ws_context_end(s->context, on_context_closed, s);
}

void ws_server_close(struct ws_server *s, void (*closed)(void *arg), void *arg)
{
    s->closed = closed;
    s->arg = arg;
    timer_stop(&s->again);
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
}
