/* Whole calls through a real `almon serve`: memory of an idle call and of one in a menu, processor
 * time of a playing call with everything around it, and the time from the webhook's answer to the
 * first audio frame. The floors: a bare process with the same libraries started, and the same
 * request and answer without Almon between. */
#include "base/disk.h"
#include "base/loop.h"
#include "base/mem.h"
#include "bridge/client.h"
#include <curl/curl.h>
#include <ftw.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <libxml/parser.h>
#include <lua.h>
#include <signal.h>
#include <spandsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 1000, PLAYING = 500, ANSWERS = 400, MOST_CALLS = 4096 };

struct bench {
    struct loop *loop;
    struct bridge_client *client;
    char folder[200];
    pid_t server;
    int bridge_port, http_port;
    bool ready;
    unsigned answered, ended;
    uint64_t frames;
    /* the web application, for one request at a time */
    uv_tcp_t web;
    uint64_t written_at, first_frame_at; /* ns; 0: not yet */
    bool wait_first;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_calls: %s\n", what);
    exit(1);
}

/* --- the server --- */

static long status_kb(pid_t pid, const char *key)
{
    char path[64], line[256];
    long kb = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            kb = atol(line + strlen(key) + 1);
    if (f != NULL)
        fclose(f);
    return kb;
}

/* Processor seconds used so far. */
static double cpu_seconds(pid_t pid)
{
    char path[64], text[1024], *p;
    unsigned long user = 0, sys = 0;
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    p = strrchr(text, ')');
    if (p == NULL ||
        sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
        return 0;
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static void write_file(struct bench *b, const char *name, const char *text)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    f = fopen(path, "w");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
        die(path);
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        die("no free port");
    close(fd);
    return ntohs(a.sin_port);
}

static void start_server(struct bench *b, int web_port)
{
    const char *almon = getenv("ALMON") != NULL ? getenv("ALMON") : "bin/almon";
    char config[1200], path[300], state[300], line[400] = "";
    int out[2];
    FILE *f;

    b->bridge_port = free_port();
    b->http_port = free_port();
    snprintf(config, sizeof config,
             "account { sid = 'AC00000000000000000000000000000001', token = 'x' }\n"
             "gateway { name = 'bench', token = 'y' }\n"
             "number { '+1', voice = 'idle.xml' }\n"
             "number { '+2', voice = 'menu.xml' }\n"
             "number { '+3', voice = 'http://127.0.0.1:%d/voice' }\n"
             "server { bridge = '127.0.0.1:%d', http = '127.0.0.1:%d', log = 'error' }\n",
             web_port, b->bridge_port, b->http_port);
    write_file(b, "almon.lua", config);
    write_file(b, "idle.xml", "<Response><Say>Hello.</Say><Pause length=\"3000\"/></Response>");
    write_file(
        b, "menu.xml",
        "<Response><Gather timeout=\"3000\" numDigits=\"1\"><Say loop=\"0\">For the hours press "
        "one, for a message press two.</Say></Gather></Response>");
    snprintf(path, sizeof path, "%s/almon.lua", b->folder);
    snprintf(state, sizeof state, "%s/state", b->folder);
    if (pipe(out) != 0)
        die("pipe");
    b->server = fork();
    if (b->server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(out[1], 1);
        close(out[0]);
        close(out[1]);
        execl(almon, almon, "serve", "--config", path, "--state", state, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    f = fdopen(out[0], "r");
    if (f == NULL || fgets(line, sizeof line, f) == NULL)
        die("the server did not start");
}

/* --- the caller's side --- */

static void on_ready(void *arg)
{
    ((struct bench *)arg)->ready = true;
}

static void on_closed(void *arg, const char *why)
{
    (void)arg;
    die(why);
}

static void on_answered(void *arg, uint32_t number)
{
    (void)number;
    ((struct bench *)arg)->answered++;
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    (void)number;
    (void)cause;
    ((struct bench *)arg)->ended++;
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct bench *b = arg;

    (void)number;
    (void)bytes;
    (void)len;
    b->frames++;
    if (b->wait_first && b->first_frame_at == 0)
        b->first_frame_at = uv_hrtime();
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    (void)arg;
    (void)number;
    (void)digits;
}

static void on_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    (void)arg;
    (void)number;
    (void)began;
    (void)text;
}

static void on_ringing_offer(void *arg, uint32_t number, const struct offer *offer)
{
    (void)arg;
    (void)number;
    (void)offer;
}

static const struct client_handlers handlers = {.ready = on_ready,
                                                .closed = on_closed,
                                                .answered = on_answered,
                                                .ended = on_ended,
                                                .audio = on_audio,
                                                .digits = on_digits,
                                                .prompt = on_prompt,
                                                .offered = on_ringing_offer};

static void wake_up(void *arg)
{
    (void)arg;
}

/* Runs the loop for a while, or until `*counter` reaches `want`. */
static void turn(struct bench *b, int ms, const unsigned *counter, unsigned want)
{
    int64_t until = loop_now(b->loop) + ms * 1000LL;
    struct timer tick;

    timer_init(&tick, b->loop, wake_up, NULL);
    while (loop_now(b->loop) < until && (counter == NULL || *counter < want)) {
        timer_start(&tick, 5); /* so that a turn does not wait for ever */
        loop_turn(b->loop, true);
    }
    timer_stop(&tick);
}

static void call(struct bench *b, const char *to, uint32_t *number)
{
    struct offer o = {.from = "+15550199", .to = to, .codec = CODEC_PCMU, .dtmf_events = true};
    struct error err = {0};

    if (client_offer(b->client, &o, number, &err) != 0)
        die(err.text);
}

static void call_many(struct bench *b, const char *to, unsigned n, uint32_t *numbers)
{
    unsigned before = b->answered;

    for (unsigned i = 0; i < n; i++) {
        call(b, to, &numbers[i]);
        if (i % 20 == 19)
            turn(b, 10, NULL, 0);
    }
    turn(b, 10000, &b->answered, before + n);
    if (b->answered < before + n)
        die("not all calls were answered");
}

static void hang_up_all(struct bench *b, uint32_t *numbers, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        client_hangup(b->client, numbers[i], CAUSE_NORMAL);
    turn(b, 1500, NULL, 0);
}

/* --- the web application: answers each request with one Say --- */

static void web_closed(uv_handle_t *h)
{
    free(h);
}

static void web_written(uv_write_t *rq, int status)
{
    (void)status;
    free(rq);
}

static void web_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    static const char reply[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 47\r\n\r\n"
        "<Response><Say>Hello.</Say><Hangup/></Response>";
    struct bench *b = s->data;
    uv_buf_t out = uv_buf_init((char *)reply, sizeof reply - 1);
    uv_write_t *rq;

    if (n < 0) {
        uv_close((uv_handle_t *)s, web_closed);
    } else if (n > 0 && memmem(buf->base, (size_t)n, "CallSid=", 8) != NULL) {
        rq = malloc(sizeof *rq);
        b->written_at = uv_hrtime();
        uv_write(rq, s, &out, 1, web_written);
    }
    free(buf->base);
}

static void web_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
    (void)h;
    *buf = uv_buf_init(malloc(n), (unsigned)n);
}

static void web_accept(uv_stream_t *server, int status)
{
    uv_tcp_t *c = calloc(1, sizeof *c);

    (void)status;
    uv_tcp_init(server->loop, c);
    c->data = server->data;
    if (uv_accept(server, (uv_stream_t *)c) == 0)
        uv_read_start((uv_stream_t *)c, web_alloc, web_read);
}

static int start_web(struct bench *b)
{
    struct sockaddr_in a;
    int port = free_port();

    uv_ip4_addr("127.0.0.1", port, &a);
    uv_tcp_init(loop_uv(b->loop), &b->web);
    b->web.data = b;
    if (uv_tcp_bind(&b->web, (struct sockaddr *)&a, 0) != 0 ||
        uv_listen((uv_stream_t *)&b->web, 64, web_accept) != 0)
        die("the web application cannot listen");
    return port;
}

/* --- the figures --- */

/* What a process weighs that has only started our libraries. */
static void bare_process(long *rss, long *anon)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/proc/self/exe", "bench_calls", "--bare", (char *)NULL);
        _exit(127);
    }
    usleep(300 * 1000); /* it only sits there: nothing to wait for but its start */
    *rss = status_kb(pid, "VmRSS");
    *anon = status_kb(pid, "RssAnon");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int be_bare(void)
{
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN};
    struct lws_context *lws;

    lws_set_log_level(0, NULL);
    lws = lws_create_context(&info);
    xmlInitParser();
    curl_global_init(CURL_GLOBAL_ALL);
    json_decref(json_object());
    dtmf_rx_free(dtmf_rx_init(NULL, NULL, NULL));
    (void)lws;
    pause();
    return 0;
}

static void memory_figures(struct bench *b)
{
    static uint32_t numbers[MOST_CALLS];
    long bare_rss, bare_anon, empty, before, after;

    bare_process(&bare_rss, &bare_anon);
    turn(b, 300, NULL, 0);
    empty = status_kb(b->server, "RssAnon");
    printf("figure idle_process_private %ld kB floor=%ld aim=10240\n", empty, bare_anon);
    printf("figure idle_process_resident %ld kB floor=%ld aim=-\n", status_kb(b->server, "VmRSS"),
           bare_rss);
    call_many(b, "+1", 50, numbers); /* what is made once is made now */
    turn(b, 1500, NULL, 0);
    before = status_kb(b->server, "RssAnon");
    call_many(b, "+1", MANY, numbers + 50);
    turn(b, 3000, NULL, 0); /* the prompt is over everywhere: all are in their Pause */
    after = status_kb(b->server, "RssAnon");
    printf("figure idle_call_memory %.1f kB floor=0 aim=16\n", (double)(after - before) / MANY);
    hang_up_all(b, numbers, MANY + 50);
}

static void menu_figures(struct bench *b)
{
    static uint32_t numbers[MOST_CALLS];
    long before, after;
    double cpu, seconds;
    uint64_t frames;
    int64_t began;

    call_many(b, "+2", 50, numbers); /* what is made once is made now */
    turn(b, 500, NULL, 0);
    before = status_kb(b->server, "RssAnon");
    call_many(b, "+2", PLAYING, numbers + 50);
    turn(b, 1000, NULL, 0);
    after = status_kb(b->server, "RssAnon");
    cpu = cpu_seconds(b->server);
    frames = b->frames;
    began = loop_now(b->loop);
    turn(b, 6000, NULL, 0);
    seconds = (double)(loop_now(b->loop) - began) / 1e6;
    cpu = cpu_seconds(b->server) - cpu;
    frames = b->frames - frames;
    printf("figure menu_call_memory %.1f kB floor=0 aim=40\n", (double)(after - before) / PLAYING);
    printf("figure playing_call_cpu %.1f us/s floor=- aim=333\n",
           cpu / seconds / (PLAYING + 50) * 1e6);
    printf("figure playing_call_frames %.1f frames/s floor=50 aim=50\n",
           (double)frames / seconds / (PLAYING + 50));
    hang_up_all(b, numbers, PLAYING + 50);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void answer_figures(struct bench *b)
{
    static double ms[ANSWERS];
    uint32_t number;
    unsigned ended;

    for (int i = 0; i < ANSWERS; i++) {
        b->written_at = b->first_frame_at = 0;
        b->wait_first = true;
        ended = b->ended;
        call(b, "+3", &number);
        for (int k = 0; k < 400 && b->first_frame_at == 0; k++)
            turn(b, 5, &b->ended, ended + 1);
        if (b->first_frame_at == 0 || b->written_at == 0)
            die("a call was not answered with sound");
        ms[i] = (double)(b->first_frame_at - b->written_at) / 1e6;
        b->wait_first = false;
        client_hangup(b->client, number, CAUSE_NORMAL);
        turn(b, 3, NULL, 0);
    }
    /* The first few make the connection and the prompt. */
    qsort(ms + 10, ANSWERS - 10, sizeof *ms, compare);
    printf("figure answer_to_audio_p50 %.2f ms floor=- aim=3\n", ms[10 + (ANSWERS - 10) / 2]);
    printf("figure answer_to_audio_p99 %.2f ms floor=- aim=10\n",
           ms[10 + (ANSWERS - 10) * 99 / 100]);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void stop_server(struct bench *b)
{
    b->client = client_free(b->client);
    b->ready = false;
    kill(b->server, SIGTERM);
    waitpid(b->server, NULL, 0);
}

/* Each group of figures has a server of its own, so that none uses what another left behind. */
static void with_server(struct bench *b, int web_port, void (*measure)(struct bench *b))
{
    struct client_options o = {.name = "bench", .token = "y"};
    struct error err = {0};
    char url[64];

    start_server(b, web_port);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", b->bridge_port);
    o.url = url;
    if (client_new(&b->client, b->loop, &o, &handlers, b, &err) != 0)
        die(err.text);
    for (int i = 0; i < 1000 && !b->ready; i++)
        turn(b, 5, NULL, 0);
    if (!b->ready)
        die("the link was not welcomed");
    measure(b);
    stop_server(b);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct error err = {0};
    int web_port;

    if (argc > 1 && strcmp(argv[1], "--bare") == 0)
        return be_bare();
    signal(SIGPIPE, SIG_IGN);
    snprintf(b.folder, sizeof b.folder, "/tmp/almon-bench-%d", (int)getpid());
    if (disk_make_folders(b.folder, &err) != 0 || loop_new(&b.loop, NULL, &err) != 0)
        die(err.text);
    web_port = start_web(&b);
    with_server(&b, web_port, memory_figures);
    with_server(&b, web_port, menu_figures);
    with_server(&b, web_port, answer_figures);
    nftw(b.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
