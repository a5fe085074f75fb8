/* What the media loop costs without sockets, and how punctual it is. Each figure stands beside its
 * floor, measured in the same run: the bare copy of the same frames, a bare timer of 2 ms. */
#include "media/media.h"
#include "tests/bench/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES      50   /* different prompts, so that not all comes from one cache line */
#define VIRTUAL     1000 /* channels for the cost */
#define SECONDS     20   /* … for so long */
#define MOST        3000
#define REAL_MS     4000
#define BATCH_BYTES 65536

struct bench {
    struct loop *control;
    struct media *media;
    struct media_port port;
    struct media_channel **channels;
    unsigned count, released;
    uint64_t frames;
    size_t filled;
    uint8_t batch[BATCH_BYTES];
    struct timer timer;
    int64_t floor;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_media: %s\n", what);
    exit(1);
}

/* What a link does first: copy the frame behind its number into the batch. */
static void copy_frame(struct bench *b, uint32_t number, const void *audio, size_t len)
{
    if (b->filled + 8 + len > BATCH_BYTES)
        b->filled = 0;
    memcpy(b->batch + b->filled, &number, 4);
    memcpy(b->batch + b->filled + 8, audio, len);
    b->filled += 8 + len;
    b->frames++;
}

static void on_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    copy_frame((struct bench *)((char *)p - offsetof(struct bench, port)), number, audio, len);
}

static void on_flush(struct media_port *p)
{
    ((struct bench *)((char *)p - offsetof(struct bench, port)))->filled = 0;
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    (void)digit;
    (void)ms;
}

static void on_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *r)
{
    (void)arg;
    (void)request;
    (void)r;
}

static void on_released(void *arg)
{
    struct bench *b = arg;

    if (++b->released == b->count && !loop_is_virtual(b->control))
        loop_stop(b->control);
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

static void on_attach(const struct crossing_msg *m)
{
    struct bench *b = m->to;

    media_channel_attach(m->ptr, &b->port, (uint32_t)m->num[0]);
}

static void open_channels(struct bench *b, unsigned count, bool detect)
{
    b->port = (struct media_port){.frame = on_frame, .flush = on_flush};
    b->channels = calloc(count, sizeof *b->channels);
    for (b->count = 0; b->count < count; b->count++) {
        struct crossing_msg m = {.h = on_attach, .to = b, .num = {b->count}};

        if (media_channel_new(&b->channels[b->count], b->media, CODEC_PCMU, detect, &handlers, b,
                              NULL) != 0)
            die("a channel was refused");
        m.ptr = b->channels[b->count];
        if (crossing_command(media_crossing(b->media), &m, 0) != 0)
            die("a command was refused");
    }
}

static void release_channels(struct bench *b)
{
    unsigned i;

    for (i = 0; i < b->count; i++)
        media_channel_release(b->channels[i]);
    free(b->channels);
}

/* --- cost, in virtual time --- */

static double floor_cost(struct audio **pieces)
{
    static struct bench b;
    double from = floor_cpu_now();
    unsigned i, j;

    for (i = 0; i < SECONDS * 50; i++)
        for (j = 0; j < VIRTUAL; j++)
            copy_frame(&b, j, pieces[j % PIECES]->data + i % pieces[0]->frames * 160, 160);
    return (floor_cpu_now() - from) / VIRTUAL / SECONDS;
}

static void bench_cost(struct audio **pieces)
{
    static struct bench b;
    struct vtime *v;
    double from, played, heard, floor = floor_cost(pieces);
    unsigned i, j;

    if (vtime_new(&v, NULL) != 0 || loop_new(&b.control, v, NULL) != 0 ||
        media_new(&b.media, b.control, v, 65536, NULL) != 0)
        die("no loops");
    open_channels(&b, VIRTUAL, true);
    for (i = 0; i < b.count; i++)
        media_play(b.channels[i], pieces[i % PIECES], 1000, 1);
    from = floor_cpu_now();
    vtime_run(v, SECONDS * INT64_C(1000000), NULL, NULL);
    played = (floor_cpu_now() - from) / VIRTUAL / SECONDS;
    if (b.frames < (uint64_t)VIRTUAL * (SECONDS * 50 - 1))
        die("frames are missing");
    from = floor_cpu_now();
    for (i = 0; i < 100; i++)
        for (j = 0; j < b.count; j++)
            media_channel_input(b.channels[j], pieces[j % PIECES]->data + i * 160, 160);
    heard = (floor_cpu_now() - from) / VIRTUAL / 2;
    printf("figure media.play_cost %.2f us/channel-second floor=%.2f\n", played, floor);
    printf("figure media.hear_cost %.2f us/channel-second floor=%.2f\n", heard, floor);
    release_channels(&b);
    vtime_run(v, (SECONDS + 1) * INT64_C(1000000), NULL, NULL);
    media_free(b.media);
    loop_free(b.control);
    vtime_free(v);
}

/* --- punctuality, on the real thread --- */

static void on_time_up(void *arg)
{
    struct bench *b = arg;
    struct media_stats stats;

    media_stats(b->media, &stats);
    printf("figure media.late_p50.%u %u us\n", b->count, stats.late_p50_us);
    printf("figure media.late_p99.%u %u us floor=%lld aim=2000\n", b->count, stats.late_p99_us,
           (long long)b->floor);
    release_channels(b);
}

static void bench_lateness(struct audio **pieces, unsigned count, int64_t floor)
{
    static struct bench b;
    unsigned i;

    memset(&b, 0, sizeof b);
    b.floor = floor;
    if (loop_new(&b.control, NULL, NULL) != 0 || media_new(&b.media, b.control, NULL, 0, NULL) != 0)
        die("no loops");
    open_channels(&b, count, false);
    for (i = 0; i < count; i++)
        if (media_play(b.channels[i], pieces[i % PIECES], 1000, 1) != 0)
            die("a play was refused");
    timer_init(&b.timer, b.control, on_time_up, &b);
    timer_start(&b.timer, REAL_MS);
    loop_run(b.control);
    media_free(b.media);
    loop_free(b.control);
}

int main(void)
{
    static const unsigned counts[] = {100, 500, 1000, 2000, MOST};
    struct audio *pieces[PIECES];
    int64_t floor;
    size_t i;

    for (i = 0; i < PIECES; i++)
        if (audio_from_tone(&pieces[i], CODEC_PCMU, 300 + 10 * (double)i, 3000, 0.3, NULL) != 0)
            die("no audio");
    bench_cost(pieces);
    floor = floor_lateness();
    for (i = 0; i < sizeof counts / sizeof *counts; i++)
        bench_lateness(pieces, counts[i], floor);
    for (i = 0; i < PIECES; i++)
        audio_unref(pieces[i]);
    return 0;
}
