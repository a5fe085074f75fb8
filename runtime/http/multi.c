/* libcurl's multi interface on our loop: a uv_poll for each of its sockets, one timer for its
 * time-outs. Handles are made at first use and given back when nothing happened for a while, so an
 * idle process holds none. */
#include "http/transfer.h"

#include "base/mem.h"
#include <string.h>

/* One socket of libcurl's. */
struct watch {
    uv_poll_t poll;
    struct http_curl *owner;
    curl_socket_t fd;
};

static void take_done(struct http_curl *h);

static void act(struct http_curl *h, curl_socket_t fd, int events)
{
    int running;

    curl_multi_socket_action(h->multi, fd, events, &running);
    take_done(h);
}

static void on_timeout(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_set_timeout(CURLM *multi, long ms, void *arg)
{
    struct http_curl *h = arg;

    (void)multi;
    timer_stop(&h->timeout);
    task_cancel(&h->soon);
    if (ms == 0)
        task_post(&h->soon); /* by far the most: spares the loop a timer */
    else if (ms > 0)
        timer_start(&h->timeout, ms);
    return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int flags = 0;

    if (status < 0)
        flags = CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(w->owner, w->fd, flags);
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static struct watch *watch_new(struct http_curl *h, curl_socket_t fd)
{
    struct watch *w = mem_alloc(sizeof *w);

    if (w == NULL)
        return NULL;
    if (uv_poll_init_socket(loop_uv(h->loop), &w->poll, fd) != 0) {
        mem_free(w);
        return NULL;
    }
    w->poll.data = w;
    w->owner = h;
    w->fd = fd;
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http_curl *h = arg;
    struct watch *w = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            curl_multi_assign(h->multi, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
        }
        return 0;
    }
    if (w == NULL) {
        w = watch_new(h, fd);
        if (w == NULL)
            return -1;
        curl_multi_assign(h->multi, fd, w);
    }
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&w->poll, events, on_ready) == 0 ? 0 : -1;
}

static int open_multi(struct http_curl *h, struct error *err)
{
    if (h->multi != NULL)
        return 0;
    if (!h->started && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, ERR_IO, "http: libcurl does not start");
    h->started = true;
    h->multi = curl_multi_init();
    if (h->multi == NULL)
        return error_nomem(err);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_set_timeout);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS);
    return 0;
}

static void give_all_back(struct http_curl *h)
{
    while (h->pooled > 0)
        curl_easy_cleanup(h->pool[--h->pooled]);
    if (h->multi != NULL)
        curl_multi_cleanup(h->multi);
    h->multi = NULL;
    timer_stop(&h->timeout);
    task_cancel(&h->soon);
}

static void on_idle(void *arg)
{
    give_all_back(arg);
}

static CURL *take_easy(struct http_curl *h)
{
    return h->pooled > 0 ? h->pool[--h->pooled] : curl_easy_init();
}

/* A handle remembers cookies beyond a reset: they must not reach the next call. */
static void keep_easy(struct http_curl *h, CURL *easy)
{
    if (h->pooled == HTTP_POOL) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_COOKIEFILE, NULL);
    curl_easy_reset(easy);
    h->pool[h->pooled++] = easy;
}

/* The transfer is over, whoever said so: libcurl's and our own time-outs no longer know it. */
static void detach(struct transfer *t)
{
    list_remove(&t->node);
    timer_stop(&t->read);
    curl_multi_remove_handle(t->owner->multi, t->easy);
}

static void dispose(struct transfer *t)
{
    struct http_curl *h = t->owner;
    CURL *easy = t->easy;

    transfer_free(t);
    keep_easy(h, easy);
    if (list_empty(&h->transfers))
        timer_start(&h->idle, HTTP_IDLE_MS);
}

void transfer_end(struct transfer *t, CURLcode code)
{
    struct http_reply reply;

    detach(t);
    transfer_reply(t, code, &reply);
    t->h(&reply, t->arg);
    dispose(t);
}

static void take_done(struct http_curl *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
        char *private = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        transfer_end((struct transfer *)(void *)private, m->data.result);
    }
}

/* --- the port --- */

static void *start(void *self, const struct http_request *rq, http_reply_h *handler, void *arg,
                   struct error *err)
{
    struct http_curl *h = self;
    struct transfer *t;
    CURL *easy;

    if (open_multi(h, err) != 0)
        return NULL;
    easy = take_easy(h);
    if (easy == NULL) {
        error_nomem(err);
        return NULL;
    }
    if (transfer_new(&t, h, easy, rq, handler, arg, err) != 0) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    if (curl_multi_add_handle(h->multi, easy) != CURLM_OK) {
        transfer_free(t);
        curl_easy_cleanup(easy);
        error_set(err, ERR_IO, "http: libcurl takes no more requests");
        return NULL;
    }
    timer_stop(&h->idle);
    list_append(&h->transfers, &t->node);
    return t;
}

static void cancel(void *self, void *handle)
{
    (void)self;
    detach(handle);
    dispose(handle);
}

int http_curl_new(struct http_curl **hp, struct loop *loop, struct error *err)
{
    struct http_curl *h = mem_alloc(sizeof *h);

    if (h == NULL)
        return error_nomem(err);
    h->loop = loop;
    list_init(&h->transfers);
    timer_init(&h->timeout, loop, on_timeout, h);
    task_init(&h->soon, loop, on_timeout, h);
    timer_init(&h->idle, loop, on_idle, h);
    *hp = h;
    return 0;
}

struct http_port http_curl_port(struct http_curl *h)
{
    return (struct http_port){start, cancel, h};
}

struct http_curl *http_curl_free(struct http_curl *h)
{
    struct link_node *n;

    if (h == NULL)
        return NULL;
    while ((n = list_first(&h->transfers)) != NULL)
        cancel(h, list_entry(n, struct transfer, node));
    timer_stop(&h->idle);
    give_all_back(h);
    if (h->started)
        curl_global_cleanup();
    mem_free(h);
    return NULL;
}
