/* almon.kv: the store's values, those of one account and folder. Each operation waits until it is
 * on the disk. */
#include "store/kv.h"
#include "base/mem.h"
#include "script/private.h"

#include <string.h>

enum { NOTE_LIST_BYTES = 256 * 1024 }; /* of one list in the journal */

/* One operation, and a copy of its answer. */
struct kv_wait {
    struct wait wait;
    struct kv_op *op; /* NULL: answered */
    json_t *note;     /* for the journal: what is asked, then also what was told */
    struct error err;
    bool found, more;
    int64_t number;
    char *value; /* of get */
    size_t value_len;
    struct str pairs; /* of list: key and value, each with its length before it */
    size_t count;
};

static void kv_cancel(struct wait *w)
{
    struct kv_wait *k = (struct kv_wait *)w;

    if (k->op != NULL)
        kv_forget(k->op);
    json_decref(k->note);
    mem_free(k->value);
    str_free(&k->pairs);
    mem_free(k);
}

static void add_text(struct str *out, const char *text, size_t len)
{
    str_addn(out, &len, sizeof len);
    str_addn(out, text, len);
}

/* --- the journal: a replay gives these values again --- */

/* Text that is no UTF-8 is null there. */
static void note_text(json_t *note, const char *name, const char *text, size_t len)
{
    json_t *j = text != NULL ? json_stringn(text, len) : NULL;

    json_object_set_new(note, name, j != NULL ? j : json_null());
}

static void note_pairs(json_t *note, const struct kv_answer *a)
{
    json_t *list = json_array();
    size_t bytes = 0;

    for (size_t i = 0; i < a->count; i++) {
        const struct kv_pair *p = &a->pairs[i];
        json_t *pair = json_array();

        bytes += p->key_len + p->value_len;
        json_array_append_new(pair, json_stringn(p->key, p->key_len));
        json_array_append_new(pair, json_stringn(p->value, p->value_len));
        json_array_append_new(list, pair);
    }
    if (bytes > NOTE_LIST_BYTES) {
        json_decref(list);
        list = json_null();
    }
    json_object_set_new(note, "pairs", list);
    json_object_set_new(note, "more", json_boolean(a->more));
}

static void note_answer(struct kv_wait *k, const struct kv_answer *a)
{
    const char *op = json_string_value(json_object_get(k->note, "op"));
    json_t *note = k->note;

    k->note = NULL;
    if (a->err != NULL)
        json_object_set_new(note, "code", json_integer(a->err->code));
    else if (strcmp(op, "list") == 0)
        note_pairs(note, a);
    else if (strcmp(op, "delete") == 0)
        json_object_set_new(note, "found", json_boolean(a->found));
    else if (strcmp(op, "set") != 0)
        note_text(note, "value", a->value, a->value_len);
    handler_note(k->wait.handler->activation, "kv", note);
}

static void answered(void *arg, const struct kv_answer *a)
{
    struct kv_wait *k = arg;

    k->op = NULL;
    if (k->note != NULL)
        note_answer(k, a);
    if (a->err != NULL)
        k->err = *a->err;
    k->found = a->found;
    k->more = a->more;
    k->number = a->number;
    k->count = a->count;
    if (a->err == NULL && a->value != NULL) {
        k->value = mem_dup(a->value, a->value_len + 1);
        k->value_len = a->value_len;
        if (k->value == NULL)
            error_nomem(&k->err);
    }
    for (size_t i = 0; a->err == NULL && i < a->count; i++) {
        add_text(&k->pairs, a->pairs[i].key, a->pairs[i].key_len);
        add_text(&k->pairs, a->pairs[i].value, a->pairs[i].value_len);
    }
    if (k->pairs.failed)
        error_nomem(&k->err);
    wait_over(&k->wait);
}

/* --- asking --- */

void script_kv_space(char out[KV_SPACE_MAX + 1], const char *account, const char *folder)
{
    size_t n = strlen(folder);

    /* A folder with a very long name is told from others by its end. */
    snprintf(out, KV_SPACE_MAX + 1, "%s %s", account, folder + (n > 200 ? n - 200 : 0));
}

struct asking {
    struct kv_wait *k;
    struct kv *kv;
    char space[KV_SPACE_MAX + 1];
    struct error err;
};

/* Makes the wait; what follows must not raise before handler_wait() or refuse(). */
static void begin(lua_State *L, struct asking *q, const char *op, const char *key)
{
    struct handler *h = handler_of(L);
    struct handler_facts facts;

    budget_started(L);
    handler_facts(h->activation, &facts);
    q->kv = facts.kv;
    if (q->kv == NULL)
        luaL_error(L, "kv: this program keeps no values");
    script_kv_space(q->space, facts.account, facts.folder);
    q->k = mem_alloc(sizeof *q->k);
    if (q->k == NULL)
        luaL_error(L, "kv: out of memory");
    q->k->wait = (struct wait){.handler = h, .cancel = kv_cancel};
    q->k->note = json_pack("{s:s, s:s}", "op", op, "folder", facts.folder);
    note_text(q->k->note, "key", key, strlen(key));
    str_init(&q->k->pairs, KV_LIST_BYTES + KV_LIST_MAX * 2 * sizeof(size_t));
}

static int finish(lua_State *L, struct asking *q, lua_KFunction k)
{
    if (q->k->op != NULL)
        return handler_wait(L, &q->k->wait, "kv", k);
    kv_cancel(&q->k->wait);
    luaL_pushfail(L);
    lua_pushstring(L, q->err.text);
    return 2;
}

static struct kv_wait *answer(lua_State *L)
{
    return (struct kv_wait *)handler_of(L)->ready;
}

static int failed(lua_State *L, const struct kv_wait *k)
{
    luaL_pushfail(L);
    lua_pushstring(L, k->err.text);
    return 2;
}

/* --- the operations --- */

static int got(lua_State *L, int status, lua_KContext ctx)
{
    struct kv_wait *k = answer(L);

    (void)status;
    (void)ctx;
    if (k->err.code != 0)
        return failed(L, k);
    if (k->value == NULL)
        lua_pushnil(L);
    else
        lua_pushlstring(L, k->value, k->value_len);
    return 1;
}

static int op_get(lua_State *L)
{
    const char *key = luaL_checkstring(L, 1);
    struct asking q = {0};

    begin(L, &q, "get", key);
    q.k->op = kv_get(q.kv, q.space, key, answered, q.k, &q.err);
    return finish(L, &q, got);
}

static int done(lua_State *L, int status, lua_KContext ctx)
{
    struct kv_wait *k = answer(L);

    (void)status;
    (void)ctx;
    if (k->err.code != 0)
        return failed(L, k);
    lua_pushboolean(L, true);
    return 1;
}

static int op_set(lua_State *L)
{
    size_t len;
    const char *key = luaL_checkstring(L, 1), *value = luaL_checklstring(L, 2, &len);
    lua_Integer ttl = luaL_optinteger(L, 3, 0);
    struct asking q = {0};

    begin(L, &q, "set", key);
    note_text(q.k->note, "value", value, len);
    q.k->op = kv_set(q.kv, q.space, key, value, len, ttl, answered, q.k, &q.err);
    return finish(L, &q, done);
}

static int deleted(lua_State *L, int status, lua_KContext ctx)
{
    struct kv_wait *k = answer(L);

    (void)status;
    (void)ctx;
    if (k->err.code != 0)
        return failed(L, k);
    lua_pushboolean(L, k->found);
    return 1;
}

static int op_delete(lua_State *L)
{
    const char *key = luaL_checkstring(L, 1);
    struct asking q = {0};

    begin(L, &q, "delete", key);
    q.k->op = kv_delete(q.kv, q.space, key, answered, q.k, &q.err);
    return finish(L, &q, deleted);
}

static int incremented(lua_State *L, int status, lua_KContext ctx)
{
    struct kv_wait *k = answer(L);

    (void)status;
    (void)ctx;
    if (k->err.code != 0)
        return failed(L, k);
    lua_pushinteger(L, k->number);
    return 1;
}

static int op_increment(lua_State *L)
{
    const char *key = luaL_checkstring(L, 1);
    lua_Integer by = luaL_checkinteger(L, 2), ttl = luaL_optinteger(L, 3, 0);
    struct asking q = {0};

    begin(L, &q, "increment", key);
    json_object_set_new(q.k->note, "by", json_integer(by));
    q.k->op = kv_increment(q.kv, q.space, key, by, ttl, answered, q.k, &q.err);
    return finish(L, &q, incremented);
}

static const char *push_text(lua_State *L, const char *at)
{
    size_t len;

    memcpy(&len, at, sizeof len);
    lua_pushlstring(L, at + sizeof len, len);
    return at + sizeof len + len;
}

static int listed(lua_State *L, int status, lua_KContext ctx)
{
    struct kv_wait *k = answer(L);
    const char *at = str_text(&k->pairs);

    (void)status;
    (void)ctx;
    if (k->err.code != 0)
        return failed(L, k);
    lua_createtable(L, (int)k->count, 0);
    for (size_t i = 1; i <= k->count; i++) {
        lua_createtable(L, 2, 0);
        at = push_text(L, at);
        lua_rawseti(L, -2, 1);
        at = push_text(L, at);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    lua_pushboolean(L, k->more);
    return 2;
}

static int op_list(lua_State *L)
{
    const char *prefix = luaL_checkstring(L, 1), *after = luaL_optstring(L, 2, "");
    lua_Integer most = luaL_optinteger(L, 3, KV_LIST_MAX);
    struct asking q = {0};

    luaL_argcheck(L, most >= 1 && most <= KV_LIST_MAX, 3, "1 to 1000");
    begin(L, &q, "list", prefix);
    note_text(q.k->note, "after", after, strlen(after));
    q.k->op = kv_list(q.kv, q.space, prefix, after, (size_t)most, answered, q.k, &q.err);
    return finish(L, &q, listed);
}

int kv_module(lua_State *L)
{
    static const luaL_Reg own[] = {{"get", op_get},       {"set", op_set},
                                   {"delete", op_delete}, {"increment", op_increment},
                                   {"list", op_list},     {NULL, NULL}};

    luaL_newlib(L, own);
    return 1;
}
