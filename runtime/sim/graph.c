#include "sim/graph.h"

#include "base/mem.h"
#include "base/url.h"
#include "flow/document.h"
#include "script/look.h"
#include "sim/private.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096, FILE_BYTES = 1 << 20, LABEL_BYTES = 200 };

struct walk {
    const struct schema_table *table;
    char root[PATH_BYTES];
    struct sim_row places, ways;
    size_t here; /* the place being read */
    bool failed;
};

/* --- places and ways --- */

static bool is_lua(const char *name)
{
    size_t n = strcspn(name, "#");

    return n > 4 && strncmp(name + n - 4, ".lua", 4) == 0;
}

static bool is_url(const char *name)
{
    return strncmp(name, "http://", 7) == 0 || strncmp(name, "https://", 8) == 0;
}

/* The path of a name below the folder, without its #function; false when it is too long. */
static bool path_of(const struct walk *w, const char *name, size_t n, char out[PATH_BYTES])
{
    int len = snprintf(out, PATH_BYTES, "%s/%.*s", w->root, (int)n, name);

    return len >= 0 && len < PATH_BYTES;
}

static bool exists(const struct walk *w, const char *name)
{
    char path[PATH_BYTES];
    struct stat st;

    return path_of(w, name, strcspn(name, "#"), path) && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode);
}

/* The place of that name, made when it is new. SIZE_MAX when there is no room. */
static size_t place(struct walk *w, const char *name)
{
    struct graph_place *p = w->places.items;

    for (size_t i = 0; i < w->places.count; i++)
        if (strcmp(p[i].name, name) == 0)
            return i;
    p = sim_row_add(&w->places, sizeof *p, GRAPH_PLACES);
    if (p == NULL || (p->name = mem_strdup(name)) == NULL) {
        w->places.count -= p != NULL;
        w->failed = true;
        return SIZE_MAX;
    }
    str_init(&p->verbs, 4096);
    str_init(&p->unreachable, 4096);
    p->kind = is_url(name)       ? GRAPH_URL
              : !exists(w, name) ? GRAPH_MISSING
              : is_lua(name)     ? GRAPH_HANDLER
                                 : GRAPH_DOCUMENT;
    return w->places.count - 1;
}

static struct graph_place *at(struct walk *w, size_t i)
{
    return (struct graph_place *)w->places.items + i;
}

static void lead_to(struct walk *w, const char *name, const char *label)
{
    size_t to = place(w, name);
    struct graph_way *all = w->ways.items, *way;

    for (size_t i = 0; i < w->ways.count; i++)
        if (all[i].from == w->here && all[i].to == to && strcmp(all[i].label, label) == 0)
            return;
    way = to == SIZE_MAX ? NULL : sim_row_add(&w->ways, sizeof *way, GRAPH_WAYS);
    if (way == NULL || (way->label = mem_strdup(label)) == NULL) {
        w->ways.count -= way != NULL;
        w->failed = true;
        return;
    }
    way->from = w->here;
    way->to = to;
    at(w, to)->reached = true;
}

/* --- what a name in a document means --- */

/* "12", "star", "1hash": the keys for which {Digits} stands in a file's name, as they are pressed;
 * false when it is something else. */
static bool as_keys(const char *text, size_t n, char *out, size_t size)
{
    size_t len = 0;

    while (n > 0 && len + 1 < size) {
        if (isdigit((unsigned char)*text)) {
            out[len++] = *text++;
            n--;
        } else if (n >= 4 && (strncmp(text, "star", 4) == 0 || strncmp(text, "hash", 4) == 0)) {
            out[len++] = *text == 's' ? '*' : '#';
            text += 4;
            n -= 4;
        } else {
            return false;
        }
    }
    out[len] = '\0';
    return n == 0 && len > 0;
}

/* menu-{Digits}.xml: one way for each file that fits. False when there is none. */
static bool lead_by_keys(struct walk *w, const char *name, const char *label)
{
    const char *hole = strstr(name, "{Digits}"), *slash = strrchr(name, '/');
    const char *tail = hole + strlen("{Digits}"), *base = slash != NULL ? slash + 1 : name;
    char folder[PATH_BYTES], keys[40], found[PATH_BYTES], text[LABEL_BYTES];
    size_t before = (size_t)(hole - base), after = strlen(tail), n;
    struct dirent **entries = NULL;
    bool any = false;
    int count;

    if (slash != NULL && slash > hole)
        return false; /* a folder named by keys is not looked for */
    if (!path_of(w, name, (size_t)(base - name), folder))
        return false;
    count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        n = strlen(entries[i]->d_name);
        if (n > before + after && strncmp(entries[i]->d_name, base, before) == 0 &&
            strcmp(entries[i]->d_name + n - after, tail) == 0 &&
            as_keys(entries[i]->d_name + before, n - before - after, keys, sizeof keys)) {
            snprintf(found, sizeof found, "%.*s%s", (int)(base - name), name, entries[i]->d_name);
            snprintf(text, sizeof text, "%s %s", label, keys);
            lead_to(w, found, text);
            any = true;
        }
        free(entries[i]);
    }
    free(entries);
    return any;
}

/* A reference as it stands in the document being read. */
static void lead_by(struct walk *w, const char *reference, const char *label)
{
    const char *here = at(w, w->here)->name;
    char *whole = url_resolve(here, reference);

    if (whole == NULL)
        w->failed = true;
    else if (is_url(whole) || strstr(whole, "{Digits}") == NULL || !lead_by_keys(w, whole, label))
        lead_to(w, whole, label);
    mem_free(whole);
}

/* --- documents --- */

static const char *written(const struct node *n, const char *name)
{
    for (const char *const *w = n->written; w != NULL && *w != NULL; w += 2)
        if (strcmp(w[0], name) == 0)
            return w[1];
    return NULL;
}

/* Who is told something, and whose answer leads nowhere: statusCallback, clientNotificationUrl, and
 * the action of a Message. */
static bool is_callback(const struct schema *verb, const char *attr)
{
    if (strcmp(verb->name, "Message") == 0)
        return true;
    return strstr(attr, "Callback") != NULL || strstr(attr, "Notification") != NULL;
}

static void read_links(struct walk *w, const struct node *n)
{
    char label[LABEL_BYTES];
    const char *value;

    if (strcmp(n->schema->name, "Redirect") == 0)
        lead_by(w, n->text, "Redirect");
    for (const struct attr *a = n->schema->attrs; a != NULL && a->name != NULL; a++) {
        value =
            a->type == ATTR_URL && !is_callback(n->schema, a->name) ? written(n, a->name) : NULL;
        if (value == NULL)
            continue;
        if (strcmp(a->name, "action") == 0)
            snprintf(label, sizeof label, "%s", n->schema->name);
        else
            snprintf(label, sizeof label, "%s %s", n->schema->name, a->name);
        lead_by(w, value, label);
    }
    if ((strcmp(n->schema->name, "Gather") == 0 || strcmp(n->schema->name, "Record") == 0) &&
        written(n, "action") == NULL)
        lead_by(w, "", n->schema->name); /* the current document again */
}

/* True when nothing after it is ever reached. */
static bool ends_document(const struct node *n)
{
    const char *always = written(n, "actionOnEmptyResult"), *name = n->schema->name;

    if ((n->schema->flags & SCHEMA_ENDS) != 0)
        return true;
    if (strcmp(name, "Dial") == 0 || strcmp(name, "Enqueue") == 0)
        return written(n, "action") != NULL;
    return strcmp(name, "Gather") == 0 && always != NULL && strcmp(always, "true") == 0;
}

/* Whom a verb calls, or where one waits or meets: "Dial +15550101, joe", "Dial Conference Staff".
 */
static void say_parties(struct str *out, const struct node *verb)
{
    const char *comma = "";

    if (strcmp(verb->schema->name, "Dial") != 0 && strcmp(verb->schema->name, "Enqueue") != 0)
        return;
    if (*verb->text != '\0')
        str_addf(out, " %s", verb->text);
    for (const struct node *n = verb->children; n != NULL; n = n->next) {
        const char *name = n->schema != NULL ? n->schema->name : "";
        const struct node *inner = n->children;

        if (*name == '\0')
            continue;
        if (strcmp(name, "Conference") == 0 || strcmp(name, "Queue") == 0)
            str_addf(out, " %s", name);
        /* <Identity>, <ApplicationSid> or <Uri> instead of a text */
        str_addf(out, "%s %s", comma,
                 *n->text != '\0' || inner == NULL || inner->schema == NULL ? n->text
                                                                            : inner->text);
        comma = ",";
    }
}

static void read_verbs(struct walk *w, const struct node *n, bool top)
{
    bool over = false;

    for (; n != NULL; n = n->next) {
        if (n->schema == NULL)
            continue;
        if (over) {
            str_addf(&at(w, w->here)->unreachable, "%s%s (line %d)",
                     at(w, w->here)->unreachable.len > 0 ? ", " : "", n->schema->name, n->line);
            continue;
        }
        if (top) {
            str_addf(&at(w, w->here)->verbs, "%s%s", at(w, w->here)->verbs.len > 0 ? ", " : "",
                     n->schema->name);
            say_parties(&at(w, w->here)->verbs, n);
        }
        read_links(w, n);
        read_verbs(w, n->children, false);
        over = top && ends_document(n);
    }
}

static void say_problem(struct walk *w, const char *text)
{
    at(w, w->here)->problem = mem_strdup(text);
    w->failed = w->failed || at(w, w->here)->problem == NULL;
}

static void read_document(struct walk *w, const char *bytes, size_t len)
{
    struct document_source source = {.bytes = bytes, .len = len, .url = at(w, w->here)->name};
    struct str filled = STR_INIT(2 * FILE_BYTES);
    struct document *d = NULL;
    struct error err = {0};

    if (look_past_braces(bytes, len, &filled)) {
        source.bytes = bytes = str_text(&filled);
        source.len = len = filled.len;
    }
    source.kind = document_guess(bytes, len);
    if (document_parse(&d, w->table, &source, &err) == 0)
        read_verbs(w, d->root->children, true);
    else if (err.code == ERR_NOMEM)
        w->failed = true;
    else
        say_problem(w, err.text);
    document_unref(d);
    str_free(&filled);
}

/* --- handlers: their texts tell where they may go --- */

static void read_literal(struct walk *w, const char *text, size_t len)
{
    char name[PATH_BYTES];
    char *whole;

    if (len == 0 || len >= sizeof name || memchr(text, '\n', len) != NULL)
        return;
    snprintf(name, sizeof name, "%.*s", (int)len, text);
    if (is_url(name)) {
        lead_to(w, name, "");
        return;
    }
    whole = url_resolve(at(w, w->here)->name, name);
    if (whole != NULL && strchr(name, '.') != NULL && exists(w, whole))
        lead_to(w, whole, "");
    mem_free(whole);
}

static void read_handler(struct walk *w, const char *s)
{
    const char *end;

    while (*s != '\0') {
        if (strncmp(s, "--", 2) == 0) {
            s += strcspn(s, "\n");
        } else if (*s == '"' || *s == '\'') {
            for (end = s + 1; *end != '\0' && *end != *s && *end != '\n'; end++)
                end += *end == '\\' && end[1] != '\0';
            read_literal(w, s + 1, (size_t)(end - s - 1));
            s = *end == '\0' ? end : end + 1;
        } else {
            s++;
        }
    }
}

/* --- the walk --- */

static void read_place(struct walk *w)
{
    char path[PATH_BYTES];
    const char *name = at(w, w->here)->name;
    char *bytes = mem_alloc(FILE_BYTES + 1);
    size_t len;
    FILE *f;

    at(w, w->here)->read = true;
    f = path_of(w, name, strcspn(name, "#"), path) ? fopen(path, "rb") : NULL;
    if (bytes == NULL) {
        w->failed = true;
    } else if (f == NULL) {
        say_problem(w, strerror(errno));
    } else {
        len = fread(bytes, 1, FILE_BYTES, f);
        if (at(w, w->here)->kind == GRAPH_HANDLER)
            read_handler(w, bytes);
        else
            read_document(w, bytes, len);
    }
    if (f != NULL)
        fclose(f);
    mem_free(bytes);
}

static bool is_flow_file(const char *name)
{
    size_t n = strlen(name);

    if (n > 4 && strcmp(name + n - 4, ".xml") == 0)
        return true;
    return is_lua(name) && strcmp(name, "almon.lua") != 0 && strncmp(name, "test_", 5) != 0 &&
           (n < 9 || strcmp(name + n - 9, "_test.lua") != 0);
}

/* Something of the flow lies in that folder, or below. */
static bool is_entered(const struct walk *w, const char *folder)
{
    const struct graph_place *all = w->places.items;
    size_t n = strlen(folder);

    for (size_t i = 0; i < w->places.count; i++)
        if (all[i].reached && strncmp(all[i].name, folder, n) == 0 && all[i].name[n] == '/')
            return true;
    return false;
}

/* Every flow file of the folder is a place, whether anything leads there or not. Folders that the
 * flow never enters are somebody else's. */
static void add_folder(struct walk *w, const char *below, int depth)
{
    char path[PATH_BYTES], name[PATH_BYTES];
    struct dirent **entries = NULL;
    struct stat st;
    int count;

    if (!path_of(w, below, strlen(below), path))
        return;
    count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *e = entries[i]->d_name;

        if (e[0] != '.' &&
            snprintf(name, sizeof name, "%s%s%s", below, *below != '\0' ? "/" : "", e) <
                PATH_BYTES &&
            path_of(w, name, strlen(name), path) && lstat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode) && depth < GRAPH_DEPTH && is_entered(w, name))
                add_folder(w, name, depth + 1);
            else if (S_ISREG(st.st_mode) && is_flow_file(e))
                place(w, name);
        }
        free(entries[i]);
    }
    free(entries);
}

/* file.lua#function is the same file. */
static bool file_is_reached(const struct walk *w, const struct graph_place *p)
{
    const struct graph_place *all = w->places.items;
    size_t n = strlen(p->name);

    for (size_t i = 0; i < w->places.count; i++)
        if (all[i].reached && strncmp(all[i].name, p->name, n) == 0 &&
            (all[i].name[n] == '#' || all[i].name[n] == '\0'))
            return true;
    return false;
}

static void walk_all(struct walk *w)
{
    bool more = true;

    while (more && !w->failed) {
        more = false;
        for (w->here = 0; w->here < w->places.count && !w->failed; w->here++) {
            if (!at(w, w->here)->reached || at(w, w->here)->read ||
                at(w, w->here)->kind == GRAPH_URL || at(w, w->here)->kind == GRAPH_MISSING)
                continue;
            read_place(w);
            more = true;
        }
    }
    add_folder(w, "", 0);
    for (size_t i = 0; i < w->places.count; i++)
        at(w, i)->reached = file_is_reached(w, at(w, i));
}

int graph_make(struct graph **gp, const char *flow, const struct schema_table *table,
               struct error *err)
{
    struct graph *g = mem_alloc(sizeof *g);
    struct walk w = {.table = table};
    const char *slash = strrchr(flow, '/');
    size_t first;

    if (g == NULL)
        return error_nomem(err);
    snprintf(w.root, sizeof w.root, "%.*s", slash != NULL ? (int)(slash - flow) : 1,
             slash != NULL ? flow : ".");
    first = place(&w, slash != NULL ? slash + 1 : flow);
    if (first != SIZE_MAX) {
        at(&w, first)->reached = true;
        walk_all(&w);
    }
    g->places = w.places.items;
    g->n_places = w.places.count;
    g->ways = w.ways.items;
    g->n_ways = w.ways.count;
    if (!w.failed && g->places[first].kind != GRAPH_MISSING) {
        *gp = g;
        return 0;
    }
    if (w.failed)
        error_set(err, ERR_LIMIT, "more than %d files or %d ways between them, or memory is out",
                  GRAPH_PLACES, GRAPH_WAYS);
    else
        error_set(err, ERR_MISSING, "%s: no such file", flow);
    graph_free(g);
    return err != NULL ? err->code : ERR_LIMIT;
}

struct graph *graph_free(struct graph *g)
{
    if (g == NULL)
        return NULL;
    for (size_t i = 0; i < g->n_places; i++) {
        mem_free(g->places[i].name);
        mem_free(g->places[i].problem);
        str_free(&g->places[i].verbs);
        str_free(&g->places[i].unreachable);
    }
    for (size_t i = 0; i < g->n_ways; i++)
        mem_free(g->ways[i].label);
    mem_free(g->places);
    mem_free(g->ways);
    mem_free(g);
    return NULL;
}
