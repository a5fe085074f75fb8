/* The web applications of a scenario, and what they were asked. */
#include "base/mem.h"
#include "sim/stage.h"
#include <string.h>

/* An answer that a function gives: its reference, and that of its last result, whose strings the
 * exchange copies from. */
struct web_function {
    struct stage *stage;
    int function, result;
};

static enum http_failure find_failure(lua_State *L, const char *word)
{
    enum http_failure f = sim_failure_find(word);

    if (f == HTTP_DONE)
        luaL_error(L,
                   "no error '%s': connect, host, tls, protocol, timeout, redirects, too-large, "
                   "forbidden, failed",
                   word);
    return f;
}

/* One key of an answer's table; the value is on top. */
static void read_key(lua_State *L, struct sim_answer *a, const char *key)
{
    if (strcmp(key, "body") == 0)
        a->body = luaL_checklstring(L, -1, &a->len);
    else if (strcmp(key, "type") == 0)
        a->type = luaL_checkstring(L, -1);
    else if (strcmp(key, "status") == 0)
        a->status = (int)luaL_checkinteger(L, -1);
    else if (strcmp(key, "delay") == 0)
        a->delay_ms = (int)stage_duration(L, -1);
    else if (strcmp(key, "error") == 0)
        a->failure = find_failure(L, luaL_checkstring(L, -1));
    else if (strcmp(key, "etag") == 0)
        a->etag = luaL_checkstring(L, -1);
    else if (strcmp(key, "cache_control") == 0)
        a->cache_control = luaL_checkstring(L, -1);
    else
        luaL_error(L,
                   "a web answer has no '%s': body, type, status, delay, error, etag, "
                   "cache_control",
                   key);
}

/* Reads markup or a table at `at` into `a`, whose strings then live as long as that value. */
static void read_answer(lua_State *L, int at, struct sim_answer *a)
{
    at = lua_absindex(L, at);
    if (lua_type(L, at) == LUA_TSTRING) {
        a->body = lua_tolstring(L, at, &a->len);
        return;
    }
    if (lua_isnil(L, at)) {
        a->status = 204;
        return;
    }
    if (!lua_istable(L, at))
        luaL_error(L, "a web answer is markup, a table or a function, not a %s",
                   luaL_typename(L, at));
    lua_pushnil(L);
    while (lua_next(L, at) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "a web answer's table has names: { body =, status =, delay = }");
        read_key(L, a, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
}

static void push_params(lua_State *L, const char *form)
{
    struct str name = STR_INIT(1 << 16), value = STR_INIT(1 << 20);

    lua_newtable(L);
    while (sim_form_next(&form, &name, &value)) {
        lua_pushstring(L, str_text(&name));
        lua_pushlstring(L, str_text(&value), value.len);
        lua_rawset(L, -3);
    }
    str_free(&name);
    str_free(&value);
}

static void push_request(lua_State *L, const struct sim_request *r)
{
    lua_newtable(L);
    lua_pushstring(L, r->url);
    lua_setfield(L, -2, "url");
    lua_pushstring(L, r->method);
    lua_setfield(L, -2, "method");
    lua_pushnumber(L, (double)r->at / 1000);
    lua_setfield(L, -2, "at");
    push_params(L, r->form);
    lua_setfield(L, -2, "params");
}

/* In protected mode. Arguments: web_function, request, answer. */
static int lua_ask(lua_State *L)
{
    struct web_function *f = lua_touserdata(L, 1);
    const struct sim_request *r = lua_touserdata(L, 2);
    struct sim_answer *a = lua_touserdata(L, 3);

    lua_rawgeti(L, LUA_REGISTRYINDEX, f->function);
    push_request(L, r);
    lua_call(L, 1, 1);
    read_answer(L, -1, a);
    luaL_unref(L, LUA_REGISTRYINDEX, f->result);
    f->result = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void ask(struct sim_answer *a, const struct sim_request *r, void *arg)
{
    struct web_function *f = arg;
    struct stage *st = f->stage;
    lua_State *L = st->L;

    lua_pushcfunction(L, lua_ask);
    lua_pushlightuserdata(L, f);
    lua_pushlightuserdata(L, (void *)(uintptr_t)r);
    lua_pushlightuserdata(L, a);
    if (lua_pcall(L, 3, 0, 0) == LUA_OK)
        return;
    /* The call must not go on as if nothing had been: the scenario ends with this error. */
    if (st->why.len == 0)
        str_add(&st->why, lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "?");
    lua_pop(L, 1);
    a->failure = HTTP_FAILED;
}

/* t:web(url, markup | table | function) */
int stage_web(lua_State *L)
{
    struct stage *st = stage_of(L);
    struct sim_answer a = {.url = stage_url(L, 2)};
    struct web_function *f, **at;
    struct error err = {0};

    if (lua_isfunction(L, 3)) {
        f = mem_alloc(sizeof *f);
        at = f != NULL ? sim_row_add(&st->web_refs, sizeof *at, SIM_ANSWERS) : NULL;
        if (at == NULL) {
            mem_free(f);
            return luaL_error(L, "out of memory, or more than %d answers", SIM_ANSWERS);
        }
        *at = f;
        f->stage = st;
        f->result = LUA_NOREF;
        lua_pushvalue(L, 3);
        f->function = luaL_ref(L, LUA_REGISTRYINDEX);
        a.ask = ask;
        a.arg = f;
    } else {
        luaL_checkany(L, 3);
        read_answer(L, 3, &a);
    }
    if (sim_web(st->sim, &a, &err) != 0)
        return luaL_error(L, "%s", err.text);
    return 0;
}

void stage_web_free(struct stage *st)
{
    struct web_function **all = st->web_refs.items;

    for (size_t i = 0; i < st->web_refs.count; i++)
        mem_free(all[i]);
    mem_free(all);
}

/* --- what was asked --- */

static struct sim_request *next_request(struct stage *st, const char *url)
{
    struct sim_request *r;

    for (size_t i = 0; (r = sim_request_at(st->sim, i)) != NULL; i++)
        if (!r->expected && strcmp(r->url, url) == 0)
            return r;
    return NULL;
}

static bool was_asked(struct actor *a)
{
    return next_request(a->stage, a->url) != NULL;
}

/* One expected parameter against what came: both on the stack, expected below. False: differs. */
static bool fits(lua_State *L)
{
    const char *want, *got;

    if (lua_type(L, -2) == LUA_TBOOLEAN)
        return (bool)lua_toboolean(L, -2) == !lua_isnil(L, -1);
    want = luaL_tolstring(L, -2, NULL);
    lua_pop(L, 1);
    got = lua_tostring(L, -1);
    return got != NULL && strcmp(want, got) == 0;
}

static void add_difference(lua_State *L, struct str *out, const char *name)
{
    str_addf(out, "%s%s = ", out->len > 0 ? "; " : "", name);
    str_add(out, lua_isnil(L, -1) ? "nothing" : lua_tostring(L, -1));
    if (lua_type(L, -2) == LUA_TBOOLEAN)
        str_add(out, lua_toboolean(L, -2) ? ", expected anything" : ", expected nothing");
    else
        str_addf(out, ", expected %s", luaL_tolstring(L, -2, NULL));
}

/* The table of expected parameters at 3 against the request's at `params`. */
static void compare(lua_State *L, int params, const char *url)
{
    struct str differs = STR_INIT(4096);
    char text[2048];

    lua_pushnil(L);
    while (lua_next(L, 3) != 0) {
        lua_pushvalue(L, -2);
        lua_rawget(L, params);
        if (!fits(L))
            add_difference(L, &differs, lua_tostring(L, -3));
        lua_settop(L, params + 1); /* the key */
    }
    if (differs.len == 0)
        return;
    str_copy(text, sizeof text, str_text(&differs));
    str_free(&differs); /* before the error jumps */
    stage_fail(L, NULL, "the request to %s had %s", url, text);
}

static int request_came(lua_State *L, int status, lua_KContext k)
{
    struct stage *st = stage_of(L);
    const char *url = lua_tostring(L, 4);
    struct sim_request *r = next_request(st, url);

    (void)status;
    (void)k;
    if (r == NULL)
        return stage_fail(L, NULL, "expected a request to %s, none came", url);
    r->expected = true;
    push_request(L, r); /* 5 */
    lua_getfield(L, 5, "params");
    if (lua_istable(L, 3))
        compare(L, 6, url);
    lua_settop(L, 5);
    return 1;
}

/* t:expect_request(url, { Digits = "12" }): the next request of that URL that was not yet expected;
 * waits for it if need be. */
int stage_expect_request(lua_State *L)
{
    struct actor *a = actor_current(L);

    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        luaL_checktype(L, 3, LUA_TTABLE);
    a->url = stage_url(L, 2); /* 4; lives on this stack while it waits */
    return actor_wait(L, was_asked, STAGE_EXPECT_MS, request_came);
}

int stage_expect_no_request(lua_State *L)
{
    const char *url = stage_url(L, 2);
    const struct sim_request *r = next_request(stage_of(L), url);

    if (r != NULL)
        return stage_fail(L, NULL, "expected no request to %s, one came at %lld ms with %s", url,
                          (long long)r->at, r->form);
    return 0;
}

/* t:requests(url): all of them, in order. */
int stage_requests(lua_State *L)
{
    struct stage *st = stage_of(L);
    const char *url = stage_url(L, 2);
    const struct sim_request *r;
    lua_Integer n = 0;

    lua_newtable(L);
    for (size_t i = 0; (r = sim_request_at(st->sim, i)) != NULL; i++)
        if (strcmp(r->url, url) == 0) {
            push_request(L, r);
            lua_rawseti(L, -2, ++n);
        }
    return 1;
}
