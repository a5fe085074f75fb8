/* almon.json: tables to JSON and back, with bounds on depth and size. What C owns meanwhile hangs
 * on the session's state, so that an error on the way loses nothing. */
#include "base/mem.h"
#include "script/private.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DEPTH = 32, JSON_BYTES = 256 * 1024 };

static const char null_key; /* its address stands for null */

/* --- writing --- */

static void write_value(lua_State *L, struct str *out, int depth);

static void write_string(lua_State *L, struct str *out, const char *s, size_t len)
{
    if (!is_utf8(s, len))
        luaL_error(L, "a text that is no UTF-8 has no JSON");
    str_addc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '"' || c == '\\')
            str_addf(out, "\\%c", c);
        else if (c < 0x20)
            str_addf(out, "\\u%04x", c);
        else
            str_addc(out, (char)c);
    }
    str_addc(out, '"');
}

static void write_number(lua_State *L, struct str *out)
{
    char text[40];
    lua_Number n;

    if (lua_isinteger(L, -1)) {
        str_addf(out, LUA_INTEGER_FMT, lua_tointeger(L, -1));
        return;
    }
    n = lua_tonumber(L, -1);
    if (!isfinite(n))
        luaL_error(L, "JSON has no infinity and no NaN");
    /* The shortest that reads back as the same: 0.1, not 0.10000000000000001. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, n);
        if (strtod(text, NULL) == n)
            break;
    }
    str_add(out, text);
}

/* Marked so (json.list), or with exactly the keys 1 … n, n > 0. The table is at the top. */
static bool is_list(lua_State *L, lua_Unsigned n)
{
    lua_Unsigned keys = 0;

    if (luaL_getmetafield(L, -1, "is_json_list") != LUA_TNIL) {
        lua_pop(L, 1);
        return true;
    }
    if (n == 0)
        return false;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        keys++;
    }
    budget_spend(L, keys);
    return keys == n;
}

static void write_list(lua_State *L, struct str *out, lua_Unsigned n, int depth)
{
    str_addc(out, '[');
    for (lua_Unsigned i = 1; i <= n; i++) {
        if (i > 1)
            str_addc(out, ',');
        lua_rawgeti(L, -1, (lua_Integer)i);
        write_value(L, out, depth + 1);
        lua_pop(L, 1);
    }
    str_addc(out, ']');
}

/* In the order of pairs(): the same table gives the same text. */
static void write_object(lua_State *L, struct str *out, int depth)
{
    lua_Unsigned n;
    size_t len;
    const char *key;

    push_keys(L, lua_gettop(L));
    n = lua_rawlen(L, -1);
    str_addc(out, '{');
    for (lua_Unsigned i = 1; i <= n; i++) {
        if (i > 1)
            str_addc(out, ',');
        if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TSTRING && !lua_isinteger(L, -1))
            luaL_error(L, "a key of an object is a text, not a %s", luaL_typename(L, -1));
        lua_pushvalue(L, -1); /* a copy becomes text: the key itself must stay what it is */
        key = lua_tolstring(L, -1, &len);
        write_string(L, out, key, len);
        str_addc(out, ':');
        lua_pop(L, 1);
        lua_rawget(L, -3);
        write_value(L, out, depth + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    str_addc(out, '}');
}

static void write_table(lua_State *L, struct str *out, int depth)
{
    lua_Unsigned n = lua_rawlen(L, -1);

    if (depth == JSON_DEPTH)
        luaL_error(L, "nested more than %d deep", JSON_DEPTH);
    luaL_checkstack(L, 10, "JSON");
    if (is_list(L, n))
        write_list(L, out, n, depth);
    else
        write_object(L, out, depth);
}

/* The value at the top. */
static void write_value(lua_State *L, struct str *out, int depth)
{
    size_t len;
    const char *s;

    budget_spend(L, 8);
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        str_add(out, "null");
        break;
    case LUA_TBOOLEAN:
        str_add(out, lua_toboolean(L, -1) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        write_number(L, out);
        break;
    case LUA_TSTRING:
        s = lua_tolstring(L, -1, &len);
        budget_spend(L, len / 8);
        write_string(L, out, s, len);
        break;
    case LUA_TTABLE:
        write_table(L, out, depth);
        break;
    default:
        if (lua_touserdata(L, -1) != (void *)(uintptr_t)&null_key)
            luaL_error(L, "a %s has no JSON", luaL_typename(L, -1));
        str_add(out, "null");
    }
    if (out->failed)
        luaL_error(L, "more than %d bytes of JSON, or out of memory", JSON_BYTES);
}

static int encode_protected(lua_State *L)
{
    write_value(L, &script_of(L)->text, 0);
    return 0;
}

/* What was wrong with the value is an answer, not an error; but for what ends the handler. */
static int refuse(lua_State *L, int rc)
{
    struct script *s = script_of(L);

    if (rc == LUA_ERRMEM)
        budget_die(s, L, budget_no_memory(s));
    budget_check(L);
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
}

static int json_encode(lua_State *L)
{
    struct script *s = script_of(L);
    int rc;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    str_free(&s->text);
    str_init(&s->text, JSON_BYTES);
    lua_pushcfunction(L, encode_protected);
    lua_pushvalue(L, 1);
    rc = lua_pcall(L, 1, 0, 0);
    if (rc != LUA_OK)
        return refuse(L, rc);
    lua_pushlstring(L, str_text(&s->text), s->text.len);
    str_free(&s->text);
    return 1;
}

/* --- reading --- */

static void push_value(lua_State *L, const json_t *v, int depth);

static void push_list(lua_State *L, const json_t *v, int depth)
{
    size_t n = json_array_size(v);

    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        push_value(L, json_array_get(v, i), depth + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_object(lua_State *L, const json_t *v, int depth)
{
    void *it;

    lua_createtable(L, 0, (int)json_object_size(v));
    for (it = json_object_iter((json_t *)(uintptr_t)v); it != NULL;
         it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
        push_value(L, json_object_iter_value(it), depth + 1);
        lua_setfield(L, -2, json_object_iter_key(it));
    }
}

static void push_value(lua_State *L, const json_t *v, int depth)
{
    budget_spend(L, 8);
    if (depth > JSON_DEPTH)
        luaL_error(L, "nested more than %d deep", JSON_DEPTH);
    luaL_checkstack(L, 6, "JSON");
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        push_object(L, v, depth);
        break;
    case JSON_ARRAY:
        push_list(L, v, depth);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(v));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(v));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(v));
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
        break;
    }
}

static int decode_protected(lua_State *L)
{
    push_value(L, script_of(L)->json, 0);
    return 1;
}

static int json_decode(lua_State *L)
{
    struct script *s = script_of(L);
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    json_error_t error;
    int rc;

    budget_spend(L, len / 8);
    json_decref(s->json);
    s->json = NULL;
    if (len > JSON_BYTES) {
        luaL_pushfail(L);
        lua_pushfstring(L, "more than %d bytes of JSON", JSON_BYTES);
        return 2;
    }
    s->json = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (s->json == NULL) {
        luaL_pushfail(L);
        lua_pushfstring(L, "line %d: %s", error.line, error.text);
        return 2;
    }
    lua_pushcfunction(L, decode_protected);
    rc = lua_pcall(L, 0, 1, 0);
    if (rc != LUA_OK)
        return refuse(L, rc);
    json_decref(s->json);
    s->json = NULL;
    return 1;
}

int json_module(lua_State *L)
{
    static const luaL_Reg own[] = {{"encode", json_encode}, {"decode", json_decode}, {NULL, NULL}};

    luaL_newlib(L, own);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
    lua_setfield(L, -2, "null");
    return 1;
}
