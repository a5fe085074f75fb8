/* Markup → document: an immutable, validated tree of verbs. Parsed once, reference counted. */
#ifndef ALMON_FLOW_DOCUMENT_H
#define ALMON_FLOW_DOCUMENT_H

#include "base/arena.h"
#include "base/error.h"
#include "flow/schema.h"
#include <stdbool.h>
#include <stddef.h>

/* Bounds, enforced while parsing (threats.md §5.1). */
enum {
    DOCUMENT_MAX_BYTES = 64 * 1024,
    DOCUMENT_MAX_NODES = 2000,
    DOCUMENT_MAX_DEPTH = 32,
    DOCUMENT_MAX_ATTRS = 64, /* of one element */
    DOCUMENT_MAX_DIAGS = 100,
};

struct node {
    const struct schema *schema; /* NULL: a piece of text inside a SCHEMA_MIXED element */
    const void *args;            /* typed attribute values, defaults filled in; NULL for text and
                                    for elements without attributes */
    const char *text;            /* trimmed text, "" when none and in SCHEMA_MIXED elements, whose
                                    text is in text nodes among the children, exactly as written */
    struct node *parent, *children, *next;
    int line;
    const char *const *written; /* name, value, name, value … NULL: the attributes as written, the
                                   unknown ones too */
};

enum document_kind { DOCUMENT_VOICE, DOCUMENT_MESSAGE };

struct document {
    unsigned refs;
    enum document_kind kind;
    const char
        *url; /* where it came from: what its relative URLs are resolved against; or a file */
    struct node *root; /* the Response */
    struct arena arena;
};

/* One problem found. */
struct diag {
    int line;
    bool error;       /* else a warning */
    int code;         /* Twilio's */
    const char *text; /* what, and how to mend it; valid during the report only */
};
typedef void diag_h(const struct diag *d, void *arg);

struct document_source {
    const char *bytes;
    size_t len;
    const char *url;         /* copied */
    enum document_kind kind; /* which verbs may stand in it */
    diag_h *report;          /* NULL: nobody wants to know */
    void *arg;
};

/* Parses and checks. Warnings are reported and the document goes on (unknown elements are left out,
 * bad values become the default). On a fatal problem (12100 malformed, 12102 wrong root, 11770
 * empty, 11750 too large …) it is reported as an error, *err says the same, and *dp is not touched.
 * A pure function of its bytes. */
int document_parse(struct document **dp, const struct schema_table *table,
                   const struct document_source *source, struct error *err);
struct document *document_ref(struct document *d);
/* Accepts NULL, returns NULL. */
struct document *document_unref(struct document *d);

/* For `check` functions of schemas. */
struct checker;
void checker_report(struct checker *c, const struct node *at, bool error, int code, const char *fmt,
                    ...) __attribute__((format(printf, 5, 6)));

/* Warns at the sibling after `at`, if there is one, that it is never reached: `at` `why`. */
void checker_unreachable(struct checker *c, const struct node *at, const char *why);

/* True when the attribute stands in the markup (not defaulted). */
bool node_has(const struct node *n, const char *attr);

/* Guesses the kind for `almon check`: message when the root's first known child is a messaging verb
 * that voice does not know, else voice. */
enum document_kind document_guess(const char *bytes, size_t len);

struct str;
/* The reference of one element, or the list of all when `name` is NULL, from the tables. */
int schema_help(const struct schema_table *t, const char *name, struct str *out, struct error *err);

#endif
