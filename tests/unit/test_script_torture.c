/* A call into a handler while memory runs out at every place in turn: it may end early, but it
 * ends, and nothing is lost. */
#include "base/disk.h"
#include "script/script.h"
#include "sim/sim.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>

#define CRM "http://crm.test/who"

static const char *const files[][2] = {
    {"flow.lua", "local words = require 'words'\n"
                 "local json, kv, http = require 'json', require 'kv', require 'http'\n"
                 "return function(call)\n"
                 "  call:on_hangup(function() print('over', call.status) end)\n"
                 "  call:pause(1)\n"
                 "  local got = call:gather{numDigits = 1, timeout = 2, {pause = 1}}\n"
                 "  kv.set('digits', {got.digits or 'none'}, '1h')\n"
                 "  local co = coroutine.wrap(function() coroutine.yield(kv.get('digits')) end)\n"
                 "  print(json.encode(co()), words.list(), pcall(error, 'x'))\n"
                 "  print(http.post('" CRM "', {json = {a = 1}}))\n"
                 "  call:run('<Response><Pause length=\"1\"/></Response>')\n"
                 "  call:redirect('last.xml')\n"
                 "end\n"},
    {"words.lua",
     "local t = {} for w in ('b a c'):gmatch('%a') do t[#t + 1] = w end\n"
     "table.sort(t) local M = {}\n"
     "function M.list() return (table.concat(t, ' '):gsub('a', '%0%0')) end return M\n"},
    {"last.xml", "<Response><Lua>call:pause(1) x.y = 1</Lua></Response>"},
    {"sorry.xml", "<Response><Pause length=\"{{ 1 + 1 }}\"/><Hangup/></Response>"},
};

static void write_files(const char *folder)
{
    char path[400];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, files[i][0]);
        f = fopen(path, "w");
        if (f == NULL)
            continue;
        fputs(files[i][1], f);
        fclose(f);
    }
}

static bool is_over(void *arg)
{
    return sim_caller_is_over(arg);
}

static int one_call(struct sim *s, struct error *err)
{
    static const struct offer offer = {
        .from = "+15550199", .to = "+15550100", .codec = CODEC_PCMU, .dtmf_events = true};
    struct sim_caller *caller;
    int rc = sim_call(s, &offer, &caller, err);

    if (rc != 0)
        return rc;
    sim_run(s, 1500, is_over, caller);
    sim_caller_press(caller, "1");
    sim_run(s, 120 * 1000, is_over, caller);
    if (!sim_caller_is_over(caller))
        return error_set(err, ERR_WRONG_STATE, "the call does not end");
    return 0;
}

UNIT(a_handlers_call_ends_and_nothing_stays_behind)
{
    struct sim_options o = {
        .config = "number { '+1555*', voice = 'flow.lua', voice_fallback = 'sorry.xml' }",
        .speech = "build/test-speech",
        .seed = 1,
        .verbs = verb_table,
        .handlers = &script_handlers,
    };
    char folder[300], path[320];
    struct sim *s = NULL;
    struct error err = {0};

    snprintf(folder, sizeof folder, "%s/sim", unit_folder());
    snprintf(path, sizeof path, "%s/almon.lua", folder);
    o.folder = folder;
    o.path = path;
    ok_rc(sim_new(&s, &o, &err), &err);
    write_files(folder);
    ok_rc(sim_web(s, &(struct sim_answer){.url = CRM, .body = "{}"}, &err), &err);
    ok_rc(one_call(s, &err), &err);
    ok(sim_settles(s));
out:
    sim_free(s);
    sim_remove_folder(folder);
}

UNIT_MAIN(CASE(a_handlers_call_ends_and_nothing_stays_behind))
