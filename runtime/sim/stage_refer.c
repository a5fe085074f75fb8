/* Transfers in a scenario: a caller whom the exchange refers to another address, and one who asks
 * to be. */
#include "sim/stage.h"
#include <string.h>

enum { REFER_MS = 10 * 1000 }; /* how long a caller waits for the other side */

static struct stage_caller *prepare(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    actor_current(L)->caller = c;
    return c;
}

static bool was_asked(struct actor *a)
{
    return sim_caller_referred_to(a->caller->caller) != NULL ||
           sim_caller_is_over(a->caller->caller);
}

static int asked(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    const char *to = sim_caller_referred_to(c->caller), *want = luaL_optstring(L, 2, NULL);

    (void)status;
    (void)k;
    if (to == NULL)
        return stage_fail(L, c, "expected to be referred, but nobody asked for it");
    if (want != NULL && strcmp(to, want) != 0)
        return stage_fail(L, c, "expected to be referred to %s, was to %s", want, to);
    return 0;
}

/* caller:is_referred("sip:bob@example.com"): waits until he is. */
int stage_is_referred(lua_State *L)
{
    prepare(L);
    return actor_wait(L, was_asked, REFER_MS, asked);
}

/* caller:refer_status(202), (202, 486): how his telephone answers that, and how the new call ended.
 */
int stage_refer_status(lua_State *L)
{
    struct stage_caller *c = prepare(L);

    sim_caller_refer_answers(c->caller, (unsigned)luaL_checkinteger(L, 2),
                             (unsigned)luaL_optinteger(L, 3, 0));
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

static bool was_answered(struct actor *a)
{
    struct sim_refer r = sim_caller_refer(a->caller->caller);

    return r.response >= 300 || r.notify >= 200 || sim_caller_is_over(a->caller->caller);
}

static int answered(lua_State *L, int status, lua_KContext k)
{
    struct sim_refer r = sim_caller_refer(stage_check_caller(L, 1)->caller);

    (void)status;
    (void)k;
    lua_pushinteger(L, (lua_Integer)r.response);
    lua_pushinteger(L, (lua_Integer)r.notify);
    return 2;
}

/* caller:refers("sip:carol@example.com"): asks to be transferred; the SIP statuses that come back,
 * of the request and of the transfer, 0 for none. */
int stage_refers(lua_State *L)
{
    struct stage_caller *c = prepare(L);

    sim_caller_refers(c->caller, luaL_checkstring(L, 2), NULL);
    return actor_wait(L, was_answered, REFER_MS, answered);
}
