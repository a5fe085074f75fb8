/* What a scenario does with conferences from outside, as an operator or the REST API would. */
#include "sim/stage.h"
#include <string.h>

/* A caller, or a text: a CallSid or a label. */
static const char *who(lua_State *L, int arg)
{
    if (lua_isuserdata(L, arg))
        return sim_caller_sid(stage_check_caller(L, arg)->caller);
    return luaL_checkstring(L, arg);
}

static struct runtime *runtime_of(lua_State *L)
{
    actor_current(L);
    return sim_runtime(stage_of(L)->sim);
}

static int done(lua_State *L, int rc, const struct error *err)
{
    if (rc != 0)
        return stage_fail(L, NULL, "%s", err->text);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

/* --- looking --- */

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value); /* NULL: nil */
    lua_setfield(L, -2, name);
}

static void set_truth(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void add_member(const struct runtime_member *m, void *arg)
{
    lua_State *L = arg;

    luaL_checkstack(L, 6, NULL);
    lua_newtable(L);
    set_text(L, "call", m->call);
    set_text(L, "label", m->label);
    set_text(L, "coached", m->coached);
    set_truth(L, "muted", m->muted);
    set_truth(L, "held", m->held);
    set_truth(L, "speaking", m->speaking);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void add_room(const struct runtime_room *r, void *arg)
{
    lua_State *L = arg;

    luaL_checkstack(L, 6, NULL);
    lua_newtable(L);
    set_text(L, "sid", r->sid);
    set_text(L, "name", r->name);
    set_text(L, "status", r->status);
    lua_newtable(L);
    runtime_room_members(sim_runtime(stage_of(L)->sim), NULL, r->sid, add_member, L, NULL);
    lua_setfield(L, -2, "members");
    lua_setfield(L, -2, r->name);
}

/* t:rooms(): by name, with their members in order. */
static int t_rooms(lua_State *L)
{
    lua_newtable(L);
    runtime_rooms(runtime_of(L), add_room, L);
    return 1;
}

/* --- acting --- */

static const char *room(lua_State *L)
{
    return luaL_checkstring(L, 2);
}

/* t:end_room(name) */
static int t_end_room(lua_State *L)
{
    struct error err = {0};

    return done(L, runtime_room_end(runtime_of(L), SIM_ACCOUNT, room(L), &err), &err);
}

/* t:announce(name, url) */
static int t_announce(lua_State *L)
{
    struct error err = {0};
    const char *url = stage_target(L, luaL_checkstring(L, 3));

    return done(L, runtime_room_announce(runtime_of(L), SIM_ACCOUNT, room(L), url, false, &err),
                &err);
}

/* t:kick(name, caller) */
static int t_kick(lua_State *L)
{
    struct error err = {0};

    return done(L, runtime_member_kick(runtime_of(L), SIM_ACCOUNT, room(L), who(L, 3), &err), &err);
}

static enum runtime_switch switch_of(lua_State *L, const char *name)
{
    enum runtime_switch to = RUNTIME_AS_IS;

    if (lua_getfield(L, 4, name) != LUA_TNIL)
        to = lua_toboolean(L, -1) ? RUNTIME_ON : RUNTIME_OFF;
    lua_pop(L, 1);
    return to;
}

/* The strings stay on the stack. */
static const char *url_of(lua_State *L, const char *name)
{
    const char *url = NULL;

    luaL_checkstack(L, 4, NULL);
    if (lua_getfield(L, 4, name) != LUA_TNIL) {
        url = luaL_checkstring(L, -1);
        return *url == '\0' ? url : stage_target(L, url);
    }
    lua_pop(L, 1);
    return url;
}

static void check_options(lua_State *L)
{
    static const char *const names[] = {"muted",    "hold",     "ends",     "beep_exit", "coach",
                                        "hold_url", "wait_url", "announce", NULL};

    luaL_checktype(L, 4, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 4) != 0) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        luaL_checkoption(L, -1, NULL, names);
        lua_pop(L, 1);
    }
}

/* t:change(name, caller, { muted =, hold =, hold_url =, wait_url =, announce =, coach = caller or
 * false, ends =, beep_exit = }) */
static int t_change(lua_State *L)
{
    struct runtime_member_change c = {0};
    struct error err = {0};

    check_options(L);
    c.muted = switch_of(L, "muted");
    c.held = switch_of(L, "hold");
    c.ends = switch_of(L, "ends");
    c.beep_exit = switch_of(L, "beep_exit");
    c.coaching = switch_of(L, "coach");
    c.hold_url = url_of(L, "hold_url");
    c.wait_url = url_of(L, "wait_url");
    c.announce_url = url_of(L, "announce");
    if (c.coaching == RUNTIME_ON) {
        lua_getfield(L, 4, "coach");
        if (!lua_isboolean(L, -1))
            c.coach = who(L, lua_gettop(L));
    }
    return done(L, runtime_member_change(runtime_of(L), SIM_ACCOUNT, room(L), who(L, 3), &c, &err),
                &err);
}

const luaL_Reg stage_room_words[] = {{"rooms", t_rooms},       {"end_room", t_end_room},
                                     {"announce", t_announce}, {"kick", t_kick},
                                     {"change", t_change},     {NULL, NULL}};
