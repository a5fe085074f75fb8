/* Flows that would run up a bill: what leaves the exchange is what almon.lua allows, and each
 * refusal is one line that says so (threats.md S7, D7). Everything goes through the whole exchange;
 * the rules themselves are tested in tests/unit/test_route.c. */
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

#define ACCOUNT_2 "AC00000000000000000000000000000002"
#define VOICE     "http://app.test/voice"

/* Numbers of an account with these ceilings, and the route to Germany. */
#define CONFIG(more)                                                                               \
    "account { sid = '" ACCOUNT_2 "', token = 'x', caller_ids = '+1555*', " more " }\n"            \
    "number { '+1555*', voice = '" VOICE "', account = '" ACCOUNT_2 "' }\n"                        \
    "route { { '+49*', 'sip:*@pbx.example' }, gateway = 'local', limit = 50 }\n"

static struct sim_callee *everybody(struct rig *r, const char *address)
{
    struct sim_manner m = {
        .address = address, .rings_ms = 100, .answers_ms = 1000, .refuses_ms = -1};

    return rig_callee(r, &m);
}

static size_t called(const struct sim_callee *c)
{
    size_t n = 0;

    while (sim_callee_call(c, n) != NULL)
        n++;
    return n;
}

/* Ten numbers rung at once by each of 40 calls within a second: 400 attempts. */
UNIT(a_storm_of_dials_makes_no_more_calls_than_the_account_may)
{
    struct rig *r = rig_new(CONFIG("max_calls = 100, calls_per_second = 15"));
    struct sim_callee *germany = NULL;
    char caller[20], markup[2000] = "<Response><Dial>";

    ok(r != NULL);
    for (int i = 0; i < 10; i++)
        sprintf(markup + strlen(markup), "<Number>+49301234%03d</Number>", i);
    strcat(markup, "</Dial><Say>Sorry.</Say></Response>");
    rig_web(r, VOICE, markup);
    germany = everybody(r, "+49*");
    ok(germany != NULL);
    for (int i = 0; i < 40; i++) {
        sprintf(caller, "+1555900%04d", i);
        rig_call(r, "+15550100", caller);
        rig_waits(r, 20);
    }
    ok(called(germany) <= 15 + 15); /* a second's worth at once, and what the second added */
    ok(called(germany) >= 15);
    /* each that was not made is told once, with the line to change */
    ok_int(rig_journal(r, "warn", "is not called: ") + (int)called(germany), 400);
    ok(rig_journal(r, "warn", "calls_per_second in ") >= 300);
    ok(rig_hears(r, "Sorry."));
    rig_waits(r, 60000);
    ok(called(germany) <= 15 + 15);
out:
    rig_free(r);
}

UNIT(calls_at_once_are_bounded_however_slowly_they_begin)
{
    struct rig *r = rig_new(CONFIG("max_calls = 3"));
    struct sim_callee *germany = NULL;
    char caller[20];

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Dial><Number>+4930123456</Number></Dial><Say>Sorry.</Say></Response>");
    germany = everybody(r, "+49*");
    ok(germany != NULL);
    for (int i = 0; i < 10; i++) {
        sprintf(caller, "+1555900%04d", i);
        rig_call(r, "+15550100", caller);
        rig_waits(r, 3000);
    }
    ok_int(called(germany), 3);
    ok_int(rig_journal(r, "warn", "its 3 outgoing calls at once (max_calls in "), 7);
    /* and they can be made again when others are over */
    sim_caller_hangup(sim_callee_call(germany, 0));
    rig_waits(r, 3000);
    rig_call(r, "+15550100", "+15559009999");
    rig_waits(r, 3000);
    ok_int(called(germany), 4);
out:
    rig_free(r);
}

/* Whatever a document asks for, nobody but the two that are allowed is ever offered a call. */
UNIT(nothing_gets_past_the_routes_and_the_countries)
{
    static const char *const nouns[] = {
        "<Number>+882161234567</Number>",
        "<Number>+19005551234</Number>",
        "<Number>900-555-1234</Number>",
        "<Number>+18765551234</Number>",
        "<Number>0044900123456</Number>",
        "<Number>011882161234567</Number>",
        "<Number>+49301234567;phone-context=+1900</Number>",
        "<Number>tel:+19005551234</Number>",
        "<Number>112</Number>",
        "<Number>+33123456789</Number>",
        "<Number byoc=\"other\">+49301234567</Number>",
        "<Sip>sip:+19005551234@pbx.example</Sip>",
        "<Sip>sip:%2B19005551234@pbx.example</Sip>",
        "<Sip>sip:bob@evil.example</Sip>",
        "<Sip>sip:bob@pbx.example@evil.example</Sip>",
        "<Sip>sip:bob@pbx.example;maddr=192.0.2.1</Sip>",
        "<Sip>sip:bob%40evil.example@pbx.example</Sip>",
        "<Client>nobody</Client>",
    };
    struct rig *r = rig_new(CONFIG("countries = { 'DE', 'FR' }"));
    struct sim_callee *numbers = NULL, *addresses = NULL;
    static char markup[sizeof nouns / sizeof *nouns][300];

    ok(r != NULL);
    numbers = everybody(r, "+*");
    addresses = everybody(r, "sip:*");
    ok(numbers != NULL && addresses != NULL);
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++) {
        snprintf(markup[i], sizeof markup[i],
                 "<Response><Dial timeout=\"5\">%s</Dial><Say>Sorry.</Say></Response>", nouns[i]);
        rig_web(r, VOICE, markup[i]);
        rig_call(r, "+15550100", "+15550199");
        if (!rig_hears(r, "Sorry.") || called(numbers) + called(addresses) > 0)
            fprintf(stderr, "# %s\n", nouns[i]);
        ok_int(called(numbers) + called(addresses), 0);
        ok(rig_journal(r, "warn", NULL) >= (int)i + 1);
        ok(rig_ends(r) >= 0);
    }
out:
    rig_free(r);
}

UNIT(a_call_that_is_passed_on_for_ever_stops_at_ten)
{
    struct rig *r = rig_new(CONFIG(""));
    struct sim_callee *germany = NULL;
    const char *params[] = {"SipHeader_X-Almon-Hops", "9", NULL};
    struct offer o = {
        .to = "+15550100", .from = "+15550199", .dtmf_events = true, .params = params};
    const struct offer *out;

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Dial "
            "timeout=\"5\"><Number>+4930123456</Number></Dial><Say>Sorry.</Say></Response>");
    germany = everybody(r, "+49*");
    ok(germany != NULL);
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 3000);
    ok_int(called(germany), 1);
    out = sim_caller_offer(sim_callee_call(germany, 0));
    ok(out->params != NULL);
    ok_str(out->params[0], params[0]);
    ok_str(out->params[1], "1");
    rig_call_as(r, &o);
    rig_waits(r, 3000);
    ok_int(called(germany), 2);
    ok_str(sim_caller_offer(sim_callee_call(germany, 1))->params[1], "10");
    params[1] = "10";
    rig_call_as(r, &o);
    ok(rig_hears(r, "Sorry."));
    ok_int(called(germany), 2);
    ok_int(rig_journal(r, "warn", "passed on 10 times already"), 1);
out:
    rig_free(r);
}

UNIT_MAIN(CASE(a_storm_of_dials_makes_no_more_calls_than_the_account_may),
          CASE(calls_at_once_are_bounded_however_slowly_they_begin),
          CASE(nothing_gets_past_the_routes_and_the_countries),
          CASE(a_call_that_is_passed_on_for_ever_stops_at_ten))
