/* What stands between the wire and the bridge where the two are not the same bytes: G.722 and Opus
 * against L16/16000. G.711 passes through. */
#ifndef ALMON_SIP_CODEC_H
#define ALMON_SIP_CODEC_H

#include "gateways/sip/rtp.h"

#define CODEC_PACKET_MS_MAX 120  /* of audio in one packet; more is refused */
#define CODEC_PAYLOAD_MAX   1280 /* bytes of one packet */

/* How much audio a payload holds, in units of the RTP clock; 0: none that we take. */
uint32_t rtp_codec_units(enum rtp_codec c, const uint8_t *payload, size_t len);

/* One direction of one call. *tp stays NULL where nothing needs translating. Later only Opus
 * allocates, when its state grows, a few times in a call. */
struct transcoder;
int transcoder_new(struct transcoder **tp, enum rtp_codec c, bool encode, struct error *err);
/* Accepts NULL; returns NULL. */
struct transcoder *transcoder_free(struct transcoder *t);
/* Samples at 16 kHz, at most `max`; 0 when the payload makes no sense. */
size_t transcoder_decode(struct transcoder *t, const uint8_t *payload, size_t len, int16_t *samples,
                         size_t max);
/* One frame of 20 ms, 320 samples; the bytes written, at most `max`; 0 on failure. */
size_t transcoder_encode(struct transcoder *t, const int16_t *samples, uint8_t *out, size_t max);

/* The two of them, codec_g722.c and codec_opus.c. */
struct transcoder_ops {
    int (*start)(void **state, bool encode, struct error *err);
    void (*stop)(void *state, bool encode);
    size_t (*decode)(void *state, const uint8_t *payload, size_t len, int16_t *samples, size_t max);
    size_t (*encode)(void *state, const int16_t *samples, uint8_t *out, size_t max);
};
extern const struct transcoder_ops codec_g722, codec_opus;
bool codec_opus_available(void);
uint32_t codec_opus_units(const uint8_t *payload, size_t len);

#endif
