#include "gateways/sip/rtcp.h"

#include <string.h>

enum { SR = 200, RR = 201, SDES = 202, BYE = 203 };

#define BLOCK             24
#define SR_BYTES          28 /* before the blocks */
#define RR_BYTES          8
#define NTP_EPOCH         2208988800 /* seconds from 1900 to 1970 */
#define LOST_MAX          0x7fffff
#define ROUND_TRIP_MAX_MS 60000

static uint32_t get32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void put32(uint8_t *b, uint32_t v)
{
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}

/* --- reading --- */

static void read_block(struct rtcp_block *b, const uint8_t *at)
{
    b->ssrc = get32(at);
    b->fraction = at[4];
    b->lost = (int32_t)(get32(at + 4) << 8) / 256;
    b->highest = get32(at + 8);
    b->jitter = get32(at + 12);
    b->lsr = get32(at + 16);
    b->dlsr = get32(at + 20);
}

static bool read_report(struct rtcp *r, const uint8_t *b, size_t len, uint32_t own)
{
    size_t count = b[0] & 31, at = b[1] == SR ? SR_BYTES : RR_BYTES, i;

    if (len < at + count * BLOCK)
        return false;
    r->ssrc = get32(b + 4);
    if (b[1] == SR) {
        r->sender = true;
        r->ntp = (uint64_t)get32(b + 8) << 32 | get32(b + 12);
        r->timestamp = get32(b + 16);
        r->packets = get32(b + 20);
        r->bytes = get32(b + 24);
    }
    for (i = 0; i < count && !r->has_block; i++, at += BLOCK)
        if (get32(b + at) == own) {
            read_block(&r->block, b + at);
            r->has_block = true;
        }
    return true;
}

static bool read_bye(struct rtcp *r, const uint8_t *b, size_t len)
{
    size_t count = b[0] & 31, i;

    if (len < 4 + count * 4)
        return false;
    for (i = 0; i < count; i++)
        if (get32(b + 4 + 4 * i) == r->ssrc)
            r->bye = true;
    return true;
}

bool rtcp_parse(struct rtcp *r, const void *bytes, size_t len, uint32_t own)
{
    const uint8_t *b = bytes;
    size_t at = 0;

    memset(r, 0, sizeof *r);
    if (len < RR_BYTES || (b[1] != SR && b[1] != RR))
        return false;
    while (at < len) {
        size_t n;

        if (len - at < 4 || b[at] >> 6 != 2)
            return false;
        n = 4 * (((size_t)b[at + 2] << 8 | b[at + 3]) + 1);
        if (n > len - at)
            return false;
        if ((b[at + 1] == SR || b[at + 1] == RR) && !read_report(r, b + at, n, own))
            return false;
        if (b[at + 1] == BYE && !read_bye(r, b + at, n))
            return false;
        at += n;
    }
    return true;
}

/* --- writing --- */

static void write_head(uint8_t *b, unsigned count, int type, size_t bytes)
{
    b[0] = (uint8_t)(0x80 | count);
    b[1] = (uint8_t)type;
    b[2] = (uint8_t)((bytes / 4 - 1) >> 8);
    b[3] = (uint8_t)(bytes / 4 - 1);
}

static size_t write_report(uint8_t *out, const struct rtcp *r)
{
    size_t n = r->sender ? SR_BYTES : RR_BYTES;

    put32(out + 4, r->ssrc);
    if (r->sender) {
        put32(out + 8, (uint32_t)(r->ntp >> 32));
        put32(out + 12, (uint32_t)r->ntp);
        put32(out + 16, r->timestamp);
        put32(out + 20, r->packets);
        put32(out + 24, r->bytes);
    }
    if (r->has_block) {
        uint8_t *b = out + n;

        put32(b, r->block.ssrc);
        put32(b + 4, (uint32_t)r->block.lost & 0xffffff);
        b[4] = r->block.fraction;
        put32(b + 8, r->block.highest);
        put32(b + 12, r->block.jitter);
        put32(b + 16, r->block.lsr);
        put32(b + 20, r->block.dlsr);
        n += BLOCK;
    }
    write_head(out, r->has_block, r->sender ? SR : RR, n);
    return n;
}

size_t rtcp_write(uint8_t out[RTCP_MAX], const struct rtcp *r, const char *cname)
{
    size_t n, name = strlen(cname), sdes = (4 + 4 + 2 + name + 1 + 3) / 4 * 4;

    if (name > RTCP_CNAME_MAX)
        return 0;
    memset(out, 0, RTCP_MAX);
    n = write_report(out, r);
    write_head(out + n, 1, SDES, sdes);
    put32(out + n + 4, r->ssrc);
    out[n + 8] = 1; /* CNAME */
    out[n + 9] = (uint8_t)name;
    memcpy(out + n + 10, cname, name);
    n += sdes;
    if (r->bye) {
        write_head(out + n, 1, BYE, 8);
        put32(out + n + 4, r->ssrc);
        n += 8;
    }
    return n;
}

/* --- figures --- */

void rtcp_source_reset(struct rtcp_source *s)
{
    memset(s, 0, sizeof *s);
}

static void measure(struct rtcp_source *s, uint32_t timestamp, unsigned clock, int64_t now_us,
                    bool first)
{
    int64_t now = now_us / 1000000 * clock + now_us % 1000000 * clock / 1000000;
    int32_t transit = (int32_t)((uint32_t)now - timestamp);
    double d = (double)(int32_t)((uint32_t)transit - (uint32_t)s->transit);

    s->transit = transit;
    if (first || d > clock || -d > clock) /* a break in the timestamps is no jitter */
        return;
    s->jitter += ((d < 0 ? -d : d) - s->jitter) / 16;
}

void rtcp_source_packet(struct rtcp_source *s, uint16_t seq, uint32_t timestamp, bool timed,
                        unsigned clock, int64_t now_us)
{
    int16_t step = (int16_t)(uint16_t)(seq - (uint16_t)s->highest);
    bool first = !s->any;

    if (s->any && (step > 3000 || step < -3000)) { /* began anew: the old losses are kept */
        s->lost_before = rtcp_source_lost(s);
        s->any = false;
    }
    if (!s->any) {
        s->any = true;
        s->base = s->highest = seq;
        s->received = s->expected_before = s->received_before = 0;
    } else if (step > 0) {
        s->highest += (uint32_t)step;
    }
    s->received++;
    if (timed)
        measure(s, timestamp, clock, now_us, first);
}

uint64_t rtcp_source_expected(const struct rtcp_source *s)
{
    return s->any ? (uint64_t)(s->highest - s->base) + 1 : 0;
}

uint64_t rtcp_source_lost(const struct rtcp_source *s)
{
    uint64_t expected = rtcp_source_expected(s);

    return s->lost_before + (expected > s->received ? expected - s->received : 0);
}

void rtcp_source_report(struct rtcp_source *s, uint32_t ssrc, struct rtcp_block *b, int64_t now_us)
{
    uint64_t expected = rtcp_source_expected(s);
    int64_t wanted = (int64_t)(expected - s->expected_before);
    int64_t missed = wanted - (int64_t)(s->received - s->received_before);
    int64_t lost = (int64_t)expected - (int64_t)s->received;

    b->ssrc = ssrc;
    b->fraction = wanted <= 0 || missed <= 0 ? 0 : (uint8_t)(missed * 255 / wanted);
    b->lost = (int32_t)(lost > LOST_MAX ? LOST_MAX : lost < -LOST_MAX ? -LOST_MAX : lost);
    b->highest = s->highest;
    b->jitter = (uint32_t)s->jitter;
    b->lsr = s->lsr;
    b->dlsr = s->lsr == 0 ? 0 : (uint32_t)((now_us - s->lsr_at_us) * 65536 / 1000000);
    s->expected_before = expected;
    s->received_before = s->received;
}

uint64_t rtcp_ntp(int64_t unix_us)
{
    uint64_t seconds = (uint64_t)(unix_us / 1000000) + NTP_EPOCH;

    return seconds << 32 | ((uint64_t)(unix_us % 1000000) << 32) / 1000000;
}

double rtcp_round_trip_ms(const struct rtcp_block *b, int64_t unix_us)
{
    uint32_t now = (uint32_t)(rtcp_ntp(unix_us) >> 16);
    double ms;

    if (b->lsr == 0)
        return -1;
    ms = (int32_t)(now - b->lsr - b->dlsr) * 1000.0 / 65536;
    /* NTP's middle bits step by 15 µs: a round trip on one machine may come out below 0. */
    if (ms < 0 && ms > -1)
        return 0;
    return ms < 0 || ms > ROUND_TRIP_MAX_MS ? -1 : ms;
}

double rtcp_mos(double loss, double delay_ms)
{
    double percent = loss * 100, r = 93.2;

    r -= 0.024 * delay_ms;
    if (delay_ms > 177.3)
        r -= 0.11 * (delay_ms - 177.3);
    r -= 95 * percent / (percent + 25.1);
    if (r <= 0)
        return 1;
    if (r > 100)
        r = 100;
    return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}
