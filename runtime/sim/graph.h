/* A flow as a picture: its documents and handlers, what leads from one to the other, and what
 * nothing leads to. */
#ifndef ALMON_SIM_GRAPH_H
#define ALMON_SIM_GRAPH_H

#include "base/error.h"
#include "base/str.h"
#include "flow/schema.h"
#include <stdbool.h>

enum { GRAPH_PLACES = 2000, GRAPH_WAYS = 20000, GRAPH_DEPTH = 8 };

enum graph_kind { GRAPH_DOCUMENT, GRAPH_HANDLER, GRAPH_URL, GRAPH_MISSING };

/* A file or URL that a call can come to. */
struct graph_place {
    char *name; /* below the flow's folder, or the URL */
    enum graph_kind kind;
    bool reached, read;
    struct str verbs;       /* "Gather, Redirect" */
    struct str unreachable; /* "Say (line 12)" … of it */
    char *problem;          /* a document that cannot be parsed; NULL: none */
};

struct graph_way {
    size_t from, to;
    char *label; /* "Redirect", "Gather 1" */
};

struct graph {
    struct graph_place *places;
    size_t n_places;
    struct graph_way *ways;
    size_t n_ways;
};

/* Follows the local file `flow` (may end in #function). */
int graph_make(struct graph **gp, const char *flow, const struct schema_table *table,
               struct error *err);
struct graph *graph_free(struct graph *g);
void graph_dot(const struct graph *g, struct str *out);
void graph_mermaid(const struct graph *g, struct str *out);

#endif
