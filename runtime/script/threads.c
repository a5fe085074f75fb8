/* pcall, xpcall and coroutines. Lua's own would do, but for three things: an error that means "this
 * state is dead" must not be caught, a coroutine of the flow that waits (for a verb, or its next
 * slice of time) makes the whole handler wait, and a flow may not yield out of its handler. */
#include "script/private.h"

/* --- protected calls --- */

enum { ERROR_STEPS = 300 }; /* unwinding costs more than it looks */

static int finish_call(lua_State *L, int status, lua_KContext below)
{
    struct script *s = script_of(L);

    if (status == LUA_ERRMEM) {
        budget_die(s, L, budget_no_memory(s));
        return lua_error(L);
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        if (s->dead)
            return lua_error(L);
        budget_spend(L, ERROR_STEPS);
        lua_pushboolean(L, false);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)below;
}

static int base_pcall(lua_State *L)
{
    int status;

    luaL_checkany(L, 1);
    lua_pushboolean(L, true);
    lua_insert(L, 1);
    status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call);
    return finish_call(L, status, 0);
}

static int base_xpcall(lua_State *L)
{
    int n = lua_gettop(L), status;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, true);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, finish_call);
    return finish_call(L, status, 2);
}

/* --- coroutines --- */

/* A wait that cannot be waited for is given up. */
static void give_up(struct handler *h)
{
    if (h->wait != NULL)
        h->wait->cancel(h->wait);
    h->wait = NULL;
    h->document = document_unref(h->document);
    h->want = WANT_NOTHING;
}

static const char current_key; /* in the registry: keeps script->current alive */

/* The coroutine at 1 is about to run. */
static void enter(lua_State *L)
{
    struct script *s = script_of(L);
    lua_State *co = lua_tothread(L, 1);

    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &current_key);
    s->current = co;
    if (lua_gethookcount(co) != s->hook && !s->dead)
        budget_watch(s, co);
}

static int run_coroutine(lua_State *L, lua_KContext wrapped);

static int again(lua_State *L, int status, lua_KContext wrapped)
{
    (void)status;
    return run_coroutine(L, wrapped);
}

static int results(lua_State *L, lua_KContext wrapped)
{
    if (!wrapped)
        return lua_gettop(L) - 1;
    if (lua_toboolean(L, 2))
        return lua_gettop(L) - 2;
    lua_settop(L, 3);
    return lua_error(L);
}

/* The coroutine at 1, what it is resumed with above. Upvalue 1 is Lua's own resume. */
static int run_coroutine(lua_State *L, lua_KContext wrapped)
{
    struct script *s = script_of(L);
    struct handler *h = s->running;

    for (;;) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 2);
        lua_pushvalue(L, 1);
        lua_insert(L, 3);
        enter(L);
        lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
        s->current = L;
        if (lua_status(lua_tothread(L, 1)) == LUA_ERRMEM)
            budget_die(s, L, budget_no_memory(s));
        if (s->dead && lua_isyieldable(L))
            return lua_yield(L, 0); /* and nobody resumes it */
        budget_check(L);
        if (!s->sliced && (h == NULL || h->want == WANT_NOTHING))
            return results(L, wrapped);
        lua_settop(L, 1);
        if (lua_isyieldable(L))
            return lua_yieldk(L, 0, wrapped, again);
        if (!s->sliced) {
            give_up(h);
            return luaL_error(L, "the coroutine waits where the handler cannot");
        }
        s->sliced = false;
    }
}

static int co_yield (lua_State *L);

static const char in_a_wait[] = "cannot resume a coroutine that waits for something else";

/* A coroutine that stands in a wait (for a verb, a request) is resumed by that wait alone, and when
 * the wait was given up, or the call is over, by nobody: what follows reads an answer that is not
 * there. So a flow may only resume what is new or stands in coroutine.yield. */
static bool may_be_resumed(lua_State *co)
{
    lua_Debug ar;
    bool may;

    if (lua_status(co) != LUA_YIELD || !lua_getstack(co, 0, &ar))
        return true; /* new, or over, of which Lua itself tells */
    if (!lua_checkstack(co, 1))
        return false;
    lua_getinfo(co, "f", &ar);
    may = lua_tocfunction(co, -1) == co_yield;
    lua_pop(co, 1);
    return may;
}

static int co_resume(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTHREAD);
    budget_spend(L, 100);
    if (!may_be_resumed(lua_tothread(L, 1))) {
        lua_pushboolean(L, false);
        lua_pushstring(L, in_a_wait);
        return 2;
    }
    return run_coroutine(L, false);
}

/* What coroutine.wrap gives: upvalues are Lua's own resume and the coroutine. */
static int wrapped_call(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    budget_spend(L, 100);
    if (!may_be_resumed(lua_tothread(L, 1)))
        return luaL_error(L, "%s", in_a_wait);
    return run_coroutine(L, true);
}

static int co_wrap(lua_State *L)
{
    lua_State *co;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushvalue(L, lua_upvalueindex(1));
    co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped_call, 2);
    return 1;
}

static int co_yield (lua_State *L)
{
    struct handler *h = script_of(L)->running;

    if (h == NULL || L == h->co)
        return luaL_error(L, "attempt to yield from outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

void threads_open(lua_State *L)
{
    static const char *const names[] = {"create", "isyieldable", "running", "status", NULL};
    static const luaL_Reg own[] = {{"pcall", base_pcall}, {"xpcall", base_xpcall}, {NULL, NULL}};
    static const luaL_Reg resuming[] = {{"resume", co_resume}, {"wrap", co_wrap}, {NULL, NULL}};

    luaL_setfuncs(L, own, 0);
    lua_newtable(L);
    allow(L, luaopen_coroutine, names);
    lua_pushcfunction(L, luaopen_coroutine);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "resume");
    lua_remove(L, -2);
    luaL_setfuncs(L, resuming, 1);
    lua_pushcfunction(L, co_yield );
    lua_setfield(L, -2, "yield");
    lua_setfield(L, -2, "coroutine");
}
