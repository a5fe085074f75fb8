/* SRTP and SRTCP: AES in counter mode with HMAC-SHA1 (RFC 3711, with keys of 256 bits RFC 6188),
 * and AES in Galois/counter mode (RFC 7714); no key derivation rate. Packets that come may carry a
 * master key index, ours have none. The ciphers and the hash are OpenSSL's. One struct serves one
 * direction of one call. */
#ifndef ALMON_SIP_SRTP_H
#define ALMON_SIP_SRTP_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum srtp_suite {
    SRTP_AES_CM_128_HMAC_SHA1_80,
    SRTP_AES_CM_128_HMAC_SHA1_32,
    SRTP_AES_256_CM_HMAC_SHA1_80,
    SRTP_AES_256_CM_HMAC_SHA1_32,
    SRTP_GCM_128, /* OpenSSL has macros by the longer names */
    SRTP_GCM_256,
    SRTP_SUITE_COUNT
};

#define SRTP_MASTER  46  /* the most bytes of master key and salt */
#define SRTP_GROWTH  20  /* the most that protecting adds: SRTCP's index and tag */
#define SRTP_STREAMS 4   /* SSRCs a direction keeps apart */
#define SRTP_MKI_MAX 128 /* bytes (RFC 4568 §6.1) */

struct srtp_key {
    enum srtp_suite suite;
    uint8_t master[SRTP_MASTER]; /* key, salt, and zeros behind them */
    uint8_t mki_bytes;           /* of the index that stands in each packet; 0: none */
    uint64_t mki;
};

/* Bytes of a suite's master key, and of its salt. */
size_t srtp_key_bytes(enum srtp_suite suite);
size_t srtp_salt_bytes(enum srtp_suite suite);
bool srtp_key_is_same(const struct srtp_key *a, const struct srtp_key *b);

struct srtp;

int srtp_new(struct srtp **sp, const struct srtp_key *key, struct error *err);
/* Accepts NULL; returns NULL. The keys are wiped. */
struct srtp *srtp_free(struct srtp *s);

/* In place; *len grows by at most SRTP_GROWTH, which must fit into `max`. False: dropped. */
bool srtp_protect(struct srtp *s, uint8_t *packet, size_t *len, size_t max);
bool srtp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t *len, size_t max);
/* In place; false when the tag or the index of the key is wrong, or the packet came before: then
 * nothing has changed, neither in `s` nor in the packet. */
bool srtp_unprotect(struct srtp *s, uint8_t *packet, size_t *len);
bool srtp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t *len);

#endif
