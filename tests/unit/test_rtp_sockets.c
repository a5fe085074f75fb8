/* What real sockets do for RTP: how much of what waits is read, and when it counts as come. The
 * clock of the loop is virtual; packets lie in the sockets until it moves. */
#include "base/mem.h"
#include "gateways/sip/rtcp.h"
#include "gateways/sip/rtp_packet.h"
#include "gateways/sip/rtp_post.h"
#include "rtp_rig.h"
#include "unit.h"
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FLOOD = 200, READ_MOST = 32, TRIES = 8 };

struct place {
    struct vtime *vtime;
    struct loop *loop;
    struct rtp_engine *engine;
    struct rtp *rtp;
    int phone;
    unsigned digits;
    bool hang_up; /* at the first digit */
};

static void on_frame(void *arg, const void *bytes, size_t len)
{
    (void)arg;
    (void)bytes;
    (void)len;
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct place *p = arg;

    (void)digit;
    (void)duration_ms;
    p->digits++;
    if (p->hang_up)
        p->rtp = rtp_free(p->rtp);
}

static const struct rtp_handlers handlers = {.frame = on_frame, .digit = on_digit};

static void run(struct place *p, int ms)
{
    vtime_run(p->vtime, loop_now(p->loop) + ms * 1000, NULL, NULL);
}

static int add_call(struct place *p, struct error *err)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    struct rtp_peer peer = {.dtmf = 101,
                            .dtmf_in = 101,
                            .comfort = -1,
                            .rtcp_mux = true,
                            .send = true,
                            .receive = true};
    int rc = rtp_new(&p->rtp, p->engine, &handlers, p, err);

    if (rc != 0)
        return rc;
    getsockname(p->phone, (struct sockaddr *)&at, &n);
    peer.address = at;
    rtp_deliver(p->rtp, true);
    return rtp_set_peer(p->rtp, &peer, err);
}

static int start_with(struct place *p, const struct rtp_config *config, struct error *err)
{
    struct sockaddr_storage here = rig_address("127.0.0.1", 0);
    int rc;

    *p = (struct place){.phone = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (p->phone < 0 || bind(p->phone, (struct sockaddr *)&here, sizeof(struct sockaddr_in)) != 0)
        return error_set(err, ERR_IO, "no socket");
    rc = vtime_new(&p->vtime, err);
    if (rc == 0)
        rc = loop_new(&p->loop, p->vtime, err);
    if (rc == 0)
        rc = rtp_engine_new(&p->engine, p->loop, config, err);
    if (rc != 0)
        return rc;
    run(p, 1000);
    return add_call(p, err);
}

static int start(struct place *p, struct error *err)
{
    struct rtp_config config = {.address = "127.0.0.1", .port_min = 28020, .port_max = 28059};

    return start_with(p, &config, err);
}

/* A second thread sends from the first call on. */
static int start_posting(struct place *p, unsigned port_max, struct error *err)
{
    struct rtp_config config = {
        .address = "127.0.0.1", .port_min = 28060, .port_max = port_max, .post_calls = 1};

    return start_with(p, &config, err);
}

static void stop(struct place *p)
{
    rtp_free(p->rtp);
    rtp_engine_free(p->engine);
    if (p->loop != NULL)
        loop_free(p->loop);
    if (p->vtime != NULL)
        vtime_free(p->vtime);
    if (p->phone >= 0)
        close(p->phone);
}

static void send_to(struct place *p, bool rtcp, const void *bytes, size_t len)
{
    struct sockaddr_storage to = rig_address("127.0.0.1", rtp_port(p->rtp) + rtcp);

    (void)!sendto(p->phone, bytes, len, 0, (struct sockaddr *)&to, sizeof(struct sockaddr_in));
}

static void speak(struct place *p, unsigned seq)
{
    uint8_t bytes[172] = {0};
    struct rtp_packet head = {.seq = (uint16_t)seq, .timestamp = seq * 160, .ssrc = 7};

    rtp_write_header(bytes, &head);
    send_to(p, false, bytes, sizeof bytes);
}

static void press(struct place *p, unsigned seq)
{
    uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 10, 1, 64};
    struct rtp_packet head = {.seq = (uint16_t)seq, .ssrc = 7, .payload_type = 101};

    rtp_write_header(bytes, &head);
    send_to(p, false, bytes, sizeof bytes);
}

static struct rtp_stats stats_of(const struct place *p)
{
    struct rtp_stats s;

    rtp_stats(p->rtp, &s);
    return s;
}

/* A network that stood still for half a second loses nothing to us; who floods a port gets no more
 * of our time than that. */
UNIT(what_waits_is_read_at_one_tick_up_to_a_bound)
{
    struct error err = {0};
    struct place p;
    unsigned i;

    ok_rc(start(&p, &err), &err);
    for (i = 0; i < 25; i++)
        speak(&p, i);
    run(&p, 20);
    ok_int(stats_of(&p).received, 25);
    for (; i < 25 + FLOOD; i++)
        speak(&p, i);
    run(&p, 20);
    ok_int(stats_of(&p).received, 25 + READ_MOST);
    run(&p, 20);
    ok_int(stats_of(&p).received, 25 + 2 * READ_MOST);
out:
    stop(&p);
}

UNIT(reports_are_read_however_many_come_at_once)
{
    uint8_t report[RTCP_MAX];
    struct rtcp theirs = {.ssrc = 7};
    struct error err = {0};
    struct place p;
    size_t n;

    ok_rc(start(&p, &err), &err);
    n = rtcp_write(report, &theirs, "phone");
    for (int i = 0; i < 20; i++)
        send_to(&p, true, report, n);
    run(&p, 40);
    ok_int(stats_of(&p).bad, 10); /* beyond the burst that is allowed: all twenty were read */
out:
    stop(&p);
}

/* The call's sockets go while more of its packets are in hand. */
UNIT(a_call_may_end_at_one_packet_of_many)
{
    struct error err = {0};
    struct place p;

    ok_rc(start(&p, &err), &err);
    p.hang_up = true;
    for (unsigned i = 0; i < 12; i++)
        press(&p, i);
    run(&p, 40);
    ok_int(p.digits, 1);
    ok(p.rtp == NULL);
    ok_int(rtp_ports_used(p.engine), 0);
    ok_rc(add_call(&p, &err), &err); /* its ports are not those, and hear nothing of it */
    run(&p, 40);
    ok_int(stats_of(&p).received, 0);
out:
    stop(&p);
}

static int64_t real_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The kernel begins to stamp packets only some time after the first socket asked for it. Keeps it
 * at that until the socket that is returned is closed; -1: there is none. */
static int have_packets_stamped(void)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    struct sockaddr_storage here = rig_address("127.0.0.1", 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    socklen_t len = sizeof here;

    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(struct sockaddr_in)) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
        return fd;
    for (int i = 0; i < 1000; i++) {
        _Alignas(struct cmsghdr) uint8_t room[64];
        char byte = 0;
        struct iovec part = {.iov_base = &byte, .iov_len = 1};
        struct msghdr m = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
        struct timespec now, came;

        (void)!sendto(fd, &byte, 1, 0, (struct sockaddr *)&here, len);
        nanosleep(&nap, NULL);
        if (recvmsg(fd, &m, MSG_DONTWAIT) != 1 || CMSG_FIRSTHDR(&m) == NULL)
            continue;
        memcpy(&came, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof came);
        clock_gettime(CLOCK_REALTIME, &now);
        if ((now.tv_sec - came.tv_sec) * 1000000000L + now.tv_nsec - came.tv_nsec >= nap.tv_nsec)
            break;
    }
    return fd;
}

/* Two packets 50 ms apart of the real clock, but 20 ms by their own: read at the same tick, their
 * distance counts, or the tick would be taken for the network's jitter. */
UNIT(a_packet_counts_as_come_when_it_came_not_when_it_is_read)
{
    const struct timespec nap = {.tv_nsec = 50000000};
    struct error err = {0};
    struct place p = {.phone = -1};
    int64_t begun;
    int i = TRIES, stamped = have_packets_stamped();

    ok(stamped >= 0);
    for (i = 0; i < TRIES; i++) {
        ok_rc(start(&p, &err), &err);
        begun = real_ms();
        speak(&p, 0);
        nanosleep(&nap, NULL);
        speak(&p, 1);
        run(&p, 20);
        if (real_ms() - begun < 150) /* older than 200 ms is not believed */
            break;
        stop(&p);
    }
    if (i < TRIES) { /* else nothing can be measured on this machine now */
        ok_int(stats_of(&p).received, 2);
        ok(stats_of(&p).jitter_ms > 30 / 16.0 * 0.95);
    }
out:
    if (i < TRIES)
        stop(&p);
    if (stamped >= 0)
        close(stamped);
}

/* --- with another thread that sends --- */

enum { BURST = 100, PATIENCE_MS = 20000 };

static void say(struct place *p, int frames)
{
    static const uint8_t frame[160] = {0x55};

    for (int i = 0; i < frames; i++)
        rtp_send_frame(p->rtp, frame, sizeof frame);
}

/* How many packets of sound came, one after another by their numbers, from that port; waits for so
 * many. */
static int hear(struct place *p, int frames, unsigned port)
{
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    struct sockaddr_in from;
    uint8_t bytes[256];
    unsigned last = 0;
    int n = 0;

    setsockopt(p->phone, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (n < frames) {
        socklen_t len = sizeof from;
        ssize_t got = recvfrom(p->phone, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);
        unsigned seq = (unsigned)(bytes[2] << 8 | bytes[3]);

        if (got < 0)
            break;
        if (got != 172 || (bytes[1] & 0x7f) != 0)
            continue; /* a report */
        if (ntohs(from.sin_port) != port || (n > 0 && seq != last + 1))
            return -1;
        last = seq;
        n++;
    }
    return n;
}

UNIT(what_another_thread_sends_keeps_its_order)
{
    struct error err = {0};
    struct place p;

    ok_rc(start_posting(&p, 28069, &err), &err);
    for (int i = 0; i < 5; i++) {
        say(&p, BURST);
        ok_int(hear(&p, BURST, rtp_port(p.rtp)), BURST);
    }
out:
    stop(&p);
}

/* Else its last words would be lost, or come from the port of who is called next. */
UNIT(a_call_that_ended_says_what_it_had_begun_to)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    struct error err = {0};
    struct place p;
    unsigned port;

    ok_rc(start_posting(&p, 28069, &err), &err);
    for (int i = 0; i < 20; i++) {
        port = rtp_port(p.rtp);
        say(&p, BURST);
        p.rtp = rtp_free(p.rtp);
        ok_rc(add_call(&p, &err), &err);
        ok(rtp_port(p.rtp) != port);
        ok_int(hear(&p, BURST, port), BURST);
    }
    p.rtp = rtp_free(p.rtp);
    for (int i = 0; i < PATIENCE_MS && rtp_ports_used(p.engine) > 0; i++) {
        nanosleep(&nap, NULL);
        run(&p, 2);
    }
    ok_int(rtp_ports_used(p.engine), 0);
out:
    stop(&p);
}

UNIT(the_only_port_is_free_when_its_call_has_ended)
{
    struct error err = {0};
    struct place p;

    ok_rc(start_posting(&p, 28061, &err), &err);
    for (int i = 0; i < 20; i++) {
        say(&p, BURST);
        p.rtp = rtp_free(p.rtp);
        ok_rc(add_call(&p, &err), &err);
        ok_int(rtp_port(p.rtp), 28060);
        ok_int(rtp_ports_used(p.engine), 1);
        ok_int(hear(&p, BURST, 28060), BURST);
    }
out:
    stop(&p);
}

/* Who has more than fits is told so, and at the end nothing is left. */
UNIT(the_sending_thread_takes_no_more_than_fits_and_leaves_nothing)
{
    static const uint8_t bytes[2000] = {0x80};
    struct rtp_post *post = NULL;
    struct error err = {0};
    struct sockaddr_storage to;
    socklen_t len = sizeof to;
    struct place p;
    uint64_t last = 0, n;

    ok_rc(start(&p, &err), &err);
    getsockname(p.phone, (struct sockaddr *)&to, &len);
    ok_rc(rtp_post_new(&post, &err), &err);
    ok(rtp_post_is_sent(post, 0));
    ok_int(rtp_post_send(post, p.phone, &to, bytes, sizeof bytes), 0);
    for (int i = 0; i < 20000; i++) {
        n = rtp_post_send(post, p.phone, &to, bytes, 172);
        ok(n == 0 || n == last + 1);
        last = n == 0 ? last : n;
    }
    rtp_post_wait(post, last);
    ok(rtp_post_is_sent(post, last));
    ok(!rtp_post_is_sent(post, last + 1));
    while (recv(p.phone, &to, sizeof to, MSG_DONTWAIT) > 0)
        ;
    getsockname(p.phone, (struct sockaddr *)&to, &len);
    for (int i = 0; i < BURST; i++)
        ok(rtp_post_send(post, p.phone, &to, bytes, 172) != 0);
    post = rtp_post_free(post);
    for (n = 0; recv(p.phone, &to, sizeof to, MSG_DONTWAIT) > 0;)
        n++;
    ok_int(n, BURST);
out:
    rtp_post_free(post);
    stop(&p);
}

UNIT_MAIN(NO_TORTURE(what_another_thread_sends_keeps_its_order),
          NO_TORTURE(a_call_that_ended_says_what_it_had_begun_to),
          NO_TORTURE(the_only_port_is_free_when_its_call_has_ended),
          NO_TORTURE(the_sending_thread_takes_no_more_than_fits_and_leaves_nothing),
          NO_TORTURE(what_waits_is_read_at_one_tick_up_to_a_bound),
          NO_TORTURE(reports_are_read_however_many_come_at_once),
          NO_TORTURE(a_call_may_end_at_one_packet_of_many),
          NO_TORTURE(a_packet_counts_as_come_when_it_came_not_when_it_is_read))
