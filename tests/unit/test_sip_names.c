/* The gateway's pure parts: descriptions of sessions, numbers, addresses, rates, registrations. */
#include "base/mem.h"
#include "gateways/sip/guard.h"
#include "gateways/sip/peers.h"
#include "gateways/sip/registrar.h"
#include "gateways/sip/route.h"
#include "gateways/sip/sdp.h"
#include "gateways/sip/status.h"
#include "unit.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct sockaddr_storage at(const char *ip, unsigned port)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;

    if (strchr(ip, ':') != NULL) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        inet_pton(AF_INET6, ip, &in6->sin6_addr);
    } else {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        inet_pton(AF_INET, ip, &in->sin_addr);
    }
    return a;
}

/* --- descriptions --- */

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static int parse(struct sdp *s, const char *text, struct error *err)
{
    return sdp_parse(s, text, strlen(text), SDP_PLAIN | SDP_SECURE, err);
}

UNIT(an_offer_is_read_with_its_codecs_in_their_order)
{
    struct sdp s;
    struct error err = {0};
    struct rtp_peer peer;

    ok_rc(parse(&s,
                HEAD "m=audio 4000 RTP/AVP 8 18 0 97 13\r\na=rtpmap:97 telephone-event/8000\r\n"
                     "a=ptime:40\r\na=rtcp:4007 IN IP4 192.0.2.9\r\na=sendonly\r\n",
                &err),
          &err);
    ok_int(s.n_codecs, 2);
    ok(s.codecs[0].codec == RTP_PCMA && s.codecs[1].codec == RTP_PCMU);
    ok_int(s.dtmf, 97);
    ok_int(s.comfort, 13);
    ok_int(s.ptime, 40);
    ok(s.way == SDP_SENDONLY);
    ok_int(ntohs(((struct sockaddr_in *)&s.address)->sin_port), 4000);
    ok_int(ntohs(((struct sockaddr_in *)&s.rtcp)->sin_port), 4007);
    ok_int(sdp_choose(&s, 1u << RTP_PCMU), 1);
    ok_int(sdp_choose(&s, 1u << RTP_G722), -1);
    sdp_peer(&s, 0, false, false, &peer);
    ok(!peer.send && peer.receive && peer.payload == 8 && peer.dtmf == 97);
out:;
}

UNIT(what_is_no_call_of_sound_is_refused)
{
    static const char *const bad[] = {
        "",
        "w=0\r\n",
        HEAD,
        HEAD "m=audio 0 RTP/AVP 0\r\n",
        HEAD "m=video 4000 RTP/AVP 0\r\n",
        HEAD "m=audio 4000 RTP/OTHER 0\r\n",
        HEAD "m=audio 4000 RTP/AVP 3\r\n",
        HEAD "m=audio 4000 RTP/AVP\r\n",
        HEAD "m=audio x RTP/AVP 0\r\n",
        HEAD "m=audio 4000 RTP/AVP 0\r\nnonsense\r\n",
        HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 999.1.1.1\r\n",
        HEAD "m=audio 4000 RTP/AVP 0\r\nm=a\rb 1 x y\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP 0\r\n",
        HEAD "m=audio 1 RTP/AVP 0\r\nm=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\n"
             "m=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\n",
    };
    struct sdp s;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct error err = {0};

        ok(parse(&s, bad[i], &err) < 0);
        ok(err.text[0] != '\0');
    }
out:;
}

UNIT(an_answer_repeats_every_line_and_mirrors_the_way)
{
    struct sdp s;
    struct error err = {0};
    struct str out = STR_INIT(8192);
    struct sdp_ours o = {.address = "198.51.100.7", .port = 20000, .session = 5, .version = 2};

    ok_rc(parse(&s,
                HEAD "m=video 9 RTP/AVP 96\r\nm=audio 4000 RTP/AVP 0 101\r\n"
                     "a=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n",
                &err),
          &err);
    sdp_write_answer(&out, &o, &s, 0);
    ok(!out.failed);
    ok_str(out.data,
           "v=0\r\no=almon 5 2 IN IP4 198.51.100.7\r\ns=almon\r\nc=IN IP4 198.51.100.7\r\n"
           "t=0 0\r\nm=video 0 RTP/AVP 96\r\nm=audio 20000 RTP/AVP 0 101\r\n"
           "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
           "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendonly\r\n");
out:
    str_free(&out);
}

UNIT(an_answer_to_ours_is_sent_their_numbers_and_received_on_ours)
{
    struct sdp s;
    struct error err = {0};
    struct rtp_peer peer;

    ok_rc(parse(&s, HEAD "m=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n", &err),
          &err);
    sdp_peer(&s, 0, true, true, &peer);
    ok(peer.dtmf == 96 && peer.dtmf_in == 101 && peer.learn && peer.send && peer.receive);
    ok_rc(parse(&s, "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n", &err), &err);
    sdp_peer(&s, 0, true, false, &peer);
    ok(!peer.send && peer.dtmf == -1 && peer.comfort == -1);
out:;
}

/* --- names --- */

UNIT(numbers_are_cleaned_and_rewritten)
{
    static const char *const rules[] = {"00:+", "0:+49", "nonsense"};
    struct config_trunk trunk = {.rewrite_in = rules, .n_rewrite_in = 3, .user = "acme"};
    struct stack_request r = {.uri_host = "h", .to_host = "t", .to_user = "0301", .from_host = "f"};
    struct config_phone phone = {.name = "anna"};
    static const struct {
        const char *user, *to;
    } cases[] = {
        {"0044(20)7-946.0", "+44207946"
                            "0"},
        {"0301", "+49301"},
        {"+1555;phone-context=x", "+1555"},
        {"sales", "sip:sales@h"},
        {"", "sip:h"},
        {"acme", "+49301"}, /* our name there: To says who is called */
    };
    char out[ROUTE_TEXT_MAX];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r.uri_user = cases[i].user;
        route_to(&r, &trunk, out);
        ok_str(out, cases[i].to);
    }
    r.from_user = "Anonymous";
    route_from(&r, &trunk, NULL, out);
    ok_str(out, "anonymous");
    r.asserted_user = "0305";
    route_from(&r, &trunk, NULL, out);
    ok_str(out, "+49305");
    r.anonymous = true;
    route_from(&r, &trunk, NULL, out);
    ok_str(out, "anonymous");
    route_from(&r, NULL, &phone, out);
    ok_str(out, "client:anna");
    phone.number = "+15550777";
    route_from(&r, NULL, &phone, out);
    ok_str(out, "+15550777");
out:;
}

UNIT(a_user_part_cannot_leave_its_place)
{
    char out[ROUTE_TEXT_MAX], big[400];
    struct sockaddr_storage a = at("2001:db8::7", 5071);

    ok(route_uri("a b>;x@y", "sip:h:5070;transport=tcp", out));
    ok_str(out, "sip:a%20b%3E%3Bx%40y@h:5070;transport=tcp");
    ok(!route_uri("a", "http://h", out));
    ok(!route_uri("a", "sip:u@h", out));
    memset(big, '%', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    ok(!route_uri(big, "sip:h", out));
    route_of(&a, "tls", out);
    ok_str(out, "sip:[2001:db8::7]:5071;transport=tls");
out:;
}

/* --- addresses --- */

UNIT(the_most_exact_network_wins_and_what_registered_is_learnt)
{
    static const char *const wide[] = {"10.0.0.0/8", "2001:db8::/33"}, *const exact[] = {
                                                                           "10.1.2.3"};
    struct config_trunk trunks[] = {{.name = "wide", .from = wide, .n_from = 2},
                                    {.name = "exact", .from = exact, .n_from = 1}};
    struct config config = {.path = "almon.lua", .trunks = trunks, .n_trunks = 2};
    struct peers *p = NULL;
    struct error err = {0};
    struct sockaddr_storage a = at("10.1.2.3", 1), b = at("10.1.2.4", 2), c = at("11.0.0.1", 3),
                            d = at("2001:db8:7fff::1", 4), e = at("2001:db8:8000::1", 5),
                            mapped = at("::ffff:10.1.2.3", 6);

    ok_rc(peers_new(&p, &config, &err), &err);
    ok(peers_find(p, &a) == &trunks[1]);
    ok(peers_find(p, &mapped) == &trunks[1]);
    ok(peers_find(p, &b) == &trunks[0]);
    ok(peers_find(p, &c) == NULL);
    ok(peers_find(p, &d) == &trunks[0]);
    ok(peers_find(p, &e) == NULL);
    ok(peers_learn(p, &trunks[1], &c) == 0);
    ok(peers_find(p, &c) == &trunks[1]);
out:
    peers_free(p);
}

UNIT(this_machine_is_itself)
{
    static const char *const self[] = {"self"};
    struct config_trunk trunk = {.name = "here", .from = self, .n_from = 1};
    struct config config = {.path = "almon.lua", .trunks = &trunk, .n_trunks = 1};
    struct peers *p = NULL;
    struct error err = {0};
    struct sockaddr_storage here = at("127.0.0.1", 1), other = at("127.0.0.2", 1),
                            far = at("203.0.113.9", 1);

    ok_rc(peers_new(&p, &config, &err), &err);
    ok(peers_find(p, &here) == &trunk);
    ok(peers_find(p, &other) == NULL);
    ok(peers_find(p, &far) == NULL);
out:
    peers_free(p);
}

UNIT(a_wrong_address_is_said_with_its_line)
{
    static const char *const wrong[] = {"10.0.0.0/33"};
    struct config_trunk trunk = {.name = "x", .from = wrong, .n_from = 1, .line = 7};
    struct config config = {.path = "almon.lua", .trunks = &trunk, .n_trunks = 1};
    struct peers *p = NULL;
    struct error err = {0};
    int rc = peers_new(&p, &config, &err);

    ok(rc != ERR_NOMEM);
    ok_int(rc, ERR_INVALID);
    ok(strstr(err.text, "almon.lua:7: trunk: '10.0.0.0/33'") != NULL);
out:
    peers_free(p);
}

UNIT(an_address_has_its_rate_and_others_theirs)
{
    struct guard *g = NULL;
    struct error err = {0};
    struct sockaddr_storage a = at("192.0.2.1", 1), b = at("192.0.2.2", 1);
    int n = 0;

    ok_rc(guard_new(&g, 10, 42, &err), &err);
    while (guard_admit(g, &a, 0))
        n++;
    ok_int(n, 20);
    ok(guard_admit(g, &b, 0));
    ok(!guard_admit(g, &a, 90000));
    ok(guard_admit(g, &a, 110000));
    guard_charge(g, &b, 100, 110000);
    ok(!guard_admit(g, &b, 110000));
    /* Ten thousand strangers later: no more memory, and the address may ask again. */
    for (unsigned i = 0; i < 10000; i++) {
        char ip[20];

        snprintf(ip, sizeof ip, "10.0.%u.%u", i / 256, i % 256);
        b = at(ip, 1);
        ok(guard_admit(g, &b, 120000));
    }
out:
    guard_free(g);
}

UNIT(phones_are_where_they_registered_until_it_expires)
{
    struct registrar *r = NULL;
    struct error err = {0};
    struct str out = STR_INIT(4096);
    const struct registrar_contact *c;
    char uri[32];

    ok_rc(registrar_new(&r, &err), &err);
    ok(registrar_find(r, "anna", 0) == NULL);
    ok(registrar_set(r, "anna", "sip:a@h", "sip:1.2.3.4:5", 60, 0) == 0);
    ok(registrar_set(r, "anna", "sip:b@h", "sip:1.2.3.4:6", 120, 1000) == 0);
    c = registrar_find(r, "anna", 2000);
    ok(c != NULL);
    ok_str(c->route, "sip:1.2.3.4:6");
    registrar_write(r, "anna", INT64_C(61000000), &out);
    ok(!out.failed);
    ok_str(out.data, "Contact: <sip:b@h>;expires=60\r\n");
    for (int i = 1; i < REGISTRAR_CONTACTS; i++) {
        snprintf(uri, sizeof uri, "sip:%d@h", i);
        ok(registrar_set(r, "anna", uri, "sip:x", 60, INT64_C(61000000)) == 0);
    }
    ok_int(registrar_set(r, "anna", "sip:more@h", "sip:x", 60, INT64_C(61000000)), ERR_LIMIT);
    ok(registrar_set(r, "anna", "sip:1@h", "sip:x", 0, INT64_C(61000000)) == 0);
    ok(registrar_set(r, "anna", "sip:more@h", "sip:x", 60, INT64_C(61000000)) == 0);
    registrar_clear(r, "anna");
    ok(registrar_find(r, "anna", INT64_C(61000000)) == NULL);
out:
    str_free(&out);
    registrar_free(r);
}

/* --- why calls end --- */

UNIT(statuses_and_causes_agree_both_ways)
{
    for (int c = 0; c < CAUSE_COUNT; c++)
        ok(status_q850((enum cause)c) > 0);
    ok_int(status_cause(486, -1), CAUSE_BUSY);
    ok_int(status_cause(603, -1), CAUSE_REJECTED);
    ok_int(status_cause(480, -1), CAUSE_NO_ANSWER);
    ok_int(status_cause(302, -1), CAUSE_UNROUTABLE);
    ok_int(status_cause(699, -1), CAUSE_BUSY);
    ok_int(status_cause(480, 17), CAUSE_BUSY);
    ok_int(status_cause(486, 16), CAUSE_BUSY);
    ok_int(status_cause(487, 31), CAUSE_CANCELED);
    for (int c = CAUSE_BUSY; c < CAUSE_LINK_LOST; c++)
        if (c != CAUSE_CANCELED && c != CAUSE_CONGESTION)
            ok_int(status_cause((unsigned)cause_sip((enum cause)c), status_q850((enum cause)c)), c);
out:;
}

/* --- our loop inside another --- */

static void count(void *arg)
{
    (*(int *)arg)++;
}

struct chain {
    struct timer next;
    int fired;
};

static void fire_next(void *arg)
{
    struct chain *c = arg;

    timer_start(&c->next, 1);
}

UNIT(a_loop_turned_from_outside_shows_every_timer_on_its_descriptor)
{
    struct loop *loop = NULL;
    struct error err = {0};
    struct timer first;
    struct chain c = {.fired = 0};

    ok_rc(loop_new(&loop, NULL, &err), &err);
    timer_init(&first, loop, fire_next, &c);
    timer_init(&c.next, loop, count, &c.fired);
    timer_start(&first, 1);
    loop_turn(loop, false);
    for (int i = 0; i < 20 && c.fired == 0; i++) {
        struct pollfd p = {.fd = uv_backend_fd(loop_uv(loop)), .events = POLLIN};

        ok(poll(&p, 1, 2000) == 1);
        loop_turn(loop, false);
    }
    ok_int(c.fired, 1);
out:
    if (loop != NULL)
        loop_free(loop);
}

UNIT_MAIN(CASE(an_offer_is_read_with_its_codecs_in_their_order),
          CASE(what_is_no_call_of_sound_is_refused),
          CASE(an_answer_repeats_every_line_and_mirrors_the_way),
          CASE(an_answer_to_ours_is_sent_their_numbers_and_received_on_ours),
          CASE(numbers_are_cleaned_and_rewritten), CASE(a_user_part_cannot_leave_its_place),
          CASE(the_most_exact_network_wins_and_what_registered_is_learnt),
          CASE(this_machine_is_itself), CASE(a_wrong_address_is_said_with_its_line),
          CASE(an_address_has_its_rate_and_others_theirs),
          CASE(phones_are_where_they_registered_until_it_expires),
          CASE(statuses_and_causes_agree_both_ways),
          NO_TORTURE(a_loop_turned_from_outside_shows_every_timer_on_its_descriptor))
