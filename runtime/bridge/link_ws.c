/* A link that is a WebSocket, on either side. The tick writes batches at once while the socket
 * takes them; what it does not take waits in the link's bounded queues for WRITEABLE. */
#include "base/mem.h"
#include "base/str.h"
#include "bridge/asterisk.h"
#include "bridge/ws.h"
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define BEAT_MS   5000     /* pings */
#define SILENT_US 14500000 /* nothing heard for so long: the other side is gone */
#define SHUT_MS   2000

static_assert(WIRE_PAD >= LWS_PRE, "the pad holds a WebSocket header");

struct ws_link {
    struct link link;
    struct ws_context *context;
    bool own_context; /* a client's, ends with it */
    const char *protocol;
    size_t message_max;
    struct lws *wsi; /* NULL before and after the connection */
    bool open, paused, want_ping, connecting;
    bool goodbye;   /* our close frame is sent */
    bool deaf;      /* what comes now is not read */
    int close_code; /* not 0: being shut */
    const char *close_why;
    struct timer beat, shut;
    int64_t heard;
    bool is_text; /* the message being received */
    size_t got;
    uint8_t *message; /* WIRE_BATCH_MAX */
    char why[120];
    struct connect *connect; /* a client's, while it resolves its name */
};

/* What must outlive the link while a name is being resolved. */
struct connect {
    uv_getaddrinfo_t request;
    struct ws_link *link; /* NULL: freed meanwhile */
    char host[256], port[8], path[256];
};

static struct ws_link *ws_of(struct link *l)
{
    return (struct ws_link *)l; /* its first member */
}

/* The last thing done with a link by us: its owner frees it. */
static void tell_closed(struct ws_link *l, const char *why)
{
    timer_stop(&l->beat);
    timer_stop(&l->shut);
    l->link.h->closed(l->link.arg, l->why[0] != '\0' ? l->why : why);
}

/* Not at once: we may be called from anywhere. On libuv, libwebsockets looks at its timeouts only
 * after an event of its own, so it gets one. */
void ws_close_soon(struct lws *wsi)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(lws_get_context(wsi));
}

/* CLOSED follows. */
static void kill_socket(struct ws_link *l, const char *why)
{
    if (l->why[0] == '\0')
        str_copy(l->why, sizeof l->why, why);
    if (l->wsi != NULL)
        ws_close_soon(l->wsi);
}

/* --- sending --- */

static void pump(struct ws_link *l)
{
    uint8_t *bytes;
    size_t len;
    bool is_text;

    while (link_next(&l->link, &bytes, &len, &is_text)) {
        if (lws_send_pipe_choked(l->wsi)) {
            lws_callback_on_writable(l->wsi);
            return;
        }
        if (lws_write(l->wsi, bytes, len, is_text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) < 0) {
            kill_socket(l, "the connection broke while writing");
            return;
        }
        link_sent(&l->link);
    }
    if (l->close_code != 0)
        lws_callback_on_writable(l->wsi);
}

static void ws_kick(struct link *link)
{
    struct ws_link *l = ws_of(link);

    if (l->open && l->wsi != NULL && !l->goodbye)
        pump(l);
}

/* All is sent: now the close frame, and what still comes is read and forgotten until the other side
 * has closed too. By our own hand: libwebsockets sends no close frame after -1 from WRITEABLE, and
 * otherwise closes the socket at once; what lies unread in it then resets the connection, and the
 * other side never sees what we said. */
static int say_goodbye(struct ws_link *l)
{
    const enum lws_write_protocol write_close = 4; /* the one name its header keeps to itself */
    uint8_t frame[LWS_PRE + 125];                  /* what a control frame may hold */
    uint8_t *bytes = frame + LWS_PRE;
    size_t n = strlen(l->close_why);

    l->goodbye = true;
    if (n > 123)
        n = 123;
    bytes[0] = (uint8_t)(l->close_code >> 8);
    bytes[1] = (uint8_t)l->close_code;
    memcpy(bytes + 2, l->close_why, n);
    lws_rx_flow_control(l->wsi, 1);
    return lws_write(l->wsi, bytes, n + 2, write_close) < 0 ? -1 : 0;
}

/* WRITEABLE: -1 closes the connection. */
static int on_writeable(struct ws_link *l)
{
    uint8_t ping[LWS_PRE + 1] = {0};
    uint8_t *bytes;
    size_t len;
    bool is_text;

    if (l->goodbye)
        return 0;
    if (l->want_ping) {
        l->want_ping = false;
        /* Not empty: libwebsockets tells us nothing of an empty pong. */
        lws_write(l->wsi, ping + LWS_PRE, 1, LWS_WRITE_PING);
        lws_callback_on_writable(l->wsi);
        return 0;
    }
    if (l->close_code != 0 && !link_next(&l->link, &bytes, &len, &is_text))
        return say_goodbye(l);
    pump(l);
    return 0;
}

static void on_beat(void *arg)
{
    struct ws_link *l = arg;

    timer_start(&l->beat, BEAT_MS);
    if (!l->paused && loop_now(l->context->loop) - l->heard > SILENT_US) {
        kill_socket(l, "nothing was heard of the other side for 15 seconds");
        return;
    }
    l->want_ping = true;
    lws_callback_on_writable(l->wsi);
}

/* Before it is open there is nobody to hear a reason, and while its name is being resolved no
 * socket either. */
static void on_shut_late(void *arg)
{
    struct ws_link *l = arg;

    if (l->connect != NULL) {
        l->connect->link = NULL;
        l->connect = NULL;
        tell_closed(l, l->why);
        return;
    }
    kill_socket(l, "closed; the other side did not read the rest");
}

static void ws_shut(struct link *link, int code, const char *why)
{
    struct ws_link *l = ws_of(link);

    if (l->close_code != 0)
        return;
    l->close_code = code;
    l->close_why = why;
    if (l->why[0] == '\0')
        str_copy(l->why, sizeof l->why, why);
    timer_start(&l->shut, l->open ? SHUT_MS : 0);
    if (l->open && l->wsi != NULL)
        lws_callback_on_writable(l->wsi);
}

static void ws_known(struct link *link)
{
    struct ws_link *l = ws_of(link);

    if (l->context->server != NULL && l->wsi != NULL)
        ws_guest_leaves(l->context->server, l->wsi);
}

static void ws_pause(struct link *link, bool on)
{
    struct ws_link *l = ws_of(link);

    if (l->wsi == NULL || l->paused == on || l->goodbye)
        return;
    l->paused = on;
    l->heard = loop_now(l->context->loop);
    lws_rx_flow_control(l->wsi, !on);
}

static void ws_link_free(struct link *link)
{
    struct ws_link *l = ws_of(link);

    timer_stop(&l->beat);
    timer_stop(&l->shut);
    if (l->connect != NULL)
        l->connect->link = NULL;
    if (l->wsi != NULL) {
        lws_set_opaque_user_data(l->wsi, NULL);
        ws_close_soon(l->wsi);
    }
    if (l->own_context)
        ws_context_end(l->context, NULL, NULL);
    link_drain(link);
    mem_free(l->message);
    mem_free(l);
}

static const struct link_ops ws_ops = {
    .kick = ws_kick, .pause = ws_pause, .known = ws_known, .shut = ws_shut, .free = ws_link_free};

/* --- receiving --- */

static struct ws_link *link_new(struct ws_context *context, const char *protocol)
{
    struct ws_link *l = mem_alloc(sizeof *l);

    if (l == NULL)
        return NULL;
    link_init(&l->link, &ws_ops);
    l->context = context;
    l->protocol = protocol;
    l->message_max = WIRE_BATCH_MAX;
    if (strcmp(protocol, ASTERISK_PROTOCOL) == 0) {
        link_make_bare(&l->link, NULL);
        l->message_max = WIRE_TEXT_MAX;
    }
    l->message = mem_alloc(l->message_max);
    if (l->message == NULL) {
        mem_free(l);
        return NULL;
    }
    timer_init(&l->beat, context->loop, on_beat, l);
    timer_init(&l->shut, context->loop, on_shut_late, l);
    return l;
}

static void go_open(struct ws_link *l, struct lws *wsi)
{
    l->wsi = wsi;
    l->open = true;
    l->heard = loop_now(l->context->loop);
    /* Asterisk before 2026 hangs up on a ping (its PR 1722). */
    if (link_is_bare(&l->link))
        ws_keep_alive(lws_get_socket_fd(wsi));
    else
        timer_start(&l->beat, BEAT_MS);
}

/* Gathers the fragments of one message. The handler comes last: it may free the link. */
static int on_receive(struct ws_link *l, struct lws *wsi, const void *in, size_t len)
{
    size_t max = l->message_max, n;

    l->heard = loop_now(l->context->loop);
    if (l->goodbye || l->deaf)
        return 0;
    if (lws_is_first_fragment(wsi)) {
        l->got = 0;
        l->is_text = !lws_frame_is_binary(wsi);
    }
    if (l->is_text)
        max = WIRE_TEXT_MAX;
    if (l->got + len > max || l->got + len + lws_remaining_packet_payload(wsi) > max) {
        const char *why = l->is_text               ? "a text message of more than 16384 bytes"
                          : link_is_bare(&l->link) ? "audio of more than 16384 bytes in one message"
                                                   : "a batch of more than 65536 bytes";

        l->deaf = true;
        ws_shut(&l->link, LINK_CLOSE_TOO_BIG, why);
        return 0;
    }
    if (l->got == 0 && lws_is_final_fragment(wsi) && !l->is_text) {
        l->link.h->batch(l->link.arg, in, len); /* whole: no copy */
        return 0;
    }
    memcpy(l->message + l->got, in, len);
    l->got += len;
    if (!lws_is_final_fragment(wsi))
        return 0;
    n = l->got;
    l->got = 0;
    if (l->is_text)
        l->link.h->text(l->link.arg, (const char *)l->message, n);
    else
        l->link.h->batch(l->link.arg, l->message, n);
    return 0;
}

static int on_established(struct lws *wsi)
{
    struct ws_context *c = lws_context_user(lws_get_context(wsi));
    struct ws_link *l = link_new(c, lws_get_protocol(wsi)->name);

    if (l == NULL)
        return -1;
    if (link_is_bare(&l->link))
        link_make_bare(&l->link, ws_request(wsi));
    lws_set_opaque_user_data(wsi, l);
    go_open(l, wsi);
    c->accepted(c->accepted_arg, &l->link);
    return 0;
}

/* The socket and the link part, for its owner may free the link now. */
static void on_closed(struct ws_link *l, struct lws *wsi, const char *why)
{
    lws_set_opaque_user_data(wsi, NULL);
    l->open = false;
    l->wsi = NULL;
    tell_closed(l, why);
}

static void on_connect_failed(struct ws_link *l, struct lws *wsi, const char *why)
{
    lws_set_opaque_user_data(wsi, NULL);
    l->wsi = NULL;
    str_copy(l->why, sizeof l->why, why != NULL ? why : "cannot connect");
    if (!l->connecting)
        tell_closed(l, l->why);
}

static void forget_guest(struct lws *wsi)
{
    struct ws_context *c = lws_context_user(lws_get_context(wsi));

    if (c->server != NULL)
        ws_guest_leaves(c->server, wsi);
}

int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct ws_link *l = lws_get_opaque_user_data(wsi);

    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        /* Without a subprotocol libwebsockets would take the first. */
        return lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0 ? 0 : 1;
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(wsi);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (l == NULL)
            return -1;
        go_open(l, wsi);
        l->link.h->opened(l->link.arg);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (l != NULL)
            on_connect_failed(l, wsi, in);
        return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return l == NULL ? -1 : on_receive(l, wsi, in, len);
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (l != NULL)
            l->heard = loop_now(l->context->loop);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return l == NULL ? -1 : on_writeable(l);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (l != NULL)
            on_closed(l, wsi, "the other side closed the link");
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        forget_guest(wsi);
        /* Of a connection that breaks during the handshake it often says nothing else. */
        if (l != NULL)
            on_connect_failed(l, wsi, "the other side broke off the handshake");
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (l != NULL)
            l->link.said_bye = true;
        if (l != NULL && l->why[0] == '\0' && len >= 2)
            snprintf(l->why, sizeof l->why, "the other side closed the link: %.*s", (int)len - 2,
                     (const char *)in + 2);
        return l != NULL && l->goodbye ? -1 : 0; /* -1: no second close frame */
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

/* --- a client --- */

/* "ws://host[:port][/path]", host perhaps in brackets. */
static int split_url(const char *url, struct connect *c, struct error *err)
{
    const char *host, *end, *port;
    size_t n;

    if (strncmp(url, "ws://", 5) != 0)
        return error_set(err, ERR_INVALID, "'%s' is no bridge address; write ws://host:port/", url);
    host = url + 5;
    n = strcspn(host, "/");
    str_copy(c->path, sizeof c->path, host[n] == '/' ? host + n : "/");
    end = host + n;
    port = host[0] == '[' ? memchr(host, ']', n) : host;
    port = port != NULL ? memchr(port, ':', (size_t)(end - port)) : NULL;
    snprintf(c->port, sizeof c->port, "%.*s", port != NULL ? (int)(end - port - 1) : 2,
             port != NULL ? port + 1 : "80");
    n = (size_t)((port != NULL ? port : end) - host);
    if (host[0] == '[' && n >= 2) {
        host++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof c->host || strspn(c->port, "0123456789") != strlen(c->port))
        return error_set(err, ERR_INVALID, "'%s' is no bridge address; write ws://host:port/", url);
    memcpy(c->host, host, n);
    c->host[n] = '\0';
    return 0;
}

/* The address as numbers, so that libwebsockets has nothing to resolve. False when it failed at
 * once; l->why may say why. */
static bool start_connecting(struct ws_link *l, const struct connect *c, const struct addrinfo *ai)
{
    struct lws_client_connect_info info = {0};
    char address[64] = "";

    getnameinfo(ai->ai_addr, ai->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST);
    info.context = l->context->lws;
    info.vhost = l->context->vhost;
    info.address = address;
    info.port = atoi(c->port);
    info.path = c->path;
    info.host = info.origin = c->host;
    info.protocol = info.local_protocol_name = l->protocol;
    info.opaque_user_data = l;
    info.pwsi = &l->wsi;
    l->connecting = true;
    if (lws_client_connect_via_info(&info) == NULL) {
        l->wsi = NULL;
        return false;
    }
    l->connecting = false;
    return true;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *ai)
{
    struct connect *c = request->data;
    struct ws_link *l = c->link;

    if (l != NULL) {
        l->connect = NULL;
        if (status == 0) {
            if (!start_connecting(l, c, ai))
                tell_closed(l, "cannot connect");
        } else {
            snprintf(l->why, sizeof l->why, "cannot find %.60s: %s", c->host, uv_strerror(status));
            tell_closed(l, l->why);
        }
    }
    uv_freeaddrinfo(ai);
    mem_free(c);
}

static int start_resolving(struct ws_link *l, const char *url, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct connect *c = mem_alloc(sizeof *c);
    int rc;

    if (c == NULL)
        return error_nomem(err);
    rc = split_url(url, c, err);
    if (rc == 0) {
        c->request.data = c;
        rc = uv_getaddrinfo(loop_uv(l->context->loop), &c->request, on_resolved, c->host, c->port,
                            &hints);
        if (rc != 0)
            rc = error_set(err, ERR_IO, "cannot resolve %s: %s", c->host, uv_strerror(rc));
    }
    if (rc != 0) {
        mem_free(c);
        return rc;
    }
    c->link = l;
    l->connect = c;
    return 0;
}

int link_ws_connect(struct link **lp, struct loop *loop, const char *url, struct error *err)
{
    struct ws_context *context;
    struct ws_link *l;
    int rc = ws_context_new(&context, loop, false, err);

    if (rc != 0)
        return rc;
    l = link_new(context, WIRE_PROTOCOL);
    if (l == NULL) {
        ws_context_end(context, NULL, NULL);
        return error_nomem(err);
    }
    l->own_context = true;
    rc = start_resolving(l, url, err);
    if (rc != 0) {
        link_free(&l->link);
        return rc;
    }
    *lp = &l->link;
    return 0;
}

/* Addresses only, so that nothing of it is under way when the server goes. */
static int connect_at_once(struct ws_link *l, const char *url, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *ai;
    struct connect c = {0};
    int rc = split_url(url, &c, err);
    bool going;

    if (rc != 0)
        return rc;
    if (getaddrinfo(c.host, c.port, &hints, &ai) != 0)
        return error_set(err, ERR_INVALID, "'%s' is no IP address; write ws://127.0.0.1:8088/media",
                         c.host);
    going = start_connecting(l, &c, ai);
    freeaddrinfo(ai);
    if (!going)
        return error_set(err, ERR_IO, "cannot connect to %s: %s", url,
                         l->why[0] != '\0' ? l->why : "no answer");
    return 0;
}

int ws_server_connect(struct ws_server *s, struct link **lp, const char *url, struct error *err)
{
    struct ws_link *l = link_new(ws_server_context(s), ASTERISK_PROTOCOL);
    int rc;

    if (l == NULL)
        return error_nomem(err);
    rc = connect_at_once(l, url, err);
    if (rc != 0)
        link_free(&l->link);
    else
        *lp = &l->link;
    return rc;
}
