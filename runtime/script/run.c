/* Handlers: made, resumed (here and nowhere else), freed. */
#include "base/mem.h"
#include "script/private.h"

#include <string.h>

struct handler *handler_of(lua_State *L)
{
    struct handler *h = script_of(L)->running;

    if (h == NULL)
        luaL_error(L, "this can only be done in a handler");
    return h;
}

int handler_yield(lua_State *L, struct handler *h, enum want want, lua_KFunction k)
{
    h->want = want;
    return lua_yieldk(L, 0, 0, k);
}

int handler_wait(lua_State *L, struct wait *w, const char *what, lua_KFunction k)
{
    struct handler *h = w->handler;

    if (!lua_isyieldable(L)) {
        w->cancel(w);
        return luaL_error(L, "%s waits: that cannot be done inside sort, gsub or a metamethod",
                          what);
    }
    h->wait = w;
    return handler_yield(L, h, WANT_WAIT, k);
}

/* --- what runs first in the coroutine --- */

/* The function wanted, from what the file returned (at `result`) or its globals. */
static void push_function(lua_State *L, const char *name, int result)
{
    if (lua_istable(L, result))
        lua_getfield(L, result, name);
    else
        lua_getglobal(L, name);
}

static void find_function(lua_State *L, const char *name, int result)
{
    const struct subject *subject = subject_of(script_of(L));

    if (name != NULL) {
        push_function(L, name, result);
        if (!lua_isfunction(L, -1))
            luaL_error(L, "the file has no function '%s'", name);
        return;
    }
    if (lua_isfunction(L, result)) {
        lua_pushvalue(L, result);
        return;
    }
    for (const char *const *n = subject->usual_names; *n != NULL; n++) {
        push_function(L, *n, result);
        if (lua_isfunction(L, -1))
            return;
        lua_pop(L, 1);
    }
    luaL_error(L, "the file returns no function and has no function %s(%s)",
               subject->usual_names[0], subject->name);
}

static int body_over(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* 1: the function's name or nil, 2: `call` or `message`, 3: what the file returned. */
static int file_ran(lua_State *L, int status, lua_KContext plain)
{
    (void)status;
    if (plain)
        return 0;
    find_function(L, lua_tostring(L, 1), 3);
    lua_pushvalue(L, 2);
    lua_callk(L, 1, 0, 0, body_over);
    return 0;
}

static int body(lua_State *L)
{
    lua_callk(L, 0, 1, 0, file_ran);
    return file_ran(L, LUA_OK, 0);
}

static int plain_body(lua_State *L)
{
    lua_pushvalue(L, 2);
    lua_setglobal(L, subject_of(script_of(L))->name);
    lua_callk(L, 0, 0, 1, file_ran);
    return 0;
}

/* --- making one --- */

struct making {
    struct handler *h;
    const struct handler_source *source;
    char chunk[600]; /* its name for messages: the file, as seen from almon.lua */
    int newlines;    /* still to be read: they make line numbers those of the file */
    bool done;
};

static const char *read_source(lua_State *L, void *arg, size_t *size)
{
    static const char lines[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    struct making *m = arg;
    int n = m->newlines < (int)sizeof lines - 1 ? m->newlines : (int)sizeof lines - 1;

    (void)L;
    if (n > 0) {
        m->newlines -= n;
        *size = (size_t)n;
        return lines;
    }
    *size = m->done ? 0 : m->source->len;
    m->done = true;
    return m->source->text;
}

const char *chunk_name(const struct script *s, const char *path)
{
    struct handler_facts facts;
    size_t n;

    handler_facts(s->activation, &facts);
    n = strlen(facts.config->folder);
    return strncmp(path, facts.config->folder, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static int make_protected(lua_State *L)
{
    struct making *m = lua_touserdata(L, 1);
    struct handler *h = m->h;
    lua_State *co = lua_newthread(L);

    lua_pushcfunction(L, m->source->plain ? plain_body : body);
    lua_pushstring(L, m->source->function);
    call_push(L, m->source->params);
    m->newlines = m->source->line - 1;
    if (lua_load(L, read_source, m, m->chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_xmove(L, co, 4);
    h->args = 3;
    h->co = co;
    h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static void next_turn(void *arg)
{
    struct handler *h = arg;

    handler_wake(h->activation);
}

static struct handler *handler_new(struct script *s, struct activation *a)
{
    struct handler *h = mem_alloc(sizeof *h);
    struct handler_facts facts;

    if (h == NULL)
        return NULL;
    handler_facts(a, &facts);
    h->script = s;
    h->activation = a;
    h->ref = LUA_NOREF;
    task_init(&h->turn, facts.loop, next_turn, h);
    s->handlers++;
    return h;
}

static void free_handler(void *arg)
{
    struct handler *h = arg;

    task_cancel(&h->turn);
    if (h->wait != NULL)
        h->wait->cancel(h->wait);
    if (h->ready != NULL)
        h->ready->cancel(h->ready);
    document_unref(h->document);
    luaL_unref(h->script->L, LUA_REGISTRYINDEX, h->ref);
    h->script->handlers--;
    mem_free(h);
}

static int make(void **hp, struct activation *a, const struct handler_source *source,
                struct error *err)
{
    struct script *s = script_open(a, err);
    struct making m = {.source = source};
    int rc;

    if (s == NULL)
        return err->code;
    m.h = handler_new(s, a);
    if (m.h == NULL)
        return error_nomem(err);
    m.chunk[0] = '@';
    str_copy(m.chunk + 1, sizeof m.chunk - 1, chunk_name(s, source->path));
    budget_begin_event(s);
    budget_begin_slice(s);
    rc = script_protected(s, make_protected, &m, err);
    if (rc != 0)
        free_handler(m.h);
    else
        *hp = m.h;
    return rc;
}

/* --- resuming --- */

void wait_over(struct wait *w)
{
    struct handler *h = w->handler;

    h->wait = NULL;
    h->ready = w;
    task_post(&h->turn);
}

static const char no_text[] = "an error that is no text";

static void fail(struct handler *h, int rc, struct handler_step *step)
{
    struct script *s = h->script;
    struct str text = STR_INIT(HANDLER_MAX_TEXT - 1);
    const char *message = no_text;

    if (s->dead) {
        str_add(&text, s->why);
    } else {
        if (rc == LUA_ERRMEM) {
            message = budget_no_memory(s);
            s->dead = true;
        } else if (lua_type(h->co, -1) == LUA_TSTRING) {
            message = lua_tostring(h->co, -1);
        }
        traceback(h->co, message, &text);
    }
    step->result = HANDLER_FAILED;
    step->text = text.failed ? NULL : str_take(&text);
    str_free(&text);
}

static void yielded(struct handler *h, struct handler_step *step)
{
    switch (h->want) {
    case WANT_VERB:
        step->result = HANDLER_VERB;
        step->node = h->node;
        return;
    case WANT_RUN:
    case WANT_BECOME:
        step->result = h->want == WANT_RUN ? HANDLER_RUN : HANDLER_BECOME;
        step->document = h->document;
        h->document = NULL;
        return;
    case WANT_WAIT:
        step->result = HANDLER_WAIT;
        return;
    case WANT_NOTHING:
        step->result = HANDLER_WAIT; /* its slice is over: others first */
        task_post(&h->turn);
        return;
    }
}

static void resume(void *arg, const struct handler_outcome *outcome, struct handler_step *step)
{
    struct handler *h = arg;
    struct script *s = h->script;
    int rc, n = 0;

    if (s->dead) {
        fail(h, LUA_ERRRUN, step);
        return;
    }
    if (!h->sliced)
        budget_begin_event(s);
    h->outcome = outcome;
    h->want = WANT_NOTHING;
    s->activation = h->activation;
    s->running = h;
    s->current = h->co;
    budget_watch(s, h->co);
    budget_begin_slice(s);
    rc = lua_resume(h->co, NULL, h->args, &n);
    budget_end_slice(s);
    s->running = NULL;
    s->current = NULL;
    h->outcome = NULL;
    h->args = 0;
    h->sliced = s->sliced;
    if (h->ready != NULL)
        h->ready->cancel(h->ready);
    h->ready = NULL;
    if (s->dead || (rc != LUA_OK && rc != LUA_YIELD)) {
        fail(h, rc, step);
        return;
    }
    lua_pop(h->co, n);
    if (rc == LUA_OK)
        step->result = HANDLER_DONE;
    else
        yielded(h, step);
}

/* --- after the call --- */

static const char at_end_key; /* in the registry: the functions, in order */

void at_end_add(lua_State *L, int index)
{
    lua_Integer n;

    index = lua_absindex(L, index);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &at_end_key) == LUA_TNIL) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &at_end_key);
    }
    n = (lua_Integer)lua_rawlen(L, -1);
    if (n == SCRIPT_AT_END)
        luaL_error(L, "call:on_hangup: at most %d functions", SCRIPT_AT_END);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, n + 1);
}

/* Adds where it stood, which is gone once the error is caught. */
static int add_traceback(lua_State *L)
{
    struct script *s = script_of(L);

    str_free(&s->text);
    str_init(&s->text, HANDLER_MAX_TEXT - 1);
    traceback(L, lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : no_text, &s->text);
    lua_pushstring(L, str_text(&s->text));
    str_free(&s->text);
    return 1;
}

/* 1: the functions, 2: add_traceback, 3: the first error. One that breaks does not keep those
 * behind it from running. */
static int at_end_next(lua_State *L, int status, lua_KContext at)
{
    struct script *s = script_of(L);

    for (;;) {
        if (status == LUA_ERRMEM)
            budget_die(s, L, budget_no_memory(s));
        budget_check(L);
        if (status > LUA_YIELD && lua_isnil(L, 3))
            lua_replace(L, 3);
        lua_settop(L, 3);
        if (lua_rawgeti(L, 1, ++at) == LUA_TNIL)
            break;
        status = lua_pcallk(L, 0, 0, 2, at, at_end_next);
    }
    lua_settop(L, 3);
    return lua_isnil(L, 3) ? 0 : lua_error(L);
}

static int at_end_body(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushcfunction(L, add_traceback);
    lua_pushnil(L);
    return at_end_next(L, LUA_OK, 0);
}

static int make_at_end(lua_State *L)
{
    struct handler *h = lua_touserdata(L, 1);
    lua_State *co;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &at_end_key) == LUA_TNIL)
        return 0;
    co = lua_newthread(L);
    lua_pushcfunction(co, at_end_body);
    lua_pushvalue(L, 2);
    lua_xmove(L, co, 1);
    h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    h->co = co;
    h->args = 1;
    return 0;
}

static void *script_at_end(struct activation *a)
{
    struct script *s = *handler_state(a);
    struct handler *h = s->dead ? NULL : handler_new(s, a);
    struct error err = {0};

    if (h == NULL)
        return NULL;
    h->at_end = true;
    if (script_protected(s, make_at_end, h, &err) != 0 || h->co == NULL) {
        free_handler(h);
        return NULL;
    }
    return h;
}

const struct handler_type script_handlers = {
    .make = make,
    .resume = resume,
    .free = free_handler,
    .at_end = script_at_end,
    .expand = template_expand,
    .forget = script_close,
};
