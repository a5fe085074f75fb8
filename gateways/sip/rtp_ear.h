/* From packets to one frame every 20 ms: the jitter buffer, the decoder, what is made up for lost
 * packets, comfort noise, and the small corrections that keep the delay where it should be. */
#ifndef ALMON_SIP_RTP_EAR_H
#define ALMON_SIP_RTP_EAR_H

#include "gateways/sip/codec.h"
#include "gateways/sip/jitter.h"
#include "gateways/sip/rtp_conceal.h"

struct rtp_ear {
    enum rtp_codec wire;
    enum codec bridge;
    struct transcoder *decoder; /* NULL: the bytes are the bridge's */
    uint8_t *queue;             /* decoded, not yet heard; room for QUEUE_MS */
    size_t len, frame;          /* bytes */
    uint8_t past[2 * 640];      /* the last two frames that were heard */
    bool has_past;
    struct conceal made_up;
    unsigned made;   /* milliseconds made up in a row */
    unsigned waited; /* of these, waiting for a packet that may still come */
    bool comfort;
    int noise; /* amplitude of the comfort noise; 0: plain silence */
    uint32_t random;
    int off; /* ticks in a row with too much or too little delay */
    uint64_t concealed, late, duplicate;
    struct jitter jitter;
};

int rtp_ear_init(struct rtp_ear *e, enum rtp_codec wire, int max_ms, struct error *err);
void rtp_ear_free(struct rtp_ear *e);
void rtp_ear_put(struct rtp_ear *e, enum jitter_kind kind, uint16_t seq, uint32_t timestamp,
                 const uint8_t *payload, size_t len, int64_t now_us);
/* The next 20 ms into `out` (FRAME_BYTES_MAX): the bytes of a frame, or 0 for silence. */
size_t rtp_ear_tick(struct rtp_ear *e, void *out, int64_t now_us);

#endif
