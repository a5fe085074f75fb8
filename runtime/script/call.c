/* `call`, or `message`: what a handler knows of its call or message and may do with it. Its methods
 * are the verbs of the tables; nothing here knows one of them but for Redirect, which also takes a
 * document, and Message, which is also called reply. */
#include "base/mem.h"
#include "script/private.h"

#include <ctype.h>
#include <string.h>

static const char methods_key;   /* in the registry: name → function */
static const char metatable_key; /* in the registry: the metatable of `call` or `message` */

const struct subject *subject_of(const struct script *s)
{
    struct handler_facts facts;

    handler_facts(s->activation, &facts);
    return facts.kind == DOCUMENT_MESSAGE ? &subject_message : &subject_call;
}

void lower_first(char *out, size_t size, const char *name)
{
    str_copy(out, size, name);
    out[0] = (char)tolower((unsigned char)out[0]);
}

/* --- verbs --- */

static struct handler *check_live(lua_State *L, const char *what)
{
    struct handler *h = handler_of(L);
    const char *subject = subject_of(h->script)->name;

    if (h->at_end)
        luaL_error(L, "%s:%s: the call is over", subject, what);
    if (!lua_isyieldable(L))
        luaL_error(L, "%s:%s waits: that cannot be done inside sort, gsub or a metamethod", subject,
                   what);
    return h;
}

/* What the action would have been told, under the names of Lua: Digits is digits. */
static void push_result(lua_State *L, const struct webhook_params *params)
{
    size_t n = webhook_params_count(params);
    const char *name, *value;
    char key[64];

    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++) {
        name = webhook_params_at(params, i, &value);
        lower_first(key, sizeof key, name);
        lua_pushstring(L, value);
        lua_setfield(L, -2, key);
    }
}

/* Verbs with an action give a table, empty when nothing came; the others whether they worked. */
static int verb_over(lua_State *L, int status, lua_KContext ctx)
{
    const struct schema *schema = lua_touserdata(L, lua_upvalueindex(1));
    const struct handler_outcome *outcome = handler_of(L)->outcome;

    (void)status;
    (void)ctx;
    if (outcome->how == VERB_GO && outcome->params != NULL)
        push_result(L, outcome->params);
    else if (attr_find(schema, "action") != NULL)
        lua_newtable(L);
    else
        lua_pushboolean(L, outcome->how != VERB_ERROR);
    return 1;
}

static void parse_document(lua_State *L, struct handler *h, int index)
{
    struct error err = {0};
    size_t len;
    const char *markup = luaL_checklstring(L, index, &len);

    budget_spend(L, 200 + len / 4);
    if (handler_parse(h->activation, markup, len, &h->document, &err) != 0)
        luaL_error(L, "%s", err.text);
}

static bool is_markup(lua_State *L, int index)
{
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";

    return text[strspn(text, " \t\r\n")] == '<';
}

/* Upvalues: the schema, and the name that was asked for. */
static int call_verb(lua_State *L)
{
    const struct schema *schema = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = lua_tostring(L, lua_upvalueindex(2));
    const char *subject = subject_of(script_of(L))->name;
    char called[VERB_NAME_BYTES + 16];
    struct handler *h;

    if (lua_type(L, 1) != LUA_TTABLE)
        return luaL_error(L, "write %s:%s(…), with a colon", subject, name);
    h = check_live(L, name);
    if (strcmp(schema->name, "Redirect") == 0 && is_markup(L, 2)) {
        parse_document(L, h, 2);
        return handler_yield(L, h, WANT_BECOME, verb_over);
    }
    snprintf(called, sizeof called, "%s:%s", subject, name);
    h->node = build_node(L, h->activation, schema, called, 2);
    return handler_yield(L, h, WANT_VERB, verb_over);
}

/* --- the rest --- */

static int nothing_follows(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

static int call_run(lua_State *L)
{
    struct handler *h = check_live(L, "run");

    parse_document(L, h, 2);
    return handler_yield(L, h, WANT_RUN, nothing_follows);
}

static int call_answer(lua_State *L)
{
    struct handler *h = handler_of(L);

    if (!h->at_end)
        handler_answer(h->activation);
    return 0;
}

static int call_on_hangup(lua_State *L)
{
    handler_of(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    at_end_add(L, 2);
    return 0;
}

/* --- looking something up --- */

static bool push_fact(lua_State *L, const char *name)
{
    struct handler_facts f;
    const struct {
        const char *name, *value;
    } facts[] = {
        {"sid", (handler_facts(script_of(L)->activation, &f), f.sid)},
        {"from", f.from},
        {"to", f.to},
        {"status", f.status},
        {"direction", f.direction},
        {"account", f.account},
        {"forwarded_from", f.forwarded_from != NULL ? f.forwarded_from : ""},
        {"caller_name", f.caller_name != NULL ? f.caller_name : ""},
        {"body", f.body != NULL ? f.body : ""},
    };

    if (f.kind == DOCUMENT_MESSAGE && strcmp(name, "segments") == 0) {
        lua_pushinteger(L, f.segments);
        return true;
    }
    for (const char *const *n = subject_of(script_of(L))->no_facts; *n != NULL; n++)
        if (strcmp(*n, name) == 0)
            return false;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (strcmp(facts[i].name, name) == 0) {
            lua_pushstring(L, facts[i].value);
            return true;
        }
    return false;
}

static bool is_verb(const struct schema *s, unsigned flag)
{
    if ((s->flags & flag) == 0 || s->parents == NULL)
        return false;
    for (const char *const *p = s->parents; *p != NULL; p++)
        if (strcmp(*p, "Response") == 0)
            return true;
    return false;
}

/* Whether `own` is what was written; else it may be the nearest so far. */
static bool is_named(const char *own, const char *name, unsigned *nearest,
                     char near[VERB_NAME_BYTES])
{
    unsigned d = str_distance(own, name);

    if (d < *nearest && d < 2 * strlen(own)) {
        *nearest = d;
        str_copy(near, VERB_NAME_BYTES, own);
    }
    return d == 0;
}

const struct schema *verb_named(const struct schema_table *table, const struct subject *subject,
                                const char *name, char near[VERB_NAME_BYTES])
{
    const struct schema *found = NULL;
    char own[VERB_NAME_BYTES];
    unsigned nearest = 7;

    near[0] = '\0';
    if (subject->alias != NULL && is_named(subject->alias, name, &nearest, near))
        name = subject->alias_of;
    for (size_t i = 0; i < table->count; i++) {
        const struct schema *s = table->all[i];

        if (!is_verb(s, subject->flag))
            continue;
        lower_first(own, sizeof own, s->name);
        if (is_named(own, name, &nearest, near))
            found = s;
    }
    return found;
}

void subject_lacks(const struct schema_table *table, const struct subject *subject,
                   const char *name, const char *near, char out[SUBJECT_TEXT_BYTES])
{
    const struct subject *other = subject == &subject_call ? &subject_message : &subject_call;
    char none[VERB_NAME_BYTES];

    if (verb_named(table, other, name, none) != NULL)
        snprintf(out, SUBJECT_TEXT_BYTES, "%s has no '%s': %s", subject->name, name,
                 subject->no_other);
    else if (*near != '\0')
        snprintf(out, SUBJECT_TEXT_BYTES, "%s has no '%s': did you mean '%s'?", subject->name, name,
                 near);
    else
        snprintf(out, SUBJECT_TEXT_BYTES, "%s has no '%s': `almon help` lists the verbs",
                 subject->name, name);
}

static int call_index(lua_State *L)
{
    size_t len = 0;
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &len) : "";
    const struct subject *subject = subject_of(script_of(L));
    const struct schema *verb;
    struct handler_facts facts;
    char near[VERB_NAME_BYTES], text[SUBJECT_TEXT_BYTES];

    if (len >= VERB_NAME_BYTES)
        return luaL_error(L, "%s has nothing with a name that long", subject->name);
    budget_spend(L, 20);
    if (push_fact(L, name))
        return 1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    handler_facts(script_of(L)->activation, &facts);
    verb = verb_named(facts.schemas, subject, name, near);
    if (verb == NULL) {
        subject_lacks(facts.schemas, subject, name, near, text);
        return luaL_error(L, "%s", text);
    }
    lua_pushlightuserdata(L, (void *)(uintptr_t)verb);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, call_verb, 2);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    return 1;
}

static int call_newindex(lua_State *L)
{
    return luaL_error(L, "%s cannot be written to: keep it in a variable of your own",
                      subject_of(script_of(L))->name);
}

/* --- making it --- */

void params_push(lua_State *L, const struct webhook_params *params)
{
    size_t n = params != NULL ? webhook_params_count(params) : 0;
    const char *name, *value;

    lua_createtable(L, 0, (int)n);
    for (size_t i = 0; i < n; i++) {
        name = webhook_params_at(params, i, &value);
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

void call_push(lua_State *L, const struct webhook_params *params)
{
    lua_createtable(L, 0, 1);
    params_push(L, params);
    lua_setfield(L, -2, "params");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
}

static const luaL_Reg call_methods[] = {
    {"answer", call_answer}, {"on_hangup", call_on_hangup}, {"run", call_run}, {NULL, NULL}};
static const luaL_Reg message_methods[] = {{"run", call_run}, {NULL, NULL}};
static const char *const of_messages[] = {"body", NULL};
static const char *const of_calls[] = {"forwarded_from", "caller_name", NULL};

const struct subject subject_call = {
    .name = "call",
    .flag = SCHEMA_VOICE,
    .methods = call_methods,
    .no_facts = of_messages,
    .no_other = "that answers a message; in a call write call:sms{…}",
    .usual_names = {"main", "on_call", NULL},
};
const struct subject subject_message = {
    .name = "message",
    .flag = SCHEMA_MESSAGE,
    .methods = message_methods,
    .alias = "reply", /* message:message{…} is right, and nothing that one would say */
    .alias_of = "message",
    .no_facts = of_calls,
    .no_other = "that is for calls; a message has reply, message and redirect",
    .usual_names = {"on_message", "main", NULL},
};

bool subject_has(const struct subject *subject, const char *name)
{
    for (const luaL_Reg *m = subject->methods; m->name != NULL; m++)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

void call_open(lua_State *L)
{
    static const luaL_Reg meta[] = {
        {"__index", call_index}, {"__newindex", call_newindex}, {NULL, NULL}};

    const struct subject *subject = subject_of(script_of(L));

    lua_newtable(L);
    luaL_setfuncs(L, subject->methods, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_newtable(L);
    luaL_setfuncs(L, meta, 0);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, subject->name);
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}
