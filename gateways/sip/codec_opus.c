/* Opus, mono at 16 kHz, where libopus was there when we were built. */
#include "gateways/sip/codec.h"

#ifdef HAVE_OPUS

#include "base/mem.h"
#include <opus/opus.h>
#include <string.h>

#define RATE    16000
#define SAMPLES 320
#define BITRATE 24000
#define CLOCK   48000

/* libopus' encoder is 44 kB and its decoder 18 kB, four fifths of it zeros that no voice ever
 * touches. So between two frames a call keeps only the blocks that are not zero. For its frame the
 * state stands in a work place that all calls share (one thread has them all); its own
 * documentation says that it may be copied. The work place is all zeros when nobody is in it. */
#define BLOCK   64
#define STATE   (48 * 1024) /* at least as large as either */
#define BLOCKS  (STATE / BLOCK)
#define GROW_BY (2 * 1024)

struct packed {
    size_t all;  /* blocks of the whole state */
    size_t room; /* in `bytes` */
    uint8_t *bytes;
    uint32_t used[BLOCKS / 32]; /* a bit for each block that is there */
};

static _Alignas(BLOCK) uint8_t work[STATE];

static bool is_used(const struct packed *p, size_t block)
{
    return (p->used[block / 32] >> block % 32 & 1) != 0;
}

static void unpack(const struct packed *p)
{
    const uint8_t *from = p->bytes;

    for (size_t i = 0; i < p->all; i++)
        if (is_used(p, i)) {
            memcpy(work + i * BLOCK, from, BLOCK);
            from += BLOCK;
        }
}

static bool is_zero(const uint8_t *block)
{
    uint64_t all = 0, word;

    for (size_t i = 0; i < BLOCK; i += sizeof word) {
        memcpy(&word, block + i, sizeof word);
        all |= word;
    }
    return all == 0;
}

static bool make_room(struct packed *p, size_t blocks)
{
    size_t room = (blocks * BLOCK + GROW_BY - 1) / GROW_BY * GROW_BY;
    uint8_t *bytes;

    if (room <= p->room)
        return true;
    bytes = mem_realloc(p->bytes, room);
    if (bytes == NULL)
        return false;
    p->bytes = bytes;
    p->room = room;
    return true;
}

/* Takes the state out of the work place. False: there is no memory for it, and `p` has still the
 * one of before. */
static bool pack(struct packed *p)
{
    uint32_t used[BLOCKS / 32] = {0};
    size_t n = 0;
    bool fits;

    for (size_t i = 0; i < p->all; i++)
        if (!is_zero(work + i * BLOCK)) {
            used[i / 32] |= 1u << i % 32;
            n++;
        }
    fits = make_room(p, n);
    if (fits)
        memcpy(p->used, used, sizeof used);
    n = 0;
    for (size_t i = 0; i < p->all; i++)
        if ((used[i / 32] >> i % 32 & 1) != 0) {
            if (fits)
                memcpy(p->bytes + n++ * BLOCK, work + i * BLOCK, BLOCK);
            memset(work + i * BLOCK, 0, BLOCK);
        }
    return fits;
}

bool codec_opus_available(void)
{
    return true;
}

uint32_t codec_opus_units(const uint8_t *payload, size_t len)
{
    int n = len == 0 ? 0 : opus_packet_get_nb_samples(payload, (opus_int32)len, CLOCK);

    return n < 0 ? 0 : (uint32_t)n;
}

static void stop(void *state, bool encode)
{
    struct packed *p = state;

    (void)encode;
    mem_free(p->bytes);
    mem_free(p);
}

static int start(void **state, bool encode, struct error *err)
{
    size_t size = (size_t)(encode ? opus_encoder_get_size(1) : opus_decoder_get_size(1));
    struct packed *p;
    int rc;

    if (size > STATE)
        return error_set(err, ERR_LIMIT, "opus: this libopus needs more than %d bytes for a call",
                         STATE);
    p = mem_alloc(sizeof *p);
    if (p == NULL)
        return error_nomem(err);
    p->all = (size + BLOCK - 1) / BLOCK;
    rc = encode ? opus_encoder_init((OpusEncoder *)work, RATE, 1, OPUS_APPLICATION_VOIP)
                : opus_decoder_init((OpusDecoder *)work, RATE, 1);
    if (rc == OPUS_OK && encode) {
        opus_encoder_ctl((OpusEncoder *)work, OPUS_SET_BITRATE(BITRATE));
        opus_encoder_ctl((OpusEncoder *)work, OPUS_SET_COMPLEXITY(3));
    }
    if (!pack(p) || rc != OPUS_OK) {
        stop(p, encode);
        return rc != OPUS_OK ? error_set(err, ERR_IO, "opus: %s", opus_strerror(rc))
                             : error_nomem(err);
    }
    *state = p;
    return 0;
}

static size_t decode(void *state, const uint8_t *payload, size_t len, int16_t *samples, size_t max)
{
    int n;

    unpack(state);
    n = opus_decode((OpusDecoder *)work, payload, (opus_int32)len, samples, (int)max, 0);
    pack(state);
    return n < 0 ? 0 : (size_t)n;
}

static size_t encode(void *state, const int16_t *samples, uint8_t *out, size_t max)
{
    opus_int32 n;

    unpack(state);
    n = opus_encode((OpusEncoder *)work, samples, SAMPLES, out, (opus_int32)max);
    pack(state);
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
