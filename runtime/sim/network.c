/* The real web below http/exchange.h, for a virtual exchange: libcurl on a real loop of its own.
 * The clock waits while an answer is owed, and then jumps by as long as it took, so that what
 * follows has the times that it would have had. */
#include "base/mem.h"
#include "sim/private.h"
#include <stdlib.h>
#include <string.h>

struct sim_network {
    struct sim *sim;
    struct loop *loop; /* real */
    struct http_curl *curl;
    struct http_port port;
    struct list exchanges;
};

/* A request, then its answer with strings of its own. */
struct net_exchange {
    struct link_node node;
    struct sim_network *network;
    void *handle; /* NULL: answered */
    struct http_reply reply;
    struct timer turn; /* waits for the answer, then hands it out */
    http_reply_h *h;
    void *arg;
    bool failed; /* memory was out */
};

static const char **strings_of(struct http_reply *r, size_t i)
{
    const char **all[] = {&r->url,           &r->content_type,  &r->etag,
                          &r->last_modified, &r->cache_control, &r->expires};

    return i < sizeof all / sizeof *all ? all[i] : NULL;
}

static void exchange_free(struct net_exchange *x)
{
    timer_stop(&x->turn);
    list_remove(&x->node);
    for (size_t i = 0; strings_of(&x->reply, i) != NULL; i++)
        mem_free((char *)(uintptr_t)*strings_of(&x->reply, i));
    mem_free((char *)(uintptr_t)x->reply.body);
    mem_free(x);
}

/* From the real loop. */
static void on_reply(const struct http_reply *reply, void *arg)
{
    struct net_exchange *x = arg;
    char *body = NULL;

    x->handle = NULL;
    x->reply = *reply;
    for (size_t i = 0; strings_of(&x->reply, i) != NULL; i++) {
        const char **at = strings_of(&x->reply, i), *theirs = *at;

        *at = mem_strdup(theirs);
        x->failed = x->failed || (theirs != NULL && *at == NULL);
    }
    if (reply->body != NULL) {
        body = mem_alloc(reply->body_len + 1);
        if (body != NULL)
            memcpy(body, reply->body, reply->body_len);
        x->failed = x->failed || body == NULL;
    }
    x->reply.body = body;
}

static void hand_out(void *arg)
{
    struct net_exchange *x = arg;

    list_remove(&x->node); /* what the handler cancels is no longer this */
    x->h(&x->reply, x->arg);
    exchange_free(x);
}

static void wait_for_it(void *arg)
{
    struct net_exchange *x = arg;

    while (x->handle != NULL)
        loop_turn(x->network->loop, true);
    if (x->failed) {
        x->reply.failure = HTTP_FAILED;
        str_copy(x->reply.text, sizeof x->reply.text, "out of memory");
    }
    timer_init(&x->turn, x->network->sim->loop, hand_out, x);
    timer_start(&x->turn, x->reply.ms);
}

static void *start(void *self, const struct http_request *rq, http_reply_h *h, void *arg,
                   struct error *err)
{
    struct sim_network *n = self;
    struct net_exchange *x = mem_alloc(sizeof *x);

    if (x == NULL) {
        error_nomem(err);
        return NULL;
    }
    x->network = n;
    x->h = h;
    x->arg = arg;
    x->handle = n->port.start(n->port.self, rq, on_reply, x, err);
    if (x->handle == NULL) {
        mem_free(x);
        return NULL;
    }
    list_append(&n->exchanges, &x->node);
    timer_init(&x->turn, n->sim->loop, wait_for_it, x);
    timer_start(&x->turn, 0);
    return x;
}

static void cancel(void *self, void *handle)
{
    struct sim_network *n = self;
    struct net_exchange *x = handle;

    if (x->handle != NULL)
        n->port.cancel(n->port.self, x->handle);
    exchange_free(x);
}

struct http_port sim_network_port(struct sim_network *n)
{
    return (struct http_port){.start = start, .cancel = cancel, .self = n};
}

int sim_network_new(struct sim_network **np, struct sim *s, struct error *err)
{
    struct sim_network *n = mem_alloc(sizeof *n);
    int rc;

    if (n == NULL)
        return error_nomem(err);
    n->sim = s;
    list_init(&n->exchanges);
    rc = loop_new(&n->loop, NULL, err);
    if (rc == 0)
        rc = http_curl_new(&n->curl, n->loop, err);
    if (rc != 0) {
        sim_network_free(n);
        return rc;
    }
    n->port = http_curl_port(n->curl);
    *np = n;
    return 0;
}

struct sim_network *sim_network_free(struct sim_network *n)
{
    if (n == NULL)
        return NULL;
    while (!list_empty(&n->exchanges))
        cancel(n, list_entry(list_first(&n->exchanges), struct net_exchange, node));
    http_curl_free(n->curl);
    loop_free(n->loop);
    mem_free(n);
    return NULL;
}
