#include "sim/scenario.h"

#include "base/mem.h"
#include "script/script.h"
#include "sim/stage.h"
#include <errno.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A file is run once for each of its scenarios, each time in a new state, and only the one with
 * the number `wanted` is kept: so no scenario sees what another did to its globals. */
struct reading {
    int count, wanted;
    const char *filter;
    const char *name; /* of the wanted one; lives on the stack of the state */
    int line;
    int function; /* reference; 0: not found */
    char *text;
    size_t len;
};

/* --- the Lua state --- */

/* scenario(name, function): upvalue 1 is the struct reading. */
static int lua_scenario(lua_State *L)
{
    struct reading *r = lua_touserdata(L, lua_upvalueindex(1));
    lua_Debug ar;

    luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (r->count >= SCENARIOS_IN_FILE)
        return luaL_error(L, "more than %d scenarios in one file", SCENARIOS_IN_FILE);
    if (r->count++ != r->wanted)
        return 0;
    if (lua_getstack(L, 1, &ar) && lua_getinfo(L, "l", &ar))
        r->line = ar.currentline;
    lua_pushvalue(L, 1);
    r->name = lua_tostring(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 2);
    r->function = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static int64_t cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A scenario that loops for ever must end, too. The start time is in the registry. */
static void look_at_time(lua_State *L, lua_Debug *ar)
{
    int64_t began;

    (void)ar;
    lua_rawgetp(L, LUA_REGISTRYINDEX, (void *)look_at_time);
    began = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (cpu_us() - began > STAGE_CPU_MS * 1000LL)
        luaL_error(L, "more than %d s of processor time: most likely a loop without end",
                   STAGE_CPU_MS / 1000);
}

static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
    };
    static const char *const unsafe[] = {"dofile", "loadfile", "collectgarbage"};

    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        lua_pushnil(L);
        lua_setglobal(L, unsafe[i]);
    }
}

/* Standard output belongs to the results. */
static int lua_print(lua_State *L)
{
    int n = lua_gettop(L);

    fputs("#", stderr);
    for (int i = 1; i <= n; i++) {
        fprintf(stderr, " %s", luaL_tolstring(L, i, NULL));
        lua_pop(L, 1);
    }
    fputs("\n", stderr);
    return 0;
}

/* In protected mode: the whole of a state's beginning. Argument: the struct stage. */
static int lua_prepare(lua_State *L)
{
    struct stage *st = lua_touserdata(L, 1);

    open_libraries(L);
    lua_pushcfunction(L, lua_print);
    lua_setglobal(L, "print");
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, (lua_Integer)st->o->seed);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
    lua_pushinteger(L, cpu_us());
    lua_rawsetp(L, LUA_REGISTRYINDEX, (void *)look_at_time);
    lua_sethook(L, look_at_time, LUA_MASKCOUNT, STAGE_INSTRUCTIONS);
    stage_open_caller(L);
    stage_open_callee(L);
    stage_open_texter(L);
    stage_open_t(L);
    stage_open_require(L);
    return 0;
}

static void *lua_memory(void *ud, void *p, size_t old, size_t size)
{
    (void)ud;
    (void)old;
    if (size == 0) {
        mem_free(p);
        return NULL;
    }
    return mem_realloc(p, size);
}

/* Runs the file's text in stage->L and keeps the wanted scenario. */
static int run_chunk(struct stage *st, struct reading *r, struct error *err)
{
    lua_State *L = st->L;
    struct str name = STR_INIT(4200);
    int rc;

    lua_pushcfunction(L, lua_prepare);
    lua_pushlightuserdata(L, st);
    rc = lua_pcall(L, 1, 0, 0);
    if (rc == LUA_OK) {
        lua_pushlightuserdata(L, r);
        lua_pushcclosure(L, lua_scenario, 1);
        lua_setglobal(L, "scenario");
        str_addf(&name, "@%s", st->o->path);
        rc = luaL_loadbufferx(L, r->text, r->len, str_text(&name), "t");
    }
    if (rc == LUA_OK)
        rc = lua_pcall(L, 0, 0, 0);
    if (rc != LUA_OK)
        error_set(err, ERR_INVALID, "%s", lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "?");
    str_free(&name);
    return rc == LUA_OK ? 0 : ERR_INVALID;
}

/* --- one scenario --- */

static void on_problem(int line, const char *text, void *arg)
{
    struct stage *st = arg;

    (void)line;
    if (st->config_problem[0] == '\0')
        str_copy(st->config_problem, sizeof st->config_problem, text);
}

static int make_sim(struct stage *st, struct error *err)
{
    struct sim_options o = {.config = "",
                            .path = "/almon.lua",
                            .folder = st->o->folder,
                            .speech = st->o->speech,
                            .seed = st->o->seed,
                            .verbs = st->o->verbs,
                            .handlers = &script_handlers,
                            .report = on_problem,
                            .report_arg = st};
    int rc = sim_new(&st->sim, &o, err);

    if (rc == 0)
        sim_watch(st->sim, st->o->line, st->o->arg);
    return rc;
}

/* In protected mode. Arguments: stage, reading. */
static int lua_start(lua_State *L)
{
    struct stage *st = lua_touserdata(L, 1);
    struct reading *r = lua_touserdata(L, 2);
    struct actor *a;

    lua_rawgeti(L, LUA_REGISTRYINDEX, r->function);
    a = actor_new(st, L, -1);
    if (a == NULL)
        return luaL_error(L, "out of memory");
    lua_newtable(L);
    luaL_setmetatable(L, "t");
    lua_xmove(L, a->co, 1);
    return 0;
}

static bool play(struct stage *st, struct reading *r)
{
    struct error err = {0};

    if (make_sim(st, &err) != 0) {
        str_add(&st->why, err.text);
        return false;
    }
    lua_pushcfunction(st->L, lua_start);
    lua_pushlightuserdata(st->L, st);
    lua_pushlightuserdata(st->L, r);
    if (lua_pcall(st->L, 2, 0, 0) != LUA_OK) {
        str_add(&st->why, lua_tostring(st->L, -1));
        return false;
    }
    return actor_drive(st);
}

static void perform(struct stage *st, struct reading *r)
{
    struct scenario_result result = {.name = r->name, .line = r->line, .why = ""};
    int64_t began = cpu_us();

    result.good = play(st, r);
    result.virtual_ms = st->sim != NULL ? sim_now(st->sim) : 0;
    result.why = str_text(&st->why);
    if (!result.good && *result.why == '\0')
        result.why = "out of memory";
    st->sim = sim_free(st->sim);
    sim_remove_folder(st->o->folder);
    result.cpu_us = cpu_us() - began;
    st->o->done(&result, st->o->arg);
}

static void stage_free(struct stage *st)
{
    struct stage_number *numbers = st->numbers.items;

    sim_free(st->sim);
    if (st->L != NULL)
        lua_close(st->L);
    actor_free_all(st);
    stage_web_free(st);
    for (size_t i = 0; i < st->numbers.count; i++) {
        mem_free(numbers[i].pattern);
        mem_free(numbers[i].text);
    }
    mem_free(numbers);
    str_free(&st->config);
    str_free(&st->why);
    mem_free(st->home);
    mem_free(st->files);
    mem_free(st);
}

static struct stage *stage_new(const struct scenario_options *o)
{
    const char *slash = strrchr(o->path, '/');
    struct stage *st = mem_alloc(sizeof *st);
    struct str files = STR_INIT(4096);

    if (st == NULL)
        return NULL;
    st->o = o;
    str_init(&st->config, SIM_CONFIG_BYTES / 2);
    str_init(&st->why, 1 << 16);
    str_addf(&files, "%s/files", o->folder);
    st->files = str_take(&files);
    st->home = slash == NULL ? mem_strdup(".") : mem_strndup(o->path, (size_t)(slash - o->path));
    st->L = lua_newstate(lua_memory, NULL);
    if (st->files == NULL || st->home == NULL || st->L == NULL) {
        stage_free(st);
        return NULL;
    }
    *(struct stage **)lua_getextraspace(st->L) = st;
    return st;
}

static int run_one(const struct scenario_options *o, struct reading *r, struct error *err)
{
    struct stage *st = stage_new(o);
    int rc;

    if (st == NULL)
        return error_nomem(err);
    r->count = 0;
    r->function = 0;
    rc = run_chunk(st, r, err);
    if (rc == 0 && r->function != 0 && (o->filter == NULL || strstr(r->name, o->filter) != NULL))
        perform(st, r);
    stage_free(st);
    return rc;
}

/* --- the file --- */

static int read_file(struct reading *r, const char *path, struct error *err)
{
    FILE *f = fopen(path, "rb");
    int rc = 0;

    if (f == NULL)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    r->text = mem_alloc(SCENARIO_FILE_BYTES + 1);
    if (r->text == NULL)
        rc = error_nomem(err);
    else
        r->len = fread(r->text, 1, SCENARIO_FILE_BYTES + 1, f);
    if (rc == 0 && ferror(f))
        rc = error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    else if (rc == 0 && r->len > SCENARIO_FILE_BYTES)
        rc = error_set(err, ERR_LIMIT, "%s: larger than %d bytes: split it", path,
                       SCENARIO_FILE_BYTES);
    fclose(f);
    return rc;
}

int scenario_run_file(const struct scenario_options *o, struct error *err)
{
    struct reading r = {0};
    int rc = read_file(&r, o->path, err);

    while (rc == 0) {
        rc = run_one(o, &r, err);
        if (++r.wanted >= r.count)
            break;
    }
    if (rc == 0 && r.count == 0)
        rc = error_set(err, ERR_INVALID,
                       "%s: no scenario in it: scenario(\"name\", function(t) … "
                       "end) makes one",
                       o->path);
    mem_free(r.text);
    return rc;
}
