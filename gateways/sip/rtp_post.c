#include "gateways/sip/rtp_post.h"

#include "base/mem.h"
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

#define PLACES     1024 /* a power of two: 13 ms of 1,500 calls */
#define BYTES_MAX  536  /* 60 ms of G.711 with its headers and SRTP's tag */
#define CACHE_LINE 64

struct packet {
    int fd;
    uint16_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to;
    uint8_t bytes[BYTES_MAX];
};

struct rtp_post {
    uv_thread_t thread;
    uv_sem_t wake;
    bool has_wake, has_thread;
    atomic_bool stop;
    atomic_bool asleep; /* or about to be: whoever finds it set gives one `wake` */
    /* Each is written by one side; apart, so that neither side takes the other's cache line. */
    uint8_t before_sent[CACHE_LINE];
    atomic_uint_fast64_t sent;
    uint8_t before_given[CACHE_LINE];
    atomic_uint_fast64_t given;
    uint8_t before_places[CACHE_LINE];
    struct packet places[PLACES];
};

static void send_one(const struct packet *p)
{
    socklen_t size = p->to.any.sa_family == AF_INET6 ? sizeof p->to.in6 : sizeof p->to.in;

    /* What the system cannot send now is lost, as on any other hop. */
    (void)!sendto(p->fd, p->bytes, p->len, 0, &p->to.any, size);
}

/* Until there is something to do. A sleeper whose `asleep` was taken away by the other side must
 * take the `wake` that comes of it. */
static void rest(struct rtp_post *p, uint64_t sent)
{
    atomic_store(&p->asleep, true);
    if ((atomic_load(&p->given) != sent || atomic_load(&p->stop)) &&
        atomic_exchange(&p->asleep, false))
        return;
    uv_sem_wait(&p->wake);
}

static void run(void *arg)
{
    struct rtp_post *p = arg;
    uint64_t sent = 0;

    pthread_setname_np(pthread_self(), "almon-sip-post");
    for (;;) {
        uint64_t given = atomic_load_explicit(&p->given, memory_order_acquire);

        if (sent == given && atomic_load(&p->stop) && sent == atomic_load(&p->given))
            return;
        if (sent == given)
            rest(p, sent);
        for (; sent != given; sent++) {
            send_one(&p->places[sent % PLACES]);
            atomic_store_explicit(&p->sent, sent + 1, memory_order_release);
        }
    }
}

static void wake(struct rtp_post *p)
{
    if (atomic_load(&p->asleep) && atomic_exchange(&p->asleep, false))
        uv_sem_post(&p->wake);
}

/* Signals are for the loop: the thread is born with all of them blocked. */
static int start(struct rtp_post *p, struct error *err)
{
    sigset_t all, old;
    int rc = uv_sem_init(&p->wake, 0);

    p->has_wake = rc == 0;
    if (rc == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        rc = uv_thread_create(&p->thread, run, p);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        p->has_thread = rc == 0;
    }
    return rc == 0 ? 0
                   : error_set(err, ERR_IO, "cannot start the thread that sends RTP: %s",
                               uv_strerror(rc));
}

int rtp_post_new(struct rtp_post **pp, struct error *err)
{
    struct rtp_post *p = mem_alloc(sizeof *p);
    int rc = p == NULL ? error_nomem(err) : start(p, err);

    if (rc != 0) {
        rtp_post_free(p);
        return rc;
    }
    *pp = p;
    return 0;
}

struct rtp_post *rtp_post_free(struct rtp_post *p)
{
    if (p == NULL)
        return NULL;
    if (p->has_thread) {
        atomic_store(&p->stop, true);
        wake(p);
        uv_thread_join(&p->thread);
    }
    if (p->has_wake)
        uv_sem_destroy(&p->wake);
    mem_free(p);
    return NULL;
}

uint64_t rtp_post_send(struct rtp_post *p, int fd, const struct sockaddr_storage *to,
                       const void *bytes, size_t len)
{
    uint64_t given = atomic_load_explicit(&p->given, memory_order_relaxed);
    struct packet *at = &p->places[given % PLACES];

    if (len > sizeof at->bytes ||
        given - atomic_load_explicit(&p->sent, memory_order_acquire) >= PLACES)
        return 0;
    at->fd = fd;
    at->len = (uint16_t)len;
    memcpy(&at->to, to, sizeof at->to);
    memcpy(at->bytes, bytes, len);
    atomic_store(&p->given, given + 1);
    wake(p);
    return given + 1;
}

bool rtp_post_is_sent(const struct rtp_post *p, uint64_t number)
{
    return atomic_load_explicit(&p->sent, memory_order_acquire) >= number;
}

void rtp_post_wait(const struct rtp_post *p, uint64_t number)
{
    while (!rtp_post_is_sent(p, number))
        sched_yield();
}
