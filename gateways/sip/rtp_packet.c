#include "gateways/sip/rtp_packet.h"

#include <string.h>

static uint16_t get16(const uint8_t *b)
{
    return (uint16_t)(b[0] << 8 | b[1]);
}

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)get16(b) << 16 | get16(b + 2);
}

static void put16(uint8_t *b, uint16_t v)
{
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static void put32(uint8_t *b, uint32_t v)
{
    put16(b, (uint16_t)(v >> 16));
    put16(b + 2, (uint16_t)v);
}

bool rtp_is_rtcp(const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    return len >= 2 && b[0] >> 6 == 2 && b[1] >= 192 && b[1] <= 223;
}

bool rtp_parse_head(struct rtp_packet *p, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    size_t at;

    if (len < RTP_HEADER || len > RTP_PACKET_MAX || b[0] >> 6 != 2 || rtp_is_rtcp(b, len))
        return false;
    at = RTP_HEADER + (size_t)(b[0] & 15) * 4;
    if (b[0] & 0x10) {
        if (at + 4 > len)
            return false;
        at += 4 + (size_t)get16(b + at + 2) * 4;
    }
    if (at > len)
        return false;
    p->marker = b[1] >> 7;
    p->payload_type = b[1] & 127;
    p->seq = get16(b + 2);
    p->timestamp = get32(b + 4);
    p->ssrc = get32(b + 8);
    p->payload = b + at;
    p->len = len - at;
    p->header = at;
    return true;
}

bool rtp_parse(struct rtp_packet *p, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    if (!rtp_parse_head(p, bytes, len))
        return false;
    if (b[0] & 0x20) {
        size_t padding = b[len - 1];

        if (padding == 0 || padding > p->len)
            return false;
        p->len -= padding;
    }
    return true;
}

void rtp_write_header(uint8_t out[RTP_HEADER], const struct rtp_packet *p)
{
    out[0] = 0x80;
    out[1] = (uint8_t)(p->marker << 7 | p->payload_type);
    put16(out + 2, p->seq);
    put32(out + 4, p->timestamp);
    put32(out + 8, p->ssrc);
}

bool rtp_event_parse(struct rtp_event *e, const uint8_t *bytes, size_t len)
{
    if (len < RTP_EVENT_BYTES)
        return false;
    e->code = bytes[0];
    e->end = bytes[1] >> 7;
    e->volume = bytes[1] & 63;
    e->duration = get16(bytes + 2);
    return true;
}

void rtp_event_write(uint8_t out[RTP_EVENT_BYTES], const struct rtp_event *e)
{
    out[0] = e->code;
    out[1] = (uint8_t)(e->end << 7 | e->volume);
    put16(out + 2, e->duration);
}

static const char keys[] = "0123456789*#ABCD";

char rtp_event_key(uint8_t code)
{
    return code < sizeof keys - 1 ? keys[code] : 0;
}

int rtp_event_code(char key)
{
    const char *k =
        key == 0 ? NULL : strchr(keys, key >= 'a' && key <= 'd' ? key - 'a' + 'A' : key);

    return k == NULL ? -1 : (int)(k - keys);
}
