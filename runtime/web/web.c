#include "web/web.h"

#include "base/disk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "web/private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* Turns of the loop between the two halves of libwebsockets' end: it closes its connections'
 * handles in the first and its own in the second. */
enum { END_TURNS = 6, ACCEPT_AT_ONCE = 16, ACCEPT_AGAIN_MS = 200 };

static const struct lws_protocols protocols[] = {
    {.name = "http",
     .callback = answer_callback,
     .per_session_data_size = sizeof(struct answer),
     .rx_buffer_size = 4096},
    {0},
};

/* --- the socket: our own, so that its errors are ours to say --- */

static int bind_to(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 64) == 0)
        return fd;
    close(fd);
    return -1;
}

static int open_socket(struct web *w, const char *address, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    const char *colon = strrchr(address, ':');
    char host[256];
    size_t n = colon != NULL ? (size_t)(colon - address) : 0;
    int rc;

    if (colon == NULL || n >= sizeof host)
        return error_set(err, ERR_INVALID, "web: '%.100s' is no address; write host:port", address);
    if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
        address++;
        n -= 2;
    }
    memcpy(host, address, n);
    host[n] = '\0';
    rc = getaddrinfo(n > 0 ? host : NULL, colon + 1, &hints, &list);
    if (rc != 0)
        return error_set(err, ERR_INVALID,
                         "web: cannot listen on %s%s: %s; set server.http to an address of this "
                         "machine",
                         host, colon, gai_strerror(rc));
    w->fd = bind_to(list);
    freeaddrinfo(list);
    if (w->fd < 0 || getsockname(w->fd, (struct sockaddr *)&bound, &len) != 0)
        return error_set(err, ERR_IO,
                         "web: cannot listen on %s%s: %s; set server.http to another address", host,
                         colon, strerror(errno));
    w->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                                : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    return 0;
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void resume_accepting(void *arg)
{
    struct web *w = arg;

    uv_poll_start(w->poll, UV_READABLE, on_connection);
}

/* No descriptor or memory is free, and the one who knocks stays: without a pause the loop would do
 * nothing else. */
static void pause_accepting(struct web *w)
{
    log_warn("web", NULL, "cannot accept a connection: %s; tried again in %d ms", strerror(errno),
             ACCEPT_AGAIN_MS);
    uv_poll_stop(w->poll);
    timer_start(&w->again, ACCEPT_AGAIN_MS);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct web *w = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED)
                pause_accepting(w);
            return;
        }
        if (lws_adopt_socket_vhost(w->vhost, fd) == NULL)
            log_warn("web", NULL, "a connection was dropped: no place for it");
    }
}

static int watch_socket(struct web *w, struct error *err)
{
    int rc;

    w->poll = mem_alloc(sizeof *w->poll);
    if (w->poll == NULL)
        return error_nomem(err);
    rc = uv_poll_init(loop_uv(w->loop), w->poll, w->fd);
    if (rc != 0) {
        mem_free(w->poll);
        w->poll = NULL;
        return error_set(err, ERR_IO, "web: cannot watch the socket: %s", uv_strerror(rc));
    }
    w->poll->data = w;
    uv_poll_start(w->poll, UV_READABLE, on_connection);
    return 0;
}

/* --- libwebsockets --- */

static void log_lws(int level, const char *line)
{
    (void)level;
    log_debug("lws", NULL, "%.*s", (int)strcspn(line, "\n"), line);
}

static int open_lws(struct web *w, struct error *err)
{
    struct lws_context_creation_info info = {0};

    w->uv = loop_uv(w->loop);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_lws);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = &w->uv;
    info.pcontext = &w->lws;
    info.gid = info.uid = (gid_t)-1;
    info.timeout_secs = 10;
    info.keepalive_timeout = WEB_IDLE_S;
    info.max_http_header_data = 8192;
    info.max_http_header_pool = 64;
    info.fd_limit_per_thread = WEB_CONNECTIONS;
    info.server_string = "Almon";
    info.user = w;
    twice_before(&w->twice);
    w->lws = lws_create_context(&info);
    twice_after(&w->twice);
    if (w->lws != NULL)
        w->vhost = lws_create_vhost(w->lws, &info);
    return w->vhost != NULL
               ? 0
               : error_set(err, ERR_IO, "web: libwebsockets cannot be started on its loop");
}

/* --- the whole --- */

int web_new(struct web **wp, struct loop *control, const struct config *config, const char *listen,
            const char *state, struct error *err)
{
    struct web *w = mem_alloc(sizeof *w);
    int rc;

    if (w == NULL)
        return error_nomem(err);
    w->loop = control;
    w->config = config;
    w->fd = w->folder_fd = -1;
    list_init(&w->conversions);
    timer_init(&w->again, control, resume_accepting, w);
    if (snprintf(w->folder, sizeof w->folder, "%s/recordings", state) >= (int)sizeof w->folder)
        rc = error_set(err, ERR_LIMIT, "%s: the name of this folder is too long", state);
    else
        rc = disk_make_folders(w->folder, err);
    if (rc == 0 && (w->folder_fd = open(w->folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        rc = error_set(err, ERR_IO, "cannot open %s: %s", w->folder, strerror(errno));
    if (rc == 0)
        rc = open_socket(w, listen, err);
    if (rc == 0)
        rc = open_lws(w, err);
    if (rc == 0)
        rc = watch_socket(w, err);
    if (rc != 0)
        web_free(w);
    else
        *wp = w;
    return rc;
}

int web_port(const struct web *w)
{
    return w->port;
}

void web_set_config(struct web *w, const struct config *config)
{
    w->config = config;
}

static void on_poll_closed(uv_handle_t *h)
{
    mem_free(h);
}

static void close_lws(struct web *w)
{
    lws_context_destroy(w->lws);
    twice_hold(&w->twice);
    for (int i = 0; i < END_TURNS && w->lws != NULL; i++)
        loop_turn(w->loop, false);
    lws_context_destroy(w->lws);
}

struct web *web_free(struct web *w)
{
    if (w == NULL)
        return NULL;
    timer_stop(&w->again);
    if (w->poll != NULL) {
        uv_poll_stop(w->poll);
        uv_close((uv_handle_t *)w->poll, on_poll_closed);
    }
    recording_abandon(w);
    if (w->lws != NULL)
        close_lws(w);
    if (w->fd >= 0)
        close(w->fd);
    if (w->folder_fd >= 0)
        close(w->folder_fd);
    mem_free(w);
    return NULL;
}
