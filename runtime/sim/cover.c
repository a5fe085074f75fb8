/* Gathering: from journal lines to facts. A fact is "verb LINE NAME", "end LINE NAME HOW", "keys
 * LINE KEYS", "dial LINE answered" or "dial LINE alone", or "lua LINE". */
#include "sim/cover.h"

#include "base/map.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COVER_DEPTH = 32, COVER_KEYS = 1000, COVER_PATH = 4096 };

struct cover_verb {
    long long line;
    char name[40];
    char path[COVER_PATH];
    char keys[COVER_KEYS];
    bool dialled, answered; /* a Dial that called somebody; and one who answered */
};

/* A call under way. */
struct cover_call {
    char path[COVER_PATH]; /* of the document that runs; "" when it is no local file */
    struct cover_verb *verbs[COVER_DEPTH];
    size_t n_verbs;
};

struct cover {
    char *scratch;
    json_t *facts;
    struct map calls; /* sid → struct cover_call */
};

struct cover *cover_new(const char *scratch)
{
    struct cover *c = mem_alloc(sizeof *c);

    if (c == NULL)
        return NULL;
    c->scratch = mem_strdup(scratch);
    c->facts = json_object();
    return c->scratch != NULL && c->facts != NULL ? c : cover_free(c);
}

static void call_free(struct cover_call *call)
{
    while (call->n_verbs > 0)
        mem_free(call->verbs[--call->n_verbs]);
    mem_free(call);
}

static void forget_call(const char *key, void *value, void *arg)
{
    (void)key;
    (void)arg;
    call_free(value);
}

struct cover *cover_free(struct cover *c)
{
    if (c == NULL)
        return NULL;
    map_each(&c->calls, forget_call, NULL);
    map_free(&c->calls);
    json_decref(c->facts);
    mem_free(c->scratch);
    mem_free(c);
    return NULL;
}

const json_t *cover_facts(const struct cover *c)
{
    return c->facts;
}

static bool is_file(const struct cover *c, const char *path)
{
    return path[0] == '/' && strncmp(path, c->scratch, strlen(c->scratch)) != 0;
}

static void add_fact(struct cover *c, const char *path, const char *fact)
{
    json_t *file = json_object_get(c->facts, path);

    if (file == NULL) {
        file = json_object();
        json_object_set_new(c->facts, path, file);
    }
    if (*fact != '\0')
        json_object_set_new(file, fact, json_true());
}

void cover_lua(struct cover *c, const char *path, int line)
{
    char fact[32];

    if (!is_file(c, path))
        return;
    snprintf(fact, sizeof fact, "lua %d", line);
    add_fact(c, path, fact);
}

/* --- journal lines --- */

static struct cover_call *call_of(struct cover *c, const char *sid)
{
    struct cover_call *call = map_get(&c->calls, sid);

    if (call != NULL)
        return call;
    call = mem_alloc(sizeof *call);
    if (call != NULL && map_set(&c->calls, sid, call) != 0) {
        mem_free(call);
        call = NULL;
    }
    return call;
}

static const char *text_of(const json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));

    return text != NULL ? text : "";
}

static void verb_begins(struct cover *c, struct cover_call *call, const json_t *j)
{
    struct cover_verb *v = call->n_verbs < COVER_DEPTH ? mem_alloc(sizeof *v) : NULL;
    char fact[100];

    if (v == NULL)
        return;
    v->line = json_integer_value(json_object_get(j, "line"));
    str_copy(v->name, sizeof v->name, text_of(j, "name"));
    str_copy(v->path, sizeof v->path, call->path);
    call->verbs[call->n_verbs++] = v;
    snprintf(fact, sizeof fact, "verb %lld %s", v->line, v->name);
    if (*v->path != '\0')
        add_fact(c, v->path, fact);
}

static void key_is_pressed(struct cover_call *call, const char *key)
{
    struct cover_verb *v;
    size_t n;

    for (size_t i = call->n_verbs; i > 0; i--) {
        v = call->verbs[i - 1];
        if (strcmp(v->name, "Gather") != 0 && strcmp(v->name, "Record") != 0)
            continue;
        n = strlen(v->keys);
        if (n + 1 < sizeof v->keys)
            v->keys[n] = key[0];
        return;
    }
}

static void leg_changes(struct cover_call *call, const char *stage)
{
    for (size_t i = call->n_verbs; i > 0; i--)
        if (strcmp(call->verbs[i - 1]->name, "Dial") == 0) {
            call->verbs[i - 1]->dialled = true;
            call->verbs[i - 1]->answered |= strcmp(stage, "answered") == 0;
            return;
        }
}

static void dial_ends(struct cover *c, const struct cover_verb *v, const char *how)
{
    char fact[60];

    if (!v->answered && strcmp(how, "go") != 0 && strcmp(how, "done") != 0)
        return; /* it was cut short */
    snprintf(fact, sizeof fact, "dial %lld %s", v->line, v->answered ? "answered" : "alone");
    add_fact(c, v->path, fact);
}

static void verb_ends(struct cover *c, struct cover_call *call, const json_t *j)
{
    char fact[COVER_KEYS + 40];
    struct cover_verb *v;

    if (call->n_verbs == 0 || strcmp(call->verbs[call->n_verbs - 1]->name, text_of(j, "name")) != 0)
        return;
    v = call->verbs[--call->n_verbs];
    if (*v->path != '\0') {
        snprintf(fact, sizeof fact, "end %lld %s %.20s", v->line, v->name, text_of(j, "how"));
        add_fact(c, v->path, fact);
        if (strcmp(text_of(j, "how"), "go") == 0) {
            snprintf(fact, sizeof fact, "keys %lld %s", v->line, v->keys);
            add_fact(c, v->path, fact);
        }
        if (v->dialled)
            dial_ends(c, v, text_of(j, "how"));
    }
    /* What it ran on top of itself (a waitUrl, a document of call:run) is over. */
    str_copy(call->path, sizeof call->path, v->path);
    mem_free(v);
}

static void document_begins(struct cover *c, struct cover_call *call, const char *url)
{
    char path[COVER_PATH];

    snprintf(path, sizeof path, "%.*s", (int)strcspn(url, "#"), url);
    call->path[0] = '\0';
    if (!is_file(c, path))
        return;
    str_copy(call->path, sizeof call->path, path);
    add_fact(c, path, "");
}

void cover_line(struct cover *c, const struct sim_line *line)
{
    struct cover_call *call = call_of(c, line->sid);
    json_t *j = json_loads(line->text, 0, NULL);
    const char *e = text_of(j, "e");

    if (call == NULL || j == NULL) {
        json_decref(j);
        return;
    }
    if (strcmp(e, "document") == 0 || strcmp(e, "handler") == 0) {
        document_begins(c, call, text_of(j, "url"));
    } else if (strcmp(e, "verb") == 0) {
        verb_begins(c, call, j);
    } else if (strcmp(e, "digit") == 0) {
        key_is_pressed(call, text_of(j, "key"));
    } else if (strcmp(e, "leg") == 0) {
        leg_changes(call, text_of(j, "stage"));
    } else if (strcmp(e, "verb_end") == 0) {
        verb_ends(c, call, j);
    } else if (strcmp(e, "end") == 0) {
        map_remove(&c->calls, line->sid);
        call_free(call);
    }
    json_decref(j);
}

void cover_merge(json_t *all, const json_t *part)
{
    const char *path;
    json_t *facts;

    json_object_foreach((json_t *)(uintptr_t)part, path, facts)
    {
        json_t *file = json_object_get(all, path);

        if (file == NULL) {
            file = json_object();
            json_object_set_new(all, path, file);
        }
        json_object_update(file, facts);
    }
}
