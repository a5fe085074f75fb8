/* What a scenario does with a caller. */
#include "base/mem.h"
#include "media/file.h"
#include "sim/stage.h"
#include <ctype.h>
#include <jansson.h>
#include <string.h>

struct stage_caller *stage_check_caller(lua_State *L, int arg)
{
    struct stage_caller *c = luaL_testudata(L, arg, "callee");

    if (c == NULL)
        return luaL_checkudata(L, arg, "caller");
    if (!stage_callee_take(c))
        luaL_argerror(L, arg, "was not called yet: its word rings() waits for that");
    return c;
}

void stage_push_caller(lua_State *L, struct sim_caller *c, bool tones)
{
    struct stage_caller *u = lua_newuserdatauv(L, sizeof *u, 0);

    *u = (struct stage_caller){.stage = stage_of(L), .caller = c, .tones = tones};
    luaL_setmetatable(L, "caller");
}

/* The caller in argument 1, ready to wait. */
static struct stage_caller *prepare(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    actor_current(L)->caller = c;
    return c;
}

/* --- ears --- */

static bool over(const struct stage_caller *c)
{
    return sim_caller_is_over(c->caller);
}

static const struct sim_heard *next_heard(const struct stage_caller *c)
{
    return sim_caller_heard_at(c->caller, c->next_heard);
}

static bool begins(struct actor *a)
{
    return next_heard(a->caller) != NULL || over(a->caller);
}

static bool ends_prompt(struct actor *a)
{
    const struct sim_heard *h = next_heard(a->caller);

    return (h != NULL && h->ended >= 0) || over(a->caller);
}

/* Equal but for white space. */
static bool same_words(const char *a, const char *b)
{
    while (isspace((unsigned char)*a))
        a++;
    while (isspace((unsigned char)*b))
        b++;
    while (*a != '\0' && *b != '\0') {
        if (isspace((unsigned char)*a) && isspace((unsigned char)*b)) {
            while (isspace((unsigned char)*a))
                a++;
            while (isspace((unsigned char)*b))
                b++;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    while (isspace((unsigned char)*a))
        a++;
    while (isspace((unsigned char)*b))
        b++;
    return *a == '\0' && *b == '\0';
}

bool stage_matches(lua_State *L, const char *text, int pattern)
{
    bool found;

    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_pushstring(L, text);
    lua_pushvalue(L, pattern);
    lua_call(L, 2, 1);
    found = !lua_isnil(L, -1);
    lua_pop(L, 2);
    return found;
}

enum { HEAR_EXACTLY = 0, HEAR_PATTERN = 1, HEAR_START = 2 };

static int heard(lua_State *L, int status, lua_KContext mode)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    const struct sim_heard *h = next_heard(c);
    const char *want = lua_tostring(L, 2);

    (void)status;
    if (h == NULL)
        return stage_fail(L, c, "expected to hear \"%s\", heard nothing%s", want,
                          over(c) ? ": the call is over" : "");
    if ((mode & HEAR_PATTERN) != 0 ? !stage_matches(L, h->text, 2) : !same_words(h->text, want))
        return stage_fail(L, c, "expected to hear \"%s\", heard \"%s\"", want, h->text);
    if ((mode & HEAR_START) == 0)
        c->next_heard++;
    else
        c->begun = c->next_heard + 1;
    lua_pushstring(L, h->text);
    return 1;
}

static int heard_exactly(lua_State *L, int status, lua_KContext k)
{
    (void)k;
    return heard(L, status, HEAR_EXACTLY);
}

static int heard_match(lua_State *L, int status, lua_KContext k)
{
    (void)k;
    return heard(L, status, HEAR_PATTERN);
}

static int heard_start(lua_State *L, int status, lua_KContext k)
{
    (void)k;
    return heard(L, status, HEAR_START);
}

static int caller_hears(lua_State *L)
{
    luaL_checkstring(L, 2);
    prepare(L);
    return actor_wait(L, ends_prompt, STAGE_HEAR_MS, heard_exactly);
}

static int caller_hears_match(lua_State *L)
{
    luaL_checkstring(L, 2);
    prepare(L);
    return actor_wait(L, ends_prompt, STAGE_HEAR_MS, heard_match);
}

static int caller_hears_start(lua_State *L)
{
    luaL_checkstring(L, 2);
    prepare(L);
    return actor_wait(L, begins, STAGE_HEAR_MS, heard_start);
}

static bool any_sound(struct actor *a)
{
    return sim_caller_frames(a->caller->caller) > a->index || over(a->caller);
}

static int heard_sound(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    (void)status;
    (void)k;
    if (sim_caller_frames_within(c->caller, FRAME_MS) == 0)
        return stage_fail(L, c, "expected to hear a sound, heard nothing%s",
                          over(c) ? ": the call is over" : "");
    return 0;
}

/* caller:hears_sound(): anything audible, also what says nothing: music, a beep. */
static int caller_hears_sound(lua_State *L)
{
    struct stage_caller *c = prepare(L);

    actor_current(L)->index = sim_caller_frames(c->caller);
    return actor_wait(L, any_sound, STAGE_HEAR_MS, heard_sound);
}

static int heard_nothing(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    const struct sim_heard *h = next_heard(c);

    (void)status;
    (void)k;
    if (h != NULL)
        return stage_fail(L, c, "expected to hear nothing, heard \"%s\"", h->text);
    if (sim_caller_frames(c->caller) > (size_t)lua_tointeger(L, 3))
        return stage_fail(L, c, "expected to hear nothing, heard a sound that says no words");
    return 0;
}

/* caller:hears_nothing("5s") */
static int caller_hears_nothing(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    int64_t ms = stage_duration(L, 2);

    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)sim_caller_frames(c->caller));
    actor_current(L)->index = sim_caller_frames(c->caller);
    return actor_wait(L, any_sound, ms, heard_nothing);
}

/* caller:hears_digits("123"): keys that were sent to him so far. */
static int caller_hears_digits(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    const char *want = luaL_checkstring(L, 2);

    if (strcmp(sim_caller_digits(c->caller), want) != 0)
        return stage_fail(L, c, "expected the digits \"%s\", got \"%s\"", want,
                          sim_caller_digits(c->caller));
    return 0;
}

/* --- mouth --- */

static bool said_it(struct actor *a)
{
    return !sim_caller_is_playing(a->caller->caller);
}

static int plays_audio(lua_State *L, struct stage_caller *c, struct audio *audio)
{
    int64_t ms = (int64_t)audio->frames * FRAME_MS + 1000;
    bool whole = audio->stream == NULL;

    sim_caller_plays(c->caller, audio);
    audio_unref(audio);
    if (!whole)
        return luaL_error(L, "longer than %d s: a caller plays shorter pieces",
                          AUDIO_WHOLE_MS / 1000);
    return actor_wait(L, said_it, ms, stage_nothing_more);
}

/* caller:plays("file.wav") */
static int caller_plays(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    const char *path = stage_path(L, luaL_checkstring(L, 2));
    struct audio *audio = NULL;
    struct error err = {0};

    if (audio_load_file(&audio, sim_caller_codec(c->caller), path, &err) != 0)
        return luaL_error(L, "%s", err.text);
    return plays_audio(L, c, audio);
}

/* caller:greets("machine"): answers as a human, a machine, one with a beep, or a fax does. */
static int caller_greets(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    const char *script = sim_greeting_script(luaL_checkstring(L, 2));
    struct audio *audio = NULL;
    struct error err = {0};

    if (script == NULL)
        return luaL_argerror(L, 2, "a greeting is human, machine, beep or fax");
    if (sim_greeting(&audio, sim_caller_codec(c->caller), script, &err) != 0)
        return luaL_error(L, "%s", err.text);
    return plays_audio(L, c, audio);
}

static int spoke(lua_State *L, int status, lua_KContext k)
{
    (void)status;
    (void)k;
    sim_caller_sends(stage_check_caller(L, 1)->caller, SIM_SILENCE);
    return 0;
}

/* caller:speaks("3s"): makes a sound for so long. There is no recogniser yet, so it has no words.
 */
static int caller_speaks(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    int64_t ms = stage_duration(L, 2);

    sim_caller_sends(c->caller, SIM_TONE);
    return actor_wait(L, NULL, ms, spoke);
}

static int caller_mutes(lua_State *L)
{
    struct stage_caller *c = prepare(L);

    sim_caller_sends(c->caller, SIM_NOTHING);
    return 0;
}

/* --- fingers --- */

static int caller_press(lua_State *L)
{
    struct stage_caller *c = prepare(L);
    const char *digits = luaL_checkstring(L, 2);
    struct audio *audio = NULL;
    struct error err = {0};

    if (*digits == '\0' || strspn(digits, "0123456789*#ABCD") != strlen(digits))
        return luaL_argerror(L, 2, "keys are 0-9 * # A-D");
    if (over(c))
        return stage_fail(L, c, "nothing can be pressed: the call is over");
    if (c->tones) {
        if (audio_from_digits(&audio, sim_caller_codec(c->caller), digits, &err) != 0)
            return luaL_error(L, "%s", err.text);
        return plays_audio(L, c, audio);
    }
    sim_caller_press(c->caller, digits);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

static int caller_waits(lua_State *L)
{
    prepare(L);
    return actor_wait(L, NULL, stage_duration(L, 2), stage_nothing_more);
}

static int caller_hangs_up(lua_State *L)
{
    struct stage_caller *c = prepare(L);

    sim_caller_hangup(c->caller);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

/* --- the call --- */

static bool is_answered(struct actor *a)
{
    return sim_caller_is_answered(a->caller->caller) || over(a->caller);
}

static int was_answered(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    (void)status;
    (void)k;
    if (!sim_caller_is_answered(c->caller))
        return stage_fail(L, c, "expected the call to be answered, %s",
                          over(c) ? "it is over" : "it still rings");
    return 0;
}

static int caller_is_answered(lua_State *L)
{
    prepare(L);
    return actor_wait(L, is_answered, STAGE_HEAR_MS, was_answered);
}

/* caller:rings(): not answered so far. */
static int caller_rings(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    if (sim_caller_is_answered(c->caller) || over(c))
        return stage_fail(L, c, "expected the call to ring, %s",
                          over(c) ? "it is over" : "it was answered");
    return 0;
}

static bool call_over(struct actor *a)
{
    return over(a->caller);
}

static const char *final_status(const struct stage_caller *c)
{
    const char *status = sim_caller_status(c->caller);

    return *status != '\0'
               ? status
               : cause_call_status(sim_caller_cause(c->caller), sim_caller_is_answered(c->caller));
}

static int call_ended(lua_State *L, int status, lua_KContext k)
{
    struct stage_caller *c = stage_check_caller(L, 1);
    const char *want = lua_tostring(L, 2);

    (void)status;
    (void)k;
    if (!over(c))
        return stage_fail(L, c, "expected the call to end, it still goes on");
    if (want != NULL && strcmp(want, final_status(c)) != 0)
        return stage_fail(L, c, "expected the call to end \"%s\", it ended \"%s\"", want,
                          final_status(c));
    if (next_heard(c) != NULL && want != NULL && c->begun <= c->next_heard)
        return stage_fail(L, c, "before the end he heard \"%s\", which nothing expected",
                          next_heard(c)->text);
    lua_pushstring(L, final_status(c));
    return 1;
}

/* caller:ends("completed"): waits for the end; nothing unexpected was said before it. */
static int caller_ends(lua_State *L)
{
    static const char *const known[] = {"completed", "busy", "failed", "no-answer", "canceled"};
    const char *want = luaL_optstring(L, 2, NULL);
    bool found = want == NULL;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        found = found || strcmp(known[i], want) == 0;
    if (!found)
        return luaL_argerror(L, 2, "a call ends completed, busy, failed, no-answer or canceled");
    lua_settop(L, 2);
    prepare(L);
    return actor_wait(L, call_over, STAGE_END_MS, call_ended);
}

static int caller_sid(lua_State *L)
{
    lua_pushstring(L, sim_caller_sid(stage_check_caller(L, 1)->caller));
    return 1;
}

static int caller_status(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 1);

    lua_pushstring(L, over(c) ? final_status(c) : sim_caller_status(c->caller));
    return 1;
}

/* --- the journal --- */

static void push_json(lua_State *L, json_t *v)
{
    const char *key;
    json_t *inner;
    size_t i;

    luaL_checkstack(L, 4, NULL);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        lua_newtable(L);
        json_object_foreach(v, key, inner)
        {
            push_json(L, inner);
            lua_setfield(L, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_newtable(L);
        json_array_foreach(v, i, inner)
        {
            push_json(L, inner);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(v));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(v));
        break;
    case JSON_NULL:
        lua_pushnil(L);
        break;
    default:
        lua_pushboolean(L, json_is_true(v));
    }
}

int stage_push_journal(lua_State *L, const char *sid, const char *e)
{
    const char *is;
    const struct sim_line *line;
    lua_Integer n = 0;
    json_t *j;

    lua_newtable(L);
    for (size_t i = 0; (line = sim_line_at(stage_of(L)->sim, i)) != NULL; i++) {
        if (strcmp(line->sid, sid) != 0)
            continue;
        j = json_loads(line->text, 0, NULL);
        is = json_string_value(json_object_get(j, "e"));
        if (j != NULL && (e == NULL || (is != NULL && strcmp(is, e) == 0))) {
            push_json(L, j);
            lua_rawseti(L, -2, ++n);
        }
        json_decref(j);
    }
    return 1;
}

/* caller:journal("verb"): the lines of his call with that "e" (all without), as tables. */
static int caller_journal(lua_State *L)
{
    return stage_push_journal(L, sim_caller_sid(stage_check_caller(L, 1)->caller),
                              luaL_optstring(L, 2, NULL));
}

const luaL_Reg stage_caller_words[] = {{"hears", caller_hears},
                                       {"hears_match", caller_hears_match},
                                       {"hears_start", caller_hears_start},
                                       {"hears_sound", caller_hears_sound},
                                       {"hears_nothing", caller_hears_nothing},
                                       {"hears_digits", caller_hears_digits},
                                       {"hears_tone", stage_hears_tone},
                                       {"hears_tones", stage_hears_tones},
                                       {"hears_no_tone", stage_hears_no_tone},
                                       {"press", caller_press},
                                       {"presses", caller_press},
                                       {"speaks", caller_speaks},
                                       {"plays", caller_plays},
                                       {"greets", caller_greets},
                                       {"plays_tone", stage_plays_tone},
                                       {"is_referred", stage_is_referred},
                                       {"refer_status", stage_refer_status},
                                       {"refers", stage_refers},
                                       {"mutes", caller_mutes},
                                       {"waits", caller_waits},
                                       {"wait", caller_waits},
                                       {"silent", caller_waits},
                                       {"hangup", caller_hangs_up},
                                       {"hangs_up", caller_hangs_up},
                                       {"is_answered", caller_is_answered},
                                       {"ends", caller_ends},
                                       {"sid", caller_sid},
                                       {"status", caller_status},
                                       {"journal", caller_journal},
                                       {NULL, NULL}};

static int caller_calls(lua_State *L)
{
    return luaL_error(L, "he is the one who calls: t:callee makes a party that is called");
}

void stage_open_caller(lua_State *L)
{
    static const luaL_Reg own[] = {{"rings", caller_rings},
                                   {"answer", caller_calls},
                                   {"busy", caller_calls},
                                   {"reject", caller_calls},
                                   {NULL, NULL}};

    luaL_newlib(L, own);
    luaL_setfuncs(L, stage_caller_words, 0);
    luaL_setfuncs(L, stage_text_words, 0);
    stage_metatable(L, "caller", "a caller");
}
