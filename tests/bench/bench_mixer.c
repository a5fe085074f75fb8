/* What pairs and rooms cost, and how punctual they are. Each figure stands beside its floor,
 * measured in the same run: for rooms the bare decoding, adding and encoding of the same frames,
 * for listeners and pairs the bare copy of them, for lateness a bare timer of 2 ms. */
#include "media/mixer.h"
#include "tests/bench/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECES     50
#define SECONDS    10 /* of virtual time */
#define MOST       1100
#define REAL_MS    5000
#define BATCH      65536
#define FEED_US    2000
#define FEED_PARTS 10

struct bench {
    struct loop *control;
    struct media *media;
    struct media_port port;
    struct media_channel *channels[MOST];
    unsigned count, released, voices;
    struct media_room *room;
    uint64_t frames;
    size_t filled;
    uint8_t batch[BATCH];
    struct timer feeder, end; /* of the media loop; of control */
    int64_t feed;
    unsigned talkers; /* how many speak */
    double cpu;
    const char *name;
};

static struct bench b;
static struct audio *pieces[PIECES];
static int64_t bare_late;

static void die(const char *what)
{
    fprintf(stderr, "bench_mixer: %s\n", what);
    exit(1);
}

/* --- a stand without sockets --- */

static void copy_frame(uint32_t number, const void *audio, size_t len)
{
    if (b.filled + 8 + len > BATCH)
        b.filled = 0;
    memcpy(b.batch + b.filled, &number, 4);
    memcpy(b.batch + b.filled + 8, audio, len);
    b.filled += 8 + len;
    b.frames++;
}

static void on_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    (void)p;
    copy_frame(number, audio, len);
}

static void on_flush(struct media_port *p)
{
    (void)p;
    b.filled = 0;
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
    (void)arg;
    if (++b.released == b.count + b.voices && !loop_is_virtual(b.control))
        loop_stop(b.control);
}

static void on_speaking(void *arg, struct media_channel *c, bool on)
{
    (void)arg;
    (void)c;
    (void)on;
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

static void on_attach(const struct crossing_msg *m)
{
    media_channel_attach(m->ptr, &b.port, (uint32_t)m->num[0]);
}

static void open_channels(unsigned count)
{
    b.port = (struct media_port){.frame = on_frame, .flush = on_flush};
    for (b.count = 0; b.count < count; b.count++) {
        struct crossing_msg m = {.h = on_attach, .num = {b.count}};

        if (media_channel_new(&b.channels[b.count], b.media, CODEC_PCMU, false, &handlers, NULL,
                              NULL) != 0)
            die("a channel was refused");
        m.ptr = b.channels[b.count];
        if (crossing_command(media_crossing(b.media), &m, 0) != 0)
            die("a command was refused");
    }
}

static void open_room(void)
{
    struct room_config config = {.rate = 8000, .limit = MOST, .speaking = on_speaking};

    if (media_room_new(&b.room, b.media, &config, &handlers, NULL, NULL) != 0)
        die("no room");
    b.voices = 1;
}

static void join_all(unsigned talkers)
{
    unsigned i;

    for (i = 0; i < b.count; i++)
        if (media_room_join(b.room, b.channels[i], i < talkers ? ROOM_TALKER : ROOM_MUTED, NULL,
                            NULL) != 0)
            die("a member was refused");
}

static void release_all(void)
{
    unsigned i;

    if (b.room != NULL)
        media_room_release(b.room);
    for (i = 0; i < b.count; i++)
        media_channel_release(b.channels[i]);
}

static const uint8_t *piece(unsigned channel, unsigned frame)
{
    return pieces[channel % PIECES]->data + (frame + channel) % pieces[0]->frames * 160;
}

/* --- cost, in virtual time --- */

static struct vtime *open_virtual(unsigned channels)
{
    struct vtime *v;

    memset(&b, 0, sizeof b);
    if (vtime_new(&v, NULL) != 0 || loop_new(&b.control, v, NULL) != 0 ||
        media_new(&b.media, b.control, v, 65536, NULL) != 0)
        die("no loops");
    open_channels(channels);
    return v;
}

static void close_virtual(struct vtime *v)
{
    release_all();
    vtime_run(v, loop_now(b.control) + 1000000, NULL, NULL);
    media_free(b.media);
    loop_free(b.control);
    vtime_free(v);
}

static void pass(struct vtime *v, unsigned talkers, unsigned frames)
{
    unsigned i, j;

    for (i = 0; i < frames; i++) {
        for (j = 0; j < talkers; j++)
            media_channel_input(b.channels[j], piece(j, i), 160);
        vtime_run(v, loop_now(b.control) + 20000, NULL, NULL);
    }
}

/* Microseconds for a participant and second of the bare work of a room of talkers. */
static double mix_floor(unsigned talkers)
{
    static int16_t decoded[MOST][160];
    int16_t mix[160];
    uint8_t bytes[160];
    double from = floor_cpu_now();
    unsigned i, j, k;

    for (i = 0; i < SECONDS * 50; i++) {
        int32_t sum[160] = {0};

        for (j = 0; j < talkers; j++) {
            codec_decode(CODEC_PCMU, piece(j, i), 160, decoded[j]);
            for (k = 0; k < 160; k++)
                sum[k] += decoded[j][k];
        }
        for (j = 0; j < talkers; j++) {
            for (k = 0; k < 160; k++)
                mix[k] = sample_clip(sum[k] - decoded[j][k]);
            codec_encode(CODEC_PCMU, mix, 160, bytes);
            copy_frame(j, bytes, 160);
        }
    }
    return (floor_cpu_now() - from) / talkers / SECONDS;
}

static double copy_floor(unsigned channels)
{
    double from = floor_cpu_now();
    unsigned i, j;

    for (i = 0; i < SECONDS * 50; i++)
        for (j = 0; j < channels; j++)
            copy_frame(j, piece(j, i), 160);
    return (floor_cpu_now() - from) / channels / SECONDS;
}

static double room_cost(unsigned talkers, unsigned listeners)
{
    struct vtime *v = open_virtual(talkers + listeners);
    unsigned n = talkers + listeners;
    double from, cost;
    uint64_t before;

    open_room();
    join_all(talkers);
    pass(v, talkers, 10);
    before = b.frames;
    from = floor_cpu_now();
    pass(v, talkers, SECONDS * 50);
    cost = (floor_cpu_now() - from) / n / SECONDS;
    if (b.frames - before < (uint64_t)n * (SECONDS * 50 - 1))
        die("frames are missing");
    close_virtual(v);
    return cost;
}

static void bench_rooms(void)
{
    static const unsigned sizes[] = {3, 10, 50, 250};
    size_t i;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
        printf("figure mixer.talkers.%u %.1f us/participant-second floor=%.1f\n", sizes[i],
               room_cost(sizes[i], 0), mix_floor(sizes[i]));
    printf("figure mixer.listeners.1000 %.1f us/participant-second floor=%.1f (3 talkers)\n",
           room_cost(3, 1000), copy_floor(1003));
}

/* A member comes and another goes, while three talk. */
static void bench_joins(void)
{
    struct vtime *v = open_virtual(103);
    const unsigned times = 200;
    double from;
    unsigned i, j;

    open_room();
    join_all(3);
    pass(v, 3, 10);
    from = floor_cpu_now();
    for (i = 0; i < times; i++) {
        for (j = 3; j < b.count; j++)
            media_room_leave(b.channels[j]);
        vtime_run(v, loop_now(b.control), NULL, NULL);
        for (j = 3; j < b.count; j++)
            if (media_room_join(b.room, b.channels[j], ROOM_TALKER, NULL, NULL) != 0)
                die("a member was refused");
        vtime_run(v, loop_now(b.control), NULL, NULL);
    }
    printf("figure mixer.joins_and_leaves %.0f /s\n", times * 100 / (floor_cpu_now() - from) * 1e6);
    close_virtual(v);
}

static void bench_pairs(void)
{
    struct vtime *v = open_virtual(1000);
    double from, cost;
    unsigned i;

    for (i = 0; i < b.count; i += 2)
        if (media_join(b.channels[i], b.channels[i + 1]) != 0)
            die("a pair was refused");
    pass(v, 1000, 10);
    from = floor_cpu_now();
    pass(v, 1000, SECONDS * 50);
    cost = (floor_cpu_now() - from) / 500 / SECONDS;
    printf("figure join.cost %.1f us/pair-second floor=%.1f\n", cost, 2 * copy_floor(1000));
    close_virtual(v);
}

/* --- punctuality, on the real thread --- */

/* A tenth of the talkers every 2 ms, as their gateway's batches would come. */
static void on_feed(void *arg)
{
    unsigned i;

    (void)arg;
    while (b.feed * FEED_US <= loop_now(media_loop(b.media))) {
        for (i = (unsigned)(b.feed % FEED_PARTS); i < b.talkers; i += FEED_PARTS)
            media_channel_input(b.channels[i], piece(i, (unsigned)(b.feed / FEED_PARTS)), 160);
        b.feed++;
    }
    timer_start_at(&b.feeder, b.feed * FEED_US);
}

static void on_feed_begin(const struct crossing_msg *m)
{
    (void)m;
    timer_init(&b.feeder, media_loop(b.media), on_feed, NULL);
    b.feed = loop_now(media_loop(b.media)) / FEED_US + 1;
    timer_start_at(&b.feeder, b.feed * FEED_US);
}

static void on_feed_end(const struct crossing_msg *m)
{
    (void)m;
    timer_stop(&b.feeder);
}

static void on_time_up(void *arg)
{
    struct crossing_msg stop = {.h = on_feed_end};
    struct media_stats stats;

    (void)arg;
    media_stats(b.media, &stats);
    printf("figure %s.core %.1f %%\n", b.name, (floor_cpu_now() - b.cpu) / REAL_MS / 10);
    printf("figure %s.late_p99 %u us floor=%lld aim=2000\n", b.name, stats.late_p99_us,
           (long long)bare_late);
    if (b.frames < (uint64_t)b.talkers * (REAL_MS / 20 - 25))
        die("frames are missing");
    crossing_command(media_crossing(b.media), &stop, 0);
    release_all();
}

static void bench_real(const char *name, unsigned channels, bool room)
{
    struct crossing_msg begin = {.h = on_feed_begin};
    unsigned i;

    memset(&b, 0, sizeof b);
    b.name = name;
    b.talkers = channels;
    if (loop_new(&b.control, NULL, NULL) != 0 || media_new(&b.media, b.control, NULL, 0, NULL) != 0)
        die("no loops");
    open_channels(channels);
    if (room) {
        open_room();
        join_all(channels);
    } else {
        for (i = 0; i < channels; i += 2)
            if (media_join(b.channels[i], b.channels[i + 1]) != 0)
                die("a pair was refused");
    }
    crossing_command(media_crossing(b.media), &begin, 0);
    timer_init(&b.end, b.control, on_time_up, NULL);
    timer_start(&b.end, REAL_MS);
    b.cpu = floor_cpu_now();
    loop_run(b.control);
    media_free(b.media);
    loop_free(b.control);
}

int main(void)
{
    unsigned i;

    for (i = 0; i < PIECES; i++)
        if (audio_from_tone(&pieces[i], CODEC_PCMU, 300 + 10 * i, 3000, 0.05, NULL) != 0)
            die("no audio");
    bench_rooms();
    bench_joins();
    bench_pairs();
    bare_late = floor_lateness();
    bench_real("join.pairs.500", 1000, false);
    bench_real("mixer.room.250", 250, true);
    for (i = 0; i < PIECES; i++)
        audio_unref(pieces[i]);
    return 0;
}
