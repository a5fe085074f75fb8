/* A past call runs again as it did: what it drew by lot and the time of day are in its journal. */
#include "base/sid.h"
#include "base/str.h"
#include "session/journal.h"
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

/* A journal as an exchange writes it that was started in the folder of its flows. */
static void add_as_if_there(struct str *out, const char *journal, const char *folder)
{
    const char *at;

    for (; (at = strstr(journal, folder)) != NULL; journal = at + strlen(folder)) {
        str_addn(out, journal, (size_t)(at - journal));
        str_addc(out, '.');
    }
    str_add(out, journal);
}

/* Replays the last of two calls into this flow, the one three hours after the other, and runs it
 * as the scenario that is told of it; "" when it went the same way, else what differed. */
static const char *difference_from(const char *config, const char *flow, bool started_there)
{
    static char told[16000];
    struct rig *r = rig_new(config);
    struct str out = STR_INIT(1 << 20), journal = STR_INIT(1 << 20);
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
    if (started_there)
        add_as_if_there(&journal, two + strlen(one), rig_folder(r));
    else
        str_add(&journal, two + strlen(one));
    if (past_parse(&past, str_text(&journal), journal.len, &err) != 0 ||
        replay_run(past, &o, &out, &err) != 0)
        snprintf(told, sizeof told, "%s", err.text);
    else
        snprintf(told, sizeof told, "%s%s", str_text(&out), as_test(r, past, folder));
    past_free(past);
    str_free(&out);
    str_free(&journal);
    rig_text_free(one);
    rig_text_free(two);
    rig_free(r);
    return told;
}

static const char *difference(const char *config, const char *flow)
{
    return difference_from(config, flow, false);
}

UNIT(an_exchange_that_was_started_in_the_folder_of_its_flows)
{
    ok_str(difference_from(FILE_FLOW, "return function(call) call:say('One. Two... e.g. 3.') end\n",
                           true),
           "");
out:;
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

/* --- conferences: the others are not there, but where the caller stood in it is in his journal ---
 */

struct lines {
    char sid[SID_SIZE]; /* of the first that begins */
    struct str text;
};

static void keep_line(const char *sid, const char *line, void *arg)
{
    struct lines *l = arg;

    if (l->sid[0] == '\0' && strstr(line, "\"e\":\"start\"") != NULL)
        str_copy(l->sid, sizeof l->sid, sid);
    if (strcmp(l->sid, sid) == 0)
        str_addf(&l->text, "%s\n", line);
}

static void in_conference(struct rig *r, const char *sid, struct error *err)
{
    const struct runtime_member_change hold = {.held = RUNTIME_ON, .hold_url = "hold.xml"};
    const struct runtime_member_change back = {.held = RUNTIME_OFF};
    const struct runtime_member_change note = {.announce_url = "note.xml"};
    const struct runtime_member_change *const changes[] = {&note, &hold, &note, &back};
    struct runtime *rt = rig_runtime(r);

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        rig_waits(r, 3000);
        runtime_member_change(rt, SIM_ACCOUNT, "Room", sid, changes[i], err);
    }
    rig_waits(r, 3000);
    runtime_room_end(rt, SIM_ACCOUNT, "Room", err);
}

UNIT(a_call_in_a_conference_is_lived_again_alone)
{
    struct rig *r = rig_new("number { '+1555*', voice = 'room.xml' }");
    struct lines lines = {.text = STR_INIT(1 << 20)};
    struct str out = STR_INIT(1 << 20);
    struct past *past = NULL;
    struct journal_watch *watch = NULL;
    struct error err = {0};
    char folder[300];
    const struct replay_options o = {
        .folder = folder, .speech = "build/test-speech", .verbs = verb_table};

    ok(r != NULL);
    snprintf(folder, sizeof folder, "%s/replay", unit_folder());
    rig_file(r, "room.xml",
             "<Response><Dial><Conference waitUrl=\"wait.xml\">Room</Conference></Dial>"
             "<Say>Out.</Say></Response>");
    rig_file(r, "wait.xml", "<Response><Say>Wait.</Say><Pause length=\"9\"/></Response>");
    rig_file(r, "hold.xml", "<Response><Say>On hold.</Say></Response>");
    rig_file(r, "note.xml", "<Response><Say>A note.</Say></Response>");
    watch = journal_watch_new(rig_runtime(r), NULL, keep_line, &lines);
    rig_call(r, "+15550100", "+15550199"); /* he waits … */
    rig_waits(r, 4000);
    rig_call(r, "+15550100", "+15550188"); /* … until another comes */
    in_conference(r, lines.sid, &err);
    ok_int(err.code, 0);
    rig_settles(r);
    ok_rc(past_parse(&past, str_text(&lines.text), lines.text.len, &err), &err);
    ok_rc(replay_run(past, &o, &out, &err), &err);
    ok_str(str_text(&out), "");
out:
    if (r != NULL)
        journal_watch_free(watch);
    past_free(past);
    str_free(&out);
    str_free(&lines.text);
    rig_free(r);
}

UNIT_MAIN(CASE(an_exchange_that_was_started_in_the_folder_of_its_flows),
          NO_TORTURE(what_was_drawn_by_lot_is_drawn_again), NO_TORTURE(it_is_as_late_as_it_was),
          NO_TORTURE(a_fallback_that_is_a_file_is_fallen_back_to),
          NO_TORTURE(what_earlier_calls_kept_is_there_again),
          NO_TORTURE(the_settings_of_then_hold_again),
          NO_TORTURE(a_call_in_a_conference_is_lived_again_alone))
