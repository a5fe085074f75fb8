#include "http/exchange.h"

#include "http/url.h"
#include "tests/unit/unit.h"
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

/* Resolves as a connect would (numbers only: no name server is asked) and judges. -1: not a number
 * that the system knows, so no connect can come of it. */
static int judge(const struct http_rule *rule, const char *host, int port, int hop)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list;
    bool allowed;

    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return -1;
    allowed = http_rule_allows(rule, list->ai_addr, host, port, hop);
    freeaddrinfo(list);
    return allowed;
}

UNIT(rules_see_through_every_spelling_of_a_private_address)
{
    static const char *const spellings[] = {
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.255.255.254",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0.0.0.0",
        "0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "167772161",
        "0xa.0.0.1",
        "012.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "0xac100001",
        "192.168.0.1",
        "192.168.1",
        "3232235777",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "0:0:0:0:0:0:0:1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
        "::127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::10.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
        "100::1",
        "3fff::1",
        "5f00::1",
    };
    struct http_rule document = {.trust = HTTP_DOCUMENT}, by_operator = {.trust = HTTP_OPERATOR};

    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        ok(judge(&document, spellings[i], 80, 0) == 0);
        ok(judge(&by_operator, spellings[i], 80, 1) == 0);
        ok(judge(&by_operator, spellings[i], 80, 0) == 1);
    }
out:;
}

UNIT(rules_let_public_addresses_through)
{
    static const char *const addresses[] = {
        "8.8.8.8",         "1.1.1.1",          "100.63.255.255",  "100.128.0.1",  "172.15.0.1",
        "172.32.0.1",      "169.253.0.1",      "192.167.0.1",     "198.17.0.1",   "198.20.0.1",
        "223.255.255.255", "9.255.255.255",    "11.0.0.1",        "126.0.0.1",    "128.0.0.1",
        "::ffff:8.8.8.8",  "64:ff9b::808:808", "2606:4700::1111", "2a00:1450::1",
    };
    struct http_rule document = {.trust = HTTP_DOCUMENT};

    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        ok(judge(&document, addresses[i], 443, 0) == 1);
        ok(judge(&document, addresses[i], 443, 5) == 1);
    }
out:;
}

UNIT(rules_know_the_own_host_and_the_allowed)
{
    static const char *const allow[] = {"10.1.0.0/16",
                                        "127.0.0.2:3000",
                                        "[::1]:4000",
                                        "fd00:1234::/32",
                                        "127.0.0.4",
                                        "nonsense/8",
                                        "10.9.0.0/x",
                                        ":80",
                                        "172.16.0.0/23",
                                        "[::1",
                                        "10.0.0.0/-96",
                                        "10.0.0.0/33",
                                        "10.0.0.0/9223372036854775807"}; /* none of the three */
    struct http_rule rule = {.trust = HTTP_DOCUMENT,
                             .own = "127.0.0.3:8080",
                             .allow = allow,
                             .n_allow = sizeof allow / sizeof *allow};
    static const struct {
        const char *host;
        int port, allowed;
    } table[] = {
        {"10.1.2.3", 1, 1},     {"::ffff:10.1.2.3", 1, 1}, {"10.2.0.1", 1, 0},
        {"127.0.0.2", 3000, 1}, {"127.0.0.2", 3001, 0},    {"::1", 4000, 1},
        {"::1", 80, 0},         {"fd00:1234::9", 80, 1},   {"fd00:1235::9", 80, 0},
        {"127.0.0.3", 8080, 1}, {"127.0.0.3", 80, 0},      {"127.0.0.4", 9, 1},
        {"10.9.0.1", 80, 0},    {"172.16.1.255", 80, 1},   {"172.16.2.0", 80, 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ok_int(judge(&rule, table[i].host, table[i].port, 0), table[i].allowed);
out:;
}

UNIT(rules_match_a_name_by_the_name_of_the_hop)
{
    static const char *const allow[] = {"Intra.example:3000", "any.example"};
    struct http_rule rule = {.own = "app:80", .allow = allow, .n_allow = 2, .trust = HTTP_DOCUMENT};
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list = NULL;

    ok(getaddrinfo("10.0.0.5", NULL, &hints, &list) == 0);
    ok(http_rule_allows(&rule, list->ai_addr, "intra.example", 3000, 3));
    ok(!http_rule_allows(&rule, list->ai_addr, "intra.example", 3001, 3));
    ok(!http_rule_allows(&rule, list->ai_addr, "xintra.example", 3000, 3));
    ok(http_rule_allows(&rule, list->ai_addr, "any.example", 5, 0));
    ok(http_rule_allows(&rule, list->ai_addr, "APP", 80, 1));
    ok(!http_rule_allows(&rule, list->ai_addr, "evil.example", 80, 1));
out:
    if (list != NULL)
        freeaddrinfo(list);
}

/* --- URLs --- */

UNIT(url_splits)
{
    struct error err = {0};
    struct http_url u;
    struct str s = STR_INIT(1000);

    ok_rc(http_url_split(&u, "HTTPS://a:b@Host.Example:8443/p?q=1#rc=2", &err), &err);
    ok(u.tls && u.port == 8443);
    ok(u.user_len == 3 && strncmp(u.user, "a:b", 3) == 0);
    ok_str(u.fragment, "rc=2");
    http_url_origin(&u, &s);
    ok_str(str_text(&s), "host.example:8443");
    str_reset(&s);
    http_url_public(&u, &s);
    ok_str(str_text(&s), "https://Host.Example:8443/p?q=1");
    ok_rc(http_url_split(&u, "http://[::1]", &err), &err);
    str_reset(&s);
    http_url_origin(&u, &s);
    ok_str(str_text(&s), "[::1]:80");
    ok(u.rest_len == 0 && u.fragment == NULL);
    ok(http_url_split(&u, "http://good@evil.example\\@x/", &err) == 0);
    ok(u.host_len == 1 && u.host[0] == 'x');
out:
    str_free(&s);
}

UNIT_MAIN(CASE(rules_see_through_every_spelling_of_a_private_address),
          CASE(rules_let_public_addresses_through), CASE(rules_know_the_own_host_and_the_allowed),
          CASE(rules_match_a_name_by_the_name_of_the_hop), CASE(url_splits))
