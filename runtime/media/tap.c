#include "media/tap.h"

#include "base/mem.h"
#include "base/ring.h"

/* A frame below this mean power is silence: -42 dB of full scale. Speech on a telephone line is
 * about -20, a quiet speaker -35, a noisy line's hiss -50. */
#define SILENCE_RMS 260

struct tap {
    struct ring ring;
    enum codec codec;
    uint8_t silence[FRAME_BYTES_MAX];
};

int tap_new(struct tap **tp, enum codec codec, size_t frames, struct error *err)
{
    struct tap *t = mem_alloc(sizeof *t);

    if (t == NULL)
        return error_nomem(err);
    if (ring_init(&t->ring, codec_frame_bytes(codec), frames) != 0) {
        mem_free(t);
        return error_nomem(err);
    }
    t->codec = codec;
    codec_silence(codec, t->silence);
    *tp = t;
    return 0;
}

struct tap *tap_free(struct tap *t)
{
    if (t == NULL)
        return NULL;
    ring_free(&t->ring);
    mem_free(t);
    return NULL;
}

size_t tap_take(struct tap *t, int16_t *samples, size_t max)
{
    uint8_t frame[FRAME_BYTES_MAX];
    size_t size = codec_frame_samples(t->codec), n = 0;

    while (n < max && ring_take(&t->ring, frame))
        codec_decode(t->codec, frame, size, samples + n++ * size);
    return n;
}

bool tap_put(struct tap *t, const void *bytes)
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
    bool silent = samples_are_silent(samples, n);
    bool written = tap_put(h->tap, bytes);

    h->received++;
    h->quiet = silent ? h->quiet + 1 : 0;
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
