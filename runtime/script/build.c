/* The node that markup would have made, from the arguments of call:verb(…). All that a flow may
 * write is checked against the same tables.
 *
 *   call:say("Hello")                         text alone
 *   call:say{ "Hello", voice = "alice" }      text first, attributes by name
 *   call:gather{ numDigits = 1, say = "…" }   children by the name of their element
 *   call:gather{ { say = "…" }, { play = "beep.wav" }, { pause = 2 } }   in an order of one's own
 *   call:dial{ sequential = true, { number = "+1…" }, { client = "joe" } }
 */
#include "base/utf8.h"
#include "flow/checker.h"
#include "script/private.h"
#include "session/session.h"

#include <string.h>

enum { BUILD_DEPTH = 8, BUILD_NODES = 200, BUILD_PROBLEMS = 4 };

struct build {
    lua_State *L;
    struct arena *arena;
    const struct schema_table *table;
    const char *verb; /* as called, for messages */
    int line, depth, lists, nodes;
};

/* A value on its way to a node: a table of options at `options`, a text at `text`; 0: none. */
struct given {
    int options, text;
};

RAISES static struct node *build(struct build *b, const struct schema *schema, struct given g);

RAISES static void *take(struct build *b, size_t size)
{
    void *p = arena_alloc(b->arena, size);

    if (p == NULL)
        luaL_error(b->L, "%s: more than a verb may hold", b->verb);
    return p;
}

bool is_utf8(const char *text, size_t len)
{
    const char *at = text, *before;

    while (at < text + len) {
        before = at;
        if (*at == '\0')
            at++;
        /* The sign for what is invalid may stand there itself: then it is three bytes. */
        else if (utf8_read(&at) == UTF8_INVALID && at - before != 3)
            return false;
    }
    return true;
}

bool is_text(const char *text, size_t len)
{
    return strlen(text) == len && is_utf8(text, len);
}

/* The string at `index`, whole or refused. */
RAISES static char *take_string(struct build *b, int index)
{
    size_t len;
    const char *text = lua_tolstring(b->L, index, &len);
    char *copy = take(b, len + 1);

    if (!is_text(text, len))
        luaL_error(b->L, "%s: a text must be UTF-8, without a byte 0", b->verb);
    memcpy(copy, text, len + 1);
    return copy;
}

/* --- attributes --- */

/* { "dtmf", "speech" } is "dtmf speech". */
RAISES static void join_list(struct build *b, const char *name, int index)
{
    lua_State *L = b->L;
    lua_Unsigned n = lua_rawlen(L, index);
    luaL_Buffer buffer;

    luaL_buffinit(L, &buffer);
    for (lua_Unsigned i = 1; i <= n && i < 100; i++) {
        if (i > 1)
            luaL_addchar(&buffer, ' ');
        if (lua_rawgeti(L, index, (lua_Integer)i) != LUA_TSTRING)
            luaL_error(L, "%s: %s: a list may only hold texts", b->verb, name);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
}

/* The value at the top of the stack becomes one as markup writes it. */
RAISES static const char *attribute_text(struct build *b, const struct attr *a)
{
    lua_State *L = b->L;
    lua_Integer n;

    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, -1) ? "true" : "false");
        lua_replace(L, -2);
        break;
    case LUA_TNUMBER:
        if (!lua_tointegerx(L, -1, NULL) && lua_tonumber(L, -1) != 0)
            luaL_error(L, "%s: %s must be a whole number", b->verb, a->name);
        n = lua_tointeger(L, -1);
        lua_pushfstring(L, "%I", (LUAI_UACINT)n);
        lua_replace(L, -2);
        break;
    case LUA_TTABLE:
        if (a->type != ATTR_LIST)
            luaL_error(L, "%s: %s cannot be a table", b->verb, a->name);
        join_list(b, a->name, lua_gettop(L));
        lua_replace(L, -2);
        break;
    default:
        luaL_error(L, "%s: %s cannot be a %s", b->verb, a->name, luaL_typename(L, -1));
    }
    return take_string(b, -1);
}

RAISES static void set_attribute(struct build *b, const struct attr *a, const char *value,
                                 struct node *n, int *written)
{
    const char **list = (const char **)(uintptr_t)n->written;
    struct error err = {0};

    if (attr_parse(a, value, (void *)(uintptr_t)n->args, &err) != 0)
        luaL_error(b->L, "%s: %s", b->verb, err.text);
    list[*written] = a->name;
    list[*written + 1] = value;
    *written += 2;
}

RAISES static void set_attributes(struct build *b, struct node *n, int options)
{
    const struct schema *s = n->schema;
    int written = 0, count = 0;

    for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++)
        count++;
    n->args = take(b, s->args_size > 0 ? s->args_size : 1);
    n->written = take(b, (2 * (size_t)count + 1) * sizeof *n->written);
    attr_defaults(s, (void *)(uintptr_t)n->args);
    for (const struct attr *a = s->attrs; a != NULL && a->name != NULL; a++) {
        if (options != 0) {
            lua_pushstring(b->L, a->name);
            if (lua_rawget(b->L, options) != LUA_TNIL)
                set_attribute(b, a, attribute_text(b, a), n, &written);
            lua_pop(b->L, 1);
        }
        if (a->required && !node_has(n, a->name))
            luaL_error(b->L, "%s needs %s: %s", b->verb, a->name, a->text);
    }
}

/* A text for an element that holds none is its first attribute: call:pause(2). */
RAISES static void set_first(struct build *b, struct node *n, int text)
{
    const struct attr *a = n->schema->attrs;
    int written = 0;

    if (a == NULL || a->name == NULL || n->written[0] != NULL)
        luaL_error(b->L, "%s: <%s> holds no text", b->verb, n->schema->name);
    lua_pushvalue(b->L, text);
    set_attribute(b, a, attribute_text(b, a), n, &written);
    lua_pop(b->L, 1);
}

/* --- children --- */

const struct schema *child_named(const struct schema_table *table, const char *key,
                                 const struct schema *parent)
{
    char name[VERB_NAME_BYTES];
    bool misplaced;

    for (size_t i = 0; i < table->count; i++) {
        const struct schema *s = table->all[i];

        lower_first(name, sizeof name, s->name);
        if (strcmp(name, key) != 0)
            continue;
        s = schema_find(table, s->name, parent, &misplaced);
        if (s != NULL && !misplaced)
            return s;
    }
    return NULL;
}

static void add_child(struct node *parent, struct node *child)
{
    struct node **at = &parent->children;

    while (*at != NULL)
        at = &(*at)->next;
    *at = child;
    child->parent = parent;
}

RAISES static void add_children(struct build *b, struct node *parent, const struct schema *schema,
                                int value);

/* Each of a list is one child. */
RAISES static void add_list(struct build *b, struct node *parent, const struct schema *schema,
                            int list)
{
    lua_Unsigned n = lua_rawlen(b->L, list);

    if (++b->lists > BUILD_DEPTH) /* it may hold itself */
        luaL_error(b->L, "%s: lists in lists more than %d deep", b->verb, BUILD_DEPTH);
    for (lua_Unsigned i = 1; i <= n; i++) {
        lua_rawgeti(b->L, list, (lua_Integer)i);
        add_children(b, parent, schema, lua_gettop(b->L));
        lua_pop(b->L, 1);
    }
    b->lists--;
}

RAISES static void add_children(struct build *b, struct node *parent, const struct schema *schema,
                                int value)
{
    lua_State *L = b->L;
    bool list = false;

    budget_spend(L, 4); /* a list may be long and hold no element */
    luaL_checkstack(L, 20, "too deep");
    if (lua_istable(L, value)) {
        list = lua_rawgeti(L, value, 1) == LUA_TTABLE || lua_rawlen(L, value) > 1;
        lua_pop(L, 1);
        if (list)
            add_list(b, parent, schema, value);
        else
            add_child(parent, build(b, schema, (struct given){.options = value}));
    } else if (lua_isboolean(L, value)) {
        if (lua_toboolean(L, value))
            add_child(parent, build(b, schema, (struct given){0}));
    } else {
        add_child(parent, build(b, schema, (struct given){.text = value}));
    }
}

RAISES static void unknown_option(struct build *b, const struct schema *s, const char *key)
{
    const char *near = attr_nearest(s, key);

    if (near != NULL)
        luaL_error(b->L, "%s: no option '%s' in %s: did you mean '%s'?", b->verb, key, s->name,
                   near);
    luaL_error(b->L, "%s: no option '%s' in %s: see `almon help %s`", b->verb, key, s->name,
               s->name);
}

/* Every key must be an attribute, a child, or the number of a child. */
RAISES static void check_keys(struct build *b, const struct schema *s, int options)
{
    lua_State *L = b->L;

    lua_pushnil(L);
    while (lua_next(L, options) != 0) {
        lua_pop(L, 1);
        budget_spend(L, 1);
        if (lua_type(L, -1) == LUA_TNUMBER)
            continue;
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s: the name of an option is a text", b->verb);
        if (attr_find(s, lua_tostring(L, -1)) == NULL &&
            child_named(b->table, lua_tostring(L, -1), s) == NULL)
            unknown_option(b, s, lua_tostring(L, -1));
    }
}

/* Children named in `options`, in the order of the tables. */
RAISES static void add_named(struct build *b, struct node *n, const struct schema *parent,
                             int options)
{
    lua_State *L = b->L;
    char name[64];

    for (size_t i = 0; i < b->table->count; i++) {
        lower_first(name, sizeof name, b->table->all[i]->name);
        if (attr_find(parent, name) != NULL ||
            (i > 0 && strcmp(b->table->all[i]->name, b->table->all[i - 1]->name) == 0))
            continue;
        lua_pushstring(L, name);
        if (lua_rawget(L, options) != LUA_TNIL)
            add_children(b, n, child_named(b->table, name, parent), lua_gettop(L));
        lua_pop(L, 1);
    }
}

/* A list in place of text: { say = "…" } each, or a text that is said. */
RAISES static void add_positional(struct build *b, struct node *n, int options)
{
    lua_State *L = b->L;
    lua_Unsigned count = lua_rawlen(L, options);
    const struct schema *say = child_named(b->table, "say", n->schema);

    for (lua_Unsigned i = 1; i <= count; i++) {
        budget_spend(L, 64); /* as many elements are looked for in it */
        lua_rawgeti(L, options, (lua_Integer)i);
        if (lua_istable(L, -1)) {
            luaL_checkstack(L, 20, "too deep");
            check_keys(b, n->schema, lua_gettop(L));
            add_named(b, n, n->schema, lua_gettop(L));
        } else if (say != NULL) {
            add_children(b, n, say, lua_gettop(L));
        } else {
            luaL_error(L, "%s: <%s> holds no text", b->verb, n->schema->name);
        }
        lua_pop(L, 1);
    }
}

/* --- text --- */

RAISES static struct node *new_node(struct build *b, const struct schema *schema)
{
    struct node *n = take(b, sizeof *n);

    if (++b->nodes > BUILD_NODES)
        luaL_error(b->L, "%s: more than %d elements", b->verb, BUILD_NODES);
    n->schema = schema;
    n->text = "";
    n->line = b->line;
    n->written = take(b, sizeof *n->written);
    return n;
}

RAISES static void set_text(struct build *b, struct node *n, int index)
{
    unsigned flags = n->schema->flags;
    char *text;
    size_t len;
    struct node *piece;
    const struct schema *say = child_named(b->table, "say", n->schema);

    if (!lua_isstring(b->L, index))
        luaL_error(b->L, "%s: the text of <%s> cannot be a %s", b->verb, n->schema->name,
                   luaL_typename(b->L, index));
    if ((flags & (SCHEMA_TEXT | SCHEMA_MIXED)) == 0) {
        if (say != NULL)
            add_children(b, n, say, index);
        else
            set_first(b, n, index);
        return;
    }
    lua_pushvalue(b->L, index);
    text = take_string(b, -1);
    lua_pop(b->L, 1);
    if ((flags & SCHEMA_TEXT) != 0) {
        n->text = str_trim(text, &len);
        text[n->text - text + (ptrdiff_t)len] = '\0';
        return;
    }
    piece = new_node(b, NULL);
    piece->text = text;
    add_child(n, piece);
}

/* What stands at 1, 2 … in the options are children: of an element that holds no text, and of one
 * that may hold either, when it is a table. */
static bool is_list_of_children(struct build *b, const struct schema *schema, int options)
{
    bool table = lua_rawgeti(b->L, options, 1) == LUA_TTABLE;

    lua_pop(b->L, 1);
    return (schema->flags & (SCHEMA_TEXT | SCHEMA_MIXED)) == 0 ||
           (table && (schema->flags & SCHEMA_TEXT) != 0);
}

RAISES static struct node *build(struct build *b, const struct schema *schema, struct given g)
{
    lua_State *L = b->L;
    struct node *n;

    if (++b->depth > BUILD_DEPTH)
        luaL_error(L, "%s: nested more than %d deep", b->verb, BUILD_DEPTH);
    luaL_checkstack(L, 20, "too deep");
    n = new_node(b, schema);
    if (g.options != 0)
        check_keys(b, schema, g.options);
    set_attributes(b, n, g.options);
    if (g.text != 0)
        set_text(b, n, g.text);
    if (g.options != 0) {
        if (is_list_of_children(b, schema, g.options)) {
            add_positional(b, n, g.options);
        } else if (lua_rawgeti(L, g.options, 1) != LUA_TNIL) {
            set_text(b, n, lua_gettop(L));
            if (lua_rawlen(L, g.options) > 1)
                luaL_error(L, "%s: one text, not several", b->verb);
            lua_pop(L, 1);
        } else {
            lua_pop(L, 1);
        }
        add_named(b, n, schema, g.options);
    }
    b->depth--;
    return n;
}

/* --- the rules across attributes and elements, as for markup --- */

struct problem {
    int code;
    char text[ERROR_TEXT_MAX];
};

struct problems {
    struct problem list[BUILD_PROBLEMS];
    int n;
};

static void take_problem(const struct diag *d, void *arg)
{
    struct problems *p = arg;

    if (p->n == BUILD_PROBLEMS)
        return;
    p->list[p->n].code = d->code;
    str_copy(p->list[p->n++].text, ERROR_TEXT_MAX, d->text);
}

/* The rules may look at what an element stands in: here that is a document with nothing else. */
static void find_problems(struct build *b, struct node *n, struct problems *p)
{
    struct document_source source = {.report = take_problem, .arg = p};
    struct node root = {.text = "", .children = n};
    struct checker checker;
    struct arena arena;
    bool misplaced;

    root.schema = schema_find(b->table, "Response", NULL, &misplaced);
    if (root.schema == NULL)
        return;
    arena_init(&arena, 4096, 1 << 16);
    checker_init(&checker, &source, b->table, &arena);
    n->parent = &root;
    checker_rules(&checker, n);
    n->parent = NULL;
    checker_tell(&checker, &source, NULL, 0);
    arena_free(&arena);
}

/* Each problem is told once in a call, however often the handler comes by. */
RAISES static void tell_problems(struct build *b, struct activation *a, struct node *n)
{
    static const char told; /* in the registry: what was told → true */
    struct problems p = {.n = 0};
    lua_State *L = b->L;
    const char *where;
    char place[300];
    size_t len;

    find_problems(b, n, &p);
    if (p.n == 0)
        return;
    luaL_checkstack(L, 8, "too deep");
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &told) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &told);
        lua_replace(L, -2);
    }
    luaL_where(L, 1);
    where = lua_tolstring(L, -1, &len);
    snprintf(place, sizeof place, "%.*s", len > 2 ? (int)len - 2 : 0, where); /* no ": " */
    for (int i = 0; i < p.n; i++) {
        lua_pushfstring(L, "%s%s", where, p.list[i].text);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -4) == LUA_TNIL) {
            lua_pushvalue(L, -2);
            lua_pushboolean(L, true);
            lua_rawset(L, -6);
            handler_warn(a, p.list[i].code, place, p.list[i].text);
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 2);
}

struct node *build_node(lua_State *L, struct activation *a, const struct schema *schema,
                        const char *verb, int first)
{
    struct handler_facts facts;
    struct build b = {.L = L, .arena = activation_arena(a), .verb = verb};
    struct given g = {0};
    struct node *n;
    lua_Debug ar;

    handler_facts(a, &facts);
    b.table = facts.schemas;
    if (lua_getstack(L, 1, &ar) && lua_getinfo(L, "l", &ar) && ar.currentline > 0)
        b.line = ar.currentline;
    lua_settop(L, first + 1);
    if (lua_istable(L, first)) {
        g.options = first;
    } else if (!lua_isnil(L, first)) {
        g.text = first;
        if (lua_istable(L, first + 1))
            g.options = first + 1;
    }
    budget_spend(L, 200);
    n = build(&b, schema, g);
    tell_problems(&b, a, n);
    return n;
}
