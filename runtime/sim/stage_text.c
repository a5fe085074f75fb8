/* Text messages in a scenario: what somebody writes to the exchange, and what he reads of it. Words
 * of callers, callees, and of those who only text (t:text). */
#include "base/mem.h"
#include "bridge/client.h"
#include "sim/stage.h"
#include <string.h>

enum {
    TEXT_ANSWER_MS = 60 * 1000, /* so long the exchange may take to accept a text */
    TEXT_READ_MS = 60 * 1000,   /* how long somebody waits for one */
};

/* Somebody who texts. */
struct stage_texter {
    struct stage *stage;
    struct sim_inbox *inbox;
    char to[257]; /* whom he wrote to last */
};

/* --- who --- */

static struct sim_inbox *inbox_of(lua_State *L, const char *number)
{
    struct sim_inbox *b = sim_inbox(stage_of(L)->sim, number);

    if (b == NULL)
        luaL_error(L, "more than %d numbers that text, or out of memory", SIM_INBOXES);
    return b;
}

/* The inbox of argument 1; `to`: whom he writes to when nobody is named, NULL: nobody known. */
static struct sim_inbox *check(lua_State *L, const char **to)
{
    struct stage_texter *texter = luaL_testudata(L, 1, "texter");
    struct stage_caller *c = luaL_testudata(L, 1, "callee");
    const struct offer *offer;

    *to = NULL;
    if (texter != NULL) {
        *to = texter->to;
        return texter->inbox;
    }
    if (c != NULL) {
        offer = stage_callee_take(c) ? sim_caller_offer(c->caller) : NULL;
        *to = offer != NULL ? offer->from : NULL;
        return inbox_of(L, sim_callee_address(c->callee));
    }
    c = luaL_checkudata(L, 1, "caller");
    *to = sim_caller_to(c->caller);
    return inbox_of(L, sim_caller_from(c->caller));
}

/* Where he stands in his inbox: all who have that number read the same one, each text once. */
static size_t *place_in(lua_State *L, const struct sim_inbox *b)
{
    static const char places; /* in the registry: inbox → its place */
    size_t *at;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &places) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &places);
        lua_replace(L, -2);
    }
    if (lua_rawgetp(L, -1, b) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        at = lua_newuserdatauv(L, sizeof *at, 0);
        *at = 0;
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, b);
    }
    at = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return at;
}

/* --- writing --- */

static const struct sim_sent *last_sent(const struct sim_inbox *b)
{
    const struct sim_sent *last = NULL, *t;

    for (size_t i = 0; (t = sim_sent_at(b, i)) != NULL; i++)
        last = t;
    return last;
}

static bool was_answered(struct actor *a)
{
    return sim_sent_at(a->thing, a->index)->status[0] != '\0';
}

/* 3: the options. Answers 1, and the status. */
static int answered(lua_State *L, int status, lua_KContext index)
{
    const char *to, *want;
    const struct sim_inbox *b = check(L, &to);
    const struct sim_sent *t = sim_sent_at(b, (size_t)index);
    bool failed = strcmp(t->status, "failed") == 0;

    (void)status;
    want =
        lua_istable(L, 3) && lua_getfield(L, 3, "refused") != LUA_TNIL ? lua_tostring(L, -1) : NULL;
    if (t->status[0] == '\0')
        return stage_fail(L, NULL, "the text to %s was neither accepted nor refused", t->to);
    if (failed && want == NULL)
        return stage_fail(L, NULL, "the text to %s was refused: %s%s%s", t->to, t->code,
                          t->why != NULL && *t->why != '\0' ? ", " : "",
                          t->why != NULL ? t->why : "");
    if (want != NULL && !failed)
        return stage_fail(L, NULL, "expected the text to %s to be refused, it was %s", t->to,
                          t->status);
    if (want != NULL && strcmp(want, t->code) != 0)
        return stage_fail(L, NULL, "expected the text to %s to be refused with %s, it was with %s",
                          t->to, want, t->code);
    lua_settop(L, 1);
    return 1;
}

static const char *text_option(lua_State *L, int table, const char *name)
{
    if (!lua_istable(L, table) || lua_getfield(L, table, name) == LUA_TNIL)
        return NULL;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "%s must be a text", name);
    return lua_tostring(L, -1); /* stays on the stack, so that it lives */
}

static void check_names(lua_State *L, int table, const char *word, const char *const *names)
{
    bool known;

    if (lua_isnoneornil(L, table))
        return;
    luaL_checktype(L, table, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        lua_pop(L, 1);
        known = false;
        for (const char *const *n = names; *n != NULL; n++)
            known =
                known || (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), *n) == 0);
        if (!known)
            luaL_error(L, "%s has no option '%s'", word, luaL_tolstring(L, -1, NULL));
    }
}

/* Sends it; 1 is who does, 3 the options. */
static int send_text(lua_State *L, struct sim_inbox *b, const struct bridge_text *t)
{
    struct actor *a = actor_current(L);
    const struct sim_sent *sent = NULL;
    struct error err = {0};

    a->thing = b;
    for (a->index = 0; sim_sent_at(b, a->index) != NULL; a->index++)
        ;
    if (sim_text(b, t, &sent, &err) != 0)
        return luaL_error(L, "%s", err.text);
    lua_settop(L, 3);
    return actor_wait_with(L, was_answered, TEXT_ANSWER_MS, answered, (lua_KContext)a->index);
}

/* who:text("Hello", { to =, id =, refused = code }) */
static int who_texts(lua_State *L)
{
    static const char *const names[] = {"to", "id", "refused", NULL};
    struct stage_texter *texter = luaL_testudata(L, 1, "texter");
    const char *to, *other;
    struct sim_inbox *b = check(L, &to);
    struct bridge_text t = {.body = luaL_checkstring(L, 2)};

    lua_settop(L, 3);
    check_names(L, 3, "text", names);
    other = text_option(L, 3, "to");
    t.to = other != NULL ? other : to;
    t.id = text_option(L, 3, "id");
    if (t.to == NULL)
        return luaL_error(L, "whom does he write to? text(\"…\", { to = \"+15550100\" })");
    if (texter != NULL)
        str_copy(texter->to, sizeof texter->to, t.to);
    return send_text(L, b, &t);
}

/* t:text(number, { from =, body =, id =, params =, refused = }), or (number, "Hello"): somebody
 * writes, who does not call. */
int stage_text(lua_State *L)
{
    static const char *const names[] = {"from", "body", "id", "refused", "params", NULL};
    const char *pairs[2 * STAGE_PARAMS + 1] = {0};
    struct bridge_text t = {.to = luaL_checkstring(L, 2), .params = pairs};
    struct stage_texter *texter;
    const char *from = NULL;

    lua_settop(L, 3);
    actor_current(L);
    if (lua_type(L, 3) == LUA_TSTRING) {
        t.body = lua_tostring(L, 3);
    } else {
        luaL_checktype(L, 3, LUA_TTABLE);
        check_names(L, 3, "t:text", names);
        from = text_option(L, 3, "from");
        t.body = text_option(L, 3, "body");
        t.id = text_option(L, 3, "id");
        stage_read_params(L, 3, pairs);
    }
    stage_configure(L);
    texter = lua_newuserdatauv(L, sizeof *texter, 0);
    *texter = (struct stage_texter){.stage = stage_of(L),
                                    .inbox = inbox_of(L, from != NULL ? from : STAGE_FROM)};
    str_copy(texter->to, sizeof texter->to, t.to);
    luaL_setmetatable(L, "texter");
    lua_replace(L, 1);
    t.body = t.body != NULL ? t.body : "";
    return send_text(L, texter->inbox, &t);
}

/* --- reading --- */

static bool came(struct actor *a)
{
    return sim_inbox_at(a->thing, a->index) != NULL;
}

static void push_text(lua_State *L, const struct sim_text *t)
{
    lua_newtable(L);
    lua_pushstring(L, t->from);
    lua_setfield(L, -2, "from");
    lua_pushstring(L, t->to);
    lua_setfield(L, -2, "to");
    lua_pushstring(L, t->body);
    lua_setfield(L, -2, "body");
    lua_pushnumber(L, (double)t->at / 1000);
    lua_setfield(L, -2, "at");
    lua_newtable(L);
    for (lua_Integer i = 0; t->media[i] != NULL; i++) {
        lua_pushstring(L, t->media[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "media");
}

static int has_read(lua_State *L, int status, lua_KContext by_pattern)
{
    const char *to, *want = lua_tostring(L, 2);
    const struct sim_inbox *b = check(L, &to);
    size_t *place = place_in(L, b);
    const struct sim_text *t = sim_inbox_at(b, *place);

    (void)status;
    if (t == NULL)
        return stage_fail(L, NULL, "expected %s to read \"%s\", nothing came", sim_inbox_number(b),
                          want);
    if (by_pattern ? !stage_matches(L, t->body, 2) : strcmp(t->body, want) != 0)
        return stage_fail(L, NULL, "expected %s to read \"%s\", it was \"%s\"", sim_inbox_number(b),
                          want, t->body);
    ++*place;
    push_text(L, t);
    return 1;
}

static int read_next(lua_State *L, lua_KContext by_pattern)
{
    struct actor *a = actor_current(L);
    const char *to;

    luaL_checkstring(L, 2);
    a->thing = check(L, &to);
    a->index = *place_in(L, a->thing);
    return actor_wait_with(L, came, TEXT_READ_MS, has_read, by_pattern);
}

/* who:reads("Hello"): the next text to his number; answers it as a table. */
static int who_reads(lua_State *L)
{
    return read_next(L, 0);
}

static int who_reads_match(lua_State *L)
{
    return read_next(L, 1);
}

static int read_nothing(lua_State *L, int status, lua_KContext k)
{
    const char *to;
    const struct sim_inbox *b = check(L, &to);
    const struct sim_text *t = sim_inbox_at(b, *place_in(L, b));

    (void)status;
    (void)k;
    if (t != NULL)
        return stage_fail(L, NULL, "expected %s to read nothing, it was \"%s\"",
                          sim_inbox_number(b), t->body);
    return 0;
}

/* who:reads_nothing("5s") */
static int who_reads_nothing(lua_State *L)
{
    struct actor *a = actor_current(L);
    const char *to;

    a->thing = check(L, &to);
    a->index = *place_in(L, a->thing);
    return actor_wait(L, came, stage_duration(L, 2), read_nothing);
}

/* who:delivery("undelivered", { code = 30005, after = "2s" }): what his network says of texts to
 * him from now on. */
static int who_delivers(lua_State *L)
{
    static const char *const names[] = {"code", "after", NULL};
    struct sim_delivery how = {0};
    const char *to;
    struct sim_inbox *b = check(L, &to);

    how.status = (enum sim_delivered)luaL_checkoption(L, 2, NULL, sim_delivery_names);
    lua_settop(L, 3);
    check_names(L, 3, "delivery", names);
    if (lua_istable(L, 3) && lua_getfield(L, 3, "code") != LUA_TNIL)
        str_copy(how.code, sizeof how.code, luaL_tolstring(L, -1, NULL));
    lua_settop(L, 3);
    if (lua_istable(L, 3) && lua_getfield(L, 3, "after") != LUA_TNIL)
        how.after_ms = (int)stage_duration(L, lua_gettop(L));
    sim_inbox_delivers(b, &how);
    return 0;
}

const luaL_Reg stage_text_words[] = {{"text", who_texts},
                                     {"texts", who_texts},
                                     {"reads", who_reads},
                                     {"reads_match", who_reads_match},
                                     {"reads_nothing", who_reads_nothing},
                                     {"delivery", who_delivers},
                                     {NULL, NULL}};

/* --- of those who only text --- */

static const char *sid_of(lua_State *L)
{
    struct stage_texter *texter = luaL_checkudata(L, 1, "texter");
    const struct sim_sent *t = last_sent(texter->inbox);

    return t != NULL ? t->sid : "";
}

/* ann:sid(): the MessageSid of what she wrote last. */
static int texter_sid(lua_State *L)
{
    lua_pushstring(L, sid_of(L));
    return 1;
}

static int texter_journal(lua_State *L)
{
    return stage_push_journal(L, sid_of(L), luaL_optstring(L, 2, NULL));
}

static int texter_waits(lua_State *L)
{
    luaL_checkudata(L, 1, "texter");
    return actor_wait(L, NULL, stage_duration(L, 2), stage_nothing_more);
}

void stage_open_texter(lua_State *L)
{
    static const luaL_Reg own[] = {{"sid", texter_sid},
                                   {"journal", texter_journal},
                                   {"waits", texter_waits},
                                   {"wait", texter_waits},
                                   {NULL, NULL}};

    luaL_newlib(L, own);
    luaL_setfuncs(L, stage_text_words, 0);
    stage_metatable(L, "texter", "who texts");
}
