#include "gateways/sip/codec.h"

#include "base/mem.h"

static const struct {
    const char *name;
    unsigned clock;
    int payload;
    enum codec bridge;
    const struct transcoder_ops *ops; /* NULL: the bytes are the same */
} codecs[RTP_CODEC_COUNT] = {
    [RTP_PCMU] = {"PCMU", 8000, 0, CODEC_PCMU, NULL},
    [RTP_PCMA] = {"PCMA", 8000, 8, CODEC_PCMA, NULL},
    [RTP_G722] = {"G722", 8000, 9, CODEC_L16_16, &codec_g722},
    [RTP_OPUS] = {"opus", 48000, -1, CODEC_L16_16, &codec_opus},
};

struct transcoder {
    const struct transcoder_ops *ops;
    void *state;
    bool encode;
};

const char *rtp_codec_name(enum rtp_codec c)
{
    return codecs[c].name;
}

unsigned rtp_codec_clock(enum rtp_codec c)
{
    return codecs[c].clock;
}

int rtp_codec_payload(enum rtp_codec c)
{
    return codecs[c].payload;
}

enum codec rtp_codec_bridge(enum rtp_codec c)
{
    return codecs[c].bridge;
}

bool rtp_codec_available(enum rtp_codec c)
{
    return c != RTP_OPUS || codec_opus_available();
}

uint32_t rtp_codec_units(enum rtp_codec c, const uint8_t *payload, size_t len)
{
    uint32_t units = c == RTP_OPUS ? codec_opus_units(payload, len) : (uint32_t)len;

    if (len > CODEC_PAYLOAD_MAX || units > codecs[c].clock / 1000 * CODEC_PACKET_MS_MAX)
        return 0;
    return units;
}

int transcoder_new(struct transcoder **tp, enum rtp_codec c, bool encode, struct error *err)
{
    struct transcoder *t;
    int rc;

    *tp = NULL;
    if (codecs[c].ops == NULL)
        return 0;
    t = mem_alloc(sizeof *t);
    if (t == NULL)
        return error_nomem(err);
    t->ops = codecs[c].ops;
    t->encode = encode;
    rc = t->ops->start(&t->state, encode, err);
    if (rc != 0) {
        mem_free(t);
        return rc;
    }
    *tp = t;
    return 0;
}

struct transcoder *transcoder_free(struct transcoder *t)
{
    if (t != NULL)
        t->ops->stop(t->state, t->encode);
    mem_free(t);
    return NULL;
}

size_t transcoder_decode(struct transcoder *t, const uint8_t *payload, size_t len, int16_t *samples,
                         size_t max)
{
    return t->ops->decode(t->state, payload, len, samples, max);
}

size_t transcoder_encode(struct transcoder *t, const int16_t *samples, uint8_t *out, size_t max)
{
    return t->ops->encode(t->state, samples, out, max);
}
