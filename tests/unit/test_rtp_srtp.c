/* SRTP against published vectors and hostile packets; the key lines of SDP. */
#include "gateways/sip/sdes.h"
#include "gateways/sip/srtp.h"

#include "rtp_rig.h"
#include "unit.h"
#include <string.h>

/* The key of RFC 3711, appendix B.3. */
static const struct srtp_key key = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80,
                                    .master = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0,
                                               0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39,
                                               0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb,
                                               0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6}};

static size_t make(uint8_t *out, uint16_t seq, uint32_t ssrc)
{
    static const uint8_t head[12] = {0x80, 0x0f, 0, 0, 0xde, 0xca, 0xfb, 0xad};

    memset(out, 0xab, 28);
    memcpy(out, head, sizeof head);
    out[2] = (uint8_t)(seq >> 8);
    out[3] = (uint8_t)seq;
    out[8] = (uint8_t)(ssrc >> 24);
    out[9] = (uint8_t)(ssrc >> 16);
    out[10] = (uint8_t)(ssrc >> 8);
    out[11] = (uint8_t)ssrc;
    return 28;
}

UNIT(a_packet_becomes_the_bytes_that_other_programs_make)
{
    static const uint8_t want[38] = {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe,
                                     0xba, 0xbe, 0x4e, 0x55, 0xdc, 0x4c, 0xe7, 0x99, 0x78, 0xd8,
                                     0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d, 0x24, 0x02, 0xb7, 0x8d,
                                     0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb};
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t p[64], plain[64];
    size_t len;

    ok_rc(srtp_new(&out, &key, &err), &err);
    ok_rc(srtp_new(&in, &key, &err), &err);
    len = make(p, 0x1234, 0xcafebabe);
    memcpy(plain, p, len);
    ok(srtp_protect(out, p, &len, sizeof p));
    ok_int(len, sizeof want);
    ok(memcmp(p, want, len) == 0);
    ok(srtp_unprotect(in, p, &len));
    ok_int(len, 28);
    ok(memcmp(p, plain, len) == 0);
out:
    srtp_free(out);
    srtp_free(in);
}

UNIT(reports_come_back_and_say_their_number)
{
    static const uint8_t want[38] = {0x81, 0xc8, 0x00, 0x0b, 0xca, 0xfe, 0xba, 0xbe, 0x71, 0x28,
                                     0x03, 0x5b, 0xe4, 0x87, 0xb9, 0xbd, 0xbe, 0xf8, 0x90, 0x41,
                                     0xf9, 0x77, 0xa5, 0xa8, 0x80, 0x00, 0x00, 0x01, 0x99, 0x3e,
                                     0x08, 0xcd, 0x54, 0xd6, 0xc1, 0x23, 0x07, 0x98};
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t p[64], again[64];
    size_t len = 24, n;

    ok_rc(srtp_new(&out, &key, &err), &err);
    ok_rc(srtp_new(&in, &key, &err), &err);
    memset(p, 0xab, sizeof p);
    memcpy(p, want, 8);
    ok(srtp_protect_rtcp(out, p, &len, sizeof p));
    ok_int(len, sizeof want);
    ok(memcmp(p, want, 28) == 0);
    memcpy(again, p, len);
    n = len;
    again[20] ^= 1;
    ok(!srtp_unprotect_rtcp(in, again, &n));
    again[20] ^= 1;
    ok(srtp_unprotect_rtcp(in, p, &len));
    ok_int(len, 24);
    ok_int(p[8], 0xab);
    ok(!srtp_unprotect_rtcp(in, again, &n)); /* came before */
out:
    srtp_free(out);
    srtp_free(in);
}

UNIT(forged_and_repeated_packets_change_nothing)
{
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t first[64], second[64], bad[64];
    size_t a, b, n;
    int i;

    ok_rc(srtp_new(&out, &key, &err), &err);
    ok_rc(srtp_new(&in, &key, &err), &err);
    a = make(first, 100, 7);
    ok(srtp_protect(out, first, &a, sizeof first));
    b = make(second, 101, 7);
    ok(srtp_protect(out, second, &b, sizeof second));
    for (i = 0; i < 38; i++) { /* each byte counts */
        memcpy(bad, second, b);
        bad[i] ^= 1;
        n = b;
        ok(!srtp_unprotect(in, bad, &n));
        ok_int(n, b);
    }
    for (n = 0; n < 38; n++) { /* and so does each length */
        size_t cut = n;

        memcpy(bad, second, b);
        ok(!srtp_unprotect(in, bad, &cut));
    }
    memcpy(bad, second, b);
    n = b;
    ok(srtp_unprotect(in, bad, &n));
    memcpy(bad, first, a);
    n = a;
    ok(srtp_unprotect(in, bad, &n)); /* late, but new */
    n = a;
    ok(!srtp_unprotect(in, first, &n));
    n = b;
    ok(!srtp_unprotect(in, second, &n));
out:
    srtp_free(out);
    srtp_free(in);
}

UNIT(the_sequence_turns_over_with_losses_around_it)
{
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t p[64];
    unsigned i;
    size_t n;

    ok_rc(srtp_new(&out, &key, &err), &err);
    ok_rc(srtp_new(&in, &key, &err), &err);
    for (i = 60000; i < 60000 + 3 * 65536; i++) {
        n = make(p, (uint16_t)i, 7);
        ok(srtp_protect(out, p, &n, sizeof p));
        if (i % 65536 < 20 || i % 65536 > 65500 ? i % 3 == 0 : i % 500 == 0) {
            ok(srtp_unprotect(in, p, &n));
            ok_int(p[20], 0xab);
        }
    }
out:
    srtp_free(out);
    srtp_free(in);
}

UNIT(a_protected_call_is_heard_and_no_stranger_gets_in)
{
    struct error err = {0};
    struct srtp_key other = key;
    struct sockaddr_storage from;
    struct rtp_stats s;
    struct rtp_peer p;
    uint8_t forged[192] = {0x80, 0};
    struct rig r;
    int i;

    other.master[3] ^= 1;
    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    for (i = 0; i < 2; i++) {
        p = rig_peer(&r.ends[1 - i], RTP_PCMU);
        p.key_out = i == 0 ? &key : &other;
        p.key_in = i == 0 ? &other : &key;
        p.learn = true;
        ok_rc(rtp_set_peer(r.ends[i].rtp, &p, &err), &err);
        r.ends[i].hz = 440;
    }
    from = rig_address("192.0.2.66", 4000);
    for (i = 0; i < 100; i++) { /* a flood of wrong tags before and while the far end speaks */
        forged[3] = (uint8_t)i;
        rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&from, forged, sizeof forged);
        rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&r.ends[1].address, forged,
                  sizeof forged);
        rig_run(&r, 10);
    }
    ok(rig_tone(&r.ends[0], 440, 800, 0) > 0.99);
    ok(rig_tone(&r.ends[1], 440, 800, 0) > 0.99);
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.bad >= 100);
    rtp_remote(r.ends[0].rtp, &from);
    ok(memcmp(&from, &r.ends[1].address, sizeof(struct sockaddr_in)) == 0);
    rig_run(&r, 6000);
    rtp_stats(r.ends[0].rtp, &s);
    ok(s.remote); /* reports are protected too, and understood */
out:
    rig_stop(&r);
}

UNIT(key_lines_are_read_and_written)
{
    static const char line[] =
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20";
    char text[SDES_TEXT_MAX];
    struct sdes s, again;
    struct error err = {0};

    ok_rc(sdes_parse(&s, line, strlen(line), &err), &err);
    ok_int(s.tag, 1);
    ok_int(s.key.suite, SRTP_AES_CM_128_HMAC_SHA1_80);
    ok_int(s.key.master[0], 0x3d);
    sdes_print(text, &s);
    ok(strncmp(text, line, strlen(text)) == 0);
    ok_rc(sdes_make(&s, 7, SRTP_AES_CM_128_HMAC_SHA1_32, &err), &err);
    sdes_print(text, &s);
    ok_rc(sdes_parse(&again, text, strlen(text), &err), &err);
    ok(again.tag == 7 && again.key.suite == SRTP_AES_CM_128_HMAC_SHA1_32);
    ok(memcmp(again.key.master, s.key.master, SRTP_MASTER) == 0);
out:;
}

UNIT(key_lines_that_we_cannot_speak_are_refused)
{
#define KEY "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
    static const struct {
        const char *line;
        int rc;
    } lines[] = {
        {"", ERR_INVALID},
        {"x AES_CM_128_HMAC_SHA1_80 " KEY, ERR_INVALID},
        {"0 AES_CM_128_HMAC_SHA1_80 " KEY, ERR_INVALID},
        {"1234567890 AES_CM_128_HMAC_SHA1_80 " KEY, ERR_INVALID},
        {"1", ERR_INVALID},
        {"1 F8_128_HMAC_SHA1_80 " KEY, ERR_REFUSED},
        {"1 AES_CM_128_HMAC_SHA1_80", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVe", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxa*BR", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "AAAA", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|2^31|1:4", ERR_REFUSED},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY ";" KEY, ERR_REFUSED},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY " UNENCRYPTED_SRTP", ERR_REFUSED},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY " WSH=64", 0},
    };
    struct error err;
    struct sdes s;
    size_t i;

    for (i = 0; i < sizeof lines / sizeof *lines; i++) {
        error_clear(&err);
        ok_int(sdes_parse(&s, lines[i].line, strlen(lines[i].line), &err), lines[i].rc);
        ok((err.text[0] != 0) == (lines[i].rc != 0));
    }
out:;
}

UNIT_MAIN(CASE(a_packet_becomes_the_bytes_that_other_programs_make),
          CASE(reports_come_back_and_say_their_number),
          CASE(forged_and_repeated_packets_change_nothing),
          NO_TORTURE(the_sequence_turns_over_with_losses_around_it),
          CASE(a_protected_call_is_heard_and_no_stranger_gets_in),
          CASE(key_lines_are_read_and_written), CASE(key_lines_that_we_cannot_speak_are_refused))
