/* What a scenario does with `t`: numbers, files, calls, and what comes from outside. */
#include "base/disk.h"
#include "base/mem.h"
#include "sim/stage.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- help for all methods --- */

/* __index: upvalue 1 the methods, 2 what the thing is called. */
static int lua_index(lua_State *L)
{
    const char *name = lua_tostring(L, 2), *known, *best = NULL;
    unsigned distance, nearest = 7;

    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (name == NULL)
        return luaL_error(L, "%s has only named words", lua_tostring(L, lua_upvalueindex(2)));
    lua_pushnil(L);
    while (lua_next(L, lua_upvalueindex(1)) != 0) {
        lua_pop(L, 1);
        known = lua_tostring(L, -1);
        distance = str_distance(name, known);
        if (distance < nearest ||
            (distance == nearest && best != NULL && strcmp(known, best) < 0)) {
            nearest = distance;
            best = known;
        }
    }
    if (best != NULL)
        return luaL_error(L, "%s has no word '%s'; did you mean '%s'?",
                          lua_tostring(L, lua_upvalueindex(2)), name, best);
    return luaL_error(L, "%s has no word '%s'", lua_tostring(L, lua_upvalueindex(2)), name);
}

void stage_metatable(lua_State *L, const char *name, const char *thing)
{
    luaL_newmetatable(L, name);
    lua_insert(L, -2);
    lua_pushstring(L, thing);
    lua_pushcclosure(L, lua_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

int stage_fail(lua_State *L, const struct stage_caller *c, const char *fmt, ...)
{
    struct stage *st = stage_of(L);
    struct str text = STR_INIT(1 << 15);
    va_list ap;

    luaL_where(L, 1);
    str_add(&text, lua_tostring(L, -1));
    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    str_add(&text, "\nwhat happened before:\n");
    tell_last(&text, st->sim, c != NULL ? sim_caller_sid(c->caller) : "", 14);
    lua_pushstring(L, str_text(&text));
    str_free(&text);
    return lua_error(L);
}

int64_t stage_duration(lua_State *L, int arg)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"", 1000}};
    const char *text = luaL_checkstring(L, arg);
    char *rest;
    double n = strtod(text, &rest);

    rest += strspn(rest, " ");
    for (size_t i = 0; rest != text && i < sizeof units / sizeof *units; i++)
        if (strcmp(rest, units[i].unit) == 0 && n >= 0 && n * units[i].ms < 1e12)
            return (int64_t)(n * units[i].ms + 0.5);
    return luaL_argerror(L, arg, "a time is a number of seconds, or \"1.5s\", \"200ms\", \"2m\"");
}

const char *stage_url(lua_State *L, int arg)
{
    const char *url = luaL_checkstring(L, arg);

    return *url == '/' ? lua_pushfstring(L, STAGE_BASE "%s", url) : lua_pushstring(L, url);
}

const char *stage_path(lua_State *L, const char *name)
{
    const char *home = stage_of(L)->home;
    char whole[4096];

    if (*name == '/')
        return lua_pushstring(L, name);
    if (realpath(home, whole) == NULL)
        luaL_error(L, "%s: %s", home, strerror(errno));
    return lua_pushfstring(L, "%s/%s", whole, name);
}

/* --- the configuration --- */

static bool is_url_key(const char *key)
{
    return strcmp(key, "voice") == 0 || strcmp(key, "message") == 0 ||
           strcmp(key, "voice_fallback") == 0 || strcmp(key, "message_fallback") == 0 ||
           strcmp(key, "status_callback") == 0;
}

const char *stage_target(lua_State *L, const char *value)
{
    if (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0)
        return lua_pushstring(L, value);
    if (strncmp(value, STAGE_FILE, strlen(STAGE_FILE)) == 0)
        return lua_pushstring(L, value + strlen(STAGE_FILE));
    if (*value == '/')
        return lua_pushfstring(L, "%s%s", STAGE_BASE, value);
    return stage_path(L, value);
}

/* In the configuration, which stands in the root folder, file names are relative to that. */
static void add_flow(lua_State *L, struct str *out, const char *value)
{
    const char *target = stage_target(L, value);

    target += *target == '/';
    str_add_lua(out, target);
    lua_pop(L, 1);
}

static void add_value(lua_State *L, struct str *out, const char *key)
{
    size_t len;
    const char *text;

    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        str_add(out, lua_toboolean(L, -1) ? "true" : "false");
        break;
    case LUA_TTABLE:
        str_addc(out, '{');
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, -1); i++) {
            lua_rawgeti(L, -1, i);
            add_value(L, out, "");
            str_addc(out, ',');
            lua_pop(L, 1);
        }
        str_addc(out, '}');
        break;
    default:
        text = luaL_tolstring(L, -1, &len);
        if (is_url_key(key))
            add_flow(L, out, text);
        else if (lua_type(L, -2) == LUA_TNUMBER)
            str_addn(out, text, len);
        else
            str_addn_lua(out, text, len);
        lua_pop(L, 1);
    }
}

/* A number that was there before is another one from now on. */
static void set_number(lua_State *L, const char *pattern, struct str *text)
{
    struct stage *st = stage_of(L);
    struct stage_number *all = st->numbers.items, *n = NULL;

    for (size_t i = 0; i < st->numbers.count; i++)
        if (strcmp(all[i].pattern, pattern) == 0)
            n = &all[i];
    if (n == NULL && (n = sim_row_add(&st->numbers, sizeof *n, STAGE_NUMBERS)) != NULL)
        n->pattern = mem_strdup(pattern);
    if (n != NULL) {
        mem_free(n->text);
        n->text = str_take(text);
    }
    str_free(text);
    if (n == NULL || n->pattern == NULL || n->text == NULL)
        luaL_error(L, "more than %d numbers, or memory is out", STAGE_NUMBERS);
    st->changed = true;
}

static void add_option(lua_State *L, struct str *out)
{
    str_addf(out, ", %s = ", lua_tostring(L, -2));
    add_value(L, out, lua_tostring(L, -2));
}

/* t:number("+15550100", { voice = "/voice", … }): as number{…} of almon.lua. A text instead of the
 * table is its voice. */
static int t_number(lua_State *L)
{
    struct str out = STR_INIT(1 << 16);
    size_t len;
    const char *pattern = luaL_checklstring(L, 2, &len);

    if (lua_type(L, 3) == LUA_TSTRING) {
        lua_newtable(L);
        lua_pushvalue(L, 3);
        lua_setfield(L, -2, "voice");
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, 3) != 0) { /* before `out` holds memory that an error would lose */
        if (lua_type(L, -2) != LUA_TSTRING)
            return luaL_error(L, "a number's options have names: { voice = \"/voice\" }");
        lua_pop(L, 1);
    }
    str_add(&out, "number { ");
    str_addn_lua(&out, pattern, len);
    lua_pushnil(L);
    while (lua_next(L, 3) != 0) {
        add_option(L, &out);
        lua_pop(L, 1);
    }
    str_add(&out, " }\n");
    set_number(L, pattern, &out);
    return 0;
}

/* t:config(text): anything else of almon.lua. */
static int t_config(lua_State *L)
{
    struct stage *st = stage_of(L);

    str_add(&st->config, luaL_checkstring(L, 2));
    str_addc(&st->config, '\n');
    st->changed = true;
    return 0;
}

static int use_config(struct stage *st, struct error *err)
{
    const struct stage_number *all = st->numbers.items;
    struct str text = STR_INIT(SIM_CONFIG_BYTES / 2);
    int rc;

    str_add(&text, str_text(&st->config));
    for (size_t i = 0; i < st->numbers.count; i++)
        str_add(&text, all[i].text);
    if (text.failed || st->config.failed)
        rc = error_set(err, ERR_LIMIT, "it is larger than %d bytes", SIM_CONFIG_BYTES / 2);
    else
        rc = sim_configure(st->sim, str_text(&text), err);
    str_free(&text);
    return rc;
}

void stage_configure(lua_State *L)
{
    struct stage *st = stage_of(L);
    struct error err = {0};

    if (!st->changed)
        return;
    st->config_problem[0] = '\0';
    if (use_config(st, &err) != 0)
        luaL_error(L, "the configuration is wrong: %s",
                   st->config_problem[0] != '\0' ? st->config_problem : err.text);
    st->changed = false;
}

/* --- files --- */

/* t:flow(path): a local flow beside the scenario, for t:number. */
static int t_flow(lua_State *L)
{
    const char *path = stage_path(L, luaL_checkstring(L, 2));
    const char *hash = strchr(path, '#'); /* file.lua#function */
    char file[4096];
    FILE *f;

    snprintf(file, sizeof file, "%.*s", (int)(hash == NULL ? strlen(path) : (size_t)(hash - path)),
             path);
    f = fopen(file, "r");
    if (f == NULL)
        return luaL_error(L, "%s: %s", file, strerror(errno));
    fclose(f);
    lua_pushfstring(L, STAGE_FILE "%s", path);
    return 1;
}

/* t:file(name, text): a file of this scenario alone; answers its path. */
static int t_file(lua_State *L)
{
    struct stage *st = stage_of(L);
    const char *name = luaL_checkstring(L, 2);
    size_t len;
    const char *text = luaL_checklstring(L, 3, &len);
    char path[4096], *slash;
    /* A time of the scenario's own world, for journals that repeat exactly; a file that is written
     * again is newer. */
    const struct timespec when = {.tv_sec = (time_t)(loop_wall(st->sim->loop) / 1000),
                                  .tv_nsec = ++st->files_written};
    const struct timespec both[2] = {when, when};
    FILE *f;
    bool good;

    if (*name == '/' || strstr(name, "..") != NULL)
        return luaL_error(L, "%s: a plain name is wanted, below the scenario's own folder", name);
    snprintf(path, sizeof path, "%s/%s", st->files, name);
    slash = strrchr(path, '/');
    *slash = '\0';
    disk_make_folders(path, NULL);
    *slash = '/';
    f = fopen(path, "wb");
    good = f != NULL && fwrite(text, 1, len, f) == len;
    if (f == NULL || fclose(f) != 0 || !good || utimensat(AT_FDCWD, path, both, 0) != 0)
        return luaL_error(L, "%s: %s", path, strerror(errno));
    lua_pushfstring(L, STAGE_FILE "%s", path);
    return 1;
}

/* t:folder(name): what t:file made, by its name. */
static int t_folder(lua_State *L)
{
    lua_pushfstring(L, STAGE_FILE "%s/%s", stage_of(L)->files, luaL_checkstring(L, 2));
    return 1;
}

/* --- calls --- */

static const char *option(lua_State *L, int table, const char *name)
{
    const char *text = NULL;

    if (lua_istable(L, table) && lua_getfield(L, table, name) != LUA_TNIL) {
        text = lua_tostring(L, -1);
        if (text == NULL)
            luaL_error(L, "%s must be a text", name);
    }
    return text; /* stays on the stack, so that it lives */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the order of their names: a table has none that repeats. */
void stage_read_params(lua_State *L, int table, const char **pairs)
{
    size_t n = 0;

    if (!lua_istable(L, table) || lua_getfield(L, table, "params") != LUA_TTABLE)
        return;
    luaL_checkstack(L, 2 * STAGE_PARAMS + 4, NULL);
    table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (n == STAGE_PARAMS || lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "params are at most %d names with their texts", STAGE_PARAMS);
        pairs[2 * n] = lua_tostring(L, -2);
        pairs[2 * n + 1] = luaL_tolstring(L, -1, NULL);
        lua_replace(L, -2);
        n++;
        lua_pushvalue(L, -2); /* the key again, to go on from; key and value stay */
    }
    qsort(pairs, n, 2 * sizeof *pairs, by_name);
}

static void check_options(lua_State *L, int table)
{
    static const char *const names[] = {"from",        "codec",      "keys",  "forwarded_from",
                                        "caller_name", "call_token", "params"};
    bool known;

    if (lua_isnoneornil(L, table))
        return;
    luaL_checktype(L, table, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        lua_pop(L, 1);
        known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known = known ||
                    (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), names[i]) == 0);
        if (!known)
            luaL_error(L,
                       "t:call has no option '%s': from, codec, keys, forwarded_from, "
                       "caller_name, call_token, params",
                       luaL_tolstring(L, -1, NULL));
    }
}

static int call_went_out(lua_State *L, int status, lua_KContext k)
{
    (void)L;
    (void)status;
    (void)k;
    return 1; /* the caller */
}

/* t:call(number, { from =, codec =, keys = "tones" }) */
static int t_call(lua_State *L)
{
    struct stage *st = stage_of(L);
    const char *pairs[2 * STAGE_PARAMS + 1] = {0};
    struct offer o = {.to = luaL_checkstring(L, 2), .dtmf_events = true, .params = pairs};
    const char *codec, *keys;
    struct sim_caller *c = NULL;
    struct error err = {0};

    actor_current(L);
    check_options(L, 3);
    o.from = option(L, 3, "from");
    if (o.from == NULL)
        o.from = STAGE_FROM;
    codec = option(L, 3, "codec");
    keys = option(L, 3, "keys");
    o.forwarded_from = option(L, 3, "forwarded_from");
    o.caller_name = option(L, 3, "caller_name");
    o.call_token = option(L, 3, "call_token");
    stage_read_params(L, 3, pairs);
    if (keys != NULL && strcmp(keys, "tones") == 0)
        o.dtmf_events = false;
    else if (keys != NULL && strcmp(keys, "events") != 0)
        return luaL_error(L, "keys are \"events\" or \"tones\", not \"%s\"", keys);
    if (codec != NULL && codec_find(codec) < 0)
        return luaL_error(L, "no codec \"%s\": PCMU, PCMA, L16/8000, L16/16000, L16/24000", codec);
    o.codec = codec != NULL ? (enum codec)codec_find(codec) : CODEC_PCMU;
    stage_configure(L);
    if (sim_call(st->sim, &o, &c, &err) != 0)
        return luaL_error(L, "%s", err.text);
    lua_settop(L, 1);
    stage_push_caller(L, c, !o.dtmf_events);
    return actor_wait(L, NULL, 0, call_went_out);
}

/* --- time --- */

int stage_nothing_more(lua_State *L, int status, lua_KContext k)
{
    (void)L;
    (void)status;
    (void)k;
    return 0;
}

static int t_waits(lua_State *L)
{
    return actor_wait(L, NULL, stage_duration(L, 2), stage_nothing_more);
}

static bool children_over(struct actor *a)
{
    struct actor **all = a->stage->actors.items;

    for (size_t i = 0; i < a->stage->actors.count; i++)
        if (all[i]->parent >= 0 && all[all[i]->parent] == a && !all[i]->over)
            return false;
    return true;
}

/* t:together(function, …): each goes its own way, until all are through. */
static int t_together(lua_State *L)
{
    struct stage *st = stage_of(L);
    struct actor *me = actor_current(L), **all = st->actors.items;
    int parent = 0, n = lua_gettop(L);

    while (all[parent] != me)
        parent++;
    for (int i = 2; i <= n; i++)
        luaL_checktype(L, i, LUA_TFUNCTION);
    for (int i = 2; i <= n; i++) {
        struct actor *a = actor_new(st, L, i);

        if (a == NULL)
            return luaL_error(L, "more than %d functions at once", STAGE_ACTORS);
        a->parent = parent;
        lua_pushvalue(L, 1);
        lua_xmove(L, a->co, 1);
    }
    return actor_wait(L, children_over, STAGE_END_MS, stage_nothing_more);
}

static bool is_quiet(struct actor *a)
{
    struct runtime_stats stats;

    runtime_stats(sim_runtime(a->stage->sim), &stats);
    return stats.sessions + stats.rooms == 0;
}

static int settled(lua_State *L, int status, lua_KContext k)
{
    struct runtime_stats stats;

    (void)status;
    (void)k;
    runtime_stats(sim_runtime(stage_of(L)->sim), &stats);
    if (stats.sessions + stats.rooms != 0)
        return stage_fail(L, NULL,
                          "expected all calls to be over, %u still live, and %u conferences",
                          stats.sessions, stats.rooms);
    return 0;
}

/* t:settles(): every call is over, with its callbacks and recordings. */
static int t_settles(lua_State *L)
{
    return actor_wait(L, is_quiet, STAGE_EXPECT_MS, settled);
}

static int t_now(lua_State *L)
{
    lua_pushnumber(L, (double)sim_now(stage_of(L)->sim) / 1000);
    return 1;
}

/* --- from outside --- */

/* t:redirect(caller, url or file) */
static int t_redirect(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 2);
    const char *url = luaL_checkstring(L, 3);
    struct error err = {0};
    int rc;

    actor_current(L);
    rc = runtime_redirect(sim_runtime(stage_of(L)->sim), sim_caller_sid(c->caller),
                          stage_target(L, url), &err);
    if (rc != 0)
        return stage_fail(L, c, "the call could not be redirected: %s", err.text);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

/* t:hangup(caller): as the operator does. */
static int t_hangup(lua_State *L)
{
    struct stage_caller *c = stage_check_caller(L, 2);
    struct error err = {0};

    actor_current(L);
    if (runtime_hangup(sim_runtime(stage_of(L)->sim), sim_caller_sid(c->caller), &err) != 0)
        return stage_fail(L, c, "the call could not be ended: %s", err.text);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

/* t:breaks_link(): the gateway's link is lost with all calls, and comes back. */
static int t_breaks_link(lua_State *L)
{
    struct stage *st = stage_of(L);
    struct error err = {0};

    actor_current(L);
    if (sim_break_link(st->sim, &err) != 0)
        return luaL_error(L, "%s", err.text);
    return actor_wait(L, NULL, 0, stage_nothing_more);
}

void stage_open_t(lua_State *L)
{
    static const luaL_Reg methods[] = {{"number", t_number},
                                       {"config", t_config},
                                       {"flow", t_flow},
                                       {"file", t_file},
                                       {"folder", t_folder},
                                       {"web", stage_web},
                                       {"expect_request", stage_expect_request},
                                       {"expect_no_request", stage_expect_no_request},
                                       {"requests", stage_requests},
                                       {"kv", stage_kv},
                                       {"begins", stage_begins},
                                       {"call", t_call},
                                       {"callee", stage_callee},
                                       {"text", stage_text},
                                       {"waits", t_waits},
                                       {"wait", t_waits},
                                       {"together", t_together},
                                       {"settles", t_settles},
                                       {"now", t_now},
                                       {"redirect", t_redirect},
                                       {"hangup", t_hangup},
                                       {"breaks_link", t_breaks_link},
                                       {NULL, NULL}};

    luaL_newlib(L, methods);
    luaL_setfuncs(L, stage_room_words, 0);
    stage_metatable(L, "t", "t");
}
