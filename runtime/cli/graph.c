/* almon graph FLOW: where a call can go, drawn for Graphviz or Mermaid. */
#include "cli/cli.h"

#include "sim/graph.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <string.h>

static void usage(FILE *out)
{
    fprintf(out, "usage: almon graph FLOW [--mermaid]\n"
                 "Draws the documents and handlers that a call can come to from FLOW, a local "
                 "file, as\nGraphviz dot (almon graph flow.xml | dot -Tsvg > flow.svg) or Mermaid. "
                 "Files of its folder\nto which nothing leads are dashed, missing ones red; verbs "
                 "that are never reached are named.\n");
}

int cli_graph(int argc, char **argv)
{
    const char *flow = NULL;
    struct str out = STR_INIT(64 << 20);
    struct graph *g = NULL;
    struct error err = {0};
    bool mermaid = false, good = true;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--mermaid") == 0)
            mermaid = true;
        else if (argv[i][0] != '-' && flow == NULL)
            flow = argv[i];
        else
            good = false;
    }
    if (!good || flow == NULL) {
        usage(stderr);
        return 2;
    }
    if (graph_make(&g, flow, &verb_schemas, &err) != 0) {
        fprintf(stderr, "almon graph: %s\n", err.text);
        return 1;
    }
    if (mermaid)
        graph_mermaid(g, &out);
    else
        graph_dot(g, &out);
    good = !out.failed && fputs(str_text(&out), stdout) >= 0;
    str_free(&out);
    graph_free(g);
    return good ? 0 : 1;
}
