/* The table functions, written so that their work is charged and their order repeats. They keep to
 * raw access: a metamethod would run where it cannot wait. */
#include "script/private.h"

#include <string.h>

static lua_Integer length(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    return (lua_Integer)lua_rawlen(L, 1);
}

static int table_insert(lua_State *L)
{
    lua_Integer n = length(L) + 1, at;

    if (lua_gettop(L) == 2) {
        lua_rawseti(L, 1, n);
        return 0;
    }
    if (lua_gettop(L) != 3)
        return luaL_error(L, "table.insert takes a table, perhaps a position, and a value");
    at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= n, 2, "position out of bounds");
    budget_spend(L, (uint64_t)(n - at) / 2);
    for (; n > at; n--) {
        lua_rawgeti(L, 1, n - 1);
        lua_rawseti(L, 1, n);
    }
    lua_rawseti(L, 1, at);
    return 0;
}

static int table_remove(lua_State *L)
{
    lua_Integer n = length(L), at = luaL_optinteger(L, 2, n);

    if (lua_gettop(L) > 1)
        luaL_argcheck(L, (n == 0 && at == 0) || (at >= 1 && at <= n + 1), 2,
                      "position out of bounds");
    lua_rawgeti(L, 1, at);
    budget_spend(L, (uint64_t)(n > at ? n - at : 0) / 2);
    for (; at < n; at++) {
        lua_rawgeti(L, 1, at + 1);
        lua_rawseti(L, 1, at);
    }
    if (at >= 1 && at <= n) {
        lua_pushnil(L);
        lua_rawseti(L, 1, at);
    }
    return 1;
}

static int table_concat(lua_State *L)
{
    lua_Integer n = length(L), from, to;
    size_t sep_len;
    const char *sep = luaL_optlstring(L, 2, "", &sep_len);
    luaL_Buffer b;

    from = luaL_optinteger(L, 3, 1);
    to = luaL_optinteger(L, 4, n);
    luaL_buffinit(L, &b);
    for (lua_Integer i = from; i <= to; i++) {
        budget_spend(L, 2);
        lua_rawgeti(L, 1, i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'",
                              (LUAI_UACINT)i);
        luaL_addvalue(&b);
        if (i == to)
            break; /* also at the largest of integers */
        luaL_addlstring(&b, sep, sep_len);
    }
    luaL_pushresult(&b);
    return 1;
}

static int table_move(lua_State *L)
{
    lua_Integer from, end, to, n;
    int target = lua_isnoneornil(L, 5) ? 1 : 5;

    length(L);
    luaL_checktype(L, target, LUA_TTABLE);
    from = luaL_checkinteger(L, 2);
    end = luaL_checkinteger(L, 3);
    to = luaL_checkinteger(L, 4);
    if (end >= from) {
        luaL_argcheck(L, from > 0 || end < LUA_MAXINTEGER + from, 3, "too many elements to move");
        n = end - from + 1;
        luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
        for (lua_Integer i = 0; i < n; i++) {
            lua_Integer k = to > from && target == 1 ? n - 1 - i : i;

            budget_spend(L, 1);
            lua_rawgeti(L, 1, from + k);
            lua_rawseti(L, target, to + k);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

static int table_unpack(lua_State *L)
{
    lua_Integer from = luaL_optinteger(L, 2, 1), to;
    lua_Unsigned n;

    luaL_checktype(L, 1, LUA_TTABLE);
    to = lua_isnoneornil(L, 3) ? (lua_Integer)lua_rawlen(L, 1) : luaL_checkinteger(L, 3);
    if (from > to)
        return 0;
    n = (lua_Unsigned)to - (lua_Unsigned)from + 1;
    if (n == 0 || n >= 100000 || !lua_checkstack(L, (int)n))
        return luaL_error(L, "too many results to unpack");
    budget_spend(L, n);
    for (lua_Unsigned i = 0; i < n; i++)
        lua_rawgeti(L, 1, from + (lua_Integer)i);
    return (int)n;
}

/* --- sort: a heap, the same steps for the same table --- */

/* Whether the element at `a` (a stack index) comes before that at `b`. */
static bool less(lua_State *L, int a, int b)
{
    bool is;
    size_t len;

    budget_spend(L, 4);
    if (lua_isnil(L, 2)) {
        len = lua_type(L, a) == LUA_TSTRING ? lua_rawlen(L, a) : 0;
        if (len > SCRIPT_LONG_STRING)
            budget_spend(L, len / 4);
        return lua_compare(L, a, b, LUA_OPLT);
    }
    a = lua_absindex(L, a);
    b = lua_absindex(L, b);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 2, 1);
    is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* Lets the value at `at` sink to its place among the first `n`. */
static void sink(lua_State *L, lua_Integer at, lua_Integer n)
{
    lua_Integer child;

    lua_rawgeti(L, 1, at); /* what sinks */
    while ((child = 2 * at) <= n) {
        lua_rawgeti(L, 1, child);
        if (child < n) {
            lua_rawgeti(L, 1, child + 1);
            if (less(L, -2, -1)) {
                lua_replace(L, -2);
                child++;
            } else {
                lua_pop(L, 1);
            }
        }
        if (!less(L, -2, -1)) {
            lua_pop(L, 1);
            break;
        }
        lua_rawseti(L, 1, at);
        at = child;
    }
    lua_rawseti(L, 1, at);
}

static int table_sort(lua_State *L)
{
    lua_Integer n = length(L);

    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_argcheck(L, n < 1000000, 1, "array too big");
    lua_settop(L, 2);
    for (lua_Integer i = n / 2; i >= 1; i--)
        sink(L, i, n);
    for (lua_Integer i = n; i > 1; i--) {
        lua_rawgeti(L, 1, 1);
        lua_rawgeti(L, 1, i);
        lua_rawseti(L, 1, 1);
        lua_rawseti(L, 1, i);
        sink(L, 1, i - 1);
    }
    return 0;
}

void tables_open(lua_State *L)
{
    static const char *const names[] = {"pack", NULL};
    static const luaL_Reg own[] = {{"concat", table_concat},
                                   {"insert", table_insert},
                                   {"move", table_move},
                                   {"remove", table_remove},
                                   {"sort", table_sort},
                                   {"unpack", table_unpack},
                                   {NULL, NULL}};

    lua_newtable(L);
    allow(L, luaopen_table, names);
    luaL_setfuncs(L, own, 0);
    lua_setfield(L, -2, "table");
}
