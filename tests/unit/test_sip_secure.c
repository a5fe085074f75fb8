/* What our session descriptions say of encryption, and what becomes of theirs: a=crypto, DTLS
 * fingerprints, and the policies off, optional and required. */
#include "gateways/sip/ice.h"
#include "gateways/sip/near.h"
#include "gateways/sip/secure.h"
#include "rtp_rig.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

#define HEAD   "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define KEY    "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define CRYPTO "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY "|2^20\r\n"
#define PRINT                                                                                      \
    "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:"  \
    "77:88:99:aa:bb:cc:dd:ee:ff\r\n"
#define AVP  "m=audio 4000 RTP/AVP 0\r\n"
#define SAVP "m=audio 4000 RTP/SAVP 0\r\n"
#define DTLS "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n"

static int take(struct secure *s, const char *text, struct sdp *remote, struct error *err)
{
    int rc = secure_parse(s, remote, text, strlen(text), err);

    return rc == 0 ? secure_take(s, remote, false, err) : rc;
}

/* Our description, an offer or the answer to `remote`. */
static bool describe_with(struct secure *s, struct rtp *rtp, const struct sdp *remote,
                          struct str *out)
{
    struct sdp_ours o = {
        .address = "192.0.2.2", .port = 5000, .session = 1, .version = 1, .codecs = 1 << RTP_PCMU};
    struct error err = {0};

    str_reset(out);
    if (secure_describe(s, rtp, remote, &o, &err) != 0)
        return false;
    if (remote == NULL)
        sdp_write_offer(out, &o);
    else
        sdp_write_answer(out, &o, remote, 0);
    return !out->failed;
}

static bool describe(struct secure *s, const struct sdp *remote, struct str *out)
{
    return describe_with(s, NULL, remote, out);
}

static bool has(const struct str *out, const char *text)
{
    return strstr(str_text(out), text) != NULL;
}

UNIT(each_policy_takes_what_it_should_and_says_why_not)
{
    static const struct {
        const char *what;
        enum secure_policy policy;
        int way; /* -1: refused */
    } cases[] = {
        {HEAD AVP, SECURE_OFF, SECURE_PLAIN},
        {HEAD AVP CRYPTO, SECURE_OFF, SECURE_PLAIN},
        {HEAD SAVP CRYPTO, SECURE_OFF, -1},
        {HEAD AVP, SECURE_OPTIONAL, SECURE_PLAIN},
        {HEAD AVP CRYPTO, SECURE_OPTIONAL, SECURE_SDES},
        {HEAD SAVP CRYPTO, SECURE_OPTIONAL, SECURE_SDES},
        {HEAD SAVP, SECURE_OPTIONAL, -1},
        {HEAD SAVP "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY "\r\n" CRYPTO, SECURE_OPTIONAL,
         SECURE_SDES},
        {HEAD SAVP "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY "\r\n", SECURE_OPTIONAL, -1},
        {HEAD SAVP "a=crypto:1 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0OD6ChoqOkpaanqKmqqw==|"
                   "2^48|1:4\r\n",
         SECURE_OPTIONAL, SECURE_SDES},
        {HEAD AVP PRINT "a=setup:actpass\r\n", SECURE_OPTIONAL, SECURE_DTLS},
        {HEAD DTLS PRINT "a=setup:actpass\r\n", SECURE_OPTIONAL, SECURE_DTLS},
        {HEAD PRINT "a=setup:actpass\r\n" DTLS, SECURE_OPTIONAL, SECURE_DTLS},
        {HEAD DTLS CRYPTO, SECURE_OPTIONAL, -1},
        {HEAD DTLS "a=fingerprint:sha-256 00:11\r\n", SECURE_OPTIONAL, -1},
        {HEAD AVP, SECURE_REQUIRED, -1},
        {HEAD AVP CRYPTO, SECURE_REQUIRED, SECURE_SDES},
        {HEAD SAVP CRYPTO, SECURE_REQUIRED, SECURE_SDES},
        /* Who speaks both has a line for each. */
        {HEAD AVP SAVP CRYPTO, SECURE_REQUIRED, SECURE_SDES},
        {HEAD AVP SAVP CRYPTO, SECURE_OPTIONAL, SECURE_PLAIN},
        {HEAD SAVP CRYPTO AVP, SECURE_OFF, SECURE_PLAIN},
    };
    struct sdp remote;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct secure s = {.terms = {.policy = cases[i].policy, .fingerprint = "sha-256 AB"}};
        struct error err = {0};
        int rc = take(&s, cases[i].what, &remote, &err);

        ok_int(rc == 0 ? (int)s.way : -1, cases[i].way);
        ok(rc == 0 || strlen(err.text) > 20);
    }
out:;
}

UNIT(an_answer_repeats_the_tag_and_each_side_has_its_key)
{
    struct secure s = {.terms = {.policy = SECURE_OPTIONAL}};
    struct str out = STR_INIT(4096);
    struct error err = {0};
    struct sdp remote;
    struct rtp_peer peer = {0};
    uint8_t mine[SRTP_MASTER];
    char line[SDES_TEXT_MAX + 16], text[SDES_TEXT_MAX];

    ok_rc(take(&s, HEAD SAVP CRYPTO, &remote, &err), &err);
    ok(describe(&s, &remote, &out));
    ok(has(&out, "m=audio 5000 RTP/SAVP 0\r\n"));
    ok(has(&out, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:"));
    ok(!has(&out, KEY));
    secure_peer(&s, &remote, &peer);
    sdes_print(text, &(struct sdes){.tag = 7, .key = *peer.key_out});
    snprintf(line, sizeof line, "a=crypto:%s\r\n", text);
    ok(has(&out, line));
    sdes_print(text, &(struct sdes){.tag = 7, .key = *peer.key_in});
    ok(strstr(text, KEY) != NULL);
    /* Put on hold, or with a new key of theirs: ours stays. */
    memcpy(mine, s.mine.key.master, sizeof mine);
    ok_rc(take(&s,
               HEAD SAVP "a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:AAAA" /* 40 in all */
                         "X19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\na=sendonly\r\n",
               &remote, &err),
          &err);
    ok(describe(&s, &remote, &out));
    ok(has(&out, "a=crypto:9 "));
    ok(memcmp(mine, s.mine.key.master, sizeof mine) == 0);
out:
    str_free(&out);
}

UNIT(an_offer_says_what_the_terms_want_and_takes_the_answer_that_fits)
{
    struct str out = STR_INIT(4096);
    struct error err = {0};
    struct secure s = {.terms = {.policy = SECURE_OPTIONAL}};
    struct sdp remote;
    char text[SDES_TEXT_MAX];

    /* Without TLS a key in the offer would be no secret. */
    ok(describe(&s, NULL, &out));
    ok(has(&out, "RTP/AVP") && !has(&out, "a=crypto"));
    s.terms.tls = true;
    ok(describe(&s, NULL, &out));
    ok(has(&out, "RTP/AVP") && has(&out, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
    s.terms.policy = SECURE_REQUIRED;
    ok(describe(&s, NULL, &out));
    ok(has(&out, "RTP/SAVP") && has(&out, "a=crypto:1 "));

    ok_rc(secure_parse(&s, &remote, HEAD SAVP CRYPTO, strlen(HEAD SAVP CRYPTO), &err), &err);
    ok_int(secure_take(&s, &remote, true, &err), ERR_REFUSED); /* another tag than ours */
    ok(strstr(err.text, "not with the key that was offered") != NULL);
    ok_rc(secure_parse(&s, &remote, HEAD AVP, strlen(HEAD AVP), &err), &err);
    ok_int(secure_take(&s, &remote, true, &err), ERR_REFUSED);
    ok(strstr(err.text, "required") != NULL);
    remote.has_crypto = remote.secure = true;
    remote.crypto.tag = 1;
    remote.crypto.key.suite = SRTP_GCM_256;
    ok_int(secure_take(&s, &remote, true, &err), ERR_REFUSED); /* 1 was another suite */
    remote.crypto.tag = 2;
    ok_rc(secure_take(&s, &remote, true, &err), &err);
    ok_int(s.way, SECURE_SDES);
    ok_int(s.mine.key.suite, SRTP_GCM_256);
    ok(has(&out, "a=crypto:2 AEAD_AES_256_GCM inline:"));
    ok(has(&out, "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:"));
    sdes_print(text, &s.mine);
    ok(has(&out, text));
    /* Within the call there is no choice any more, and the key is the same. */
    ok(describe(&s, NULL, &out));
    ok(has(&out, "a=crypto:1 AEAD_AES_256_GCM inline:") && has(&out, text + 2));
    ok(!has(&out, "a=crypto:2") && !has(&out, "AES_CM_128"));
out:
    str_free(&out);
}

UNIT(who_begins_the_handshake_follows_from_both_descriptions)
{
    struct str out = STR_INIT(4096);
    struct error err = {0};
    struct secure s = {
        .terms = {.policy = SECURE_REQUIRED, .dtls = true, .fingerprint = "sha-256 AB:CD"}};
    struct sdp remote;

    ok(describe(&s, NULL, &out));
    ok(has(&out, "UDP/TLS/RTP/SAVP 0") && has(&out, "a=rtcp-mux\r\n"));
    ok(has(&out, "a=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n"));
    s = (struct secure){.terms = s.terms};
    ok_rc(take(&s, HEAD DTLS PRINT "a=setup:actpass\r\n", &remote, &err), &err);
    ok(describe(&s, &remote, &out));
    ok(has(&out, "UDP/TLS/RTP/SAVPF 0") && has(&out, "a=setup:active\r\n"));
    /* A phone behind NAT shows where it is by beginning itself. */
    s = (struct secure){.terms = s.terms};
    s.terms.nat = true;
    ok_rc(take(&s, HEAD DTLS PRINT "a=setup:actpass\r\n", &remote, &err), &err);
    ok(describe(&s, &remote, &out));
    ok(has(&out, "a=setup:passive\r\n"));
    /* The roles stay when it is asked again. */
    s.terms.nat = false;
    ok_rc(take(&s, HEAD DTLS PRINT "a=setup:actpass\r\n", &remote, &err), &err);
    ok(describe(&s, &remote, &out));
    ok(has(&out, "a=setup:passive\r\n"));
    ok_rc(take(&s, HEAD DTLS PRINT "a=setup:passive\r\n", &remote, &err), &err);
    ok(s.active);
out:
    str_free(&out);
}

UNIT(fingerprints_are_read_as_they_are_written)
{
    static const char *const wrong[] = {
        "",
        "sha-256",
        "sha-256 00",
        "md5 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "sha-1 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:3",
        "sha-1 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:3g",
        "sha-1 00-11-22-33-44-55-66-77-88-99-aa-bb-cc-dd-ee-ff-00-11-22-33"};
    static const char right[] = "SHA-1 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:3f";
    struct dtls_print p;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ok(!dtls_print_parse(&p, wrong[i], strlen(wrong[i])));
    ok(dtls_print_parse(&p, right, strlen(right)));
    ok_int(p.len, 20);
    ok_int(p.bytes[19], 0x3f);
    ok_str(dtls_print_hash(&p), "sha-1");
out:;
}

#define ICE       "a=ice-ufrag:them\r\na=ice-pwd:0123456789012345678901\r\n"
#define CANDIDATE "a=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\r\n"

UNIT(ice_is_answered_where_it_is_offered_as_a_lite_agent)
{
    struct str out = STR_INIT(4096);
    struct error err = {0};
    struct secure s = {.terms = {.local_ip = "10.0.0.7"}};
    struct rtp_peer peer = {0};
    struct sdp remote;
    struct rig r;
    char first[ICE_UFRAG + 1];

    ok(rig_start(&r, RTP_PCMU, NULL, &err));
    ok_rc(take(&s, HEAD AVP ICE CANDIDATE, &remote, &err), &err);
    ok(describe_with(&s, r.ends[0].rtp, &remote, &out));
    ok(has(&out, "a=ice-lite\r\nm=audio") && has(&out, "a=ice-ufrag:"));
    ok(has(&out, "a=candidate:1 1 UDP 2130706431 192.0.2.2 5000 typ host\r\n"));
    ok(has(&out, "a=candidate:1 2 UDP 2130706430 192.0.2.2 5001 typ host\r\n"));
    /* Behind NAT with a forwarded address, neighbours take the short way. */
    ok(has(&out, "a=candidate:2 1 UDP 2130706175 10.0.0.7 5000 typ host\r\n"));
    secure_peer(&s, &remote, &peer);
    ok_str(peer.ice_ufrag, "them");
    /* Described again: the same names. After a restart: new ones. */
    str_copy(first, sizeof first, s.ice.ufrag);
    ok_rc(take(&s, HEAD AVP ICE CANDIDATE "a=rtcp-mux\r\n", &remote, &err), &err);
    ok(describe_with(&s, r.ends[0].rtp, &remote, &out));
    ok(has(&out, first) && !has(&out, "1 2 UDP"));
    str_copy(remote.ice_ufrag, sizeof remote.ice_ufrag, "anew");
    ok(describe_with(&s, r.ends[0].rtp, &remote, &out));
    ok(!has(&out, first));
    /* Another lite agent makes no checks: its address is that of c=. */
    ok_rc(take(&s, HEAD "a=ice-lite\r\n" AVP ICE CANDIDATE, &remote, &err), &err);
    ok(describe_with(&s, r.ends[0].rtp, &remote, &out));
    peer.ice_ufrag = NULL;
    secure_peer(&s, &remote, &peer);
    ok(peer.ice_ufrag == NULL);
out:
    rig_stop(&r);
    str_free(&out);
}

UNIT(an_address_that_somebody_has_changed_is_a_mismatch_and_a_later_one_is_not)
{
    static const struct {
        const char *what;
        bool ice, mismatch;
    } cases[] = {
        {HEAD AVP ICE CANDIDATE, true, false},
        {HEAD ICE AVP CANDIDATE, true, false},
        {HEAD AVP ICE "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\r\n", false, true},
        {HEAD AVP ICE "a=candidate:1 1 UDP 1 192.0.2.1 4002 typ host\r\n", false, true},
        {HEAD AVP ICE, false, true},
        {HEAD AVP ICE "a=ice-options:trickle\r\n", true, false},
        {HEAD "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n" ICE, true, false},
        {HEAD AVP CANDIDATE, false, false},
        {HEAD AVP "a=ice-ufrag:them\r\na=ice-pwd:short\r\n" CANDIDATE, false, false},
        {HEAD AVP ICE CANDIDATE "a=ice-mismatch\r\n", false, false}, /* of an answer to ours */
    };
    struct str out = STR_INIT(4096);
    struct error err = {0};
    struct sdp remote;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct secure s = {.terms = {.policy = SECURE_OPTIONAL}};

        ok_rc(take(&s, cases[i].what, &remote, &err), &err);
        ok_int(remote.ice, cases[i].ice);
        ok_int(remote.ice_mismatch, cases[i].mismatch);
        if (!cases[i].mismatch)
            continue;
        ok(describe(&s, &remote, &out));
        ok(has(&out, "a=ice-mismatch\r\n") && !has(&out, "a=candidate") && !has(&out, "lite"));
    }
out:
    str_free(&out);
}

UNIT(who_is_on_our_side_of_the_router)
{
    static const char *const near[] = {"10.1.2.3",
                                       "172.16.0.1",
                                       "172.31.255.1",
                                       "192.168.1.5",
                                       "127.0.0.1",
                                       "169.254.1.1",
                                       "::1",
                                       "fe80::1",
                                       "fd00::2",
                                       "sip:192.168.1.5:5060;transport=tls",
                                       "sip:10.0.0.1",
                                       "sip:10.0.0.1;lr",
                                       "sip:[fd00::2]:5060"},
                             *const far[] = {"192.0.2.1",
                                             "172.32.0.1",
                                             "11.0.0.1",
                                             "2001:db8::1",
                                             "sip:carrier.example:5060",
                                             "sip:[2001:db8::1]",
                                             "sip:10.carrier.example",
                                             ""};

    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        ok(is_near(near[i]));
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        ok(!is_near(far[i]));
    ok(is_six("::1") && is_six("2001:db8::1") && is_six("sip:[::1]:5060;transport=tcp"));
    ok(!is_six("10.0.0.1") && !is_six("sip:10.0.0.1:5060") && !is_six("sip:a.example") &&
       !is_six(""));
out:;
}

UNIT_MAIN(CASE(each_policy_takes_what_it_should_and_says_why_not),
          CASE(an_answer_repeats_the_tag_and_each_side_has_its_key),
          CASE(an_offer_says_what_the_terms_want_and_takes_the_answer_that_fits),
          CASE(who_begins_the_handshake_follows_from_both_descriptions),
          CASE(fingerprints_are_read_as_they_are_written), CASE(who_is_on_our_side_of_the_router),
          CASE(ice_is_answered_where_it_is_offered_as_a_lite_agent),
          CASE(an_address_that_somebody_has_changed_is_a_mismatch_and_a_later_one_is_not))
