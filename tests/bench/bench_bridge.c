/* Playing calls over one link: an exchange in this process plays a prompt to N channels of a load
 * client in another, which speaks back all the time. Measured: processor time of the exchange for a
 * second of one playing call, and how late frames come to the client. The floor is a bare
 * libwebsockets server that sends and takes the same batches, and knows nothing of calls. */
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "bridge/bridge.h"
#include "bridge/client.h"
#include "bridge/link.h"
#include <fcntl.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SETTLE_MS = 500,
    MEASURE_MS = 2000,
    GIVE_UP_MS = 9000,
    SLOT_MS = 2,
    SLOTS = 10,
    FRAME = 160,
    FRAMES_MAX = MEASURE_MS / FRAME_MS + 20
};

static void die(const char *what)
{
    fprintf(stderr, "bench_bridge: %s\n", what);
    exit(1);
}

/* What the client writes into the pipe: 's' when it begins to measure, then this. */
struct outcome {
    uint32_t channels, frames;
    float p50_ms, p99_ms, worst_ms;
};

/* --- the load client, a process of its own --- */

struct arrivals {
    int64_t first;
    uint32_t count;
    int32_t offset[FRAMES_MAX]; /* microseconds against an even clock from the first */
};

struct load {
    struct loop *loop;
    struct bridge_client *client; /* or, for the floor, */
    struct link *link;
    unsigned channels, answered, slot;
    struct arrivals *arrivals;
    bool measuring;
    int out;
    int64_t next_slot;
    struct timer tick, phase;
};

static void on_frame(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct load *l = arg;
    struct arrivals *a = &l->arrivals[number - 1];
    int64_t now;

    (void)bytes;
    (void)len;
    if (!l->measuring || number > l->channels || a->count == FRAMES_MAX)
        return;
    now = loop_now(l->loop);
    if (a->count == 0)
        a->first = now;
    a->offset[a->count] = (int32_t)(now - a->first - (int64_t)a->count * FRAME_MS * 1000);
    a->count++;
}

static int by_size(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* A channel's frames are due where its earliest one was. */
static void finish(struct load *l)
{
    struct outcome o = {.channels = l->channels};
    int32_t *late = calloc((size_t)l->channels * FRAMES_MAX, sizeof *late);

    if (late == NULL)
        die("out of memory");
    for (unsigned i = 0; i < l->channels; i++) {
        const struct arrivals *a = &l->arrivals[i];
        int32_t least = 0;

        for (uint32_t k = 0; k < a->count; k++)
            least = a->offset[k] < least ? a->offset[k] : least;
        for (uint32_t k = 0; k < a->count; k++)
            late[o.frames++] = a->offset[k] - least;
    }
    if (o.frames > 0) {
        qsort(late, o.frames, sizeof *late, by_size);
        o.p50_ms = (float)late[o.frames / 2] / 1000;
        o.p99_ms = (float)late[(size_t)o.frames * 99 / 100] / 1000;
        o.worst_ms = (float)late[o.frames - 1] / 1000;
    }
    if (write(l->out, &o, sizeof o) != sizeof o)
        _exit(1);
    _exit(0);
}

static void on_phase(void *arg)
{
    struct load *l = arg;

    if (l->measuring)
        finish(l);
    l->measuring = true;
    if (write(l->out, "s", 1) != 1)
        _exit(1);
    timer_start(&l->phase, MEASURE_MS);
}

/* A tenth of the channels speak each 2 ms. */
static void on_slot(void *arg)
{
    static const uint8_t frame[FRAME];
    struct load *l = arg;

    l->next_slot += SLOT_MS * 1000;
    timer_start_at(&l->tick, l->next_slot);
    for (unsigned n = ++l->slot % SLOTS + 1; n <= l->channels; n += SLOTS) {
        if (l->client != NULL)
            client_audio(l->client, n, frame, sizeof frame);
        else
            link_frame(l->link, n, frame, sizeof frame);
    }
    if (l->client != NULL)
        client_flush(l->client);
    else
        link_flush(l->link);
}

static void start_talking(struct load *l)
{
    l->next_slot = loop_now(l->loop);
    on_slot(l);
    timer_start(&l->phase, SETTLE_MS);
}

static void on_ready(void *arg)
{
    struct load *l = arg;
    struct offer o = {.from = "+1", .to = "+2", .codec = CODEC_PCMU, .dtmf_events = true};
    struct error err = {0};
    uint32_t n;

    for (unsigned i = 0; i < l->channels; i++)
        if (client_offer(l->client, &o, &n, &err) != 0)
            die(err.text);
}

static void on_answered(void *arg, uint32_t number)
{
    struct load *l = arg;

    (void)number;
    if (++l->answered == l->channels)
        start_talking(l);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    (void)arg;
    (void)number;
    die(cause_name(cause));
}

static void on_client_closed(void *arg, const char *why)
{
    (void)arg;
    die(why);
}

static const struct client_handlers client_handlers = {.ready = on_ready,
                                                       .closed = on_client_closed,
                                                       .answered = on_answered,
                                                       .ended = on_ended,
                                                       .audio = on_frame};

static void on_link_opened(void *arg)
{
    struct load *l = arg;

    link_reserve(l->link, (size_t)l->channels * 10, FRAME);
    start_talking(l);
}

static void on_link_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
}

static void on_link_batch(void *arg, const uint8_t *bytes, size_t len)
{
    struct wire_record r;
    size_t at = 0;

    while (wire_batch_next(bytes, len, &at, &r) > 0)
        on_frame(arg, r.channel, r.audio, r.len);
}

static const struct link_handlers link_handlers = {.opened = on_link_opened,
                                                   .text = on_link_text,
                                                   .batch = on_link_batch,
                                                   .closed = on_client_closed};

static void on_give_up(void *arg)
{
    (void)arg;
    die("the client waited too long");
}

static void run_client(unsigned channels, bool floor, int in, int out)
{
    struct load l = {.channels = channels, .out = out};
    struct error err = {0};
    struct timer give_up;
    char url[64];
    int port = 0, rc;

    l.arrivals = calloc(channels, sizeof *l.arrivals);
    if (l.arrivals == NULL || read(in, &port, sizeof port) != sizeof port ||
        loop_new(&l.loop, NULL, &err) != 0)
        die("the client cannot start");
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/", port);
    timer_init(&l.tick, l.loop, on_slot, &l);
    timer_init(&l.phase, l.loop, on_phase, &l);
    timer_init(&give_up, l.loop, on_give_up, &l);
    timer_start(&give_up, GIVE_UP_MS);
    if (floor) {
        rc = link_ws_connect(&l.link, l.loop, url, &err);
        if (rc == 0)
            link_own(l.link, &link_handlers, &l);
    } else {
        struct client_options o = {.url = url, .name = "gw", .token = "t", .backlog_ms = 200};

        rc = client_new(&l.client, l.loop, &o, &client_handlers, &l, &err);
    }
    if (rc != 0)
        die(err.text);
    loop_run(l.loop);
}

/* --- measuring a server in this process --- */

struct run {
    pid_t client;
    int to_client, from_client;
    bool started, done;
    double cpu_s; /* at the start, then over the measurement */
    struct outcome outcome;
};

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Before any thread is made. */
static void start_client(struct run *r, unsigned channels, bool floor)
{
    int down[2], up[2];

    if (pipe(down) != 0 || pipe(up) != 0)
        die("no pipe");
    fflush(stdout);
    r->client = fork();
    if (r->client == 0) {
        close(down[1]);
        close(up[0]);
        run_client(channels, floor, down[0], up[1]);
        _exit(1);
    }
    close(down[0]);
    close(up[1]);
    r->to_client = down[1];
    r->from_client = up[0];
    fcntl(r->from_client, F_SETFL, O_NONBLOCK);
}

static void tell_port(struct run *r, int port)
{
    if (write(r->to_client, &port, sizeof port) != sizeof port)
        die("the client is gone");
}

/* Looks what the client says. */
static void look(struct run *r)
{
    char byte;

    if (!r->started && read(r->from_client, &byte, 1) == 1) {
        r->started = true;
        r->cpu_s = cpu_seconds();
    }
    if (r->started && read(r->from_client, &r->outcome, sizeof r->outcome) == sizeof r->outcome) {
        r->cpu_s = cpu_seconds() - r->cpu_s;
        r->done = true;
    }
    if (!r->done && waitpid(r->client, NULL, WNOHANG) == r->client)
        die("the client ended early");
}

static void end_client(struct run *r)
{
    waitpid(r->client, NULL, 0);
    close(r->to_client);
    close(r->from_client);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Turns the loop until the client has measured. */
static void attend(struct loop *loop, struct run *r)
{
    struct timer t;

    timer_init(&t, loop, nothing, NULL);
    while (!r->done) {
        if (!t.active)
            timer_start(&t, 10);
        loop_turn(loop, true);
        look(r);
    }
    timer_stop(&t);
}

/* --- the exchange --- */

struct exchange {
    struct loop *loop;
    struct media *media;
    struct bridge *bridge;
    struct audio *audio;
    bool closed;
};

static struct channel *playing[10000];
static unsigned n_playing;

static void word(void *arg)
{
    (void)arg;
}

static void digit(void *arg, char d, unsigned ms)
{
    (void)arg;
    (void)d;
    (void)ms;
}

static void ended(void *arg, enum cause cause)
{
    (void)arg;
    (void)cause;
}

static void started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
}

static void tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    (void)arg;
    (void)request;
    (void)result;
}

static const struct channel_handlers channel_handlers = {.answered = word,
                                                         .ringing = word,
                                                         .digit = digit,
                                                         .ended = ended,
                                                         .started = started,
                                                         .played = played,
                                                         .tapped = tapped,
                                                         .released = word};

static void on_offered(void *arg, struct channel *c, const struct offer *offer)
{
    struct exchange *x = arg;

    (void)offer;
    channel_bind(c, &channel_handlers, x);
    channel_answer(c);
    if (channel_play(c, x->audio, 1000, NULL, 1) != 0)
        die("a play was refused");
    playing[n_playing++ % 10000] = c;
}

static void on_bridge_closed(void *arg)
{
    ((struct exchange *)arg)->closed = true;
}

static void run_exchange(unsigned channels, struct run *r)
{
    static const struct bridge_handlers handlers = {.offered = on_offered};
    struct config_gateway gateway = {
        .name = "gw", .token = "t", .max_channels = 10000, .originate = true};
    struct config config = {.gateways = &gateway, .n_gateways = 1};
    struct exchange x = {0};
    struct error err = {0};

    start_client(r, channels, false);
    if (loop_new(&x.loop, NULL, &err) != 0 || media_new(&x.media, x.loop, NULL, 0, &err) != 0 ||
        bridge_new(&x.bridge, x.loop, x.media, &config, "127.0.0.1:0", &handlers, &x, &err) != 0 ||
        audio_from_tone(&x.audio, CODEC_PCMU, 440, 5000, 0.5, &err) != 0)
        die(err.text);
    tell_port(r, bridge_port(x.bridge));
    attend(x.loop, r);
    end_client(r);
    bridge_close(x.bridge, on_bridge_closed, &x);
    while (!x.closed)
        loop_turn(x.loop, true);
    audio_unref(x.audio);
    bridge_free(x.bridge);
    media_free(x.media);
    loop_free(x.loop);
}

/* --- the floor: bare libwebsockets --- */

struct bare {
    struct loop *loop;
    struct lws *wsi;
    unsigned channels, slot, sent; /* the slot now, and the last one sent */
    int64_t next;
    struct timer tick;
    size_t len[SLOTS];
    uint8_t *batch[SLOTS];
};

static int on_bare(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct bare *b = lws_context_user(lws_get_context(wsi));
    unsigned at;

    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_ESTABLISHED) {
        b->wsi = wsi;
        b->sent = b->slot;
    }
    if (reason == LWS_CALLBACK_CLOSED)
        b->wsi = NULL;
    while (reason == LWS_CALLBACK_SERVER_WRITEABLE && b->sent != b->slot) {
        at = ++b->sent % SLOTS;
        if (b->len[at] > 0 &&
            lws_write(wsi, b->batch[at] + LWS_PRE, b->len[at], LWS_WRITE_BINARY) < 0)
            return -1;
        if (lws_send_pipe_choked(wsi)) {
            lws_callback_on_writable(wsi);
            return 0;
        }
    }
    return 0;
}

static void on_bare_slot(void *arg)
{
    struct bare *b = arg;

    b->next += SLOT_MS * 1000;
    timer_start_at(&b->tick, b->next);
    b->slot++;
    if (b->wsi != NULL)
        lws_callback_on_writable(b->wsi);
}

static void make_batches(struct bare *b)
{
    for (unsigned s = 0; s < SLOTS; s++) {
        uint8_t *p = calloc(1, LWS_PRE + (b->channels / SLOTS + 1) * (WIRE_HEADER + FRAME));

        if (p == NULL)
            die("out of memory");
        b->batch[s] = p;
        for (unsigned n = s + 1; n <= b->channels; n += SLOTS) {
            wire_record_head(p + LWS_PRE + b->len[s], n, FRAME);
            b->len[s] += WIRE_HEADER + FRAME;
        }
    }
}

static void run_bare(unsigned channels, struct run *r)
{
    static const struct lws_protocols protocols[] = {
        {.name = WIRE_PROTOCOL, .callback = on_bare, .rx_buffer_size = 65536 + 4096}, {0}};
    struct bare b = {.channels = channels};
    struct lws_context_creation_info info = {0};
    struct lws_context *context = NULL;
    struct lws_vhost *vhost;
    struct error err = {0};
    void *uv;

    start_client(r, channels, true);
    if (loop_new(&b.loop, NULL, &err) != 0)
        die(err.text);
    make_batches(&b);
    uv = loop_uv(b.loop);
    lws_set_log_level(LLL_ERR, NULL);
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = &uv;
    info.pt_serv_buf_size = 65536 + 4096;
    info.gid = info.uid = (gid_t)-1;
    info.user = &b;
    context = lws_create_context(&info);
    vhost = context != NULL ? lws_create_vhost(context, &info) : NULL;
    if (vhost == NULL)
        die("no bare server");
    timer_init(&b.tick, b.loop, on_bare_slot, &b);
    b.next = loop_now(b.loop);
    on_bare_slot(&b);
    tell_port(r, lws_get_vhost_listen_port(vhost));
    attend(b.loop, r);
    end_client(r); /* the rest goes with this process */
}

/* The floor runs in a process of its own, so that its processor time is its own too. */
static void run_bare_apart(unsigned channels, struct run *r)
{
    int up[2];
    pid_t pid;

    if (pipe(up) != 0)
        die("no pipe");
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        run_bare(channels, r);
        _exit(write(up[1], r, sizeof *r) == sizeof *r ? 0 : 1);
    }
    close(up[1]);
    if (read(up[0], r, sizeof *r) != sizeof *r)
        die("the floor failed");
    close(up[0]);
    waitpid(pid, NULL, 0);
}

static void print(unsigned n, const char *what, double value, const char *unit, double floor,
                  const char *aim)
{
    printf("figure bridge_%u_%s %.2f %s floor=%.2f%s%s\n", n, what, value, unit, floor,
           aim[0] != '\0' ? " aim=" : "", aim);
}

static void measure(unsigned channels, bool last)
{
    struct run ours = {0}, bare = {0};
    double seconds = (double)channels * MEASURE_MS / 1000;

    run_bare_apart(channels, &bare);
    run_exchange(channels, &ours);
    print(channels, "cpu_per_call_second", ours.cpu_s * 1e6 / seconds, "us",
          bare.cpu_s * 1e6 / seconds, last ? "333" : "");
    print(channels, "cpu", ours.cpu_s * 100000 / MEASURE_MS, "%", bare.cpu_s * 100000 / MEASURE_MS,
          last ? "100" : "");
    print(channels, "late_p50", ours.outcome.p50_ms, "ms", bare.outcome.p50_ms, "");
    print(channels, "late_p99", ours.outcome.p99_ms, "ms", bare.outcome.p99_ms, "2");
    print(channels, "late_worst", ours.outcome.worst_ms, "ms", bare.outcome.worst_ms, "");
    print(channels, "frames", ours.outcome.frames, "", bare.outcome.frames, "");
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = {100, 500, 1000, 2000, 3000};

    signal(SIGPIPE, SIG_IGN);
    log_set_levels("error", NULL);
    if (argc > 1) {
        measure((unsigned)atoi(argv[1]), true);
        return 0;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        measure(sizes[i], i + 1 == sizeof sizes / sizeof *sizes);
    return 0;
}
