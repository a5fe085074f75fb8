/* Calls that speak and are spoken to: a load client in another process sends each of N calls a
 * packet every 20 ms and takes what comes back; here the gateway's media hands each frame to a
 * handler that sends it back, as the exchange would. Measured: processor time of this process for a
 * packet in, its way through the jitter buffer, and a packet out. The floor is a bare UDP echo of
 * the same packets on as many sockets. */
#include "base/loop.h"
#include "gateways/sip/rtp.h"
#include "gateways/sip/rtp_packet.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SETTLE_MS = 500,
    MEASURE_MS = 2000,
    SLOTS = 10,
    PACKET = 172,
    CALLS_MAX = 1000,
    OUR_PORT = 20000,
    THEIR_PORT = 25000
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in local(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int open_at(unsigned port)
{
    struct sockaddr_in a = local(port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
        die("bench_rtp: socket");
    return fd;
}

/* --- the load client: until it is killed; what came back goes into the pipe --- */

static void sleep_until(struct timespec *t)
{
    t->tv_nsec += 2000000;
    if (t->tv_nsec >= 1000000000) {
        t->tv_nsec -= 1000000000;
        t->tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL);
}

static void load(unsigned calls, unsigned port_step, int out)
{
    static int fds[CALLS_MAX];
    uint8_t bytes[PACKET + 100];
    struct timespec t;
    uint32_t tick, i, n;

    for (i = 0; i < calls; i++)
        fds[i] = open_at(THEIR_PORT + i);
    clock_gettime(CLOCK_MONOTONIC, &t);
    for (tick = 0;; tick++) {
        for (n = 0, i = tick % SLOTS; i < calls; i += SLOTS) {
            struct sockaddr_in to = local(OUR_PORT + port_step * i);
            struct rtp_packet p = {.seq = (uint16_t)(tick / SLOTS),
                                   .timestamp = tick / SLOTS * 160};

            while (recv(fds[i], bytes, sizeof bytes, 0) > 0)
                n++;
            memset(bytes, 0x55, sizeof bytes);
            p.ssrc = i + 1;
            rtp_write_header(bytes, &p);
            sendto(fds[i], bytes, PACKET, 0, (struct sockaddr *)&to, sizeof to);
        }
        if (write(out, &n, sizeof n) != sizeof n)
            _exit(0);
        sleep_until(&t);
    }
}

static pid_t start_load(unsigned calls, unsigned port_step, int *from)
{
    int ends[2];
    pid_t pid = -1;

    fflush(stdout);
    if (pipe(ends) != 0 || (pid = fork()) < 0)
        die("bench_rtp: fork");
    if (pid == 0) {
        close(ends[0]);
        load(calls, port_step, ends[1]);
    }
    close(ends[1]);
    *from = ends[0];
    return pid;
}

static unsigned drain(int from)
{
    uint32_t n[512];
    unsigned sum = 0;
    ssize_t got = read(from, n, sizeof n), i;

    for (i = 0; i < got / (ssize_t)sizeof *n; i++)
        sum += n[i];
    return sum;
}

/* --- measuring, the same for both --- */

struct meter {
    struct loop *loop;
    struct timer timer;
    int from;
    bool measuring;
    double begun_s, used_s;
    unsigned back;
};

static double processor_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void on_phase(void *arg)
{
    struct meter *m = arg;

    if (!m->measuring) {
        m->measuring = true;
        drain(m->from);
        m->begun_s = processor_s();
        timer_start(&m->timer, MEASURE_MS);
        return;
    }
    m->used_s = processor_s() - m->begun_s;
    for (int i = 0; i < 4; i++)
        m->back += drain(m->from);
    loop_stop(m->loop);
}

static void measure(struct meter *m, unsigned calls, unsigned port_step)
{
    pid_t pid = start_load(calls, port_step, &m->from);

    m->measuring = false;
    m->back = 0;
    timer_init(&m->timer, m->loop, on_phase, m);
    timer_start(&m->timer, SETTLE_MS);
    loop_run(m->loop);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(m->from);
}

/* --- the media of the gateway --- */

static void on_frame(void *arg, const void *bytes, size_t len)
{
    struct rtp **r = arg;

    if (len > 0)
        rtp_send_frame(*r, bytes, len);
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static void run_media(struct meter *m, unsigned calls)
{
    static const struct rtp_handlers handlers = {.frame = on_frame, .digit = on_digit};
    static struct rtp *rtp[CALLS_MAX];
    struct rtp_config config = {
        .address = "127.0.0.1", .port_min = OUR_PORT, .port_max = OUR_PORT + 2 * CALLS_MAX - 1};
    struct rtp_engine *e;
    struct error err;
    unsigned i;

    if (rtp_engine_new(&e, m->loop, &config, &err) != 0)
        die(err.text);
    for (i = 0; i < calls; i++) {
        struct sockaddr_in at = local(THEIR_PORT + i);
        struct rtp_peer p = {
            .dtmf = 101, .dtmf_in = 101, .comfort = -1, .send = true, .receive = true};

        memcpy(&p.address, &at, sizeof at);
        if (rtp_new(&rtp[i], e, &handlers, &rtp[i], &err) != 0 ||
            rtp_set_peer(rtp[i], &p, &err) != 0)
            die(err.text);
        rtp_deliver(rtp[i], true);
    }
    measure(m, calls, 2);
    for (i = 0; i < calls; i++)
        rtp[i] = rtp_free(rtp[i]);
    rtp_engine_free(e);
}

/* --- the floor --- */

static void on_readable(uv_poll_t *poll, int status, int events)
{
    int fd = *(int *)poll->data;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    uint8_t bytes[1500];
    ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);

    (void)status;
    (void)events;
    if (n > 0)
        sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, size);
}

static void run_floor(struct meter *m, unsigned calls)
{
    static uv_poll_t polls[CALLS_MAX];
    static int fds[CALLS_MAX];
    unsigned i;

    for (i = 0; i < calls; i++) {
        fds[i] = open_at(OUR_PORT + 2 * i);
        uv_poll_init_socket(loop_uv(m->loop), &polls[i], fds[i]);
        polls[i].data = &fds[i];
        uv_poll_start(&polls[i], UV_READABLE, on_readable);
    }
    measure(m, calls, 2);
    for (i = 0; i < calls; i++)
        uv_close((uv_handle_t *)&polls[i], NULL);
    for (i = 0; i < 3; i++)
        loop_turn(m->loop, false);
    for (i = 0; i < calls; i++)
        close(fds[i]);
}

/* What a packet in and out costs, of those that came back: on a busy machine some are lost. */
struct outcome {
    double us, back; /* microseconds; percent */
};

static struct outcome outcome_of(const struct meter *m, unsigned calls)
{
    double sent = calls * (double)MEASURE_MS / FRAME_MS;

    return (struct outcome){.us = m->used_s * 1e6 / (m->back + 1.0), .back = 100 * m->back / sent};
}

static void report(unsigned calls, struct outcome ours, struct outcome bare)
{
    printf("figure rtp_%u_calls_packet %.2f us floor=%.2f aim=-\n", calls, ours.us, bare.us);
    printf("figure rtp_%u_calls_came_back %.1f %% floor=%.1f aim=100\n", calls, ours.back,
           bare.back);
    /* 50 packets a second each way. */
    printf("figure rtp_%u_calls_core %.3f %%/call floor=%.3f aim=0.03\n", calls, ours.us / 200,
           bare.us / 200);
}

int main(void)
{
    static const unsigned sizes[] = {100, 400, CALLS_MAX};
    struct rlimit files = {4 * CALLS_MAX + 64, 4 * CALLS_MAX + 64}; /* the child has ours too */
    struct meter m = {0};
    size_t i;

    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        die("bench_rtp: limit of open files");
    signal(SIGPIPE, SIG_IGN);
    if (loop_new(&m.loop, NULL, NULL) != 0)
        die("bench_rtp: loop");
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct outcome bare;

        run_floor(&m, sizes[i]);
        bare = outcome_of(&m, sizes[i]);
        run_media(&m, sizes[i]);
        report(sizes[i], outcome_of(&m, sizes[i]), bare);
    }
    loop_free(m.loop);
    return 0;
}
