#include "tests/bench/sip_load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOT_NS = 2000000,
    SLOTS = 10,
    FRAME_MS = 20,
    PAYLOAD = 160,
    BURST = 64,
    TEXT = 2048,
    VOICE = 50,      /* frames of noise, over and over */
    DIGIT_STEPS = 8, /* packets of one key */
    AGAIN_MS = 500,  /* until an INVITE is repeated, then 1 s, 2 s */
    BRIEF_MS = 8000, /* after which a short call has failed */
    BUFFER = 16 << 20
};

enum state { IDLE, INVITED, UP, DONE, FAILED };

struct call {
    enum state state;
    bool brief, heard;
    uint8_t digit; /* packets of it that were sent */
    uint8_t again;
    uint16_t port, seq;
    uint32_t ts, digit_ts;
    int64_t begun, last_said; /* ns */
    int64_t sent[8];          /* echo: when the packets with these numbers went */
    /* what arrived while it was measured */
    bool any;
    uint16_t last_seq;
    uint32_t first_ts, n;
    int64_t first;
    int32_t *late; /* us against an even clock */
};

struct sip_load {
    int sip, rtp, rtcp;
    struct sockaddr_in gateway;
    int sip_port, rtp_port;
    char number[32];
    struct call *calls;
    unsigned most, n; /* calls begun over all */
    unsigned live;    /* all before this one are over */
    unsigned group;   /* the first of the last load_begin() */
    unsigned per_second, to_begin;
    int64_t next_begin;
    bool brief, echo, mute;
    unsigned slot;
    int64_t next_slot;
    uint16_t *by_port; /* call + 1 */
    uint8_t voice[VOICE][PAYLOAD];
    /* measuring */
    bool measuring;
    unsigned cap;
    uint64_t lost, sent;
    float *answers;
    unsigned n_answers;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t); /* as the kernel's stamps */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *must(void *p)
{
    if (p == NULL)
        die("sip_load: memory");
    return p;
}

/* --- sockets --- */

static int open_socket(int want, int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)want),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = BUFFER, on = 1;
    socklen_t len = sizeof a;

    if (fd < 0)
        die("sip_load: socket");
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&a, &len);
    if (port != NULL)
        *port = ntohs(a.sin_port);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    return fd;
}

static void open_rtp(struct sip_load *l)
{
    for (int tries = 0; tries < 100; tries++) {
        l->rtp = open_socket(0, &l->rtp_port);
        if (l->rtp >= 0 && l->rtp_port % 2 == 0) {
            l->rtcp = open_socket(l->rtp_port + 1, NULL);
            if (l->rtcp >= 0)
                return;
        }
        close(l->rtp);
    }
    die("sip_load: no two ports");
}

struct sip_load *load_new(int sip_port, unsigned most)
{
    struct sip_load *l = must(calloc(1, sizeof *l));
    uint32_t random = 1;

    l->calls = must(calloc(most, sizeof *l->calls));
    l->answers = must(calloc(most, sizeof *l->answers));
    l->by_port = must(calloc(65536, sizeof *l->by_port));
    l->most = most < 65000 ? most : 65000;
    l->sip = open_socket(0, &l->sip_port);
    open_rtp(l);
    l->gateway = (struct sockaddr_in){.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)sip_port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < VOICE * PAYLOAD; i++) { /* quiet noise, always the same */
        random = random * 1664525 + 1013904223;
        l->voice[i / PAYLOAD][i % PAYLOAD] = (uint8_t)(0x60 | random >> 28 | (random >> 20 & 0x80));
    }
    l->next_slot = now_ns();
    return l;
}

struct sip_load *load_free(struct sip_load *l)
{
    close(l->sip);
    close(l->rtp);
    close(l->rtcp);
    for (unsigned i = 0; i < l->most; i++)
        free(l->calls[i].late);
    free(l->calls);
    free(l->answers);
    free(l->by_port);
    free(l);
    return NULL;
}

/* --- SIP --- */

static void say(struct sip_load *l, const char *text, int n)
{
    sendto(l->sip, text, (size_t)n, 0, (struct sockaddr *)&l->gateway, sizeof l->gateway);
}

static void invite(struct sip_load *l, unsigned i)
{
    char sdp[400], text[TEXT];
    int n = snprintf(sdp, sizeof sdp,
                     "v=0\r\no=- %u 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                     "m=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
                     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n",
                     i, l->rtp_port);

    n = snprintf(text, sizeof text,
                 "INVITE sip:%s@127.0.0.1:%d SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKi%u;rport\r\n"
                 "Max-Forwards: 70\r\nFrom: <sip:+15550199@load.test>;tag=f%u\r\n"
                 "To: <sip:%s@127.0.0.1>\r\nCall-ID: c%u@load\r\nCSeq: 1 INVITE\r\n"
                 "Contact: <sip:load@127.0.0.1:%d>\r\nContent-Type: application/sdp\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 l->number, ntohs(l->gateway.sin_port), l->sip_port, i, i, l->number, i,
                 l->sip_port, n, sdp);
    say(l, text, n);
}

/* The value of a header, without its line's end; NULL when it is not there. */
static const char *header(const char *text, const char *name, int *len)
{
    size_t n = strlen(name);

    for (const char *p = strstr(text, "\r\n"); p != NULL && p[2] != '\r'; p = strstr(p, "\r\n")) {
        p += 2;
        if (strncasecmp(p, name, n) != 0 || p[n] != ':')
            continue;
        p += n + 1;
        p += strspn(p, " ");
        *len = (int)strcspn(p, "\r");
        return p;
    }
    return NULL;
}

static void ack(struct sip_load *l, unsigned i, const char *text, bool good)
{
    char out[TEXT], uri[200];
    int to_len = 0, contact_len = 0, n;
    const char *to = header(text, "To", &to_len);
    const char *contact = header(text, "Contact", &contact_len);
    const char *open = contact != NULL ? memchr(contact, '<', (size_t)contact_len) : NULL;

    snprintf(uri, sizeof uri, "sip:%s@127.0.0.1:%d", l->number, ntohs(l->gateway.sin_port));
    if (good && open != NULL)
        snprintf(uri, sizeof uri, "%.*s", (int)strcspn(open + 1, ">"), open + 1);
    n = snprintf(out, sizeof out,
                 "ACK %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s%u;rport\r\n"
                 "Max-Forwards: 70\r\nFrom: <sip:+15550199@load.test>;tag=f%u\r\nTo: %.*s\r\n"
                 "Call-ID: c%u@load\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                 uri, l->sip_port, good ? "a" : "i", i, i, to_len, to != NULL ? to : "", i);
    say(l, out, n);
}

static void end_call(struct sip_load *l, unsigned i, enum state how)
{
    struct call *c = &l->calls[i];

    if (l->by_port[c->port] == i + 1)
        l->by_port[c->port] = 0;
    c->state = how;
}

static void on_answer(struct sip_load *l, unsigned i, const char *text)
{
    struct call *c = &l->calls[i];
    int status = atoi(text + 8), len;
    const char *cseq = header(text, "CSeq", &len), *port = strstr(text, "\r\nm=audio ");

    c->last_said = now_ns();
    c->again = 9; /* it is heard */
    if (status < 200 || cseq == NULL || memmem(cseq, (size_t)len, "INVITE", 6) == NULL)
        return;
    ack(l, i, text, status < 300);
    if (c->state != INVITED)
        return;
    if (status >= 300 || port == NULL) {
        end_call(l, i, FAILED);
        return;
    }
    l->answers[l->n_answers++] = (float)(now_ns() - c->begun) / 1e6f;
    c->port = (uint16_t)atoi(port + 10);
    l->by_port[c->port] = (uint16_t)(i + 1);
    c->state = UP;
}

/* BYE, and whatever else wants to be agreed to. */
static void on_request(struct sip_load *l, unsigned i, const char *text)
{
    static const char *const names[] = {"Via", "From", "To", "Call-ID", "CSeq"};
    struct call *c = &l->calls[i];
    char out[TEXT];
    int n = snprintf(out, sizeof out, "SIP/2.0 200 OK\r\n"), len;

    if (strncmp(text, "ACK ", 4) == 0)
        return;
    for (int k = 0; k < 5; k++) {
        const char *value = header(text, names[k], &len);

        if (value != NULL && n + len + 20 < TEXT)
            n += snprintf(out + n, sizeof out - (size_t)n, "%s: %.*s\r\n", names[k], len, value);
    }
    n += snprintf(out + n, sizeof out - (size_t)n, "Content-Length: 0\r\n\r\n");
    say(l, out, n);
    if (strncmp(text, "BYE ", 4) == 0 && c->state == UP)
        end_call(l, i, c->brief && c->digit < DIGIT_STEPS ? FAILED : DONE);
}

static void read_sip(struct sip_load *l)
{
    char text[8192];
    ssize_t n;

    while ((n = recv(l->sip, text, sizeof text - 1, 0)) > 0) {
        const char *id;
        unsigned i;
        int len;

        text[n] = '\0';
        id = header(text, "Call-ID", &len);
        if (id == NULL || sscanf(id, "c%u@load", &i) != 1 || i >= l->n)
            continue;
        if (strncmp(text, "SIP/2.0 ", 8) == 0)
            on_answer(l, i, text);
        else
            on_request(l, i, text);
    }
}

/* --- RTP in --- */

static void measure(struct sip_load *l, struct call *c, const uint8_t *p, int64_t at)
{
    uint16_t seq = (uint16_t)(p[2] << 8 | p[3]);
    uint32_t ts = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];

    if (c->any && (uint16_t)(seq - c->last_seq) < 1000)
        l->lost += (uint16_t)(seq - c->last_seq - 1);
    c->last_seq = seq;
    if (!c->any) {
        c->any = true;
        c->first = at;
        c->first_ts = ts;
    }
    if (c->n == l->cap)
        return;
    if (l->echo)
        c->late[c->n++] = (int32_t)((at - c->sent[seq & 7]) / 1000);
    else
        c->late[c->n++] =
            (int32_t)((at - c->first) / 1000 - (int64_t)(int32_t)(ts - c->first_ts) * 125);
}

static int64_t stamp(struct msghdr *m)
{
    struct timespec t;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&t, CMSG_DATA(h), sizeof t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    return now_ns();
}

static void read_rtp(struct sip_load *l)
{
    uint8_t bytes[BURST][256];
    char control[BURST][64];
    struct sockaddr_in from[BURST];
    struct iovec iov[BURST];
    struct mmsghdr m[BURST];
    int n;

    do {
        for (int i = 0; i < BURST; i++) {
            iov[i] = (struct iovec){bytes[i], sizeof bytes[i]};
            m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                           .msg_namelen = sizeof from[i],
                                           .msg_iov = &iov[i],
                                           .msg_iovlen = 1,
                                           .msg_control = control[i],
                                           .msg_controllen = sizeof control[i]};
        }
        n = recvmmsg(l->rtp, m, BURST, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            uint16_t k = l->by_port[ntohs(from[i].sin_port)];
            struct call *c = k > 0 ? &l->calls[k - 1] : NULL;

            if (c == NULL || c->state != UP || m[i].msg_len < 12 + PAYLOAD ||
                (bytes[i][1] & 0x7f) != 0)
                continue;
            c->heard = true;
            if (l->measuring && c->late != NULL)
                measure(l, c, bytes[i], stamp(&m[i].msg_hdr));
        }
    } while (n == BURST);
}

/* --- RTP out --- */

struct packets {
    unsigned n;
    uint8_t head[BURST][16];
    struct sockaddr_in to[BURST];
    struct iovec iov[BURST][2];
    struct mmsghdr m[BURST];
};

static void flush(struct sip_load *l, struct packets *p)
{
    if (p->n > 0)
        sendmmsg(l->rtp, p->m, p->n, 0);
    if (l->measuring)
        l->sent += p->n;
    p->n = 0;
}

static void put32(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 24);
    to[1] = (uint8_t)(v >> 16);
    to[2] = (uint8_t)(v >> 8);
    to[3] = (uint8_t)v;
}

/* The next packet of a call: sound, or a part of its key. */
static void add_packet(struct sip_load *l, struct packets *p, unsigned i)
{
    struct call *c = &l->calls[i];
    uint8_t *h = p->head[p->n];
    bool key = c->brief && c->heard && c->digit < DIGIT_STEPS;

    if (key && c->digit == 0)
        c->digit_ts = c->ts;
    h[0] = 0x80;
    h[1] = key ? (uint8_t)(101 | (c->digit == 0 ? 0x80 : 0)) : 0;
    h[2] = (uint8_t)(c->seq >> 8);
    h[3] = (uint8_t)c->seq;
    put32(h + 4, key ? c->digit_ts : c->ts);
    put32(h + 8, 0x10000 + i);
    if (key) {
        unsigned steps = c->digit < 5 ? c->digit + 1u : 5;

        h[12] = 5;
        h[13] = (uint8_t)(10 | (c->digit >= 5 ? 0x80 : 0));
        h[14] = (uint8_t)(steps * 160 >> 8);
        h[15] = (uint8_t)(steps * 160);
        c->digit++;
    }
    p->iov[p->n][0] = (struct iovec){h, key ? 16 : 12};
    p->iov[p->n][1] = (struct iovec){l->voice[(c->seq + i) % VOICE], PAYLOAD};
    p->to[p->n] = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons(c->port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    p->m[p->n].msg_hdr = (struct msghdr){.msg_name = &p->to[p->n],
                                         .msg_namelen = sizeof p->to[p->n],
                                         .msg_iov = p->iov[p->n],
                                         .msg_iovlen = key ? 1 : 2};
    if (l->echo)
        c->sent[c->seq & 7] = now_ns();
    c->seq++;
    c->ts += PAYLOAD;
    if (++p->n == BURST)
        flush(l, p);
}

static void wait_for_answer(struct sip_load *l, unsigned i, int64_t now)
{
    struct call *c = &l->calls[i];

    if (c->again < 3 && now - c->last_said > ((int64_t)AGAIN_MS << c->again) * 1000000) {
        c->again++;
        c->last_said = now;
        invite(l, i);
    }
}

static void on_slot(struct sip_load *l)
{
    static struct packets p;
    int64_t now = now_ns();

    l->slot = (l->slot + 1) % SLOTS;
    while (l->live < l->n && l->calls[l->live].state >= DONE)
        l->live++;
    for (unsigned i = l->live + (l->slot + SLOTS - l->live % SLOTS) % SLOTS; i < l->n; i += SLOTS) {
        struct call *c = &l->calls[i];

        if (c->state == INVITED)
            wait_for_answer(l, i, now);
        else if (c->state == UP && !l->mute)
            add_packet(l, &p, i);
        if (c->brief && c->state < DONE && now - c->begun > (int64_t)BRIEF_MS * 1000000)
            end_call(l, i, FAILED);
    }
    flush(l, &p);
}

/* --- time --- */

void load_begin(struct sip_load *l, const char *number, unsigned per_second, unsigned total,
                bool brief)
{
    snprintf(l->number, sizeof l->number, "%s", number);
    l->per_second = per_second;
    l->to_begin = total;
    l->brief = brief;
    l->group = l->n;
    l->n_answers = 0;
    l->next_begin = now_ns();
}

void load_mute(struct sip_load *l, bool on)
{
    l->mute = on;
}

void load_begin_echo(struct sip_load *l, unsigned n, int port)
{
    l->echo = true;
    for (unsigned i = 0; i < n && l->n < l->most; i++, l->n++) {
        struct call *c = &l->calls[l->n];

        c->state = UP;
        c->port = (uint16_t)(port + (int)i);
        l->by_port[c->port] = (uint16_t)(l->n + 1);
    }
}

static void begin_due(struct sip_load *l, int64_t now)
{
    while (l->to_begin > 0 && l->next_begin <= now && l->n < l->most) {
        struct call *c = &l->calls[l->n];

        c->state = INVITED;
        c->brief = l->brief;
        c->begun = c->last_said = now;
        c->ts = l->n * 7919;
        invite(l, l->n++);
        l->to_begin--;
        l->next_begin += 1000000000 / l->per_second;
    }
}

void load_run(struct sip_load *l, int ms)
{
    struct pollfd fds[2] = {{.fd = l->sip, .events = POLLIN}, {.fd = l->rtp, .events = POLLIN}};
    int64_t now = now_ns(), end = now + (int64_t)ms * 1000000;
    char dump[256];

    while ((now = now_ns()) < end) {
        int64_t wait = l->next_slot - now;
        struct timespec t = {.tv_nsec = wait > 0 ? (long)wait : 0};

        /* RTP is not waited for: its times are the kernel's, and all of a slot is read at once. */
        if (wait > 0)
            ppoll(fds, 1, &t, NULL);
        read_sip(l);
        if (now_ns() < l->next_slot)
            continue;
        if (now_ns() - l->next_slot > 200000000) /* we were away */
            l->next_slot = now_ns();
        l->next_slot += SLOT_NS;
        begin_due(l, now_ns());
        on_slot(l);
        read_rtp(l);
        while (l->slot == 0 && recv(l->rtcp, dump, sizeof dump, 0) > 0)
            ;
    }
}

void load_measure(struct sip_load *l, int seconds)
{
    l->cap = (unsigned)seconds * (1000 / FRAME_MS) + 50;
    for (unsigned i = l->live; i < l->n; i++) {
        struct call *c = &l->calls[i];

        free(c->late);
        c->late = must(calloc(l->cap, sizeof *c->late));
        c->n = 0;
        c->any = false;
    }
    l->lost = l->sent = 0;
    l->measuring = true;
}

/* --- figures --- */

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void late_figures(struct sip_load *l, struct load_figures *out)
{
    size_t n = 0;
    float *all;

    for (unsigned i = l->live; i < l->n; i++)
        n += l->calls[i].n;
    out->frames = n;
    if (n == 0)
        return;
    all = must(malloc(n * sizeof *all));
    n = 0;
    for (unsigned i = l->live; i < l->n; i++) {
        const struct call *c = &l->calls[i];
        int32_t least = l->echo || c->n == 0 ? 0 : c->late[0];

        for (uint32_t k = 0; k < c->n && !l->echo; k++)
            least = c->late[k] < least ? c->late[k] : least;
        for (uint32_t k = 0; k < c->n; k++)
            all[n++] = (float)(c->late[k] - least) / 1000;
    }
    qsort(all, n, sizeof *all, by_float);
    out->p50_ms = all[n / 2];
    out->p99_ms = all[n * 99 / 100];
    out->worst_ms = all[n - 1];
    free(all);
}

void load_figures(struct sip_load *l, struct load_figures *out)
{
    *out = (struct load_figures){.lost = l->lost, .sent = l->sent};
    for (unsigned i = l->group; i < l->n; i++) {
        enum state s = l->calls[i].state;

        out->begun++;
        out->done += s == DONE;
        out->failed += s == FAILED;
    }
    for (unsigned i = l->live; i < l->n; i++)
        out->up += l->calls[i].state == UP;
    if (l->n_answers > 0) {
        qsort(l->answers, l->n_answers, sizeof *l->answers, by_float);
        out->answer_p50_ms = l->answers[l->n_answers / 2];
        out->answer_p99_ms = l->answers[l->n_answers * 99 / 100];
    }
    late_figures(l, out);
}
