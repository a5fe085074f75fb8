/* The exchange: who listens, and what must be sent to the media loop however full the way is. */
#include "bridge/bridge.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/private.h"
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_MS 2

/* --- commands --- */

static bool send_now(struct bridge *b, struct pending *p)
{
    void (*sent)(void *) = p->sent;
    void *arg = p->arg;

    /* A release may free what `p` lies in, on the other side, before this returns. */
    if (crossing_command(b->hub.crossing, &p->msg, p->answers) != 0)
        return false;
    if (sent != NULL)
        sent(arg);
    return true;
}

void bridge_send(struct bridge *b, struct pending *p)
{
    if (list_empty(&b->pendings) && send_now(b, p))
        return;
    list_append(&b->pendings, &p->node);
    if (!b->retry.active)
        timer_start(&b->retry, RETRY_MS);
}

static void on_retry(void *arg)
{
    struct bridge *b = arg;
    bool full = false;
    struct link_node *n;

    while (!full && (n = list_pop(&b->pendings)) != NULL) {
        full = !send_now(b, list_entry(n, struct pending, node));
        if (full)
            list_prepend(&b->pendings, n);
    }
    for (n = list_first(&b->peers); !full && n != NULL; n = list_next(&b->peers, n))
        full = !peer_push(list_entry(n, struct peer, node));
    if (full)
        timer_start(&b->retry, RETRY_MS);
}

/* --- listening --- */

/* Splits "host:port", "[::1]:port" or ":port". */
static int split_address(const char *listen, char *host, size_t size, char *port, size_t port_size)
{
    const char *colon = strrchr(listen, ':');
    size_t n;

    if (colon == NULL)
        return -1;
    n = (size_t)(colon - listen);
    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
        listen++;
        n -= 2;
    }
    if (n >= size || !str_copy(port, port_size, colon + 1))
        return -1;
    memcpy(host, listen, n);
    host[n] = '\0';
    return 0;
}

static int listen_on(const struct addrinfo *ai)
{
    int one = 1, fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 128) == 0)
        return fd;
    close(fd);
    return -1;
}

static int port_of_socket(int fd)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof sa;
    char port[16];

    if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
        getnameinfo((struct sockaddr *)&sa, n, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        return 0;
    return atoi(port);
}

static int open_socket(const char *listen, int *fd, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *ai;
    char host[256], port[16];
    int rc;

    if (split_address(listen, host, sizeof host, port, sizeof port) != 0)
        return error_set(err, ERR_INVALID, "bridge: '%s' is no address; write host:port", listen);
    rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &ai);
    if (rc != 0)
        return error_set(err, ERR_INVALID,
                         "bridge: cannot listen on %s: %s; set server.bridge to an address of "
                         "this machine",
                         listen, gai_strerror(rc));
    *fd = listen_on(ai);
    freeaddrinfo(ai);
    if (*fd < 0)
        return error_set(err, ERR_IO,
                         "bridge: cannot listen on %s: %s; set server.bridge to another address",
                         listen, strerror(errno));
    return 0;
}

/* The server is made on the media loop's thread, and once, at the start, control waits for it. */
struct start {
    struct hub *hub;
    uv_sem_t done;
    int fd, rc;
    struct error *err;
};

static void on_start(const struct crossing_msg *m)
{
    struct start *s = m->to;

    s->rc = ws_server_new(&s->hub->server, s->hub->loop, s->fd, port_accept, s->hub, s->err);
    uv_sem_post(&s->done);
}

static int start_listening(struct bridge *b, const char *listen, struct error *err)
{
    struct start s = {.hub = &b->hub, .err = err};
    struct crossing_msg m = {.h = on_start, .to = &s};
    int rc = open_socket(listen, &s.fd, err);

    if (rc != 0)
        return rc;
    b->port_number = port_of_socket(s.fd);
    uv_sem_init(&s.done, 0);
    rc = crossing_command(b->hub.crossing, &m, 0);
    if (rc == 0) {
        uv_sem_wait(&s.done);
        rc = s.rc;
    } else {
        close(s.fd);
        error_set(err, rc, "bridge: the media loop is too busy to start listening");
    }
    uv_sem_destroy(&s.done);
    b->listening = rc == 0;
    return rc;
}

/* --- the end --- */

static void on_closed_task(void *arg)
{
    struct bridge *b = arg;

    b->closed(b->closed_arg);
}

void bridge_check_closed(struct bridge *b)
{
    if (b->closing && !b->listening && b->ports == 0 && b->channels == 0)
        task_post(&b->closed_task);
}

static void on_hub_stopped(const struct crossing_msg *m)
{
    struct bridge *b = m->to;

    b->listening = false;
    bridge_check_closed(b);
}

static void on_server_closed(void *arg)
{
    struct hub *hub = arg;
    struct crossing_msg m = {.h = on_hub_stopped, .to = hub->bridge};

    hub->server = NULL;
    crossing_answer(hub->crossing, &m);
}

static void on_hub_stop(const struct crossing_msg *m)
{
    struct hub *hub = m->to;

    ws_server_close(hub->server, on_server_closed, hub);
}

void bridge_close(struct bridge *b, void (*closed)(void *arg), void *arg)
{
    struct link_node *n;

    if (b->closing)
        return;
    b->closing = b->refusing = true;
    b->closed = closed;
    b->closed_arg = arg;
    for (n = list_first(&b->peers); n != NULL; n = list_next(&b->peers, n)) {
        struct peer *p = list_entry(n, struct peer, node);
        struct link_node *c;

        while ((c = list_first(&p->channels)) != NULL)
            channel_lost(channel_of(c), CAUSE_NORMAL);
        peer_shut(p, LINK_CLOSE_AWAY, "closing", "the exchange is closing; link again later");
    }
    if (b->listening) {
        b->stop = (struct pending){.msg = {.h = on_hub_stop, .to = &b->hub}, .answers = 1};
        bridge_send(b, &b->stop);
    }
    bridge_check_closed(b);
}

/* --- its life --- */

int bridge_new(struct bridge **bp, struct loop *control, struct media *media,
               const struct config *config, const char *listen, const struct bridge_handlers *h,
               void *arg, struct error *err)
{
    struct bridge *b = mem_alloc(sizeof *b);
    int rc = 0;

    if (b == NULL)
        return error_nomem(err);
    b->control = control;
    b->media = media;
    b->config = config;
    b->h = h;
    b->arg = arg;
    b->hub.crossing = media_crossing(media);
    b->hub.loop = media_loop(media);
    b->hub.bridge = b;
    list_init(&b->peers);
    list_init(&b->pendings);
    timer_init(&b->retry, control, on_retry, b);
    task_init(&b->closed_task, control, on_closed_task, b);
    if (listen != NULL)
        rc = start_listening(b, listen, err);
    if (rc != 0) {
        bridge_free(b);
        return rc;
    }
    *bp = b;
    return 0;
}

struct bridge *bridge_free(struct bridge *b)
{
    if (b == NULL)
        return NULL;
    timer_stop(&b->retry);
    task_cancel(&b->closed_task);
    map_free(&b->identities);
    mem_free(b);
    return NULL;
}

int bridge_link_pair(struct bridge *b, struct loop *loop, struct link **client, struct error *err)
{
    struct link *server;
    int rc = link_mem_pair(client, loop, &server, b->hub.loop, err);

    if (rc == 0)
        port_accept(&b->hub, server);
    return rc;
}

int bridge_join(struct bridge *b, const char *gateway, const char *id, const char *from,
                const char *to, struct error *err)
{
    const struct config_gateway *g = config_find_gateway(b->config, gateway);
    struct crossing_msg m = {.h = hub_on_join, .to = &b->hub};
    struct link_request *r;
    size_t slash;
    int rc;

    if (!config_is_asterisk(g) || g->url == NULL || !b->listening)
        return error_set(err, ERR_MISSING,
                         "there is no gateway '%s' with dialect = \"asterisk\" and a url", gateway);
    if (id[0] == '\0' || strlen(id) > 100 || strlen(from) > 256 || strlen(to) > 256 ||
        strpbrk(from, "\n\r") != NULL || strpbrk(to, "\n\r") != NULL ||
        strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") !=
            strlen(id))
        return error_set(err, ERR_INVALID, "'%.100s' is no connection id of Asterisk's", id);
    r = mem_alloc(sizeof *r);
    if (r == NULL)
        return error_nomem(err);
    r->ours = true;
    slash = strlen(g->url) - (g->url[strlen(g->url) - 1] == '/');
    str_copy(r->user, sizeof r->user, gateway);
    snprintf(r->path, sizeof r->path, "%.*s/%s", (int)slash, g->url, id);
    snprintf(r->query, sizeof r->query, "to=%s\nfrom=%s\n", to, from);
    m.ptr = r;
    rc = crossing_command(b->hub.crossing, &m, 0);
    if (rc != 0) {
        mem_free(r);
        error_set(err, rc, "the media loop is too busy; try again");
    }
    return rc;
}

int bridge_asterisk_pair(struct bridge *b, struct loop *loop, struct link_request *request,
                         struct link **client, struct error *err)
{
    struct link *server;
    int rc = link_mem_pair(client, loop, &server, b->hub.loop, err);

    if (rc != 0) {
        mem_free(request);
        return rc;
    }
    link_make_bare(*client, NULL);
    link_make_bare(server, request);
    port_accept(&b->hub, server);
    return 0;
}

int bridge_port(const struct bridge *b)
{
    return b->port_number;
}

void bridge_set_config(struct bridge *b, const struct config *config)
{
    b->config = config;
}

void bridge_refuse(struct bridge *b, bool on)
{
    b->refusing = on || b->closing;
}

void bridge_stats(const struct bridge *b, struct bridge_stats *out)
{
    *out = b->stats;
    out->links = b->ports;
    out->channels = b->channels;
    out->dropped_batches = atomic_load_explicit(&b->hub.dropped, memory_order_relaxed);
    out->bad_batch = atomic_load_explicit(&b->hub.bad_batch, memory_order_relaxed);
}

/* A message as the gateway will read it: one that it refuses would leave a call that nobody knows
 * of, and one that cannot be written would cost the link. */
static int check_offer(const struct wire_msg *m, struct wire_text **tp, struct error *err)
{
    struct wire_text *t = wire_format(m);
    struct wire_msg again;
    int rc;

    if (t == NULL)
        return error_set(err, ERR_LIMIT,
                         "the call cannot be told to its gateway: memory is out, something of it "
                         "is no UTF-8, or all of it is longer than %d bytes (parameters, headers)",
                         WIRE_TEXT_MAX);
    rc = wire_parse(&again, t->data, t->len, err);
    wire_msg_free(&again);
    if (rc != 0)
        mem_free(t);
    else
        *tp = t;
    return rc;
}

int bridge_offer(struct bridge *b, const char *gateway, const struct offer *offer,
                 struct channel **cp, struct error *err)
{
    struct peer *p =
        offer->link != 0 ? peer_of_link(b, gateway, offer->link) : peer_find(b, gateway);
    struct channel *c;
    struct wire_text *t = NULL;
    int rc;
    struct wire_msg m = {.type = WIRE_OFFER,
                         .from = offer->from,
                         .to = offer->to,
                         .codec = offer->codec,
                         .dtmf_events = offer->dtmf_events,
                         .forwarded_from = offer->forwarded_from,
                         .caller_name = offer->caller_name,
                         .call_token = offer->call_token,
                         .trunk = offer->trunk,
                         .user = offer->user,
                         .password = offer->password,
                         .params = offer->params};

    if (p == NULL)
        return error_set(err, ERR_MISSING, "gateway '%s' is not linked, or may not be given calls",
                         gateway);
    if (peer_is_full(p))
        return error_set(err, ERR_LIMIT, "gateway '%s' has all its %d channels in use", gateway,
                         p->max_channels);
    do
        m.channel = ++p->next_number | WIRE_EXCHANGE_BIT;
    while (numbers_get(&p->numbers, m.channel) != NULL ||
           numbers_ended(&p->numbers, m.channel, loop_now(b->control)));
    rc = check_offer(&m, &t, err);
    if (rc != 0)
        return rc;
    c = channel_new(p, offer, m.channel, true, err);
    if (c == NULL) {
        mem_free(t);
        return err != NULL ? err->code : ERR_LIMIT;
    }
    peer_queue(p, t);
    *cp = c;
    return 0;
}
