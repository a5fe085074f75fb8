/* RTCP (RFC 3550 §6): what a compound packet says about us, how to write ours, the figures of a
 * received stream, and an estimate of how it sounds. Pure. */
#ifndef ALMON_SIP_RTCP_H
#define ALMON_SIP_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTCP_MAX       512 /* bytes of ours */
#define RTCP_CNAME_MAX 64

/* What a report block says of the stream that `ssrc` sends. */
struct rtcp_block {
    uint32_t ssrc;
    uint8_t fraction; /* lost since the last report, of 256 */
    int32_t lost;     /* in all; negative when more came twice than were lost */
    uint32_t highest; /* sequence number, extended */
    uint32_t jitter;  /* in units of the RTP clock */
    uint32_t lsr, dlsr;
};

struct rtcp {
    uint32_t ssrc; /* who reports */
    bool sender;   /* SR: */
    uint64_t ntp;
    uint32_t timestamp, packets, bytes;
    bool has_block;
    struct rtcp_block block;
    bool bye; /* of `ssrc` itself */
};

/* Reads a compound packet and picks the block about `own`, where there is one. False when any part
 * of it lies: a length beyond the end, a report too short for what it counts, another version, no
 * report in front. Unknown packets and SDES are stepped over. */
bool rtcp_parse(struct rtcp *r, const void *bytes, size_t len, uint32_t own);
/* SR or RR, with the block when there is one, SDES with the name, and BYE. The bytes written; 0
 * when the name is too long. */
size_t rtcp_write(uint8_t out[RTCP_MAX], const struct rtcp *r, const char *cname);

/* --- the figures of a received stream (RFC 3550, A.3 and A.8) --- */

struct rtcp_source {
    bool any;
    uint32_t base, highest; /* sequence numbers, extended */
    uint64_t received;
    uint64_t expected_before, received_before; /* at the last report */
    uint64_t lost_before;                      /* of streams that this one took the place of */
    int64_t transit;
    double jitter; /* in units of the RTP clock */
    uint32_t lsr;  /* of the far end's last SR, and when it came */
    int64_t lsr_at_us;
};
void rtcp_source_reset(struct rtcp_source *s);
/* `timed` is false for packets whose timestamp is not that of their sending (digits). */
void rtcp_source_packet(struct rtcp_source *s, uint16_t seq, uint32_t timestamp, bool timed,
                        unsigned clock, int64_t now_us);
uint64_t rtcp_source_lost(const struct rtcp_source *s);
uint64_t rtcp_source_expected(const struct rtcp_source *s);
/* The block of our next report about it; counts anew from here. */
void rtcp_source_report(struct rtcp_source *s, uint32_t ssrc, struct rtcp_block *b, int64_t now_us);

/* Microseconds since 1970 as NTP's 64 bits, and the 32 in their middle. */
uint64_t rtcp_ntp(int64_t unix_us);
/* From a block about us, when its LSR is set: milliseconds; -1 when it makes no sense. */
double rtcp_round_trip_ms(const struct rtcp_block *b, int64_t unix_us);

/* Mean opinion score, 1 to 4.5, by the E-model (ITU-T G.107) cut down to what is known here:
 *   R   = 93.2 - Id - Ie
 *   Id  = 0.024 d + 0.11 (d - 177.3 where above 0), d the delay in ms from mouth to ear: half the
 *         round trip, the jitter buffer, a packet
 *   Ie  = 95 p / (p + 25.1), p the loss in percent: G.711 with concealment, losses at random
 *         (ITU-T G.113, appendix I)
 *   MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6
 * Wideband codecs are judged by the same scale. An estimate: nothing has listened. */
double rtcp_mos(double loss, double delay_ms);

#endif
