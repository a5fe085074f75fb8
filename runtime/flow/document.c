#include "flow/document.h"

#include "base/mem.h"
#include "flow/parser.h"
#include <string.h>

enum {
    ARENA_MAX = 2 * 1024 * 1024, /* 64 kB of the smallest elements with the largest args */
    CHUNK_MIN = 1024,
    CHUNK_MAX = 16 * 1024,
};

struct document *document_ref(struct document *d)
{
    d->refs++;
    return d;
}

struct document *document_unref(struct document *d)
{
    if (d == NULL || --d->refs > 0)
        return NULL;
    arena_free(&d->arena);
    mem_free(d);
    return NULL;
}

static struct document *document_new(const struct document_source *source)
{
    size_t chunk = source->len * 4;
    struct document *d = mem_alloc(sizeof *d);

    if (d == NULL)
        return NULL;
    chunk = chunk < CHUNK_MIN ? CHUNK_MIN : chunk > CHUNK_MAX ? CHUNK_MAX : chunk;
    arena_init(&d->arena, chunk, ARENA_MAX);
    d->refs = 1;
    d->kind = source->kind;
    d->url = arena_strdup(&d->arena, source->url == NULL ? "" : source->url);
    return d->url == NULL ? document_unref(d) : d;
}

/* What one parse needs; together, because 20 kB are much for one more stack frame. */
struct work_space {
    struct scan scan;
    struct parser parser;
    struct checker checker;
    struct arena arena; /* texts of the diagnostics */
};

static int fill(struct document *d, const struct document_source *source, struct work_space *w,
                struct error *fatal, int *line)
{
    int rc = scan_document(&w->scan, source->bytes, source->len, fatal);

    *line = w->scan.line;
    if (rc != 0)
        return rc;
    w->parser.doc = d;
    w->parser.checker = &w->checker;
    w->parser.scan = &w->scan;
    rc = parser_run(&w->parser, source);
    *fatal = w->parser.fatal;
    *line = w->parser.line;
    if (rc == 0)
        checker_rules(&w->checker, d->root);
    if (rc == 0 && w->checker.failed)
        rc = error_nomem(fatal);
    return rc;
}

int document_parse(struct document **dp, const struct schema_table *table,
                   const struct document_source *source, struct error *err)
{
    struct work_space *w = mem_alloc(sizeof *w);
    struct document *d = document_new(source);
    struct error fatal;
    int rc, line = 1;

    error_clear(&fatal);
    if (w == NULL || d == NULL) {
        rc = error_nomem(err);
        goto out;
    }
    arena_init(&w->arena, 4096, DOCUMENT_MAX_DIAGS * (ERROR_TEXT_MAX + 16));
    checker_init(&w->checker, source, table, &w->arena);
    rc = fill(d, source, w, &fatal, &line);
    checker_tell(&w->checker, source, rc == 0 ? NULL : &fatal, line);
    arena_free(&w->arena);
    if (rc != 0) {
        error_set_twilio(err, rc, fatal.twilio, "line %d: %s", line, fatal.text);
        goto out;
    }
    *dp = d;
    d = NULL;
out:
    document_unref(d);
    mem_free(w);
    return rc;
}

bool node_has(const struct node *n, const char *attr)
{
    for (const char *const *w = n->written; *w != NULL; w += 2)
        if (strcmp(*w, attr) == 0)
            return true;
    return false;
}

/* Length of the element name at `p`. */
static size_t name_length(const char *p, const char *end)
{
    const char *s = p;

    while (s < end && strchr(" \t\r\n/>", *s) == NULL)
        s++;
    return (size_t)(s - p);
}

/* Behind the element's text, in which anything may stand. */
static const char *end_of_lua(const char *p, const char *end)
{
    static const char tail[] = "</Lua";
    const char *open = memchr(p, '>', (size_t)(end - p));

    if (open == NULL || open[-1] == '/')
        return open != NULL ? open : end;
    while (open < end && (open = memchr(open, '<', (size_t)(end - open))) != NULL) {
        if ((size_t)(end - open) >= sizeof tail - 1 && memcmp(open, tail, sizeof tail - 1) == 0)
            return open + 1;
        open++;
    }
    return end;
}

enum document_kind document_guess(const char *bytes, size_t len)
{
    const char *p = bytes, *end = bytes + len;
    size_t n;

    /* Both kinds know Response, Redirect and Lua; the first other element decides. */
    while (p < end && (p = memchr(p, '<', (size_t)(end - p))) != NULL) {
        p++;
        if (p < end && (*p == '!' || *p == '?' || *p == '/'))
            continue;
        n = name_length(p, end);
        if (n == 7 && memcmp(p, "Message", n) == 0)
            return DOCUMENT_MESSAGE;
        if (n == 3 && memcmp(p, "Lua", n) == 0) {
            p = end_of_lua(p, end);
            continue;
        }
        if (!(n == 8 && (memcmp(p, "Response", n) == 0 || memcmp(p, "Redirect", n) == 0)))
            return DOCUMENT_VOICE;
    }
    return DOCUMENT_VOICE;
}
