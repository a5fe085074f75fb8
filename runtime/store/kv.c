#include "store/kv.h"

#include "base/mem.h"
#include "base/str.h"
#include "store/store.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    /* While there is writing, what has expired is removed after so many writes or so long; more at
     * a time than was written, so that it cannot pile up, but few: a group must stay short. */
    PURGE_WRITES = 100,
    PURGE_EVERY_MS = 60000,
    PURGE_MOST = 500,
};

#define TTL_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

struct kv {
    struct loop *loop;
    struct store *store;
    int64_t purged;  /* when last, by the wall clock */
    unsigned writes; /* since then */
};

/* What was asked, and what came of it. Key, value and what was found stand behind the struct. */
struct kv_op {
    struct store_job job;
    kv_h *h; /* NULL: forgotten */
    void *arg;
    char *space, *key; /* list: the prefix */
    char *value;       /* set: the value; list: after which key */
    size_t value_len, most;
    int64_t by, now, expires; /* expires: 0 is never */

    struct str found; /* get: the value; list: keys and values, each with a NUL behind */
    struct kv_pair *pairs;
    size_t count;
    int64_t number;
    bool was_there, more;
};

/* --- the operations, by name --- */

/* Alive at the time $3; 0 in `expires` would be never, but NULL is what the index leaves out. */
static const char get_sql[] = "SELECT value FROM kv WHERE space = $1 AND key = $2"
                              " AND (expires IS NULL OR expires > $3)";
static const char set_sql[] = "INSERT INTO kv (space, key, value, expires) VALUES ($1, $2, $3, $4)"
                              " ON CONFLICT (space, key)"
                              " DO UPDATE SET value = excluded.value, expires = excluded.expires";
/* What the namespace holds, and how long the value of this key is (NULL: there is none). */
static const char room_sql[] = "SELECT keys, bytes, (SELECT length(value) FROM kv"
                               " WHERE space = $1 AND key = $2) FROM kv_space WHERE space = $1";
static const char renew_sql[] = "UPDATE kv SET value = $1 WHERE space = $2 AND key = $3";
static const char delete_sql[] = "DELETE FROM kv WHERE space = $1 AND key = $2";
static const char purge_sql[] = "DELETE FROM kv WHERE (space, key) IN"
                                " (SELECT space, key FROM kv WHERE expires <= $1 LIMIT $2)";
/* $4 is the first key that cannot begin with the prefix any more; NULL: there is none. */
static const char list_sql[] = "SELECT key, value FROM kv WHERE space = $1 AND key >= $2"
                               " AND key > $3 AND ($4 IS NULL OR key < $4)"
                               " AND (expires IS NULL OR expires > $5) ORDER BY key LIMIT $6";

#define SPACE_OF(op) DB_TEXT((op)->space, strlen((op)->space))
#define KEY_OF(op)   DB_TEXT((op)->key, strlen((op)->key))

static int keep_value(void *arg, const struct db_value *columns, size_t count, struct error *err)
{
    struct kv_op *op = arg;

    (void)count;
    op->was_there = true;
    str_addn(&op->found, columns[0].bytes, columns[0].len);
    return op->found.failed ? error_nomem(err) : 0;
}

static int run_get(struct store_job *job, struct db *db, struct error *err)
{
    struct kv_op *op = (struct kv_op *)job;
    const struct db_value params[] = {SPACE_OF(op), KEY_OF(op), DB_NUMBER(op->now)};

    return db_run(db, get_sql, params, 3, keep_value, op, err);
}

static int judge_room(void *arg, const struct db_value *columns, size_t count, struct error *err)
{
    const struct kv_op *op = arg;
    bool anew = columns[2].kind == DB_NULL;
    int64_t keys = columns[0].number + anew;
    int64_t bytes = columns[1].number + (int64_t)op->value_len +
                    (anew ? (int64_t)strlen(op->key) : -columns[2].number);

    (void)count;
    if (keys <= KV_KEYS_MAX && bytes <= KV_SPACE_BYTES)
        return 0;
    return error_set(
        err, ERR_LIMIT,
        "this flow keeps %d keys or %d MB already: delete some, or give them a time to "
        "live",
        KV_KEYS_MAX, KV_SPACE_BYTES >> 20);
}

static int write_value(struct kv_op *op, struct db *db, const char *value, size_t len,
                       struct error *err)
{
    struct db_value params[] = {SPACE_OF(op), KEY_OF(op), DB_TEXT(value, len),
                                DB_NUMBER(op->expires)};

    const struct db_value where[] = {params[0], params[1]};
    int rc = db_run(db, room_sql, where, 2, judge_room, op, err);

    if (rc != 0)
        return rc;
    if (op->expires == 0)
        params[3].kind = DB_NULL;
    return db_run(db, set_sql, params, 4, NULL, NULL, err);
}

static int run_set(struct store_job *job, struct db *db, struct error *err)
{
    struct kv_op *op = (struct kv_op *)job;

    return write_value(op, db, op->value, op->value_len, err);
}

static int run_delete(struct store_job *job, struct db *db, struct error *err)
{
    struct kv_op *op = (struct kv_op *)job;
    const struct db_value params[] = {SPACE_OF(op), KEY_OF(op)};
    int rc = run_get(job, db, err);

    str_free(&op->found);
    return rc != 0 ? rc : db_run(db, delete_sql, params, 2, NULL, NULL, err);
}

/* A whole number of 64 bits, written as a person would; false for all else. */
static bool number_of(const struct str *text, int64_t *number)
{
    long value;

    _Static_assert(sizeof value == sizeof *number, "str_to_long() reads 64 bits");
    if (strlen(str_text(text)) != text->len ||
        !str_to_long(str_text(text), INT64_MIN, INT64_MAX, &value))
        return false;
    *number = value;
    return true;
}

/* There is one writer: between reading and writing nobody comes. */
static int run_increment(struct store_job *job, struct db *db, struct error *err)
{
    struct kv_op *op = (struct kv_op *)job;
    char text[24];
    int rc = run_get(job, db, err);

    if (rc != 0)
        return rc;
    if (op->was_there && !number_of(&op->found, &op->number))
        return error_set(err, ERR_INVALID,
                         "the value of \"%s\" is no whole number, so nothing can be added to it",
                         op->key);
    if (__builtin_add_overflow(op->number, op->by, &op->number))
        return error_set(err, ERR_INVALID, "\"%s\" would pass 64 bits", op->key);
    snprintf(text, sizeof text, "%" PRId64, op->number);
    str_reset(&op->found);
    str_add(&op->found, text);
    if (op->found.failed)
        return error_nomem(err);
    if (op->was_there) {
        const struct db_value params[] = {DB_TEXT(text, strlen(text)), SPACE_OF(op), KEY_OF(op)};

        return db_run(db, renew_sql, params, 3, NULL, NULL, err);
    }
    return write_value(op, db, text, strlen(text), err);
}

/* Offsets first: the string may still move. */
static int keep_pair(void *arg, const struct db_value *columns, size_t count, struct error *err)
{
    struct kv_op *op = arg;
    const struct db_value *key = &columns[0], *value = &columns[1];

    (void)count;
    if (op->more)
        return 0;
    if (op->count == op->most || op->found.len + key->len + value->len > KV_LIST_BYTES) {
        op->more = true;
        return 0;
    }
    op->pairs[op->count++] = (struct kv_pair){.key_len = key->len, .value_len = value->len};
    str_addn(&op->found, key->bytes, key->len + 1); /* their NULs, too */
    str_addn(&op->found, value->bytes, value->len + 1);
    return op->found.failed ? error_nomem(err) : 0;
}

static void point_pairs(struct kv_op *op)
{
    const char *at = str_text(&op->found);

    for (size_t i = 0; i < op->count; i++) {
        op->pairs[i].key = at;
        op->pairs[i].value = at + op->pairs[i].key_len + 1;
        at = op->pairs[i].value + op->pairs[i].value_len + 1;
    }
}

/* "ab" → "ac": the last byte that can grow grows, what is behind it goes. 0: there is no such key.
 */
static size_t end_of_prefix(const char *prefix, char *end)
{
    size_t len = strlen(prefix);

    memcpy(end, prefix, len);
    while (len > 0 && (unsigned char)end[len - 1] == 0xff)
        len--;
    if (len > 0)
        end[len - 1]++;
    return len;
}

static int run_list(struct store_job *job, struct db *db, struct error *err)
{
    struct kv_op *op = (struct kv_op *)job;
    char end[KV_KEY_MAX];
    size_t end_len = end_of_prefix(op->key, end);
    struct db_value params[] = {
        SPACE_OF(op),          KEY_OF(op),         DB_TEXT(op->value, op->value_len),
        DB_TEXT(end, end_len), DB_NUMBER(op->now), DB_NUMBER((int64_t)op->most + 1)};
    int rc;

    if (end_len == 0)
        params[3].kind = DB_NULL;
    op->pairs = mem_alloc(op->most * sizeof *op->pairs);
    if (op->pairs == NULL)
        return error_nomem(err);
    rc = db_run(db, list_sql, params, 6, keep_pair, op, err);
    point_pairs(op);
    return rc;
}

static int run_purge(struct store_job *job, struct db *db, struct error *err)
{
    const struct kv_op *op = (const struct kv_op *)job;
    const struct db_value params[] = {DB_NUMBER(op->now), DB_NUMBER(PURGE_MOST)};

    return db_run(db, purge_sql, params, 2, NULL, NULL, err);
}

/* --- asking and answering --- */

static void op_free(struct kv_op *op)
{
    str_free(&op->found);
    mem_free(op->pairs);
    mem_free(op->space);
    mem_free(op->key);
    mem_free(op->value);
    mem_free(op);
}

static void answer(struct store_job *job, const struct error *err)
{
    struct kv_op *op = (struct kv_op *)job;
    struct kv_answer a = {.err = err};

    if (err == NULL) {
        a.found = op->was_there;
        a.number = op->number;
        a.pairs = op->pairs;
        a.count = op->count;
        a.more = op->more;
        a.value_len = op->found.len;
        if (job->run == run_increment || (job->run == run_get && op->was_there))
            a.value = str_text(&op->found);
    }
    if (op->h != NULL)
        op->h(op->arg, &a);
    op_free(op);
}

void kv_forget(struct kv_op *op)
{
    op->h = NULL;
}

/* What a caller gave, checked; `empty` says whether a key may be (a prefix may). */
static int check(const char *space, const char *key, bool empty, struct error *err)
{
    if (space[0] == '\0' || strlen(space) > KV_SPACE_MAX)
        return error_set(err, ERR_INVALID, "the namespace has %zu bytes; 1 to %d are right",
                         strlen(space), KV_SPACE_MAX);
    if (key[0] == '\0' && !empty)
        return error_set(err, ERR_INVALID, "the key is empty; give it a name");
    if (strlen(key) > KV_KEY_MAX)
        return error_set(err, ERR_INVALID, "the key has %zu bytes; %d at most", strlen(key),
                         KV_KEY_MAX);
    return 0;
}

static struct kv_op *op_new(struct kv *kv, const char *space, const char *key, const void *value,
                            size_t len, struct error *err)
{
    struct kv_op *op = mem_alloc(sizeof *op);

    if (op == NULL) {
        error_nomem(err);
        return NULL;
    }
    op->space = mem_strdup(space);
    op->key = mem_strdup(key);
    op->value = len > 0 ? mem_dup(value, len) : NULL;
    op->value_len = len;
    op->now = loop_wall(kv->loop);
    op->job.bytes = sizeof *op + len;
    op->job.done = answer;
    str_init(&op->found, KV_LIST_BYTES + 2 * KV_LIST_MAX + KV_VALUE_MAX);
    if (op->space == NULL || op->key == NULL || (op->value == NULL && len > 0)) {
        op_free(op);
        error_nomem(err);
        return NULL;
    }
    return op;
}

/* Either takes the operation over and returns it, or frees it. */
static struct kv_op *ask(struct kv *kv, struct kv_op *op, kv_h *h, void *arg, struct error *err)
{
    op->h = h;
    op->arg = arg;
    if (store_submit(kv->store, &op->job, err) == 0)
        return op;
    op_free(op);
    return NULL;
}

/* Behind a write, since only writing makes what can expire. */
static void purge_sometimes(struct kv *kv)
{
    int64_t now = loop_wall(kv->loop);
    struct kv_op *op;

    if ((++kv->writes < PURGE_WRITES && now - kv->purged < PURGE_EVERY_MS) ||
        (op = op_new(kv, "", "", NULL, 0, NULL)) == NULL)
        return;
    kv->purged = now;
    kv->writes = 0;
    op->job.run = run_purge;
    ask(kv, op, NULL, NULL, NULL);
}

/* --- the interface --- */

struct kv_op *kv_get(struct kv *kv, const char *space, const char *key, kv_h *h, void *arg,
                     struct error *err)
{
    struct kv_op *op;

    if (check(space, key, false, err) != 0 || (op = op_new(kv, space, key, NULL, 0, err)) == NULL)
        return NULL;
    op->job.run = run_get;
    op->job.bytes += KV_VALUE_MAX;
    return ask(kv, op, h, arg, err);
}

static int check_ttl(int64_t ttl_ms, struct error *err)
{
    if (ttl_ms >= 0 && ttl_ms <= TTL_MAX_MS)
        return 0;
    return error_set(err, ERR_INVALID,
                     "a key may live from 1 ms to 100 years, or 0 for ever; not %" PRId64 " ms",
                     ttl_ms);
}

static struct kv_op *write_new(struct kv *kv, const char *space, const char *key, const void *value,
                               size_t len, int64_t ttl_ms, struct error *err)
{
    struct kv_op *op;

    if (check(space, key, false, err) != 0 || check_ttl(ttl_ms, err) != 0)
        return NULL;
    if (len > KV_VALUE_MAX) {
        error_set(err, ERR_INVALID, "the value of \"%s\" has %zu bytes; %d at most", key, len,
                  KV_VALUE_MAX);
        return NULL;
    }
    purge_sometimes(kv);
    op = op_new(kv, space, key, value, len, err);
    if (op != NULL && ttl_ms > 0)
        op->expires = op->now + ttl_ms;
    return op;
}

struct kv_op *kv_set(struct kv *kv, const char *space, const char *key, const void *value,
                     size_t len, int64_t ttl_ms, kv_h *h, void *arg, struct error *err)
{
    struct kv_op *op = write_new(kv, space, key, value, len, ttl_ms, err);

    if (op == NULL)
        return NULL;
    op->job.run = run_set;
    return ask(kv, op, h, arg, err);
}

struct kv_op *kv_delete(struct kv *kv, const char *space, const char *key, kv_h *h, void *arg,
                        struct error *err)
{
    struct kv_op *op = write_new(kv, space, key, NULL, 0, 0, err);

    if (op == NULL)
        return NULL;
    op->job.run = run_delete;
    return ask(kv, op, h, arg, err);
}

struct kv_op *kv_increment(struct kv *kv, const char *space, const char *key, int64_t by,
                           int64_t ttl_ms, kv_h *h, void *arg, struct error *err)
{
    struct kv_op *op = write_new(kv, space, key, NULL, 0, ttl_ms, err);

    if (op == NULL)
        return NULL;
    op->by = by;
    op->job.run = run_increment;
    return ask(kv, op, h, arg, err);
}

struct kv_op *kv_list(struct kv *kv, const char *space, const char *prefix, const char *after,
                      size_t most, kv_h *h, void *arg, struct error *err)
{
    struct kv_op *op;

    if (check(space, prefix, true, err) != 0 || check(space, after, true, err) != 0)
        return NULL;
    if (most < 1 || most > KV_LIST_MAX) {
        error_set(err, ERR_INVALID, "%zu keys at a time; 1 to %d are right", most, KV_LIST_MAX);
        return NULL;
    }
    op = op_new(kv, space, prefix, after, strlen(after), err);
    if (op == NULL)
        return NULL;
    op->most = most;
    op->job.run = run_list;
    op->job.bytes += KV_LIST_BYTES;
    return ask(kv, op, h, arg, err);
}

int kv_open(struct kv **kvp, struct loop *loop, const char *path, struct error *err)
{
    struct kv *kv = mem_alloc(sizeof *kv);
    int rc;

    if (kv == NULL)
        return error_nomem(err);
    kv->loop = loop;
    rc = store_open(&kv->store, loop, path, err);
    if (rc != 0) {
        mem_free(kv);
        return rc;
    }
    *kvp = kv;
    return 0;
}

struct kv *kv_close(struct kv *kv)
{
    if (kv == NULL)
        return NULL;
    store_close(kv->store);
    mem_free(kv);
    return NULL;
}

struct store *kv_store(const struct kv *kv)
{
    return kv->store;
}
