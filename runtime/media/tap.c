#include "media/tap.h"

#include "base/mem.h"
#include "base/ring.h"
#include <string.h>

/* A frame below this mean power is silence: -42 dB of full scale. Speech on a telephone line is
 * about -20, a quiet speaker -35, a noisy line's hiss -50. */
#define SILENCE_RMS 260

struct tap {
    struct ring ring;
    enum codec codec;
    enum tap_tracks tracks;
    struct ear *ear;
    uint8_t silence[2 * FRAME_BYTES_MAX];
};

int tap_new_tracks(struct tap **tp, enum codec codec, enum tap_tracks tracks, size_t frames,
                   struct error *err)
{
    struct tap *t = mem_alloc(sizeof *t);
    size_t size = codec_frame_bytes(codec);

    if (t == NULL)
        return error_nomem(err);
    t->codec = codec;
    t->tracks = tracks;
    if (tracks != TAP_HEARD)
        t->ear = mem_alloc(sizeof *t->ear);
    if ((tracks != TAP_HEARD && t->ear == NULL) ||
        ring_init(&t->ring, size * tap_channels(t), frames) != 0) {
        mem_free(t->ear);
        mem_free(t);
        return error_nomem(err);
    }
    codec_silence(codec, t->silence);
    codec_silence(codec, t->silence + size);
    *tp = t;
    return 0;
}

int tap_new(struct tap **tp, enum codec codec, size_t frames, struct error *err)
{
    return tap_new_tracks(tp, codec, TAP_HEARD, frames, err);
}

unsigned tap_channels(const struct tap *t)
{
    return t->tracks == TAP_DUAL ? 2 : 1;
}

struct ear *tap_ear(struct tap *t)
{
    return t->ear;
}

struct tap *tap_free(struct tap *t)
{
    if (t == NULL)
        return NULL;
    ring_free(&t->ring);
    mem_free(t->ear);
    mem_free(t);
    return NULL;
}

/* Two frames as pairs of samples. */
static void interleave(enum codec c, const uint8_t *frames, int16_t *samples)
{
    int16_t side[FRAME_BYTES_MAX / 2];
    size_t size = codec_frame_samples(c), channel, i;

    for (channel = 0; channel < 2; channel++) {
        codec_decode(c, frames + channel * codec_frame_bytes(c), size, side);
        for (i = 0; i < size; i++)
            samples[2 * i + channel] = side[i];
    }
}

size_t tap_take(struct tap *t, int16_t *samples, size_t max)
{
    uint8_t frame[2 * FRAME_BYTES_MAX];
    size_t size = codec_frame_samples(t->codec), n = 0;

    for (; n < max && ring_take(&t->ring, frame); n++) {
        if (t->tracks == TAP_DUAL)
            interleave(t->codec, frame, samples + n * 2 * size);
        else
            codec_decode(t->codec, frame, size, samples + n * size);
    }
    return n;
}

/* Copies one frame (of each channel; NULL: silence) into the ring; false when it is full. */
static bool tap_put(struct tap *t, const void *bytes)
{
    return ring_put(&t->ring, bytes != NULL ? bytes : t->silence);
}

enum codec tap_codec(const struct tap *t)
{
    return t->codec;
}

void hearing_begin(struct hearing *h, struct tap *tap, uint32_t request, int silence_ms, int max_ms)
{
    *h = (struct hearing){.tap = tap, .request = request};
    if (tap->ear != NULL)
        ear_clear(tap->ear);
    h->silence_frames = silence_ms > 0 ? (uint32_t)(silence_ms + FRAME_MS - 1) / FRAME_MS : 0;
    h->max_frames = max_ms > 0 ? (uint32_t)(max_ms + FRAME_MS - 1) / FRAME_MS : 0;
}

bool samples_are_silent(const int16_t *samples, size_t n)
{
    int64_t sum = 0;
    size_t i;

    if (samples == NULL)
        return true;
    for (i = 0; i < n; i++)
        sum += (int32_t)samples[i] * samples[i];
    return sum < (int64_t)n * SILENCE_RMS * SILENCE_RMS;
}

bool hearing_frame(struct hearing *h, const void *bytes, const int16_t *samples, size_t n)
{
    struct tap_result *r = &h->result;
    bool silent, written;

    if (h->pause == TAP_SKIPS)
        return false;
    if (h->pause == TAP_SILENT) {
        bytes = NULL;
        samples = NULL;
    }
    silent = samples_are_silent(samples, n);
    written = tap_put(h->tap, bytes);

    h->received++;
    h->quiet = silent && h->pause == TAP_RUNS ? h->quiet + 1 : 0;
    if (!silent) {
        r->heard = true;
        r->tail_silence = 0;
    }
    if (!written) {
        r->lost++;
    } else {
        r->frames++;
        if (silent && r->heard)
            r->tail_silence++;
        else if (silent)
            r->lead_silence++;
    }
    if (h->silence_frames > 0 && h->quiet >= h->silence_frames) {
        r->why = TAP_SILENCE;
        return true;
    }
    if (h->max_frames > 0 && h->received >= h->max_frames) {
        r->why = TAP_MAX;
        return true;
    }
    return false;
}

bool hearing_tick(struct hearing *h, const void *sent)
{
    struct tap *t = h->tap;
    size_t n = codec_frame_samples(t->codec), size = codec_frame_bytes(t->codec), i;
    int16_t mix[FRAME_BYTES_MAX / 2];
    const int16_t *received = ear_take(t->ear);
    uint8_t bytes[2 * FRAME_BYTES_MAX];

    if (t->tracks == TAP_SENT)
        received = NULL;
    if (sent == NULL && received == NULL)
        return hearing_frame(h, NULL, NULL, n);
    memcpy(bytes, t->silence, 2 * size);
    if (t->tracks == TAP_DUAL && received != NULL)
        codec_encode(t->codec, received, n, bytes);
    if (t->tracks == TAP_DUAL && sent != NULL)
        memcpy(bytes + size, sent, size);
    codec_decode(t->codec, sent != NULL ? sent : t->silence, n, mix);
    for (i = 0; received != NULL && i < n; i++)
        mix[i] = sample_clip(mix[i] + received[i]);
    if (t->tracks != TAP_DUAL)
        codec_encode(t->codec, mix, n, bytes);
    return hearing_frame(h, bytes, mix, n);
}
