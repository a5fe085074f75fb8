#include "script/look.h"

#include "base/config_scan.h"
#include "base/mem.h"
#include "script/private.h"
#include "script/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LUA_CODE = 82002, BRACES_CODE = 12100, SCAN_BYTES = 16 << 20, KEYS_MAX = 500 };

struct look {
    const char *text; /* where calls are looked for */
    int line;         /* of its beginning */
    const struct schema_table *table;
    diag_h *report;
    void *arg;
};

static void tell(const struct look *k, int line, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void tell(const struct look *k, int line, int code, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    k->report(&(struct diag){.line = line, .error = true, .code = code, .text = text}, k->arg);
}

/* --- can it be compiled --- */

/* "x:12: what", where line 1 is `first` in truth. */
static void tell_lua(const struct look *k, const char *message, int first, int code)
{
    char *end;
    long line = strncmp(message, "x:", 2) == 0 ? strtol(message + 2, &end, 10) : 0;

    if (line > 0 && strncmp(end, ": ", 2) == 0)
        tell(k, (int)line + first - 1, code, "%s", end + 2);
    else
        tell(k, first, code, "%s", message);
}

/* True when it can. `before` is put in front of it. */
static bool compile(const struct look *k, const char *before, const char *text, size_t len,
                    int line, int code)
{
    struct str whole = STR_INIT(len + 100);
    lua_State *L = luaL_newstate();
    bool good = false;

    str_add(&whole, before);
    str_addn(&whole, text, len);
    if (L == NULL || whole.failed)
        tell(k, line, code, "out of memory");
    else
        good = luaL_loadbufferx(L, str_text(&whole), whole.len, "=x", "t") == LUA_OK;
    if (L != NULL && !whole.failed && !good)
        tell_lua(k, lua_tostring(L, -1), line, code);
    str_free(&whole);
    if (L != NULL)
        lua_close(L);
    return good;
}

/* --- what the tables say --- */

/* Moves back over blanks. */
static const char *before(const struct look *k, const char *at)
{
    while (at > k->text && isspace((unsigned char)at[-1]))
        at--;
    return at;
}

/* `name` is what follows "call:". */
static bool is_of_call(const struct look *k, const char *name)
{
    const char *at = before(k, name);

    if (at == k->text || at[-1] != ':')
        return false;
    at = before(k, at - 1);
    return at - k->text >= 4 && memcmp(at - 4, "call", 4) == 0 &&
           (at - k->text == 4 || (!isalnum((unsigned char)at[-5]) && strchr("_.", at[-5]) == NULL));
}

static void look_at_key(const struct look *k, const struct schema *s, const char *verb,
                        const struct scan_key *key)
{
    char name[VERB_NAME_BYTES];
    const char *near;

    if (key->name == NULL || key->len >= sizeof name)
        return;
    snprintf(name, sizeof name, "%.*s", (int)key->len, key->name);
    if (attr_find(s, name) != NULL || child_named(k->table, name, s) != NULL)
        return;
    near = attr_nearest(s, name);
    if (near != NULL)
        tell(k, k->line + key->line - 1, LUA_CODE,
             "call:%s: no option '%s' in %s: did you mean '%s'?", verb, name, s->name, near);
    else
        tell(k, k->line + key->line - 1, LUA_CODE,
             "call:%s: no option '%s' in %s: see `almon help %s`", verb, name, s->name, s->name);
}

/* The first one in the source is the last of the list. */
static void look_at_keys(const struct look *k, const struct schema *s, const char *verb,
                         const struct scan_key *key, int depth)
{
    if (key == NULL || depth == KEYS_MAX)
        return;
    look_at_keys(k, s, verb, key->next, depth + 1);
    look_at_key(k, s, verb, key);
}

static void look_at_call(const struct look *k, const struct scan_call *c)
{
    char name[VERB_NAME_BYTES], near[VERB_NAME_BYTES];
    const struct schema *verb;

    if (c->len >= sizeof name || !is_of_call(k, c->name))
        return;
    snprintf(name, sizeof name, "%.*s", (int)c->len, c->name);
    if (call_has(name))
        return;
    verb = verb_named(k->table, name, near);
    if (verb == NULL && *near != '\0')
        tell(k, k->line + c->line - 1, LUA_CODE, "call has no '%s': did you mean '%s'?", name,
             near);
    else if (verb == NULL)
        tell(k, k->line + c->line - 1, LUA_CODE, "call has no '%s': `almon help` lists the verbs",
             name);
    if (verb != NULL)
        look_at_keys(k, verb, name, c->keys, 0);
}

void look_at_lua(const char *text, size_t len, int line, const struct schema_table *table,
                 diag_h *report, void *arg)
{
    struct look k = {.text = text, .line = line, .table = table, .report = report, .arg = arg};
    struct scan scan = {0};
    struct arena arena;

    if (!compile(&k, "", text, len, line, LUA_CODE))
        return;
    arena_init(&arena, 4096, SCAN_BYTES);
    if (config_scan(&scan, &arena, text, len) != 0)
        tell(&k, line, LUA_CODE, "out of memory");
    for (size_t i = 0; i < scan.n && scan.calls != NULL; i++)
        look_at_call(&k, scan.calls[i]);
    arena_free(&arena);
}

/* --- braces --- */

static int look_at_expression(const char *expression, size_t len, int line, struct str *out,
                              void *arg, struct error *err)
{
    (void)err;
    compile(arg, "return ", expression, len, line, BRACES_CODE);
    str_add(out, LOOK_HOLE);
    for (size_t i = 0; i < len; i++)
        if (expression[i] == '\n')
            str_addc(out, '\n');
    return 0;
}

void look_at_braces(const char *text, size_t len, struct str *out, diag_h *report, void *arg)
{
    struct look k = {.text = text, .line = 1, .report = report, .arg = arg};
    struct error err = {0};
    int line = 1;

    if (template_fill(text, len, out, look_at_expression, &k, &line, &err) != 0)
        tell(&k, line, BRACES_CODE, "%s", err.text);
}
