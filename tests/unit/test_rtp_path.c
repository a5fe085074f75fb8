/* How the two ends of a call find each other and agree on keys: ICE's checks and DTLS's handshakes
 * on the sockets of RTP, and what others than the far end do not achieve there (threats R3, R4). */
#include "gateways/sip/dtls.h"
#include "gateways/sip/ice.h"
#include "gateways/sip/rtp_packet.h"
#include "rtp_rig.h"
#include "unit.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- DTLS --- */

static bool our_print(struct rig *r, struct dtls_print *p)
{
    const char *text = rtp_fingerprint(r->engine);

    return text != NULL && dtls_print_parse(p, text, strlen(text));
}

/* Both ends expect `print` of each other; end 0 begins. */
static bool agree(struct rig *r, const struct dtls_print *print, bool mux, struct error *err)
{
    for (int i = 0; i < 2; i++) {
        struct rtp_peer p = rig_peer(&r->ends[1 - i], RTP_PCMU);

        p.dtls = print;
        p.dtls_active = i == 0;
        p.rtcp_mux = mux;
        if (rtp_set_peer(r->ends[i].rtp, &p, err) != 0)
            return false;
    }
    return true;
}

static bool is_dtls(const struct rig *r)
{
    return r->packet_len > 0 && r->packet[0] >= 20 && r->packet[0] <= 63;
}

static void agree_and_speak(bool mux, bool *hears)
{
    struct error err = {0};
    struct dtls_print print;
    struct rtp_stats s;
    struct rig r;

    *hears = false;
    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    ok(our_print(&r, &print));
    ok(agree(&r, &print, mux, &err));
    r.ends[0].hz = 440;
    r.ends[1].hz = 660;
    rig_run(&r, 8000);
    ok(rig_tone(&r.ends[0], 660, 500, 100) > 0.9);
    ok(rig_tone(&r.ends[1], 440, 500, 100) > 0.9);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.bad, 0);
    ok(s.remote); /* reports are understood, too */
    rtp_send_digits(r.ends[0].rtp, "5");
    rig_run(&r, 500);
    ok_str(r.ends[1].digits, "5");
    *hears = true;
out:
    rig_stop(&r);
}

UNIT(a_handshake_gives_keys_to_sound_and_reports)
{
    bool hears;

    agree_and_speak(true, &hears);
    ok(hears);
out:;
}

UNIT(without_mux_reports_have_a_handshake_of_their_own)
{
    bool hears;

    agree_and_speak(false, &hears);
    ok(hears);
out:;
}

UNIT(before_there_are_keys_nothing_is_said_or_heard)
{
    struct error err = {0};
    struct dtls_print print;
    struct rtp_peer plain;
    struct rtp_stats s;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    ok(our_print(&r, &print));
    r.cut = true;
    r.ends[0].hz = 440;
    ok(agree(&r, &print, true, &err));
    for (int i = 0; i < 100; i++) {
        r.packet_len = 0;
        rig_run(&r, 20);
        ok(r.packet_len == 0 || is_dtls(&r));
    }
    /* The far end speaks without encryption: */
    r.cut = false;
    plain = rig_peer(&r.ends[0], RTP_PCMU);
    ok_rc(rtp_set_peer(r.ends[1].rtp, &plain, &err), &err);
    r.ends[1].hz = 660;
    rig_run(&r, 1000);
    ok_int(r.ends[0].silent, r.ends[0].frames);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.received, 0);
    rig_run(&r, 20000);
    ok_int(r.ends[0].keyless, 1);
    ok(r.ends[0].why[0] != '\0');
out:
    rig_stop(&r);
}

UNIT(another_certificate_than_that_of_the_sdp_gets_no_keys)
{
    struct error err = {0};
    struct dtls_print print;
    struct rtp_stats s;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    ok(our_print(&r, &print));
    print.bytes[31] ^= 1;
    r.ends[0].hz = 440;
    ok(agree(&r, &print, true, &err));
    rig_run(&r, 21000);
    ok_int(r.ends[1].silent, r.ends[1].frames);
    ok(strstr(r.ends[0].why, "fingerprint") != NULL);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.sent, 0);
    ok(r.packets < 200); /* and it gives up */
out:
    rig_stop(&r);
}

UNIT(a_lost_packet_of_the_handshake_comes_again)
{
    struct error err = {0};
    struct dtls_print print;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    ok(our_print(&r, &print));
    r.cut = true;
    ok(agree(&r, &print, true, &err));
    rig_run(&r, 20);
    r.cut = false;
    r.ends[0].hz = 440;
    /* OpenSSL waits by its own clock, 100 ms at first. */
    for (int i = 0; i < 400 && rig_tone(&r.ends[1], 440, 100, 0) < 0.9; i++) {
        rig_run(&r, 20);
        usleep(5000);
    }
    ok(rig_tone(&r.ends[1], 440, 100, 0) > 0.9);
out:
    rig_stop(&r);
}

UNIT(keys_stay_when_a_call_is_held_and_go_with_the_certificate)
{
    struct error err = {0};
    struct dtls_print print;
    struct rtp_peer p;
    struct rig r;
    unsigned packets;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    ok(our_print(&r, &print));
    ok(agree(&r, &print, true, &err));
    rig_run(&r, 500);
    packets = r.packets;
    ok(agree(&r, &print, true, &err)); /* described again, the same */
    r.packet_len = 0;
    rig_run(&r, 60);
    ok(!is_dtls(&r));
    r.ends[0].hz = 440;
    rig_run(&r, 500);
    ok(r.packets > packets);
    ok(rig_tone(&r.ends[1], 440, 200, 0) > 0.9);
    /* Without fingerprint: the keys are gone, sound is plain. */
    for (int i = 0; i < 2; i++) {
        p = rig_peer(&r.ends[1 - i], RTP_PCMU);
        ok_rc(rtp_set_peer(r.ends[i].rtp, &p, &err), &err);
    }
    rig_run(&r, 500);
    ok_int(r.packet_len, 172);
    ok(rig_tone(&r.ends[1], 440, 200, 0) > 0.9);
out:
    rig_stop(&r);
}

/* --- R4: somebody else begins the handshake --- */

struct thief {
    struct rig *rig;
    struct sockaddr_storage from;
    struct dtls *dtls;
    unsigned sent, answered;
};

static void thief_sends(void *arg, const void *bytes, size_t len)
{
    struct thief *t = arg;

    t->sent += (unsigned)len;
    rtp_input(t->rig->ends[1].rtp, false, (struct sockaddr *)&t->from, bytes, len);
}

UNIT(a_stranger_who_begins_the_handshake_first_gets_nothing)
{
    struct dtls_identity *identity = NULL;
    struct thief t = {.from = rig_address("192.0.2.66", 4000)};
    struct error err = {0};
    struct dtls_print print, own;
    struct rtp_peer p;
    struct rtp_stats s;
    struct rig r;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    t.rig = &r;
    ok_rc(dtls_identity_new(&identity, &err), &err);
    ok(our_print(&r, &print));
    ok(dtls_print_parse(&own, dtls_identity_print(identity),
                        strlen(dtls_identity_print(identity))));
    r.cut = true;
    ok(agree(&r, &print, true, &err));
    ok_rc(dtls_new(&t.dtls, identity, true, &own, thief_sends, &t, &err), &err);
    r.packets = 0;
    dtls_start(t.dtls);
    ok_int(r.packets, 0); /* not even an answer */
    rtp_stats(r.ends[1].rtp, &s);
    ok(s.strangers > 0);
    /* While the address is being learnt he is answered; the true one takes his place. */
    p = rig_peer(&r.ends[0], RTP_PCMU);
    p.dtls = &print;
    p.rtcp_mux = p.learn = true;
    ok_rc(rtp_set_peer(r.ends[1].rtp, &p, &err), &err);
    rig_run(&r, 20);
    t.dtls = dtls_free(t.dtls);
    ok_rc(dtls_new(&t.dtls, identity, true, &own, thief_sends, &t, &err), &err);
    r.packets = 0;
    dtls_start(t.dtls);
    ok(r.packets > 0);
    r.cut = false;
    r.ends[0].hz = 440;
    for (int i = 0; i < 400 && rig_tone(&r.ends[1], 440, 100, 0) < 0.9; i++) {
        rig_run(&r, 20);
        usleep(5000); /* as above: the first hello of the true one was cut off */
    }
    ok(rig_tone(&r.ends[1], 440, 100, 0) > 0.9);
out:
    dtls_free(t.dtls);
    dtls_identity_free(identity);
    rig_stop(&r);
}

/* --- ICE --- */

static unsigned get16(const uint8_t *b)
{
    return (unsigned)b[0] << 8 | b[1];
}

static void put16(uint8_t *b, unsigned v)
{
    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static uint32_t crc(const uint8_t *b, size_t len)
{
    uint32_t c = 0xffffffff;

    for (; len > 0; len--, b++)
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (((c ^ (uint32_t)*b >> bit) & 1) != 0 ? 0xedb88320 : 0);
    return ~c;
}

static size_t attribute(uint8_t *out, size_t at, unsigned type, const void *bytes, size_t len)
{
    put16(out + at, type);
    put16(out + at + 2, (unsigned)len);
    if (len > 0)
        memcpy(out + at + 4, bytes, len);
    return at + 4 + ((len + 3) & ~(size_t)3);
}

enum { NOMINATE = 1, CONTROLLED = 2, UNKNOWN = 4, NO_PROOF = 8, BAD_PRINT = 16 };

/* A check as a full agent makes it. */
static size_t check(uint8_t out[256], const char *name, const char *password, unsigned how)
{
    static const uint8_t head[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t breaker[8] = {9}, priority[4] = {0x6e, 0, 1, 0xff};
    uint8_t proof[20];
    uint32_t print;
    unsigned n;
    size_t at = 20;

    memset(out, 0, 256);
    memcpy(out, head, sizeof head);
    at = attribute(out, at, 0x0006, name, strlen(name));
    at = attribute(out, at, 0x0024, priority, sizeof priority);
    at = attribute(out, at, how & CONTROLLED ? 0x8029 : 0x802a, breaker, sizeof breaker);
    if (how & NOMINATE)
        at = attribute(out, at, 0x0025, "", 0);
    if (how & UNKNOWN)
        at = attribute(out, at, 0x7abc, "", 0);
    put16(out + 2, (unsigned)(at + 24 - 20));
    HMAC(EVP_sha1(), password, (int)strlen(password), out, at, proof, &n);
    if (!(how & NO_PROOF))
        at = attribute(out, at, 0x0008, proof, sizeof proof);
    put16(out + 2, (unsigned)(at + 8 - 20));
    print = crc(out, at) ^ 0x5354554e ^ (how & BAD_PRINT ? 1 : 0);
    put16(out + at, 0x8028);
    put16(out + at + 2, 4);
    put16(out + at + 4, print >> 16);
    put16(out + at + 6, print & 0xffff);
    return at + 8;
}

UNIT(the_request_of_rfc_5769_is_read_and_proved)
{
    static const uint8_t sample[108] = {
        0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
        0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e,
        0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24,
        0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1,
        0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68,
        0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c,
        0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5,
        0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};
    uint8_t copy[sizeof sample];
    struct stun s;

    ok(stun_parse(&s, sample, sizeof sample));
    ok(s.username_len == 9 && memcmp(s.username, "evtj:h6vY", 9) == 0);
    ok(s.controlled && !s.use_candidate);
    ok(stun_is_proved(&s, "VOkJxbRl1RmTxUk/WvJxBt"));
    ok(!stun_is_proved(&s, "VOkJxbRl1RmTxUk/WvJxBu"));
    for (size_t i = 0; i < sizeof sample; i++) { /* no byte of it may change */
        memcpy(copy, sample, sizeof sample);
        copy[i] ^= 0x10;
        ok(!stun_parse(&s, copy, sizeof copy) || !stun_is_proved(&s, "VOkJxbRl1RmTxUk/WvJxBt"));
        ok(!stun_parse(&s, sample, i));
    }
out:;
}

/* End 0 has a far end that speaks ICE, by the name "them". */
static bool start_ice(struct rig *r, char name[64], const char **pwd, struct error *err)
{
    struct rtp_peer p;
    const char *ufrag;

    if (!rig_start(r, RTP_PCMU, NULL, err) || !rtp_ice(r->ends[0].rtp, false, &ufrag, pwd))
        return false;
    r->cut = true;
    p = rig_peer(&r->ends[0], RTP_PCMU);
    p.address = rig_address("0.0.0.0", 0); /* end 1 is nobody here: the tests play the far end */
    if (rtp_set_peer(r->ends[1].rtp, &p, err) != 0)
        return false;
    p = rig_peer(&r->ends[1], RTP_PCMU);
    p.ice_ufrag = "them";
    p.rtcp_mux = p.learn = true;
    snprintf(name, 64, "%s:them", ufrag);
    return rtp_set_peer(r->ends[0].rtp, &p, err) == 0;
}

static bool goes_to(const struct rig *r, const struct sockaddr_storage *a)
{
    struct sockaddr_storage to;

    rtp_remote(r->ends[0].rtp, &to);
    return memcmp(&to, a, sizeof(struct sockaddr_in)) == 0;
}

static void say(struct rig *r, const struct sockaddr_storage *from, uint16_t seq)
{
    uint8_t bytes[172] = {0};
    struct rtp_packet p = {.seq = seq, .timestamp = seq * 160u, .ssrc = 7};

    rtp_write_header(bytes, &p);
    rtp_input(r->ends[0].rtp, false, (const struct sockaddr *)from, bytes, sizeof bytes);
}

UNIT(sound_goes_where_a_proved_check_came_from_and_nowhere_before)
{
    struct sockaddr_storage a = rig_address("198.51.100.9", 31000),
                            b = rig_address("203.0.113.5", 32000);
    struct error err = {0};
    struct rtp_stats s;
    const char *pwd;
    char name[64];
    uint8_t bytes[256];
    struct rig r;
    size_t n;

    ok(start_ice(&r, name, &pwd, &err));
    r.ends[0].hz = 440;
    rig_run(&r, 500);
    ok_int(r.packets, 0);
    for (uint16_t i = 0; i < 10; i++) /* the address of its SDP is nobody, without a check */
        say(&r, &r.ends[1].address, i);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.received, 0);

    n = check(bytes, name, pwd, 0);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&a, bytes, n);
    ok_int(r.packets, 1);
    ok_int(get16(r.packet), 0x0101);
    ok_int(get16(r.packet + 26), 31000 ^ 0x2112);
    ok(r.packet_len <= n); /* no use as an amplifier */
    ok(goes_to(&r, &a));
    rig_run(&r, 100);
    ok_int(r.packet_len, 172);

    n = check(bytes, name, pwd, NOMINATE);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&b, bytes, n);
    ok(goes_to(&r, &b));
    n = check(bytes, name, pwd, 0); /* the other one goes on asking, and stays second */
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&a, bytes, n);
    ok(goes_to(&r, &b));
    say(&r, &b, 100);
    say(&r, &a, 101);
    rtp_stats(r.ends[0].rtp, &s);
    ok_int(s.received, 1);
out:
    rig_stop(&r);
}

UNIT(a_check_that_is_not_proved_is_not_answered)
{
    static const unsigned wrong[] = {NO_PROOF, BAD_PRINT, NO_PROOF | NOMINATE};
    struct sockaddr_storage thief = rig_address("192.0.2.66", 4000);
    struct error err = {0};
    const char *pwd;
    char name[64];
    uint8_t bytes[256];
    struct rig r;
    size_t n;

    ok(start_ice(&r, name, &pwd, &err));
    for (size_t i = 0; i < 3; i++) {
        n = check(bytes, name, pwd, wrong[i]);
        rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&thief, bytes, n);
    }
    n = check(bytes, name, "another password", NOMINATE);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&thief, bytes, n);
    n = check(bytes, "nobody:them", pwd, NOMINATE);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&thief, bytes, n);
    ok_int(r.packets, 0);
    ok(!goes_to(&r, &thief));
    /* A conflict of roles, and what must be understood but is not, are answered, no more. */
    n = check(bytes, name, pwd, CONTROLLED);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&thief, bytes, n);
    ok(get16(r.packet) == 0x0111 && r.packet[26] == 4 && r.packet[27] == 87);
    n = check(bytes, name, pwd, UNKNOWN);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&thief, bytes, n);
    ok(get16(r.packet) == 0x0111 && r.packet[26] == 4 && r.packet[27] == 20);
    ok_int(get16(r.packet + 32), 0x7abc);
    ok(!goes_to(&r, &thief));
out:
    rig_stop(&r);
}

UNIT(a_flood_of_checks_is_bounded)
{
    struct sockaddr_storage thief = rig_address("192.0.2.66", 4000);
    struct error err = {0};
    const char *pwd;
    char name[64];
    uint8_t bytes[256];
    struct rig r;
    size_t n;

    ok(start_ice(&r, name, &pwd, &err));
    n = check(bytes, name, pwd, 0);
    for (int i = 0; i < 10000; i++)
        rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&thief, bytes, n);
    ok(r.packets <= ICE_CHECKS_PER_SECOND);
out:
    rig_stop(&r);
}

UNIT(a_restart_wants_new_names_and_sound_goes_on_meanwhile)
{
    struct sockaddr_storage a = rig_address("198.51.100.9", 31000),
                            b = rig_address("203.0.113.5", 32000);
    struct error err = {0};
    const char *pwd, *ufrag;
    char name[64];
    uint8_t bytes[256];
    struct rtp_peer p;
    struct rig r;
    size_t n;

    ok(start_ice(&r, name, &pwd, &err));
    n = check(bytes, name, pwd, NOMINATE);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&a, bytes, n);
    ok(rtp_ice(r.ends[0].rtp, true, &ufrag, &pwd));
    p = rig_peer(&r.ends[1], RTP_PCMU);
    p.ice_ufrag = "anew";
    p.rtcp_mux = true;
    ok_rc(rtp_set_peer(r.ends[0].rtp, &p, &err), &err);
    ok(goes_to(&r, &a));
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&b, bytes, n); /* of before: too late */
    ok(goes_to(&r, &a));
    snprintf(name, sizeof name, "%s:anew", ufrag);
    n = check(bytes, name, pwd, NOMINATE);
    rtp_input(r.ends[0].rtp, false, (struct sockaddr *)&b, bytes, n);
    ok(goes_to(&r, &b));
out:
    rig_stop(&r);
}

UNIT(with_ice_a_handshake_is_only_with_the_proved_pair)
{
    struct dtls_identity *identity = NULL;
    struct sockaddr_storage pair = rig_address("198.51.100.9", 31000);
    struct thief t = {.from = rig_address("192.0.2.66", 4000)};
    struct error err = {0};
    struct dtls_print print;
    const char *pwd, *ufrag;
    char name[64];
    uint8_t bytes[256];
    struct rtp_peer p;
    struct rig r;
    size_t n;

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    t.rig = &r;
    r.cut = true;
    ok_rc(dtls_identity_new(&identity, &err), &err);
    ok(our_print(&r, &print));
    ok(rtp_ice(r.ends[1].rtp, false, &ufrag, &pwd));
    p = rig_peer(&r.ends[0], RTP_PCMU);
    p.ice_ufrag = "them";
    p.dtls = &print;
    p.rtcp_mux = p.learn = true;
    ok_rc(rtp_set_peer(r.ends[1].rtp, &p, &err), &err);
    ok_rc(dtls_new(&t.dtls, identity, true, &print, thief_sends, &t, &err), &err);
    dtls_start(t.dtls);
    ok_int(r.packets, 0);
    snprintf(name, sizeof name, "%s:them", ufrag);
    n = check(bytes, name, pwd, NOMINATE);
    rtp_input(r.ends[1].rtp, false, (struct sockaddr *)&pair, bytes, n);
    t.from = pair;
    t.dtls = dtls_free(t.dtls);
    ok_rc(dtls_new(&t.dtls, identity, true, &print, thief_sends, &t, &err), &err);
    r.packets = 0;
    dtls_start(t.dtls);
    ok(r.packets > 0 && is_dtls(&r));
out:
    dtls_free(t.dtls);
    dtls_identity_free(identity);
    rig_stop(&r);
}

UNIT_MAIN(CASE(a_handshake_gives_keys_to_sound_and_reports),
          CASE(without_mux_reports_have_a_handshake_of_their_own),
          CASE(before_there_are_keys_nothing_is_said_or_heard),
          CASE(another_certificate_than_that_of_the_sdp_gets_no_keys),
          CASE(a_lost_packet_of_the_handshake_comes_again),
          CASE(keys_stay_when_a_call_is_held_and_go_with_the_certificate),
          CASE(a_stranger_who_begins_the_handshake_first_gets_nothing),
          CASE(the_request_of_rfc_5769_is_read_and_proved),
          CASE(sound_goes_where_a_proved_check_came_from_and_nowhere_before),
          CASE(a_check_that_is_not_proved_is_not_answered), CASE(a_flood_of_checks_is_bounded),
          CASE(a_restart_wants_new_names_and_sound_goes_on_meanwhile),
          CASE(with_ice_a_handshake_is_only_with_the_proved_pair))
