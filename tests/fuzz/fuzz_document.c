/* Any bytes as a document: the bounds hold, every problem is said in a printable line, and the same
 * bytes give the same tree. The oracle counts work, not time. */
#include "base/mem.h"
#include "base/url.h"
#include "flow/document.h"
#include "verbs/verbs.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct count {
    int problems, errors;
    size_t nodes, depth, attrs, weight;
};

static void must(bool good)
{
    if (!good)
        abort();
}

static void on_problem(const struct diag *d, void *arg)
{
    struct count *c = arg;

    c->problems++;
    c->errors += d->error;
    must(d->line >= 1 && d->code >= 11000 && d->text[0] != '\0');
    for (const char *p = d->text; *p != '\0'; p++)
        must((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void count_node(struct count *c, const struct node *n, size_t depth)
{
    size_t attrs = 0;

    must(n->text != NULL && n->line >= 1 && n->written != NULL);
    c->nodes++;
    c->depth = depth > c->depth ? depth : c->depth;
    for (const char *const *w = n->written; *w != NULL; w += 2) {
        attrs++;
        c->weight += strlen(w[0]) * 3 + strlen(w[1]) * 5;
    }
    c->attrs = attrs > c->attrs ? attrs : c->attrs;
    c->weight = c->weight * 31 + strlen(n->text) + (size_t)n->line;
    for (const struct node *child = n->children; child != NULL; child = child->next) {
        must(child->parent == n);
        count_node(c, child, depth + 1);
    }
}

static struct count parse(const uint8_t *data, size_t size)
{
    struct count c = {0};
    struct document *doc = NULL;
    struct error err;
    struct document_source source = {
        .bytes = (const char *)data,
        .len = size,
        .url = "http://app.test/a",
        .kind = document_guess((const char *)data, size),
        .report = on_problem,
        .arg = &c,
    };
    int rc = document_parse(&doc, &verb_schemas, &source, &err);

    must((rc == 0) == (doc != NULL));
    must(rc == 0 || (rc < 0 && err.text[0] != '\0' && err.twilio != 0 && c.errors > 0));
    if (doc != NULL)
        count_node(&c, doc->root, 1);
    document_unref(doc);
    must(c.problems <= DOCUMENT_MAX_DIAGS && c.nodes <= DOCUMENT_MAX_NODES);
    must(c.depth <= DOCUMENT_MAX_DEPTH + 1); /* text stands one deeper than its element */
    must(c.attrs <= DOCUMENT_MAX_ATTRS);
    return c;
}

static void resolve(const uint8_t *data, size_t size)
{
    char *reference = mem_strndup((const char *)data, size);
    char *url = reference == NULL ? NULL : url_resolve("http://app.test/a/b?c", reference);

    /* "//" may begin a host, whatever its name; the others are not part of the path. */
    must(url == NULL || strstr(url, "/../") == NULL || strpbrk(reference, "?#:") != NULL ||
         strstr(reference, "//") != NULL);
    mem_free(url);
    mem_free(reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct count first = parse(data, size), second = parse(data, size);

    must(memcmp(&first, &second, sizeof first) == 0);
    if (size < 4096)
        resolve(data, size);
    return 0;
}
