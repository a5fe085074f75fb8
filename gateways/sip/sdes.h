/* SDP's a=crypto lines (RFC 4568). Pure functions of text. */
#ifndef ALMON_SIP_SDES_H
#define ALMON_SIP_SDES_H

#include "gateways/sip/srtp.h"

#define SDES_TEXT_MAX 160

struct sdes {
    unsigned tag; /* 1 to 999999999: the answer repeats the offer's */
    struct srtp_key key;
};

/* What stands behind "a=crypto:"; of several keys the first. ERR_INVALID when it breaks the rules;
 * ERR_REFUSED when it is right but not spoken here (another suite, a session parameter): then the
 * next line may be. */
int sdes_parse(struct sdes *s, const char *text, size_t len, struct error *err);
/* The same text for our own SDP, without the lifetime. */
void sdes_print(char out[SDES_TEXT_MAX], const struct sdes *s);
/* A key by chance, without an index. ERR_IO when the system has no randomness. */
int sdes_make(struct sdes *s, unsigned tag, enum srtp_suite suite, struct error *err);

#endif
