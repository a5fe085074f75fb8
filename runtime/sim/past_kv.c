/* What was in the store before a call, and what others changed in it meanwhile: from the answers
 * that the call was given. Of what it never asked for nothing is known, and nothing is needed. */
#include "sim/past.h"

#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 100000 };

struct reading {
    struct past *past;
    json_t *known;     /* folder + key → the text there now, or null for none */
    size_t op;         /* which operation is looked at */
    size_t room;       /* of past->values */
    size_t first_seen; /* where a key that was not seen before may be put at the earliest */
    bool failed;
};

/* A folder and a key as one name; false when it is too long to be either. */
static bool join(char *out, size_t size, const char *folder, const char *key)
{
    return (size_t)snprintf(out, size, "%s\n%s", folder, key) < size;
}

/* `value` NULL: no such key. */
static void add(struct reading *r, size_t before, const char *folder, const char *key,
                const json_t *value)
{
    struct past *p = r->past;

    if (p->n_values == VALUES_MAX)
        return;
    if (p->n_values == r->room) {
        size_t room = r->room == 0 ? 16 : 2 * r->room;
        void *grown = mem_realloc(p->values, room * sizeof *p->values);

        if (grown == NULL) {
            r->failed = true;
            return;
        }
        p->values = grown;
        r->room = room;
    }
    p->values[p->n_values++] =
        (struct past_value){.before = before, .folder = folder, .key = key, .value = value};
}

static void know(struct reading *r, const char *folder, const char *key, const json_t *value)
{
    char name[4096];

    if (join(name, sizeof name, folder, key) &&
        json_object_set(r->known, name, value != NULL ? (json_t *)(uintptr_t)value : json_null()) !=
            0)
        r->failed = true;
}

/* The operation found this there (NULL: nothing): if that is no wonder, well; else somebody put it
 * there. */
static void found(struct reading *r, const char *folder, const char *key, const json_t *value)
{
    char name[4096];
    const json_t *known;

    if (!join(name, sizeof name, folder, key))
        return;
    known = json_object_get(r->known, name);
    if (known == NULL && value != NULL)
        add(r, r->first_seen, folder, key, value);
    else if (known != NULL && !json_equal(known, value != NULL ? value : json_null()))
        add(r, r->op, folder, key, value);
    know(r, folder, key, value);
}

/* --- the operations --- */

/* A number that was there before `by` was added; NULL when it began at 0. */
static const json_t *before_increment(struct reading *r, const struct past_line *l)
{
    const char *text = past_text(l, "value");
    long long now = text != NULL ? strtoll(text, NULL, 10) : 0;
    unsigned long long then = (unsigned long long)now - (unsigned long long)past_number(l, "by");
    char digits[32];
    json_t *j;

    if (then == 0)
        return NULL;
    snprintf(digits, sizeof digits, "%lld", (long long)then);
    j = json_string(digits);
    if (json_array_append_new(r->past->made, j) != 0)
        r->failed = true;
    return r->failed ? NULL : j;
}

/* A key of that folder, in the range that the list covers. */
static bool is_listed(const struct past_line *l, const char *folder, const char *name,
                      const char *last)
{
    size_t n = strlen(folder);
    const char *prefix = past_text(l, "key"), *after = past_text(l, "after");

    if (strncmp(name, folder, n) != 0 || name[n] != '\n')
        return false;
    name += n + 1;
    return strncmp(name, prefix, strlen(prefix)) == 0 &&
           strcmp(name, after != NULL ? after : "") > 0 &&
           (last == NULL || strcmp(name, last) <= 0);
}

static const json_t *pair_with(const json_t *pairs, const char *key)
{
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const char *k = json_string_value(json_array_get(json_array_get(pairs, i), 0));

        if (k != NULL && strcmp(k, key) == 0)
            return json_array_get(json_array_get(pairs, i), 1);
    }
    return NULL;
}

static void read_list(struct reading *r, const struct past_line *l, const char *folder)
{
    const json_t *pairs = json_object_get(l->j, "pairs"), *value;
    json_t *known;
    size_t n = json_array_size(pairs);
    const char *key, *last = NULL;
    void *next;

    if (!json_is_array(pairs))
        return; /* too many to be in the journal */
    if (n > 0 && json_is_true(json_object_get(l->j, "more")))
        last = json_string_value(json_array_get(json_array_get(pairs, n - 1), 0));
    json_object_foreach_safe(r->known, next, key, known)
    {
        if (json_is_string(known) && is_listed(l, folder, key, last) &&
            pair_with(pairs, key + strlen(folder) + 1) == NULL)
            found(r, folder, key + strlen(folder) + 1, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        key = json_string_value(json_array_get(json_array_get(pairs, i), 0));
        value = json_array_get(json_array_get(pairs, i), 1);
        if (key != NULL && json_is_string(value))
            found(r, folder, key, value);
    }
    r->first_seen = r->op + 1; /* what it did not show was not there */
}

static void read_op(struct reading *r, const struct past_line *l)
{
    const char *op = past_text(l, "op"), *folder = past_text(l, "folder"),
               *key = past_text(l, "key");
    const json_t *value = json_object_get(l->j, "value");

    if (op == NULL || folder == NULL || key == NULL || json_object_get(l->j, "code") != NULL)
        return;
    if (!json_is_string(value))
        value = NULL;
    if (strcmp(op, "list") == 0) {
        read_list(r, l, folder);
    } else if (strcmp(op, "get") == 0) {
        found(r, folder, key, value);
    } else if (strcmp(op, "set") == 0) {
        know(r, folder, key, value);
    } else if (strcmp(op, "increment") == 0 && value != NULL) {
        found(r, folder, key, before_increment(r, l));
        know(r, folder, key, value);
    } else if (strcmp(op, "delete") == 0) {
        char name[4096];
        bool was = json_is_true(json_object_get(l->j, "found"));

        /* Whatever stood there: an empty text will do. */
        if (join(name, sizeof name, folder, key) &&
            was != json_is_string(json_object_get(r->known, name)))
            found(r, folder, key, was ? json_array_get(r->past->made, 0) : NULL);
        know(r, folder, key, NULL);
    }
}

int past_read_values(struct past *p)
{
    struct reading r = {.past = p, .known = json_object()};

    p->made = json_pack("[s]", "");
    r.failed = r.known == NULL || p->made == NULL;
    for (size_t i = 0; !r.failed && i < p->n_lines; i++) {
        if (strcmp(p->lines[i].e, "kv") != 0)
            continue;
        read_op(&r, &p->lines[i]);
        r.op++;
    }
    json_decref(r.known);
    return r.failed ? -1 : 0;
}
