/* require in scenarios: the modules of stdlib/ that need no call (test, hours, phone, template,
 * menu, twiml), and helpers of one's own beside the scenario. */
#include "script/stdlib.h"
#include "sim/stage.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { REQUIRE_BYTES = 256 * 1024 };

static const char loaded_key; /* in the registry: name → what the module returned */

/* The clock of the scenario's exchange. */
static int time_now(lua_State *L)
{
    const struct sim *sim = stage_of(L)->sim;

    if (sim == NULL)
        return luaL_error(L, "there is no time yet: ask within a scenario");
    lua_pushinteger(L, (lua_Integer)loop_wall(sim->loop));
    return 1;
}

static int require_half(lua_State *L, const char *name)
{
    if (strcmp(name, "almon.time") != 0)
        return luaL_error(L,
                          "require '%s': a scenario has no call; this is for the flow that it "
                          "tests",
                          name);
    lua_newtable(L);
    lua_pushcfunction(L, time_now);
    lua_setfield(L, -2, "now");
    return 1;
}

/* Pushes the text of NAME.lua beside the scenario, and the chunk's name. */
static int push_file(lua_State *L, const char *name)
{
    const char *path;
    luaL_Buffer b;
    char *bytes;
    FILE *f;
    size_t n;

    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
        strlen(name))
        return luaL_error(
            L, "require '%s': a module of stdlib, or the name of a file beside the scenario", name);
    path = stage_path(L, lua_pushfstring(L, "%s.lua", name));
    bytes =
        luaL_buffinitsize(L, &b, REQUIRE_BYTES); /* may raise: before there is a file to close */
    f = fopen(path, "r");
    if (f == NULL)
        return luaL_error(L, "require '%s': no such module of stdlib, and %s: %s", name, path,
                          strerror(errno));
    n = fread(bytes, 1, REQUIRE_BYTES, f);
    fclose(f);
    luaL_pushresultsize(&b, n);
    if (n == REQUIRE_BYTES)
        return luaL_error(L, "require '%s': %s has more than %d bytes", name, path,
                          REQUIRE_BYTES - 1);
    lua_pushfstring(L, "@%s", path);
    return 2;
}

static int push_text(lua_State *L, const char *name)
{
    for (const struct script_stdlib *m = script_stdlib; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0) {
            lua_pushlstring(L, m->text, m->len);
            lua_pushfstring(L, "=stdlib/%s.lua", name);
            return 2;
        }
    return push_file(L, name);
}

static int stage_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *text;
    size_t len;

    lua_settop(L, 1);
    if (strncmp(name, "almon.", 6) == 0)
        return require_half(L, name);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key); /* 2 */
    if (lua_getfield(L, 2, name) == LUA_TBOOLEAN && !lua_toboolean(L, -1))
        return luaL_error(L, "require '%s': modules that require each other in a circle", name);
    if (!lua_isnil(L, -1))
        return 1;
    lua_pushboolean(L, false); /* being loaded */
    lua_setfield(L, 2, name);
    push_text(L, name);
    text = lua_tolstring(L, -2, &len);
    if (luaL_loadbufferx(L, text, len, lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, true);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}

void stage_open_require(lua_State *L)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_pushcfunction(L, stage_require);
    lua_setglobal(L, "require");
}
