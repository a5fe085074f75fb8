/* libxml2's SAX events → our tree, straight into the document's arena. */
#ifndef ALMON_FLOW_PARSER_H
#define ALMON_FLOW_PARSER_H

#include "base/str.h"
#include "flow/checker.h"
#include "flow/scan.h"
#include <libxml/parser.h>

/* An element that is open now. */
struct level {
    struct node *node; /* NULL: left out, with all it holds */
    struct node *last; /* its last child so far */
    size_t text;       /* where its text begins in parser.text */
    int line;
    bool told_text;   /* text where none may stand was reported */
    bool transparent; /* an unknown element inside spoken text: `node` is its parent */
};

struct parser {
    struct document *doc;
    struct checker *checker;
    struct scan *scan;
    xmlParserCtxtPtr ctxt;
    struct level levels[DOCUMENT_MAX_DEPTH];
    int depth; /* open elements */
    int tag;   /* start tags seen */
    int nodes;
    struct str text;    /* of the open elements, one behind the other */
    struct error fatal; /* code 0: none */
    int line;           /* of the fatal problem */
};

/* Fills doc->root. 0, or a negative code with p->fatal and p->line set. */
int parser_run(struct parser *p, const struct document_source *source);

/* The first fatal problem wins; the parser stops. (parser.c, used by build.c too) */
void parser_fail(struct parser *p, int line, const struct error *err);
void parser_nomem(struct parser *p);

/* libxml2's events (build.c). */
void build_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                 int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
                 const xmlChar **attributes);
void build_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri);
void build_text(void *arg, const xmlChar *text, int len);

#endif
