/* The Lua state of one session: its memory, and how it is made and closed. */
#include "base/mem.h"
#include "script/private.h"

#include <jansson.h>
#include <string.h>

struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

/* Every byte is counted, and making something large is work, too. Lua takes it that shrinking
 * cannot fail. */
static void *allocate(void *arg, void *p, size_t old, size_t size)
{
    struct script *s = arg;
    bool is_string = p == NULL && old == LUA_TSTRING;
    void *q;

    if (p == NULL)
        old = 0; /* it was the kind of object */
    if (size == 0) {
        mem_free(p);
        s->used -= old;
        return NULL;
    }
    if (size > old && s->open) {
        if ((is_string && size > SCRIPT_MAX_STRING + 64) || s->used + (size - old) > s->cap)
            return NULL;
        if (is_string && size > SCRIPT_LONG_STRING)
            budget_long_string(s, size);
        if (!budget_spend_quietly(s, (size - old) / 64)) {
            s->late = true;
            return NULL;
        }
    }
    q = mem_realloc(p, size);
    if (q == NULL && size <= old)
        q = p;
    if (q != NULL)
        s->used = s->used - old + size;
    return q;
}

/* --- protected calls from outside --- */

static void take_error(lua_State *L, int rc, struct error *err)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

    if (rc == LUA_ERRMEM)
        error_nomem(err);
    else
        error_set_twilio(err, ERR_INVALID, 82002, "%s", text != NULL ? text : "error in Lua");
}

int script_protected(struct script *s, lua_CFunction f, void *arg, struct error *err)
{
    lua_State *L = s->L;
    int rc;

    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, arg);
    rc = lua_pcall(L, 1, 0, 0);
    if (rc == LUA_OK)
        return 0;
    take_error(L, rc, err);
    lua_settop(L, 0);
    return rc == LUA_ERRMEM ? ERR_NOMEM : ERR_INVALID;
}

/* --- making it --- */

/* The flow's globals are built from an empty table; what Lua's own libraries put into theirs is
 * dropped with that table. */
static int open_all(lua_State *L)
{
    lua_newtable(L);
    base_open(L);
    threads_open(L);
    tables_open(L);
    strings_open(L);
    modules_open(L);
    call_open(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "_G");
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    return 0;
}

static int ignore_panic(lua_State *L)
{
    (void)L;
    return 0; /* every call from outside is protected: Lua aborts if one is not */
}

struct script *script_open(struct activation *a, struct error *err)
{
    struct handler_facts facts;
    struct script *s = *handler_state(a);

    if (s != NULL && s->dead && s->handlers == 0) {
        script_close(s);
        *handler_state(a) = s = NULL;
    }
    if (s != NULL) {
        s->activation = a;
        return s;
    }
    s = mem_alloc(sizeof *s);
    if (s != NULL)
        s->L = lua_newstate(allocate, s);
    if (s == NULL || s->L == NULL) {
        mem_free(s);
        error_nomem(err);
        return NULL;
    }
    handler_facts(a, &facts);
    s->activation = a;
    s->virtual_time = loop_is_virtual(facts.loop);
    s->hook = SCRIPT_HOOK;
    s->cap = (size_t)facts.config->limits.lua_memory_kb * 1024;
    lua_atpanic(s->L, ignore_panic);
    *(struct script **)lua_getextraspace(s->L) = s;
    if (script_protected(s, open_all, NULL, err) != 0) {
        script_close(s);
        return NULL;
    }
    s->open = true;
    budget_watch(s, s->L);
    *handler_state(a) = s;
    return s;
}

void script_close(void *arg)
{
    struct script *s = arg;

    s->open = false;
    lua_close(s->L);
    str_free(&s->text);
    json_decref(s->json);
    mem_free(s);
}
