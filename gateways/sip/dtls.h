/* DTLS-SRTP (RFC 5763, 5764): two ends agree on SRTP's keys by a handshake on the RTP socket, and
 * know each other by the fingerprints of their certificates in SDP. The handshake is OpenSSL's,
 * DTLS 1.2.
 *
 * Nothing here knows a socket: packets come by dtls_input() and leave by a handler. When to send
 * again is the one thing that OpenSSL takes from its own clock; dtls_tick() asks it. */
#ifndef ALMON_SIP_DTLS_H
#define ALMON_SIP_DTLS_H

#include "base/error.h"
#include "gateways/sip/srtp.h"

#define DTLS_PRINT_MAX   64  /* bytes of the longest hash */
#define DTLS_PACKETS_MAX 100 /* that one handshake takes; with more it has failed */

/* A fingerprint. Its length tells the hash: SHA-1 20, SHA-224 28, SHA-256 32, 384, 512. */
struct dtls_print {
    size_t len; /* 0: none */
    uint8_t bytes[DTLS_PRINT_MAX];
};

/* What stands behind "a=fingerprint:". False: no hash that is known here, or not its length. */
bool dtls_print_parse(struct dtls_print *p, const char *text, size_t len);
/* "sha-256"; NULL for a length that is no hash's. */
const char *dtls_print_hash(const struct dtls_print *p);
bool dtls_print_is_same(const struct dtls_print *a, const struct dtls_print *b);

/* A key and its certificate, made anew: who we are to everybody, for as long as we run. */
struct dtls_identity;
int dtls_identity_new(struct dtls_identity **ip, struct error *err);
/* Accepts NULL; returns NULL. */
struct dtls_identity *dtls_identity_free(struct dtls_identity *i);
/* As "a=fingerprint:" wants it: "sha-256 AB:CD:…". */
const char *dtls_identity_print(const struct dtls_identity *i);

enum dtls_state {
    DTLS_GOING,
    DTLS_DONE,   /* the far end is who SDP said; dtls_keys() */
    DTLS_FAILED, /* dtls_why() */
};

struct dtls;
/* `far` is copied. `active`: we begin, at dtls_start(). `send` is called from within the functions
 * below, with at most DTLS_MTU bytes. The identity must outlive it. */
#define DTLS_MTU 1200
typedef void dtls_send_h(void *arg, const void *bytes, size_t len);
int dtls_new(struct dtls **dp, struct dtls_identity *i, bool active, const struct dtls_print *far,
             dtls_send_h *send, void *arg, struct error *err);
/* Accepts NULL; returns NULL. */
struct dtls *dtls_free(struct dtls *d);
enum dtls_state dtls_start(struct dtls *d);
/* A packet of theirs. Once done, it may bring our last one out again. */
enum dtls_state dtls_input(struct dtls *d, const void *bytes, size_t len);
/* Sends again what was not answered in time: 100 ms, doubling. Fails after 12 times. */
enum dtls_state dtls_tick(struct dtls *d);
/* What each side encrypts with, once done. */
void dtls_keys(const struct dtls *d, struct srtp_key *out, struct srtp_key *in);
const char *dtls_why(const struct dtls *d);

#endif
