/* Telling what was never reached: the files are read again and held against the facts. */
#include "base/mem.h"
#include "flow/document.h"
#include "sim/cover.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_BYTES = 1 << 20, LUA_LINES = 20000 };

struct report {
    const json_t *facts; /* of one file */
    const char *path, *prefix;
    struct str missing;
    unsigned reached, all;
};

/* --- facts --- */

static bool has_fact(const struct report *r, const char *kind, int line, const char *what)
{
    char fact[200];

    snprintf(fact, sizeof fact, "%s %d %s", kind, line, what);
    return json_object_get(r->facts, fact) != NULL;
}

/* Calls `each` for the keys that were given to the verb on that line, until it answers true. */
static bool some_keys(const struct report *r, int line, bool (*each)(const char *keys, long arg),
                      long arg)
{
    char start[40];
    const char *fact;
    json_t *value;
    size_t n = (size_t)snprintf(start, sizeof start, "keys %d ", line);

    json_object_foreach((json_t *)(uintptr_t)r->facts, fact,
                        value) if (strncmp(fact, start, n) == 0 && each(fact + n, arg)) return true;
    return false;
}

static bool are_many(const char *keys, long n)
{
    return (long)strlen(keys) == n;
}

static bool end_with(const char *keys, long key)
{
    return *keys != '\0' && keys[strlen(keys) - 1] == key;
}

static bool are_some(const char *keys, long arg)
{
    (void)arg;
    return *keys != '\0';
}

static void count(struct report *r, bool reached, int line, const char *verb, const char *what)
{
    r->all++;
    r->reached += reached;
    if (!reached)
        str_addf(&r->missing, "%s  line %d: <%s> %s\n", r->prefix, line, verb, what);
}

/* --- Gather --- */

static const char *written(const struct node *n, const char *name)
{
    for (const char *const *w = n->written; w != NULL && *w != NULL; w += 2)
        if (strcmp(w[0], name) == 0)
            return w[1];
    return NULL;
}

/* The file for those keys exists: menu-{Digits}.xml with them filled in. */
static bool leads_somewhere(const struct report *r, const char *action, const char *keys)
{
    const char *hole = strstr(action, "{Digits}");
    struct str name = STR_INIT(4096);
    char *path;
    struct stat st;
    bool good;

    str_addn(&name, action, (size_t)(hole - action));
    for (; *keys != '\0'; keys++)
        if (*keys == '*' || *keys == '#')
            str_add(&name, *keys == '*' ? "star" : "hash");
        else
            str_addc(&name, *keys);
    str_add(&name, hole + strlen("{Digits}"));
    path = document_url(r->path, str_text(&name));
    good = path != NULL && stat(path, &st) == 0;
    mem_free(path);
    str_free(&name);
    return good;
}

static bool was_wrong_key(const struct report *r, int line, const char *action)
{
    char start[40];
    const char *fact;
    json_t *value;
    size_t n = (size_t)snprintf(start, sizeof start, "keys %d ", line);

    json_object_foreach((json_t *)(uintptr_t)r->facts, fact,
                        value) if (strncmp(fact, start, n) == 0 &&
                                   !leads_somewhere(r, action, fact + n)) return true;
    return false;
}

static void count_keys(struct report *r, const struct node *n, const char *action)
{
    static const char keys[] = "0123456789*#";
    char key[2] = "", what[80];

    if (action == NULL || strstr(action, "{Digits}") == NULL) {
        count(r, some_keys(r, n->line, are_some, 0), n->line, "Gather", "never got a key");
        return;
    }
    for (const char *k = keys; *k != '\0'; k++) {
        key[0] = *k;
        snprintf(what, sizeof what, "was never answered with %s", key);
        if (leads_somewhere(r, action, key))
            count(r, has_fact(r, "keys", n->line, key), n->line, "Gather", what);
    }
    count(r, was_wrong_key(r, n->line, action), n->line, "Gather",
          "never got a key that leads nowhere (invalid input)");
}

static void count_gather(struct report *r, const struct node *n)
{
    const char *always = written(n, "actionOnEmptyResult"), *digits = written(n, "numDigits");
    const char *finish = written(n, "finishOnKey");
    bool silent = always != NULL && strcmp(always, "true") == 0
                      ? has_fact(r, "keys", n->line, "")
                      : has_fact(r, "end", n->line, "Gather done");

    count(r, silent, n->line, "Gather", "never met a caller who pressed nothing (timeout)");
    count(r, has_fact(r, "end", n->line, "Gather hangup"), n->line, "Gather",
          "never met a caller who hung up");
    count_keys(r, n, written(n, "action"));
    if (digits != NULL)
        count(r, some_keys(r, n->line, are_many, atol(digits)), n->line, "Gather",
              "never ended by its numDigits");
    if (finish != NULL && *finish != '\0')
        count(r, some_keys(r, n->line, end_with, *finish), n->line, "Gather",
              "never ended by its finishOnKey");
}

static void count_record(struct report *r, const struct node *n)
{
    const char *finish = written(n, "finishOnKey");

    count(r, has_fact(r, "end", n->line, "Record go"), n->line, "Record", "never had a result");
    count(r, has_fact(r, "end", n->line, "Record hangup"), n->line, "Record",
          "never met a caller who hung up");
    if (finish != NULL && *finish != '\0')
        count(r, some_keys(r, n->line, are_some, 0), n->line, "Record",
              "never ended by its finishOnKey");
}

/* --- documents --- */

static bool is_verb(const struct node *n)
{
    const struct schema *above = n->parent != NULL ? n->parent->schema : NULL;

    return n->schema != NULL && (n->schema->flags & SCHEMA_LATER) == 0 && above != NULL &&
           (strcmp(above->name, "Response") == 0 || strcmp(above->name, "Gather") == 0);
}

static void count_verbs(struct report *r, const struct node *n)
{
    bool reached;

    for (; n != NULL; n = n->next) {
        if (!is_verb(n))
            continue;
        reached = has_fact(r, "verb", n->line, n->schema->name);
        count(r, reached, n->line, n->schema->name, "was never reached");
        if (reached && strcmp(n->schema->name, "Gather") == 0)
            count_gather(r, n);
        else if (reached && strcmp(n->schema->name, "Record") == 0)
            count_record(r, n);
        if (reached)
            count_verbs(r, n->children);
    }
}

static void count_document(struct report *r, const struct schema_table *table)
{
    char *bytes = mem_alloc(FILE_BYTES);
    FILE *f = fopen(r->path, "rb");
    struct document_source source = {.bytes = bytes, .url = r->path};
    struct document *d = NULL;

    if (bytes != NULL && f != NULL) {
        source.len = fread(bytes, 1, FILE_BYTES, f);
        if (document_parse(&d, table, &source, NULL) == 0)
            count_verbs(r, d->root->children);
    }
    document_unref(d);
    if (f != NULL)
        fclose(f);
    mem_free(bytes);
}

/* --- handlers --- */

static bool line_ran(const struct report *r, int line)
{
    char fact[32];

    snprintf(fact, sizeof fact, "lua %d", line);
    return json_object_get(r->facts, fact) != NULL;
}

static void tell_range(struct report *r, int from, int to)
{
    if (from == to)
        str_addf(&r->missing, "%s  line %d never ran\n", r->prefix, from);
    else
        str_addf(&r->missing, "%s  lines %d to %d never ran\n", r->prefix, from, to);
}

static void count_lua(struct report *r)
{
    bool *lines = mem_alloc(LUA_LINES + 1);
    int from = 0, last = 0;

    if (lines == NULL || !cover_lua_lines(r->path, lines, LUA_LINES)) {
        mem_free(lines);
        return;
    }
    for (int i = 1; i <= LUA_LINES; i++) {
        if (!lines[i])
            continue;
        r->all++;
        if (line_ran(r, i)) {
            r->reached++;
            if (from != 0)
                tell_range(r, from, last);
            from = 0;
        } else {
            from = from == 0 ? i : from;
            last = i;
        }
    }
    if (from != 0)
        tell_range(r, from, last);
    mem_free(lines);
}

void cover_report(const json_t *all, const struct schema_table *table, const char *prefix,
                  struct str *out)
{
    const char *path;
    json_t *facts;
    size_t n;

    json_object_foreach((json_t *)(uintptr_t)all, path, facts)
    {
        struct report r = {.facts = facts, .path = path, .prefix = prefix};

        str_init(&r.missing, 1 << 20);
        n = strlen(path);
        if (n > 4 && strcmp(path + n - 4, ".lua") == 0)
            count_lua(&r);
        else
            count_document(&r, table);
        str_addf(out, "%scoverage of %s: %u of %u\n%s", prefix, path, r.reached, r.all,
                 str_text(&r.missing));
        str_free(&r.missing);
    }
}
