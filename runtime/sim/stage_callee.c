/* What a scenario does with a party that is called. It has one call at a time in hand, and is then
 * a caller like any other; the next call is taken when it is waited for. */
#include "base/mem.h"
#include "bridge/cause.h"
#include "sim/stage.h"
#include <string.h>

enum { NEVER = -1 };

static struct stage_caller *check(lua_State *L)
{
    return luaL_checkudata(L, 1, "callee");
}

static const char *address(const struct stage_caller *c)
{
    return sim_callee_address(c->callee);
}

/* --- which call --- */

static bool take_next(struct stage_caller *c)
{
    struct sim_caller *next = sim_callee_call(c->callee, c->calls);

    if (next == NULL)
        return false;
    c->caller = next;
    c->calls++;
    c->next_heard = c->begun = 0;
    c->tones = !sim_caller_offer(next)->dtmf_events;
    c->rung = false;
    return true;
}

bool stage_callee_take(struct stage_caller *c)
{
    return c->caller != NULL || take_next(c);
}

static bool has_next(struct actor *a)
{
    return sim_callee_call(a->caller->callee, a->caller->calls) != NULL;
}

static int not_called(lua_State *L, struct stage_caller *c)
{
    return stage_fail(L, c->caller != NULL ? c : NULL, "expected %s to be called%s", address(c),
                      c->calls > 0 ? " once more" : ", nobody did");
}

/* --- offers --- */

static void push_params(lua_State *L, const char *const *params)
{
    lua_newtable(L);
    for (; params != NULL && *params != NULL; params += 2) {
        lua_pushstring(L, params[1]);
        lua_setfield(L, -2, params[0]);
    }
}

static void push_offer(lua_State *L, const struct offer *o)
{
    const struct {
        const char *name, *text;
    } texts[] = {
        {"from", o->from},
        {"to", o->to},
        {"forwarded_from", o->forwarded_from},
        {"caller_name", o->caller_name},
        {"call_token", o->call_token},
        {"trunk", o->trunk},
        {"user", o->user},
        {"password", o->password},
        {"gateway", o->gateway},
        {"codec", codec_name(o->codec)},
        {"keys", o->dtmf_events ? "events" : "tones"},
    };

    lua_newtable(L);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lua_pushstring(L, texts[i].text); /* NULL: nil */
        lua_setfield(L, -2, texts[i].name);
    }
    push_params(L, o->params);
    lua_setfield(L, -2, "params");
}

/* Compares the value wanted (at the top) with what there is below it; pops neither. True: any
 * value; false: none. */
static bool as_wanted(lua_State *L)
{
    if (lua_isboolean(L, -1))
        return lua_isnil(L, -2) != lua_toboolean(L, -1);
    return lua_compare(L, -2, -1, LUA_OPEQ);
}

/* Fails unless the table at `have` holds all that the table at `want` does. */
static void compare(lua_State *L, struct stage_caller *c, int have, int want)
{
    luaL_checkstack(L, 6, NULL);
    lua_pushnil(L);
    while (lua_next(L, want) != 0) {
        lua_pushvalue(L, -2);
        lua_gettable(L, have);
        lua_insert(L, -2);
        if (lua_istable(L, -1) && lua_istable(L, -2))
            compare(L, c, lua_gettop(L) - 1, lua_gettop(L));
        else if (!as_wanted(L))
            stage_fail(L, c, "expected %s to be called with %s '%s', it was '%s'", address(c),
                       lua_tostring(L, -3), luaL_tolstring(L, -1, NULL),
                       luaL_tolstring(L, -3, NULL));
        lua_pop(L, 2);
    }
}

/* The call in hand is the one; argument 2, when given, is what its offer holds. */
static int look_at_call(lua_State *L)
{
    struct stage_caller *c = check(L);

    c->rung = true;
    if (!lua_istable(L, 2))
        return 0;
    lua_settop(L, 2);
    push_offer(L, sim_caller_offer(c->caller));
    compare(L, c, 3, 2);
    return 0;
}

static int was_called(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = check(L);

    (void)status;
    (void)k;
    return take_next(c) ? look_at_call(L) : not_called(L, c);
}

static int await_call(lua_State *L, struct stage_caller *c, lua_KFunction k)
{
    actor_current(L)->caller = c;
    return actor_wait(L, has_next, STAGE_HEAR_MS, k);
}

/* bob:rings(): waits for the next call to him. */
static int callee_rings(lua_State *L)
{
    struct stage_caller *c = check(L);

    if (c->caller != NULL && !c->rung)
        return look_at_call(L);
    return await_call(L, c, was_called);
}

/* bob:is_called{from = "+15550100"} looks at the offer besides: of the call that he has in hand, or
 * of the next. */
static int callee_is_called(lua_State *L)
{
    struct stage_caller *c = check(L);

    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    if (c->caller != NULL && !sim_caller_is_over(c->caller))
        return look_at_call(L);
    return await_call(L, c, was_called);
}

/* bob:offered(): all that the offer of his call says. */
static int callee_offered(lua_State *L)
{
    push_offer(L, sim_caller_offer(stage_check_caller(L, 1)->caller));
    return 1;
}

static lua_Integer count(const struct stage_caller *c)
{
    lua_Integer n = 0;

    while (sim_callee_call(c->callee, (size_t)n) != NULL)
        n++;
    return n;
}

/* bob:calls(): how many there were so far. */
static int callee_calls(lua_State *L)
{
    lua_pushinteger(L, count(check(L)));
    return 1;
}

static int callee_never_called(lua_State *L)
{
    struct stage_caller *c = check(L);

    if (count(c) > 0)
        return stage_fail(L, NULL, "expected %s never to be called, it was: by %s", address(c),
                          sim_caller_offer(sim_callee_call(c->callee, 0))->from);
    return 0;
}

/* --- what he does with it --- */

static struct stage_caller *ringing(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    actor_current(L);
    if (sim_caller_is_answered(c->caller) || sim_caller_is_over(c->caller))
        stage_fail(L, c, "expected the call to %s to ring, %s", address(c),
                   sim_caller_is_over(c->caller) ? "it is over" : "it was answered");
    return c;
}

static int callee_answers(lua_State *L)
{
    sim_caller_answer(ringing(L)->caller);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

static int refuse(lua_State *L, enum cause cause)
{
    sim_caller_refuse(ringing(L)->caller, cause);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

static int callee_busy(lua_State *L)
{
    return refuse(L, CAUSE_BUSY);
}

static int callee_rejects(lua_State *L)
{
    return refuse(L, CAUSE_REJECTED);
}

static enum cause check_cause(lua_State *L, const char *name)
{
    int cause = name != NULL ? cause_find(name) : -1;

    if (cause < 0)
        luaL_error(L,
                   "a call fails with busy, rejected, no-answer, unroutable, congestion or error"
                   ", not '%s'",
                   name != NULL ? name : "?");
    return (enum cause)cause;
}

static int callee_fails(lua_State *L)
{
    return refuse(L, check_cause(L, luaL_optstring(L, 2, "error")));
}

/* --- words of every caller --- */

static int goes_on(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = check(L);

    (void)status;
    (void)k;
    if (!stage_callee_take(c))
        return not_called(L, c);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Upvalue 1 is what a caller does. Who was not called yet waits for that first. */
static int once_called(lua_State *L)
{
    struct stage_caller *c = check(L);

    if (stage_callee_take(c))
        return goes_on(L, LUA_OK, 0);
    return await_call(L, c, goes_on);
}

/* --- t:callee --- */

static int time_option(lua_State *L, int options, const char *name, int missing)
{
    int ms = missing;

    if (lua_getfield(L, options, name) == LUA_TBOOLEAN)
        ms = lua_toboolean(L, -1) ? 0 : NEVER;
    else if (!lua_isnil(L, -1))
        ms = (int)stage_duration(L, lua_gettop(L));
    lua_pop(L, 1);
    return ms;
}

static void refusal(lua_State *L, int options, struct sim_manner *m, const char *name,
                    enum cause cause)
{
    int ms = time_option(L, options, name, NEVER);

    if (ms == NEVER)
        return;
    m->refuses_ms = ms;
    m->cause = cause;
}

static void check_names(lua_State *L, int options)
{
    static const char *const names[] = {"rings", "answers",     "busy",  "rejects",
                                        "fails", "unreachable", "after", "early"};
    bool known;

    lua_pushnil(L);
    while (lua_next(L, options) != 0) {
        lua_pop(L, 1);
        known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known = known ||
                    (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), names[i]) == 0);
        if (!known)
            luaL_error(L,
                       "t:callee has no option '%s': rings, answers, busy, rejects, fails, "
                       "unreachable, after, early",
                       luaL_tolstring(L, -1, NULL));
    }
}

static void read_manner(lua_State *L, int options, struct sim_manner *m)
{
    check_names(L, options);
    m->rings_ms = time_option(L, options, "rings", 0);
    m->answers_ms = time_option(L, options, "answers", NEVER);
    refusal(L, options, m, "busy", CAUSE_BUSY);
    refusal(L, options, m, "rejects", CAUSE_REJECTED);
    refusal(L, options, m, "unreachable", CAUSE_UNROUTABLE);
    m->away = m->cause == CAUSE_UNROUTABLE;
    lua_getfield(L, options, "early");
    m->early = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (lua_getfield(L, options, "fails") != LUA_TNIL) {
        m->cause = check_cause(L, lua_tostring(L, -1));
        m->refuses_ms = time_option(L, options, "after", 0);
    }
    lua_pop(L, 1);
    /* Who refuses at once does not ring before. */
    if (m->refuses_ms == 0)
        m->rings_ms = NEVER;
}

/* The n-th of a list of manners, 1 the first; the only one when it is no list. False behind the
 * last. */
static bool nth_manner(lua_State *L, lua_Integer n, struct sim_manner *m)
{
    bool list;

    *m = (struct sim_manner){
        .address = lua_tostring(L, 2), .answers_ms = NEVER, .refuses_ms = NEVER};
    if (lua_isnoneornil(L, 3))
        return n == 1;
    luaL_checktype(L, 3, LUA_TTABLE);
    list = lua_rawgeti(L, 3, n) == LUA_TTABLE;
    if (list || (n == 1 && lua_isnil(L, -1)))
        read_manner(L, list ? lua_gettop(L) : 3, m);
    else if (!lua_isnil(L, -1))
        luaL_argerror(L, 3, "what he does at each call is a table of its own");
    lua_pop(L, 1);
    return list || n == 1;
}

/* t:callee("+15550101", { rings = "1s", answers = "3s" }): rings at once unless told otherwise;
 * { busy = true }, { busy = "2s" }, { rejects = … }, { unreachable = … }, { fails = "congestion",
 * after = "1s" } refuse; and who has no `answers` does so when bob:answer() says it. A list of such
 * tables is one for each call, the last for all that follow. */
int stage_callee(lua_State *L)
{
    struct stage *st = stage_of(L);
    struct sim_manner m;
    struct stage_caller *c;
    struct error err = {0};
    int rc;

    luaL_checkstring(L, 2);
    lua_settop(L, 3);
    c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (struct stage_caller){.stage = st};
    nth_manner(L, 1, &m);
    rc = sim_add_callee(st->sim, &m, &c->callee, &err);
    for (lua_Integer n = 2; rc == 0 && lua_istable(L, 3) && nth_manner(L, n, &m); n++)
        rc = sim_callee_then(c->callee, &m, &err);
    if (rc != 0)
        return luaL_error(L, "%s", err.text);
    while (sim_callee_call(c->callee, c->calls) != NULL)
        c->calls++; /* those before are another's */
    luaL_setmetatable(L, "callee");
    return 1;
}

void stage_open_callee(lua_State *L)
{
    static const luaL_Reg own[] = {{"rings", callee_rings},
                                   {"is_called", callee_is_called},
                                   {"offered", callee_offered},
                                   {"calls", callee_calls},
                                   {"never_called", callee_never_called},
                                   {"answer", callee_answers},
                                   {"answers", callee_answers},
                                   {"busy", callee_busy},
                                   {"reject", callee_rejects},
                                   {"rejects", callee_rejects},
                                   {"fails", callee_fails},
                                   {NULL, NULL}};

    luaL_newlib(L, own);
    for (const luaL_Reg *r = stage_caller_words; r->name != NULL; r++) {
        lua_pushcfunction(L, r->func);
        lua_pushcclosure(L, once_called, 1);
        lua_setfield(L, -2, r->name);
    }
    luaL_setfuncs(L, stage_text_words, 0);
    stage_metatable(L, "callee", "a callee");
}
