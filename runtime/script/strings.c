/* The string functions that a flow sees: the matcher of pattern.c behind find, match, gmatch and
 * gsub, and Lua's own functions where they are harmless. All work is charged to the budget. */
#include "script/pattern.h"
#include "script/private.h"

#include <string.h>

/* --- captures --- */

enum { PATTERN_STEPS = 1000000 }; /* of one call; about 10 ms */

/* Runs out of steps: the matching is ended, and with it usually the handler. */
static void settle_match(lua_State *L, struct pattern *p)
{
    budget_spend(L, (PATTERN_STEPS - p->steps) / 4);
    if (p->out_of_steps) {
        budget_die(
            script_of(L), L,
            "a pattern took more than 1000000 steps: make it simpler, or anchor it with '^'");
        budget_check(L);
    }
    if (p->mistake != NULL)
        luaL_error(L, "%s", p->mistake);
    p->steps = PATTERN_STEPS;
}

static void push_capture(lua_State *L, const struct pattern *p, int i, const char *s,
                         const char *end)
{
    const struct pattern_capture *c = &p->capture[i];

    if (i >= p->captures) {
        if (i != 0)
            luaL_error(L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(L, s, (size_t)(end - s)); /* no captures: the whole match */
    } else if (c->len == PATTERN_POSITION) {
        lua_pushinteger(L, c->at - p->text + 1);
    } else if (c->len == PATTERN_OPEN) {
        luaL_error(L, "unfinished capture");
    } else {
        lua_pushlstring(L, c->at, (size_t)c->len);
    }
}

/* All captures, or (`whole`) the match when there are none. Returns how many. */
static int push_captures(lua_State *L, const struct pattern *p, const char *s, const char *end,
                         bool whole)
{
    int n = p->captures == 0 && whole ? 1 : p->captures;

    luaL_checkstack(L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(L, p, i, s, end);
    return n;
}

/* --- find and match --- */

static const char *find_plain(const char *s, size_t len, const char *what, size_t what_len)
{
    return what_len == 0 ? s : memmem(s, len, what, what_len);
}

static bool is_plain(const char *pattern, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr("^$*+?.([%-", pattern[i]) != NULL && pattern[i] != '\0')
            return false;
    return true;
}

/* Where to begin, from the optional third argument; false when behind the end. */
static bool start_at(lua_State *L, size_t len, size_t *at)
{
    lua_Integer init = luaL_optinteger(L, 3, 1);

    if (init < 0)
        init = init < -(lua_Integer)len ? 1 : (lua_Integer)len + init + 1;
    else if (init == 0)
        init = 1;
    *at = (size_t)init - 1;
    return *at <= len;
}

static int find_or_match(lua_State *L, bool find)
{
    size_t len, plen, at;
    const char *s = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &plen);
    const char *found, *end;
    bool anchored = *pattern == '^';
    struct pattern p;

    if (!start_at(L, len, &at)) {
        luaL_pushfail(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(pattern, plen))) {
        budget_spend(L, (len - at) / 16 + 1);
        found = find_plain(s + at, len - at, pattern, plen);
        if (found == NULL) {
            luaL_pushfail(L);
            return 1;
        }
        lua_pushinteger(L, found - s + 1);
        lua_pushinteger(L, found - s + (lua_Integer)plen);
        return 2;
    }
    pattern_init(&p, s, len, pattern, plen, PATTERN_STEPS);
    found = pattern_search(&p, s + at, pattern + anchored, anchored, &end);
    settle_match(L, &p);
    if (found == NULL) {
        luaL_pushfail(L);
        return 1;
    }
    if (!find)
        return push_captures(L, &p, found, end, true);
    lua_pushinteger(L, found - s + 1);
    lua_pushinteger(L, end - s);
    return 2 + push_captures(L, &p, found, end, false);
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* --- gmatch: upvalues are the text, the pattern, where to go on, and the end of the last match ---
 */

static int gmatch_next(lua_State *L)
{
    size_t len, plen;
    const char *s = lua_tolstring(L, lua_upvalueindex(1), &len);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &plen);
    const char *at = s + lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    const char *end;
    struct pattern p;

    pattern_init(&p, s, len, pattern, plen, PATTERN_STEPS);
    for (; at <= s + len; at++) {
        at = pattern_search(&p, at, pattern, false, &end);
        settle_match(L, &p);
        if (at == NULL)
            return 0;
        if (end - s == last)
            continue; /* the empty match right behind the last one is none */
        lua_pushinteger(L, end - s);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(L, &p, at, end, true);
    }
    return 0;
}

static int string_gmatch(lua_State *L)
{
    size_t len, at;

    luaL_checklstring(L, 1, &len);
    luaL_checkstring(L, 2);
    if (!start_at(L, len, &at))
        at = len + 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)at);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

/* --- gsub --- */

struct gsub {
    struct pattern p;
    const char *pattern;
    luaL_Buffer out;
};

/* "%1" and "%0" of the replacement; every other % must stand before a %. */
static void add_replacement(lua_State *L, struct gsub *g, const char *s, const char *end)
{
    size_t len;
    const char *r = lua_tolstring(L, 3, &len), *stop = r + len, *percent;

    while ((percent = memchr(r, '%', (size_t)(stop - r))) != NULL) {
        luaL_addlstring(&g->out, r, (size_t)(percent - r));
        r = percent + 2;
        if (percent[1] == '%') {
            luaL_addchar(&g->out, '%');
        } else if (percent[1] == '0') {
            luaL_addlstring(&g->out, s, (size_t)(end - s));
        } else if (percent[1] >= '1' && percent[1] <= '9') {
            push_capture(L, &g->p, percent[1] - '1', s, end);
            luaL_tolstring(L, -1, NULL);
            lua_remove(L, -2);
            luaL_addvalue(&g->out);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
    luaL_addlstring(&g->out, r, (size_t)(stop - r));
}

/* The match from `s` to `end`, replaced. */
static void add_match(lua_State *L, struct gsub *g, const char *s, const char *end)
{
    int type = lua_type(L, 3);

    budget_spend(L, 16);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        add_replacement(L, g, s, end);
        return;
    }
    if (type == LUA_TTABLE) {
        push_capture(L, &g->p, 0, s, end);
        lua_gettable(L, 3);
    } else {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, &g->p, s, end, true), 1);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(&g->out, s, (size_t)(end - s));
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    } else {
        luaL_addvalue(&g->out);
    }
}

static int string_gsub(lua_State *L)
{
    size_t len, plen;
    const char *s = luaL_checklstring(L, 1, &len), *at = s, *last = NULL, *end;
    const char *pattern = luaL_checklstring(L, 2, &plen);
    int type = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1), n = 0;
    bool anchored = *pattern == '^';
    struct gsub g = {.pattern = pattern + anchored};

    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_settop(L, 3);
    if (type == LUA_TNUMBER)
        lua_tostring(L, 3);
    pattern_init(&g.p, s, len, pattern, plen, PATTERN_STEPS);
    luaL_buffinit(L, &g.out);
    while (n < most) {
        end = pattern_match(&g.p, at, g.pattern);
        settle_match(L, &g.p);
        if (end != NULL && end != last) {
            n++;
            add_match(L, &g, at, end);
            at = last = end;
        } else if (at < s + len) {
            luaL_addchar(&g.out, *at++);
        } else {
            break;
        }
        if (anchored)
            break;
    }
    luaL_addlstring(&g.out, at, (size_t)(s + len - at));
    luaL_pushresult(&g.out);
    lua_pushinteger(L, n);
    return 2;
}

/* --- rep and format --- */

static int string_rep(lua_State *L)
{
    size_t len, sep_len, total;
    const char *s = luaL_checklstring(L, 1, &len), *sep = luaL_optlstring(L, 3, "", &sep_len);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_Buffer b;
    char *to;

    if (n <= 0 || len + sep_len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    if ((size_t)n > SCRIPT_MAX_STRING / (len + sep_len) + 1)
        return luaL_error(L, "string.rep: the result would be larger than %d bytes",
                          SCRIPT_MAX_STRING);
    total = (size_t)n * len + (size_t)(n - 1) * sep_len;
    budget_spend(L, total / 64 + (size_t)n / 4);
    to = luaL_buffinitsize(L, &b, total);
    while (n-- > 0) {
        memcpy(to, s, len);
        to += len;
        if (n > 0 && sep_len > 0) {
            memcpy(to, sep, sep_len);
            to += sep_len;
        }
    }
    luaL_pushresultsize(&b, total);
    return 1;
}

/* Lua's own, but no address gets out: tables and functions are shown as tostring() shows them. */
static int string_format(lua_State *L)
{
    const char *format = luaL_checkstring(L, 1);
    int n = lua_gettop(L);

    for (const char *at = format; (at = strchr(at, '%')) != NULL; at++) {
        at++;
        at += strspn(at, "-+ #0123456789.");
        if (*at == 'p')
            return luaL_error(L, "string.format: %%p is not here");
        if (*at == '\0')
            break;
    }
    for (int i = 2; i <= n; i++)
        if (lua_type(L, i) > LUA_TSTRING || lua_type(L, i) == LUA_TLIGHTUSERDATA) {
            push_tostring(L, i);
            lua_replace(L, i);
        }
    budget_spend(L, 16 + (uint64_t)n);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, n, 1);
    return 1;
}

/* --- the library --- */

/* "5" + 1 is 6: Lua's own metamethod (upvalue 1), charged for reading the numbers. */
static int arithmetic(lua_State *L)
{
    for (int i = 1; i <= 2; i++)
        if (lua_type(L, i) == LUA_TSTRING)
            budget_spend(L, lua_rawlen(L, i) / 8);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

/* Into the table at the top go the metamethods of Lua's own metatable of strings. */
static void set_arithmetic(lua_State *L)
{
    static const char *const names[] = {"__add", "__sub", "__mul",  "__div",
                                        "__mod", "__pow", "__idiv", "__unm"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (luaL_getmetafield(L, -2, names[i]) == LUA_TNIL)
            continue;
        lua_pushcclosure(L, arithmetic, 1);
        lua_setfield(L, -2, names[i]);
    }
}

/* Methods of strings come from a copy that no flow can reach. */
static void set_string_metatable(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 10);
    set_arithmetic(L);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -5) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

void strings_open(lua_State *L)
{
    static const char *const names[] = {"byte",    "char", "len",   "lower",
                                        "reverse", "sub",  "upper", NULL};
    static const luaL_Reg own[] = {{"find", string_find}, {"gmatch", string_gmatch},
                                   {"gsub", string_gsub}, {"match", string_match},
                                   {"rep", string_rep},   {NULL, NULL}};

    lua_newtable(L);
    allow(L, luaopen_string, names);
    luaL_setfuncs(L, own, 0);
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "format");
    lua_remove(L, -2);
    lua_pushcclosure(L, string_format, 1);
    lua_setfield(L, -2, "format");
    set_string_metatable(L);
    lua_setfield(L, -2, "string");
}
