/* The verb tables held against the language they claim to know. */
#include "flow/document.h"
#include "tests/unit/twiml.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* True when `word` is one of the words of `list`. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; (p = strstr(p, word)) != NULL; p++)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return true;
    return false;
}

static size_t count_words(const char *list)
{
    size_t n = *list != '\0';

    for (; *list != '\0'; list++)
        n += *list == ' ';
    return n;
}

/* Any schema of that name; the one under `parent` when given. */
static const struct schema *schema_named(const char *name, const char *parent)
{
    const struct schema above = {.name = parent};
    bool misplaced;

    return schema_find(&verb_schemas, name, parent == NULL ? NULL : &above, &misplaced);
}

static size_t count_attrs(const struct schema *s)
{
    size_t n = 0;

    while (s->attrs != NULL && s->attrs[n].name != NULL)
        n++;
    return n;
}

static size_t count_parents(const struct schema *s)
{
    size_t n = 0;

    while (s->parents != NULL && s->parents[n] != NULL)
        n++;
    return n;
}

/* The first parent named in a list. */
static const char *first_word(char *out, size_t size, const char *list)
{
    snprintf(out, size, "%.*s", (int)strcspn(list, " "), list);
    return *out == '\0' ? NULL : out;
}

UNIT(tables_are_sorted_for_the_search)
{
    for (size_t i = 1; i < verb_schemas.count; i++)
        ok(strcmp(verb_schemas.all[i - 1]->name, verb_schemas.all[i]->name) <= 0);
    ok(verb_table[verb_schemas.count] == NULL);
out:;
}

UNIT(tables_know_every_element_in_its_places)
{
    char parent[64];
    const struct schema *s;
    const struct twiml_element *e;

    for (size_t i = 0; i < COUNT(twiml_elements); i++) {
        e = &twiml_elements[i];
        s = schema_named(e->name, first_word(parent, sizeof parent, e->parents));
        if (s == NULL)
            fprintf(stderr, "missing: %s\n", e->name);
        ok(s != NULL);
        for (size_t j = 0; j < count_parents(s); j++) {
            if (!has_word(e->parents, s->parents[j]))
                fprintf(stderr, "%s may not stand in %s\n", s->name, s->parents[j]);
            ok(has_word(e->parents, s->parents[j]));
        }
        ok_int(count_parents(s), count_words(e->parents));
    }
    for (size_t i = 0; i < verb_schemas.count; i++) {
        bool known = (verb_schemas.all[i]->flags & SCHEMA_EXTENSION) != 0;

        for (size_t j = 0; j < COUNT(twiml_elements) && !known; j++)
            known = strcmp(twiml_elements[j].name, verb_schemas.all[i]->name) == 0;
        ok(known);
    }
out:;
}

UNIT(tables_know_every_attribute_and_no_other)
{
    char parent[64];
    const struct schema *s;
    const struct twiml_element *e;

    for (size_t i = 0; i < COUNT(twiml_elements); i++) {
        e = &twiml_elements[i];
        s = schema_named(e->name, first_word(parent, sizeof parent, e->parents));
        ok(s != NULL);
        for (size_t j = 0; j < count_attrs(s); j++) {
            if (!has_word(e->attrs, s->attrs[j].name))
                fprintf(stderr, "%s has no %s\n", s->name, s->attrs[j].name);
            ok(has_word(e->attrs, s->attrs[j].name));
        }
        ok_int(count_attrs(s), count_words(e->attrs));
    }
out:;
}

/* Attributes whose values Twilio enumerates but we take as they come. */
static bool is_free(const struct attr *a)
{
    return a->type == ATTR_STR;
}

UNIT(tables_know_every_value)
{
    const struct schema *s;
    const struct attr *a;

    for (size_t i = 0; i < COUNT(twiml_values); i++) {
        bool misplaced;
        size_t n = 0;

        s = schema_find(&verb_schemas, twiml_values[i].element, NULL, &misplaced);
        ok(s != NULL);
        a = attr_find(s, twiml_values[i].attr);
        ok(a != NULL);
        if (is_free(a))
            continue;
        ok(a->choices != NULL);
        for (; a->choices[n] != NULL; n++)
            ok(has_word(twiml_values[i].values, a->choices[n]) ||
               has_word("true false", a->choices[n]));
        if (n < count_words(twiml_values[i].values))
            fprintf(stderr, "%s %s lacks values\n", s->name, a->name);
        ok(n >= count_words(twiml_values[i].values));
    }
out:;
}

UNIT(tables_have_the_documented_defaults)
{
    const struct schema *s;
    const struct attr *a;

    for (size_t i = 0; i < COUNT(twiml_defaults); i++) {
        bool misplaced;

        s = schema_find(&verb_schemas, twiml_defaults[i].element, NULL, &misplaced);
        ok(s != NULL);
        a = attr_find(s, twiml_defaults[i].attr);
        ok(a != NULL);
        ok_str(a->def, twiml_defaults[i].def);
    }
out:;
}

/* Each default parses, each attribute lies inside the args, each line of help is a sentence. */
UNIT(tables_are_consistent)
{
    struct error err = {0};
    char args[1024];

    for (size_t i = 0; i < verb_schemas.count; i++) {
        const struct schema *s = verb_schemas.all[i];

        ok(s->args_size <= sizeof args);
        ok((s->attrs == NULL) == (s->args_size == 0));
        ok(s->text != NULL && s->text[strlen(s->text) - 1] == '.');
        ok((s->flags & (SCHEMA_VOICE | SCHEMA_MESSAGE)) != 0);
        for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++) {
            ok(a->offset < s->args_size);
            ok(a->text != NULL && a->text[strlen(a->text) - 1] == '.');
            ok((a->type == ATTR_CHOICE || a->type == ATTR_LIST) == (a->choices != NULL));
            ok((a->type == ATTR_INT || a->type == ATTR_AUTO) <= (a->max > a->min));
            ok(attr_find(s, a->name) == a);
            if (a->def != NULL)
                ok_rc(attr_parse(a, a->def, args, &err), &err);
        }
    }
out:;
}

UNIT_MAIN(CASE(tables_are_sorted_for_the_search), CASE(tables_know_every_element_in_its_places),
          CASE(tables_know_every_attribute_and_no_other), CASE(tables_know_every_value),
          CASE(tables_have_the_documented_defaults), CASE(tables_are_consistent))
