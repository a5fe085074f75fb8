/* Handlers that mean harm, or are merely wrong: each ends its own call, within its bound, with the
 * fallback, and leaves a line that says where it stood. */
#include "base/mem.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char config[] =
    "number { '+1555*', voice = 'flow.lua', voice_fallback = 'sorry.xml' }\n"
    "number { '+1666', voice = 'good.lua' }\n"
    "limits { lua_memory_kb = 2048 }\n";

enum { MOST_MS = 3000 }; /* far above 50 ms: sanitizers, and machines that are busy */

static int64_t cpu_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct rig *call_into(const char *body)
{
    static char text[4000];
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    snprintf(text, sizeof text, "return function(call)\n%s\ncall:say('Survived.')\nend\n", body);
    rig_file(r, "flow.lua", text);
    rig_file(r, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    return r;
}

/* The first line that the flow logged; rig_text_free() it. */
static char *rig_journal_log(struct rig *r)
{
    char *all = rig_journal_text(r), *at, *line = NULL;

    at = all != NULL ? strstr(all, "\"e\":\"log\"") : NULL;
    if (at != NULL)
        line = mem_strndup(at, strcspn(at, "\n"));
    rig_text_free(all);
    return line;
}

/* The body is ended, within the bound, with an error that holds `part`; then the fallback. */
static bool is_ended(const char *body, const char *part)
{
    int64_t began = cpu_ms();
    struct rig *r = call_into(body);
    bool good = r != NULL && rig_hears(r, "Sorry.") && rig_journal(r, "error", part) == 1;

    if (good && cpu_ms() - began > MOST_MS) {
        fprintf(stderr, "# took %d ms: %s\n", (int)(cpu_ms() - began), body);
        good = false;
    } else if (!good) {
        fprintf(stderr, "# not ended as it should be: %s\n", body);
    }
    rig_free(r);
    return good;
}

UNIT(endless_loops_are_ended)
{
    static const char *const bodies[] = {
        "while true do end",
        "repeat local x = 1 until false",
        "::again:: goto again",
        "while true do pcall(function() while true do end end) end",
        "while true do pcall(error) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) "
        "end",
        "local function f() return pcall(f) end while true do f() end",
        "local co = coroutine.wrap(function() while true do end end) co()",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "while true do local c = coroutine.create(function() while true do coroutine.yield() end "
        "end)"
        " while coroutine.resume(c) do end end",
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end})"
        " pcall(function() return t[1] end) while true do end",
        "local t = setmetatable({}, {__lt = function() while true do end end}) local _ = t < t",
        "local t = setmetatable({}, {__tostring = function() while true do end end}) tostring(t)",
        "local t = setmetatable({}, {__close = function() while true do end end}) "
        "do local x <close> = t end",
        "while true do pcall(function() local x <close> = setmetatable({}, {__close = error}) end) "
        "end",
        "for i = 1, math.huge do end",
        "local s = 'x' while true do s = ('x'):rep(300000):upper() end",
        "local s = ('x'):rep(300000) while true do local t = s .. 'y' end",
        "local t = {} for i = 1, 10000 do t[i] = i end while true do select('#', table.unpack(t)) "
        "end",
        "local t = {} for i = 1, 20000 do t[i] = 'x' end while true do table.concat(t) end",
        "local t = {} for i = 1, 2000 do t[i] = 'x' end while true do for k in pairs(t) do break "
        "end end",
        "local t = {} while true do table.insert(t, 1, 0) end",
        "table.move({}, 1, 1e9 // 1 | 0, 2)",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ok(is_ended(bodies[i], "50 ms"));
out:;
}

/* Functions of C and single instructions whose work grows with a string. */
UNIT(long_strings_cost_what_they_cost)
{
    static const char *const bodies[] = {
        "local s = ('x'):rep(500000) while true do utf8.len(s) end",
        "local s = ('x'):rep(500000) while true do utf8.offset(s, 400000) end",
        "local s = ('x'):rep(500000) while true do utf8.offset(s, -400000) end",
        "local s = ('\\x80'):rep(500000) while true do pcall(utf8.codes(s), s, 0) end",
        "local s = ('1'):rep(500000) while true do tonumber(s) end",
        "local s = ('1'):rep(500000) while true do local _ = s + 1 end",
        "local s = ('z'):rep(500000) while true do pcall(function() return call[s] end) end",
        "local s = ('<'):rep(200000) while true do pcall(call.run, call, s) end",
        "local a, b = ('\\0'):rep(300000), ('\\0'):rep(300000) .. 'b' local t = {}"
        " for i = 1, 1000 do t[i] = i % 2 == 0 and a or b end table.sort(t)",
        "local a, b = ('\\0'):rep(300000), ('\\0'):rep(300000) .. 'b'"
        " while true do local _ = a < b end",
        "local co = coroutine.wrap(function() local a, b = coroutine.yield()"
        "  while true do local _ = a < b end end) co()"
        " co(('\\0'):rep(300000), ('\\0'):rep(300000) .. 'b')",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ok(is_ended(bodies[i], "50 ms"));
out:;
}

UNIT(comparators_and_replacements_cannot_hide_a_loop)
{
    ok(is_ended("table.sort({3, 2, 1}, function() while true do end end)", "50 ms"));
    ok(is_ended("while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
                "50 ms"));
    ok(is_ended("local t = {} for i = 1, 10000 do t[i] = i % 7 end"
                " while true do table.sort(t, function() return true end) end",
                "50 ms"));
    ok(is_ended("('x'):gsub('x', function() while true do end end)", "50 ms"));
    ok(is_ended("while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end",
                "50 ms"));
    ok(is_ended("local s = ('a'):rep(1000) while true do s:gsub('.', {a = 'b'}) end", "50 ms"));
out:;
}

UNIT(patterns_have_a_budget)
{
    ok(is_ended("('a'):rep(600):find('.-.-.-.-b')", "1000000 steps"));
    ok(is_ended("('a'):rep(26):find(('a?'):rep(26) .. ('a'):rep(26) .. 'b')", "1000000 steps"));
    ok(is_ended("while true do pcall(string.find, ('a'):rep(600), '.-.-.-.-b') end",
                "1000000 steps"));
    ok(is_ended("('('):rep(100000):find('%b()')", "1000000 steps"));
    ok(is_ended("local s = ('a'):rep(500000) while true do s:find('b', 1, true) end", "50 ms"));
    ok(is_ended("local set = '[' .. ('b'):rep(100000) .. ']' ('a'):rep(100000):find(set)",
                "1000000 steps"));
out:;
}

UNIT(memory_bombs_are_ended)
{
    static const char *const bodies[] = {
        "local t = {} while true do t[#t + 1] = {} end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end",
        "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
        "local t = {} while true do t[#t + 1] = function() return t end end",
        "local function f(...) return f(1, ...) end f()",
        "local function f() return 1 + f() end f()",
        "local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ok(is_ended(bodies[i], "flow.lua:"));
    ok(is_ended("local bomb = function() local t = {} while true do t[#t + 1] = {} end end"
                " while true do coroutine.resume(coroutine.create(bomb)) end",
                "no more memory"));
    ok(is_ended("('x'):rep(1 << 62)", "larger than"));
    ok(is_ended("(''):rep(1 << 62) local t = {} while true do t[#t + 1] = {} end", NULL));
out:;
}

UNIT(recursion_ends_without_a_crash)
{
    ok(is_ended("local function f() return f() + 1 end f()", "flow.lua:2"));
    ok(is_ended(
        "local t = {} setmetatable(t, {__index = function(_, k) return t[k] end}) local x = t.x",
        "overflow"));
    ok(is_ended("local f f = function() return coroutine.wrap(f)() end f()", "flow.lua"));
    ok(is_ended("local function f() return ('x'):gsub('x', f) end f()", "overflow"));
    ok(is_ended("local function f(a, b) table.sort({2, 1}, f) return true end f()", "overflow"));
    ok(is_ended("local t = setmetatable({}, {}) getmetatable(t).__tostring = tostring tostring(t)",
                "overflow"));
    ok(is_ended("error(setmetatable({}, {__tostring = error}))", "no text"));
    ok(is_ended("('x'):find(('('):rep(300) .. 'x' .. (')'):rep(300))", "too many captures"));
out:;
}

UNIT(lists_that_hold_themselves_are_refused)
{
    ok(is_ended("local t = {} t[1] = t call:gather{ say = t }", "lists in lists"));
    ok(is_ended("local t = {} t[1] = {t} call:gather{ say = t }", "lists in lists"));
    ok(is_ended("local t = {} t[1] = {say = t} call:gather(t)", "call:gather"));
    ok(is_ended("local t = {} for i = 1, 100 do t[i] = false end"
                " for _ = 1, 7 do local u = {} for i = 1, 100 do u[i] = t end t = u end"
                " call:gather{ say = t }",
                "50 ms"));
out:;
}

/* What follows a wait reads its answer: resumed by anyone else it would read what is not there. */
UNIT(a_coroutine_that_waits_is_not_the_flows_to_resume)
{
    static const char *const waits[] = {"require('http').get('http://x.test/')",
                                        "require('kv').get('a')", "require('nothing')",
                                        "call:pause(1)", "call:run('<Response/>')"};
    char body[600];

    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        snprintf(body, sizeof body,
                 "require('http') require('kv')\n"
                 "local co = coroutine.create(function() %s end)\n"
                 "pcall(table.sort, {1, 2}, function() coroutine.resume(co) return true end)\n"
                 "local ok, why = coroutine.resume(co) error(why)",
                 waits[i]);
        ok(is_ended(body, "a coroutine that waits"));
        snprintf(body, sizeof body,
                 "require('http') require('kv')\n"
                 "local go = coroutine.wrap(function() %s end)\n"
                 "pcall(table.sort, {1, 2}, function() go() return true end) go()",
                 waits[i]);
        ok(is_ended(body, "a coroutine that waits"));
    }
out:;
}

UNIT(a_handler_that_was_hung_up_is_not_resumed)
{
    struct rig *r = call_into("local me = coroutine.running()\n"
                              "call:on_hangup(function()\n"
                              "  print('first', coroutine.resume(me))\n"
                              "  require('kv').get('a') print('then', coroutine.resume(me))\n"
                              "end)\n"
                              "call:pause(10)");

    ok(r != NULL);
    rig_waits(r, 2000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "log", "first false"), 1);
    ok_int(rig_journal(r, "log", "then false"), 1);
    ok_int(rig_journal(r, "play", "Survived."), 0);
out:
    rig_free(r);
}

/* --- ways out --- */

UNIT(what_could_lead_out_is_not_there)
{
    static const char *const names[] = {
        "os",      "io",         "debug",           "package",         "dofile",      "loadfile",
        "load",    "loadstring", "collectgarbage",  "module",          "string.dump", "string.pack",
        "getfenv", "setfenv",    "coroutine.close", "math.randomseed", "warn",        "utf8.x"};
    char body[400];
    struct rig *r = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(body, sizeof body, "assert(%s == nil)", names[i]);
        r = call_into(body);
        ok(r != NULL && rig_hears(r, "Survived."));
        r = rig_free(r);
    }
    ok(is_ended("setmetatable({}, {__gc = function() while true do end end})", "__gc"));
    ok(is_ended("getmetatable('').__index = {}", "flow.lua:2"));
    ok(is_ended("setmetatable(call, {})", "protected"));
    ok(is_ended("call.from = 'x'", "cannot be written"));
    ok(is_ended("print(string.format('%p', {}))", "%p"));
out:
    rig_free(r);
}

/* A byte 0 in a name ended it for the check, and began another header behind it. */
UNIT(a_header_cannot_hide_another)
{
    ok(is_ended(
        "require('http').get('http://x.test/', { headers = { ['A\\0Host'] = 'x', B = 'y' } })",
        "no name of a header"));
    ok(is_ended("require('http').get('http://x.test/', { headers = { Host = 'x' } })",
                "cannot be set"));
out:;
}

UNIT(bytecode_is_not_loaded)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_file(r, "flow.lua", "\033Lua\x54");
    rig_file(r, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Sorry."));
    ok_int(rig_journal(r, "error", "attempt to load a binary chunk"), 1);
out:
    rig_free(r);
}

/* Every function that a flow can reach, from its globals and all metatables it can get. A new one
 * is added here with a thought. */
static const char reachable[] =
    "assert coroutine.create coroutine.isyieldable coroutine.resume coroutine.running "
    "coroutine.status coroutine.wrap coroutine.yield error getmetatable ipairs math.abs math.acos "
    "math.asin math.atan math.ceil math.cos math.exp math.floor math.fmod math.log math.max "
    "math.min "
    "math.modf math.random math.sin math.sqrt math.tan math.tointeger math.type math.ult next "
    "pairs "
    "pcall print rawequal rawget rawlen rawset require select setmetatable string.byte string.char "
    "string.find string.format string.gmatch string.gsub string.len string.lower string.match "
    "string.rep string.reverse string.sub string.upper table.concat table.insert table.move "
    "table.pack table.remove table.sort table.unpack tonumber tostring type utf8.char "
    "utf8.codepoint utf8.codes utf8.len utf8.offset xpcall";

UNIT(only_known_functions_can_be_reached)
{
    static const char walk[] =
        "local seen, names = {}, {}\n"
        "local function walk(v, name)\n"
        "  if type(v) == 'function' and not seen[v] then names[#names + 1] = name end\n"
        "  if seen[v] or v == nil then return end\n"
        "  seen[v] = true\n"
        "  if type(v) == 'table' then for k, w in pairs(v) do\n"
        "    walk(w, name == '' and tostring(k) or name .. '.' .. tostring(k)) walk(k, name) end "
        "end\n"
        "  walk(getmetatable(v) or nil, name .. '<meta>')\n"
        "end\n"
        "local g = _G walk(g, '') walk('', 'text') walk(walk == nil, 'bool')\n"
        "table.sort(names) print(table.concat(names, ' '))";
    struct rig *r = call_into(walk);

    ok(r != NULL);
    ok(rig_hears(r, "Survived."));
    if (rig_journal(r, "log", reachable) != 1)
        fprintf(stderr, "# %s\n", rig_journal_text(r));
    ok_int(rig_journal(r, "log", reachable), 1);
out:
    rig_free(r);
}

UNIT(calls_share_nothing)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_file(r, "good.lua",
             "seen = (seen or 0) + 1 string.find = nil table.insert(string, 'x') math.pi = 4\n"
             "return function(call) call:say('Seen ' .. seen .. ' ' .. #string) end");
    rig_call(r, "+1666", "+15550199");
    ok(rig_hears(r, "Seen 1 1"));
    ok(rig_ends(r) >= 0);
    rig_call(r, "+1666", "+15550199");
    ok(rig_hears(r, "Seen 1 1"));
out:
    rig_free(r);
}

UNIT(a_run_repeats)
{
    static const char body[] =
        "local t = {} for i = 1, 20 do t['key' .. i] = i end\n"
        "local s = '' for k, v in pairs(t) do s = s .. k end\n"
        "print(s, tostring({}), tostring(print), math.random(1000000), string.format('%s', t))";
    char *first = NULL, *second = NULL;
    struct rig *r = NULL;

    for (int i = 0; i < 2; i++) {
        r = call_into(body);
        ok(r != NULL);
        ok(rig_hears(r, "Survived."));
        ok_int(rig_journal(r, "log", "key1key10key11"), 1);
        ok_int(rig_journal(r, "log", "0x"), 0);
        *(i == 0 ? &first : &second) = rig_journal_log(r);
        r = rig_free(r);
    }
    ok_str(first, second);
out:
    rig_text_free(first);
    rig_text_free(second);
    rig_free(r);
}

UNIT(another_call_goes_on_beside_a_hostile_one)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_file(r, "good.lua", "return function(call) call:pause(2) call:say('Fine.') end");
    rig_file(r, "flow.lua", "return function(call) call:answer() while true do end end");
    rig_file(r, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    rig_call(r, "+1666", "+15550199");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Sorry."));
    rig_waits(r, 5000);
    ok_int(rig_journal(r, "play", "Fine."), 1);
out:
    rig_free(r);
}

UNIT_MAIN(CASE(endless_loops_are_ended), CASE(long_strings_cost_what_they_cost),
          CASE(comparators_and_replacements_cannot_hide_a_loop), CASE(patterns_have_a_budget),
          CASE(memory_bombs_are_ended), CASE(recursion_ends_without_a_crash),
          CASE(lists_that_hold_themselves_are_refused),
          CASE(a_coroutine_that_waits_is_not_the_flows_to_resume),
          CASE(a_handler_that_was_hung_up_is_not_resumed), CASE(what_could_lead_out_is_not_there),
          CASE(a_header_cannot_hide_another), CASE(bytecode_is_not_loaded),
          CASE(only_known_functions_can_be_reached), CASE(calls_share_nothing), CASE(a_run_repeats),
          CASE(another_call_goes_on_beside_a_hostile_one))
