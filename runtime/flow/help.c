/* `almon help`: the reference of an element, from its table. */
#include "flow/document.h"

#include "base/str.h"
#include "flow/quote.h"
#include <limits.h>
#include <string.h>

static void add_type(const struct attr *a, struct str *out)
{
    switch (a->type) {
    case ATTR_INT:
    case ATTR_AUTO:
        if (a->max == INT_MAX)
            str_addf(out, "whole number from %d", a->min);
        else
            str_addf(out, "%d to %d", a->min, a->max);
        str_add(out, a->type == ATTR_AUTO ? ", or auto" : "");
        break;
    case ATTR_BOOL:
        str_add(out, "true or false");
        break;
    case ATTR_METHOD:
        str_add(out, "GET or POST");
        break;
    case ATTR_URL:
        str_add(out, "URL");
        break;
    case ATTR_DIGITS:
        str_addf(out, a->max == 1 ? "one of %s" : "any of %s", a->set);
        break;
    case ATTR_LIST:
        str_add(out, "any of:");
        break;
    case ATTR_CHOICE:
        str_add(out, a->open ? "text, such as:" : "one of:");
        break;
    case ATTR_STR:
        str_add(out, "text");
        break;
    }
}

/* All values, or the first few of an open list. */
static void add_values(const struct attr *a, struct str *out)
{
    size_t column = 6;

    if (a->choices == NULL)
        return;
    str_add(out, "\n      ");
    for (int i = 0; a->choices[i] != NULL; i++) {
        if (a->open && i == 12) {
            str_add(out, " …");
            break;
        }
        if (column + strlen(a->choices[i]) > 96) {
            str_add(out, "\n      ");
            column = 6;
        }
        str_addf(out, " %s", a->choices[i]);
        column += strlen(a->choices[i]) + 1;
    }
}

static void add_attr(const struct attr *a, struct str *out)
{
    str_addf(out, "  %s  ", a->name);
    add_type(a, out);
    if (a->required)
        str_add(out, "; required");
    else if (a->def != NULL)
        str_addf(out, "; default %s", *a->def == '\0' ? "empty" : a->def);
    add_values(a, out);
    str_addf(out, "\n      %s\n", a->text);
}

static bool holds(const struct schema *parent, const struct schema *child)
{
    for (const char *const *p = child->parents; p != NULL && *p != NULL; p++)
        if (strcmp(*p, parent->name) == 0)
            return true;
    return false;
}

static void add_children(const struct schema_table *t, const struct schema *s, struct str *out)
{
    const char *separator = "Holds: ";

    if ((s->flags & (SCHEMA_TEXT | SCHEMA_MIXED)) != 0) {
        str_addf(out, "%stext", separator);
        separator = ", ";
    }
    for (size_t i = 0; i < t->count; i++) {
        if (!holds(s, t->all[i]))
            continue;
        str_addf(out, "%s<%s>", separator, t->all[i]->name);
        separator = ", ";
    }
    str_add(out, *separator == 'H' ? "Holds nothing.\n" : "\n");
}

static void add_schema(const struct schema_table *t, const struct schema *s, struct str *out)
{
    const char *separator = "Stands in: ";

    str_addf(out, "<%s>  %s\n", s->name, s->text);
    if ((s->flags & SCHEMA_LATER) != 0)
        str_add(out, "It is checked, but does nothing in this version.\n");
    for (const char *const *p = s->parents; p != NULL && *p != NULL; p++, separator = ", ")
        str_addf(out, "%s<%s>", separator, *p);
    str_add(out, s->parents == NULL ? "" : "\n");
    add_children(t, s, out);
    if (s->attrs == NULL)
        return;
    str_add(out, "Attributes:\n");
    for (const struct attr *a = s->attrs; a->name != NULL; a++)
        add_attr(a, out);
}

/* What stands directly in the Response: the verbs. The rest is found through them. */
static void add_list(const struct schema_table *t, unsigned flag, const char *title,
                     struct str *out)
{
    const struct schema *s;

    str_addf(out, "%s\n", title);
    for (size_t i = 0; i < t->count; i++) {
        s = t->all[i];
        if ((s->flags & flag) == 0 || s->parents == NULL)
            continue;
        for (const char *const *p = s->parents; *p != NULL; p++)
            if (strcmp(*p, "Response") == 0)
                str_addf(out, "  %-10s %s%s\n", s->name, s->text,
                         (s->flags & SCHEMA_LATER) != 0 ? " (checked only)" : "");
    }
}

static int unknown_name(const struct schema_table *t, const char *name, struct error *err)
{
    const char *near = schema_nearest_any(t, name);
    char quoted[QUOTE_SIZE];

    quote(quoted, name, strlen(name));
    if (near != NULL)
        return error_set(err, ERR_MISSING, "there is no <%s>: did you mean `almon help %s`?",
                         quoted, near);
    return error_set(err, ERR_MISSING, "there is no <%s>: `almon help` lists the verbs", quoted);
}

int schema_help(const struct schema_table *t, const char *name, struct str *out, struct error *err)
{
    bool found = false;

    if (name == NULL) {
        add_list(t, SCHEMA_VOICE, "Verbs of a call:", out);
        add_list(t, SCHEMA_MESSAGE, "\nVerbs of an answer to a message:", out);
        str_add(out, "\n`almon help Say` shows one of them, or what stands inside one.\n");
    }
    for (size_t i = 0; name != NULL && i < t->count; i++) {
        if (strcmp(t->all[i]->name, name) != 0)
            continue;
        str_add(out, found ? "\n" : "");
        add_schema(t, t->all[i], out);
        found = true;
    }
    if (name != NULL && !found)
        return unknown_name(t, name, err);
    return out->failed ? error_nomem(err) : 0;
}
