/* RTP packets (RFC 3550 §5.1) and the payloads of digits (RFC 4733) and comfort noise (RFC 3389).
 * Pure functions of bytes. */
#ifndef ALMON_SIP_RTP_PACKET_H
#define ALMON_SIP_RTP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_HEADER     12
#define RTP_PACKET_MAX 1500 /* longer ones are refused */

struct rtp_packet {
    uint16_t seq;
    uint32_t timestamp, ssrc;
    uint8_t payload_type;
    bool marker;
    const uint8_t *payload; /* behind contributors and extension, padding taken off */
    size_t len;             /* may be 0 */
    size_t header;          /* bytes before the payload */
};

/* False when this is no RTP packet: too short, another version, contributors, extension or padding
 * that reach beyond the end, or RTCP on the same port (RFC 5761 §4). */
bool rtp_parse(struct rtp_packet *p, const void *bytes, size_t len);
/* The same but for the padding, which is left in the payload: it may be enciphered still. */
bool rtp_parse_head(struct rtp_packet *p, const void *bytes, size_t len);
/* Whether a packet that came to a shared port is RTCP. */
bool rtp_is_rtcp(const void *bytes, size_t len);
/* Writes the 12 bytes before a payload. */
void rtp_write_header(uint8_t out[RTP_HEADER], const struct rtp_packet *p);

/* One packet of a telephone event. */
#define RTP_EVENT_BYTES 4
struct rtp_event {
    uint8_t code; /* 0-9, 10 *, 11 #, 12-15 A-D, 16 flash, others */
    bool end;
    uint8_t volume;
    uint16_t duration; /* in units of the RTP clock */
};
bool rtp_event_parse(struct rtp_event *e, const uint8_t *bytes, size_t len);
void rtp_event_write(uint8_t out[RTP_EVENT_BYTES], const struct rtp_event *e);
/* '5' for 5, '*' for 10; 0 when it is no key. And back: -1. */
char rtp_event_key(uint8_t code);
int rtp_event_code(char key);

#endif
