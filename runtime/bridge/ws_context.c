#include "base/log.h"
#include "base/mem.h"
#include "bridge/asterisk.h"
#include "bridge/ws.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

/* Turns of the loop between the two halves of an end. libwebsockets closes its connections' handles
 * in the first, its own in the second, and must be told once more afterwards; too early is fatal.
 */
#define END_TURNS   5
#define SERVICE_BUF (WIRE_BATCH_MAX + 4096) /* one read takes a whole batch */
#define UNSENT_MAX  (256 * 1024) /* bytes that may wait in the kernel before it says "full" */

static atomic_uint alive;

unsigned link_ws_alive(void)
{
    return atomic_load(&alive);
}

static void log_lws(int level, const char *line)
{
    (void)level;
    log_debug("lws", NULL, "%.*s", (int)strcspn(line, "\n"), line);
}

static const struct lws_protocols protocols[] = {
    {.name = WIRE_PROTOCOL, .callback = ws_callback, .rx_buffer_size = SERVICE_BUF},
    {.name = ASTERISK_PROTOCOL, .callback = ws_callback, .rx_buffer_size = 4096},
    {0},
};

void ws_tune_socket(int fd)
{
    int one = 1, unsent = UNSENT_MAX;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

void ws_keep_alive(int fd)
{
    int one = 1, idle = 20, each = 5, count = 3;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each, sizeof each);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static void on_turn(void *arg)
{
    struct ws_context *c = arg;
    void (*closed)(void *) = c->closed;
    void *closed_arg = c->arg;

    if (c->lws != NULL && ++c->turns < END_TURNS) {
        timer_start(&c->turn, 0);
        return;
    }
    lws_context_destroy(c->lws);
    mem_free(c);
    atomic_fetch_sub(&alive, 1);
    if (closed != NULL)
        closed(closed_arg);
}

static void on_end(void *arg)
{
    struct ws_context *c = arg;

    lws_context_destroy(c->lws);
    twice_hold(&c->twice);
    timer_start(&c->turn, 0);
}

int ws_context_new(struct ws_context **cp, struct loop *loop, bool server, struct error *err)
{
    struct ws_context *c = mem_alloc(sizeof *c);
    struct lws_context_creation_info info = {0};

    if (c == NULL)
        return error_nomem(err);
    c->loop = loop;
    c->uv = loop_uv(loop);
    timer_init(&c->turn, loop, on_turn, c);
    task_init(&c->end, loop, on_end, c);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_lws);
    info.port = server ? CONTEXT_PORT_NO_LISTEN_SERVER : CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = &c->uv;
    info.pcontext = &c->lws;
    info.pt_serv_buf_size = SERVICE_BUF;
    info.gid = info.uid = (gid_t)-1;
    info.timeout_secs = 10;
    info.user = c;
    info.fd_limit_per_thread = server ? WS_SERVER_SOCKETS : 16;
    twice_before(&c->twice);
    c->lws = lws_create_context(&info);
    twice_after(&c->twice);
    if (c->lws != NULL)
        c->vhost = lws_create_vhost(c->lws, &info);
    atomic_fetch_add(&alive, 1);
    if (c->vhost == NULL) {
        if (c->lws != NULL) {
            ws_context_end(c, NULL, NULL);
        } else {
            mem_free(c);
            atomic_fetch_sub(&alive, 1);
        }
        return error_set(err, ERR_IO, "libwebsockets cannot be started on its loop");
    }
    *cp = c;
    return 0;
}

void ws_context_end(struct ws_context *c, void (*closed)(void *arg), void *arg)
{
    if (c->ending)
        return;
    c->ending = true;
    c->closed = closed;
    c->arg = arg;
    task_post(&c->end);
}
