/* Keys as telephone events (RFC 4733), both ways. Pure: packets and time are given. */
#ifndef ALMON_SIP_DTMF_H
#define ALMON_SIP_DTMF_H

#include "gateways/sip/rtp_packet.h"

#define DTMF_QUEUE      64
#define DTMF_MIN_MS     40 /* the shortest that the standards let count */
#define DTMF_RATE       16 /* keys a second that are believed; a person's machine sends 12.5 */
#define DTMF_BURST      32
#define DTMF_REMEMBERED 16

/* --- in: one key for each event, whatever is lost, comes twice or out of order --- */

struct dtmf_in {
    unsigned clock;
    bool any;                       /* an event came before: */
    uint32_t begun;                 /* when the newest began, in units of the RTP clock */
    uint32_t ends;                  /* what is known of its end */
    uint8_t code;                   /* its key */
    uint32_t past[DTMF_REMEMBERED]; /* when the last ones began */
    unsigned past_n, past_at;
    int64_t credit_us, credit_at; /* of DTMF_RATE */
};
enum dtmf_take { DTMF_NOTHING, DTMF_KEY, DTMF_TOO_MANY };
void dtmf_in_reset(struct dtmf_in *d, unsigned clock);
/* One packet of an event: a key in *key and what is known of its length when it is a new one. */
enum dtmf_take dtmf_in_packet(struct dtmf_in *d, const struct rtp_packet *p, int64_t now_us,
                              char *key, unsigned *duration_ms);

/* --- out: 100 ms of an event, its end three times, a gap --- */

struct dtmf_out {
    char queue[DTMF_QUEUE];
    unsigned first, count;
    unsigned step; /* of 20 ms in the key or pause at the front */
};
/* False when there is no room, or when it is no key and no w or W. */
bool dtmf_out_add(struct dtmf_out *d, char key);
bool dtmf_out_busy(const struct dtmf_out *d);
/* One step of 20 ms. True: send *e, with the marker when *begins; all packets of a key bear the
 * timestamp of its first. */
bool dtmf_out_step(struct dtmf_out *d, unsigned clock, struct rtp_event *e, bool *begins);
/* Takes the key or pause at the front away, for who makes tones of it. False when there is none. */
bool dtmf_out_take(struct dtmf_out *d, char *key);

#endif
