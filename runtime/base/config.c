#include "base/config.h"

#include "base/config_values.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

/* What a file may cost: the bounds that keep a wrong loop in it from hurting. */
enum {
    FILE_MAX = 4 * 1024 * 1024,
    LUA_MEMORY_MAX = 32 * 1024 * 1024,
    INSTRUCTIONS_MAX = 2 * 1000 * 1000,
    ENTRIES_MAX = 100 * 1000,
    KEPT_MAX = 64 * 1024 * 1024,
};

/* A section that may be repeated, as it came. */
struct config_entry {
    struct config_entry *next;
    int line;
    alignas(max_align_t) unsigned char bytes[];
};

/* --- what the file's calls do --- */

static const struct config_key *key_named(const struct config_section *section, const char *name)
{
    for (const struct config_key *k = section->keys; k->name != NULL; k++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

static void report_unknown_key(struct config_loader *l, const struct config_section *section,
                               const char *name, int line)
{
    struct config_nearest near = {.word = name};
    struct str text = STR_INIT(ERROR_TEXT_MAX);

    for (const struct config_key *k = section->keys; k->name != NULL; k++)
        config_nearest_try(&near, k->name);
    str_addf(&text, "%s: unknown key '%.60s'", section->name, name);
    config_add_nearest(&text, &near);
    l->nomem = l->nomem || text.failed;
    config_problem(l, config_scan_line(&l->scan, section->name, line, name, 0), "%s",
                   str_text(&text));
    str_free(&text);
}

/* Stands at the table: notes what is in it and in no table of ours. */
static void find_unknown_keys(struct config_loader *l, lua_State *L,
                              const struct config_section *section, int line)
{
    bool takes_value = false;

    for (const struct config_key *k = section->keys; k->name != NULL; k++)
        takes_value = takes_value || k->first;
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            if (key_named(section, lua_tostring(L, -2)) == NULL)
                report_unknown_key(l, section, lua_tostring(L, -2), line);
        } else if (lua_type(L, -2) != LUA_TNUMBER) {
            config_problem(l, line, "%s: a key must be a name", section->name);
        } else if (!takes_value || lua_tonumber(L, -2) != 1) {
            lua_Integer n = lua_tointeger(L, -2);
            int index = n > 0 && n < INT_MAX ? (int)n : 0;

            config_problem(l, config_scan_line(&l->scan, section->name, line, NULL, index),
                           "%s: a value without a key; write key = value", section->name);
        }
    }
}

/* Puts the value of a key on the stack, nil when absent. */
static int push_value(struct config_loader *l, lua_State *L, const struct config_section *section,
                      const struct config_key *key, int line)
{
    int type;

    lua_pushstring(L, key->name);
    type = lua_rawget(L, 1);
    if (type == LUA_TNIL && key->first) {
        lua_pop(L, 1);
        lua_rawgeti(L, 1, 1);
        return config_scan_line(&l->scan, section->name, line, NULL, 1);
    }
    return config_scan_line(&l->scan, section->name, line, key->name, 0);
}

static void read_keys(struct config_loader *l, lua_State *L, const struct config_section *section,
                      int line, void *base)
{
    for (const struct config_key *k = section->keys; k->name != NULL; k++) {
        int at = push_value(l, L, section, k, line);

        if (!lua_isnil(L, -1))
            config_value(l, L, section, k, at, base);
        else if (k->required)
            config_problem(l, line, "%s: '%s' is missing%s%s%s", section->name, k->name,
                           k->first ? "; write " : "", k->first ? section->name : "",
                           k->first ? " { \"…\", … }" : "");
        lua_pop(L, 1);
    }
    find_unknown_keys(l, L, section, line);
}

/* Where the values of this call go; NULL when out of memory. */
static void *place_of(struct config_loader *l, const struct config_section *section, int line)
{
    size_t i = (size_t)(section - config_sections);
    struct config_entry *e;

    if (!section->repeatable) {
        if (l->seen[i] != 0)
            config_problem(l, line, "%s: stands here again; the first is in line %d", section->name,
                           l->seen[i]);
        l->seen[i] = line;
        return l->config;
    }
    e = arena_alloc(&l->scratch, sizeof *e + section->size);
    if (e == NULL)
        return NULL;
    for (const struct config_key *k = section->keys; k->name != NULL; k++)
        config_default(k, e->bytes);
    e->line = line;
    memcpy(e->bytes + section->line, &line, sizeof line);
    e->next = l->entries[i];
    l->entries[i] = e;
    return e->bytes;
}

static int line_of_call(lua_State *L)
{
    lua_Debug ar;

    if (lua_getstack(L, 1, &ar) == 0 || lua_getinfo(L, "l", &ar) == 0)
        return 0;
    return ar.currentline < 0 ? 0 : ar.currentline;
}

/* account{…}, number{…} and all others; the upvalues are the loader and the section. */
static int call_section(lua_State *L)
{
    struct config_loader *l = lua_touserdata(L, lua_upvalueindex(1));
    const struct config_section *section = lua_touserdata(L, lua_upvalueindex(2));
    int line = line_of_call(L);
    void *base;

    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TTABLE) {
        config_problem(l, line, "%s: write %s { key = value, … }", section->name, section->name);
        return 0;
    }
    if (l->n_all++ == ENTRIES_MAX)
        return luaL_error(L, "more than %d entries", ENTRIES_MAX);
    base = place_of(l, section, line);
    if (base == NULL) {
        l->nomem = true;
        return luaL_error(L, "out of memory");
    }
    read_keys(l, L, section, line, base);
    l->n_entries[section - config_sections]++;
    return 0;
}

int config_unknown(lua_State *L)
{
    struct config_loader *l = lua_touserdata(L, lua_upvalueindex(2));
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    struct config_nearest near = {.word = name};
    struct str text = STR_INIT(ERROR_TEXT_MAX);

    for (size_t i = 0; i < config_n_sections; i++)
        config_nearest_try(&near, config_sections[i].name);
    str_addf(&text, "unknown section '%.60s'", name);
    config_add_nearest(&text, &near);
    l->nomem = l->nomem || text.failed;
    config_problem(l, line_of_call(L), "%s", str_text(&text));
    str_free(&text);
    return 0;
}

/* __index of the globals: an unknown name does not end the reading of the file. */
static int unknown_global(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, config_unknown, 2);
    return 1;
}

/* --- running the file --- */

struct lua_memory {
    size_t used;
};

static void *lua_memory(void *arg, void *p, size_t old, size_t size)
{
    struct lua_memory *m = arg;
    void *q;

    if (p == NULL)
        old = 0; /* there it is the kind of object */
    if (size == 0) {
        mem_free(p);
        m->used -= old;
        return NULL;
    }
    if (size > old && size - old > LUA_MEMORY_MAX - m->used)
        return NULL;
    q = mem_realloc(p, size);
    if (q != NULL)
        m->used += size - old;
    return q;
}

static void too_long(lua_State *L, lua_Debug *ar)
{
    lua_getinfo(L, "l", ar);
    lua_pushfstring(L, "=:%d: the file does too much: over %d instructions", ar->currentline,
                    INSTRUCTIONS_MAX);
    lua_error(L);
}

struct source {
    struct config_loader *l;
    const char *text;
    size_t len;
};

/* Makes the bare state and runs the file in it. What is raised comes to run_lua(). */
static int run_protected(lua_State *L)
{
    struct source *s = lua_touserdata(L, 1);

    lua_pushglobaltable(L);
    for (size_t i = 0; i < config_n_sections; i++) {
        lua_pushlightuserdata(L, s->l);
        lua_pushlightuserdata(L, (void *)(uintptr_t)&config_sections[i]);
        lua_pushcclosure(L, call_section, 2);
        lua_setfield(L, -2, config_sections[i].name);
    }
    lua_createtable(L, 0, 1);
    lua_pushlightuserdata(L, s->l);
    lua_pushcclosure(L, unknown_global, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    if (luaL_loadbufferx(L, s->text, s->len, "==", "t") != LUA_OK)
        return lua_error(L);
    lua_sethook(L, too_long, LUA_MASKCOUNT, INSTRUCTIONS_MAX);
    lua_call(L, 0, 0);
    return 0;
}

/* Lua's own message: "=:LINE: what", for the chunk is called "=". */
static void report_lua(struct config_loader *l, lua_State *L, int rc)
{
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "the file raised";
    int line = 0, skip = 0;

    if (rc == LUA_ERRMEM && l->n_all < ENTRIES_MAX) {
        config_problem(l, 0, "the file needs too much memory");
        return;
    }
    if (sscanf(text, "=:%d: %n", &line, &skip) < 1)
        line = skip = 0;
    /* Where a name stands that nobody knows, quotes were forgotten most often. */
    config_problem(l, line, "%s%s", text + skip,
                   strstr(text, "(global '") != NULL ? "; text stands in quotes, \"like this\""
                                                     : "");
}

static void run_lua(struct config_loader *l, const char *text, size_t len)
{
    struct lua_memory memory = {0};
    struct source source = {l, text, len};
    lua_State *L = lua_newstate(lua_memory, &memory);
    int rc;

    if (L == NULL) {
        l->nomem = true;
        return;
    }
    lua_pushcfunction(L, run_protected);
    lua_pushlightuserdata(L, &source);
    rc = lua_pcall(L, 1, 0, 0);
    if (rc == LUA_ERRMEM && memory.used < LUA_MEMORY_MAX / 2)
        l->nomem = true; /* the machine's, not the file's */
    else if (rc != LUA_OK)
        report_lua(l, L, rc);
    l->complete = rc == LUA_OK;
    lua_close(L);
}

/* --- from entries to arrays --- */

/* No two accounts with one sid, numbers with one pattern, gateways with one name. */
static void find_doubles(struct config_loader *l, const struct config_section *section,
                         const unsigned char *items, size_t n)
{
    struct map seen = MAP_INIT;

    for (size_t i = 0; i < n; i++) {
        const unsigned char *item = items + i * section->size, *first;
        const char *name = *(const char *const *)(item + section->unique->offset);
        int line, first_line;

        if (name == NULL)
            continue;
        memcpy(&line, item + section->line, sizeof line);
        first = map_get(&seen, name);
        if (first == NULL) {
            if (map_set(&seen, name, (void *)(uintptr_t)item) != 0)
                l->nomem = true;
            continue;
        }
        memcpy(&first_line, first + section->line, sizeof first_line);
        config_problem(l, line, "%s: %s '%.60s' stands already in line %d", section->name,
                       section->unique->name, name, first_line);
    }
    map_free(&seen);
}

static void make_array(struct config_loader *l, size_t i)
{
    const struct config_section *section = &config_sections[i];
    size_t n = l->n_entries[i];
    unsigned char *items = arena_alloc(&l->config->arena, n * section->size), *at;

    if (items == NULL) {
        l->nomem = true;
        return;
    }
    at = items + n * section->size;
    for (struct config_entry *e = l->entries[i]; e != NULL && at > items; e = e->next)
        memcpy(at -= section->size, e->bytes, section->size);
    memcpy((char *)l->config + section->items, &items, sizeof items);
    memcpy((char *)l->config + section->n_items, &n, sizeof n);
    if (section->unique != NULL)
        find_doubles(l, section, items, n);
}

/* Paths are put behind it, so it ends without a slash. */
static void settle_public_url(struct config_loader *l)
{
    struct config *c = l->config;
    struct str url = STR_INIT(8192);

    if (c->server.public_url != NULL)
        str_add(&url, c->server.public_url);
    else if (c->server.http != NULL)
        str_addf(&url, "http://%s", c->server.http);
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.data[--url.len] = '\0';
    c->server.public_url = url.failed ? NULL : arena_strdup(&c->arena, str_text(&url));
    l->nomem = c->server.public_url == NULL;
    str_free(&url);
}

static void finish(struct config_loader *l)
{

    for (size_t i = 0; i < config_n_sections; i++)
        if (config_sections[i].repeatable)
            make_array(l, i);
    if (l->nomem)
        return;
    config_check_accounts(l);
    config_check_routes(l);
    settle_public_url(l);
}

/* --- the doors --- */

static int start(struct config_loader *l, const char *path)
{
    struct config *c = l->config;
    const char *slash = strrchr(path, '/');

    c->path = arena_strdup(&c->arena, path);
    if (slash == NULL)
        c->folder = ".";
    else
        c->folder = arena_strndup(&c->arena, path, slash == path ? 1 : (size_t)(slash - path));
    l->entries = arena_alloc(&l->scratch, config_n_sections * sizeof *l->entries);
    l->n_entries = arena_alloc(&l->scratch, config_n_sections * sizeof *l->n_entries);
    l->seen = arena_alloc(&l->scratch, config_n_sections * sizeof *l->seen);
    if (c->path == NULL || c->folder == NULL || l->entries == NULL || l->n_entries == NULL ||
        l->seen == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < config_n_sections; i++)
        if (!config_sections[i].repeatable)
            for (const struct config_key *k = config_sections[i].keys; k->name != NULL; k++)
                config_default(k, c);
    return 0;
}

/* Tells every mistake in the order of the file; the first is the error. */
static int answer(struct config_loader *l, const char *path, config_report_h *report, void *arg,
                  struct error *err)
{
    int rc = 0;

    if (l->nomem)
        return error_nomem(err);
    for (struct config_problem *p = l->problems; p != NULL; p = p->next) {
        struct error text;

        if (p->line > 0)
            error_set(&text, ERR_INVALID, "%s:%d: %s", path, p->line, p->text);
        else
            error_set(&text, ERR_INVALID, "%s: %s", path, p->text);
        if (report != NULL)
            report(p->line, text.text, arg);
        if (rc == 0)
            rc = error_set(err, ERR_INVALID, "%s", text.text);
    }
    return rc;
}

int config_parse(struct config **cp, const char *text, size_t len, const char *path,
                 config_report_h *report, void *arg, struct error *err)
{
    struct config_loader l = {.config = mem_alloc(sizeof(struct config))};
    int rc;

    if (l.config == NULL)
        return error_nomem(err);
    arena_init(&l.config->arena, 4096, KEPT_MAX);
    arena_init(&l.scratch, 4096, KEPT_MAX);
    if (len > FILE_MAX)
        config_problem(&l, 0, "more than %d bytes", FILE_MAX);
    else if (start(&l, path) != 0 || config_scan(&l.scan, &l.scratch, text, len) != 0)
        l.nomem = true;
    else
        run_lua(&l, text, len);
    if (!l.nomem && l.complete)
        finish(&l);
    rc = answer(&l, path, report, arg, err);
    arena_free(&l.scratch);
    if (rc != 0)
        config_free(l.config);
    else
        *cp = l.config;
    return rc;
}

static int read_file(struct str *s, const char *path, struct error *err)
{
    FILE *f = fopen(path, "r");
    char part[8192];
    size_t n;
    int failed;

    if (f == NULL && errno == ENOENT)
        return error_set(err, ERR_MISSING,
                         "%s: no such file; `almon help almon.lua` tells what stands in it", path);
    if (f == NULL)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        str_addn(s, part, n);
    failed = ferror(f);
    fclose(f);
    if (failed)
        return error_set(err, ERR_IO, "%s: cannot be read", path);
    if (s->failed && s->len + sizeof part > s->max)
        return error_set(err, ERR_LIMIT, "%s: more than %d bytes", path, FILE_MAX);
    return s->failed ? error_nomem(err) : 0;
}

int config_load(struct config **cp, const char *path, config_report_h *report, void *arg,
                struct error *err)
{
    struct str text = STR_INIT(FILE_MAX);
    struct error local = {0};
    int rc = read_file(&text, path, &local);

    if (rc == 0) {
        rc = config_parse(cp, str_text(&text), text.len, path, report, arg, err);
    } else {
        error_set(err, rc, "%s", local.text);
        if (report != NULL)
            report(0, local.text, arg);
    }
    str_free(&text);
    return rc;
}

struct config *config_free(struct config *c)
{
    if (c == NULL)
        return NULL;
    arena_free(&c->arena);
    mem_free(c);
    return NULL;
}

/* --- looking up --- */

const struct config_number *config_find_number(const struct config *c, const char *number)
{
    const struct config_number *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < c->n_numbers; i++) {
        const char *pattern = c->numbers[i].pattern;
        size_t len = strlen(pattern);

        if (strcmp(pattern, number) == 0)
            return &c->numbers[i];
        if (pattern[len - 1] == '*' && strncmp(pattern, number, len - 1) == 0 && len > best_len) {
            best = &c->numbers[i];
            best_len = len;
        }
    }
    return best;
}

const struct config_account *config_find_account(const struct config *c, const char *sid)
{
    for (size_t i = 0; i < c->n_accounts; i++)
        if (c->accounts[i].sid != NULL && strcmp(c->accounts[i].sid, sid) == 0)
            return &c->accounts[i];
    return NULL;
}

const struct config_application *config_find_application(const struct config *c, const char *sid)
{
    for (size_t i = 0; i < c->n_applications; i++)
        if (c->applications[i].sid != NULL && strcmp(c->applications[i].sid, sid) == 0)
            return &c->applications[i];
    return NULL;
}

const struct config_queue *config_find_queue(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_queues; i++)
        if (c->queues[i].name != NULL && strcmp(c->queues[i].name, name) == 0)
            return &c->queues[i];
    return NULL;
}

const struct config_gateway *config_find_gateway(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_gateways; i++)
        if (c->gateways[i].name != NULL && strcmp(c->gateways[i].name, name) == 0)
            return &c->gateways[i];
    return NULL;
}

bool config_pattern_fits(const char *pattern, const char *text)
{
    size_t n = strlen(pattern);

    return pattern[n - 1] == '*' ? strncmp(pattern, text, n - 1) == 0 : strcmp(pattern, text) == 0;
}

bool config_may_register(const struct config *c, const char *gateway, const char *identity)
{
    const struct config_gateway *g = config_find_gateway(c, gateway);

    for (size_t i = 0; g != NULL && i < g->n_identities; i++)
        if (config_pattern_fits(g->identities[i], identity))
            return true;
    if (g == NULL || g->n_identities > 0 || c->sip.gateway == NULL ||
        strcmp(c->sip.gateway, gateway) != 0)
        return false;
    for (size_t i = 0; i < c->n_phones; i++)
        if (strcmp(c->phones[i].name, identity) == 0)
            return true;
    return false;
}

bool config_is_asterisk(const struct config_gateway *g)
{
    return g != NULL && g->dialect != NULL && strcmp(g->dialect, "asterisk") == 0;
}
