/* A listening socket of our own, so that its errors are ours to say; libwebsockets adopts what it
 * accepts. */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/ws.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_AT_ONCE  64
#define ACCEPT_AGAIN_MS 200

struct ws_server {
    struct ws_context *context;
    uv_poll_t poll;
    int fd;
    struct timer again; /* accepting pauses until then */
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

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct ws_server *s = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED)
                pause_accepting(s);
            return;
        }
        ws_tune_socket(fd);
        if (lws_adopt_socket_vhost(s->context->vhost, fd) == NULL)
            log_warn("bridge", NULL, "a connection was dropped: no place for it");
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
    s->context->accepted = accepted;
    s->context->accepted_arg = arg;
    s->poll.data = s;
    timer_init(&s->again, loop, resume_accepting, s);
    uv_poll_start(&s->poll, UV_READABLE, on_connection);
    *sp = s;
    return 0;
}

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
