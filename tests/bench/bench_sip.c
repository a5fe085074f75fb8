/* SIP calls through both processes, bin/almon serve and bin/almon-sip, over real UDP on the
 * loopback: short IVR calls (INVITE, answer, prompt, one digit of RFC 4733, prompt, BYE) at rising
 * rates, and playing calls, up to 2,500. Measured: processor time and memory of both processes
 * together, and how late RTP is at the far end; and the same with callers who only listen. The
 * floor is a bare UDP echo of the same packets in the same run. `bench_sip [SECONDS [short |
 * playing [STEP]]]`: how long each step lasts (default 5; with 120 all takes half an hour),
 * which half, and which step of it alone. */
#include "tests/bench/sip_load.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ECHO_CALLS = 1000,
    ECHO_PORT = 10000,
    RTP_MIN = 16384,
    RTP_MAX = 32767,
    RATE_MOST = 70000,
    PLAYING_MOST = 2500,
    SETTLE_MS = 2000,      /* after a step that was too much */
    LISTENING_SECONDS = 30 /* after 60 of silence a call is ended */
};

struct bench {
    char folder[200];
    pid_t almon, sip;
    int sip_port;
    int seconds;
    unsigned only;  /* this step alone; 0: all */
    double echo_us; /* of processor for one packet in and out */
    double echo_p99;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- what a process uses --- */

static double cpu_seconds(pid_t pid)
{
    char path[64], text[1024] = "";
    const char *p;
    unsigned long user = 0, sys = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    p = strrchr(text, ')');
    if (p == NULL ||
        sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
        return 0;
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static long anon_kb(pid_t pid)
{
    char path[64], line[256];
    long kb = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kb = atol(line + 8);
    if (f != NULL)
        fclose(f);
    return kb;
}

struct used {
    double almon, sip;
    long almon_kb, sip_kb;
};

static struct used used_now(const struct bench *b)
{
    return (struct used){cpu_seconds(b->almon), cpu_seconds(b->sip), anon_kb(b->almon),
                         anon_kb(b->sip)};
}

/* --- the two programs --- */

static void write_file(const struct bench *b, const char *name, const void *bytes, size_t n)
{
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    f = fopen(path, "w");
    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        die(path);
}

static void write_text(const struct bench *b, const char *name, const char *text)
{
    write_file(b, name, text, strlen(text));
}

/* A tone of `ms`, 8 kHz, 16 bit. */
static void write_tone(const struct bench *b, const char *name, int hz, int ms)
{
    uint32_t n = (uint32_t)ms * 8, bytes = n * 2;
    uint8_t *all = calloc(1, 44 + bytes);
    const uint32_t words[] = {36 + bytes, 16, 8000, 16000, bytes};

    if (all == NULL)
        die("memory");
    memcpy(all, "RIFF....WAVEfmt ........\1\0\1\0........\2\0\20\0data....", 44);
    memcpy(all + 20, "\1\0\1\0", 4);
    memcpy(all + 32, "\2\0\20\0", 4);
    memcpy(all + 4, &words[0], 4);
    memcpy(all + 16, &words[1], 4);
    memcpy(all + 24, &words[2], 4);
    memcpy(all + 28, &words[3], 4);
    memcpy(all + 36, "data", 4);
    memcpy(all + 40, &words[4], 4);
    for (uint32_t i = 0; i < n; i++) {
        int16_t s = (int16_t)(8000 * sin(2 * M_PI * hz * i / 8000));

        memcpy(all + 44 + 2 * i, &s, 2);
    }
    write_file(b, name, all, 44 + bytes);
    free(all);
}

static int free_port(int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        die("no free port");
    close(fd);
    return ntohs(a.sin_port);
}

/* Starts a program and waits for its first line, which says that it is ready. */
static pid_t start(const char *variable, const char *program, const char *const *args)
{
    const char *path = getenv(variable) != NULL ? getenv(variable) : program;
    char line[400];
    int out[2];
    pid_t pid;
    FILE *f;

    if (pipe(out) != 0)
        die("pipe");
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execv(path, (char *const *)(uintptr_t)args);
        _exit(127);
    }
    close(out[1]);
    f = fdopen(out[0], "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL)
        die(program);
    return pid; /* the pipe stays open, for what it may still print */
}

static void write_files(const struct bench *b, int bridge, int http)
{
    char config[1500];

    snprintf(config, sizeof config,
             "account { sid = 'AC00000000000000000000000000000001', token = 'x' }\n"
             "gateway { name = 'sip', token = 'y' }\n"
             "number { '+1', voice = 'play.xml' }\nnumber { '+2', voice = 'ask.xml' }\n"
             "server { bridge = '127.0.0.1:%d', http = '127.0.0.1:%d', log = 'error' }\n"
             "limits { late_ms = 10000 }\n"
             "sip { listen = 'udp:127.0.0.1:%d', rtp_port_min = %d, rtp_port_max = %d,\n"
             "      max_calls = 8000, requests_per_second = 100000 }\n"
             "trunk { name = 'load', from = '127.0.0.1', max_calls = 30000 }\n",
             bridge, http, b->sip_port, RTP_MIN, RTP_MAX);
    write_text(b, "almon.lua", config);
    write_text(b, "play.xml", "<Response><Play loop=\"0\">long.wav</Play></Response>");
    write_text(b, "ask.xml",
               "<Response><Gather numDigits=\"1\" timeout=\"5\" action=\"thanks.xml\">"
               "<Play>ask.wav</Play></Gather></Response>");
    write_text(b, "thanks.xml", "<Response><Play>thanks.wav</Play></Response>");
    write_tone(b, "long.wav", 440, 20000);
    write_tone(b, "ask.wav", 500, 2000);
    write_tone(b, "thanks.wav", 900, 300);
}

static void start_both(struct bench *b)
{
    char config[300], state[300];
    const char *const almon[] = {"almon", "serve", "--config", config, "--state", state, NULL};
    const char *const sip[] = {"almon-sip", "--config", config, NULL};

    b->sip_port = free_port(SOCK_DGRAM);
    write_files(b, free_port(SOCK_STREAM), free_port(SOCK_STREAM));
    snprintf(config, sizeof config, "%s/almon.lua", b->folder);
    snprintf(state, sizeof state, "%s/state", b->folder);
    b->almon = start("ALMON", "bin/almon", almon);
    b->sip = start("ALMON_SIP", "bin/almon-sip", sip);
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void stop_both(struct bench *b)
{
    stop(b->sip);
    stop(b->almon);
}

/* --- the floor --- */

static void echo(void)
{
    static struct epoll_event ready[256];
    int poll = epoll_create1(0);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < ECHO_CALLS; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)(ECHO_PORT + i)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

        if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) != 0)
            die("the echo's sockets");
    }
    for (;;) {
        int n = epoll_wait(poll, ready, 256, -1);

        for (int i = 0; i < n; i++) {
            uint8_t bytes[300];
            struct sockaddr_in from;
            socklen_t len = sizeof from;
            ssize_t got =
                recvfrom(ready[i].data.fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);

            if (got > 0)
                sendto(ready[i].data.fd, bytes, (size_t)got, 0, (struct sockaddr *)&from, len);
        }
    }
}

static void measure_floor(struct bench *b)
{
    struct sip_load *l = load_new(0, ECHO_CALLS);
    struct load_figures f;
    pid_t pid = fork();
    double before;

    if (pid == 0)
        echo();
    usleep(300000); /* its sockets; what comes too early is lost, and not measured */
    load_begin_echo(l, ECHO_CALLS, ECHO_PORT);
    load_run(l, 500);
    before = cpu_seconds(pid);
    load_measure(l, 4);
    load_run(l, 3000);
    load_figures(l, &f);
    b->echo_us = (cpu_seconds(pid) - before) * 1e6 / (double)(f.frames > 0 ? f.frames : 1);
    b->echo_p99 = f.p99_ms;
    stop(pid);
    load_free(l);
    printf("echo of %d calls: %.1f us a packet in and out, p99 %.2f ms, worst %.2f ms\n",
           ECHO_CALLS, b->echo_us, f.p99_ms, f.worst_ms);
}

/* --- playing calls --- */

/* Heard as they should be: all of them, in time, and nothing lost. */
static bool is_good(const struct load_figures *f, unsigned n, int seconds)
{
    return f->up == n && f->p99_ms <= 5 && f->lost * 1000 <= f->frames &&
           f->frames * 100 >= (uint64_t)n * 50 * (uint64_t)seconds * 98;
}

/* The same calls, whose callers say nothing: what sound in one direction costs. */
static bool listening_step(struct bench *b, struct sip_load *l, unsigned n)
{
    int seconds = b->seconds < LISTENING_SECONDS ? b->seconds : LISTENING_SECONDS;
    struct load_figures f;
    struct used from, to;

    load_mute(l, true);
    load_run(l, SETTLE_MS);
    from = used_now(b);
    load_measure(l, seconds);
    load_run(l, seconds * 1000);
    to = used_now(b);
    load_figures(l, &f);
    load_mute(l, false);
    printf("figure sip_listening_%u_cpu %.4f %%_of_a_core/call floor=- aim=0.03\n", n,
           (to.almon + to.sip - from.almon - from.sip) * 100 / seconds / n);
    printf("  almon %.4f %%, almon-sip %.4f %%; %u of %u up, %llu frames, %llu lost, p50 %.2f ms, "
           "worst %.2f ms\n",
           (to.almon - from.almon) * 100 / seconds / n, (to.sip - from.sip) * 100 / seconds / n,
           f.up, n, (unsigned long long)f.frames, (unsigned long long)f.lost, f.p50_ms, f.worst_ms);
    printf("figure sip_listening_%u_late_p99 %.2f ms floor=- aim=5\n", n, f.p99_ms);
    return is_good(&f, n, seconds);
}

static bool playing_step(struct bench *b, struct sip_load *l, unsigned n, const struct used *idle)
{
    struct load_figures f;
    struct used from, to;
    double share, floor;

    load_figures(l, &f);
    load_begin(l, "+1", 100, n - f.up, false);
    load_run(l, (int)(n - f.up) * 10 + 1500);
    from = used_now(b);
    load_measure(l, b->seconds);
    load_run(l, b->seconds * 1000);
    to = used_now(b);
    load_figures(l, &f);
    share = 100 / (double)b->seconds / n;
    floor = b->echo_us * 50 / 1e4;
    printf("figure sip_playing_%u_cpu %.4f %%_of_a_core/call floor=%.4f aim=0.03\n", n,
           (to.almon + to.sip - from.almon - from.sip) * share, floor);
    printf("  almon %.4f %%, almon-sip %.4f %%; %u of %u up, %llu frames, %llu lost, p50 %.2f ms, "
           "worst %.2f ms\n",
           (to.almon - from.almon) * share, (to.sip - from.sip) * share, f.up, n,
           (unsigned long long)f.frames, (unsigned long long)f.lost, f.p50_ms, f.worst_ms);
    printf("figure sip_playing_%u_late_p99 %.2f ms floor=%.2f aim=5\n", n, f.p99_ms, b->echo_p99);
    printf("figure sip_playing_%u_memory %.1f kB/call floor=0 aim=40\n", n,
           (double)(to.almon_kb + to.sip_kb - idle->almon_kb - idle->sip_kb) / n);
    printf("  almon %.1f kB, almon-sip %.1f kB\n", (double)(to.almon_kb - idle->almon_kb) / n,
           (double)(to.sip_kb - idle->sip_kb) / n);
    return is_good(&f, n, b->seconds);
}

static void playing(struct bench *b)
{
    static const unsigned steps[] = {500, 750, 1000, 1250, 1500, 1750, 2000, PLAYING_MOST};
    unsigned knee = 0, listening = 0;
    struct sip_load *l;
    struct used idle;

    start_both(b);
    l = load_new(b->sip_port, PLAYING_MOST + 100);
    load_begin(l, "+1", 50, 20, false); /* what only the first calls cost */
    load_run(l, 1500);
    idle = used_now(b);
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (b->only > 0 && b->only != steps[i])
            continue;
        if (playing_step(b, l, steps[i], &idle))
            knee = steps[i];
        if (listening_step(b, l, steps[i]))
            listening = steps[i];
    }
    printf("figure sip_playing_calls %u calls floor=- aim=2500\n", knee);
    printf("figure sip_listening_calls %u calls floor=- aim=2500\n", listening);
    load_free(l);
    stop_both(b);
}

/* --- short calls --- */

static bool brief_step(struct bench *b, struct sip_load *l, unsigned rate)
{
    unsigned total = rate * (unsigned)b->seconds;
    struct load_figures f;
    struct used from = used_now(b), to;
    double packets;

    load_measure(l, 1); /* counts what is sent */
    load_begin(l, "+2", rate, total, true);
    load_run(l, b->seconds * 1000 + 3000);
    to = used_now(b);
    load_figures(l, &f);
    packets = total > 0 ? (double)f.sent / total : 0;
    printf("figure sip_ivr_%u_cpu %.2f ms/call floor=%.2f aim=2\n", rate,
           (to.almon + to.sip - from.almon - from.sip) * 1000 / total, packets * b->echo_us / 1000);
    printf("  almon %.2f ms, almon-sip %.2f ms; %u of %u done, %u failed; answer p50 %.1f ms, p99 "
           "%.1f ms; %.0f packets in a call\n",
           (to.almon - from.almon) * 1000 / total, (to.sip - from.sip) * 1000 / total, f.done,
           total, f.failed, f.answer_p50_ms, f.answer_p99_ms, packets);
    return f.done * 1000ull >= total * 999ull && f.answer_p99_ms < 500;
}

static void brief(struct bench *b)
{
    static const unsigned rates[] = {100, 200, 300, 400};
    struct sip_load *l;
    unsigned knee = 0;

    start_both(b);
    l = load_new(b->sip_port, RATE_MOST < b->seconds * 1010 ? RATE_MOST : b->seconds * 1010 + 50);
    load_begin(l, "+2", 20, 10, true);
    load_run(l, 2500);
    for (unsigned i = 0; i < 4; i++) {
        if (b->only > 0 && b->only != rates[i])
            continue;
        if (!brief_step(b, l, rates[i]))
            break;
        knee = rates[i];
    }
    printf("figure sip_ivr_calls %u calls/s floor=- aim=200\n", knee);
    load_free(l);
    stop_both(b);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    struct bench b = {.seconds = 5};
    struct rlimit files;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && atoi(argv[1]) > 0)
        b.seconds = atoi(argv[1]) < 600 ? atoi(argv[1]) : 600;
    if (argc > 3)
        b.only = (unsigned)atoi(argv[3]);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    snprintf(b.folder, sizeof b.folder, "%s/almon-bench-sip-XXXXXX",
             tmp != NULL && strlen(tmp) < 100 ? tmp : "/tmp");
    if (mkdtemp(b.folder) == NULL)
        die("mkdtemp");
    measure_floor(&b);
    if (argc < 3 || strcmp(argv[2], "short") == 0)
        brief(&b);
    if (argc < 3 || strcmp(argv[2], "playing") == 0)
        playing(&b);
    nftw(b.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
