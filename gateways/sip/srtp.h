/* SRTP and SRTCP (RFC 3711): AES in counter mode with HMAC-SHA1, no MKI, no key derivation rate.
 * The cipher and the hash are OpenSSL's. One struct serves one direction of one call. */
#ifndef ALMON_SIP_SRTP_H
#define ALMON_SIP_SRTP_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum srtp_suite { SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_SUITE_COUNT };

#define SRTP_MASTER  30 /* bytes of master key and salt */
#define SRTP_GROWTH  14 /* the most that protecting adds: SRTCP's index and tag */
#define SRTP_STREAMS 4  /* SSRCs a direction keeps apart */

struct srtp_key {
    enum srtp_suite suite;
    uint8_t master[SRTP_MASTER];
};

struct srtp;

int srtp_new(struct srtp **sp, const struct srtp_key *key, struct error *err);
/* Accepts NULL; returns NULL. The keys are wiped. */
struct srtp *srtp_free(struct srtp *s);

/* In place; *len grows by at most SRTP_GROWTH, which must fit into `max`. False: dropped. */
bool srtp_protect(struct srtp *s, uint8_t *packet, size_t *len, size_t max);
bool srtp_protect_rtcp(struct srtp *s, uint8_t *packet, size_t *len, size_t max);
/* In place; false when the tag is wrong or the packet came before: then nothing has changed,
 * neither in `s` nor in the packet. */
bool srtp_unprotect(struct srtp *s, uint8_t *packet, size_t *len);
bool srtp_unprotect_rtcp(struct srtp *s, uint8_t *packet, size_t *len);

#endif
