/* The {{ }} of documents: each is an expression over the parameters of the request (From, To,
 * Digits …, or params.X), worked out before the markup is parsed, and always escaped. */
#include "script/private.h"
#include "script/template.h"

#include <string.h>

struct expansion {
    struct script *script;
    const struct handler_source *document;
    const char *expression;
    size_t len;
    int line, part; /* part: what of it the reader gave already */
    struct str *out;
    char lines[64];
};

/* Newlines for the line number, "return ", the expression. */
static const char *read_expression(lua_State *L, void *arg, size_t *size)
{
    struct expansion *e = arg;
    int n = e->part < (int)sizeof e->lines ? e->part : (int)sizeof e->lines;

    (void)L;
    if (n > 0) {
        e->part -= n;
        *size = (size_t)n;
        return e->lines;
    }
    switch (e->part--) {
    case 0:
        *size = strlen("return ");
        return "return ";
    case -1:
        *size = e->len;
        return e->expression;
    default:
        *size = 0;
        return NULL;
    }
}

/* What an expression sees: the parameters, then the globals. It may set only names of its own. */
static void push_environment(lua_State *L, const struct webhook_params *params)
{
    lua_newtable(L);
    lua_newtable(L); /* its metatable, __index: the parameters */
    params_push(L, params);
    lua_newtable(L); /* theirs, __index: the globals */
    lua_pushglobaltable(L);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "params");
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

static int evaluate(lua_State *L)
{
    struct expansion *e = lua_touserdata(L, 1);
    char chunk[300] = "@";

    str_copy(chunk + 1, sizeof chunk - 1, chunk_name(e->script, e->document->path));
    memset(e->lines, '\n', sizeof e->lines);
    e->part = e->line + e->document->line - 2;
    if (lua_load(L, read_expression, e, chunk, "t") != LUA_OK)
        return lua_error(L);
    push_environment(L, e->document->params);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1))
        return luaL_error(L, "%s:%d: {{%s}} is nothing here: write {{ … or '' }} if that is fine",
                          chunk + 1, e->line,
                          lua_pushlstring(L, e->expression, e->len < 60 ? e->len : 60));
    if (!lua_isstring(L, -1) && !lua_isboolean(L, -1))
        return luaL_error(L, "%s:%d: the value of {{ }} is a %s: it must be a text or a number",
                          chunk + 1, e->line, luaL_typename(L, -1));
    str_add_xml(e->out, luaL_tolstring(L, -1, NULL));
    return 0;
}

static int value_of(const char *expression, size_t len, int line, struct str *out, void *arg,
                    struct error *err)
{
    struct expansion *e = arg;
    int rc;

    e->expression = expression;
    e->len = len;
    e->line = line;
    e->out = out;
    rc = script_protected(e->script, evaluate, e, err);
    if (rc != 0 && e->script->dead)
        error_set_twilio(err, rc, 82002, "%s", e->script->why);
    else if (rc != 0)
        err->twilio = 12100;
    return rc;
}

int template_expand(struct activation *a, const struct handler_source *source, struct str *out,
                    struct error *err)
{
    struct script *s = script_open(a, err);
    struct expansion e = {.script = s, .document = source};
    struct error why = {0};
    int line = 0, rc;

    if (s == NULL)
        return err->code;
    budget_begin_event(s);
    budget_begin_slice(s);
    s->max_steps = SCRIPT_EXPAND_STEPS;
    s->no_slices = true;
    rc = template_fill(source->text, source->len, out, value_of, &e, &line, &why);
    s->no_slices = false;
    if (rc == 0)
        return 0;
    if (e.expression != NULL && why.twilio != 11750 && line == e.line)
        *err = why; /* names its place */
    else
        error_set_twilio(err, rc, why.twilio, "%s:%d: %s", chunk_name(s, source->path), line,
                         why.text);
    return rc;
}
