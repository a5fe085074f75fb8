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

/* RFC 6188 §7.3. */
static const struct srtp_key key_256 = {
    .suite = SRTP_AES_256_CM_HMAC_SHA1_80,
    .master = {0xf0, 0xf0, 0x49, 0x14, 0xb5, 0x13, 0xf2, 0x76, 0x3a, 0x1b, 0x1f, 0xa1,
               0x30, 0xf1, 0x0e, 0x29, 0x98, 0xf6, 0xf6, 0xe4, 0x3e, 0x43, 0x09, 0xd1,
               0xe6, 0x22, 0xa0, 0xe3, 0x32, 0xb9, 0xf1, 0xb6, 0x3b, 0x04, 0x80, 0x3d,
               0xe5, 0x1e, 0xe7, 0xc9, 0x64, 0x23, 0xab, 0x5b, 0x78, 0xd2}};

static const struct srtp_key key_gcm = {
    .suite = SRTP_GCM_128,
    .master = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d,
               0x0e, 0x0f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab}};

UNIT(a_packet_becomes_the_bytes_that_other_programs_make)
{
    static const struct {
        const struct srtp_key *key;
        size_t len;
        uint8_t bytes[44];
    } want[] = {
        {&key, 38, {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe, 0x4e,
                    0x55, 0xdc, 0x4c, 0xe7, 0x99, 0x78, 0xd8, 0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d,
                    0x24, 0x02, 0xb7, 0x8d, 0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb}},
        {&key_256, 38, {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe,
                        0xba, 0xbe, 0xf1, 0xd9, 0xde, 0x17, 0xff, 0x25, 0x1f, 0xf1,
                        0xaa, 0x00, 0x77, 0x74, 0xb0, 0xb4, 0xb4, 0x0d, 0xa0, 0x8d,
                        0x9d, 0x9a, 0x5b, 0x3a, 0x55, 0xd8, 0x87, 0x3b}},
        {&key_gcm, 44, {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba,
                        0xbe, 0xc5, 0x00, 0x2e, 0xde, 0x04, 0xcf, 0xdd, 0x2e, 0xb9, 0x11,
                        0x59, 0xe0, 0x88, 0x0a, 0xa0, 0x6e, 0xd2, 0x97, 0x68, 0x26, 0xf7,
                        0x96, 0xb2, 0x01, 0xdf, 0x31, 0x31, 0xa1, 0x27, 0xe8, 0xa3, 0x92}}};
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t p[64], plain[64];
    size_t len, i;

    for (i = 0; i < sizeof want / sizeof *want; i++) {
        out = srtp_free(out);
        in = srtp_free(in);
        ok_rc(srtp_new(&out, want[i].key, &err), &err);
        ok_rc(srtp_new(&in, want[i].key, &err), &err);
        len = make(p, 0x1234, 0xcafebabe);
        memcpy(plain, p, len);
        ok(srtp_protect(out, p, &len, sizeof p));
        ok_int(len, want[i].len);
        ok(memcmp(p, want[i].bytes, len) == 0);
        ok(srtp_unprotect(in, p, &len));
        ok_int(len, 28);
        ok(memcmp(p, plain, len) == 0);
    }
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
    static const uint8_t gcm[44] = {
        0x81, 0xc8, 0x00, 0x0b, 0xca, 0xfe, 0xba, 0xbe, 0xc9, 0x8b, 0x8b, 0x5d, 0xf0, 0x39, 0x2a,
        0x55, 0x85, 0x2b, 0x6c, 0x21, 0xac, 0x8e, 0x70, 0x25, 0xc5, 0x2c, 0x6f, 0xbe, 0xa2, 0xb3,
        0xb4, 0x46, 0xea, 0x31, 0x12, 0x3b, 0xa8, 0x8c, 0xe6, 0x1e, 0x80, 0x00, 0x00, 0x01};
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t p[64], again[64];
    size_t len, n;
    int i;

    for (i = 0; i < 2; i++) {
        out = srtp_free(out);
        in = srtp_free(in);
        ok_rc(srtp_new(&out, i == 0 ? &key : &key_gcm, &err), &err);
        ok_rc(srtp_new(&in, i == 0 ? &key : &key_gcm, &err), &err);
        len = 24;
        memset(p, 0xab, sizeof p);
        memcpy(p, want, 8);
        ok(srtp_protect_rtcp(out, p, &len, sizeof p));
        ok_int(len, i == 0 ? sizeof want : sizeof gcm);
        ok(memcmp(p, i == 0 ? want : gcm, i == 0 ? 28 : sizeof gcm) == 0);
        memcpy(again, p, len);
        n = len;
        again[20] ^= 1;
        ok(!srtp_unprotect_rtcp(in, again, &n));
        again[20] ^= 1;
        ok(memcmp(again, p, len) == 0);
        ok(srtp_unprotect_rtcp(in, p, &len));
        ok_int(len, 24);
        ok_int(p[8], 0xab);
        ok(!srtp_unprotect_rtcp(in, again, &n)); /* came before */
    }
out:
    srtp_free(out);
    srtp_free(in);
}

/* The index of a key stands behind GCM's tag, before HMAC's, and in reports behind their number. */
static size_t put_index(uint8_t *p, size_t len, size_t behind, const uint8_t mki[4])
{
    memmove(p + len - behind + 4, p + len - behind, behind);
    memcpy(p + len - behind, mki, 4);
    return len + 4;
}

UNIT(each_suite_reads_what_it_wrote_and_takes_the_index_of_a_key)
{
    static const uint8_t right[4] = {0, 0, 1, 2}, wrong[4] = {0, 1, 1, 2};
    static const size_t tags[SRTP_SUITE_COUNT] = {10, 4, 10, 4, 0, 0},
                        report_tags[SRTP_SUITE_COUNT] = {10, 10, 10, 10, 0, 0};
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    struct srtp_key k = key_256, indexed;
    uint8_t p[96], bad[96];
    size_t len, n;
    int suite;

    for (suite = 0; suite < SRTP_SUITE_COUNT; suite++) {
        out = srtp_free(out);
        in = srtp_free(in);
        k.suite = (enum srtp_suite)suite;
        indexed = k;
        indexed.mki = 0x102;
        indexed.mki_bytes = 4;
        ok(srtp_key_is_same(&k, &k) && !srtp_key_is_same(&k, &indexed));
        ok_rc(srtp_new(&out, &k, &err), &err);
        ok_rc(srtp_new(&in, &indexed, &err), &err);
        len = make(p, 100, 7);
        ok(srtp_protect(out, p, &len, sizeof p));
        ok(p[20] != 0xab);
        n = len;
        ok(!srtp_unprotect(in, p, &n)); /* the index is missing */
        memcpy(bad, p, len);
        n = put_index(bad, len, tags[suite], wrong);
        ok(!srtp_unprotect(in, bad, &n));
        n = put_index(p, len, tags[suite], right);
        ok(srtp_unprotect(in, p, &n));
        ok_int(n, 28);
        ok_int(p[27], 0xab);
        len = make(p, 0xc8, 7);
        ok(srtp_protect_rtcp(out, p, &len, sizeof p));
        n = put_index(p, len, report_tags[suite], right);
        ok(srtp_unprotect_rtcp(in, p, &n));
        ok_int(n, 28);
        ok_int(p[27], 0xab);
    }
    indexed.mki_bytes = SRTP_MKI_MAX + 1;
    in = srtp_free(in);
    ok(srtp_new(&in, &indexed, &err) < 0);
out:
    srtp_free(out);
    srtp_free(in);
}

static void check_forged(const struct srtp_key *k)
{
    struct srtp *out = NULL, *in = NULL;
    struct error err = {0};
    uint8_t first[64], second[64], bad[64], was[64];
    size_t a, b, n, i;

    ok_rc(srtp_new(&out, k, &err), &err);
    ok_rc(srtp_new(&in, k, &err), &err);
    a = make(first, 100, 7);
    ok(srtp_protect(out, first, &a, sizeof first));
    b = make(second, 101, 7);
    ok(srtp_protect(out, second, &b, sizeof second));
    for (i = 0; i < b; i++) { /* each byte counts */
        memcpy(bad, second, b);
        bad[i] ^= 1;
        memcpy(was, bad, b);
        n = b;
        ok(!srtp_unprotect(in, bad, &n));
        ok_int(n, b);
        ok(memcmp(bad, was, b) == 0);
    }
    for (n = 0; n < b; n++) { /* and so does each length */
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

UNIT(forged_and_repeated_packets_change_nothing)
{
    check_forged(&key);
    check_forged(&key_gcm);
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

/* Of the last 50 seconds those in which the tone is heard, each by itself: where the jitter buffer
 * leaves a frame out or puts one in, the tone goes on at another phase. */
static int seconds_heard(const struct rig_end *e)
{
    int n = 0;

    for (int i = 0; i < 50; i++)
        n += rig_tone(e, 440, 1000, i * 1000) > 0.9;
    return n;
}

/* Longer than all 65,536 numbers last, through a network that loses and reorders at each turn. */
UNIT(a_call_outlives_its_sequence_numbers)
{
    struct rig_network network = {.seed = 5, .loss = 2, .delay_ms = 20, .jitter_ms = 30};
    struct error err = {0};
    struct srtp_key other = key;
    struct rig r;

    other.master[3] ^= 1;
    ok(rig_start(&r, RTP_PCMU, &network, &err));
    for (int i = 0; i < 2; i++) {
        struct rtp_peer p = rig_peer(&r.ends[1 - i], RTP_PCMU);

        p.key_out = i == 0 ? &key : &other;
        p.key_in = i == 0 ? &other : &key;
        ok_rc(rtp_set_peer(r.ends[i].rtp, &p, &err), &err);
        r.ends[i].hz = 440;
    }
    for (int minute = 0; minute < 23; minute++) {
        rig_run(&r, 60000);
        for (int i = 0; i < 2; i++)
            ok(seconds_heard(&r.ends[i]) >= 48);
    }
    for (int i = 0; i < 2; i++) {
        struct rtp_stats s;

        rtp_stats(r.ends[i].rtp, &s);
        ok(s.sent > 65536 && s.bad == 0);
        ok(s.loss > 0.01 && s.loss < 0.03 && s.remote_loss < 0.1);
        ok(s.mos > 3);
        ok_int(r.ends[i].timeouts, 0);
    }
out:
    rig_stop(&r);
}

#define BARE "1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0OD6ChoqOkpaanqKmqqw"

UNIT(key_lines_are_read_and_written)
{
    static const char line[] =
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20";
    char text[SDES_TEXT_MAX];
    struct sdes s, again;
    struct error err = {0};
    int suite;

    ok_rc(sdes_parse(&s, line, strlen(line), &err), &err);
    ok_int(s.tag, 1);
    ok_int(s.key.suite, SRTP_AES_CM_128_HMAC_SHA1_80);
    ok_int(s.key.master[0], 0x3d);
    sdes_print(text, &s);
    ok(strncmp(text, line, strlen(text)) == 0);
    for (suite = 0; suite < SRTP_SUITE_COUNT; suite++) {
        ok_rc(sdes_make(&s, 7, (enum srtp_suite)suite, &err), &err);
        s.key.mki = suite == 2 ? UINT64_MAX : 4;
        s.key.mki_bytes = suite % 2 == 0 ? 128 : 0;
        if (suite % 2 != 0)
            s.key.mki = 0;
        sdes_print(text, &s);
        ok_rc(sdes_parse(&again, text, strlen(text), &err), &err);
        ok(again.tag == 7 && srtp_key_is_same(&again.key, &s.key));
    }
    /* The end of the base64 is left out by some. */
    ok_rc(sdes_parse(&s, BARE, strlen(BARE), &err), &err);
    ok_rc(sdes_parse(&again, BARE "==|2^31|1:4", strlen(BARE "==|2^31|1:4"), &err), &err);
    ok(memcmp(s.key.master, again.key.master, SRTP_MASTER) == 0);
    ok(again.key.mki == 1 && again.key.mki_bytes == 4 && s.key.mki_bytes == 0);
    snprintf(text, sizeof text, "%s",
             BARE "==|2^31|1:4;inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|2:4");
    ok_rc(sdes_parse(&s, text, strlen(text), &err), &err); /* the first of several */
    ok(srtp_key_is_same(&s.key, &again.key));
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
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|2^31|1:4", 0},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:128", 0},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:129", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|256:1", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|99999999999999999999:128", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:0", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|:1", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:4|2^31", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|2^31|2^31", ERR_INVALID},
        {"1 AES_256_CM_HMAC_SHA1_80 " KEY, ERR_INVALID},
        {"1 AEAD_AES_256_GCM " KEY, ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|2^31|1:4;" KEY "|2:4", 0},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:4;" KEY "|2:4;" KEY "|3:4 WSH=64", 0},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY ";" KEY, ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:4;" KEY "|2:2", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:4;" KEY, ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:4;", ERR_INVALID},
        {"1 AES_CM_128_HMAC_SHA1_80 " KEY "|1:4;inline:PS1u|2:4", ERR_INVALID},
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
          CASE(each_suite_reads_what_it_wrote_and_takes_the_index_of_a_key),
          CASE(forged_and_repeated_packets_change_nothing),
          NO_TORTURE(the_sequence_turns_over_with_losses_around_it),
          CASE(a_protected_call_is_heard_and_no_stranger_gets_in),
          NO_TORTURE(a_call_outlives_its_sequence_numbers), CASE(key_lines_are_read_and_written),
          CASE(key_lines_that_we_cannot_speak_are_refused))
