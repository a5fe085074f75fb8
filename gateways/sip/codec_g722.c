/* G.722 at 64 kbit/s by spandsp: one byte is two samples at 16 kHz. */
#include "gateways/sip/codec.h"

#include <spandsp.h>

#define BITRATE 64000
#define SAMPLES 320 /* a frame */

static int start(void **state, bool encode, struct error *err)
{
    *state = encode ? (void *)g722_encode_init(NULL, BITRATE, 0)
                    : (void *)g722_decode_init(NULL, BITRATE, 0);
    return *state == NULL ? error_nomem(err) : 0;
}

static void stop(void *state, bool encode)
{
    if (encode)
        g722_encode_free(state);
    else
        g722_decode_free(state);
}

static size_t decode(void *state, const uint8_t *payload, size_t len, int16_t *samples, size_t max)
{
    if (len * 2 > max)
        return 0;
    return (size_t)g722_decode(state, samples, payload, (int)len);
}

static size_t encode(void *state, const int16_t *samples, uint8_t *out, size_t max)
{
    if (max < SAMPLES / 2)
        return 0;
    return (size_t)g722_encode(state, out, samples, SAMPLES);
}

const struct transcoder_ops codec_g722 = {start, stop, decode, encode};
