/* The modules of stdlib/, compiled once in the process, at first use: each call has a Lua state of
 * its own, and compiling "hours" for each costs ten times what loading it does. Only our own
 * modules come this way: a flow's source is text. Control loop only. */
#include "base/mem.h"
#include "script/private.h"

enum { COMPILED_MODULES = 32, COMPILED_BYTES = 256 * 1024 };

static struct {
    char *bytes; /* kept for good; NULL: not yet */
    size_t len;
} compiled[COMPILED_MODULES];

static int write_bytes(lua_State *L, const void *bytes, size_t n, void *out)
{
    (void)L;
    str_addn(out, bytes, n);
    return ((struct str *)out)->failed;
}

/* The function is at the top. When memory is out it is compiled again next time. */
static void keep(lua_State *L, size_t index)
{
    struct str out = STR_INIT(COMPILED_BYTES);

    if (lua_dump(L, write_bytes, &out, 0) == 0 && !out.failed) {
        compiled[index].len = out.len;
        compiled[index].bytes = str_take(&out);
    }
    str_free(&out);
}

int compiled_load(lua_State *L, const struct script_stdlib *m, const char *chunk)
{
    size_t index = (size_t)(m - script_stdlib);
    int rc;

    if (index < COMPILED_MODULES && compiled[index].bytes != NULL)
        return luaL_loadbufferx(L, compiled[index].bytes, compiled[index].len, chunk, "b");
    rc = luaL_loadbufferx(L, m->text, m->len, chunk, "t");
    if (rc == LUA_OK && index < COMPILED_MODULES)
        keep(L, index);
    return rc;
}
