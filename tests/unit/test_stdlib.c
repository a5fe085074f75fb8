/* Runs tests/unit/stdlib/NAME_test.lua, each in a Lua state of its own, with the modules of stdlib/
 * and stand-ins for the host's halves (host.lua). Each case("…") of theirs is one test here. */
#include <dirent.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/unit/stdlib"

static int is_test(const struct dirent *d)
{
    size_t n = strlen(d->d_name), tail = strlen("_test.lua");

    return n > tail && strcmp(d->d_name + n - tail, "_test.lua") == 0;
}

/* Cases that failed; -1 when the file itself did. */
static int run_file(const char *name, const char *filter)
{
    lua_State *L = luaL_newstate();
    char path[300];
    int failed = -1;

    if (L == NULL)
        return -1;
    luaL_openlibs(L);
    lua_pushstring(L, filter);
    lua_setglobal(L, "filter");
    snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    if (luaL_dofile(L, FOLDER "/host.lua") != LUA_OK || luaL_dofile(L, path) != LUA_OK) {
        printf("# %s\nnot ok - %s\n", lua_tostring(L, -1), name);
    } else {
        lua_getglobal(L, "failed");
        failed = (int)lua_tointeger(L, -1);
    }
    lua_close(L);
    return failed;
}

int main(int argc, char **argv)
{
    struct dirent **list = NULL;
    int n = scandir(FOLDER, &list, is_test, alphasort), bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < n; i++) {
        bad += run_file(list[i]->d_name, argc > 1 ? argv[1] : "") != 0;
        free(list[i]);
    }
    free(list);
    if (n <= 0)
        printf("not ok - %s has no tests: run this from the root of the tree\n", FOLDER);
    return bad > 0 || n <= 0;
}
