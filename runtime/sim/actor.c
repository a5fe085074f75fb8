/* The driver: resumes whoever has what he waits for, and lets the clock run when nobody has. */
#include "base/mem.h"
#include "sim/stage.h"
#include <string.h>
#include <time.h>

struct stage *stage_of(lua_State *L)
{
    return *(struct stage **)lua_getextraspace(L);
}

struct actor *actor_new(struct stage *st, lua_State *from, int function)
{
    struct actor *a = mem_alloc(sizeof *a), **at;

    if (a == NULL)
        return NULL;
    at = sim_row_add(&st->actors, sizeof *at, STAGE_ACTORS);
    if (at == NULL) {
        mem_free(a);
        return NULL;
    }
    *at = a;
    function = lua_absindex(from, function);
    a->stage = st;
    a->parent = -1;
    a->co = lua_newthread(from);
    lua_pushvalue(from, function);
    lua_xmove(from, a->co, 1);
    a->ref = luaL_ref(from, LUA_REGISTRYINDEX);
    return a;
}

void actor_free_all(struct stage *st)
{
    struct actor **all = st->actors.items;

    for (size_t i = 0; i < st->actors.count; i++)
        mem_free(all[i]);
    mem_free(all);
    st->actors = (struct sim_row){0};
}

struct actor *actor_current(lua_State *L)
{
    struct stage *st = stage_of(L);

    if (st->current == NULL)
        luaL_error(L, "a web answer's function cannot wait: give the answer a delay instead");
    else if (st->current->co != L)
        luaL_error(L, "only the scenario itself waits, no coroutine of its own: use t:together");
    return st->current;
}

int actor_wait_with(lua_State *L, bool (*ready)(struct actor *a), int64_t ms, lua_KFunction k,
                    lua_KContext ctx)
{
    struct actor *a = actor_current(L);

    a->ready = ready;
    a->until = sim_now(a->stage->sim) + ms;
    return lua_yieldk(L, 0, ctx, k);
}

int actor_wait(lua_State *L, bool (*ready)(struct actor *a), int64_t ms, lua_KFunction k)
{
    return actor_wait_with(L, ready, ms, k, 0);
}

static bool is_ready(struct actor *a)
{
    return !a->over && (sim_now(a->stage->sim) >= a->until || (a->ready != NULL && a->ready(a)));
}

static bool anybody_ready(void *arg)
{
    struct stage *st = arg;
    struct actor **all = st->actors.items;

    for (size_t i = 0; i < st->actors.count; i++)
        if (is_ready(all[i]))
            return true;
    return false;
}

static void say_error(struct actor *a)
{
    struct stage *st = a->stage;
    const char *text = lua_tostring(a->co, -1);

    str_add(&st->why, text != NULL ? text : "an error that is no text was raised");
}

/* The one place that resumes a scenario's Lua. */
static bool resume(struct actor *a, int n_args)
{
    struct stage *st = a->stage;
    int n_results = 0, rc;

    st->current = a;
    a->ready = NULL;
    rc = lua_resume(a->co, st->L, n_args, &n_results);
    st->current = NULL;
    if (rc == LUA_YIELD) {
        lua_pop(a->co, n_results);
        return true;
    }
    a->over = true;
    if (rc != LUA_OK)
        say_error(a);
    return rc == LUA_OK;
}

static int64_t next_time(struct stage *st)
{
    struct actor **all = st->actors.items;
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < st->actors.count; i++)
        if (!all[i]->over && all[i]->until < first)
            first = all[i]->until;
    return first;
}

bool actor_drive(struct stage *st)
{
    struct actor **all = st->actors.items;
    bool moved;

    if (!resume(all[0], 1)) /* the function's argument is on its stack */
        return false;
    /* A web answer's function may break the scenario, too: it leaves why. */
    while (!all[0]->over && st->why.len == 0) {
        sim_run(st->sim, 0, NULL, NULL);
        moved = false;
        for (size_t i = 0; i < st->actors.count; i++) {
            all = st->actors.items; /* a resumed actor may have made others */
            if (!is_ready(all[i]))
                continue;
            if (!resume(all[i], lua_status(all[i]->co) == LUA_YIELD ? 0 : 1))
                return false;
            sim_run(st->sim, 0, NULL, NULL);
            moved = true;
        }
        all = st->actors.items;
        if (!moved && !all[0]->over)
            sim_run(st->sim, next_time(st) - sim_now(st->sim), anybody_ready, st);
    }
    return st->why.len == 0;
}
