#include "flow/schema.h"

#include "base/str.h"
#include "flow/quote.h"
#include <limits.h>
#include <string.h>
#include <strings.h>

static bool schema_stands_in(const struct schema *s, const struct schema *parent)
{
    if (parent == NULL || s->parents == NULL)
        return parent == NULL && s->parents == NULL;
    for (const char *const *p = s->parents; *p != NULL; p++)
        if (strcmp(*p, parent->name) == 0)
            return true;
    return false;
}

const struct schema *schema_find(const struct schema_table *t, const char *name,
                                 const struct schema *parent, bool *misplaced)
{
    size_t low = 0, high = t->count, middle;

    *misplaced = false;
    while (low < high) {
        middle = low + (high - low) / 2;
        if (strcmp(t->all[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == t->count || strcmp(t->all[low]->name, name) != 0)
        return NULL;
    for (high = low; high < t->count && strcmp(t->all[high]->name, name) == 0; high++)
        if (schema_stands_in(t->all[high], parent))
            return t->all[high];
    *misplaced = true;
    return t->all[low];
}

/* --- misspelt names --- */

struct nearest {
    const char *name; /* as written */
    size_t len;
    const char *best;
    unsigned distance;
};

/* Half of the letters may be wrong, at most three; upper and lower case may be mixed up freely. For
 * a single letter there is nothing else to be near to. */
static void nearest_start(struct nearest *n, const char *name)
{
    size_t len = strlen(name), most = len < 2 ? 0 : len > 6 ? 6 : len;

    *n = (struct nearest){.name = name, .len = len, .distance = (unsigned)most + 1};
}

static void nearest_try(struct nearest *n, const char *candidate)
{
    size_t len = strlen(candidate), apart = len > n->len ? len - n->len : n->len - len;
    unsigned d;

    if (2 * apart >= n->distance) /* each letter too many costs two */
        return;
    d = strcasecmp(n->name, candidate) == 0 ? 0 : str_distance(n->name, candidate);
    if (d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}

const char *schema_nearest(const struct schema_table *t, const char *name,
                           const struct schema *parent)
{
    struct nearest n;

    nearest_start(&n, name);
    for (size_t i = 0; i < t->count; i++)
        if (schema_stands_in(t->all[i], parent))
            nearest_try(&n, t->all[i]->name);
    return n.best;
}

const char *schema_nearest_any(const struct schema_table *t, const char *name)
{
    struct nearest n;

    nearest_start(&n, name);
    for (size_t i = 0; i < t->count; i++)
        nearest_try(&n, t->all[i]->name);
    return n.best;
}

const struct attr *attr_find(const struct schema *s, const char *name)
{
    for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++)
        if (*a->name == *name && strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

const char *attr_nearest(const struct schema *s, const char *name)
{
    struct nearest n;

    nearest_start(&n, name);
    for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++)
        nearest_try(&n, a->name);
    return n.best;
}

/* --- values --- */

/* What stands in the field when the attribute is absent and has no default. */
static void field_absent(const struct attr *a, void *args)
{
    void *at = (char *)args + a->offset;

    switch (a->type) {
    case ATTR_STR:
    case ATTR_URL:
    case ATTR_DIGITS:
        *(const char **)at = NULL;
        break;
    case ATTR_CHOICE:
        if (a->open)
            *(const char **)at = NULL;
        else
            *(int *)at = ATTR_ABSENT;
        break;
    case ATTR_INT:
    case ATTR_AUTO:
        *(int *)at = ATTR_ABSENT;
        break;
    case ATTR_BOOL:
        *(bool *)at = false;
        break;
    case ATTR_LIST:
        *(unsigned *)at = 0;
        break;
    case ATTR_METHOD:
        *(enum flow_method *)at = FLOW_POST;
        break;
    }
}

/* Index of the choice that `value` names, in whatever case; -1 when none. */
static int choice_index(const char *const *choices, const char *value, size_t len)
{
    for (int i = 0; choices[i] != NULL; i++)
        if (strncasecmp(choices[i], value, len) == 0 && choices[i][len] == '\0')
            return i;
    return -1;
}

/* A whole number with blanks around it. False when it is none; one beyond int gives INT_MAX. */
static bool read_int(const char *value, int *out)
{
    char digits[24];
    size_t len;
    const char *s = str_trim(value, &len);
    long n;

    if (len == 0 || strspn(s + (*s == '-'), "0123456789") < len - (*s == '-') || len == (*s == '-'))
        return false;
    if (len >= 10) { /* more than fits: all that matters is on which side */
        *out = *s == '-' ? INT_MIN : INT_MAX;
        return true;
    }
    memcpy(digits, s, len);
    digits[len] = '\0';
    if (!str_to_long(digits, INT_MIN, INT_MAX, &n))
        return false;
    *out = (int)n;
    return true;
}

/* Too large is clamped to the bound; anything else that is wrong leaves the default. */
static bool parse_int(const struct attr *a, const char *value, int *field)
{
    int n;

    if (!read_int(value, &n) || n < a->min)
        return false;
    *field = n > a->max ? a->max : n;
    return n <= a->max;
}

static bool parse_auto(const struct attr *a, const char *value, int *field)
{
    if (strcasecmp(value, "auto") != 0)
        return parse_int(a, value, field);
    *field = ATTR_IS_AUTO;
    return true;
}

static bool parse_bool(const char *value, bool *field)
{
    bool yes = strcasecmp(value, "true") == 0;

    if (!yes && strcasecmp(value, "false") != 0)
        return false;
    *field = yes;
    return true;
}

static bool parse_method(const char *value, enum flow_method *field)
{
    bool get = strcasecmp(value, "GET") == 0;

    if (!get && strcasecmp(value, "POST") != 0)
        return false;
    *field = get ? FLOW_GET : FLOW_POST;
    return true;
}

static bool parse_choice(const struct attr *a, const char *value, void *at)
{
    int i;

    if (a->open) {
        *(const char **)at = value;
        return true;
    }
    i = choice_index(a->choices, value, strlen(value));
    if (i < 0)
        return false;
    *(int *)at = i;
    return true;
}

/* Known words count even when others are wrong. */
static bool parse_list(const struct attr *a, const char *value, unsigned *field)
{
    unsigned mask = 0;
    bool good = true;
    size_t len;
    int i;

    for (value += strspn(value, " \t\r\n"); *value != '\0'; value += strspn(value, " \t\r\n")) {
        len = strcspn(value, " \t\r\n");
        i = choice_index(a->choices, value, len);
        if (i < 0)
            good = false;
        else
            mask |= 1u << i;
        value += len;
    }
    if (good || mask != 0)
        *field = mask;
    return good;
}

static bool parse_digits(const struct attr *a, const char *value, const char **field)
{
    size_t len = strlen(value);

    if (strspn(value, a->set) != len || len < (size_t)a->min ||
        (a->max > 0 && len > (size_t)a->max))
        return false;
    *field = value;
    return true;
}

static bool parse_value(const struct attr *a, const char *value, void *args)
{
    void *at = (char *)args + a->offset;

    switch (a->type) {
    case ATTR_INT:
        return parse_int(a, value, at);
    case ATTR_AUTO:
        return parse_auto(a, value, at);
    case ATTR_BOOL:
        return parse_bool(value, at);
    case ATTR_CHOICE:
        return parse_choice(a, value, at);
    case ATTR_LIST:
        return parse_list(a, value, at);
    case ATTR_METHOD:
        return parse_method(value, at);
    case ATTR_DIGITS:
        return parse_digits(a, value, at);
    case ATTR_STR:
    case ATTR_URL:
        *(const char **)at = value;
        return true;
    }
    return false;
}

static void field_default(const struct attr *a, void *args)
{
    if (a->def == NULL || !parse_value(a, a->def, args))
        field_absent(a, args);
}

void attr_defaults(const struct schema *s, void *args)
{
    for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++)
        field_default(a, args);
}

/* --- what to say about a bad value --- */

static void add_choices(const struct attr *a, const char *value, struct str *out)
{
    struct nearest n;

    nearest_start(&n, value);
    for (int i = 0; a->choices[i] != NULL; i++)
        nearest_try(&n, a->choices[i]);
    if (n.best != NULL) {
        str_addf(out, "did you mean %s?", n.best);
        return;
    }
    str_add(out, a->type == ATTR_LIST ? "write any of " : "write one of ");
    for (int i = 0; a->choices[i] != NULL; i++) {
        if (out->len > 160) {
            str_add(out, ", …");
            return;
        }
        str_addf(out, "%s%s", i > 0 ? ", " : "", a->choices[i]);
    }
}

static void add_digits(const struct attr *a, struct str *out)
{
    if (a->max == 1)
        str_addf(out, "write one of %s%s", a->set, a->min == 0 ? ", or nothing" : "");
    else if (a->max > 0)
        str_addf(out, "write %d to %d of %s", a->min, a->max, a->set);
    else
        str_addf(out, "write only %s", a->set);
}

static void add_remedy(const struct attr *a, const char *value, struct str *out)
{
    switch (a->type) {
    case ATTR_INT:
    case ATTR_AUTO:
        if (a->max == INT_MAX)
            str_addf(out, "write a whole number from %d", a->min);
        else
            str_addf(out, "write a whole number from %d to %d", a->min, a->max);
        if (a->type == ATTR_AUTO)
            str_add(out, ", or auto");
        break;
    case ATTR_BOOL:
        str_add(out, "write true or false");
        break;
    case ATTR_METHOD:
        str_add(out, "write GET or POST");
        break;
    case ATTR_DIGITS:
        add_digits(a, out);
        break;
    default:
        add_choices(a, value, out);
    }
}

static void add_outcome(const struct attr *a, const char *value, struct str *out)
{
    int n;

    if ((a->type == ATTR_INT || a->type == ATTR_AUTO) && read_int(value, &n) && n > a->max)
        str_addf(out, " (%d is used)", a->max);
    else if (a->type == ATTR_LIST)
        str_add(out, " (the wrong words are ignored)");
    else if (a->def != NULL)
        str_addf(out, " (%s is used)", a->def);
    else
        str_add(out, " (it is ignored)");
}

int attr_parse(const struct attr *a, const char *value, void *args, struct error *err)
{
    char quoted[QUOTE_SIZE];
    struct str text = STR_INIT(ERROR_TEXT_MAX - 1);
    int rc;

    if (parse_value(a, value, args))
        return 0;
    field_default(a, args);
    parse_value(a, value, args); /* again, for what can be saved: a clamped number, known words */
    if (err == NULL)
        return ERR_INVALID;
    add_remedy(a, value, &text);
    add_outcome(a, value, &text);
    rc = error_set(err, ERR_INVALID, "%s=\"%s\": %s", a->name, quote(quoted, value, strlen(value)),
                   str_text(&text));
    str_free(&text);
    return rc;
}
