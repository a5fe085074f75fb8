/* What a scenario says about the world before a call: values in the store, the day, the lots that
 * will be drawn. `almon replay --as-test` writes these words. */
#include "base/mem.h"
#include "sim/stage.h"
#include <jansson.h>
#include <string.h>

enum { JSON_DEPTH = 50 };

static json_t *to_json(lua_State *L, int at, int depth);

/* A list has numbers as keys, anything else names. Raises nothing. */
static json_t *table_to_json(lua_State *L, int at, int depth)
{
    lua_Unsigned n = lua_rawlen(L, at);
    json_t *j = n > 0 ? json_array() : json_object(), *value;
    bool good = j != NULL && depth > 0;

    for (lua_Unsigned i = 1; good && i <= n; i++) {
        lua_rawgeti(L, at, (lua_Integer)i);
        good = json_array_append_new(j, to_json(L, lua_gettop(L), depth - 1)) == 0;
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    while (n == 0 && good && lua_next(L, at) != 0) {
        value = to_json(L, lua_gettop(L), depth - 1);
        good = lua_type(L, -2) == LUA_TSTRING &&
               json_object_set_new(j, lua_tostring(L, -2), json_incref(value)) == 0;
        json_decref(value);
        lua_pop(L, 1);
    }
    if (good)
        return j;
    json_decref(j);
    return NULL;
}

/* NULL: it holds something that JSON has no word for, or memory is out. `at` counts from below. */
static json_t *to_json(lua_State *L, int at, int depth)
{
    int top = lua_gettop(L);
    json_t *j = NULL;
    size_t len;

    switch (lua_type(L, at)) {
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, at));
    case LUA_TNUMBER:
        return lua_isinteger(L, at) ? json_integer(lua_tointeger(L, at))
                                    : json_real(lua_tonumber(L, at));
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, at, &len);

        return json_stringn(text, len);
    }
    case LUA_TTABLE:
        j = table_to_json(L, at, depth);
        lua_settop(L, top);
        return j;
    default:
        return NULL;
    }
}

/* Pushes the value as stdlib/kv.lua keeps it; NULL for nil. */
static const char *push_packed(lua_State *L, int arg, size_t *len)
{
    const char *text;
    char *made;
    json_t *j;

    switch (lua_type(L, arg)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return NULL;
    case LUA_TBOOLEAN:
        return lua_pushlstring(L, lua_toboolean(L, arg) ? "\1t" : "\1f", *len = 2);
    case LUA_TNUMBER:
        if (lua_isinteger(L, arg)) {
            lua_pushvalue(L, arg);
            return lua_tolstring(L, -1, len);
        }
        text = lua_pushfstring(L, "\1n%f", lua_tonumber(L, arg));
        *len = strlen(text);
        return text;
    case LUA_TTABLE:
        luaL_checkstack(L, 4 * JSON_DEPTH, NULL);
        j = to_json(L, arg, JSON_DEPTH);
        made = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
        json_decref(j);
        lua_pushfstring(L, "\1j%s", made != NULL ? made : "");
        mem_free(made);
        text = lua_tolstring(L, -1, len);
        return *len > 2 ? text
                        : (luaL_argerror(L, arg,
                                         "it holds more than texts, numbers, "
                                         "true, false and tables"),
                           NULL);
    default:
        text = luaL_checklstring(L, arg, len);
        if (*text != '\1' && (*len == 0 || strspn(text, "-0123456789") != *len))
            return text;
        lua_pushstring(L, "\1s");
        lua_pushvalue(L, arg);
        lua_concat(L, 2);
        return lua_tolstring(L, -1, len);
    }
}

/* t:kv(flow, key, value): what that flow's folder keeps from now on; nil: nothing. */
int stage_kv(lua_State *L)
{
    const char *flow = luaL_checkstring(L, 2), *key = luaL_checkstring(L, 3), *slash, *value;
    struct error err = {0};
    size_t len = 0;

    actor_current(L);
    if (strncmp(flow, STAGE_FILE, strlen(STAGE_FILE)) == 0)
        flow += strlen(STAGE_FILE);
    else if (strncmp(flow, "http", 4) != 0)
        flow = stage_path(L, flow);
    slash = *flow == '/' ? strrchr(flow, '/') : flow; /* what came over HTTP has no folder */
    lua_pushlstring(L, flow, (size_t)(slash - flow));
    flow = lua_tostring(L, -1);
    value = push_packed(L, 4, &len);
    if (sim_keep(stage_of(L)->sim, flow, key, value, len, &err) != 0)
        return luaL_error(L, "t:kv: %s", err.text);
    return 0;
}

/* t:begins{ wall = milliseconds since 1970, seed = … }: the time of day from now on, and what calls
 * from now on draw by lot, both as a journal's first line has them. */
int stage_begins(lua_State *L)
{
    struct sim *sim = stage_of(L)->sim;

    actor_current(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";

        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0)
            return luaL_error(L, "t:begins: %s is a whole number", name);
        if (strcmp(name, "wall") == 0)
            sim_set_wall(sim, lua_tointeger(L, -1));
        else if (strcmp(name, "seed") == 0)
            sim_set_call_seed(sim, (uint64_t)lua_tointeger(L, -1));
        else
            return luaL_error(L, "t:begins has wall and seed, not '%s'", name);
        lua_pop(L, 1);
    }
    return 0;
}
