#include "tests/unit/flow_rig.h"

#include "base/mem.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <string.h>

static void note(const struct diag *d, void *arg)
{
    struct flow_rig *r = arg;

    r->problems++;
    r->errors += d->error;
    str_addf(&r->said, "%d %s %d %s\n", d->line, d->error ? "error" : "warning", d->code, d->text);
}

int flow_rig_parse_bytes(struct flow_rig *r, const char *bytes, size_t len)
{
    struct document_source source = {
        .bytes = bytes,
        .len = len,
        .url = "http://app.test/voice",
        .kind = document_guess(bytes, len),
        .report = note,
        .arg = r,
    };

    *r = (struct flow_rig){.said = STR_INIT(64 * 1024)};
    return document_parse(&r->doc, &verb_schemas, &source, &r->err);
}

int flow_rig_parse(struct flow_rig *r, const char *markup)
{
    return flow_rig_parse_bytes(r, markup, strlen(markup));
}

void flow_rig_free(struct flow_rig *r)
{
    r->doc = document_unref(r->doc);
    str_free(&r->said);
}

bool flow_rig_said(const struct flow_rig *r, const char *start, const char *piece)
{
    const char *line = str_text(&r->said), *end, *found;

    for (; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL)
            break;
        found = strstr(line, piece);
        if (strncmp(line, start, strlen(start)) == 0 && found != NULL && found < end)
            return true;
    }
    if (!mem_has_failed())
        fprintf(stderr, "nobody said \"%s … %s\", but:\n%s", start, piece, str_text(&r->said));
    return false;
}

static void add_node(const struct node *n, struct str *out)
{
    if (n->schema == NULL) {
        str_addf(out, "\"%s\"", n->text);
        return;
    }
    str_add(out, n->schema->name);
    if (*n->text != '\0')
        str_addf(out, "'%s'", n->text);
    if (n->children == NULL)
        return;
    str_addc(out, '(');
    for (const struct node *c = n->children; c != NULL; c = c->next) {
        add_node(c, out);
        str_add(out, c->next == NULL ? ")" : " ");
    }
}

void flow_rig_tree(const struct flow_rig *r, struct str *out)
{
    str_reset(out);
    if (r->doc != NULL)
        add_node(r->doc->root, out);
}
