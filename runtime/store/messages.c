#include "store/messages.h"

#include "base/arena.h"
#include "base/mem.h"
#include <string.h>

enum {
    PURGE_EVERY_MS = 3600 * 1000, /* while there is writing */
    PURGE_MOST = 500,
    ROW_BYTES = 1024,              /* what a row takes besides its texts, more or less */
    LIST_BYTES = 16 * 1024 * 1024, /* of one answer: a list ends early */
};

struct messages {
    struct loop *loop;
    struct store *store;
    struct list under_way; /* struct messages_op */
    int64_t purged;        /* when last, by the wall clock */
};

/* What was asked, and what came of it; all in its arena, that of the rows found, too. */
struct messages_op {
    struct store_job job;
    struct link_node node;     /* of under_way; in no list when its messages are gone */
    struct messages *messages; /* NULL then */
    messages_h *h;             /* NULL: forgotten */
    void *arg;
    struct arena arena;
    struct message_row row; /* add, set, block */
    bool guarded;
    const char *account; /* list; NULL: all */
    int64_t at;          /* open, list: after, or before, this number; purge: when */
    size_t most;

    struct message_row *rows;
    size_t count;
    bool known, blocked, changed, more;
};

/* --- the operations, by name --- */

#define COLUMNS                                                                                    \
    "number, sid, account, direction, sender, receiver, body, status, code, segments, media,"      \
    " gateway, rest, created, updated, open, once"
enum { N_ADDED = 16 };

static const char once_sql[] = "SELECT " COLUMNS " FROM message WHERE once = $1";
static const char sid_sql[] = "SELECT " COLUMNS " FROM message WHERE sid = $1";
static const char open_sql[] = "SELECT " COLUMNS " FROM message WHERE open = 1 AND number > $1"
                               " ORDER BY number LIMIT $2";
static const char list_sql[] = "SELECT " COLUMNS " FROM message WHERE number < $1"
                               " ORDER BY number DESC LIMIT $2";
static const char list_account_sql[] = "SELECT " COLUMNS " FROM message WHERE account = $1"
                                       " AND number < $2 ORDER BY number DESC LIMIT $3";
static const char add_sql[] =
    "INSERT INTO message (sid, once, account, direction, sender, receiver, body, status, code,"
    " segments, media, gateway, rest, created, updated, open)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
static const char set_sql[] =
    "UPDATE message SET status = $1, code = $2, gateway = coalesce($3, gateway),"
    " rest = coalesce($4, rest), updated = $5, open = $6 WHERE sid = $7";
static const char blocked_sql[] = "SELECT since FROM opt_out WHERE own = $1 AND other = $2";
static const char block_sql[] = "INSERT INTO opt_out (own, other, since) VALUES ($1, $2, $3)"
                                " ON CONFLICT (own, other) DO NOTHING";
static const char unblock_sql[] = "DELETE FROM opt_out WHERE own = $1 AND other = $2";
static const char purge_sql[] = "DELETE FROM message WHERE number IN (SELECT number FROM message"
                                " WHERE created < $1 AND open = 0 LIMIT $2)";

static struct db_value text_of(const char *s)
{
    if (s == NULL)
        return (struct db_value){.kind = DB_NULL};
    return (struct db_value)DB_TEXT(s, strlen(s));
}

#define NUMBER_OF(n) ((struct db_value)DB_NUMBER(n))

/* A column's text in the operation's arena; "" for what must be there. */
static const char *keep(struct messages_op *op, const struct db_value *v, bool *failed)
{
    const char *s;

    if (v->kind != DB_BYTES)
        return NULL;
    s = arena_strndup(&op->arena, v->bytes, v->len);
    *failed |= s == NULL;
    return s;
}

static int keep_row(void *arg, const struct db_value *c, size_t count, struct error *err)
{
    struct messages_op *op = arg;
    struct message_row *row;
    bool failed = false;

    (void)count;
    if (op->count == op->most || op->arena.used > LIST_BYTES) {
        op->more = true;
        return 0;
    }
    row = &op->rows[op->count];
    *row = (struct message_row){
        .number = c[0].number,
        .sid = keep(op, &c[1], &failed),
        .account = keep(op, &c[2], &failed),
        .direction = keep(op, &c[3], &failed),
        .from = keep(op, &c[4], &failed),
        .to = keep(op, &c[5], &failed),
        .body = keep(op, &c[6], &failed),
        .status = keep(op, &c[7], &failed),
        .code = (int)c[8].number,
        .segments = (int)c[9].number,
        .media = (int)c[10].number,
        .gateway = keep(op, &c[11], &failed),
        .rest = keep(op, &c[12], &failed),
        .created = c[13].number,
        .updated = c[14].number,
        .open = c[15].number != 0,
        .once = keep(op, &c[16], &failed),
    };
    if (failed)
        return error_nomem(err);
    op->count++;
    return 0;
}

static int make_room(struct messages_op *op, size_t most, struct error *err)
{
    op->most = most;
    op->rows = mem_alloc(most * sizeof *op->rows);
    return op->rows != NULL ? 0 : error_nomem(err);
}

static int see(void *arg, const struct db_value *columns, size_t count, struct error *err)
{
    (void)columns;
    (void)count;
    (void)err;
    *(bool *)arg = true;
    return 0;
}

static int look_for_block(struct messages_op *op, struct db *db, const char *own, const char *other,
                          bool *there, struct error *err)
{
    const struct db_value pair[] = {text_of(own), text_of(other)};

    (void)op;
    return db_run(db, blocked_sql, pair, 2, see, there, err);
}

static int run_add(struct store_job *job, struct db *db, struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    const struct message_row *r = &op->row;
    const struct db_value params[] = {
        text_of(r->sid),    text_of(r->once),       text_of(r->account),   text_of(r->direction),
        text_of(r->from),   text_of(r->to),         text_of(r->body),      text_of(r->status),
        NUMBER_OF(r->code), NUMBER_OF(r->segments), NUMBER_OF(r->media),   text_of(r->gateway),
        text_of(r->rest),   NUMBER_OF(r->created),  NUMBER_OF(r->updated), NUMBER_OF(r->open)};
    int rc = make_room(op, 1, err);

    if (rc == 0 && r->once != NULL)
        rc = db_run(db, once_sql, &params[1], 1, keep_row, op, err);
    op->known = op->count > 0;
    if (rc == 0 && !op->known && op->guarded)
        rc = look_for_block(op, db, r->from, r->to, &op->blocked, err);
    if (rc != 0 || op->known || op->blocked)
        return rc;
    return db_run(db, add_sql, params, N_ADDED, NULL, NULL, err);
}

static int run_set(struct store_job *job, struct db *db, struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    const struct message_row *r = &op->row;
    const struct db_value params[] = {
        text_of(r->status),    NUMBER_OF(r->code), text_of(r->gateway), text_of(r->rest),
        NUMBER_OF(r->updated), NUMBER_OF(r->open), text_of(r->sid)};
    int rc = make_room(op, 1, err);

    if (rc == 0)
        rc = db_run(db, sid_sql, &params[6], 1, keep_row, op, err);
    if (rc != 0 || op->count == 0)
        return rc;
    if (op->guarded)
        rc = look_for_block(op, db, op->rows[0].from, op->rows[0].to, &op->blocked, err);
    if (rc != 0 || op->blocked)
        return rc;
    op->changed = true;
    return db_run(db, set_sql, params, 7, NULL, NULL, err);
}

static int run_open(struct store_job *job, struct db *db, struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    const struct db_value params[] = {NUMBER_OF(op->at), NUMBER_OF((int64_t)op->most + 1)};
    int rc = make_room(op, op->most, err);

    return rc != 0 ? rc : db_run(db, open_sql, params, 2, keep_row, op, err);
}

static int run_list(struct store_job *job, struct db *db, struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    const struct db_value params[] = {text_of(op->account),
                                      NUMBER_OF(op->at > 0 ? op->at : INT64_MAX),
                                      NUMBER_OF((int64_t)op->most + 1)};
    int rc = make_room(op, op->most, err);

    if (rc != 0)
        return rc;
    if (op->account == NULL)
        return db_run(db, list_sql, &params[1], 2, keep_row, op, err);
    return db_run(db, list_account_sql, params, 3, keep_row, op, err);
}

static int run_get(struct store_job *job, struct db *db, struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    const struct db_value sid = text_of(op->row.sid);
    int rc = make_room(op, 1, err);

    return rc != 0 ? rc : db_run(db, sid_sql, &sid, 1, keep_row, op, err);
}

static int run_block(struct store_job *job, struct db *db, struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    const struct db_value params[] = {text_of(op->row.from), text_of(op->row.to),
                                      NUMBER_OF(op->row.created)};
    bool there = false;
    int rc = look_for_block(op, db, op->row.from, op->row.to, &there, err);

    if (rc != 0)
        return rc;
    op->changed = there != op->blocked;
    return op->blocked ? db_run(db, block_sql, params, 3, NULL, NULL, err)
                       : db_run(db, unblock_sql, params, 2, NULL, NULL, err);
}

static int run_purge(struct store_job *job, struct db *db, struct error *err)
{
    const struct messages_op *op = (const struct messages_op *)job;
    const struct db_value params[] = {NUMBER_OF(op->at), NUMBER_OF(PURGE_MOST)};

    return db_run(db, purge_sql, params, 2, NULL, NULL, err);
}

/* --- asking and answering --- */

static void op_free(struct messages_op *op)
{
    if (op->messages != NULL)
        list_remove(&op->node);
    mem_free(op->rows);
    arena_free(&op->arena);
    mem_free(op);
}

static void answer(struct store_job *job, const struct error *err)
{
    struct messages_op *op = (struct messages_op *)job;
    bool added = (job->run == run_add && !op->known) || job->run == run_block;

    if (op->h != NULL)
        op->h(op->arg, &(struct messages_answer){.err = err,
                                                 .known = op->known,
                                                 .blocked = op->blocked,
                                                 .changed = op->changed,
                                                 .rows = added ? &op->row : op->rows,
                                                 .count = added ? 1 : op->count,
                                                 .more = op->more});
    op_free(op);
}

void messages_forget(struct messages_op *op)
{
    op->h = NULL;
}

/* Copies a text that the caller gave; 0 also for NULL. */
static int take(struct messages_op *op, const char **text, struct error *err)
{
    if (*text == NULL)
        return 0;
    if (strlen(*text) > MESSAGES_TEXT_MAX)
        return error_set(err, ERR_INVALID, "a text of a message has %zu bytes; %d at most",
                         strlen(*text), MESSAGES_TEXT_MAX);
    op->job.bytes += strlen(*text);
    *text = arena_strdup(&op->arena, *text);
    return *text != NULL ? 0 : error_nomem(err);
}

static int take_row(struct messages_op *op, const struct message_row *row, struct error *err)
{
    const char **const texts[] = {
        &op->row.sid,  &op->row.account, &op->row.direction, &op->row.from, &op->row.to,
        &op->row.body, &op->row.status,  &op->row.gateway,   &op->row.once, &op->row.rest};
    int rc = 0;

    op->row = *row;
    for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
        rc = take(op, texts[i], err);
    return rc;
}

static struct messages_op *op_new(struct messages *m, const struct message_row *row,
                                  int (*run)(struct store_job *, struct db *, struct error *),
                                  struct error *err)
{
    struct messages_op *op = mem_alloc(sizeof *op);

    if (op == NULL) {
        error_nomem(err);
        return NULL;
    }
    arena_init(&op->arena, ROW_BYTES, 2 * (size_t)LIST_BYTES);
    op->job.bytes = sizeof *op + ROW_BYTES;
    op->job.run = run;
    op->job.done = answer;
    if (take_row(op, row, err) != 0) {
        op_free(op);
        return NULL;
    }
    op->row.created = op->row.updated = loop_wall(m->loop);
    return op;
}

/* Either takes the operation over and returns it, or frees it. Accepts NULL. */
static struct messages_op *ask(struct messages *m, struct messages_op *op, messages_h *h, void *arg,
                               struct error *err)
{
    if (op == NULL)
        return NULL;
    op->h = h;
    op->arg = arg;
    if (store_submit(m->store, &op->job, err) == 0) {
        op->messages = m;
        list_append(&m->under_way, &op->node);
        return op;
    }
    op_free(op);
    return NULL;
}

static void purge_sometimes(struct messages *m)
{
    int64_t now = loop_wall(m->loop);
    struct messages_op *op;

    if (m->purged != 0 && now - m->purged < PURGE_EVERY_MS)
        return;
    op = op_new(m, &(struct message_row){0}, run_purge, NULL);
    if (op == NULL)
        return;
    op->at = now - INT64_C(86400000) * MESSAGES_KEPT_DAYS;
    m->purged = now;
    ask(m, op, NULL, NULL, NULL);
}

/* --- the interface --- */

struct messages_op *messages_add(struct messages *m, const struct message_row *row, bool guarded,
                                 messages_h *h, void *arg, struct error *err)
{
    struct messages_op *op = op_new(m, row, run_add, err);

    purge_sometimes(m);
    if (op != NULL)
        op->guarded = guarded;
    return ask(m, op, h, arg, err);
}

struct messages_op *messages_set(struct messages *m, const struct message_row *row, bool guarded,
                                 messages_h *h, void *arg, struct error *err)
{
    struct messages_op *op = op_new(m, row, run_set, err);

    if (op != NULL)
        op->guarded = guarded;
    return ask(m, op, h, arg, err);
}

static bool check_most(size_t most, struct error *err)
{
    if (most >= 1 && most <= MESSAGES_LIST_MAX)
        return true;
    error_set(err, ERR_INVALID, "%zu messages at a time; 1 to %d are right", most,
              MESSAGES_LIST_MAX);
    return false;
}

struct messages_op *messages_open(struct messages *m, int64_t after, size_t most, messages_h *h,
                                  void *arg, struct error *err)
{
    struct messages_op *op;

    if (!check_most(most, err))
        return NULL;
    op = op_new(m, &(struct message_row){0}, run_open, err);
    if (op == NULL)
        return NULL;
    op->at = after;
    op->most = most;
    return ask(m, op, h, arg, err);
}

struct messages_op *messages_list(struct messages *m, const char *account, int64_t before,
                                  size_t most, messages_h *h, void *arg, struct error *err)
{
    struct messages_op *op;

    if (!check_most(most, err))
        return NULL;
    op = op_new(m, &(struct message_row){.account = account}, run_list, err);
    if (op == NULL)
        return NULL;
    op->account = op->row.account;
    op->at = before;
    op->most = most;
    return ask(m, op, h, arg, err);
}

struct messages_op *messages_get(struct messages *m, const char *sid, messages_h *h, void *arg,
                                 struct error *err)
{
    return ask(m, op_new(m, &(struct message_row){.sid = sid}, run_get, err), h, arg, err);
}

struct messages_op *messages_block(struct messages *m, const struct message_row *row, bool blocked,
                                   messages_h *h, void *arg, struct error *err)
{
    struct messages_op *op = op_new(m, row, run_block, err);

    if (op != NULL)
        op->blocked = blocked;
    return ask(m, op, h, arg, err);
}

int messages_new(struct messages **mp, struct loop *loop, struct store *store, struct error *err)
{
    struct messages *m = mem_alloc(sizeof *m);

    if (m == NULL)
        return error_nomem(err);
    m->loop = loop;
    m->store = store;
    list_init(&m->under_way);
    *mp = m;
    return 0;
}

struct messages *messages_free(struct messages *m)
{
    struct link_node *n;

    while (m != NULL && (n = list_pop(&m->under_way)) != NULL) {
        struct messages_op *op = list_entry(n, struct messages_op, node);

        op->h = NULL;
        op->messages = NULL;
    }
    mem_free(m);
    return NULL;
}
