/* The two languages in which a graph is drawn. */
#include "sim/graph.h"

#include <string.h>

/* What stands in a place's box, with `br` between its lines and `quote` for a quotation mark. */
static void add_box(struct str *out, const struct graph_place *p, const char *br, const char *quote)
{
    struct str text = STR_INIT(16384);

    str_add(&text, p->name);
    if (p->verbs.len > 0)
        str_addf(&text, "\n%s", str_text(&p->verbs));
    if (p->kind == GRAPH_MISSING)
        str_add(&text, "\nno such file");
    else if (!p->reached)
        str_add(&text, "\nnothing leads here");
    if (p->unreachable.len > 0)
        str_addf(&text, "\nnever reached: %s", str_text(&p->unreachable));
    if (p->problem != NULL)
        str_addf(&text, "\n%s", p->problem);
    for (const char *c = str_text(&text); *c != '\0'; c++) {
        if (*c == '\n')
            str_add(out, br);
        else if (*c == '"')
            str_add(out, quote);
        else if (*c == '\\')
            str_add(out, "/");
        else
            str_addc(out, *c);
    }
    str_free(&text);
}

void graph_dot(const struct graph *g, struct str *out)
{
    static const char *const shapes[] = {[GRAPH_DOCUMENT] = "box",
                                         [GRAPH_HANDLER] = "component",
                                         [GRAPH_URL] = "ellipse",
                                         [GRAPH_MISSING] = "box"};

    str_add(out, "digraph flow {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for (size_t i = 0; i < g->n_places; i++) {
        const struct graph_place *p = &g->places[i];

        str_addf(out, "  n%zu [shape=%s, label=\"", i, shapes[p->kind]);
        add_box(out, p, "\\n", "\\\"");
        str_add(out, "\"");
        if (p->kind == GRAPH_MISSING || p->problem != NULL)
            str_add(out, ", color=red, fontcolor=red");
        else if (!p->reached)
            str_add(out, ", style=dashed, color=gray, fontcolor=gray");
        str_add(out, "];\n");
    }
    for (size_t i = 0; i < g->n_ways; i++) {
        str_addf(out, "  n%zu -> n%zu [label=\"", g->ways[i].from, g->ways[i].to);
        for (const char *c = g->ways[i].label; *c != '\0'; c++)
            str_addc(out, *c == '"' || *c == '\\' ? '\'' : *c);
        str_add(out, "\"];\n");
    }
    str_add(out, "}\n");
}

void graph_mermaid(const struct graph *g, struct str *out)
{
    static const char *const open[] = {"[\"", "[[\"", "([\"", "[\""};
    static const char *const close[] = {"\"]", "\"]]", "\"])", "\"]"};

    str_add(out, "flowchart LR\n");
    for (size_t i = 0; i < g->n_places; i++) {
        const struct graph_place *p = &g->places[i];

        str_addf(out, "  n%zu%s", i, open[p->kind]);
        add_box(out, p, "<br/>", "#quot;");
        str_addf(out, "%s%s\n", close[p->kind],
                 p->kind == GRAPH_MISSING || p->problem != NULL ? ":::wrong"
                 : !p->reached                                  ? ":::unreached"
                                                                : "");
    }
    for (size_t i = 0; i < g->n_ways; i++) {
        str_addf(out, "  n%zu -->", g->ways[i].from);
        if (g->ways[i].label[0] != '\0') {
            str_add(out, "|\"");
            for (const char *c = g->ways[i].label; *c != '\0'; c++)
                str_addc(out, *c == '"' ? '\'' : *c);
            str_add(out, "\"|");
        }
        str_addf(out, " n%zu\n", g->ways[i].to);
    }
    str_add(out, "  classDef unreached stroke-dasharray: 4,color:#888,stroke:#888\n"
                 "  classDef wrong color:#c00,stroke:#c00\n");
}
