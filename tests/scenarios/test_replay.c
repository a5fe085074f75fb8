/* A past call runs again as it did: what it drew by lot and the time of day are in its journal. */
#include "base/str.h"
#include "sim/past.h"
#include "sim/replay.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include "script/script.h"
#include <stdio.h>
#include <string.h>

#define FILE_FLOW "number { '+1555*', voice = 'flow.lua' }"
#define DEAD_WEB  "number { '+1555*', voice = 'http://app.test/dead', voice_fallback = 'flow.lua' }"

/* Replays the last of two calls into this flow, the one three hours after the other; "" when it
 * went the same way, else what differed. */
static const char *difference(const char *config, const char *flow)
{
    static char told[4000];
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
        snprintf(told, sizeof told, "%s", str_text(&out));
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

UNIT_MAIN(NO_TORTURE(what_was_drawn_by_lot_is_drawn_again), NO_TORTURE(it_is_as_late_as_it_was),
          NO_TORTURE(a_fallback_that_is_a_file_is_fallen_back_to))
