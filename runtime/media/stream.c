#include "media/stream.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/ring.h"
#include "media/reader.h"
#include <stdatomic.h>
#include <unistd.h>

#define RING_MS   2000
#define REFILL_MS 250 /* how often control looks whether the ring wants more */

struct audio_stream {
    unsigned refs; /* control's: the audio itself and each open play */
    int fd;
    char *mime, *name;
    enum codec codec;
};

enum { RUNNING, OVER, FAILED };

struct stream_play {
    struct work work;
    struct timer timer;
    struct audio_stream *stream;
    bool working, closed; /* control's */

    /* the worker's; there is never more than one */
    struct reader *reader;
    unsigned loops; /* still to be begun */

    struct ring ring; /* from the worker to the media loop */
    atomic_int state; /* leaves RUNNING after the last frame was put */
};

int stream_new(struct audio_stream **sp, int fd, const char *mime, const char *name, enum codec c,
               struct error *err)
{
    struct audio_stream *s = mem_alloc(sizeof *s);

    if (s == NULL) {
        close(fd);
        return error_nomem(err);
    }
    s->refs = 1;
    s->fd = fd;
    s->codec = c;
    s->mime = mem_strdup(mime);
    s->name = mem_strdup(name);
    if ((mime != NULL && s->mime == NULL) || (name != NULL && s->name == NULL)) {
        stream_free(s);
        return error_nomem(err);
    }
    *sp = s;
    return 0;
}

void stream_free(struct audio_stream *s)
{
    if (s == NULL || --s->refs > 0)
        return;
    close(s->fd);
    mem_free(s->mime);
    mem_free(s->name);
    mem_free(s);
}

/* --- on a worker --- */

static bool begin(struct stream_play *p)
{
    struct audio_stream *s = p->stream;
    struct reader_source source = {.fd = s->fd, .mime = s->mime, .name = s->name};
    struct error err = {0};

    if (reader_open(&p->reader, &source, s->codec, &err) == 0)
        return true;
    log_error("media", NULL, "a long audio file cannot be read any more: %s", err.text);
    return false;
}

/* Puts frames until the ring is full or the audio is over; returns the new state. */
static int fill(struct stream_play *p)
{
    uint8_t frame[FRAME_BYTES_MAX];

    if (p->reader == NULL && !begin(p))
        return FAILED;
    while (ring_space(&p->ring) > 0) {
        if (reader_read(p->reader, frame, 1) == 1) {
            ring_put(&p->ring, frame);
            continue;
        }
        if (--p->loops == 0)
            return OVER;
        if (reader_rewind(p->reader) != 0)
            return FAILED;
    }
    return RUNNING;
}

static void on_run(struct work *w)
{
    struct stream_play *p = list_entry(w, struct stream_play, work);

    atomic_store_explicit(&p->state, fill(p), memory_order_release);
}

/* --- on the control loop --- */

static void destroy(struct stream_play *p)
{
    timer_stop(&p->timer);
    reader_close(p->reader);
    ring_free(&p->ring);
    stream_free(p->stream);
    mem_free(p);
}

static void on_done(struct work *w)
{
    struct stream_play *p = list_entry(w, struct stream_play, work);

    p->working = false;
    if (p->closed)
        destroy(p);
    else if (atomic_load_explicit(&p->state, memory_order_relaxed) == RUNNING)
        timer_start(&p->timer, REFILL_MS);
}

static void on_timer(void *arg)
{
    struct stream_play *p = arg;

    if (ring_count(&p->ring) > RING_MS / FRAME_MS / 2) {
        timer_start(&p->timer, REFILL_MS);
        return;
    }
    if (work_submit(p->timer.loop, &p->work) == 0)
        p->working = true;
    else
        atomic_store_explicit(&p->state, FAILED, memory_order_release);
}

int stream_open(struct stream_play **pp, struct audio_stream *s, struct loop *control,
                unsigned loops)
{
    struct stream_play *p = mem_alloc(sizeof *p);

    if (p == NULL)
        return ERR_NOMEM;
    if (ring_init(&p->ring, codec_frame_bytes(s->codec), RING_MS / FRAME_MS) != 0) {
        mem_free(p);
        return ERR_NOMEM;
    }
    p->stream = s;
    p->loops = loops;
    p->work.run = on_run;
    p->work.done = on_done;
    timer_init(&p->timer, control, on_timer, p);
    s->refs++;
    if (work_submit(control, &p->work) != 0) {
        destroy(p);
        return ERR_IO;
    }
    p->working = true;
    *pp = p;
    return 0;
}

void stream_close(struct stream_play *p)
{
    if (p == NULL)
        return;
    p->closed = true;
    if (!p->working)
        destroy(p);
}

/* --- on the media loop --- */

enum stream_state stream_take(struct stream_play *p, uint8_t *frame)
{
    int state;

    if (ring_take(&p->ring, frame))
        return STREAM_FRAME;
    state = atomic_load_explicit(&p->state, memory_order_acquire);
    if (state == RUNNING)
        return STREAM_WAIT;
    /* The last frames may have been put just before the state changed. */
    if (ring_take(&p->ring, frame))
        return STREAM_FRAME;
    return state == OVER ? STREAM_END : STREAM_FAILED;
}

bool stream_is_over(const struct stream_play *p)
{
    return atomic_load_explicit(&p->state, memory_order_acquire) == OVER &&
           ring_count(&p->ring) == 0;
}
