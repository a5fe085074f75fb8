/* The matcher of patterns beside Lua's own: where Lua's comes to an end within a bound of its
 * instructions, ours must find the same, or say that it took too many steps. Input: the pattern, a
 * byte 0xff, the text. */
#include "base/mem.h"
#include "script/pattern.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { STEPS = 20000 };

static void differ(const char *what)
{
    fprintf(stderr, "not as Lua: %s\n", what);
    abort();
}

/* Pushes Lua's answer: start, end, captures; or its error. */
static int ask_lua(lua_State *L, const char *text, size_t len, const char *pattern, size_t plen)
{
    lua_settop(L, 0);
    lua_getglobal(L, "string");
    lua_getfield(L, 1, "find");
    lua_remove(L, 1);
    lua_pushlstring(L, text, len);
    lua_pushlstring(L, pattern, plen);
    return lua_pcall(L, 2, LUA_MULTRET, 0);
}

static void compare_captures(lua_State *L, const struct pattern *p, const char *text)
{
    if (lua_gettop(L) != 2 + p->captures)
        differ("the number of captures");
    for (int i = 0; i < p->captures; i++) {
        const struct pattern_capture *c = &p->capture[i];
        size_t len;
        const char *s;

        if (c->len == PATTERN_POSITION) {
            if (lua_tointeger(L, 3 + i) != c->at - text + 1)
                differ("a position");
            continue;
        }
        s = lua_tolstring(L, 3 + i, &len);
        if (c->len < 0 || len != (size_t)c->len || memcmp(s, c->at, len) != 0)
            differ("a capture");
    }
}

static bool has_open_capture(const struct pattern *p)
{
    for (int i = 0; i < p->captures; i++)
        if (p->capture[i].len == PATTERN_OPEN)
            return true;
    return false;
}

static bool is_plain(const char *pattern, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (memchr("^$*+?.([%-", pattern[i], 10) != NULL)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static lua_State *L;
    const unsigned char *mark = memchr(data, 0xff, size);
    size_t plen = mark != NULL ? (size_t)(mark - data) : size;
    size_t len = mark != NULL ? size - plen - 1 : 0;
    char *pattern, *text;
    const char *at, *end = NULL;
    struct pattern p;
    bool anchored;
    int rc;

    if (size > 2000)
        return 0;
    if (L == NULL) {
        L = luaL_newstate();
        luaL_openlibs(L);
    }
    pattern = mem_alloc(plen + 1);
    text = mem_alloc(len + 1);
    memcpy(pattern, data, plen);
    if (len > 0)
        memcpy(text, mark + 1, len);
    anchored = *pattern == '^';
    pattern_init(&p, text, len, pattern, plen, STEPS);
    at = pattern_search(&p, text, pattern + anchored, anchored, &end);
    /* What costs us few steps is quick for Lua, too. A pattern without magic is not matched there.
     */
    if (!p.out_of_steps && !is_plain(pattern, plen)) {
        rc = ask_lua(L, text, len, pattern, plen);
        if (rc != LUA_OK) {
            if (p.mistake == NULL && !(at != NULL && has_open_capture(&p)))
                differ(lua_tostring(L, -1));
        } else if (p.mistake != NULL) {
            differ(p.mistake);
        } else if (at == NULL) {
            if (!lua_isnil(L, 1))
                differ("we found nothing");
        } else {
            if (lua_tointeger(L, 1) != at - text + 1 || lua_tointeger(L, 2) != end - text)
                differ("the place");
            compare_captures(L, &p, text);
        }
    }
    mem_free(pattern);
    mem_free(text);
    return 0;
}
