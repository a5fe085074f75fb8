/* Telling what was never reached: the files are read again and held against the facts. */
#include "base/mem.h"
#include "base/url.h"
#include "flow/document.h"
#include "script/look.h"
#include "sim/cover.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILE_BYTES = 1 << 20,
    LUA_LINES = 20000,
    PATH_BYTES = 4096,
    FILES_MAX = 1000, /* of the tested folders */
    FOLDERS_DEEP = 4,
};

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
    path = url_resolve(r->path, str_text(&name));
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

/* Of a Dial that calls parties; a conference or a queue has nobody who might not answer. */
static void count_dial(struct report *r, const struct node *n)
{
    const char *noun =
        n->children != NULL && n->children->schema != NULL ? n->children->schema->name : "";

    if (strcmp(noun, "Conference") == 0 || strcmp(noun, "Queue") == 0 ||
        strcmp(noun, "Application") == 0)
        return;
    count(r, has_fact(r, "dial", n->line, "answered"), n->line, "Dial",
          "never met somebody who answered");
    count(r, has_fact(r, "dial", n->line, "alone"), n->line, "Dial",
          "was answered every time (never busy, without an answer, or failed)");
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
        else if (reached && strcmp(n->schema->name, "Dial") == 0)
            count_dial(r, n);
        if (reached)
            count_verbs(r, n->children);
    }
}

static void count_document(struct report *r, const struct schema_table *table)
{
    char *bytes = mem_alloc(FILE_BYTES);
    FILE *f = fopen(r->path, "rb");
    struct document_source source = {.bytes = bytes, .url = r->path};
    struct str filled = STR_INIT(2 * FILE_BYTES);
    struct document *d = NULL;

    if (bytes != NULL && f != NULL) {
        source.len = fread(bytes, 1, FILE_BYTES, f);
        if (look_past_braces(bytes, source.len, &filled)) {
            source.bytes = str_text(&filled);
            source.len = filled.len;
        }
        source.kind = document_guess(source.bytes, source.len);
        if (document_parse(&d, table, &source, NULL) == 0)
            count_verbs(r, d->root->children);
    }
    document_unref(d);
    if (f != NULL)
        fclose(f);
    str_free(&filled);
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

/* --- files --- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

/* `facts` NULL: the file was never read. */
static void report_file(const char *path, const json_t *facts, const struct schema_table *table,
                        const char *prefix, struct str *out)
{
    struct report r = {.facts = facts, .path = path, .prefix = prefix};

    str_init(&r.missing, 1 << 20);
    if (ends_with(path, ".lua"))
        count_lua(&r);
    else
        count_document(&r, table);
    if (facts != NULL)
        str_addf(out, "%scoverage of %s: %u of %u\n%s", prefix, path, r.reached, r.all,
                 str_text(&r.missing));
    else if (r.all > 0) /* else it is something else that happens to lie there */
        str_addf(out, "%scoverage of %s: 0 of %u, it was never read\n", prefix, path, r.all);
    str_free(&r.missing);
}

static bool is_flow_file(const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    return ends_with(name, ".xml") ||
           (ends_with(name, ".lua") && !ends_with(name, "_test.lua") &&
            strncmp(name, "test_", 5) != 0 && strcmp(name, "almon.lua") != 0);
}

/* Adds the flow files of a folder and those below it, but nothing that is hidden. */
static void find_files(const char *folder, json_t *found, int depth)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct stat st;

    while (dir != NULL && (entry = readdir(dir)) != NULL && json_object_size(found) < FILES_MAX) {
        char path[PATH_BYTES];

        if (entry->d_name[0] == '.' ||
            (size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= sizeof path ||
            lstat(path, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth > 0)
            find_files(path, found, depth - 1);
        else if (S_ISREG(st.st_mode) && is_flow_file(path))
            json_object_set_new(found, path, json_true());
    }
    if (dir != NULL)
        closedir(dir);
}

/* All flow files of the folders in which some were read, by name. */
static json_t *all_files(const json_t *read)
{
    json_t *found = json_object(), *value, *seen = json_object();
    const char *path;

    json_object_foreach((json_t *)(uintptr_t)read, path, value)
    {
        char folder[PATH_BYTES];
        const char *slash = strrchr(path, '/');

        if (slash == NULL || slash == path)
            continue;
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        if (json_object_get(seen, folder) == NULL)
            find_files(folder, found, FOLDERS_DEEP);
        json_object_set_new(seen, folder, json_true());
    }
    json_decref(seen);
    return found;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void report_unread(const json_t *read, const struct schema_table *table, const char *prefix,
                          struct str *out)
{
    json_t *files = all_files(read), *value;
    const char **names = mem_alloc((json_object_size(files) + 1) * sizeof *names), *path;
    size_t n = 0;

    json_object_foreach(files, path, value)
    {
        if (names != NULL && json_object_get(read, path) == NULL)
            names[n++] = path;
    }
    if (names != NULL)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++)
        report_file(names[i], NULL, table, prefix, out);
    mem_free(names);
    json_decref(files);
}

void cover_report(const json_t *all, const struct schema_table *table, const char *prefix,
                  struct str *out)
{
    const char *path;
    json_t *facts;

    json_object_foreach((json_t *)(uintptr_t)all, path, facts)
        report_file(path, facts, table, prefix, out);
    report_unread(all, table, prefix, out);
}
