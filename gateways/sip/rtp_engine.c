/* The ports, the sockets and the tick. */
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/rtp_private.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PORT_MIN      16384
#define PORT_MAX      32767
#define TRIES         5
#define SLOT_US       2000
#define BEHIND_MAX_US 200000 /* further behind, what is missed is not made up for */
#define BATCH         8      /* packets of one socket at once: 1 costs a quarter more under load */
#define READY         256    /* sockets looked at at once */
#define EVENTS        (EPOLLIN | EPOLLET)
#define LEARN_MS      5000
#define TIMEOUT_MS    60000

struct rtp_socket {
    struct rtp *call;
    int fd;
    bool rtcp;
};

int64_t rtp_now(const struct rtp *r)
{
    return loop_now(r->engine->loop);
}

static int parse_address(struct sockaddr_storage *a, const char *text, struct error *err)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)a;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)a;

    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        a->ss_family = AF_INET;
        return 0;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        a->ss_family = AF_INET6;
        return 0;
    }
    return error_set(err, ERR_INVALID,
                     "RTP address \"%s\": not an IP address; write one of this machine's, for "
                     "example 192.0.2.7, or 0.0.0.0 for all",
                     text);
}

static int take_range(struct rtp_engine *e, struct error *err)
{
    unsigned min = e->config.port_min, max = e->config.port_max;

    if (min == 0 && max == 0) {
        min = PORT_MIN;
        max = PORT_MAX;
    }
    min += min & 1; /* RTP's port is the even one */
    if (min < 1024 || max > 65535 || max <= min)
        return error_set(err, ERR_INVALID,
                         "RTP ports %u to %u: needs at least one even port and the one after it, "
                         "between 1024 and 65535",
                         e->config.port_min, e->config.port_max);
    e->port_first = min;
    e->pairs = (max - min + 1) / 2;
    e->taken = mem_alloc((e->pairs + 63) / 64 * sizeof *e->taken);
    return e->taken == NULL ? error_nomem(err) : 0;
}

static void on_tick(void *arg);

int rtp_engine_new(struct rtp_engine **ep, struct loop *loop, const struct rtp_config *c,
                   struct error *err)
{
    struct rtp_engine *e = mem_alloc(sizeof *e);
    int i, rc;

    if (e == NULL)
        return error_nomem(err);
    e->loop = loop;
    e->config = *c;
    if (e->config.learn_ms == 0)
        e->config.learn_ms = LEARN_MS;
    if (e->config.timeout_ms == 0)
        e->config.timeout_ms = TIMEOUT_MS;
    e->wall_us = loop_wall(loop) * 1000 - loop_now(loop);
    timer_init(&e->tick, loop, on_tick, e);
    for (i = 0; i < RTP_SLOTS; i++)
        list_init(&e->slots[i]);
    e->poll = -1;
    rc = parse_address(&e->address, c->address == NULL ? "0.0.0.0" : c->address, err);
    if (rc == 0)
        rc = take_range(e, err);
    if (rc == 0 && c->send == NULL && (e->poll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        rc = error_set(err, ERR_IO, "RTP: no epoll: %s", strerror(errno));
    if (rc != 0) {
        mem_free(e->taken);
        mem_free(e);
        return rc;
    }
    *ep = e;
    return 0;
}

struct rtp_engine *rtp_engine_free(struct rtp_engine *e)
{
    if (e == NULL)
        return NULL;
    timer_stop(&e->tick);
    if (e->poll >= 0)
        close(e->poll);
    dtls_identity_free(e->identity);
    mem_free(e->taken);
    mem_free(e);
    return NULL;
}

struct dtls_identity *rtp_engine_identity(struct rtp_engine *e)
{
    struct error err = {0};

    if (e->identity == NULL && dtls_identity_new(&e->identity, &err) != 0)
        log_error("rtp", NULL, "%s", err.text);
    return e->identity;
}

const char *rtp_fingerprint(struct rtp_engine *e)
{
    struct dtls_identity *i = rtp_engine_identity(e);

    return i != NULL ? dtls_identity_print(i) : NULL;
}

unsigned rtp_ports_used(const struct rtp_engine *e)
{
    return e->used;
}

unsigned rtp_ports_all(const struct rtp_engine *e)
{
    return e->pairs;
}

/* --- sockets --- */

static struct rtp_socket *close_socket(struct rtp_engine *e, struct rtp_socket *s)
{
    if (s == NULL)
        return NULL;
    for (int i = 0; i < e->n_ready; i++)
        if (e->ready[i].data.ptr == s)
            e->ready[i].data.ptr = NULL;
    close(s->fd);
    mem_free(s);
    return NULL;
}

/* Some packets of one socket; what is left is for the next tick, so that nobody who floods one
 * takes more than BATCH packets a tick. It is armed again for that: epoll tells of an arrival once,
 * since it would look at each socket twice otherwise. The packets may end the call, and the socket
 * with it. */
static void read_socket(struct rtp_engine *e, struct epoll_event *ready)
{
    static uint8_t bytes[BATCH][RTP_PACKET_MAX];
    static struct sockaddr_storage from[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    struct rtp_socket *s = ready->data.ptr;
    int n;

    for (int i = 0; i < BATCH && parts[i].iov_len == 0; i++) {
        parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
        messages[i].msg_hdr =
            (struct msghdr){.msg_name = &from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    for (int i = 0; i < BATCH; i++)
        messages[i].msg_hdr.msg_namelen = sizeof from[i];
    n = recvmmsg(s->fd, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    for (int i = 0; i < n && ready->data.ptr != NULL; i++)
        rtp_take(s->call, s->rtcp, &from[i], bytes[i], messages[i].msg_len);
    if (n == BATCH && ready->data.ptr != NULL) {
        ready->events = EVENTS;
        epoll_ctl(e->poll, EPOLL_CTL_MOD, s->fd, ready);
    }
}

/* Sockets are not waited for: waking libre and libuv for each packet was a tenth of all, and
 * nothing is done with sound before the tick anyway. */
static void read_sockets(struct rtp_engine *e)
{
    struct epoll_event ready[READY];
    int n;

    if (e->poll < 0)
        return;
    e->ready = ready;
    for (unsigned rounds = 0; rounds <= 2 * e->used / READY; rounds++) {
        n = e->n_ready = epoll_wait(e->poll, ready, READY, 0);
        for (int i = 0; i < n; i++)
            if (ready[i].data.ptr != NULL)
                read_socket(e, &ready[i]);
        e->n_ready = 0;
        if (n < READY)
            break;
    }
    e->ready = NULL;
}

static int bind_one(struct rtp_engine *e, unsigned port)
{
    struct sockaddr_storage a = e->address;
    int one = 1, fd = socket(a.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int why, tos = 0xb8; /* expedited forwarding, as voice goes */

    if (fd < 0)
        return -1;
    if (a.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    else
        setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    address_set_port(&a, port);
    if (bind(fd, (struct sockaddr *)&a, address_size(&a)) == 0)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* Takes over the descriptor, also when it fails. */
static struct rtp_socket *open_socket(struct rtp *r, int fd, bool rtcp)
{
    struct rtp_socket *s = mem_alloc(sizeof *s);
    struct epoll_event e = {.events = EVENTS, .data.ptr = s};

    if (s == NULL || epoll_ctl(r->engine->poll, EPOLL_CTL_ADD, fd, &e) != 0) {
        close(fd);
        mem_free(s);
        errno = ENOMEM;
        return NULL;
    }
    s->call = r;
    s->rtcp = rtcp;
    s->fd = fd;
    return s;
}

/* False with errno. */
static bool open_pair(struct rtp *r)
{
    unsigned port = r->engine->port_first + 2 * r->pair;
    int rtp, rtcp, why;

    if (r->engine->poll < 0)
        return true;
    rtp = bind_one(r->engine, port);
    if (rtp < 0)
        return false;
    rtcp = bind_one(r->engine, port + 1);
    if (rtcp < 0) {
        why = errno;
        close(rtp);
        errno = why;
        return false;
    }
    r->sockets[0] = open_socket(r, rtp, false);
    r->sockets[1] = open_socket(r, rtcp, true);
    if (r->sockets[0] != NULL && r->sockets[1] != NULL)
        return true;
    r->sockets[0] = close_socket(r->engine, r->sockets[0]);
    r->sockets[1] = close_socket(r->engine, r->sockets[1]);
    errno = ENOMEM;
    return false;
}

void rtp_engine_send(struct rtp *r, bool rtcp, const struct sockaddr_storage *to, const void *bytes,
                     size_t len)
{
    struct rtp_engine *e = r->engine;

    if (e->config.send != NULL)
        e->config.send(e->config.arg, r, rtcp, (const struct sockaddr *)to, bytes, len);
    else /* what the system cannot send now is lost, as on any other hop */
        (void)!sendto(r->sockets[rtcp]->fd, bytes, len, 0, (const struct sockaddr *)to,
                      address_size(to));
}

/* --- ports --- */

static bool is_taken(const struct rtp_engine *e, unsigned pair)
{
    return (e->taken[pair / 64] >> pair % 64 & 1) != 0;
}

static void mark(struct rtp_engine *e, unsigned pair, bool taken)
{
    uint64_t bit = UINT64_C(1) << pair % 64;

    e->taken[pair / 64] = taken ? e->taken[pair / 64] | bit : e->taken[pair / 64] & ~bit;
}

/* The ports go round: one that was given back is used again as late as can be, so that what was
 * meant for the old call does not come to a new one. */
int rtp_engine_take_ports(struct rtp *r, struct error *err)
{
    struct rtp_engine *e = r->engine;
    unsigned i, tries = 0, failed = 0;
    int why = 0;

    for (i = 0; i < e->pairs && tries < TRIES; i++) {
        r->pair = (e->next + i) % e->pairs;
        if (is_taken(e, r->pair))
            continue;
        if (open_pair(r)) {
            mark(e, r->pair, true);
            e->next = (r->pair + 1) % e->pairs;
            e->used++;
            return 0;
        }
        why = errno;
        failed = r->pair;
        tries++;
        if (why != EADDRINUSE)
            break;
    }
    e->next = (e->next + i) % e->pairs;
    if (tries == 0)
        return error_set(
            err, ERR_LIMIT,
            "all %u pairs of RTP ports (%u to %u) are in use; widen the range of ports", e->pairs,
            e->port_first, e->port_first + 2 * e->pairs - 1);
    if (why == ENOMEM)
        return error_nomem(err);
    return error_set(err, ERR_IO, "RTP port %u: %s; %s", e->port_first + 2 * failed, strerror(why),
                     why == EMFILE ? "raise the limit of open files (ulimit -n)"
                                   : "choose a range of ports that no other program uses");
}

void rtp_engine_give_ports(struct rtp *r)
{
    r->sockets[0] = close_socket(r->engine, r->sockets[0]);
    r->sockets[1] = close_socket(r->engine, r->sockets[1]);
    mark(r->engine, r->pair, false);
    r->engine->used--;
}

/* --- the tick --- */

void rtp_engine_join(struct rtp *r)
{
    struct rtp_engine *e = r->engine;

    list_append(&e->slots[e->turn++ % RTP_SLOTS], &r->node);
    if (e->calls++ == 0) {
        e->due = loop_now(e->loop) + SLOT_US;
        timer_start_at(&e->tick, e->due);
    }
}

void rtp_engine_leave(struct rtp *r)
{
    struct rtp_engine *e = r->engine;

    if (e->walk == &r->node)
        e->walk = r->node.next;
    list_remove(&r->node);
    if (--e->calls == 0)
        timer_stop(&e->tick);
}

static void run_slot(struct rtp_engine *e, int64_t now)
{
    struct list *l = &e->slots[e->slot];
    struct link_node *n;
    bool delivered = false;

    e->slot = (e->slot + 1) % RTP_SLOTS;
    for (n = l->head.next; n != &l->head; n = e->walk) {
        struct rtp *r = list_entry(n, struct rtp, node);

        e->walk = n->next;
        rtp_hold(r);
        rtp_out_tick(r, now);
        delivered |= rtp_in_tick(r, now);
        rtp_let_go(r);
    }
    e->walk = NULL;
    if (delivered && e->config.flush != NULL)
        e->config.flush(e->config.arg);
}

static void on_tick(void *arg)
{
    struct rtp_engine *e = arg;
    int64_t now = loop_now(e->loop);

    if (now - e->due > BEHIND_MAX_US) {
        log_warn("rtp", NULL, "%lld ms late: what was missed is left out",
                 (long long)((now - e->due) / 1000));
        e->due = now;
    }
    read_sockets(e);
    while (e->due <= now && e->calls > 0) {
        run_slot(e, e->due);
        e->due += SLOT_US;
    }
    if (e->calls > 0)
        timer_start_at(&e->tick, e->due);
}
