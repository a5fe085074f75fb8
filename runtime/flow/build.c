#include "flow/parser.h"

#include "flow/quote.h"
#include <string.h>

static const char *const nothing_written[] = {NULL};

/* --- nodes --- */

static struct level *top(struct parser *p)
{
    return &p->levels[p->depth - 1];
}

static void *take(struct parser *p, size_t size)
{
    void *mem = arena_alloc(&p->doc->arena, size);

    if (mem == NULL)
        parser_nomem(p);
    return mem;
}

static char *take_text(struct parser *p, const char *s, size_t n)
{
    char *copy = arena_strndup(&p->doc->arena, s, n);

    if (copy == NULL)
        parser_nomem(p);
    return copy;
}

/* A copy of an attribute's value. libxml2, told to expand no entities, hands every & over as &#38;
 * and no other character so. */
static const char *take_value(struct parser *p, const char *s, size_t n)
{
    static const char escaped[] = "&#38;";
    char *copy = take_text(p, s, n), *to, *from;

    if (copy == NULL || memchr(copy, '&', n) == NULL)
        return copy;
    for (to = from = copy; *from != '\0'; *to++ = *from++)
        if (strncmp(from, escaped, sizeof escaped - 1) == 0) {
            from += sizeof escaped - 2;
            *from = '&';
        }
    *to = '\0';
    return copy;
}

static struct node *new_node(struct parser *p, const struct schema *schema, int line)
{
    struct error err;
    struct node *n;

    if (p->nodes == DOCUMENT_MAX_NODES) {
        error_set_twilio(&err, ERR_LIMIT, 12100,
                         "more than %d elements and pieces of text: split the document with "
                         "<Redirect>",
                         DOCUMENT_MAX_NODES);
        parser_fail(p, line, &err);
        return NULL;
    }
    n = take(p, sizeof *n);
    if (n == NULL)
        return NULL;
    p->nodes++;
    n->schema = schema;
    n->text = "";
    n->line = line;
    n->written = nothing_written;
    return n;
}

/* A transparent level stands for its parent: that is where children are counted. */
static struct level *owner(struct parser *p)
{
    struct level *l = top(p);

    while (l->transparent)
        l--;
    return l;
}

static void append(struct parser *p, struct node *n)
{
    struct level *l;

    if (p->depth == 0) {
        p->doc->root = n;
        return;
    }
    l = owner(p);
    n->parent = l->node;
    if (l->last == NULL)
        l->node->children = n;
    else
        l->last->next = n;
    l->last = n;
}

/* --- text --- */

/* The text gathered since the last tag becomes a node, in an element that mixes both. */
static void flush_mixed(struct parser *p)
{
    struct level *l = top(p);
    size_t len = p->text.len - l->text;
    struct node *n;

    if (len == 0)
        return;
    n = new_node(p, NULL, l->line);
    if (n == NULL)
        return;
    n->text = take_text(p, p->text.data + l->text, len);
    if (n->text != NULL)
        append(p, n);
    p->text.len = l->text;
}

static bool is_mixed(const struct level *l)
{
    return l->node != NULL && (l->node->schema->flags & SCHEMA_MIXED) != 0;
}

static void refuse_text(struct parser *p, struct level *l, const char *text, size_t len)
{
    size_t blank = strspn(text, " \t\r\n"), rest;
    const struct schema *s = l->node->schema;
    char quoted[QUOTE_SIZE];
    int line = xmlSAX2GetLineNumber(p->ctxt);

    for (const char *at = text + blank; (at = memchr(at, '\n', (size_t)(text + len - at))) != NULL;
         at++)
        line--;
    if (line < l->line) /* a lone CR becomes a line feed that libxml2 does not count */
        line = l->line;
    text += blank;
    rest = len - blank;
    while (rest > 0 && strchr(" \t\r\n", text[rest - 1]) != NULL)
        rest--;
    l->told_text = true;
    checker_add(p->checker, line, false, 12200,
                "text cannot stand in <%s>: move \"%s\" into %s, or remove it", s->name,
                quote(quoted, text, rest),
                p->checker->kind == DOCUMENT_MESSAGE ? "a <Message>" : "a <Say>");
}

void build_text(void *arg, const xmlChar *text, int len)
{
    struct parser *p = arg;
    const char *s = (const char *)text;
    struct level *l;
    int blank = 0;

    if (p->depth == 0 || p->fatal.code != 0)
        return;
    l = top(p);
    if (l->node == NULL)
        return;
    if ((l->node->schema->flags & (SCHEMA_TEXT | SCHEMA_MIXED)) != 0) {
        str_addn(&p->text, text, (size_t)len);
        if (p->text.failed)
            parser_nomem(p);
        return;
    }
    while (blank < len && strchr(" \t\r\n", s[blank]) != NULL)
        blank++;
    if (blank < len && !l->told_text)
        refuse_text(p, l, s, (size_t)len);
}

/* --- attributes --- */

enum { NAME_MAX_BYTES = 96 };

/* "xml:lang". False when it belongs to a namespace of somebody else, which is none of our
 * business, or is longer than any name we know. */
static bool attribute_name(char out[NAME_MAX_BYTES], const xmlChar *const *a)
{
    const char *name = (const char *)a[0], *prefix = (const char *)a[1];

    if (prefix == NULL)
        return str_copy(out, NAME_MAX_BYTES, name);
    if (a[2] != NULL && strcmp(prefix, "xml") != 0)
        return false;
    if (strlen(prefix) + strlen(name) + 2 > NAME_MAX_BYTES)
        return false;
    strcpy(out, prefix);
    strcat(out, ":");
    strcat(out, name);
    return true;
}

static int attribute_line(const struct parser *p, int index)
{
    return p->tag <= p->scan->count ? scan_attribute_line(p->scan, p->tag - 1, index)
                                    : xmlSAX2GetLineNumber(p->ctxt);
}

static void unknown_attribute(struct parser *p, const struct schema *s, const char *name, int line)
{
    char quoted[QUOTE_SIZE];
    const char *near;

    if (!checker_wants(p->checker))
        return;
    quote(quoted, name, strlen(name));
    near = attr_nearest(s, name);
    if (near != NULL)
        checker_add(p->checker, line, false, 12200,
                    "<%s> has no attribute %s: did you mean %s? (it is ignored)", s->name, quoted,
                    near);
    else if (s->attrs == NULL)
        checker_add(p->checker, line, false, 12200,
                    "<%s> has no attributes: remove %s (it is ignored)", s->name, quoted);
    else
        checker_add(p->checker, line, false, 12200,
                    "<%s> has no attribute %s: remove it, or see `almon help %s` (it is ignored)",
                    s->name, quoted, s->name);
}

static void read_attribute(struct parser *p, struct node *n, const char *name, const char *value,
                           int index)
{
    const struct attr *a = attr_find(n->schema, name);
    struct error err;
    bool wanted;

    if (a == NULL) {
        unknown_attribute(p, n->schema, name, attribute_line(p, index));
        return;
    }
    wanted = checker_wants(p->checker);
    if (attr_parse(a, value, (void *)n->args, wanted ? &err : NULL) != 0 && wanted)
        checker_add(p->checker, attribute_line(p, index), false, a->code == 0 ? 12200 : a->code,
                    "%s", err.text);
}

static void check_required(struct parser *p, const struct node *n)
{
    for (const struct attr *a = n->schema->attrs; a != NULL && a->name != NULL; a++)
        if (a->required && !node_has(n, a->name))
            checker_add(p->checker, n->line, true, a->code == 0 ? 12200 : a->code,
                        "<%s> needs %s=\"…\": %s", n->schema->name, a->name, a->text);
}

static void read_attributes(struct parser *p, struct node *n, int count,
                            const xmlChar *const *attributes)
{
    char name[NAME_MAX_BYTES];
    const char **written;
    const char *value;
    int kept = 0;

    if (n->schema->args_size > 0) {
        n->args = take(p, n->schema->args_size);
        if (n->args == NULL)
            return;
        attr_defaults(n->schema, (void *)n->args);
    }
    if (count > 0) {
        written = take(p, (2 * (size_t)count + 1) * sizeof *written);
        if (written == NULL)
            return;
        n->written = written;
        for (int i = 0; i < count; i++, attributes += 5) {
            if (!attribute_name(name, attributes))
                continue;
            value =
                take_value(p, (const char *)attributes[3], (size_t)(attributes[4] - attributes[3]));
            written[kept] = take_text(p, name, strlen(name));
            if (value == NULL || written[kept] == NULL)
                return;
            written[kept + 1] = value;
            kept += 2;
            read_attribute(p, n, name, value, i);
        }
    }
    check_required(p, n);
}

/* --- elements --- */

static void wrong_root(struct parser *p, const char *name, int line)
{
    struct error err;
    char quoted[QUOTE_SIZE];

    quote(quoted, name, strlen(name));
    if (strcasecmp(name, "html") == 0)
        error_set_twilio(&err, ERR_INVALID, 12102,
                         "this is a web page: is the URL right, and does the application answer "
                         "with an error page? The root must be <Response>");
    else
        error_set_twilio(&err, ERR_INVALID, 12102,
                         "the root element is <%s>: it must be <Response>, with a large R", quoted);
    parser_fail(p, line, &err);
}

static void add_parents(struct str *out, const struct schema *s)
{
    for (const char *const *name = s->parents; name != NULL && *name != NULL; name++)
        str_addf(out, "%s<%s>", name == s->parents ? "" : name[1] == NULL ? " or " : ", ", *name);
}

static void misplaced(struct parser *p, const struct schema *s, const struct schema *parent,
                      int line)
{
    struct str where = STR_INIT(200);

    add_parents(&where, s);
    checker_add(p->checker, line, false, parent->nested_code == 0 ? 12200 : parent->nested_code,
                "<%s> cannot stand in <%s>, only in %s: move it (it is left out)", s->name,
                parent->name, str_text(&where));
    str_free(&where);
}

static void unknown_element(struct parser *p, const char *name, const struct schema *parent,
                            int line, bool transparent)
{
    const char *near, *outcome = transparent ? "its text is kept" : "it is left out";
    char quoted[QUOTE_SIZE];

    if (!checker_wants(p->checker))
        return;
    quote(quoted, name, strlen(name));
    near = schema_nearest(p->checker->table, name, parent);
    if (near != NULL)
        checker_add(p->checker, line, false, 12200, "<%s> is not known: did you mean <%s>? (%s)",
                    quoted, near, outcome);
    else
        checker_add(p->checker, line, false, 12200,
                    "<%s> is not known: `almon help` lists what may stand here (%s)", quoted,
                    outcome);
}

static void wrong_kind(struct parser *p, const struct schema *s, int line)
{
    if (p->checker->kind == DOCUMENT_MESSAGE)
        checker_add(p->checker, line, false, 14110,
                    "<%s> is for calls: an answer to a message holds <Message> and <Redirect> only "
                    "(it is left out)",
                    s->name);
    else
        checker_add(p->checker, line, false, 12200,
                    "<%s> is for answers to messages: in a call use <Sms> (it is left out)",
                    s->name);
}

/* The schema of an element in its place, or NULL when it is left out; then that is said. */
static const struct schema *place(struct parser *p, const char *name, const struct level *parent,
                                  int line, bool *transparent)
{
    const struct schema *above = parent == NULL ? NULL : parent->node->schema, *s;
    unsigned kind = p->checker->kind == DOCUMENT_MESSAGE ? SCHEMA_MESSAGE : SCHEMA_VOICE;
    bool is_misplaced;

    s = schema_find(p->checker->table, name, above, &is_misplaced);
    if (above == NULL) {
        if (s == NULL || is_misplaced)
            wrong_root(p, name, line);
        return is_misplaced ? NULL : s;
    }
    if (s == NULL) {
        *transparent = is_mixed(parent);
        unknown_element(p, name, above, line, *transparent);
        return NULL;
    }
    if ((s->flags & kind) == 0)
        wrong_kind(p, s, line);
    else if (is_misplaced)
        misplaced(p, s, above, line);
    else
        return s;
    return NULL;
}

/* Opens a level; NULL when the document is too deep. */
static struct level *push(struct parser *p, int line)
{
    struct error err;
    struct level *l;

    if (p->depth == DOCUMENT_MAX_DEPTH) {
        error_set_twilio(&err, ERR_LIMIT, 12100,
                         "elements are nested more than %d deep: close some before",
                         DOCUMENT_MAX_DEPTH);
        parser_fail(p, line, &err);
        return NULL;
    }
    l = &p->levels[p->depth++];
    *l = (struct level){.line = line, .text = p->text.len};
    return l;
}

static void open_element(struct parser *p, const char *name, int line, int n_attributes,
                         const xmlChar *const *attributes)
{
    struct level *parent = p->depth == 0 ? NULL : top(p), *l;
    const struct schema *s = NULL;
    bool transparent = false;
    struct node *n;

    if (parent != NULL && is_mixed(parent))
        flush_mixed(p);
    if (parent == NULL || parent->node != NULL)
        s = place(p, name, parent, line, &transparent);
    if (s == NULL) {
        l = push(p, line);
        if (l != NULL && transparent) {
            l->node = parent->node;
            l->transparent = true;
        }
        return;
    }
    n = new_node(p, s, line);
    if (n == NULL)
        return;
    append(p, n);
    read_attributes(p, n, n_attributes, attributes);
    l = push(p, line);
    if (l != NULL)
        l->node = n;
}

void build_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                 int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
                 const xmlChar **attributes)
{
    struct parser *p = arg;
    char full[NAME_MAX_BYTES];
    const char *shown = (const char *)name;
    int line;

    (void)uri, (void)n_namespaces, (void)namespaces, (void)n_defaulted;
    line = p->tag < p->scan->count ? p->scan->tags[p->tag].line : xmlSAX2GetLineNumber(p->ctxt);
    p->tag++;
    if (p->fatal.code == 0) {
        if (prefix != NULL && strlen((const char *)prefix) + strlen(shown) + 2 <= sizeof full) {
            strcpy(full, (const char *)prefix);
            strcat(full, ":");
            shown = strcat(full, shown);
        }
        open_element(p, shown, line, n_attributes, attributes);
    }
    if (p->fatal.code != 0)
        xmlStopParser(p->ctxt);
}

static void close_text(struct parser *p, struct level *l)
{
    size_t len;
    const char *s;

    if (p->text.len == l->text)
        return;
    p->text.data[p->text.len] = '\0';
    s = str_trim(p->text.data + l->text, &len);
    if (len > 0) {
        s = take_text(p, s, len);
        if (s != NULL)
            l->node->text = s;
    }
    p->text.len = l->text;
}

void build_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct parser *p = arg;
    struct level *l;

    (void)name, (void)prefix, (void)uri;
    if (p->depth == 0 || p->fatal.code != 0)
        return;
    l = top(p);
    if (is_mixed(l))
        flush_mixed(p);
    else if (l->node != NULL)
        close_text(p, l);
    p->depth--;
    if (p->fatal.code != 0)
        xmlStopParser(p->ctxt);
}
