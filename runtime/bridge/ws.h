/* Private to link_ws.c, ws_context.c and ws_server.c: libwebsockets on one of our loops. */
#ifndef ALMON_BRIDGE_WS_H
#define ALMON_BRIDGE_WS_H

#include "base/error.h"
#include "base/loop.h"
#include "base/twice.h"
#include "bridge/link.h"

#include <libwebsockets.h>

#define WS_SERVER_SOCKETS 1024 /* connections of a server, in every state */

/* A libwebsockets context whose end is orderly: it goes when its owner said so, never from within
 * one of its own callbacks. */
struct ws_context {
    struct loop *loop;
    struct lws_context *lws; /* libwebsockets writes NULL when all of it is gone */
    struct lws_vhost *vhost;
    struct twice twice;
    void *uv;
    bool ending;
    struct task end;
    struct timer turn;
    int turns;
    void (*closed)(void *arg);
    void *arg;
    /* server only: */
    void (*accepted)(void *arg, struct link *l);
    void *accepted_arg;
    struct ws_server *server;
};

int ws_context_new(struct ws_context **cp, struct loop *loop, bool server, struct error *err);
/* Ends it soon, with what connections it has; then calls `closed` (may be NULL) and frees it. */
void ws_context_end(struct ws_context *c, void (*closed)(void *arg), void *arg);

/* The one callback of the protocol, in link_ws.c. */
int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                size_t len);
/* What the handshake of a dialect's link said; NULL when memory is out. */
struct link_request *ws_request(struct lws *wsi);
/* The server's context, for a client on its loop. */
struct ws_context *ws_server_context(struct ws_server *s);
/* Closes a connection, but not from within this call. */
void ws_close_soon(struct lws *wsi);
/* That connection is no guest any more: it is known, or gone. */
void ws_guest_leaves(struct ws_server *s, struct lws *wsi);
/* The kernel asks a silent other side, for links on which we may not ping: about 35 s. */
void ws_keep_alive(int fd);
/* Options that every connection wants. */
void ws_tune_socket(int fd);

#endif
