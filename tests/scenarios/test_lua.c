/* The verbs through the other door: handlers in Lua. Each scenario is one that documents have too.
 */
#include "base/str.h"
#include "session/runtime.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include <string.h>

#define AFTER "http://app.test/after"
static const char config[] =
    "number { '+1555*', voice = 'flow.lua', voice_fallback = 'sorry.xml' }\n"
    "number { '+1666', voice = 'flow.lua#second' }\n";

/* A call into a handler whose body is `text`. */
static struct rig *lua(const char *text)
{
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    rig_file(r, "flow.lua", text);
    rig_file(r, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    return r;
}

#define HANDLER(body) "return function(call)\n" body "\nend\n"

UNIT(a_handler_speaks_and_hangs_up)
{
    struct rig *r = lua(HANDLER("call:say('Hello.') call:say{'Again.', loop = 2} call:hangup()"));

    ok(r != NULL);
    ok(rig_hears(r, "Hello."));
    ok(rig_hears(r, "Again."));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "error", NULL), 0);
    ok_int(rig_journal(r, "verb_end", "\"done\""), 2);
    ok_int(rig_journal(r, "verb", "\"line\":2"), 3);
out:
    rig_free(r);
}

UNIT(gather_gives_its_digits)
{
    struct rig *r =
        lua(HANDLER("local got = call:gather{numDigits = 4, timeout = 5, say = 'PIN?'}\n"
                    "call:say('You typed ' .. got.digits .. '.')"));

    ok(r != NULL);
    ok(rig_hears(r, "PIN?"));
    rig_press(r, "1234");
    ok(rig_hears(r, "You typed 1234."));
    ok(rig_ends(r) >= 0);
out:
    rig_free(r);
}

UNIT(the_rules_of_an_element_hold_for_handlers_too)
{
    struct rig *r = lua(HANDLER("for i = 1, 3 do\n"
                                "call:gather{ timeout = 1, { play = { digits = '12' } } }\n"
                                "end\n"
                                "call:play{}"));

    ok(r != NULL);
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "warn", "13320"), 1); /* once, not three times */
    ok_int(rig_journal(r, "warn", "digits cannot be played inside <Gather>"), 1);
    ok_int(rig_journal(r, "warn", "flow.lua:3\""), 1);
    ok_int(rig_journal(r, "warn", "<Play> has nothing to play"), 1);
out:
    rig_free(r);
}

UNIT(gather_without_digits_gives_none)
{
    struct rig *r =
        lua(HANDLER("local got = call:gather{timeout = 3, {say = 'One.'}, {pause = 2}}\n"
                    "call:say(tostring(got.digits))"));
    int64_t before;

    ok(r != NULL);
    ok(rig_hears(r, "One."));
    before = rig_now(r);
    ok(rig_hears_start(r, "nil"));
    ok(rig_now(r) - before >= 5000 && rig_now(r) - before < 5200);
out:
    rig_free(r);
}

UNIT(record_gives_the_recording)
{
    struct rig *r = lua(HANDLER("local got = call:record{maxLength = 2, playBeep = false}\n"
                                "call:say(got.recordingSid:sub(1, 2) .. got.recordingDuration)"));

    ok(r != NULL);
    rig_sends(r, 2);
    ok(rig_hears(r, "RE2"));
out:
    rig_free(r);
}

UNIT(an_action_goes_to_its_document)
{
    struct rig *r = lua(HANDLER("call:gather{numDigits = 1, action = 'next.xml'}\n"
                                "call:say('Nothing.')"));

    ok(r != NULL);
    rig_file(r, "next.xml", "<Response><Say>Next.</Say></Response>");
    rig_press(r, "1");
    ok(rig_hears(r, "Next."));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "say", NULL), 1);
out:
    rig_free(r);
}

UNIT(redirect_leads_to_another_function)
{
    struct rig *r = lua("function main(call) call:redirect('flow.lua#second') end\n"
                        "function second(call) call:say('Second, ' .. call.from) end\n");

    ok(r != NULL);
    ok(rig_hears(r, "Second, +15550199"));
    ok(rig_ends(r) >= 0);
    rig_call(r, "+1666", "+15550199");
    ok(rig_hears(r, "Second, +15550199"));
out:
    rig_free(r);
}

UNIT(redirect_takes_a_document)
{
    struct rig *r = lua(HANDLER("call:redirect('<Response><Say>There.</Say></Response>')"));

    ok(r != NULL);
    ok(rig_hears(r, "There."));
    ok(rig_ends(r) >= 0);
out:
    rig_free(r);
}

UNIT(markup_runs_and_comes_back)
{
    struct rig *r =
        lua(HANDLER("call:run('<Response><Say>In.</Say></Response>') call:say('Out.')"));

    ok(r != NULL);
    ok(rig_hears(r, "In."));
    ok(rig_hears(r, "Out."));
    ok(rig_ends(r) >= 0);
out:
    rig_free(r);
}

UNIT(an_action_may_be_a_handler)
{
    struct rig *r = rig_new("number { '+1555*', voice = 'menu.xml' }");

    ok(r != NULL);
    rig_file(r, "menu.xml", "<Response><Gather numDigits=\"1\" action=\"got.lua\"/></Response>");
    rig_file(r, "got.lua", "return function(call) call:say('Key ' .. call.params.Digits) end");
    rig_call(r, "+15550100", "+15550199");
    rig_press(r, "7");
    ok(rig_hears(r, "Key 7"));
    ok(rig_ends(r) >= 0);
out:
    rig_free(r);
}

UNIT(a_live_call_can_be_given_a_handler)
{
    struct rig *r = lua(HANDLER("call:answer() call:pause(600) print('never')"));
    struct error err = {0};

    ok(r != NULL);
    rig_file(r, "other.lua", "function second(call) call:say('Other.') end");
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), "other.lua#second", &err), &err);
    ok(rig_hears(r, "Other."));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "log", "never"), 0);
out:
    rig_free(r);
}

UNIT(a_changed_file_holds_for_the_next_call)
{
    struct rig *r = lua(HANDLER("call:say('Old.') call:pause(1) call:say('Still old.')"));

    ok(r != NULL);
    ok(rig_hears(r, "Old."));
    rig_file(r, "flow.lua", HANDLER("call:say('New.')"));
    ok(rig_hears(r, "Still old."));
    ok(rig_ends(r) >= 0);
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "New."));
out:
    rig_free(r);
}

UNIT(verbs_of_later_versions_say_so)
{
    struct rig *r = lua(HANDLER("print(tostring(call:pay{})) call:say('On.')"));

    ok(r != NULL);
    ok(rig_hears(r, "On."));
    ok_int(rig_journal(r, "warn", "<Pay> is not in this version"), 1);
out:
    rig_free(r);
}

UNIT(echo_reject_and_play_are_there)
{
    struct rig *r = lua(HANDLER("call:play{digits = '12'} call:reject{reason = 'busy'}"));

    ok(r != NULL);
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "digits", "12"), 1);
    r = rig_free(r);
    r = lua(HANDLER("call:reject('busy')"));
    ok(r != NULL);
    ok_int(rig_ends(r), CAUSE_BUSY);
    ok(!rig_is_answered(r));
    r = rig_free(r);
    r = lua(HANDLER("call:echo()"));
    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 1000);
    ok(rig_frames_within(r, 500) > 20);
out:
    rig_free(r);
}

UNIT(a_hangup_ends_the_handler_where_it_stands)
{
    struct rig *r = lua(HANDLER("call:on_hangup(function() print('gone', call.status) end)\n"
                                "call:answer() call:pause(60)\nprint('never')"));

    ok(r != NULL);
    rig_waits(r, 1000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "log", "gone completed"), 1);
    ok_int(rig_journal(r, "log", "never"), 0);
out:
    rig_free(r);
}

UNIT(no_verb_runs_after_the_hangup)
{
    struct rig *r = lua(HANDLER("call:on_hangup(function() call:say('Boo.') end) call:hangup()"));

    ok(r != NULL);
    ok(rig_ends(r) >= 0);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "error", "the call is over"), 1);
    ok_int(rig_journal(r, "say", NULL), 0);
out:
    rig_free(r);
}

UNIT(one_function_for_the_hangup_that_breaks_leaves_the_others)
{
    struct rig *r = lua(HANDLER("call:on_hangup(function() error('first') end)\n"
                                "call:on_hangup(function() require('kv').set('a', 1) error{} end)\n"
                                "call:on_hangup(function() print('third ran') end)"));

    ok(r != NULL);
    ok(rig_ends(r) >= 0);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "log", "third ran"), 1);
    ok_int(rig_journal(r, "error", "flow.lua:2: first"), 1);
out:
    rig_free(r);
}

/* --- Lua in documents --- */

static const char web_config[] = "number { '+1555*', voice = 'http://app.test/voice' }\n"
                                 "number { '+1666', voice = 'http://app.test/voice', "
                                 "lua_in_webhooks = true }\n";

/* A call into a file of markup. */
static struct rig *markup(const char *text)
{
    struct rig *r =
        rig_new("number { '+1555*', voice = 'flow.xml', voice_fallback = 'sorry.xml' }\n");

    if (r == NULL)
        return NULL;
    rig_file(r, "flow.xml", text);
    rig_file(r, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    return r;
}

UNIT(lua_runs_within_a_document)
{
    struct rig *r = markup("<Response><Say>One.</Say>\n<Lua>\n"
                           "local got = call:gather{numDigits = 1, say = 'Two?'}\n"
                           "call:say('Key ' .. got.digits) n = 3</Lua>\n"
                           "<Lua>call:say(n .. '.')</Lua><Say>Four.</Say></Response>");

    ok(r != NULL);
    ok(rig_hears(r, "One."));
    ok(rig_hears(r, "Two?"));
    rig_press(r, "5");
    ok(rig_hears(r, "Key 5"));
    ok(rig_hears(r, "3."));
    ok(rig_hears(r, "Four."));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "verb", "\"Gather\",\"line\":3"), 1);
    ok_int(rig_journal(r, "error", NULL), 0);
out:
    rig_free(r);
}

UNIT(lua_may_lead_away_from_its_document)
{
    struct rig *r = rig_new("number { '+1555*', voice = 'flow.xml' }");

    ok(r != NULL);
    rig_file(r, "flow.xml",
             "<Response><Lua>call:redirect('next.xml')</Lua><Say>No.</Say></Response>");
    rig_file(r, "next.xml", "<Response><Lua src=\"part.lua#two\"/><Say>Next.</Say></Response>");
    rig_file(r, "part.lua", "function two(call) call:say('Part ' .. call.params.CallStatus) end");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Part ringing"));
    ok(rig_hears(r, "Next."));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "say", NULL), 2);
out:
    rig_free(r);
}

UNIT(a_mistake_in_lua_takes_the_fallback)
{
    struct rig *r = markup("<Response><Say>One.</Say>\n<Lua>\nx.y = 1</Lua></Response>");

    ok(r != NULL);
    ok(rig_hears(r, "One."));
    ok(rig_hears(r, "Sorry."));
    ok_int(rig_journal(r, "error", "flow.xml:3"), 1);
    r = rig_free(r);
    r = markup("<Response><Lua>call:say(</Lua></Response>");
    ok(r != NULL);
    ok(rig_hears(r, "Sorry."));
    ok_int(rig_journal(r, "error", "flow.xml:1"), 1);
out:
    rig_free(r);
}

UNIT(a_webhooks_lua_runs_only_where_the_number_allows_it)
{
    struct rig *r = rig_new(web_config);

    ok(r != NULL);
    rig_web(r, "http://app.test/voice",
            "<Response><Lua>call:say('Lua.')</Lua><Say>From {{ From }}</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "From {{ From }}"));
    ok_int(rig_journal(r, "warn", "lua_in_webhooks"), 1);
    ok(rig_ends(r) >= 0);
    rig_call(r, "+1666", "+15550199");
    ok(rig_hears(r, "Lua."));
    ok(rig_hears(r, "From +15550199"));
out:
    rig_free(r);
}

UNIT(braces_are_filled_in_and_escaped)
{
    struct rig *r = markup("<Response>\n"
                           "<Gather numDigits=\"{{ 1 + 1 }}\" action=\"got.xml\"/></Response>");

    ok(r != NULL);
    rig_file(r, "got.xml",
             "<Response><Say>{{ params.Digits .. ' <Hangup/> & ' .. #From }}</Say></Response>");
    rig_press(r, "12");
    ok(rig_hears(r, "12 <Hangup/> & 9"));
    ok_int(rig_journal(r, "error", NULL), 0);
out:
    rig_free(r);
}

UNIT(mistakes_in_braces_are_errors_of_the_document)
{
    static const char *const texts[][2] = {
        {"<Response>\n<Say>{{ Nope }}</Say></Response>", "flow.xml:2: {{ Nope }} is nothing here"},
        {"<Response>\n\n<Say>{{ 1 + }}</Say></Response>", "flow.xml:3:"},
        {"<Response><Say>{{ {} }}</Say></Response>", "must be a text"},
        {"<Response>\n<Say>{{ From </Say></Response>", "flow.xml:2: {{ without its }}"},
        {"<Response><Say>{{ (function() while true do end end)() }}</Say></Response>",
         "take too long"},
        {"<Response><Say>{{ ('x'):rep(70000) }}</Say></Response>", "larger than"},
    };
    struct rig *r = NULL;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        r = markup(texts[i][0]);
        ok(r != NULL);
        ok(rig_hears(r, "Sorry."));
        ok_int(rig_journal(r, "error", texts[i][1]), 1);
        r = rig_free(r);
    }
out:
    rig_free(r);
}

/* --- modules --- */

UNIT(modules_of_stdlib_are_there)
{
    struct rig *r =
        lua("local json, phone, twiml = require 'json', require 'phone', require 'twiml'\n" HANDLER(
            "print(json.encode{b = {1, 2}, a = 'x\"', c = json.null, d = json.list()})\n"
            "local t = json.decode('{\"n\": [1, 2.5, null, {\"k\": true}]}')\n"
            "print(t.n[1], t.n[2], t.n[3] == json.null, t.n[4].k, json.try_decode('[1'))\n"
            "print(phone.normalise('(202) 555-0143', 'US'), pcall(json.encode, {print}))\n"
            "call:run(twiml.document{twiml.Say{'A & B'}})"));

    ok(r != NULL);
    ok(rig_hears(r, "A & B"));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "log",
                       "{\\\"a\\\":\\\"x\\\\\\\"\\\",\\\"b\\\":[1,2],\\\"c\\\":null,"
                       "\\\"d\\\":[]}"),
           1);
    ok_int(rig_journal(r, "log", "1 2.5 true true nil line 1"), 1);
    ok_int(rig_journal(r, "log", "+12025550143 false"), 1);
    ok_int(rig_journal(r, "error", NULL), 0);
out:
    rig_free(r);
}

UNIT(files_of_the_flows_folder_can_be_required)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_file(r, "flow.lua",
             "local lib = require 'lib.words'\n" HANDLER(
                 "call:say(lib.hello(call.from)) assert(require 'lib.words' == lib)"));
    rig_file(r, "lib/words.lua",
             "local M = {} function M.hello(who) return 'Hello ' .. who end return M");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Hello +15550199"));
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "file", "lib/words.lua"), 1);
    ok_int(rig_journal(r, "error", NULL), 0);
out:
    rig_free(r);
}

UNIT(values_are_kept_from_call_to_call)
{
    struct rig *r = lua("local kv = require 'kv'\n" HANDLER(
        "local n = kv.increment('calls')\n"
        "if n == 1 then kv.set('who', {name = 'Ann'}) end\n"
        "call:say(n .. ' ' .. kv.get('who').name .. ' ' .. tostring(kv.get('none')))"));

    ok(r != NULL);
    ok(rig_hears(r, "1 Ann nil"));
    ok(rig_ends(r) >= 0);
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "2 Ann nil"));
out:
    rig_free(r);
}

UNIT(requests_go_out_while_the_caller_waits)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_answer(r, &(struct rig_answer){.url = "http://crm.test/who",
                                       .body = "{\"name\": \"Ann\"}",
                                       .type = "application/json",
                                       .delay_ms = 700});
    rig_file(r, "flow.lua",
             "local http = require 'http'\n" HANDLER(
                 "local got = http.post('http://crm.test/who', {json = {a = 1}})\n"
                 "local none, why = http.get('http://nowhere.test/')\n"
                 "call:say(got.status .. got.json.name .. tostring(none))"));
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "200Annnil"));
    ok_int(rig_requests(r, "http://crm.test/who"), 1);
    ok_str(rig_method(r, "http://crm.test/who", 0), "POST");
    ok_int(rig_journal(r, "reply", "Ann"), 1);
    ok_int(rig_journal(r, "failure", "nowhere.test"), 1);
out:
    rig_free(r);
}

UNIT(a_hangup_cancels_a_request)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_answer(r, &(struct rig_answer){.url = "http://crm.test/who", .delay_ms = 5000});
    rig_file(
        r, "flow.lua",
        "local http = require 'http'\n" HANDLER("call:answer() http.get('http://crm.test/who')"));
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 1000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok(rig_now(r) < 2000);
out:
    rig_free(r);
}

UNIT(coroutines_of_the_flow_may_wait)
{
    struct rig *r =
        lua(HANDLER("local prompts = coroutine.wrap(function()\n"
                    "  for i = 1, 2 do call:say('Part ' .. i .. '.') coroutine.yield(i) end end)\n"
                    "local ok, n = pcall(prompts) local m = prompts()\n"
                    "call:say('Sum ' .. n + m)"));

    ok(r != NULL);
    ok(rig_hears(r, "Part 1."));
    ok(rig_hears(r, "Part 2."));
    ok(rig_hears(r, "Sum 3"));
out:
    rig_free(r);
}

/* What is ours of Lua's libraries gives what Lua's own gives. */
UNIT(the_libraries_are_those_of_lua)
{
    static const char body[] =
        "local function is(a, b) if a ~= b then error(tostring(a) .. ' is not ' .. tostring(b), 2) "
        "end end\n"
        "local t = {5, 3, 8, 1, 9, 2} table.sort(t) is(table.concat(t, ','), '1,2,3,5,8,9')\n"
        "table.sort(t, function(a, b) return a > b end) is(table.concat(t), '985321')\n"
        "table.insert(t, 1, 7) table.insert(t, 0) is(table.concat(t), '79853210')\n"
        "is(table.remove(t), 0) is(table.remove(t, 1), 7) is(#t, 6) is(table.remove({}), nil)\n"
        "is(table.concat(table.move({1, 2, 3}, 1, 3, 2)), '1123')\n"
        "is(table.concat(table.move({1, 2, 3}, 2, 3, 1)), '233')\n"
        "is(select('#', table.unpack({1, nil, 3}, 1, 3)), 3) is(table.concat({1, 2, 3}, '-', 2, "
        "3), '2-3')\n"
        "is(('hello world'):gsub('o', '0'), 'hell0 w0rld') is(select(2, ('aaa'):gsub('a', 'b', "
        "2)), 2)\n"
        "is(('abc'):gsub('%w', '%0%0'), 'aabbcc') is(('abc'):gsub('', '-'), '-a-b-c-')\n"
        "is(('$a b'):gsub('%$(%w+)', {a = 'x'}), 'x b') is(('ab'):gsub('.', function(c) return c "
        "== 'a' and 1 end), '1b')\n"
        "is(('x = 1, y = 2'):gsub('(%w+) = (%w+)', '%2=%1'), '1=x, 2=y') is(('abc'):gsub('^a', "
        "'x'), 'xbc')\n"
        "local keys = '' for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do keys = keys .. k .. v "
        "end is(keys, 'a1b2')\n"
        "local n = 0 for _ in ('abc'):gmatch('') do n = n + 1 end is(n, 4)\n"
        "is(('a.b'):find('.', 1, true), 2) is(('abc'):find('b', -1), nil) is(('abc'):match('()c'), "
        "3)\n"
        "is(('ab'):rep(3, '-'), 'ab-ab-ab') is(('x'):rep(0), '') is(('%5.1f|%-3s|%d'):format(2.25, "
        "'a', 7), '  2.2|a  |7')\n"
        "local order = '' for k in pairs({b = 1, a = 2, [2] = 3, [1] = 4, [true] = 5}) do order = "
        "order .. tostring(k) end\n"
        "is(order, '12abtrue') is(next({}), nil) is(next({x = 1}), 'x')\n"
        "local m = setmetatable({}, {__pairs = function() return function(_, k) if not k then "
        "return 1, 2 end end end})\n"
        "for k, v in pairs(m) do is(v, 2) end\n"
        "is(select(2, xpcall(error, function(e) return e .. '!' end, 'x')), 'x!') is(pcall(pcall, "
        "error), true)\n"
        "local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) error(b, 0) "
        "end)\n"
        "is(select(2, coroutine.resume(co, 1)), 2) is(select(2, coroutine.resume(co, 'e')), 'e') "
        "is(coroutine.status(co), 'dead')\n"
        "is('5' + 1, 6) is('2.5' * '2', 5.0) is(-'2', -2) is('7' // 2, 3) is(pcall(function() "
        "return "
        "'x' + 1 end), false) is(pcall(function() return {} + '1' end), false)\n"
        "is(require('json').encode{0.1, 19.99, 1e300, 1/3}, "
        "'[0.1,19.99,1e+300,0.3333333333333333]')\n"
        "is(tostring(setmetatable({}, {__tostring = function() return 'me' end})), 'me')\n"
        "call:say('All right.')";
    struct rig *r = rig_new(config);
    struct str text = STR_INIT(20000);

    ok(r != NULL);
    str_addf(&text, "return function(call)\n%s\nend\n", body);
    rig_file(r, "flow.lua", str_text(&text));
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "All right."));
out:
    str_free(&text);
    rig_free(r);
}

/* --- mistakes --- */

/* Runs `text` and expects an error that holds `part`, and the fallback. */
static bool breaks(const char *text, const char *part)
{
    struct rig *r = lua(text);
    bool good = r != NULL && rig_hears(r, "Sorry.") && rig_ends(r) >= 0 && rig_settles(r) &&
                rig_journal(r, "error", part) == 1;

    rig_free(r);
    return good;
}

UNIT(mistakes_name_the_line_and_the_nearest_name)
{
    ok(breaks(HANDLER("call:saay('x')"), "flow.lua:2: call has no 'saay': did you mean 'say'?"));
    ok(breaks(HANDLER("call:gather{numdigits = 1}"), "did you mean 'numDigits'?"));
    ok(breaks(HANDLER("\ncall:gather{numDigits = 'one'}"), "flow.lua:3: call:gather: numDigits="));
    ok(breaks(HANDLER("call:say{voice = {}}"), "call:say"));
    ok(breaks(HANDLER("call.say('x')"), "with a colon"));
out:;
}

UNIT(texts_that_are_no_text_do_no_harm)
{
    struct rig *r;

    ok(breaks("error('a\\xffb' .. ('x'):rep(100000))", "a\xef\xbf\xbd"
                                                       "b"));
    ok(breaks(HANDLER("call:say('\\xc3')"), "must be UTF-8"));
    ok(breaks(HANDLER("call:say('a\\0b')"), "must be UTF-8"));
    ok(breaks(HANDLER("require('json').encode{a = 'x\\xff'}"), "no UTF-8"));
    r = lua(HANDLER("print('\\xff', ('y'):rep(100000)) call:say('On.')"));
    ok(r != NULL && rig_hears(r, "On.") && rig_journal(r, "log", "\xef\xbf\xbd yyy") == 1);
    rig_free(r);
out:;
}

UNIT(require_stays_in_the_folder)
{
    ok(breaks("require 'nothing.here'", "nothing/here.lua"));
    ok(breaks("pcall(require, 'nothing.here') require 'nothing.here'", "nothing/here.lua"));
    ok(breaks("require '../almon'", "no such module"));
    ok(breaks("require '/etc/passwd'", "no such module"));
    ok(breaks("require 'almon.kv'", "for stdlib alone"));
    ok(breaks("pcall(require, 'almon.kv') local ok, why = pcall(require, 'almon.http') error(why)",
              "for stdlib alone"));
    ok(breaks("require 'flow'", "require each other"));
out:;
}

UNIT(modules_in_a_circle_say_so)
{
    struct rig *r = rig_new("number { '+1555*', voice = 'flow.lua' }\n");

    ok(r != NULL);
    rig_file(r, "one.lua", "require 'two' return {}");
    rig_file(r, "two.lua", "require 'one' return {}");
    rig_file(r, "flow.lua", "require 'one'");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_ends(r) >= 0);
    ok_int(rig_journal(r, "error", "in a circle"), 1);
out:
    rig_free(r);
}

UNIT(a_broken_file_takes_the_fallback)
{
    ok(breaks("return function(call", "flow.lua"));
    ok(breaks("x = 1", "no function main"));
    ok(breaks(HANDLER("local x = nil; x.y = 1"), "flow.lua:2"));
    ok(breaks(HANDLER("error('out of order')"), "out of order"));
out:;
}

UNIT_MAIN(CASE(a_handler_speaks_and_hangs_up), CASE(gather_gives_its_digits),
          CASE(the_rules_of_an_element_hold_for_handlers_too),
          CASE(gather_without_digits_gives_none), CASE(record_gives_the_recording),
          CASE(an_action_goes_to_its_document), CASE(redirect_leads_to_another_function),
          CASE(redirect_takes_a_document), CASE(markup_runs_and_comes_back),
          CASE(an_action_may_be_a_handler), CASE(a_hangup_ends_the_handler_where_it_stands),
          CASE(no_verb_runs_after_the_hangup),
          CASE(one_function_for_the_hangup_that_breaks_leaves_the_others),
          CASE(mistakes_name_the_line_and_the_nearest_name), CASE(a_broken_file_takes_the_fallback),
          CASE(modules_of_stdlib_are_there), CASE(files_of_the_flows_folder_can_be_required),
          CASE(values_are_kept_from_call_to_call), CASE(requests_go_out_while_the_caller_waits),
          CASE(a_hangup_cancels_a_request), CASE(coroutines_of_the_flow_may_wait),
          CASE(a_live_call_can_be_given_a_handler), CASE(a_changed_file_holds_for_the_next_call),
          CASE(verbs_of_later_versions_say_so), CASE(echo_reject_and_play_are_there),
          CASE(the_libraries_are_those_of_lua), CASE(texts_that_are_no_text_do_no_harm),
          CASE(require_stays_in_the_folder), CASE(modules_in_a_circle_say_so),
          CASE(lua_runs_within_a_document), CASE(lua_may_lead_away_from_its_document),
          CASE(a_mistake_in_lua_takes_the_fallback),
          CASE(a_webhooks_lua_runs_only_where_the_number_allows_it),
          CASE(braces_are_filled_in_and_escaped),
          CASE(mistakes_in_braces_are_errors_of_the_document))
