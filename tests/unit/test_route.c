/* Where calls out go, and that nothing else is ever called: routes, caller ids, countries, ceilings
 * (threats.md S7). */
#include "session/route.h"

#include "base/country.h"
#include "session/route_target.h"
#include "tests/unit/bridge_stand.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

#define BASE                                                                                       \
    "account { sid = 'AC0123456789abcdef0123456789abcdef', token = 't', max_calls = 5,\n"          \
    "  calls_per_second = 3, caller_ids = { '+491711234567' } }\n"                                 \
    "gateway { name = 'sip', token = 't' } gateway { name = 'gw', token = 't' }\n"                 \
    "number { '+15550100' } number { '+4930123400*' } number { '*' }\n"

/* An exchange in virtual time whose gateway "gw" may be called, a configuration, and the last plan.
 */
struct desk {
    struct stand stand;
    struct config *config;
    struct routes *routes;
    struct arena arena;
    struct route_plan plan;
    struct str line; /* the plan in one line */
    struct error err;
};

static bool desk_up(struct desk *d, const char *lines)
{
    struct str text = STR_INIT(16384);
    bool good = false;

    memset(d, 0, sizeof *d);
    d->line = STR_INIT(4096);
    arena_init(&d->arena, 1024, 1024 * 1024);
    str_addf(&text, "%s%s", BASE, lines);
    ok(!text.failed);
    ok(stand_up(&d->stand));
    ok_rc(config_parse(&d->config, str_text(&text), text.len, "almon.lua", NULL, NULL, &d->err),
          &d->err);
    ok_rc(routes_new(&d->routes, d->stand.control, NULL, &d->err), &d->err);
    good = true;
out:
    str_free(&text);
    return good;
}

static void desk_down(struct desk *d)
{
    d->routes = routes_free(d->routes);
    d->config = config_free(d->config);
    stand_down(&d->stand);
    arena_free(&d->arena);
    str_free(&d->line);
}

/* Plans a call to `to` out of one from +15550199 to +15550100, showing `from` (NULL: its caller).
 */
static const char *plan_from(struct desk *d, const char *to, const char *from)
{
    struct route_request q = {.to = to,
                              .from = from,
                              .call_from = "+15550199",
                              .call_to = "+15550100",
                              .account = &d->config->accounts[0]};

    str_reset(&d->line);
    error_clear(&d->err);
    if (routes_plan(d->routes, d->config, d->stand.bridge, &q, &d->arena, &d->plan, &d->err) != 0)
        str_addf(&d->line, "%d", d->err.twilio);
    else
        for (size_t i = 0; i < d->plan.n; i++) {
            const struct route_step *s = &d->plan.steps[i];

            str_addf(&d->line, "%s%u %s/%s %s<%s", i > 0 ? ", " : "", s->group, s->gateway,
                     s->trunk != NULL ? s->trunk : "-", s->to, s->from);
        }
    return str_text(&d->line);
}

static const char *plan(struct desk *d, const char *to)
{
    return plan_from(d, to, NULL);
}

UNIT(without_a_route_nothing_outside_is_called)
{
    static const char *const closed[] = {"+493012345678",       "+15550101",
                                         "sip:bob@example.com", "112",
                                         "sips:x@[::1]:5061",   "(415) 555-0100"};
    struct desk d;

    ok(desk_up(&d, "trunk { name = 'carrier', to = 'sip:198.51.100.1' }"));
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        ok_str(plan(&d, closed[i]), "13225");
        ok_int(d.plan.n, 0);
    }
    plan(&d, "+493012345678");
    ok(strstr(d.err.text, "write route { \"+49*\", gateway = \"sip\" } in almon.lua") != NULL);
    plan(&d, "sip:bob@Example.com");
    ok(strstr(d.err.text, "write route { \"sip:*@example.com\", gateway = \"sip\" }") != NULL);
out:
    desk_down(&d);
}

UNIT(the_closest_route_is_tried_first_then_the_order_of_the_file)
{
    struct desk d;

    ok(desk_up(&d, "trunk { name = 'a', to = 'sip:a' } trunk { name = 'b', to = 'sip:b' }\n"
                   "trunk { name = 'c', to = 'sip:c' }\n"
                   "route { '*', trunk = 'a' }\n"
                   "route { { '+43*', '+49*' }, trunk = 'b' }\n"
                   "route { '+4930*', trunk = 'c' }\n"
                   "route { '+49*', gateway = 'gw', trunk = 'its own' }\n"
                   "route { '112', gateway = 'gw' }\n"));
    ok_str(plan(&d, "+493012345678"),
           "0 sip/c +493012345678<+15550199, 1 sip/b +493012345678<+15550199, "
           "2 gw/its own +493012345678<+15550199, 3 sip/a +493012345678<+15550199");
    ok_str(plan(&d, "+4311234567"), "0 sip/b +4311234567<+15550199, 1 sip/a +4311234567<+15550199");
    ok_str(plan(&d, "+33123456789"), "0 sip/a +33123456789<+15550199");
    /* '*' is all numbers, not what a private exchange makes of three digits */
    ok_str(plan(&d, "112"), "0 gw/- 112<+15550199");
    ok_str(plan(&d, "110"), "13225");
    ok_str(plan(&d, "sip:+493012345678@b"), "13225");
out:
    desk_down(&d);
}

UNIT(a_route_without_a_trunk_means_all_trunks_of_the_sip_gateway_in_their_order)
{
    struct desk d;

    ok(desk_up(&d, "trunk { name = 'a', to = 'sip:a' } trunk { name = 'in', from = '192.0.2.1' }\n"
                   "trunk { name = 'b', to = 'sip:b' }\n"
                   "route { '+49*', limit = 5 } route { '*', gateway = 'gw' }\n"));
    ok_str(plan(&d, "+493012345678"),
           "0 sip/a +493012345678<+15550199, 1 sip/b +493012345678<+15550199, "
           "2 gw/- +493012345678<+15550199");
    ok_str(plan(&d, "+33123456789"), "0 gw/- +33123456789<+15550199");
out:
    desk_down(&d);
}

UNIT(a_byoc_trunk_is_the_only_way)
{
    struct desk d;
    struct route_request q = {.to = "+4930123456", .from = "+15550100", .trunk = "b"};

    ok(desk_up(&d, "trunk { name = 'a', to = 'sip:a' } trunk { name = 'b', to = 'sip:b' }\n"
                   "route { '+49*', trunk = 'a' } route { '*', trunk = 'b' }\n"));
    q.account = &d.config->accounts[0];
    ok_rc(routes_plan(d.routes, d.config, d.stand.bridge, &q, &d.arena, &d.plan, &d.err), &d.err);
    ok_int(d.plan.n, 1);
    ok_str(d.plan.steps[0].trunk, "b");
    q.trunk = "x";
    ok(routes_plan(d.routes, d.config, d.stand.bridge, &q, &d.arena, &d.plan, &d.err) ==
       ERR_REFUSED);
    ok(strstr(d.err.text, "no route with trunk \"x\"") != NULL);
out:
    desk_down(&d);
}

UNIT(numbers_are_read_as_people_write_them)
{
    static const struct {
        const char *text, *number;
    } rows[] = {
        {"+15550101", "+15550101"},
        {"+49 (30) 123-456.78", "+493012345678"},
        {"415-555-0100", "+14155550100"},
        {"(415) 555 0100", "+14155550100"},
        {"14155550100", "+14155550100"},
        {"1-415-555-0100", "+14155550100"},
        /* no country, or not a number at all */
        {"0301234567", NULL},
        {"00493012345678", NULL},
        {"011493012345678", NULL},
        {"+0493012345", NULL},
        {"+49", NULL},
        {"+1234567890123456", NULL},
        {"++493012345678", NULL},
        {"+49+3012345678", NULL},
        {"1-800-FLOWERS", NULL},
        {"+49301234567;phone-context=x", NULL},
        {"+49301234567,,5", NULL},
        {"\xd9\xa1\xd9\xa9\xd9\xa0\xd9\xa0", NULL}, /* digits of another script */
        {"+1900\xef\xbc\x95"
         "551234",
         NULL},
        {"tel:+49301234567", NULL},
        {"", NULL},
        {"+", NULL},
        {" ", NULL},
    };
    char out[ROUTE_NAME_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good = target_number(rows[i].text, out);

        ok(good == (rows[i].number != NULL));
        if (good)
            ok_str(out, rows[i].number);
    }
out:
    return;
}

/* What could be dialled as something else than what was judged. */
UNIT(addresses_that_hide_something_are_no_addresses)
{
    static const char *const bad[] = {
        "sip:",
        "sip:bob@",
        "sip:@",
        "sip:bob@allowed.example@evil.example",
        "sip:allowed.example?x@evil.example",
        "sip:bob%40evil.example@allowed.example",
        "sip:bob%3b@allowed.example",
        "sip:bob%2@allowed.example",
        "sip:bob%00@allowed.example",
        "sip:bob%0d%0aX@allowed.example",
        "sip:123;phone-context=+1900@allowed.example",
        "sip:bob:secret@allowed.example",
        "sip:bob@allowed.example;maddr=203.0.113.9",
        "sip:bob@allowed.example;MADDR=203.0.113.9;transport=tcp",
        "sip:bob@allowed.example;lr;route=x",
        "sip:bob@allowed.example:0",
        "sip:bob@allowed.example:99999",
        "sip:bob@allowed.example:50x",
        "sip:bob@[::1",
        "sip:bob@allowed.example/x",
        "sip:bob @allowed.example",
        "sip:bob@allowed.example>,<sip:x",
        "sip:b\xc3\xb6@allowed.example",
        "client:",
        "client:a b",
        "client:a\nb",
        "SIP",
    };
    struct desk d;

    ok(desk_up(&d, "route { 'sip:*' } route { 'client:*' } route { '*' }\n"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok_str(plan(&d, bad[i]), "13224");
    ok_str(plan(&d, "sip:bob@allowed.example;transport=tls;region=us1?X-A=b%40c"),
           "0 sip/- sip:bob@allowed.example;transport=tls;region=us1<+15550199");
out:
    desk_down(&d);
}

UNIT(sip_addresses_go_where_their_host_may_be_called)
{
    struct desk d;

    ok(desk_up(&d,
               "route { 'sip:*@pbx.example' } route { 'sip:boss@pbx.example', gateway = 'gw' }\n"
               "route { 'sip:*@[2001:db8::1]:5070' } route { 'sip:conf.example' }\n"));
    ok_str(plan(&d, "sip:bob@PBX.example:5070"), "0 sip/- sip:bob@PBX.example:5070<+15550199");
    ok_str(plan(&d, "sips:boss@pbx.example"),
           "0 gw/- sips:boss@pbx.example<+15550199, 1 sip/- sips:boss@pbx.example<+15550199");
    ok_str(plan(&d, "sip:x@[2001:DB8::1]:5070"), "0 sip/- sip:x@[2001:DB8::1]:5070<+15550199");
    ok_str(plan(&d, "sip:x@[2001:db8::1]:5071"), "13225");
    ok_str(plan(&d, "sip:conf.example"), "0 sip/- sip:conf.example<+15550199");
    ok_str(plan(&d, "sip:x@conf.example"), "13225");
    ok_str(plan(&d, "sip:bob@pbx.example.evil.example"), "13225");
    ok_str(plan(&d, "sip:bob@evil.example;transport=pbx.example"), "13225");
    /* any token may be shown there, and the call's own */
    ok_str(plan_from(&d, "sip:bob@pbx.example", "front-desk_1.2"),
           "0 sip/- sip:bob@pbx.example<front-desk_1.2");
    ok_str(plan_from(&d, "sip:bob@pbx.example", "a b"), "13214");
    ok_str(plan_from(&d, "sip:bob@pbx.example", "\"x\" <sip:y>"), "13214");
out:
    desk_down(&d);
}

UNIT(dear_numbers_are_not_called_unless_named)
{
    static const char *const dear[] = {"+19005551234",
                                       "+882161234567",
                                       "+883510012345",
                                       "+870773001234",
                                       "+881612345678",
                                       "+9791234567",
                                       "+449011234567",
                                       "+447012345678",
                                       "+499001234567",
                                       "sip:+19005551234@pbx.example",
                                       "1-900-555-1234",
                                       "sip:0019005551234@pbx.example",
                                       "sip:4990012345@pbx.example",
                                       "900-555-1234",
                                       "sip:%2B19005551234@pbx.example",
                                       "sip:011882161234567@pbx.example"};
    struct desk d;

    ok(desk_up(&d, "route { '*' } route { 'sip:*' } route { '+1900*' }\n"));
    for (size_t i = 0; i < sizeof dear / sizeof *dear; i++)
        ok_str(plan(&d, dear[i]), "13225");
    ok(strstr(d.err.text, "an international network") != NULL);
    ok_str(plan(&d, "+442071234567"), "0 sip/- +442071234567<+15550199");
    desk_down(&d);
    ok(desk_up(&d, "route { '*' }\naccount { sid = 'AC1123456789abcdef0123456789abcdef',\n"
                   "token = 't', countries = { 'US', '+4490' }, caller_ids = '+1555*' }\n"));
    d.config->accounts++;
    ok_str(plan(&d, "+449011234567"), "0 sip/- +449011234567<+15550199");
    ok_str(plan(&d, "+442071234567"), "13227");
    d.config->accounts--;
out:
    desk_down(&d);
}

UNIT(only_the_accounts_countries_are_called)
{
    struct desk d;

    ok(desk_up(&d, "route { '*' }\naccount { sid = 'AC1123456789abcdef0123456789abcdef',\n"
                   "token = 't', countries = { 'US', 'DE' }, caller_ids = '+1555*' }\n"));
    d.config->accounts++;
    ok_str(plan(&d, "+14155550100"), "0 sip/- +14155550100<+15550199");
    ok_str(plan(&d, "+493012345678"), "0 sip/- +493012345678<+15550199");
    /* the same +1 as the USA, and what it costs is another matter */
    ok_str(plan(&d, "+18765551234"), "13227");
    ok(strstr(d.err.text, "JM") != NULL && strstr(d.err.text, "\"JM\" to the countries") != NULL);
    ok_str(plan(&d, "876-555-1234"), "13227");
    ok_str(plan(&d, "+14165550100"), "13227");
    ok_str(plan(&d, "+80012345678"), "13227");
    d.config->accounts--;
out:
    desk_down(&d);
}

UNIT(countries_are_told_by_the_longest_prefix)
{
    static const struct {
        const char *number, *iso;
    } rows[] = {
        {"+15550100", "US"},     {"+14165550100", "CA"},  {"+18765551234", "JM"},
        {"+78121234567", "RU"},  {"+77272123456", "KZ"},  {"+441481123456", "GG"},
        {"+442071234567", "GB"}, {"+390669812345", "VA"}, {"+390612345678", "IT"},
        {"+4779123456", "SJ"},   {"+59991234567", "CW"},  {"+59971234567", "BQ"},
        {"+882161234567", NULL}, {"+999123456789", NULL}, {"493012345", NULL},
    };
    char prefix[12];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ok_str(country_of(rows[i].number), rows[i].iso);
    ok(country_known("DE") && !country_known("de") && !country_known("QQ"));
    ok_str(country_prefix("GB", prefix), "+44");
    ok(country_dear("+493012345") == NULL);
out:
    return;
}

UNIT(a_caller_is_shown_who_may_be_shown)
{
    struct desk d;

    ok(desk_up(&d, "route { '*' } route { 'client:*' }\n"
                   "account { sid = 'AC1123456789abcdef0123456789abcdef', token = 't' }\n"
                   "number { '+15550177', account = 'AC1123456789abcdef0123456789abcdef' }\n"));
    /* the call's own two, owned, in an owned block, verified; however they are written */
    ok_str(plan_from(&d, "+15550101", "+15550199"), "0 sip/- +15550101<+15550199");
    ok_str(plan_from(&d, "+15550101", "+1 (555) 0100"), "0 sip/- +15550101<+15550100");
    ok_str(plan_from(&d, "+15550101", "+493012340012"), "0 sip/- +15550101<+493012340012");
    ok_str(plan_from(&d, "+15550101", "+49 171 1234567"), "0 sip/- +15550101<+491711234567");
    /* anybody else's; another account's; number { "*" } owns nothing */
    ok_str(plan_from(&d, "+15550101", "+15550102"), "13214");
    ok(strstr(d.err.text, "add it to caller_ids of the account in almon.lua:1") != NULL);
    ok_str(plan_from(&d, "+15550101", "+15550177"), "13214");
    ok_str(plan_from(&d, "+15550101", "front-desk"), "13214");
    ok_str(plan_from(&d, "+15550101", "client:bob"), "13214");
    ok_str(plan_from(&d, "+15550101", ""), "13214");
    /* a client is shown numbers and clients */
    ok_str(plan_from(&d, "client:bob", "client:ann"), "0 sip/- client:bob<client:ann");
    ok_str(plan_from(&d, "client:bob", "+15550102"), "0 sip/- client:bob<+15550102");
    ok_str(plan_from(&d, "client:bob", "x y"), "13214");
out:
    desk_down(&d);
}

UNIT(what_a_client_or_a_sip_address_says_of_itself_vouches_for_nothing)
{
    static const struct {
        const char *call_from, *call_to;
        bool from_sip;
    } rows[] = {{"client:eve", "+18005551234", false},
                {"sip:eve@evil.example", "+18005551234", false},
                {"+18005551234", "+18005551234", true}};
    struct desk d;

    ok(desk_up(&d, "route { '*' }\n"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct route_request q = {.to = "+493012345678",
                                  .call_from = rows[i].call_from,
                                  .call_to = rows[i].call_to,
                                  .from_sip = rows[i].from_sip,
                                  .account = &d.config->accounts[0]};

        error_clear(&d.err);
        ok(routes_plan(d.routes, d.config, d.stand.bridge, &q, &d.arena, &d.plan, &d.err) != 0);
        ok_int(d.err.twilio, 13214);
        q.from = "+18005551234";
        ok(routes_plan(d.routes, d.config, d.stand.bridge, &q, &d.arena, &d.plan, &d.err) != 0);
        q.from = "+15550100"; /* owned */
        error_clear(&d.err);
        ok_rc(routes_plan(d.routes, d.config, d.stand.bridge, &q, &d.arena, &d.plan, &d.err),
              &d.err);
    }
out:
    desk_down(&d);
}

UNIT(a_route_may_say_who_calls)
{
    struct desk d;
    char long_id[400];

    ok(desk_up(&d,
               "route { '+49*', caller_id = 'owned' } route { '+43*', caller_id = '+15550100' }\n"
               "route { 'sip:*', caller_id = 'owned' } route { '+4930*', gateway = 'gw' }\n"));
    ok_str(plan_from(&d, "+43112345678", "client:ann"), "0 sip/- +43112345678<+15550100");
    ok_str(plan_from(&d, "+49891234567", "+15550199"), "13214");
    ok_str(plan_from(&d, "+49891234567", "+15550100"), "0 sip/- +49891234567<+15550100");
    ok_str(plan_from(&d, "sip:x@y", "token"), "13214");
    /* a route that this caller id does not suit is passed over */
    ok_str(plan_from(&d, "+4930123456", "+15550199"), "0 gw/- +4930123456<+15550199");
    memset(long_id, '1', sizeof long_id);
    long_id[sizeof long_id - 1] = '\0';
    ok_str(plan_from(&d, "+4930123456", long_id), "13248");
out:
    desk_down(&d);
}

UNIT(clients_are_called_where_they_are_registered)
{
    static const char *const everybody[] = {"*"};
    struct desk d;

    ok(desk_up(&d, "route { 'client:*', gateway = 'sip' }\n"));
    d.stand.gateways[0].terminate = true;
    d.stand.gateways[0].identities = everybody;
    d.stand.gateways[0].n_identities = 1;
    ok(stand_join(&d.stand, "gw", "secret"));
    client_register(d.stand.client, "bob");
    stand_run(&d.stand, 50);
    ok_str(plan(&d, "client:bob"), "0 gw/- client:bob<+15550199, 1 sip/- client:bob<+15550199");
    ok(d.plan.steps[0].link != 0 && d.plan.steps[0].route == -1);
    ok_str(plan(&d, "client:Bob"), "0 sip/- client:Bob<+15550199");
    client_unregister(d.stand.client, "bob");
    stand_run(&d.stand, 50);
    ok_str(plan(&d, "client:bob"), "0 sip/- client:bob<+15550199");
    d.config->n_routes = 0;
    ok_str(plan(&d, "client:bob"), "0");
    ok(d.err.code == ERR_MISSING);
out:
    desk_down(&d);
}

/* --- 10,000 ways to write a number --- */

static uint32_t lots = 20261122;

static uint32_t lot(uint32_t n)
{
    lots = lots * 1664525u + 1013904223u;
    return (lots >> 8) % n;
}

/* Digits as somebody may write them who wants them to pass for something else. */
static void disguise(const char *number, char out[200])
{
    static const char *const before[] = {"", "+", "++", "00", "011", "0", "+ ", "tel:+", "+0", "9"};
    static const char *const between[] = {"",  "",  "",  "-",   " ",
                                          ".", "(", ")", "%20", "\xe2\x80\x8b"};
    static const char *const after[] = {
        "", "", "", ";phone-context=+49", ";ext=1", ",,1", "#1", "@pbx", "*", "\t", "\xd9\xa3"};
    char *at = out + sprintf(out, "%s", before[lot(10)]);

    for (; *number != '\0'; number++)
        at += sprintf(at, "%s%c", between[lot(10)], *number);
    sprintf(at, "%s", after[lot(11)]);
}

static void disguise_in_uri(const char *number, char out[200])
{
    static const char *const hosts[] = {"pbx.example", "PBX.example:5060", "evil.example",
                                        "pbx.example@evil.example", "pbx.example;maddr=192.0.2.1"};
    char plain[100] = "";

    for (char *at = plain; *number != '\0'; number++)
        at += lot(4) == 0 ? sprintf(at, "%%%02X", *number) : sprintf(at, "%c", *number);
    snprintf(out, 200, "%s:%s%s@%s", lot(2) ? "sip" : "sips",
             (const char *const[]){"+", "%2B", "00", "011", "", "+49;x="}[lot(6)], plain,
             hosts[lot(5)]);
}

/* Whatever comes out as a step must be a number of the two countries, and an ordinary one: judged
 * here by the digits that would reach the carrier. */
static bool harmless(const char *to)
{
    static const char *const dear[] = {"1900", "49900", "49137", "49180", NULL};
    const char *digits = to[0] == '+'                 ? to + 1
                         : strncmp(to, "sip", 3) == 0 ? strchr(to, ':') + 1
                                                      : "";
    char plain[300];
    size_t n = 0;

    for (; *digits != '\0' && *digits != '@'; digits++) {
        unsigned hex = 0;

        if (*digits == '%' && sscanf(digits + 1, "%2x", &hex) == 1)
            digits += 2;
        plain[n++] = hex != 0 ? (char)hex : *digits;
    }
    plain[n] = '\0';
    digits = plain[0] == '+' ? plain + 1 : strncmp(plain, "011", 3) == 0 ? plain + 3 : plain;
    digits = strncmp(digits, "00", 2) == 0 ? digits + 2 : digits;
    for (size_t i = 0; dear[i] != NULL; i++)
        if (strncmp(digits, dear[i], strlen(dear[i])) == 0)
            return false;
    if (strstr(to, "evil") != NULL || strstr(to, "maddr") != NULL)
        return false;
    /* an extension of the private exchange, or one of the two countries */
    return strncmp(digits, "49", 2) == 0 || *digits == '1' || (to[0] != '+' && plain[0] != '+');
}

UNIT(of_ten_thousand_disguises_none_escapes)
{
    static const char *const numbers[] = {
        "19005551234",  "882161234567", "883510012345", "870773001234",
        "881612345678", "449012345678", "18765551234",  "12425551234",
        "37190012345",  "252612345678", "4990012345",   "491371234567",
        "5372345678",   "9791234567",   "493012345678", "14155550100",
    };
    struct desk d;
    char text[200];
    unsigned passed = 0;

    ok(desk_up(&d, "account { sid = 'AC1123456789abcdef0123456789abcdef', token = 't',\n"
                   "  countries = { 'US', 'DE' }, caller_ids = '+1555*' }\n"
                   "route { { '*', 'sip:*@pbx.example' } }\n"));
    d.config->accounts++;
    for (int i = 0; i < 10000; i++) {
        const char *number = numbers[lot(16)];

        if (lot(2))
            disguise(number, text);
        else
            disguise_in_uri(number, text);
        arena_free(&d.arena);
        plan(&d, text);
        for (size_t k = 0; k < d.plan.n; k++) {
            passed++;
            if (!harmless(d.plan.steps[k].to))
                fprintf(stderr, "# '%s' is called as %s\n", text, d.plan.steps[k].to);
            ok(harmless(d.plan.steps[k].to));
        }
    }
    ok(passed > 100 && passed < 5000); /* some are what they seem */
    d.config->accounts--;
out:
    desk_down(&d);
}

static int take(struct desk *d, size_t step)
{
    return routes_take(d->routes, d->config, &d->config->accounts[0], &d->plan.steps[step],
                       &d->err);
}

static void give(struct desk *d, size_t step)
{
    routes_give(d->routes, &d->config->accounts[0], &d->plan.steps[step]);
}

UNIT(a_full_route_leaves_the_call_to_the_next)
{
    struct desk d;

    ok(desk_up(&d, "route { '+49*', limit = 2 } route { '*', gateway = 'gw' }\n"));
    ok_str(plan(&d, "+4930123456"), "0 sip/- +4930123456<+15550199, 1 gw/- +4930123456<+15550199");
    ok_rc(take(&d, 0), &d.err);
    ok_rc(take(&d, 0), &d.err);
    ok(take(&d, 0) == ERR_LIMIT);
    ok_int(d.err.twilio, 10004);
    ok(strstr(d.err.text, "the route in almon.lua:5: it has its 2 calls (limit)") != NULL);
    ok_rc(take(&d, 1), &d.err);
    stand_run(&d.stand, 1000);
    give(&d, 0);
    ok_rc(take(&d, 0), &d.err);
    ok(take(&d, 0) == ERR_LIMIT);
    for (int i = 0; i < 3; i++)
        give(&d, i < 2 ? 0 : 1);
out:
    desk_down(&d);
}

/* kill -HUP: calls that began under the old almon.lua still count under the new one. */
UNIT(limits_count_what_runs_also_after_a_reload)
{
    static const char again[] = BASE "-- a line more\nroute { '+49*', limit = 2 }\n";
    struct config *old = NULL;
    struct route_plan before;
    struct desk d;

    ok(desk_up(&d, "route { '+49*', limit = 2 }\n"));
    plan(&d, "+4930123456");
    before = d.plan;
    ok_rc(take(&d, 0), &d.err);
    old = d.config;
    d.config = NULL;
    ok_rc(config_parse(&d.config, again, sizeof again - 1, "almon.lua", NULL, NULL, &d.err),
          &d.err);
    plan(&d, "+4930123456");
    ok_int(d.plan.n, 1);
    ok_rc(take(&d, 0), &d.err);
    ok(take(&d, 0) == ERR_LIMIT);
    routes_give(d.routes, &old->accounts[0], &before.steps[0]);
    ok_rc(take(&d, 0), &d.err);
out:
    config_free(old);
    desk_down(&d);
}

/* A storm of 10,000 attempts makes no call more than the account may have, and each is told why. */
UNIT(an_account_has_a_ceiling_at_once_and_a_second)
{
    struct desk d;
    unsigned made = 0, at_once = 0, a_second = 0;

    ok(desk_up(&d, "route { '*' }\n"));
    plan(&d, "+4930123456");
    ok_int(d.plan.n, 1);
    for (int i = 0; i < 10000; i++) {
        if (take(&d, 0) == 0)
            made++;
        else if (d.err.twilio == 10004)
            at_once++;
        else if (d.err.twilio == 20429)
            a_second++;
        if (i == 4999) {
            ok_int(made, 3); /* calls_per_second, whatever was tried */
            ok(strstr(d.err.text, "calls_per_second in almon.lua:1") != NULL);
            stand_run(&d.stand, 1000);
        }
    }
    ok_int(made, 5); /* max_calls */
    ok(strstr(d.err.text, "its 5 outgoing calls at once (max_calls in almon.lua:1)") != NULL);
    ok_int(at_once + a_second, 9995);
    while (made-- > 0)
        give(&d, 0);
    stand_run(&d.stand, 10000);
    for (made = 0; made < 4 && take(&d, 0) == 0; made++)
        give(&d, 0);
    ok_int(made, 3);
out:
    desk_down(&d);
}

/* Threats S7: what may be spent in a day is a ceiling of its own, and stops within one call. */
UNIT(what_may_be_spent_in_a_day_is_spent_and_no_more)
{
    struct desk d;
    struct route_step first;

    ok(desk_up(&d, "route { '*', minutes_per_day = 10 }\nroute { '+44*', calls_per_day = 2 }\n"));
    plan(&d, "+4930123456");
    ok_int(take(&d, 0), 0);
    first = d.plan.steps[0];
    stand_run(&d.stand, 9 * 60000);
    ok_int(take(&d, 0), 0); /* nine are gone, as far as it runs */
    stand_run(&d.stand, 30000);
    ok_int(take(&d, 0), ERR_LIMIT); /* nine and a half, and a half */
    ok_int(d.err.twilio, 20429);
    ok(strstr(d.err.text, "the route has spent its 10 minutes of today (minutes_per_day in "
                          "almon.lua:5)") != NULL);
    give(&d, 0);
    d.plan.steps[0] = first;
    give(&d, 0);
    ok_int(take(&d, 0), ERR_LIMIT); /* also when they are over */
    stand_run(&d.stand, 24 * 3600000);
    ok_rc(take(&d, 0), &d.err);
    give(&d, 0);

    plan(&d, "+442071234567");
    ok_int(d.plan.n, 2);
    for (int i = 0; i < 2; i++) {
        ok_int(take(&d, 0), 0);
        give(&d, 0);
    }
    ok_int(take(&d, 0), ERR_LIMIT);
    ok(strstr(d.err.text, "its 2 calls of today (calls_per_day in almon.lua:6)") != NULL);
    stand_run(&d.stand, 1000);
    ok_rc(take(&d, 1), &d.err); /* another route has room */
    give(&d, 1);
out:
    desk_down(&d);
}

static void report(int line, const char *text, void *arg)
{
    (void)line;
    str_addf(arg, "%s\n", text);
}

UNIT(mistakes_in_routes_are_told_with_their_line)
{
    static const char text[] =
        BASE "route { '+49*', gateway = 'spi' }\n"
             "route { '+49*', trunk = 'carier' }\n"
             "route { '49 30', caller_id = 'mine' }\n"
             "route { { '+49*', '*4' } }\n"
             "route { gateway = 'gw' }\n"
             "route { 'sip:*@*' }\n"
             "route { 'client:a*b' }\n"
             "account { sid = 'AC1123456789abcdef0123456789abcdef', token = 't',\n"
             "  countries = { 'DE', 'Germany' }, caller_ids = '*' }\n"
             "gateway { name = 'out', token = 't', terminate = false }\n"
             "route { '+1*', gateway = 'out' }\n";
    struct config *c = NULL;
    struct str said = STR_INIT(8192);
    struct error err = {0};

    ok(config_parse(&c, text, sizeof text - 1, "almon.lua", report, &said, &err) != 0);
    if (err.code == ERR_NOMEM)
        goto out;
    ok_str(
        str_text(&said),
        "almon.lua:5: route: no gateway is called 'spi'; write gateway { name = \"spi\", token = "
        "\"…\" }, or another name here\n"
        "almon.lua:6: route: no trunk is called 'carier' in this file\n"
        "almon.lua:7: route: caller_id must be keep, owned, or a number as +15550100, not "
        "'mine'\n"
        "almon.lua:7: route: pattern must be as '+49*', '*', '101', 'sip:*@example.com', 'sip:*' "
        "or 'client:*', not '49 30'\n"
        "almon.lua:8: route: pattern must be as '+49*', '*', '101', 'sip:*@example.com', 'sip:*' "
        "or 'client:*', not '*4'\n"
        "almon.lua:9: route: 'pattern' is missing; write route { \"…\", … }\n"
        "almon.lua:10: route: pattern must be as '+49*', '*', '101', 'sip:*@example.com', "
        "'sip:*' or 'client:*', not 'sip:*@*'\n"
        "almon.lua:11: route: pattern must be as '+49*', '*', '101', 'sip:*@example.com', "
        "'sip:*' or 'client:*', not 'client:a*b'\n"
        "almon.lua:13: account: caller_ids must be a number as +15550100, perhaps with * at its "
        "end, not '*'\n"
        "almon.lua:13: account: countries must be a country's two letters, as DE, or a beginning "
        "as +49, not 'Germany'\n"
        "almon.lua:15: route: gateway 'out' takes no calls: its terminate is false\n");
out:
    str_free(&said);
    config_free(c);
}

UNIT_MAIN(CASE(without_a_route_nothing_outside_is_called),
          CASE(the_closest_route_is_tried_first_then_the_order_of_the_file),
          CASE(a_route_without_a_trunk_means_all_trunks_of_the_sip_gateway_in_their_order),
          CASE(a_byoc_trunk_is_the_only_way), CASE(numbers_are_read_as_people_write_them),
          CASE(addresses_that_hide_something_are_no_addresses),
          CASE(sip_addresses_go_where_their_host_may_be_called),
          CASE(dear_numbers_are_not_called_unless_named),
          CASE(only_the_accounts_countries_are_called),
          CASE(countries_are_told_by_the_longest_prefix), CASE(a_caller_is_shown_who_may_be_shown),
          CASE(what_a_client_or_a_sip_address_says_of_itself_vouches_for_nothing),
          CASE(a_route_may_say_who_calls), CASE(clients_are_called_where_they_are_registered),
          NO_TORTURE(of_ten_thousand_disguises_none_escapes),
          CASE(a_full_route_leaves_the_call_to_the_next),
          CASE(limits_count_what_runs_also_after_a_reload),
          CASE(an_account_has_a_ceiling_at_once_and_a_second),
          CASE(what_may_be_spent_in_a_day_is_spent_and_no_more),
          CASE(mistakes_in_routes_are_told_with_their_line))
