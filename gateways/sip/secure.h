/* How the sound of one call is kept secret, and finds its way: what our descriptions say of it, and
 * what is made of theirs. SDES (RFC 4568), DTLS-SRTP (RFC 5763), and both without being sure that
 * the far end speaks them (RFC 8643); ICE (RFC 8839). Knows SDP and RTP; no call, no SIP. */
#ifndef ALMON_SIP_SECURE_H
#define ALMON_SIP_SECURE_H

#include "gateways/sip/sdp.h"

enum secure_policy { SECURE_OFF, SECURE_OPTIONAL, SECURE_REQUIRED };
enum secure_way { SECURE_PLAIN, SECURE_SDES, SECURE_DTLS };

#define SECURE_SUITES 3 /* a=crypto lines of an offer */

struct secure_terms {
    enum secure_policy policy;
    bool dtls;               /* our offers agree by DTLS, not by SDES */
    bool tls;                /* the signalling is encrypted: without, keys in SDP are no secret */
    bool nat;                /* the far end's true address is learnt from its packets */
    bool ice;                /* our offers speak ICE */
    const char *fingerprint; /* of our certificate; NULL: DTLS is not to be had */
    const char *local_ip;    /* a second address for ICE, when SDP's is another; may be NULL */
};

struct secure {
    struct secure_terms terms;
    enum secure_way way;     /* agreed, or of our offer */
    enum secure_way offered; /* of our last offer: sound before the answer may have had less */
    bool agreed;
    char transport[24];
    struct sdes mine;                  /* the key that we send under; tag 0: none yet */
    struct sdes offers[SECURE_SUITES]; /* before their answer says which of them that is */
    size_t n_offers;
    bool active; /* we begin the handshake */
    struct sdp_ice ice;
    char far[SDP_ICE_MAX]; /* their name in ICE; "": none */
};

/* "off", "optional", "required". */
enum secure_policy secure_policy_of(const char *srtp);
/* sdp_parse() of what these terms take. */
int secure_parse(const struct secure *s, struct sdp *remote, const char *text, size_t len,
                 struct error *err);
/* Whether their description keeps to the terms; decides the way. ERR_REFUSED with why (488).
 * `answered`: it is the answer to an offer of ours. Changes `s` only when it is right. */
int secure_take(struct secure *s, const struct sdp *remote, bool answered, struct error *err);
/* What our description says of it: an offer, or with `remote` the answer to that. The pointers in
 * `o` are into `s`. ERR_IO when there is no randomness. */
int secure_describe(struct secure *s, struct rtp *rtp, const struct sdp *remote, struct sdp_ours *o,
                    struct error *err);
/* The keys for RTP, and ICE. The pointers in `peer` are into `s` and `remote`. */
void secure_peer(const struct secure *s, const struct sdp *remote, struct rtp_peer *peer);
/* For the log: "not encrypted", "SRTP by SDES", "SRTP by DTLS". */
const char *secure_way_name(const struct secure *s);

#endif
