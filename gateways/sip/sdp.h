/* The session descriptions of SIP calls (RFC 4566, 3264): what the far end offers is read into a
 * struct, ours is written. One audio stream a call; every other m= line is answered with port 0.
 * Pure functions of their arguments; what is read was written by strangers. */
#ifndef ALMON_SIP_SDP_H
#define ALMON_SIP_SDP_H

#include "base/error.h"
#include "base/str.h"
#include "gateways/sip/dtls.h"
#include "gateways/sip/rtp.h"
#include "gateways/sip/sdes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    SDP_BYTES_MAX = 8192,
    SDP_LINES_MAX = 256,
    SDP_MEDIA_MAX = 8, /* m= lines */
    SDP_PAYLOADS_MAX = 32,
    SDP_ICE_MAX = 257, /* of a name or a password, with its end (RFC 8839: 256) */
};

/* Transports that may be taken, as bits. */
enum { SDP_PLAIN = 1, SDP_SECURE = 2 };

/* Which way sound goes, from the speaker's view. */
enum sdp_way { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

/* Who begins the DTLS handshake (RFC 4145). */
enum sdp_setup { SDP_SETUP_NONE, SDP_ACTPASS, SDP_ACTIVE, SDP_PASSIVE, SDP_HOLDCONN };

struct sdp_codec {
    enum rtp_codec codec;
    int payload;
};

/* One m= line that we do not take, as far as the answer must repeat it. */
struct sdp_other {
    char kind[16], proto[24], format[16];
};

/* Why a description cannot be taken (RFC 3261 §20.43). */
enum sdp_warning {
    SDP_WARN_ADDRESS = 301,
    SDP_WARN_TRANSPORT = 302,
    SDP_WARN_MEDIA = 304,
    SDP_WARN_FORMAT = 305,
    SDP_WARN_OTHER = 399,
};

struct sdp {
    enum sdp_warning warning; /* of one that sdp_parse() refused */

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

    bool secure;             /* the transport is RTP/SAVP or one of its family */
    bool dtls_transport;     /* it is UDP/TLS/… */
    bool has_crypto;         /* a=crypto (RFC 4568): */
    struct sdes crypto;      /* the first one that is spoken here */
    struct dtls_print print; /* a=fingerprint (RFC 8122), the longest hash; len 0: none */
    enum sdp_setup setup;
    bool ice;                    /* a=ice-ufrag and a=ice-pwd, and nothing against using them */
    bool ice_lite, ice_mismatch; /* mismatch: c= and m= are none of the candidates */
    char ice_ufrag[SDP_ICE_MAX];

    size_t n_media; /* m= lines in all */
    size_t audio;   /* which of them is ours */
    struct sdp_other others[SDP_MEDIA_MAX];
};

/* Takes the first audio whose transport is one of `transports`. ERR_INVALID: no SDP, or no audio
 * that we can take (488); ERR_LIMIT: a bound. */
int sdp_parse(struct sdp *s, const char *text, size_t len, unsigned transports, struct error *err);

/* Its address is 0.0.0.0 or ::, the old way to hold a call. */
bool sdp_is_nowhere(const struct sdp *s);

/* What we say of ICE (RFC 8839): we are a lite agent, whose candidates are its addresses. */
struct sdp_ice {
    const char *ufrag, *pwd;
    const char *addresses[2]; /* the second may be NULL */
    bool mismatch;            /* instead of all that: a=ice-mismatch */
};

/* Our own payload numbers, where the codec has none of its own. */
enum {
    SDP_PAYLOAD_OPUS = 111,
    SDP_PAYLOAD_DTMF = 101,
    SDP_PAYLOAD_DTMF_WIDE = 110,
    SDP_PAYLOAD_COMFORT = 13,
};

struct sdp_ours {
    const char *address; /* IPv4 or IPv6 */
    unsigned port;
    uint64_t session;          /* of o=, the same for the whole call */
    unsigned version;          /* one more for each description */
    enum sdp_way way;          /* of an offer; an answer follows the far end's */
    unsigned codecs;           /* of an offer: a bit for each rtp_codec that may be in it */
    const char *transport;     /* of an offer; an answer repeats the far end's; NULL: RTP/AVP */
    bool rtcp_mux;             /* of an offer */
    const struct sdes *crypto; /* a=crypto, so many */
    size_t n_crypto;
    const char *fingerprint; /* "sha-256 AB:…"; NULL: no DTLS */
    enum sdp_setup setup;
    const struct sdp_ice *ice; /* NULL: none */
};

/* An offer of the codecs that are asked for and that we have, our favourite first. */
void sdp_write_offer(struct str *out, const struct sdp_ours *o);
/* The answer to `offer` with its codec number `choice`. */
void sdp_write_answer(struct str *out, const struct sdp_ours *o, const struct sdp *offer,
                      size_t choice);

/* The payload number of a codec in our offers, and of telephone-event beside a codec in theirs. */
int sdp_our_payload(enum rtp_codec c);
int sdp_dtmf_of(const struct sdp *s, enum rtp_codec c);
/* The far end's first codec of these (a bit for each rtp_codec): an index into codecs, or -1. */
int sdp_choose(const struct sdp *s, unsigned codecs);
/* What RTP must know to speak with the far end in its codec number `choice`. `answered`: `s` is the
 * answer to our own offer, so that we are sent our own payload numbers. */
void sdp_peer(const struct sdp *s, size_t choice, bool answered, bool nat, struct rtp_peer *peer);

#endif
