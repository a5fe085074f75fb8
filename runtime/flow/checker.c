#include "flow/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = ERROR_TEXT_MAX };

void checker_init(struct checker *c, const struct document_source *source,
                  const struct schema_table *table, struct arena *arena)
{
    c->table = table;
    c->kind = source->kind;
    c->wanted = source->report != NULL;
    c->told_unreachable = c->failed = false;
    c->arena = arena;
    c->count = 0;
}

bool checker_wants(const struct checker *c)
{
    return c->wanted && c->count < DOCUMENT_MAX_DIAGS - 1;
}

static void checker_vadd(struct checker *c, int line, bool error, int code, const char *fmt,
                         va_list ap)
{
    char text[TEXT_MAX];
    struct diag *d;

    if (!checker_wants(c))
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    d = &c->list[c->count];
    *d = (struct diag){.line = line, .error = error, .code = code};
    if (c->count == DOCUMENT_MAX_DIAGS - 2)
        snprintf(text, sizeof text,
                 "there are more problems than these: mend them and check again");
    d->text = arena_strdup(c->arena, text);
    if (d->text == NULL)
        c->failed = true;
    else
        c->count++;
}

void checker_add(struct checker *c, int line, bool error, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    checker_vadd(c, line, error, code, fmt, ap);
    va_end(ap);
}

void checker_report(struct checker *c, const struct node *at, bool error, int code, const char *fmt,
                    ...)
{
    va_list ap;

    va_start(ap, fmt);
    checker_vadd(c, at->line, error, code == 0 ? 12200 : code, fmt, ap);
    va_end(ap);
}

void checker_unreachable(struct checker *c, const struct node *at, const char *why)
{
    const struct node *next = at->next;

    if (next == NULL || next->schema == NULL || c->told_unreachable)
        return;
    c->told_unreachable = true;
    checker_report(c, next, false, 12200,
                   "<%s> is never reached: <%s> on line %d %s. Remove it, or move it up",
                   next->schema->name, at->schema->name, at->line, why);
}

static void checker_node(struct checker *c, const struct node *n)
{
    if (n->schema == NULL)
        return;
    if ((n->schema->flags & SCHEMA_ENDS) != 0)
        checker_unreachable(c, n, "ends this document");
    if (n->schema->check != NULL)
        n->schema->check(n, c);
}

void checker_rules(struct checker *c, const struct node *root)
{
    const struct node *n = root;

    if (!c->wanted)
        return;
    while (n != NULL) {
        checker_node(c, n);
        if (n->children != NULL) {
            n = n->children;
            continue;
        }
        while (n != NULL && n->next == NULL)
            n = n->parent;
        if (n != NULL)
            n = n->next;
    }
}

/* Insertion: there are few, and almost sorted. Equal lines keep their order. */
static void checker_sort(struct checker *c)
{
    struct diag d;
    int j;

    for (int i = 1; i < c->count; i++) {
        d = c->list[i];
        for (j = i; j > 0 && c->list[j - 1].line > d.line; j--)
            c->list[j] = c->list[j - 1];
        c->list[j] = d;
    }
}

void checker_tell(struct checker *c, const struct document_source *source,
                  const struct error *fatal, int line)
{
    struct diag last = {.line = line, .error = true};

    if (!c->wanted)
        return;
    checker_sort(c);
    for (int i = 0; i < c->count; i++)
        source->report(&c->list[i], source->arg);
    if (fatal == NULL)
        return;
    last.code = fatal->twilio;
    last.text = fatal->text;
    source->report(&last, source->arg);
}
