#include "speech/wav.h"
#include <string.h>

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v & 0xffff);
    put16(p + 2, v >> 16);
}

static int read_format(struct wav *w, const uint8_t *p, size_t size, struct error *err)
{
    if (size < 16)
        return error_set(err, ERR_INVALID, "wav: the format chunk is cut short");
    if (get16(p) != 1 || get16(p + 2) != 1 || get16(p + 14) != 16)
        return error_set(err, ERR_INVALID,
                         "wav: format %u with %u channels of %u bits; only 16-bit linear mono is "
                         "understood here",
                         get16(p), get16(p + 2), get16(p + 14));
    if (get32(p + 4) < 4000 || get32(p + 4) > 192000)
        return error_set(err, ERR_INVALID, "wav: %u samples a second make no sense", get32(p + 4));
    w->rate = (int)get32(p + 4);
    return 0;
}

int wav_parse(struct wav *w, const uint8_t *bytes, size_t len, struct error *err)
{
    size_t at = 12;
    int rc;

    memset(w, 0, sizeof *w);
    if (len < 12 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0)
        return error_set(err, ERR_INVALID, "wav: no RIFF/WAVE header");
    while (len - at >= 8) {
        const uint8_t *chunk = bytes + at;
        size_t size = get32(chunk + 4), left = len - at - 8;

        if (size > left)
            size = left;
        if (memcmp(chunk, "data", 4) == 0) {
            if (w->rate == 0)
                return error_set(err, ERR_INVALID, "wav: no format before the data");
            w->offset = at + 8;
            w->samples = size / 2;
            return 0;
        }
        if (memcmp(chunk, "fmt ", 4) == 0 && (rc = read_format(w, chunk + 8, size, err)) != 0)
            return rc;
        /* Chunks are padded to even lengths. */
        size += (size & 1) && size < left;
        at += 8 + size;
    }
    return error_set(err, ERR_INVALID, "wav: there is no data chunk");
}

void wav_samples(const struct wav *w, const uint8_t *bytes, int16_t *out)
{
    for (size_t i = 0; i < w->samples; i++)
        out[i] = (int16_t)get16(bytes + w->offset + 2 * i);
}

void wav_header(uint8_t *out, int rate, size_t samples)
{
    memcpy(out, "RIFF", 4);
    put32(out + 4, (uint32_t)(36 + 2 * samples));
    memcpy(out + 8, "WAVEfmt ", 8);
    put32(out + 16, 16);
    put16(out + 20, 1);
    put16(out + 22, 1);
    put32(out + 24, (uint32_t)rate);
    put32(out + 28, (uint32_t)rate * 2);
    put16(out + 32, 2);
    put16(out + 34, 16);
    memcpy(out + 36, "data", 4);
    put32(out + 40, (uint32_t)(2 * samples));
}
