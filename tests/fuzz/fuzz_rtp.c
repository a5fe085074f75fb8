/* One input is a few packets of a hostile far end. Read as what they may be: what is read lies
 * within the packet. Then they all go through a call, some of them by the clock, and the call holds
 * its bounds: one frame every 20 ms, at most 200 ms of delay, no more keys than a person can press.
 */
#include "gateways/sip/rtcp.h"
#include "gateways/sip/rtp.h"
#include "gateways/sip/rtp_packet.h"
#include "gateways/sip/srtp.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned frames, digits;

static void must(bool good)
{
    if (!good)
        abort();
}

static void on_frame(void *arg, const void *bytes, size_t len)
{
    (void)arg;
    must(len == 0 || (bytes != NULL && len <= FRAME_BYTES_MAX));
    frames++;
}

static void on_digit(void *arg, char digit, unsigned ms)
{
    (void)arg;
    must(strchr("0123456789*#ABCD", digit) != NULL && ms >= 40);
    digits++;
}

static void on_send(void *arg, struct rtp *r, bool rtcp, const struct sockaddr *to,
                    const void *bytes, size_t len)
{
    struct rtp_packet p;
    struct rtcp report;

    (void)arg;
    (void)r;
    must(to->sa_family == AF_INET);
    must(!rtcp); /* both share a port */
    must(rtp_is_rtcp(bytes, len) ? rtcp_parse(&report, bytes, len, 0) : rtp_parse(&p, bytes, len));
}

static const struct rtp_handlers handlers = {.frame = on_frame, .digit = on_digit};

static void read_packet(const uint8_t *bytes, size_t len)
{
    struct srtp_key key = {.suite = (enum srtp_suite)(len % SRTP_SUITE_COUNT),
                           .mki_bytes = len % 5 == 0 ? 4 : 0};
    uint8_t copy[256];
    struct rtp_packet p;
    struct rtcp report;
    struct srtp *s;
    size_t n = len;

    if (rtp_parse(&p, bytes, len)) {
        must(p.payload >= bytes + RTP_HEADER && p.payload + p.len <= bytes + len);
        must(p.payload == bytes + p.header);
    }
    if (rtcp_parse(&report, bytes, len, 7))
        must(!report.has_block || report.block.ssrc == 7);
    must(srtp_new(&s, &key, NULL) == 0);
    memcpy(copy, bytes, len);
    must(!srtp_unprotect(s, copy, &n) && n == len && memcmp(copy, bytes, len) == 0);
    must(!srtp_unprotect_rtcp(s, copy, &n) && n == len && memcmp(copy, bytes, len) == 0);
    srtp_free(s);
}

static struct rtp *start(struct rtp_engine *e, enum rtp_codec c)
{
    struct rtp_peer p = {.codec = c, .dtmf = 101, .dtmf_in = 101, .comfort = 13};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&p.address;
    struct rtp *r;

    in->sin_family = AF_INET;
    in->sin_port = htons(4000);
    in->sin_addr.s_addr = htonl(0x0a000001);
    p.send = p.receive = p.rtcp_mux = true;
    must(rtp_new(&r, e, &handlers, NULL, NULL) == 0);
    must(rtp_set_peer(r, &p, NULL) == 0);
    rtp_deliver(r, true);
    return r;
}

/* A packet is: a byte of length, a byte of time to pass before it, and its bytes. The first two
 * bytes of the packet are put right often enough for the rest to be read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum rtp_codec codecs[] = {RTP_PCMU, RTP_PCMA, RTP_G722};
    struct rtp_config config = {.send = on_send};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(4000)};
    struct rtp_engine *e;
    struct vtime *v;
    struct loop *loop = NULL;
    struct rtp *r;
    size_t at = 1;

    if (size == 0)
        return 0;
    frames = digits = 0;
    from.sin_addr.s_addr = htonl(0x0a000001);
    must(vtime_new(&v, NULL) == 0 && loop_new(&loop, v, NULL) == 0);
    must(rtp_engine_new(&e, loop, &config, NULL) == 0);
    r = start(e, codecs[data[0] % 3]);
    while (at + 2 <= size && at < 4096) {
        size_t len = data[at], wait = data[at + 1];

        at += 2;
        if (len > size - at)
            len = size - at;
        read_packet(data + at, len);
        rtp_input(r, wait & 1, (struct sockaddr *)&from, data + at, len);
        vtime_run(v, loop_now(loop) + (int64_t)(wait / 2) * 1000, NULL, NULL);
        at += len;
    }
    must(frames >= loop_now(loop) / 20000 && frames <= loop_now(loop) / 20000 + 1);
    must(digits <= 32 + 16 * (unsigned)(loop_now(loop) / 1000000 + 1));
    rtp_free(r);
    rtp_engine_free(e);
    loop_free(loop);
    vtime_free(v);
    return 0;
}
