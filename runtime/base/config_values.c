#include "base/config_values.h"

#include "base/config.h"
#include "base/log.h"
#include "base/sid.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PROBLEMS_MAX = 100, TEXT_MAX = 4096 };

/* --- mistakes --- */

void config_nearest_try(struct config_nearest *n, const char *name)
{
    unsigned distance = str_distance(n->word, name);

    /* within a third of the word, and one letter always */
    if (distance > 2 + 2 * (unsigned)(strlen(name) / 3))
        return;
    if (n->best == NULL || distance < n->distance) {
        n->best = name;
        n->distance = distance;
    }
}

void config_add_nearest(struct str *s, const struct config_nearest *n)
{
    if (n->best != NULL)
        str_addf(s, "; did you mean '%s'?", n->best);
}

void config_problem(struct config_loader *l, int line, const char *fmt, ...)
{
    struct config_problem **at = &l->problems, *p;
    char text[ERROR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (l->n_problems == PROBLEMS_MAX)
        return;
    p = arena_alloc(&l->scratch, sizeof *p);
    if (p == NULL || (p->text = arena_strdup(&l->scratch, text)) == NULL) {
        l->nomem = true;
        return;
    }
    p->line = line;
    while (*at != NULL &&
           ((*at)->line < line || ((*at)->line == line && strcmp((*at)->text, text) <= 0)))
        at = &(*at)->next;
    p->next = *at;
    *at = p;
    l->n_problems++;
}

/* --- reading one value --- */

/* What a reader is told, and says its mistakes by. */
struct value {
    struct config_loader *l;
    lua_State *L;
    const struct config_section *section;
    const struct config_key *key;
    int line;
    void *field;
};

static void wrong(const struct value *v, const char *must)
{
    const char *name = NULL;

    if (lua_tocfunction(v->L, -1) == config_unknown) {
        if (lua_getupvalue(v->L, -1, 1) != NULL) {
            name = lua_tostring(v->L, -1);
            lua_pop(v->L, 1);
        }
        config_problem(v->l, v->line,
                       "%s: %s: nothing is called '%.60s' here; text stands in quotes",
                       v->section->name, v->key->name, name);
        return;
    }
    if (lua_type(v->L, -1) == LUA_TSTRING)
        config_problem(v->l, v->line, "%s: %s must be %s, not '%.60s'", v->section->name,
                       v->key->name, must, lua_tostring(v->L, -1));
    else
        config_problem(v->l, v->line, "%s: %s must be %s, not a %s", v->section->name, v->key->name,
                       must, lua_typename(v->L, lua_type(v->L, -1)));
}

/* The text on the stack, or NULL with the mistake noted. */
static const char *text_of(const struct value *v, const char *must)
{
    const char *text;
    size_t len;

    if (lua_type(v->L, -1) != LUA_TSTRING) {
        wrong(v, must);
        return NULL;
    }
    text = lua_tolstring(v->L, -1, &len);
    if (len == 0 || len > TEXT_MAX || strlen(text) != len) {
        config_problem(v->l, v->line, "%s: %s must be 1 to %d characters, none of them NUL",
                       v->section->name, v->key->name, TEXT_MAX);
        return NULL;
    }
    return text;
}

static const char *keep(const struct value *v, const char *text, size_t len)
{
    const char *kept = arena_strndup(&v->l->config->arena, text, len);

    if (kept == NULL)
        v->l->nomem = true;
    return kept;
}

static void store(const struct value *v, const char *text)
{
    *(const char **)v->field = keep(v, text, strlen(text));
}

/* Notes the mistake when the key's own check finds one. */
static bool passes(const struct value *v, const char *text)
{
    const char *must = v->key->check == NULL ? NULL : v->key->check(text);

    if (must != NULL)
        config_problem(v->l, v->line, "%s: %s must be %s, not '%.60s'", v->section->name,
                       v->key->name, must, text);
    return must == NULL;
}

static void read_text(const struct value *v)
{
    const char *text = text_of(v, "text in quotes");

    if (text != NULL && passes(v, text))
        store(v, text);
}

static void read_sid(const struct value *v)
{
    const char *text = text_of(v, "text in quotes");

    if (text == NULL)
        return;
    if (sid_valid(text, "AC"))
        store(v, text);
    else
        wrong(v, "AC and 32 of the digits 0-9 a-f");
}

static void read_pattern(const struct value *v)
{
    const char *text = text_of(v, "a number in quotes");
    const char *star;

    if (text == NULL)
        return;
    star = strchr(text, '*');
    if (strpbrk(text, " \t\r\n") != NULL)
        wrong(v, "without spaces");
    else if (star != NULL && star[1] != '\0')
        wrong(v, "a number with '*' only at its end");
    else
        store(v, text);
}

static bool is_http(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : NULL;

    return host != NULL && *host != '\0' && *host != '/' && strpbrk(text, " \t\r\n\"<>") == NULL;
}

static void read_url(const struct value *v)
{
    const char *text = text_of(v, "a URL in quotes");

    if (text == NULL)
        return;
    if (is_http(text))
        store(v, text);
    else
        wrong(v, "a URL that begins with http:// or https://");
}

/* True when a name steps out of its folder. */
static bool climbs(const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if (len == 2 && strncmp(path, "..", 2) == 0)
            return true;
        path += len + (path[len] == '/');
    }
    return false;
}

static void read_flow(const struct value *v)
{
    const char *text = text_of(v, "a URL or a file in quotes");

    if (text == NULL)
        return;
    if (strstr(text, "://") != NULL && !is_http(text))
        wrong(v, "a URL that begins with http:// or https://, or a file");
    else if (!is_http(text) && (text[0] == '/' || climbs(text)))
        wrong(v, "a file below the folder of this file");
    else
        store(v, text);
}

static void read_address(const struct value *v)
{
    const char *text = text_of(v, "an address in quotes");
    const char *colon;
    long port;

    if (text == NULL)
        return;
    colon = strrchr(text, ':');
    if (colon == NULL || colon == text || !str_to_long(colon + 1, 0, 65535, &port) ||
        strpbrk(text, " \t\r\n/") != NULL ||
        (memchr(text, ':', (size_t)(colon - text)) != NULL && (text[0] != '[' || colon[-1] != ']')))
        wrong(v, "host:port, as '127.0.0.1:8080' or '[::1]:8080'");
    else
        store(v, text);
}

static void read_levels(const struct value *v)
{
    const char *text = text_of(v, "text in quotes");
    struct error err;

    if (text == NULL)
        return;
    if (log_check_levels(text, &err) == 0)
        store(v, text);
    else
        config_problem(v->l, v->line, "%s: %s: %s", v->section->name, v->key->name, err.text);
}

/* The place of `text` among the choices, or -1 with the mistake noted. */
static int choice_of(const struct value *v, const char *text)
{
    const char *const *choices = v->key->choices;
    struct str must = STR_INIT(ERROR_TEXT_MAX);

    for (int i = 0; choices[i] != NULL; i++)
        if (strcmp(choices[i], text) == 0)
            return i;
    for (int i = 0; choices[i] != NULL; i++)
        str_addf(&must, "%s%s", i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ", choices[i]);
    config_problem(v->l, v->line, "%s: %s must be %s, not '%.60s'", v->section->name, v->key->name,
                   str_text(&must), text);
    v->l->nomem = v->l->nomem || must.failed;
    str_free(&must);
    return -1;
}

static void read_choice(const struct value *v)
{
    const char *text = text_of(v, "text in quotes");
    int i = text == NULL ? -1 : choice_of(v, text);

    if (i >= 0)
        *(const char **)v->field = v->key->choices[i];
}

static void read_account(const struct value *v)
{
    const char *text = text_of(v, "the sid of an account");
    struct config_link *link;

    if (text == NULL)
        return;
    link = arena_alloc(&v->l->scratch, sizeof *link);
    if (link == NULL || (link->sid = arena_strdup(&v->l->scratch, text)) == NULL) {
        v->l->nomem = true;
        return;
    }
    link->entry = v->l->n_entries[v->section - config_sections];
    link->offset = v->key->offset;
    link->line = v->line;
    link->next = v->l->links;
    v->l->links = link;
}

/* Calls `each` with every text of a list, or with the one text that stands for a list of one. */
static void each_text(const struct value *v,
                      void (*each)(const struct value *v, const char *text, size_t i))
{
    const char *text;
    size_t n;

    if (lua_type(v->L, -1) != LUA_TTABLE) {
        text = text_of(v, "text in quotes, or a list of such");
        if (text != NULL)
            each(v, text, 0);
        return;
    }
    n = lua_rawlen(v->L, -1);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(v->L, -1, (lua_Integer)i + 1);
        text = text_of(v, "a list of texts in quotes");
        if (text != NULL)
            each(v, text, i);
        lua_pop(v->L, 1);
    }
}

static void keep_item(const struct value *v, const char *text, size_t i)
{
    if (passes(v, text))
        (*(const char ***)v->field)[i] = keep(v, text, strlen(text));
}

static void read_list(const struct value *v)
{
    struct list_field {
        const char **items;
        size_t n;
    } *field = v->field;
    size_t before = v->l->n_problems;
    size_t n = lua_type(v->L, -1) == LUA_TTABLE ? lua_rawlen(v->L, -1) : 1;

    field->items = arena_alloc(&v->l->config->arena, n * sizeof *field->items);
    if (field->items == NULL) {
        v->l->nomem = true;
        return;
    }
    each_text(v, keep_item);
    field->n = before == v->l->n_problems ? n : 0;
}

static void add_event(const struct value *v, const char *text, size_t i)
{
    int choice = choice_of(v, text);

    (void)i;
    if (choice >= 0)
        *(unsigned *)v->field |= 1u << choice;
}

static void read_events(const struct value *v)
{
    *(unsigned *)v->field = 0;
    each_text(v, add_event);
}

static void read_int(const struct value *v)
{
    char must[80];
    int is_whole = 0;
    lua_Integer n = lua_type(v->L, -1) == LUA_TNUMBER ? lua_tointegerx(v->L, -1, &is_whole) : 0;

    if (is_whole && n >= v->key->min && n <= v->key->max) {
        *(int *)v->field = (int)n;
        return;
    }
    snprintf(must, sizeof must, "a whole number from %ld to %ld", v->key->min, v->key->max);
    if (is_whole)
        config_problem(v->l, v->line, "%s: %s must be %s, not %lld", v->section->name, v->key->name,
                       must, (long long)n);
    else
        wrong(v, must);
}

static void read_bool(const struct value *v)
{
    if (lua_type(v->L, -1) == LUA_TBOOLEAN)
        *(bool *)v->field = lua_toboolean(v->L, -1);
    else
        wrong(v, "true or false");
}

void config_value(struct config_loader *l, lua_State *L, const struct config_section *section,
                  const struct config_key *key, int line, void *base)
{
    static void (*const readers[])(const struct value *v) = {
        [CONFIG_TEXT] = read_text,       [CONFIG_SID] = read_sid,
        [CONFIG_PATTERN] = read_pattern, [CONFIG_FLOW] = read_flow,
        [CONFIG_URL] = read_url,         [CONFIG_ADDRESS] = read_address,
        [CONFIG_LEVELS] = read_levels,   [CONFIG_CHOICE] = read_choice,
        [CONFIG_ACCOUNT] = read_account, [CONFIG_LIST] = read_list,
        [CONFIG_EVENTS] = read_events,   [CONFIG_INT] = read_int,
        [CONFIG_BOOL] = read_bool,
    };
    struct value v = {l, L, section, key, line, (char *)base + key->offset};

    readers[key->type](&v);
}

void config_default(const struct config_key *key, void *base)
{
    void *field = (char *)base + key->offset;
    long n = 0;

    if (key->def == NULL)
        return;
    if (key->type == CONFIG_INT) {
        str_to_long(key->def, key->min, key->max, &n);
        *(int *)field = (int)n;
    } else if (key->type == CONFIG_BOOL) {
        *(bool *)field = strcmp(key->def, "true") == 0;
    } else if (key->type == CONFIG_EVENTS) {
        for (unsigned i = 0; key->choices[i] != NULL; i++)
            if (strcmp(key->choices[i], key->def) == 0)
                *(unsigned *)field = 1u << i;
    } else {
        *(const char **)field = key->def;
    }
}
