/* The media loop on its own thread, in real time, with many commands from the control loop at once;
 * meant for the thread sanitizer. */
#include "base/disk.h"
#include "media/file.h"
#include "media/media.h"
#include "media/recorder.h"
#include "tests/unit/unit.h"

#include <sndfile.h>
#include <stddef.h>
#include <stdio.h>

#define CHANNELS 20
#define PLAYS    5

struct one {
    struct many *many;
    struct media_channel *channel;
    unsigned played;
    bool let_go;
};

struct many {
    struct loop *control;
    struct media *media;
    struct media_port port;
    unsigned frames, back; /* the media thread's */
    struct one ones[CHANNELS];
    unsigned made, started, played, released;
    uint32_t sent;
};

static void on_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    struct many *m = (struct many *)((char *)p - offsetof(struct many, port));

    m->frames++;
    m->back += media_channel_input(m->ones[number].channel, audio, len);
}

static void on_flush(struct media_port *p)
{
    (void)p;
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)arg;
    (void)digit;
    (void)duration_ms;
}

static void on_started(void *arg, uint32_t request)
{
    (void)request;
    ((struct one *)arg)->many->started++;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct one *o = arg;

    (void)request;
    (void)how;
    o->many->played++;
    o->many->sent += frames;
    if (++o->played == PLAYS && !o->let_go) {
        o->let_go = true;
        media_channel_release(o->channel);
    }
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    (void)arg;
    (void)request;
    (void)result;
}

static void on_released(void *arg)
{
    struct many *m = ((struct one *)arg)->many;

    if (++m->released == m->made)
        loop_stop(m->control);
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

static void on_attach(const struct crossing_msg *m)
{
    struct one *o = m->ptr;

    media_channel_attach(o->channel, &o->many->port, (uint32_t)m->num[0]);
}

UNIT(twenty_channels_play_and_end_on_the_real_thread)
{
    struct many m = {.port = {.frame = on_frame, .flush = on_flush}};
    struct error err = {0};
    struct audio *a = NULL;
    unsigned i, j;

    ok_rc(loop_new(&m.control, NULL, &err), &err);
    ok_rc(media_new(&m.media, m.control, NULL, 0, &err), &err);
    ok_rc(audio_from_tone(&a, CODEC_PCMU, 440, 60, 0.5, &err), &err);
    for (i = 0; i < CHANNELS; i++) {
        struct one *o = &m.ones[i];
        struct crossing_msg attach = {.h = on_attach, .ptr = o, .num = {i}};

        o->many = &m;
        ok_rc(media_channel_new(&o->channel, m.media, CODEC_PCMU, true, &handlers, o, &err), &err);
        m.made++;
        ok(crossing_command(media_crossing(m.media), &attach, 0) == 0);
        for (j = 1; j <= PLAYS; j++)
            ok(media_play(o->channel, a, 1, j) == 0);
        if (i % 2 == 0)
            media_play_stop(o->channel, 2);
    }
    a = audio_unref(a);
    loop_run(m.control);
    ok_int(m.played, CHANNELS * PLAYS);
    m.media = media_free(m.media); /* the thread is joined: its numbers may be read */
    ok_int(m.frames, m.sent);
    ok_int(m.back, m.sent);
    ok_int(m.started, (m.sent + 2) / 3);
out:
    audio_unref(a);
    for (i = 0; i < m.made; i++) {
        if (!m.ones[i].let_go)
            media_channel_release(m.ones[i].channel);
        m.ones[i].let_go = true;
    }
    if (m.released < m.made)
        loop_run(m.control);
    media_free(m.media);
    loop_free(m.control);
}

/* --- a media loop that was held up --- */

#define HELD_US 60000 /* three frames; far from what the loop does not catch up with */

struct held {
    struct media_port port;
    struct loop *control;
    struct media *media;
    struct media_channel *channel;
    unsigned frames, quick;
    int64_t last;
};

/* Holds the loop up at the second frame, and counts those that leave faster than in real time: what
 * was due meanwhile. */
static void on_held_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    struct held *h = (struct held *)p;
    struct loop *loop = media_loop(h->media);
    int64_t now = loop_now(loop);

    (void)number;
    (void)audio;
    (void)len;
    if (h->frames > 0 && now - h->last < 10000)
        h->quick++;
    h->last = now;
    if (h->frames++ == 1)
        while (loop_now(loop) < now + HELD_US)
            ;
}

static void on_held_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)request;
    (void)how;
    (void)frames;
    media_channel_release(((struct held *)arg)->channel);
}

static void on_held_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void on_held_released(void *arg)
{
    loop_stop(((struct held *)arg)->control);
}

static const struct media_handlers held_handlers = {on_digit, on_held_started, on_held_played,
                                                    on_tapped, on_held_released};

static void on_held_attach(const struct crossing_msg *m)
{
    struct held *h = m->to;

    media_channel_attach(h->channel, &h->port, 0);
}

UNIT(a_loop_that_was_held_up_catches_up)
{
    struct held h = {.port = {.frame = on_held_frame, .flush = on_flush}};
    struct crossing_msg attach = {.h = on_held_attach, .to = &h};
    struct error err = {0};
    struct audio *a = NULL;
    struct media_stats stats;

    ok_rc(loop_new(&h.control, NULL, &err), &err);
    ok_rc(media_new(&h.media, h.control, NULL, 0, &err), &err);
    ok_rc(audio_from_tone(&a, CODEC_PCMU, 440, 1200, 0.5, &err), &err);
    ok_rc(media_channel_new(&h.channel, h.media, CODEC_PCMU, false, &held_handlers, &h, &err),
          &err);
    ok(crossing_command(media_crossing(h.media), &attach, 0) == 0);
    ok(media_play(h.channel, a, 1, 1) == 0);
    loop_run(h.control);
    h.channel = NULL;
    media_stats(h.media, &stats);
    ok(stats.late_max_us >= HELD_US - 20000);
    h.media = media_free(h.media);
    ok_int(h.frames, 60);
    ok(h.quick >= 1);
out:
    audio_unref(a);
    if (h.channel != NULL) {
        media_channel_release(h.channel);
        loop_run(h.control);
    }
    media_free(h.media);
    loop_free(h.control);
}

/* --- all threads at once: a worker streams, media plays and hears itself, the disk records --- */

struct circle {
    struct media_port port;
    struct loop *control;
    struct media *media;
    struct disk *disk;
    struct media_channel *channel;
    struct recorder *recorder;
    uint32_t ms;
    bool failed;
    enum play_end how;
};

static void on_circle_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    (void)number;
    media_channel_input(((struct circle *)p)->channel, audio, len);
}

static void on_circle_recorded(void *arg, const struct recorder_result *result)
{
    struct circle *c = arg;

    c->failed = result->failed != NULL;
    c->ms = result->ms;
    if (c->channel != NULL)
        media_play_stop(c->channel, 1);
}

static void on_circle_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct circle *c = arg;

    (void)request;
    recorder_end(c->recorder, result, true, on_circle_recorded, c);
    c->recorder = NULL;
}

static void on_circle_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct circle *c = arg;

    (void)request;
    (void)frames;
    c->how = how;
    media_channel_release(c->channel);
}

static void on_circle_released(void *arg)
{
    struct circle *c = arg;

    c->channel = NULL;
    loop_stop(c->control);
}

static const struct media_handlers circle_handlers = {on_digit, on_held_started, on_circle_played,
                                                      on_circle_tapped, on_circle_released};

static void on_circle_attach(const struct crossing_msg *m)
{
    struct circle *c = m->to;

    media_channel_attach(c->channel, &c->port, 0);
}

/* 61 s of a tone: too long to be held whole. */
static bool write_long(const char *path)
{
    SF_INFO info = {.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16, .samplerate = 16000, .channels = 1};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    short second[16000];
    int i;

    for (i = 0; i < 16000; i++)
        second[i] = i / 20 % 2 ? 8000 : -8000;
    for (i = 0; f != NULL && i < 61; i++)
        sf_write_short(f, second, 16000);
    return f != NULL && sf_close(f) == 0;
}

static int circle_open(struct circle *c, const char *record, struct error *err)
{
    struct crossing_msg attach = {.h = on_circle_attach, .to = c};
    int rc = loop_new(&c->control, NULL, err);

    c->port = (struct media_port){.frame = on_circle_frame, .flush = on_flush};
    if (rc == 0)
        rc = media_new(&c->media, c->control, NULL, 0, err);
    if (rc == 0)
        rc = disk_new(&c->disk, c->control, 1 << 20, err);
    if (rc == 0)
        rc = recorder_new(&c->recorder, c->disk, c->control, CODEC_PCMU, record, err);
    if (rc == 0)
        rc = media_channel_new(&c->channel, c->media, CODEC_PCMU, true, &circle_handlers, c, err);
    if (rc == 0)
        rc = crossing_command(media_crossing(c->media), &attach, 0);
    return rc;
}

static void circle_close(struct circle *c)
{
    if (c->channel != NULL) {
        media_channel_release(c->channel);
        loop_run(c->control);
    }
    if (c->recorder != NULL)
        recorder_discard(c->recorder);
    disk_free(c->disk);
    media_free(c->media);
    loop_free(c->control);
}

UNIT(a_streamed_file_is_played_and_recorded_on_all_threads)
{
    struct circle c = {0};
    struct error err = {0};
    struct audio *a = NULL;
    char file[300], record[300];

    snprintf(file, sizeof file, "%s/long.wav", unit_folder());
    snprintf(record, sizeof record, "%s/record", unit_folder());
    ok(write_long(file));
    ok_rc(audio_load_file(&a, CODEC_PCMU, file, &err), &err);
    ok(a->stream != NULL);
    ok_rc(circle_open(&c, record, &err), &err);
    ok(media_tap(c.channel, recorder_tap(c.recorder), 0, 600, 2) == 0);
    ok(media_play(c.channel, a, 1, 1) == 0);
    a = audio_unref(a);
    loop_run(c.control);
    ok(!c.failed);
    ok_int(c.ms, 600);
    ok_int(c.how, PLAY_STOPPED);
out:
    audio_unref(a);
    circle_close(&c);
}

UNIT_MAIN(CASE(a_streamed_file_is_played_and_recorded_on_all_threads),
          CASE(a_loop_that_was_held_up_catches_up),
          CASE(twenty_channels_play_and_end_on_the_real_thread))
