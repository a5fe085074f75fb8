#include "media/audio.h"

#include "base/mem.h"
#include "media/stream.h"
#include <ctype.h>
#include <math.h>
#include <speex/speex_resampler.h>
#include <string.h>

#define QUALITY    4 /* of speexdsp, 0 to 10 */
#define RATE_MIN   1000
#define RATE_MAX   384000
#define DIGITS_MAX 256
#define DIGIT_PEAK 0.25 /* of each of the two tones: about -12 dB below full scale */

struct audio *audio_ref(struct audio *a)
{
    a->refs++;
    return a;
}

struct audio *audio_unref(struct audio *a)
{
    if (a == NULL || --a->refs > 0)
        return NULL;
    stream_free(a->stream);
    mem_free(a);
    return NULL;
}

struct audio *audio_new(enum codec c, size_t frames)
{
    struct audio *a = mem_alloc(sizeof *a + frames * codec_frame_bytes(c));

    if (a == NULL)
        return NULL;
    a->refs = 1;
    a->codec = c;
    a->frames = frames;
    a->bytes = frames * codec_frame_bytes(c);
    return a;
}

/* --- from samples --- */

/* Samples on their way to another rate; the end is followed by as many zeros as it takes to get the
 * last of them out of the resampler. */
struct source {
    const int16_t *in;
    size_t left;
    SpeexResamplerState *resampler; /* NULL: the rate is right */
};

static void source_read(struct source *s, int16_t *out, size_t n)
{
    static const int16_t zeros[256];

    while (n > 0) {
        spx_uint32_t took = s->left > 0 ? (s->left < 8192 ? (spx_uint32_t)s->left : 8192) : 256;
        spx_uint32_t made = (spx_uint32_t)n;

        if (s->resampler == NULL) {
            made = took = took < n ? took : (spx_uint32_t)n;
            memcpy(out, s->left > 0 ? s->in : zeros, made * sizeof *out);
        } else {
            speex_resampler_process_int(s->resampler, 0, s->left > 0 ? s->in : zeros, &took, out,
                                        &made);
        }
        if (s->left > 0) {
            s->in += took;
            s->left -= took;
        }
        out += made;
        n -= made;
    }
}

int audio_from_samples(struct audio **ap, enum codec c, const int16_t *samples, size_t n, int rate,
                       struct error *err)
{
    struct source source = {.in = samples, .left = n};
    int16_t frame[FRAME_BYTES_MAX / 2];
    size_t size = codec_frame_samples(c), total, i;
    struct audio *a;

    if (rate < RATE_MIN || rate > RATE_MAX)
        return error_set(err, ERR_INVALID,
                         "audio at %d samples a second: it must be %d to %d; convert it first",
                         rate, RATE_MIN, RATE_MAX);
    total = (size_t)(((uint64_t)n * (unsigned)codec_rate(c) + (unsigned)rate - 1) / (unsigned)rate);
    a = audio_new(c, (total + size - 1) / size);
    if (a == NULL)
        return error_nomem(err);
    if (rate != codec_rate(c)) {
        source.resampler =
            speex_resampler_init(1, (spx_uint32_t)rate, (spx_uint32_t)codec_rate(c), QUALITY, NULL);
        if (source.resampler == NULL) {
            audio_unref(a);
            return error_nomem(err);
        }
        speex_resampler_skip_zeros(source.resampler);
    }
    for (i = 0; i < a->frames; i++) {
        source_read(&source, frame, size);
        if (total < size)
            memset(frame + total, 0, (size - total) * sizeof *frame);
        codec_encode(c, frame, size, a->data + i * codec_frame_bytes(c));
        total -= total < size ? total : size;
    }
    if (source.resampler != NULL)
        speex_resampler_destroy(source.resampler);
    *ap = a;
    return 0;
}

/* --- tones --- */

/* Writes `frames` frames of one or two sines (`high` may be 0), beginning with frame `at`. */
static void write_tone(struct audio *a, size_t at, size_t frames, double low, double high,
                       double peak)
{
    const double turn = 2 * 3.14159265358979323846 / codec_rate(a->codec);
    int16_t frame[FRAME_BYTES_MAX / 2];
    size_t size = codec_frame_samples(a->codec), i, j;

    for (i = 0; i < frames; i++) {
        for (j = 0; j < size; j++) {
            double t = turn * (double)(i * size + j);

            frame[j] =
                (int16_t)lrint(32767 * peak * (sin(low * t) + (high > 0 ? sin(high * t) : 0)));
        }
        codec_encode(a->codec, frame, size, a->data + (at + i) * codec_frame_bytes(a->codec));
    }
}

static void write_silence(struct audio *a, size_t at, size_t frames)
{
    size_t i;

    for (i = 0; i < frames; i++)
        codec_silence(a->codec, a->data + (at + i) * codec_frame_bytes(a->codec));
}

int audio_from_tone(struct audio **ap, enum codec c, double hz, int ms, double level,
                    struct error *err)
{
    struct audio *a;

    if (ms < 0 || ms > AUDIO_WHOLE_MS || !(level >= 0 && level <= 1))
        return error_set(err, ERR_INVALID, "a tone of %d ms at level %g: 0 to %d ms, level 0 to 1",
                         ms, level, AUDIO_WHOLE_MS);
    a = audio_new(c, (size_t)(ms + FRAME_MS - 1) / FRAME_MS);
    if (a == NULL)
        return error_nomem(err);
    write_tone(a, 0, a->frames, hz, 0, level);
    *ap = a;
    return 0;
}

static const char keypad[] = "123A456B789C*0#D";

/* Frames that a character of a digits string takes, 0 when it is none. */
static size_t digit_frames(char c)
{
    if (c == 'w')
        return 500 / FRAME_MS;
    if (c == 'W')
        return 1000 / FRAME_MS;
    return c != '\0' && strchr(keypad, toupper((unsigned char)c)) != NULL ? 200 / FRAME_MS : 0;
}

static int measure_digits(const char *digits, size_t *frames, struct error *err)
{
    size_t i, n;

    *frames = 0;
    for (i = 0; digits[i] != '\0'; i++) {
        if (i == DIGITS_MAX)
            return error_set_twilio(err, ERR_LIMIT, 13430, "more than %d digits to play",
                                    DIGITS_MAX);
        n = digit_frames(digits[i]);
        if (n == 0)
            return error_set_twilio(
                err, ERR_INVALID, 13430,
                "digits to play have a wrong character at place %zu: allowed are 0-9 A-D * # w W",
                i + 1);
        *frames += n;
    }
    if (i == 0)
        return error_set_twilio(err, ERR_INVALID, 13430, "there are no digits to play");
    return 0;
}

int audio_from_digits(struct audio **ap, enum codec c, const char *digits, struct error *err)
{
    static const double rows[] = {697, 770, 852, 941}, columns[] = {1209, 1336, 1477, 1633};
    const size_t tone = 100 / FRAME_MS;
    size_t frames, at = 0;
    struct audio *a;
    int rc = measure_digits(digits, &frames, err);

    if (rc != 0)
        return rc;
    a = audio_new(c, frames);
    if (a == NULL)
        return error_nomem(err);
    for (; *digits != '\0'; digits++) {
        const char *key = strchr(keypad, toupper((unsigned char)*digits));
        size_t n = digit_frames(*digits);

        write_silence(a, at, n);
        if (key != NULL)
            write_tone(a, at, tone, rows[(key - keypad) / 4], columns[(key - keypad) % 4],
                       DIGIT_PEAK);
        at += n;
    }
    *ap = a;
    return 0;
}
