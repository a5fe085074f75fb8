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
    bool messages; /* `message` is what a handler of messages is given */
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

static bool is_word(const struct look *k, const char *end, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(end - k->text) >= n && memcmp(end - n, word, n) == 0 &&
           ((size_t)(end - k->text) == n ||
            (!isalnum((unsigned char)end[-n - 1]) && strchr("_.", end[-n - 1]) == NULL));
}

/* Whose method `name` is: what follows "call:" or "message:". NULL: somebody else's. */
static const struct subject *subject_before(const struct look *k, const char *name)
{
    const char *at = before(k, name);

    if (at == k->text || at[-1] != ':')
        return NULL;
    at = before(k, at - 1);
    if (is_word(k, at, subject_call.name))
        return &subject_call;
    return k->messages && is_word(k, at, subject_message.name) ? &subject_message : NULL;
}

/* Whether a function of the file has that first parameter. */
static bool some_function_takes(const char *text, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = text; (at = strstr(at, "function")) != NULL; at++) {
        const char *open = at + strcspn(at, "(\n");

        if (*open != '(')
            continue;
        open++;
        open += strspn(open, " ");
        if (strncmp(open, name, n) == 0 && open[n] != '\0' && strchr(" ,)", open[n]) != NULL)
            return true;
    }
    return false;
}

bool look_is_of_messages(const char *text)
{
    return some_function_takes(text, subject_message.name) &&
           !some_function_takes(text, subject_call.name);
}

/* What was called, as it is written: "call:say". */
typedef char method_name[VERB_NAME_BYTES + 16];

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
        tell(k, k->line + key->line - 1, LUA_CODE, "%s: no option '%s' in %s: did you mean '%s'?",
             verb, name, s->name, near);
    else
        tell(k, k->line + key->line - 1, LUA_CODE, "%s: no option '%s' in %s: see `almon help %s`",
             verb, name, s->name, s->name);
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
    const struct subject *subject = subject_before(k, c->name);
    char name[VERB_NAME_BYTES], near[VERB_NAME_BYTES], text[SUBJECT_TEXT_BYTES];
    const struct schema *verb;
    method_name whole;

    if (c->len >= sizeof name || subject == NULL)
        return;
    snprintf(name, sizeof name, "%.*s", (int)c->len, c->name);
    if (subject_has(subject, name))
        return;
    verb = verb_named(k->table, subject, name, near);
    if (verb == NULL) {
        subject_lacks(k->table, subject, name, near, text);
        tell(k, k->line + c->line - 1, LUA_CODE, "%s", text);
        return;
    }
    snprintf(whole, sizeof whole, "%s:%s", subject->name, name);
    look_at_keys(k, verb, whole, c->keys, 0);
}

void look_at_lua(const struct look_source *source, const struct schema_table *table, diag_h *report,
                 void *arg)
{
    struct look k = {.text = source->text,
                     .line = source->line,
                     .table = table,
                     .messages = source->of_message,
                     .report = report,
                     .arg = arg};
    struct scan scan = {0};
    struct arena arena;

    if (!compile(&k, "", source->text, source->len, source->line, LUA_CODE))
        return;
    /* A name that one also gives to texts: it is the handler's where a function takes it. */
    k.messages = k.messages || some_function_takes(source->text, subject_message.name);
    arena_init(&arena, 4096, SCAN_BYTES);
    if (config_scan(&scan, &arena, source->text, source->len) != 0)
        tell(&k, source->line, LUA_CODE, "out of memory");
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

static void note_problem(const struct diag *d, void *arg)
{
    (void)d;
    *(bool *)arg = true;
}

bool look_past_braces(const char *text, size_t len, struct str *out)
{
    bool wrong = false;

    look_at_braces(text, len, out, note_problem, &wrong);
    return !wrong && !out->failed;
}
