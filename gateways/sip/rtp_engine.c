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
#define AGE_MAX_US    200000 /* of a packet that is read */
#define BEHIND_MAX_US 200000 /* further behind, what is missed is not made up for */
#define BATCH         8      /* packets of one socket at once */
#define BATCHES       4      /* of them a tick, for what waited while the network stood still */
#define READY         64     /* RTCP sockets looked at at once */
#define EVENTS        (EPOLLIN | EPOLLET)
#define CACHE_LINE    64
#define EAR_AHEAD     256 /* bytes of the ear that each tick needs */
#define STAMP_BYTES   64  /* for what the kernel says beside a packet: when it came */
#define LEARN_MS      5000
#define TIMEOUT_MS    60000
#define POST_CALLS    400 /* below, waking the other thread costs more than it takes over */

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
static void close_sent(struct rtp_engine *e);

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
    if (e->config.post_calls == 0)
        e->config.post_calls = POST_CALLS;
    e->no_post = c->send != NULL || uv_available_parallelism() < 2;
    list_init(&e->closing);
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
    e->post = rtp_post_free(e->post); /* all is sent */
    close_sent(e);
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

static void close_sockets(struct rtp *r)
{
    struct rtp_engine *e = r->engine;

    for (int i = 0; i < e->n_ready; i++)
        if (e->ready[i].data.ptr == r)
            e->ready[i].data.ptr = NULL;
    for (int k = 0; k < 2; k++) {
        if (r->fds[k] >= 0)
            close(r->fds[k]);
        r->fds[k] = -1;
    }
}

/* When the packet came, by loop_now(): it may have waited for the tick, whose grain would else be
 * taken for the network's jitter. */
static int64_t came_at(const struct rtp_engine *e, struct msghdr *m)
{
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    struct timespec t;
    int64_t age;

    if (h == NULL || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_TIMESTAMPNS)
        return e->read_us;
    memcpy(&t, CMSG_DATA(h), sizeof t);
    age = e->read_wall_us - ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    /* A wall clock that was set in between is believed no further than this. */
    return age <= 0 ? e->read_us : e->read_us - (age < AGE_MAX_US ? age : AGE_MAX_US);
}

/* Up to BATCH packets of one socket; how many there were. They may end the call. */
static int read_some(struct rtp *r, bool rtcp)
{
    static uint8_t bytes[BATCH][RTP_PACKET_MAX];
    static struct sockaddr_storage from[BATCH];
    static _Alignas(struct cmsghdr) uint8_t stamps[BATCH][STAMP_BYTES];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    int n;

    for (int i = 0; i < BATCH && parts[i].iov_len == 0; i++) {
        parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &from[i], .msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = stamps[i]};
    }
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_namelen = sizeof from[i];
        messages[i].msg_hdr.msg_controllen = sizeof stamps[i];
    }
    n = recvmmsg(r->fds[rtcp], messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    for (int i = 0; i < n && !r->dead; i++)
        rtp_take(r, rtcp, &from[i], bytes[i], messages[i].msg_len,
                 came_at(r->engine, &messages[i].msg_hdr));
    return n;
}

/* The sound of one call, just before its tick, which is the first to need it. A socket that is in
 * no epoll costs less at each packet, in and out, and its sender, too; and each call is looked at
 * once in 20 ms. Who floods a port has no more than BATCHES * BATCH packets of it read. */
static void read_sound(struct rtp *r)
{
    for (int i = 0; i < BATCHES && !r->dead && r->fds[0] >= 0; i++)
        if (read_some(r, false) < BATCH)
            return;
}

/* Reports: seldom, so epoll says which sockets have any. Nobody waits for it: it is asked at each
 * tick. It tells of an arrival once, so a socket with more than BATCH is armed again. */
static void read_reports(struct rtp_engine *e)
{
    struct epoll_event ready[READY];

    if (e->poll < 0)
        return;
    e->ready = ready;
    e->n_ready = epoll_wait(e->poll, ready, READY, 0);
    for (int i = 0; i < e->n_ready; i++) {
        struct rtp *r = ready[i].data.ptr;
        int n;

        if (r == NULL)
            continue;
        rtp_hold(r);
        n = read_some(r, true);
        if (n == BATCH && !r->dead) {
            ready[i].events = EVENTS;
            epoll_ctl(e->poll, EPOLL_CTL_MOD, r->fds[1], &ready[i]);
        }
        rtp_let_go(r);
    }
    e->n_ready = 0;
    e->ready = NULL;
}

static int bind_one(const struct rtp *r, unsigned port)
{
    struct sockaddr_storage a = r->engine->address;
    int one = 1, fd, why, tos = 0xb8; /* expedited forwarding, as voice goes */

    if (r->family != a.ss_family)
        a = (struct sockaddr_storage){.ss_family = (sa_family_t)r->family};
    fd = socket(a.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (a.ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    } else
        setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    address_set_port(&a, port);
    if (bind(fd, (struct sockaddr *)&a, address_size(&a)) == 0)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* False with errno. */
static bool open_pair(struct rtp *r)
{
    unsigned port = r->engine->port_first + 2 * r->pair;
    struct epoll_event e = {.events = EVENTS, .data.ptr = r};
    int on = 1, why;

    if (r->engine->poll < 0)
        return true;
    r->fds[0] = bind_one(r, port);
    if (r->fds[0] >= 0)
        r->fds[1] = bind_one(r, port + 1);
    if (r->fds[1] >= 0 && epoll_ctl(r->engine->poll, EPOLL_CTL_ADD, r->fds[1], &e) == 0) {
        /* Without it a packet counts as come when it is read. */
        setsockopt(r->fds[0], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        return true;
    }
    why = errno;
    close_sockets(r);
    errno = why;
    return false;
}

int rtp_use_six(struct rtp *r, bool six, struct error *err)
{
    struct rtp_engine *e = r->engine;
    int family = six ? AF_INET6 : AF_INET;

    if (family == r->family)
        return 0;
    r->family = family;
    if (e->post != NULL)
        rtp_post_wait(e->post, r->posted);
    close_sockets(r);
    if (open_pair(r))
        return 0;
    return error_set(err, ERR_IO, "RTP port %u, IPv%d: %s", e->port_first + 2 * r->pair,
                     six ? 6 : 4, strerror(errno));
}

/* Handed to the other thread: with many calls, and with few what follows on what it still has. */
static bool is_posted(struct rtp *r, bool rtcp, const struct sockaddr_storage *to,
                      const void *bytes, size_t len)
{
    struct rtp_engine *e = r->engine;
    uint64_t number;

    if (e->post == NULL || rtcp ||
        (e->calls < e->config.post_calls && rtp_post_is_sent(e->post, r->posted)))
        return false;
    number = rtp_post_send(e->post, r->fds[0], to, bytes, len);
    if (number > 0)
        r->posted = number;
    return number > 0;
}

void rtp_engine_send(struct rtp *r, bool rtcp, const struct sockaddr_storage *to, const void *bytes,
                     size_t len)
{
    struct rtp_engine *e = r->engine;

    if (e->config.send != NULL)
        e->config.send(e->config.arg, r, rtcp, (const struct sockaddr *)to, bytes, len);
    else if (!is_posted(r, rtcp, to, bytes, len))
        /* What the system cannot send now is lost, as on any other hop. */
        (void)!sendto(r->fds[rtcp], bytes, len, 0, (const struct sockaddr *)to, address_size(to));
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
    if (tries == 0 && !list_empty(&e->closing)) { /* soon there is one */
        rtp_post_wait(e->post, list_entry(list_first(&e->closing), struct rtp, node)->posted);
        close_sent(e);
        return rtp_engine_take_ports(r, err);
    }
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

static void give_back(struct rtp *r)
{
    close_sockets(r);
    mark(r->engine, r->pair, false);
    r->engine->used--;
}

/* The ports of freed calls whose last packets are sent by now. */
static void close_sent(struct rtp_engine *e)
{
    struct link_node *n, *next;

    for (n = list_first(&e->closing); n != NULL; n = next) {
        struct rtp *r = list_entry(n, struct rtp, node);

        next = list_next(&e->closing, n);
        if (e->post != NULL && !rtp_post_is_sent(e->post, r->posted))
            continue;
        list_remove(n);
        give_back(r);
        r->closing = false;
        if (r->busy == 0)
            mem_free(r);
    }
}

static void start_tick(struct rtp_engine *e)
{
    e->due = loop_now(e->loop) + SLOT_US;
    timer_start_at(&e->tick, e->due);
}

/* A number of a socket that is closed may be another one's at once, so what the other thread still
 * has to send from it must be gone before. */
void rtp_engine_give_ports(struct rtp *r)
{
    struct rtp_engine *e = r->engine;

    if (e->post == NULL || rtp_post_is_sent(e->post, r->posted)) {
        give_back(r);
        return;
    }
    r->closing = true;
    list_append(&e->closing, &r->node);
    if (e->calls == 0)
        start_tick(e);
}

/* --- the tick --- */

void rtp_engine_join(struct rtp *r)
{
    struct rtp_engine *e = r->engine;
    struct error err = {0};

    list_append(&e->slots[e->turn++ % RTP_SLOTS], &r->node);
    if (e->calls++ == 0)
        start_tick(e);
    if (e->calls >= e->config.post_calls && e->post == NULL && !e->no_post &&
        rtp_post_new(&e->post, &err) != 0) {
        log_warn("rtp", NULL, "%s; one thread does it all", err.text);
        e->no_post = true;
    }
}

void rtp_engine_leave(struct rtp *r)
{
    struct rtp_engine *e = r->engine;

    if (e->walk == &r->node)
        e->walk = r->node.next;
    list_remove(&r->node);
    if (--e->calls == 0 && list_empty(&e->closing))
        timer_stop(&e->tick);
}

/* The next call comes from memory while this one's system calls run: with a thousand calls that is
 * a tenth of what a tick costs. */
static void prefetch(const struct rtp *r)
{
    const char *p = (const char *)r;

    for (size_t at = 0; at < offsetof(struct rtp, ear) + EAR_AHEAD; at += CACHE_LINE)
        __builtin_prefetch(p + at);
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
        if (e->walk != &l->head)
            prefetch(list_entry(e->walk, struct rtp, node));
        rtp_hold(r);
        read_sound(r);
        if (!r->dead) {
            rtp_out_tick(r, now);
            delivered |= rtp_in_tick(r, now);
        }
        rtp_let_go(r);
    }
    e->walk = NULL;
    if (delivered && e->config.flush != NULL)
        e->config.flush(e->config.arg);
}

static void look_at_clocks(struct rtp_engine *e)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t); /* what the kernel stamps packets with */
    e->read_wall_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    e->read_us = loop_now(e->loop);
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
    look_at_clocks(e);
    close_sent(e);
    read_reports(e);
    while (e->due <= now) {
        run_slot(e, e->due);
        e->due += SLOT_US;
    }
    if (e->calls > 0 || !list_empty(&e->closing))
        timer_start_at(&e->tick, e->due);
}
