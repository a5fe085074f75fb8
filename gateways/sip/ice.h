/* ICE (RFC 8445) as a lite agent: reachable at the addresses that it says, it makes no checks of
 * its own but answers those of the far end, who nominates the pair that sound takes. Lite is for
 * whoever is not behind NAT himself, or has a fixed address there: what a gateway is.
 *
 * Knows no socket: checks come by ice_input(), which says what to answer and what follows. */
#ifndef ALMON_SIP_ICE_H
#define ALMON_SIP_ICE_H

#include "gateways/sip/stun.h"
#include <sys/socket.h>

enum {
    ICE_UFRAG = 8,
    ICE_PWD = 24,
    ICE_NAME_MAX = 257,
    ICE_CHECKS_PER_SECOND = 100, /* that are looked at, with a burst of as many */
};

struct ice {
    char ufrag[ICE_UFRAG + 1], pwd[ICE_PWD + 1]; /* ours */
    char far[ICE_NAME_MAX];                      /* theirs; "": not known yet */
    struct {
        bool valid, nominated;
        struct sockaddr_storage to; /* where its checks come from */
    } pairs[2];                     /* of RTP, of RTCP */
    int64_t credit_us, at_us;
};

enum ice_result {
    ICE_DROP,  /* nothing to answer: garbage, a stranger, or too many */
    ICE_REPLY, /* an answer, and nothing new */
    ICE_MOVED, /* an answer, and the pair has another address than before */
};

/* Names and passwords anew, by chance: at the beginning, and when the far end restarts. Pairs stay
 * until there are new ones. False when the system has no randomness. */
bool ice_init(struct ice *i);
/* `component`: 0 RTP, 1 RTCP. `now` in µs. */
enum ice_result ice_input(struct ice *i, unsigned component, const struct sockaddr_storage *from,
                          const uint8_t *bytes, size_t len, int64_t now,
                          uint8_t reply[STUN_OUT_MAX], size_t *reply_len);

#endif
