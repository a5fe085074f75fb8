/* The session descriptions of SIP calls (RFC 4566, 3264): what the far end offers is read into a
 * struct, ours is written. One audio stream a call; every other m= line is answered with port 0.
 * Pure functions of their arguments; what is read was written by strangers. */
#ifndef ALMON_SIP_SDP_H
#define ALMON_SIP_SDP_H

#include "base/error.h"
#include "base/str.h"
#include "gateways/sip/rtp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    SDP_BYTES_MAX = 8192,
    SDP_LINES_MAX = 256,
    SDP_MEDIA_MAX = 8, /* m= lines */
    SDP_PAYLOADS_MAX = 32,
};

/* Which way sound goes, from the speaker's view. */
enum sdp_way { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

struct sdp_codec {
    enum rtp_codec codec;
    int payload;
};

/* One m= line that we do not take, as far as the answer must repeat it. */
struct sdp_other {
    char kind[16], proto[24], format[16];
};

struct sdp {
    struct sockaddr_storage address; /* of the audio, with its port */
    struct sockaddr_storage rtcp;    /* of a=rtcp; family 0 when not given */
    bool rtcp_mux;
    struct sdp_codec codecs[RTP_CODEC_COUNT]; /* those we know, in the far end's order */
    size_t n_codecs;
    int dtmf;      /* payload of telephone-event at 8000 Hz; -1 */
    int dtmf_wide; /* and at 48000 Hz, beside opus; -1 */
    int comfort;   /* of comfort noise; -1 */
    int ptime;     /* 0 when not given */
    enum sdp_way way;

    size_t n_media; /* m= lines in all */
    size_t audio;   /* which of them is ours */
    struct sdp_other others[SDP_MEDIA_MAX];
};

/* ERR_INVALID: no SDP, or no audio over RTP/AVP that we can take (488); ERR_LIMIT: a bound. */
int sdp_parse(struct sdp *s, const char *text, size_t len, struct error *err);

struct sdp_ours {
    const char *address; /* IPv4 or IPv6 */
    unsigned port;
    uint64_t session; /* of o=, the same for the whole call */
    unsigned version; /* one more for each description */
    enum sdp_way way; /* of an offer; an answer follows the far end's */
    unsigned codecs;  /* of an offer: a bit for each rtp_codec that may be in it */
};

/* An offer of the codecs that are asked for and that we have, our favourite first. */
void sdp_write_offer(struct str *out, const struct sdp_ours *o);
/* The answer to `offer` with its codec number `choice`. */
void sdp_write_answer(struct str *out, const struct sdp_ours *o, const struct sdp *offer,
                      size_t choice);

/* The far end's first codec of these (a bit for each rtp_codec): an index into codecs, or -1. */
int sdp_choose(const struct sdp *s, unsigned codecs);
/* What RTP must know to speak with the far end in its codec number `choice`. `answered`: `s` is the
 * answer to our own offer, so that we are sent our own payload numbers. */
void sdp_peer(const struct sdp *s, size_t choice, bool answered, bool nat, struct rtp_peer *peer);

#endif
