/* Tones in a scenario: who hears whom. */
#include "sim/stage.h"

enum {
    STEADY = 5, /* frames on end make a tone that is heard */
    HZ_MIN = 100,
    HZ_MAX = 3400,
    TONE_MS = 10 * 1000, /* how long a caller listens for a tone */
};

static int check_hz(lua_State *L, int arg)
{
    lua_Integer hz = luaL_checkinteger(L, arg);

    if (hz < HZ_MIN || hz > HZ_MAX || hz % 50 != 0)
        luaL_argerror(L, arg, "a tone has 100 to 3400 Hz, in steps of 50");
    return (int)hz;
}

/* Listens from now on. */
static const struct sim_tone *tone(lua_State *L, struct stage_caller *c, int hz)
{
    const struct sim_tone *t = sim_caller_tone(c->caller, hz);

    if (t == NULL)
        luaL_error(L, "a caller listens for at most %d tones", SIM_TONES);
    return t;
}

static struct stage_caller *prepare(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    actor_current(L)->caller = c;
    return c;
}

static int stops(lua_State *L, int status, lua_KContext k)
{
    (void)status;
    (void)k;
    sim_caller_sends_tone(stage_check_caller(L, 1)->caller, 0);
    return 0;
}

/* caller:plays_tone(440): from now on; (440, "2s"): for so long; (false): no more. */
int stage_plays_tone(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    int hz = lua_isboolean(L, 2) && !lua_toboolean(L, 2) ? 0 : check_hz(L, 2);

    sim_caller_sends_tone(c->caller, hz);
    if (lua_isnoneornil(L, 3))
        return 0;
    prepare(L);
    return actor_wait(L, NULL, stage_duration(L, 3), stops);
}

/* Exactly the tones of the table in argument 2 are heard, of all that somebody played. */
static bool hears_exactly(struct actor *a)
{
    struct sim *s = a->stage->sim;
    bool wanted, heard;
    int hz;

    for (size_t i = 0; (hz = sim_tone_at(s, i)) != 0; i++) {
        wanted = false;
        for (lua_Integer k = 1; k <= (lua_Integer)lua_rawlen(a->co, 2) && !wanted; k++) {
            lua_rawgeti(a->co, 2, k);
            wanted = lua_tointeger(a->co, -1) == hz;
            lua_pop(a->co, 1);
        }
        heard = sim_caller_hears_tone(a->caller->caller, hz, wanted ? STEADY : 1);
        if (heard != wanted)
            return false;
    }
    return true;
}

static bool tones_decided(struct actor *a)
{
    return sim_caller_is_over(a->caller->caller) ||
           (sim_now(a->stage->sim) >= (int64_t)a->index && hears_exactly(a));
}

static void say_heard(lua_State *L, struct stage_caller *c)
{
    luaL_Buffer b;
    int hz;

    luaL_buffinit(L, &b);
    for (size_t i = 0; (hz = sim_tone_at(c->stage->sim, i)) != 0; i++)
        if (sim_caller_hears_tone(c->caller, hz, 1)) {
            lua_pushfstring(L, " %d", hz);
            luaL_addvalue(&b);
        }
    luaL_pushresult(&b);
}

static int heard_tones(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    const char *heard;

    (void)status;
    (void)k;
    if (tones_decided(actor_current(L)) && !sim_caller_is_over(c->caller))
        return 0;
    say_heard(L, c);
    heard = lua_tostring(L, -1);
    return stage_fail(L, c, "expected to hear exactly these tones, heard%s%s",
                      *heard != '\0' ? heard : " none of those played",
                      sim_caller_is_over(c->caller) ? ": the call is over" : "");
}

/* caller:hears_tones({400, 600}): of all tones that are played by anybody, he hears exactly these.
 */
int stage_hears_tones(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    int hz;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 2); i++) {
        lua_rawgeti(L, 2, i);
        hz = check_hz(L, -1);
        lua_pop(L, 1);
        tone(L, c, hz);
    }
    for (size_t i = 0; (hz = sim_tone_at(c->stage->sim, i)) != 0; i++)
        tone(L, c, hz);
    /* What begins to be listened for now is not heard before some frames have come. */
    actor_current(L)->index = (size_t)sim_now(c->stage->sim) + (STEADY + 1) * FRAME_MS;
    return actor_wait(L, tones_decided, TONE_MS, heard_tones);
}

static bool tone_heard(struct actor *a)
{
    return sim_caller_hears_tone(a->caller->caller, (int)a->index, STEADY) ||
           sim_caller_is_over(a->caller->caller);
}

static int heard_tone(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    int hz = (int)lua_tointeger(L, 2);

    (void)status;
    (void)k;
    if (!sim_caller_hears_tone(c->caller, hz, STEADY))
        return stage_fail(L, c, "expected to hear a tone of %d Hz, heard none%s", hz,
                          sim_caller_is_over(c->caller) ? ": the call is over" : "");
    return 0;
}

/* caller:hears_tone(440): waits until he does. */
int stage_hears_tone(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    int hz = check_hz(L, 2);

    tone(L, c, hz);
    actor_current(L)->index = (size_t)hz;
    return actor_wait(L, tone_heard, TONE_MS, heard_tone);
}

static bool tone_came(struct actor *a)
{
    return sim_caller_tone(a->caller->caller, (int)lua_tointeger(a->co, 2))->frames > a->index;
}

static int heard_no_tone(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    (void)status;
    (void)k;
    if (tone_came(actor_current(L)))
        return stage_fail(L, c, "expected to hear no tone of %d Hz, heard it",
                          (int)lua_tointeger(L, 2));
    return 0;
}

/* caller:hears_no_tone(440, "1s"): not at any moment of that time. */
int stage_hears_no_tone(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    int64_t ms = stage_duration(L, 3);

    actor_current(L)->index = tone(L, c, check_hz(L, 2))->frames;
    return actor_wait(L, tone_came, ms, heard_no_tone);
}
