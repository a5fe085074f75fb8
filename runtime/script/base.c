/* The basic functions, as a flow sees them: Lua's own where they are harmless, ours where they
 * would differ from run to run (pairs, tostring) or open a way out (setmetatable). */
#include "base/mem.h"
#include "script/private.h"

#include <stdlib.h>
#include <string.h>

static const char names_key; /* in the registry: object → number, weak */

/* --- names of objects --- */

static lua_Integer number_of(lua_State *L, int index)
{
    struct script *s = script_of(L);
    lua_Integer n;

    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushvalue(L, index);
        lua_pushinteger(L, ++s->names);
        lua_rawset(L, -4);
        lua_pop(L, 1);
        lua_pushinteger(L, s->names);
    }
    n = lua_tointeger(L, -1);
    lua_pop(L, 2);
    return n;
}

/* Pushes what tostring() gives. An address would differ from run to run, and tell where our memory
 * is. */
static void push_text(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TTABLE:
    case LUA_TFUNCTION:
    case LUA_TTHREAD:
    case LUA_TUSERDATA:
    case LUA_TLIGHTUSERDATA:
        if (luaL_callmeta(L, index, "__tostring")) {
            if (lua_type(L, -1) != LUA_TSTRING)
                luaL_error(L, "'__tostring' must return a string");
        } else {
            lua_pushfstring(L, "%s: %I", luaL_typename(L, index), number_of(L, index));
        }
        break;
    default:
        luaL_tolstring(L, index, NULL);
    }
}

static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    push_text(L, 1);
    return 1;
}

void push_tostring(lua_State *L, int index)
{
    push_text(L, index);
}

static int base_print(lua_State *L)
{
    struct script *s = script_of(L);
    int n = lua_gettop(L);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addchar(&b, ' ');
        push_text(L, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    script_log(s, "info", lua_tostring(L, -1));
    return 0;
}

void script_log(struct script *s, const char *level, const char *text)
{
    if (++s->logs < SCRIPT_MAX_LOGS)
        handler_log(s->activation, level, text);
    else if (s->logs == SCRIPT_MAX_LOGS)
        handler_log(s->activation, "warn", "the flow logs too much: nothing more is written down");
}

/* --- pairs in a fixed order: numbers, then strings, then booleans, then the rest --- */

struct key {
    int rank;
    bool is_integer;
    lua_Integer integer;
    lua_Number number;
    const char *text;
    size_t len;
    int slot; /* in the table of keys */
};

static int compare_keys(const void *va, const void *vb)
{
    const struct key *a = va, *b = vb;
    size_t len = a->len < b->len ? a->len : b->len;
    int c;

    if (a->rank != b->rank)
        return a->rank - b->rank;
    if (a->rank == 2 || (a->rank == 0 && a->is_integer && b->is_integer))
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->rank == 0)
        return (a->number > b->number) - (a->number < b->number);
    if (a->rank == 1) {
        c = len > 0 ? memcmp(a->text, b->text, len) : 0;
        return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
    }
    return a->slot - b->slot;
}

static void read_key(lua_State *L, int index, int slot, struct key *k)
{
    *k = (struct key){.rank = 3, .slot = slot};
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        k->rank = 0;
        k->is_integer = lua_isinteger(L, index);
        k->integer = lua_tointeger(L, index);
        k->number = lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        k->rank = 1;
        k->text = lua_tolstring(L, index, &k->len);
        break;
    case LUA_TBOOLEAN:
        k->rank = 2;
        k->integer = lua_toboolean(L, index);
        break;
    default:
        break;
    }
}

static int count_keys(lua_State *L, int table)
{
    int n = 0;

    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        lua_pop(L, 1);
        n++;
    }
    budget_spend(L, (uint64_t)n * 8);
    return n;
}

void push_keys(lua_State *L, int table)
{
    int n = count_keys(L, table), slot = 0;
    struct key *keys = lua_newuserdatauv(L, (size_t)(n > 0 ? n : 1) * sizeof *keys, 0);

    lua_createtable(L, n, 0); /* the keys as they come, which keeps their text alive */
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        lua_pop(L, 1);
        read_key(L, -1, slot + 1, &keys[slot]);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++slot);
    }
    qsort(keys, (size_t)slot, sizeof *keys, compare_keys);
    lua_createtable(L, slot, 0);
    for (int i = 0; i < slot; i++) {
        lua_rawgeti(L, -2, keys[i].slot);
        lua_rawseti(L, -2, i + 1);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Upvalues: the keys, the position. Keys that were removed meanwhile are left out. */
static int next_pair(lua_State *L)
{
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));

    for (;;) {
        if (lua_rawgeti(L, lua_upvalueindex(1), ++at) == LUA_TNIL)
            return 1;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 1) != LUA_TNIL)
            break;
        lua_pop(L, 2);
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(2));
    return 2;
}

static int pairs_given(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 3;
}

static int base_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 3, 0, pairs_given);
        return 3;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    push_keys(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 2);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* next(t, k): the key that follows in the same order. It looks at all of them each time; pairs is
 * the way to go through a table. */
static int base_next(lua_State *L)
{
    struct key after = {.rank = -1}, best = {0}, k;
    bool found = false;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        read_key(L, 2, 0, &after);
        if (after.rank >= 2)
            return luaL_error(L, "next cannot go on from a key of this kind: use pairs");
    }
    budget_spend(L, (uint64_t)count_keys(L, 1));
    lua_pushnil(L); /* 3: the best key so far */
    lua_pushnil(L);
    while (lua_next(L, 1) != 0) {
        lua_pop(L, 1);
        read_key(L, -1, 0, &k);
        if ((after.rank < 0 || compare_keys(&k, &after) > 0) &&
            (!found || compare_keys(&k, &best) < 0)) {
            best = k;
            found = true;
            lua_pushvalue(L, -1);
            lua_replace(L, 3);
        }
    }
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 3);
    lua_rawget(L, 1);
    return 2;
}

/* --- metatables --- */

/* Without __gc: finalizers run where no hook can stop them. */
static int base_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    if (type == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a metatable here cannot have __gc");
        lua_settop(L, 2);
    }
    lua_setmetatable(L, 1);
    return 1;
}

/* --- the table of globals --- */

void allow(lua_State *L, lua_CFunction library, const char *const *names)
{
    lua_pushcfunction(L, library);
    lua_call(L, 0, 1);
    for (; *names != NULL; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
    lua_pop(L, 1);
}

/* Seeded from the session, so that a run repeats. */
static void open_math(lua_State *L)
{
    static const char *const names[] = {
        "abs",  "acos", "asin",      "atan",       "ceil", "cos",        "exp",  "floor", "fmod",
        "huge", "log",  "max",       "maxinteger", "min",  "mininteger", "modf", "pi",    "sin",
        "sqrt", "tan",  "tointeger", "type",       "ult",  "random",     NULL};
    struct handler_facts facts;

    lua_newtable(L);
    lua_pushcfunction(L, luaopen_math);
    lua_call(L, 0, 1);
    handler_facts(script_of(L)->activation, &facts);
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)facts.seed);
    lua_pushinteger(L, 0);
    lua_call(L, 2, 0);
    for (const char *const *n = names; *n != NULL; n++) {
        lua_getfield(L, -1, *n);
        lua_setfield(L, -3, *n);
    }
    lua_pop(L, 1);
    lua_setfield(L, -2, "math");
}

/* Lua's own function (upvalue 1) where its work grows with a string: all of it is charged. */
static int whole_string(lua_State *L)
{
    int type = lua_type(L, 1);

    budget_spend(L, type == LUA_TSTRING ? lua_rawlen(L, 1) / 8 : 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* utf8.len looks at a part alone, which its result tells. */
static int utf8_len(lua_State *L)
{
    lua_Integer from = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 1, n;

    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    n = lua_isnil(L, 1) ? lua_tointeger(L, 2) - from : lua_tointeger(L, 1);
    budget_spend(L, 1 + (n > 0 ? (uint64_t)n / 4 : 0));
    return lua_gettop(L);
}

/* utf8.offset goes over so many characters, forwards or backwards. */
static int utf8_offset(lua_State *L)
{
    lua_Unsigned len = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    lua_Integer n = lua_tointeger(L, 2);
    lua_Unsigned steps = n < 0 ? 0 - (lua_Unsigned)n : (lua_Unsigned)n;

    budget_spend(L, 1 + (steps < len ? steps : len) / 4);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* Puts `f` before the function `name` of the table at the top. */
static void charge(lua_State *L, const char *name, lua_CFunction f)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

static void open_utf8(lua_State *L)
{
    static const char *const names[] = {"char", "charpattern", "codepoint", "codes",
                                        "len",  "offset",      NULL};

    lua_newtable(L);
    allow(L, luaopen_utf8, names);
    charge(L, "codes", whole_string);
    charge(L, "len", utf8_len);
    charge(L, "offset", utf8_offset);
    lua_setfield(L, -2, "utf8");
}

void base_open(lua_State *L)
{
    static const char *const names[] = {
        "assert", "error",  "getmetatable", "ipairs", "rawequal", "rawget", "rawlen",
        "rawset", "select", "tonumber",     "type",   "_VERSION", NULL};
    static const luaL_Reg own[] = {{"next", base_next},         {"pairs", base_pairs},
                                   {"print", base_print},       {"setmetatable", base_setmetatable},
                                   {"tostring", base_tostring}, {NULL, NULL}};

    allow(L, luaopen_base, names);
    charge(L, "tonumber", whole_string);
    luaL_setfuncs(L, own, 0);
    open_math(L);
    open_utf8(L);
    lua_newtable(L); /* names of objects, weak: it keeps none of them alive */
    lua_newtable(L);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
}
