/* The codecs of a channel: G.711 in both laws, and linear samples. */
#include "media/audio.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int rate, width; /* samples a second; bytes a sample */
} codecs[CODEC_COUNT] = {
    [CODEC_PCMU] = {"PCMU", 8000, 1},         [CODEC_PCMA] = {"PCMA", 8000, 1},
    [CODEC_L16_8] = {"L16/8000", 8000, 2},    [CODEC_L16_16] = {"L16/16000", 16000, 2},
    [CODEC_L16_24] = {"L16/24000", 24000, 2},
};

/* What each byte means (G.711), scaled to 16 bits. */
static const int16_t ulaw_values[256] = {
    -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884, -20860,
    -19836, -18812, -17788, -16764, -15996, -15484, -14972, -14460, -13948, -13436, -12924, -12412,
    -11900, -11388, -10876, -10364, -9852,  -9340,  -8828,  -8316,  -7932,  -7676,  -7420,  -7164,
    -6908,  -6652,  -6396,  -6140,  -5884,  -5628,  -5372,  -5116,  -4860,  -4604,  -4348,  -4092,
    -3900,  -3772,  -3644,  -3516,  -3388,  -3260,  -3132,  -3004,  -2876,  -2748,  -2620,  -2492,
    -2364,  -2236,  -2108,  -1980,  -1884,  -1820,  -1756,  -1692,  -1628,  -1564,  -1500,  -1436,
    -1372,  -1308,  -1244,  -1180,  -1116,  -1052,  -988,   -924,   -876,   -844,   -812,   -780,
    -748,   -716,   -684,   -652,   -620,   -588,   -556,   -524,   -492,   -460,   -428,   -396,
    -372,   -356,   -340,   -324,   -308,   -292,   -276,   -260,   -244,   -228,   -212,   -196,
    -180,   -164,   -148,   -132,   -120,   -112,   -104,   -96,    -88,    -80,    -72,    -64,
    -56,    -48,    -40,    -32,    -24,    -16,    -8,     0,      32124,  31100,  30076,  29052,
    28028,  27004,  25980,  24956,  23932,  22908,  21884,  20860,  19836,  18812,  17788,  16764,
    15996,  15484,  14972,  14460,  13948,  13436,  12924,  12412,  11900,  11388,  10876,  10364,
    9852,   9340,   8828,   8316,   7932,   7676,   7420,   7164,   6908,   6652,   6396,   6140,
    5884,   5628,   5372,   5116,   4860,   4604,   4348,   4092,   3900,   3772,   3644,   3516,
    3388,   3260,   3132,   3004,   2876,   2748,   2620,   2492,   2364,   2236,   2108,   1980,
    1884,   1820,   1756,   1692,   1628,   1564,   1500,   1436,   1372,   1308,   1244,   1180,
    1116,   1052,   988,    924,    876,    844,    812,    780,    748,    716,    684,    652,
    620,    588,    556,    524,    492,    460,    428,    396,    372,    356,    340,    324,
    308,    292,    276,    260,    244,    228,    212,    196,    180,    164,    148,    132,
    120,    112,    104,    96,     88,     80,     72,     64,     56,     48,     40,     32,
    24,     16,     8,      0,
};

static const int16_t alaw_values[256] = {
    -5504,  -5248,  -6016,  -5760,  -4480,  -4224,  -4992,  -4736,  -7552,  -7296,  -8064,  -7808,
    -6528,  -6272,  -7040,  -6784,  -2752,  -2624,  -3008,  -2880,  -2240,  -2112,  -2496,  -2368,
    -3776,  -3648,  -4032,  -3904,  -3264,  -3136,  -3520,  -3392,  -22016, -20992, -24064, -23040,
    -17920, -16896, -19968, -18944, -30208, -29184, -32256, -31232, -26112, -25088, -28160, -27136,
    -11008, -10496, -12032, -11520, -8960,  -8448,  -9984,  -9472,  -15104, -14592, -16128, -15616,
    -13056, -12544, -14080, -13568, -344,   -328,   -376,   -360,   -280,   -264,   -312,   -296,
    -472,   -456,   -504,   -488,   -408,   -392,   -440,   -424,   -88,    -72,    -120,   -104,
    -24,    -8,     -56,    -40,    -216,   -200,   -248,   -232,   -152,   -136,   -184,   -168,
    -1376,  -1312,  -1504,  -1440,  -1120,  -1056,  -1248,  -1184,  -1888,  -1824,  -2016,  -1952,
    -1632,  -1568,  -1760,  -1696,  -688,   -656,   -752,   -720,   -560,   -528,   -624,   -592,
    -944,   -912,   -1008,  -976,   -816,   -784,   -880,   -848,   5504,   5248,   6016,   5760,
    4480,   4224,   4992,   4736,   7552,   7296,   8064,   7808,   6528,   6272,   7040,   6784,
    2752,   2624,   3008,   2880,   2240,   2112,   2496,   2368,   3776,   3648,   4032,   3904,
    3264,   3136,   3520,   3392,   22016,  20992,  24064,  23040,  17920,  16896,  19968,  18944,
    30208,  29184,  32256,  31232,  26112,  25088,  28160,  27136,  11008,  10496,  12032,  11520,
    8960,   8448,   9984,   9472,   15104,  14592,  16128,  15616,  13056,  12544,  14080,  13568,
    344,    328,    376,    360,    280,    264,    312,    296,    472,    456,    504,    488,
    408,    392,    440,    424,    88,     72,     120,    104,    24,     8,      56,     40,
    216,    200,    248,    232,    152,    136,    184,    168,    1376,   1312,   1504,   1440,
    1120,   1056,   1248,   1184,   1888,   1824,   2016,   1952,   1632,   1568,   1760,   1696,
    688,    656,    752,    720,    560,    528,    624,    592,    944,    912,    1008,   976,
    816,    784,    880,    848,
};

const char *codec_name(enum codec c)
{
    return codecs[c].name;
}

int codec_find(const char *name)
{
    int c;

    for (c = 0; c < CODEC_COUNT; c++)
        if (strcasecmp(codecs[c].name, name) == 0)
            return c;
    return -1;
}

int codec_rate(enum codec c)
{
    return codecs[c].rate;
}

size_t codec_frame_samples(enum codec c)
{
    return (size_t)codecs[c].rate * FRAME_MS / 1000;
}

size_t codec_frame_bytes(enum codec c)
{
    return codec_frame_samples(c) * (size_t)codecs[c].width;
}

/* The number of the highest bit set; `v` is not 0. */
static unsigned top_bit(unsigned v)
{
    return 31 - (unsigned)__builtin_clz(v);
}

static uint8_t ulaw_from(int16_t sample)
{
    unsigned sign = sample < 0 ? 0x80 : 0;
    unsigned v = (unsigned)(sample < 0 ? -(int)sample : sample);
    unsigned segment;

    if (v > 32635)
        v = 32635;
    v += 132; /* the law's bias: now the top bit is bit 7 to 14 */
    segment = top_bit(v) - 7;
    return (uint8_t) ~(sign | segment << 4 | (v >> (segment + 3) & 15));
}

static uint8_t alaw_from(int16_t sample)
{
    unsigned sign = sample < 0 ? 0 : 0x80;
    unsigned v = (unsigned)(sample < 0 ? -(sample + 1) : sample); /* one step below, as the law */
    unsigned segment = v < 256 ? 0 : top_bit(v) - 7;
    unsigned shift = segment == 0 ? 4 : segment + 3;

    return (uint8_t)((sign | segment << 4 | (v >> shift & 15)) ^ 0x55);
}

void codec_decode(enum codec c, const void *bytes, size_t n, int16_t *samples)
{
    const uint8_t *b = bytes;
    const int16_t *values = c == CODEC_PCMU ? ulaw_values : alaw_values;
    size_t i;

    if (c == CODEC_PCMU || c == CODEC_PCMA) {
        for (i = 0; i < n; i++)
            samples[i] = values[b[i]];
        return;
    }
    for (i = 0; i < n; i++)
        samples[i] = (int16_t)(b[2 * i] | b[2 * i + 1] << 8);
}

void codec_encode(enum codec c, const int16_t *samples, size_t n, void *bytes)
{
    uint8_t *b = bytes;
    size_t i;

    switch (c) {
    case CODEC_PCMU:
        for (i = 0; i < n; i++)
            b[i] = ulaw_from(samples[i]);
        break;
    case CODEC_PCMA:
        for (i = 0; i < n; i++)
            b[i] = alaw_from(samples[i]);
        break;
    default:
        for (i = 0; i < n; i++) {
            b[2 * i] = (uint8_t)samples[i];
            b[2 * i + 1] = (uint8_t)((uint16_t)samples[i] >> 8);
        }
    }
}

void codec_silence(enum codec c, void *bytes)
{
    static const int zero[CODEC_COUNT] = {[CODEC_PCMU] = 0xff, [CODEC_PCMA] = 0xd5};

    memset(bytes, zero[c], codec_frame_bytes(c));
}
