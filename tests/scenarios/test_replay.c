/* A past call runs again as it did: what it drew by lot and the time of day are in its journal. */
#include "base/str.h"
#include "sim/past.h"
#include "sim/replay.h"
#include "sim/scenario.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include "script/script.h"
#include <stdio.h>
#include <string.h>

#define FILE_FLOW "number { '+1555*', voice = 'flow.lua' }"
#define DEAD_WEB  "number { '+1555*', voice = 'http://app.test/dead', voice_fallback = 'flow.lua' }"

static bool test_good;
static char test_why[2000];

static void test_over(const struct scenario_result *result, void *arg)
{
    (void)arg;
    test_good = result->good;
    snprintf(test_why, sizeof test_why, "%s", result->why);
}

/* The call as a scenario, which is run; "" when it passes. */
static const char *as_test(struct rig *r, const struct past *past, const char *folder)
{
    static char told[12000];
    struct str out = STR_INIT(1 << 20);
    struct error err = {0};
    char path[300];
    const struct scenario_options o = {.path = path,
                                       .folder = folder,
                                       .speech = "build/test-speech",
                                       .seed = 77,
                                       .verbs = verb_table,
                                       .done = test_over};

    snprintf(path, sizeof path, "%s/retold_test.lua", rig_folder(r));
    retell(past, &out);
    rig_file(r, "retold_test.lua", str_text(&out));
    test_good = false;
    if (scenario_run_file(&o, &err) != 0)
        snprintf(told, sizeof told, "%s\n%s", err.text, str_text(&out));
    else
        snprintf(told, sizeof told, "%s\n%s", test_why, str_text(&out));
    str_free(&out);
    return test_good ? "" : told;
}

/* Replays the last of two calls into this flow, the one three hours after the other, and runs it
 * as the scenario that is told of it; "" when it went the same way, else what differed. */
static const char *difference(const char *config, const char *flow)
{
    static char told[16000];
    struct rig *r = rig_new(config);
    struct str out = STR_INIT(1 << 20);
    struct past *past = NULL;
    struct error err = {0};
    char folder[300], *one = NULL, *two = NULL;
    const struct replay_options o = {.folder = folder,
                                     .speech = "build/test-speech",
                                     .verbs = verb_table,
                                     .handlers = &script_handlers};

    if (r == NULL)
        return "no rig";
    rig_file(r, "flow.lua", flow);
    rig_web(r, "http://app.test/lua", "<Response><Say>{{ From }}</Say></Response>");
    snprintf(folder, sizeof folder, "%s/replay", unit_folder());
    for (int i = 0; i < 2; i++) {
        rig_text_free(one);
        one = rig_journal_text(r);
        rig_call(r, "+15550100", "+15550199");
        rig_ends(r);
        rig_settles(r);
        if (i == 0)
            rig_waits(r, 3 * 3600 * 1000);
    }
    two = rig_journal_text(r);
    if (past_parse(&past, two + strlen(one), strlen(two) - strlen(one), &err) != 0 ||
        replay_run(past, &o, &out, &err) != 0)
        snprintf(told, sizeof told, "%s", err.text);
    else
        snprintf(told, sizeof told, "%s%s", str_text(&out), as_test(r, past, folder));
    past_free(past);
    str_free(&out);
    rig_text_free(one);
    rig_text_free(two);
    rig_free(r);
    return told;
}

UNIT(what_was_drawn_by_lot_is_drawn_again)
{
    ok_str(difference(FILE_FLOW, "return function(call)\n"
                                 "  call:say('Number ' .. math.random(1000000) .. '.')\n"
                                 "end\n"),
           "");
out:;
}

UNIT(it_is_as_late_as_it_was)
{
    ok_str(
        difference(
            FILE_FLOW,
            "local hours = require 'hours'\n"
            "return function(call)\n"
            "  call:say(hours.open{zone = 'UTC', ['mon-sun'] = '2-4'} and 'Open.' or 'Closed.')\n"
            "end\n"),
        "");
out:;
}

UNIT(a_fallback_that_is_a_file_is_fallen_back_to)
{
    ok_str(difference(DEAD_WEB, "return function(call) call:say('Sorry.') end\n"), "");
out:;
}

UNIT(what_earlier_calls_kept_is_there_again)
{
    ok_str(difference(FILE_FLOW,
                      "local kv = require 'kv'\n"
                      "return function(call)\n"
                      "  local seen = kv.get('seen', { times = 0, who = 'no one' })\n"
                      "  call:say('You called ' .. seen.times .. ' times, ' .. seen.who .. '.')\n"
                      "  call:say('Number ' .. kv.increment('n') .. '.')\n"
                      "  for _, row in ipairs(kv.list('row/')) do\n"
                      "    call:say('Row ' .. row.key .. ' ' .. tostring(row.value) .. '.')\n"
                      "  end\n"
                      "  kv.set('row/' .. seen.times, seen.times + 0.5)\n"
                      "  kv.set('row/x', '12')\n"
                      "  if kv.delete('once') then call:say('Again.') end\n"
                      "  kv.set('once', true)\n"
                      "  kv.set('seen', { times = seen.times + 1, who = call.from })\n"
                      "end\n"),
           "");
out:;
}

UNIT(the_settings_of_then_hold_again)
{
    ok_str(difference("speech { voice = 'woman' } limits { documents_per_call = 3 } "
                      "recordings { empty_falls_through = true } " FILE_FLOW,
                      "return function(call)\n"
                      "  call:record{ timeout = 2, action = 'flow.lua#got' }\n"
                      "  for i = 1, 4 do call:run('<Response><Say>' .. i .. '</Say></Response>') "
                      "end\n"
                      "end\n"
                      "function got(call) call:say('Thank you.') end\n"),
           "");
    ok_str(difference("number { '+1555*', voice = 'http://app.test/lua', lua_in_webhooks = true }",
                      ""),
           "");
out:;
}

UNIT_MAIN(NO_TORTURE(what_was_drawn_by_lot_is_drawn_again), NO_TORTURE(it_is_as_late_as_it_was),
          NO_TORTURE(a_fallback_that_is_a_file_is_fallen_back_to),
          NO_TORTURE(what_earlier_calls_kept_is_there_again),
          NO_TORTURE(the_settings_of_then_hold_again))
