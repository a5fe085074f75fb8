/* DTLS-SRTP (RFC 5763, 5764): two ends agree on SRTP's keys by a handshake on the RTP socket, and
 * know each other by the fingerprints of their certificates in SDP. The handshake is OpenSSL's.
 *
 * Nothing here knows a socket: packets come by dtls_input() and leave by a handler. OpenSSL keeps
 * the time of its retransmissions itself, so dtls_tick() is only a question. */
#ifndef ALMON_SIP_DTLS_H
#define ALMON_SIP_DTLS_H

#include "base/error.h"
#include "gateways/sip/srtp.h"

#define DTLS_PRINT_MAX   64  /* bytes of the longest hash */
#define DTLS_PACKETS_MAX 200 /* that one handshake takes; further ones are dropped */

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

#endif
