/* require: the modules of stdlib/ (embedded), their halves in C, and files of the flow's own
 * folder. Each is run once in a call. */
#include "base/mem.h"
#include "script/private.h"

#include <string.h>

static const char loaded_key; /* in the registry: name → what the module returned */

static const luaL_Reg halves[] = {
    {"almon.http", http_module},
    {"almon.json", json_module},
    {"almon.kv", kv_module},
    {"almon.log", log_module},
    {"almon.time", time_module},
    {"almon.schema", schema_module},
    {NULL, NULL},
};

/* Only the modules of stdlib/ may ask for the halves in C: the first function on the stack that is
 * Lua's says who asks. */
static bool asked_by_stdlib(lua_State *L)
{
    lua_Debug ar;

    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "S", &ar);
        if (*ar.what != 'C')
            return strncmp(ar.source, "=stdlib/", 8) == 0;
    }
    return false;
}

/* Keeps what the module (at the top) returned, and leaves it there. */
static int keep(lua_State *L)
{
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, true);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    return 1;
}

static int module_ran(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return keep(L);
}

/* Runs the module that was loaded, or raises why it could not be; its name is the string at 1. */
static int run_module(lua_State *L, int loaded)
{
    if (loaded != LUA_OK)
        return lua_error(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_pushvalue(L, 1);
    lua_pushboolean(L, false); /* it is being loaded */
    lua_rawset(L, -3);
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 1, 0, module_ran);
    return keep(L);
}

/* --- files of the flow's folder --- */

struct file_wait {
    struct wait wait;
    struct handler_read *read; /* NULL: done */
    char *path, *bytes;
    size_t len;
    struct error err;
};

static void file_cancel(struct wait *w)
{
    struct file_wait *f = (struct file_wait *)w;

    if (f->read != NULL)
        handler_read_cancel(f->read);
    mem_free(f->path);
    mem_free(f->bytes);
    mem_free(f);
}

static void file_there(const char *path, const char *bytes, size_t len, const struct error *err,
                       void *arg)
{
    struct file_wait *f = arg;

    f->read = NULL;
    f->path = mem_strdup(path);
    if (bytes != NULL) {
        f->bytes = mem_dup(bytes, len > 0 ? len : 1);
        f->len = len;
    }
    if (bytes == NULL)
        f->err = *err;
    else if (f->bytes == NULL || f->path == NULL)
        error_nomem(&f->err);
    wait_over(&f->wait);
}

static int file_ready(lua_State *L, int status, lua_KContext ctx)
{
    struct file_wait *f = (struct file_wait *)handler_of(L)->ready;

    (void)status;
    (void)ctx;
    if (f->err.code != 0)
        return luaL_error(L, "require '%s': %s", lua_tostring(L, 1), f->err.text);
    lua_pushfstring(L, "@%s", chunk_name(script_of(L), f->path));
    budget_spend(L, f->len / 4);
    return run_module(L, luaL_loadbufferx(L, f->bytes, f->len, lua_tostring(L, -1), "t"));
}

/* "lib.greetings" is lib/greetings.lua beside the handler's file; only names, no way up. */
static void file_name(lua_State *L, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);

    if (n == 0 || n > size - 5 || name[0] == '.' || strstr(name, "..") != NULL ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != n)
        luaL_error(L,
                   "require '%s': there is no such module of stdlib, and this is no name of a "
                   "file of the flow's folder",
                   name);
    for (size_t i = 0; i <= n; i++)
        out[i] = name[i] == '.' ? '/' : name[i];
    strcpy(out + n, ".lua");
}

static int require_file(lua_State *L, const char *name)
{
    struct handler *h = handler_of(L);
    struct error err = {0};
    char file[200];
    struct file_wait *f;

    file_name(L, name, file, sizeof file);
    budget_started(L);
    f = mem_alloc(sizeof *f);
    if (f == NULL)
        return luaL_error(L, "require '%s': out of memory", name);
    f->wait = (struct wait){.handler = h, .cancel = file_cancel};
    f->read = handler_read(h->activation, file, file_there, f, &err);
    if (f->read == NULL) {
        mem_free(f);
        return luaL_error(L, "require '%s': %s", name, err.text);
    }
    return handler_wait(L, &f->wait, "require", file_ready);
}

/* --- require --- */

/* Pushes what the table of loaded modules has; true when there is something. A module that is being
 * loaded stands there as false. */
static bool push_loaded(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
    lua_pushvalue(L, 1);
    lua_rawget(L, -2);
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        luaL_error(L,
                   "require '%s': it is being loaded (modules that require each other in a "
                   "circle), or broke before",
                   name);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 2);
    return false;
}

static int require_half(lua_State *L, const char *name)
{
    for (const luaL_Reg *h = halves; h->name != NULL; h++)
        if (strcmp(h->name, name) == 0) {
            lua_pushcfunction(L, h->func);
            lua_call(L, 0, 1);
            return keep(L);
        }
    return luaL_error(L, "require '%s': there is no such module", name);
}

static int base_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    lua_settop(L, 1);
    budget_spend(L, 20);
    if (strncmp(name, "almon.", 6) == 0 && !asked_by_stdlib(L))
        return luaL_error(L, "require '%s': this is for stdlib alone; use '%s'", name, name + 6);
    if (push_loaded(L, name))
        return 1;
    if (strncmp(name, "almon.", 6) == 0)
        return require_half(L, name);
    for (const struct script_stdlib *m = script_stdlib; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0) {
            lua_pushfstring(L, "=stdlib/%s.lua", name);
            budget_spend(L, m->len / 4);
            return run_module(L, compiled_load(L, m, lua_tostring(L, -1)));
        }
    return require_file(L, name);
}

void modules_open(lua_State *L)
{
    lua_pushcfunction(L, base_require);
    lua_setfield(L, -2, "require");
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
}

/* --- the small halves --- */

static int log_write(lua_State *L)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    int level = luaL_checkoption(L, 1, NULL, levels);

    budget_spend(L, 50);
    script_log(script_of(L), levels[level], luaL_checkstring(L, 2));
    return 0;
}

int log_module(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, log_write);
    lua_setfield(L, -2, "write");
    return 1;
}

static int time_now(lua_State *L)
{
    struct handler_facts facts;

    handler_facts(script_of(L)->activation, &facts);
    lua_pushinteger(L, loop_wall(facts.loop));
    return 1;
}

int time_module(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, time_now);
    lua_setfield(L, -2, "now");
    return 1;
}

/* schema.Say = { text = true, attributes = { voice = true }, children = { break = true } } */
static void push_schema(lua_State *L, const struct schema_table *t, const struct schema *s)
{
    bool misplaced;

    lua_newtable(L);
    lua_pushboolean(L, (s->flags & (SCHEMA_TEXT | SCHEMA_MIXED)) != 0);
    lua_setfield(L, -2, "text");
    lua_newtable(L);
    for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, a->name);
    }
    lua_setfield(L, -2, "attributes");
    lua_newtable(L);
    for (size_t i = 0; i < t->count; i++)
        if (schema_find(t, t->all[i]->name, s, &misplaced) != NULL && !misplaced) {
            lua_pushboolean(L, true);
            lua_setfield(L, -2, t->all[i]->name);
        }
    lua_setfield(L, -2, "children");
}

int schema_module(lua_State *L)
{
    struct handler_facts facts;

    handler_facts(script_of(L)->activation, &facts);
    lua_createtable(L, 0, (int)facts.schemas->count);
    for (size_t i = 0; i < facts.schemas->count; i++) {
        budget_spend(L, 200);
        push_schema(L, facts.schemas, facts.schemas->all[i]);
        lua_setfield(L, -2, facts.schemas->all[i]->name);
    }
    return 1;
}
