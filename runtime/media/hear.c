/* The media side of hearing: digits, taps, echo. */
#include "media/channel.h"

#include <string.h>

/* --- echo --- */

void hear_echo(struct media_channel *c, struct echo *echo)
{
    if (echo != NULL)
        echo->first = echo->count = 0;
    c->echoing = echo;
}

static uint8_t *echo_frame(struct media_channel *c, unsigned i)
{
    return c->echoing->frames + (c->echoing->first + i) % ECHO_FRAMES * codec_frame_bytes(c->codec);
}

static void echo_put(struct media_channel *c, const void *bytes)
{
    struct echo *e = c->echoing;

    if (c->plays > 0)
        return; /* what is played is what the caller is to hear */
    if (e->count == ECHO_FRAMES) {
        /* A clock faster than ours: one jump now and then, not a delay for ever. */
        e->first = (e->first + ECHO_FRAMES - 1) % ECHO_FRAMES;
        e->count = 1;
    }
    memcpy(echo_frame(c, e->count++), bytes, codec_frame_bytes(c->codec));
    wheel_join(c);
}

bool hear_echo_tick(struct media_channel *c)
{
    struct echo *e = c->echoing;

    if (e == NULL || e->count == 0)
        return false;
    channel_frame(c, echo_frame(c, 0));
    e->first = (e->first + 1) % ECHO_FRAMES;
    e->count--;
    return true;
}

/* --- taps --- */

void hear_tap_end(struct media_channel *c, enum tap_end why)
{
    struct tap_result *r = &c->hearing.result;
    struct crossing_msg m = {.h = channel_on_tapped, .to = c};

    if (c->hearing.tap == NULL)
        return;
    m.num[0] = (uint64_t)r->frames << 32 | (uint64_t)why << 1 | r->heard;
    m.num[1] = (uint64_t)r->lead_silence << 32 | r->tail_silence;
    m.num[2] = r->lost;
    c->hearing.tap = NULL;
    crossing_answer(c->media->crossing, &m);
}

/* --- digits --- */

static void detect(struct media_channel *c, const int16_t *samples)
{
    struct crossing_msg m = {.h = channel_on_digit, .to = c};
    char digits[8];
    size_t n = detector_frame(c->detector, samples, digits, sizeof digits), i;

    for (i = 0; i < n; i++) {
        if (atomic_load_explicit(&c->digits, memory_order_relaxed) >= DIGITS_MAX) {
            media_count(&c->media->digits_dropped);
            return;
        }
        m.num[0] = (uint64_t)digits[i];
        if (crossing_event(c->media->crossing, &m))
            atomic_fetch_add_explicit(&c->digits, 1, memory_order_relaxed);
        else
            media_count(&c->media->digits_dropped);
    }
}

bool media_channel_input(struct media_channel *c, const void *audio, size_t len)
{
    size_t n = codec_frame_samples(c->codec);
    int16_t decoded[FRAME_BYTES_MAX / 2], *samples = NULL;

    if (len != 0 && len != codec_frame_bytes(c->codec))
        return false;
    media_count(&c->media->frames_in);
    if (len == 0)
        audio = NULL;
    if (audio != NULL && (c->detector != NULL || c->hearing.tap != NULL)) {
        codec_decode(c->codec, audio, n, decoded);
        samples = decoded;
    }
    if (c->detector != NULL)
        detect(c, samples);
    if (c->hearing.tap != NULL && hearing_frame(&c->hearing, audio, samples, n))
        hear_tap_end(c, c->hearing.result.why);
    if (c->echoing != NULL && audio != NULL)
        echo_put(c, audio);
    return true;
}
