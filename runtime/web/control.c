#include "web/control.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MAX_CLIENTS = 32,
    MAX_LINE = 16 * 1024,
    MAX_WAITING = 1024 * 1024, /* bytes that a client has not read yet */
};

struct control {
    struct loop *loop;
    struct control_actions actions;
    uv_pipe_t pipe;
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    struct list clients;
    unsigned count;
};

struct client {
    struct control *owner;
    uv_pipe_t pipe;
    struct link_node node;
    struct str in;
    void *watch;
    struct task close; /* not from within a watch's own call */
    bool closing;
    char chunk[4096];
};

struct out {
    uv_write_t req;
    char bytes[];
};

/* --- the end of a client --- */

static void on_client_closed(uv_handle_t *h)
{
    struct client *c = h->data;

    str_free(&c->in);
    mem_free(c);
}

static void close_client(void *arg)
{
    struct client *c = arg;

    if (c->closing)
        return;
    c->closing = true;
    task_cancel(&c->close);
    if (c->watch != NULL)
        c->owner->actions.unwatch(c->owner->actions.arg, c->watch);
    list_remove(&c->node);
    c->owner->count--;
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

/* --- answers --- */

static void on_written(uv_write_t *req, int status)
{
    struct client *c = req->handle->data;

    if (status < 0 && !c->closing)
        task_post(&c->close);
    mem_free(req);
}

static void send_bytes(struct client *c, const char *bytes, size_t len)
{
    struct out *out;
    uv_buf_t buf;

    if (c->closing || list_linked(&c->close.node))
        return;
    out = mem_alloc(sizeof *out + len);
    if (out == NULL ||
        uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) + len > MAX_WAITING) {
        log_warn("control", NULL, "a client that does not read is let go");
        mem_free(out);
        task_post(&c->close);
        return;
    }
    memcpy(out->bytes, bytes, len);
    buf = uv_buf_init(out->bytes, (unsigned)len);
    if (uv_write(&out->req, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0) {
        mem_free(out);
        task_post(&c->close);
    }
}

/* Takes `answer` over; NULL means that memory is out. */
static void send_answer(struct client *c, json_t *answer, json_t *id)
{
    char *text = NULL;
    struct str line = STR_INIT(MAX_WAITING);

    if (answer != NULL && id != NULL)
        json_object_set(answer, "id", id);
    if (answer != NULL)
        text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (text != NULL)
        str_addf(&line, "%s\n", text);
    if (text == NULL || line.failed)
        task_post(&c->close);
    else
        send_bytes(c, line.data, line.len);
    mem_free(text); /* jansson allocates by our functions */
    str_free(&line);
}

static json_t *refusal(const char *why)
{
    return json_pack("{s:b, s:s}", "ok", 0, "error", why);
}

static json_t *verdict(int rc, const struct error *err)
{
    return rc == 0 ? json_pack("{s:b}", "ok", 1) : refusal(err->text);
}

/* --- requests --- */

static void on_journal(const char *sid, const char *line, void *arg)
{
    struct client *c = arg;
    struct str s = STR_INIT(MAX_WAITING);

    str_addf(&s, "{\"sid\":\"%s\",\"line\":%s}\n", sid, line);
    if (!s.failed)
        send_bytes(c, s.data, s.len);
    else
        task_post(&c->close);
    str_free(&s);
}

static json_t *do_trace(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;

    if (c->watch != NULL)
        return refusal("trace: this connection follows already; open another one");
    c->watch = a->watch(a->arg, json_string_value(json_object_get(rq, "sid")), on_journal, c);
    return c->watch != NULL ? json_pack("{s:b}", "ok", 1) : refusal("out of memory");
}

static json_t *do_redirect(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;
    const char *sid = json_string_value(json_object_get(rq, "sid"));
    const char *url = json_string_value(json_object_get(rq, "url"));
    struct error err = {0};

    if (sid == NULL || url == NULL)
        return refusal("redirect: needs \"sid\" and \"url\"");
    return verdict(a->redirect(a->arg, sid, url, &err), &err);
}

static json_t *do_hangup(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;
    const char *sid = json_string_value(json_object_get(rq, "sid"));
    struct error err = {0};

    if (sid == NULL)
        return refusal("hangup: needs \"sid\"");
    return verdict(a->hangup(a->arg, sid, &err), &err);
}

static json_t *do_join(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;
    const char *gateway = json_string_value(json_object_get(rq, "gateway"));
    const char *id = json_string_value(json_object_get(rq, "connection"));
    const char *from = json_string_value(json_object_get(rq, "from"));
    const char *to = json_string_value(json_object_get(rq, "to"));
    struct error err = {0};

    if (gateway == NULL || id == NULL || from == NULL || to == NULL)
        return refusal("join: needs \"gateway\", \"connection\", \"from\" and \"to\"");
    return verdict(a->join(a->arg, gateway, id, from, to, &err), &err);
}

static json_t *do_record(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;
    const char *sid = json_string_value(json_object_get(rq, "sid"));
    const char *what = json_string_value(json_object_get(rq, "do"));
    struct error err = {0};
    char made[35] = "";
    int rc;

    if (sid == NULL || what == NULL)
        return refusal("record: needs \"sid\" and \"do\"");
    rc = a->record(a->arg, sid, what, made, &err);
    return rc != 0 || made[0] == '\0' ? verdict(rc, &err)
                                      : json_pack("{s:b, s:s}", "ok", 1, "recording", made);
}

static json_t *do_status(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;

    (void)rq;
    return json_pack("{s:b, s:o}", "ok", 1, "status", a->status(a->arg));
}

static json_t *do_rooms(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;

    (void)rq;
    return json_pack("{s:b, s:o}", "ok", 1, "rooms", a->rooms(a->arg));
}

static json_t *do_room(struct client *c, json_t *rq)
{
    const struct control_actions *a = &c->owner->actions;
    struct error err = {0};

    return verdict(a->room(a->arg, rq, &err), &err);
}

static void take_line(struct client *c, const char *line, size_t len)
{
    static const struct {
        const char *name;
        json_t *(*run)(struct client *c, json_t *rq);
    } commands[] = {
        {"hangup", do_hangup},     {"join", do_join},   {"record", do_record},
        {"redirect", do_redirect}, {"room", do_room},   {"rooms", do_rooms},
        {"status", do_status},     {"trace", do_trace},
    };
    json_t *rq = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *cmd = json_string_value(json_object_get(rq, "cmd"));

    for (size_t i = 0; cmd != NULL && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(cmd, commands[i].name) == 0) {
            send_answer(c, commands[i].run(c, rq), json_object_get(rq, "id"));
            json_decref(rq);
            return;
        }
    }
    send_answer(c,
                refusal(rq == NULL    ? "a request is one JSON object in one line"
                        : cmd == NULL ? "a request needs \"cmd\""
                                      : "no such \"cmd\"; there are hangup, join, record, "
                                        "redirect, room, rooms, status, trace"),
                json_object_get(rq, "id"));
    json_decref(rq);
}

static void take_lines(struct client *c)
{
    char *start = c->in.data, *end;
    size_t left = c->in.len;

    while (left > 0 && !c->closing && (end = memchr(start, '\n', left)) != NULL) {
        size_t len = (size_t)(end - start);

        if (len > 0)
            take_line(c, start, len);
        start += len + 1;
        left -= len + 1;
    }
    if (left > 0)
        memmove(c->in.data, start, left);
    c->in.len = left;
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf)
{
    struct client *c = h->data;

    (void)size;
    *buf = uv_buf_init(c->chunk, sizeof c->chunk);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;

    if (n < 0) {
        close_client(c);
        return;
    }
    str_addn(&c->in, buf->base, (size_t)n);
    if (c->in.failed) {
        log_warn("control", NULL, "a line longer than %d bytes: the client is let go", MAX_LINE);
        close_client(c);
        return;
    }
    take_lines(c);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct control *o = stream->data;
    struct client *c = status == 0 ? mem_alloc(sizeof *c) : NULL;

    if (c == NULL)
        return;
    c->owner = o;
    str_init(&c->in, MAX_LINE);
    task_init(&c->close, o->loop, close_client, c);
    uv_pipe_init(loop_uv(o->loop), &c->pipe, 0);
    c->pipe.data = c;
    list_append(&o->clients, &c->node);
    o->count++;
    if (uv_accept(stream, (uv_stream_t *)&c->pipe) != 0 || o->count > MAX_CLIENTS ||
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_bytes) != 0)
        close_client(c);
}

/* --- the socket --- */

/* 0: nothing is there any more; else why it cannot be ours. */
static int make_way(const struct sockaddr_un *a, const char *state, struct error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

    if (fd < 0)
        return error_set(err, ERR_IO, "cannot make a socket: %s", strerror(errno));
    rc = connect(fd, (const struct sockaddr *)a, sizeof *a);
    if (rc == 0)
        rc = error_set(err, ERR_WRONG_STATE,
                       "another almon serves %s; stop it, or give this one a state folder of "
                       "its own (--state)",
                       state);
    else if (errno == ECONNREFUSED && unlink(a->sun_path) == 0)
        rc = 0; /* what a crash left */
    else if (errno == ENOENT)
        rc = 0;
    else
        rc = error_set(err, ERR_IO, "cannot use %s: %s", a->sun_path, strerror(errno));
    close(fd);
    return rc;
}

/* The mode is set before the file exists, so that nobody slips in between. */
static int listen_at(struct control *c, const struct sockaddr_un *a, struct error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

    if (fd < 0 || fchmod(fd, 0600) != 0 || bind(fd, (const struct sockaddr *)a, sizeof *a) != 0) {
        rc = error_set(err, ERR_IO, "cannot make %s: %s", a->sun_path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    str_copy(c->path, sizeof c->path, a->sun_path);
    rc = uv_pipe_open(&c->pipe, fd);
    if (rc != 0)
        close(fd);
    else
        rc = uv_listen((uv_stream_t *)&c->pipe, 16, on_connection);
    return rc == 0 ? 0
                   : error_set(err, ERR_IO, "cannot listen at %s: %s", c->path, uv_strerror(rc));
}

int control_new(struct control **cp, struct loop *loop, const char *state,
                const struct control_actions *actions, struct error *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct control *c;
    int rc;

    if (snprintf(a.sun_path, sizeof a.sun_path, "%s/almon.sock", state) >= (int)sizeof a.sun_path)
        return error_set(err, ERR_LIMIT,
                         "%s/almon.sock: longer than a socket's name may be (%zu bytes); choose "
                         "a shorter state folder",
                         state, sizeof a.sun_path - 1);
    rc = make_way(&a, state, err);
    if (rc != 0)
        return rc;
    c = mem_alloc(sizeof *c);
    if (c == NULL)
        return error_nomem(err);
    c->loop = loop;
    c->actions = *actions;
    list_init(&c->clients);
    uv_pipe_init(loop_uv(loop), &c->pipe, 0);
    c->pipe.data = c;
    rc = listen_at(c, &a, err);
    if (rc != 0)
        control_free(c);
    else
        *cp = c;
    return rc;
}

static void on_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

struct control *control_free(struct control *c)
{
    struct link_node *n;

    if (c == NULL)
        return NULL;
    while ((n = list_first(&c->clients)) != NULL)
        close_client(list_entry(n, struct client, node));
    if (c->path[0] != '\0')
        unlink(c->path);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    return NULL;
}
