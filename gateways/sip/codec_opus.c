/* Opus, mono at 16 kHz, where libopus was there when we were built. */
#include "gateways/sip/codec.h"

#ifdef HAVE_OPUS

#include "base/mem.h"
#include <opus/opus.h>

#define RATE    16000
#define SAMPLES 320
#define BITRATE 24000
#define CLOCK   48000

bool codec_opus_available(void)
{
    return true;
}

uint32_t codec_opus_units(const uint8_t *payload, size_t len)
{
    int n = len == 0 ? 0 : opus_packet_get_nb_samples(payload, (opus_int32)len, CLOCK);

    return n < 0 ? 0 : (uint32_t)n;
}

static int start(void **state, bool encode, struct error *err)
{
    int rc;

    *state = mem_alloc((size_t)(encode ? opus_encoder_get_size(1) : opus_decoder_get_size(1)));
    if (*state == NULL)
        return error_nomem(err);
    rc = encode ? opus_encoder_init(*state, RATE, 1, OPUS_APPLICATION_VOIP)
                : opus_decoder_init(*state, RATE, 1);
    if (rc != OPUS_OK) {
        mem_free(*state);
        return error_set(err, ERR_IO, "opus: %s", opus_strerror(rc));
    }
    if (encode) {
        opus_encoder_ctl(*state, OPUS_SET_BITRATE(BITRATE));
        opus_encoder_ctl(*state, OPUS_SET_COMPLEXITY(3));
    }
    return 0;
}

static void stop(void *state, bool encode)
{
    (void)encode;
    mem_free(state);
}

static size_t decode(void *state, const uint8_t *payload, size_t len, int16_t *samples, size_t max)
{
    int n = opus_decode(state, payload, (opus_int32)len, samples, (int)max, 0);

    return n < 0 ? 0 : (size_t)n;
}

static size_t encode(void *state, const int16_t *samples, uint8_t *out, size_t max)
{
    opus_int32 n = opus_encode(state, samples, SAMPLES, out, (opus_int32)max);

    return n < 0 ? 0 : (size_t)n;
}

#else

bool codec_opus_available(void)
{
    return false;
}

uint32_t codec_opus_units(const uint8_t *payload, size_t len)
{
    (void)payload;
    (void)len;
    return 0;
}

static int start(void **state, bool encode, struct error *err)
{
    (void)state;
    (void)encode;
    return error_set(
        err, ERR_MISSING,
        "opus: this program was built without it; install libopus-dev and build again");
}

static void stop(void *state, bool encode)
{
    (void)state;
    (void)encode;
}

static size_t decode(void *state, const uint8_t *payload, size_t len, int16_t *samples, size_t max)
{
    (void)state;
    (void)payload;
    (void)len;
    (void)samples;
    (void)max;
    return 0;
}

static size_t encode(void *state, const int16_t *samples, uint8_t *out, size_t max)
{
    (void)state;
    (void)samples;
    (void)out;
    (void)max;
    return 0;
}

#endif

const struct transcoder_ops codec_opus = {start, stop, decode, encode};
