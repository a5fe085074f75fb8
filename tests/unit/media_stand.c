#include "tests/unit/media_stand.h"

#include "base/mem.h"
#include <math.h>
#include <string.h>

static void on_frame(struct media_port *p, uint32_t number, const void *audio, size_t len)
{
    struct stand_port *port = (struct stand_port *)p;

    (void)number;
    if (port->frames < STAND_FRAMES) {
        port->at[port->frames] = loop_now(media_loop(port->stand->media));
        port->first[port->frames] = *(const uint8_t *)audio;
    }
    port->frames++;
    if (port->back != NULL)
        media_channel_input(port->back, audio, len);
}

static void on_flush(struct media_port *p)
{
    ((struct stand_port *)p)->flushes++;
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct stand *r = arg;
    size_t n = strlen(r->digits);

    (void)duration_ms;
    if (n + 1 < sizeof r->digits)
        r->digits[n] = digit;
}

static void on_started(void *arg, uint32_t request)
{
    struct stand *r = arg;

    (void)request;
    r->started++;
    r->started_at = loop_now(r->control);
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct stand *r = arg;
    unsigned i = r->played++;

    if (i >= STAND_EVENTS)
        return;
    r->order[i] = request;
    r->how[i] = how;
    r->sent[i] = frames;
    r->played_at[i] = loop_now(r->control);
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct stand *r = arg;

    (void)request;
    r->tapped++;
    r->tap = *result;
}

static void on_released(void *arg)
{
    ((struct stand *)arg)->released++;
}

static const struct media_handlers handlers = {on_digit, on_started, on_played, on_tapped,
                                               on_released};

int stand_open(struct stand *r, enum codec c, bool detect, size_t places, struct error *err)
{
    int rc = vtime_new(&r->vtime, err);

    if (rc == 0)
        rc = loop_new(&r->control, r->vtime, err);
    if (rc == 0)
        rc = media_new(&r->media, r->control, r->vtime, places, err);
    if (rc == 0)
        rc = media_channel_new(&r->channel, r->media, c, detect, &handlers, r, err);
    if (rc != 0)
        return rc;
    r->port.stand = r;
    r->port.port = (struct media_port){.frame = on_frame, .flush = on_flush};
    media_channel_attach(r->channel, &r->port.port, 7);
    return 0;
}

void stand_close(struct stand *r)
{
    if (r->channel != NULL)
        media_channel_release(r->channel);
    if (r->control != NULL)
        stand_run(r, 100);
    media_free(r->media);
    loop_free(r->control);
    vtime_free(r->vtime);
}

void stand_run(struct stand *r, int ms)
{
    vtime_run(r->vtime, loop_now(r->control) + ms * 1000, NULL, NULL);
}

void stand_hear(struct stand *r, const struct audio *a)
{
    size_t size = codec_frame_bytes(a->codec), i;

    for (i = 0; i < a->frames; i++) {
        media_channel_input(r->channel, a->data + i * size, size);
        stand_run(r, FRAME_MS);
    }
}

void stand_hear_silence(struct stand *r, int frames)
{
    while (frames-- > 0) {
        media_channel_input(r->channel, NULL, 0);
        stand_run(r, FRAME_MS);
    }
}

struct audio *stand_audio(enum codec c, size_t frames, uint8_t base)
{
    struct audio *a = audio_new(c, frames);
    size_t i;

    for (i = 0; a != NULL && i < frames; i++)
        a->data[i * codec_frame_bytes(c)] = (uint8_t)(base + i + 1);
    return a;
}

double stand_tone(const int16_t *samples, size_t n, int rate, double hz)
{
    double re = 0, im = 0, turn = 2 * 3.14159265358979323846 * hz / rate;
    size_t i;

    for (i = 0; i < n; i++) {
        re += samples[i] * cos(turn * (double)i);
        im += samples[i] * sin(turn * (double)i);
    }
    return n == 0 ? 0 : 2 * sqrt(re * re + im * im) / (double)n / 32767;
}

int16_t *stand_samples(const struct audio *a, size_t *n)
{
    int16_t *samples;

    *n = a->frames * codec_frame_samples(a->codec);
    samples = mem_alloc(*n * sizeof *samples);
    if (samples != NULL)
        codec_decode(a->codec, a->data, *n, samples);
    return samples;
}
