#include "base/str.h"
#include "store/kv.h"
#include "store/messages.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

/* A store in virtual time, and what it answered last. */
struct desk {
    struct vtime *vtime;
    struct loop *loop;
    struct kv *kv;
    struct messages *messages;
    struct error err;
    struct str said; /* "SM1 queued 0|SM2 sent 0 open|" */
    int rc, answers;
    int64_t last; /* number of the last row */
    bool known, blocked, changed, more;
};

static void on_answer(void *arg, const struct messages_answer *a)
{
    struct desk *d = arg;

    d->answers++;
    d->rc = a->err != NULL ? a->err->code : 0;
    if (a->err != NULL)
        d->err = *a->err;
    str_reset(&d->said);
    for (size_t i = 0; a->err == NULL && i < a->count; i++) {
        str_addf(&d->said, "%s %s %d%s|", a->rows[i].sid, a->rows[i].status, a->rows[i].code,
                 a->rows[i].open ? " open" : "");
        d->last = a->rows[i].number;
    }
    d->known = a->known;
    d->blocked = a->blocked;
    d->changed = a->changed;
    d->more = a->more;
}

static int desk_start(struct desk *d, const char *path)
{
    int rc;

    if ((rc = vtime_new(&d->vtime, &d->err)) != 0 ||
        (rc = loop_new(&d->loop, d->vtime, &d->err)) != 0 ||
        (rc = kv_open(&d->kv, d->loop, path, &d->err)) != 0)
        return rc;
    return messages_new(&d->messages, d->loop, kv_store(d->kv), &d->err);
}

static int desk_open(struct desk *d)
{
    memset(d, 0, sizeof *d);
    str_init(&d->said, 1 << 20);
    return desk_start(d, NULL);
}

static void desk_stop(struct desk *d)
{
    d->messages = messages_free(d->messages);
    d->kv = kv_close(d->kv);
    d->loop = loop_free(d->loop);
    d->vtime = vtime_free(d->vtime);
}

static void desk_close(struct desk *d)
{
    desk_stop(d);
    str_free(&d->said);
}

static int answered(struct desk *d, const struct messages_op *op)
{
    int before = d->answers;

    if (op == NULL)
        return d->err.code;
    vtime_run(d->vtime, loop_now(d->loop), NULL, NULL);
    return d->answers == before + 1 ? d->rc : error_set(&d->err, ERR_TIMEOUT, "no answer");
}

static struct message_row row_of(const char *sid, const char *status, bool open)
{
    return (struct message_row){.sid = sid,
                                .account = "AC1",
                                .direction = "outbound-reply",
                                .from = "+15550100",
                                .to = "+15550199",
                                .body = "Hello \xc3\xa9",
                                .status = status,
                                .segments = 1,
                                .open = open};
}

static int add(struct desk *d, const char *sid, const char *once, bool guarded)
{
    struct message_row row = row_of(sid, "queued", true);

    row.once = once;
    return answered(d, messages_add(d->messages, &row, guarded, on_answer, d, &d->err));
}

static int set(struct desk *d, const char *sid, const char *status, bool open, bool guarded)
{
    struct message_row row = row_of(sid, status, open);

    return answered(d, messages_set(d->messages, &row, guarded, on_answer, d, &d->err));
}

static int block(struct desk *d, bool on)
{
    struct message_row row = row_of("SM0", "received", false);

    return answered(d, messages_block(d->messages, &row, on, on_answer, d, &d->err));
}

static const char *open_ones(struct desk *d, int64_t after, size_t most)
{
    if (answered(d, messages_open(d->messages, after, most, on_answer, d, &d->err)) != 0)
        return "(error)";
    return str_text(&d->said);
}

UNIT(the_same_message_twice_is_one)
{
    struct desk d;

    ok_rc(desk_open(&d), &d.err);
    ok_rc(add(&d, "SM1", "gateway\nid1", false), &d.err);
    ok(!d.known);
    ok_str(str_text(&d.said), "SM1 queued 0 open|");
    ok_rc(set(&d, "SM1", "received", false, false), &d.err);
    ok_rc(add(&d, "SM2", "gateway\nid1", false), &d.err);
    ok(d.known);
    ok_str(str_text(&d.said), "SM1 received 0|");
    ok_rc(add(&d, "SM3", "other\nid1", false), &d.err);
    ok(!d.known);
    ok_rc(add(&d, "SM4", NULL, false), &d.err);
    ok_rc(add(&d, "SM5", NULL, false), &d.err);
    ok(!d.known);
out:
    desk_close(&d);
}

UNIT(what_is_open_is_told_in_its_order_and_page_by_page)
{
    struct desk d;

    ok_rc(desk_open(&d), &d.err);
    ok_rc(add(&d, "SM1", NULL, false), &d.err);
    ok_rc(add(&d, "SM2", NULL, false), &d.err);
    ok_rc(add(&d, "SM3", NULL, false), &d.err);
    ok_rc(set(&d, "SM2", "delivered", false, false), &d.err);
    ok(d.changed);
    ok_str(open_ones(&d, 0, 1), "SM1 queued 0 open|");
    ok(d.more);
    ok_str(open_ones(&d, d.last, 1), "SM3 queued 0 open|");
    ok(!d.more);
    ok_rc(set(&d, "SM9", "sent", true, false), &d.err);
    ok(!d.changed);
out:
    desk_close(&d);
}

UNIT(lists_have_the_newest_first_and_only_the_account_s)
{
    struct desk d;
    struct message_row other = row_of("SM3", "sent", true);

    ok_rc(desk_open(&d), &d.err);
    other.account = "AC2";
    ok_rc(add(&d, "SM1", NULL, false), &d.err);
    ok_rc(add(&d, "SM2", NULL, false), &d.err);
    ok_rc(answered(&d, messages_add(d.messages, &other, false, on_answer, &d, &d.err)), &d.err);
    ok_rc(answered(&d, messages_list(d.messages, NULL, 0, 2, on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.said), "SM3 sent 0 open|SM2 queued 0 open|");
    ok(d.more);
    ok_rc(answered(&d, messages_list(d.messages, NULL, d.last, 2, on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.said), "SM1 queued 0 open|");
    ok(!d.more);
    ok_rc(answered(&d, messages_list(d.messages, "AC1", 0, 9, on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.said), "SM2 queued 0 open|SM1 queued 0 open|");
    ok_rc(answered(&d, messages_get(d.messages, "SM3", on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.said), "SM3 sent 0 open|");
    ok_rc(answered(&d, messages_get(d.messages, "SM4", on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.said), "");
out:
    desk_close(&d);
}

/* Also what was queued before the word came is not sent after it. */
UNIT(who_wants_no_more_gets_none_until_he_wants_them_again)
{
    struct desk d;

    ok_rc(desk_open(&d), &d.err);
    ok_rc(add(&d, "SM1", NULL, true), &d.err);
    ok(!d.blocked);
    ok_rc(block(&d, true), &d.err);
    ok(d.changed);
    ok_rc(block(&d, true), &d.err);
    ok(!d.changed);
    ok_rc(set(&d, "SM1", "sending", true, true), &d.err);
    ok(d.blocked && !d.changed);
    ok_rc(add(&d, "SM2", NULL, true), &d.err);
    ok(d.blocked);
    ok_rc(add(&d, "SM3", NULL, false), &d.err); /* the word that it holds */
    ok(!d.blocked);
    ok_str(open_ones(&d, 0, 9), "SM1 queued 0 open|SM3 queued 0 open|");
    ok_rc(block(&d, false), &d.err);
    ok(d.changed);
    ok_rc(set(&d, "SM1", "sending", true, true), &d.err);
    ok(d.changed);
out:
    desk_close(&d);
}

UNIT(messages_are_there_after_a_restart_and_old_ones_go)
{
    struct desk d;
    char path[400];

    snprintf(path, sizeof path, "%s/messages.db", unit_folder());
    memset(&d, 0, sizeof d);
    str_init(&d.said, 1 << 20);
    remove(path);
    ok_rc(desk_start(&d, path), &d.err);
    ok_rc(add(&d, "SM1", "g\n1", false), &d.err);
    ok_rc(add(&d, "SM2", "g\n2", false), &d.err);
    ok_rc(set(&d, "SM2", "delivered", false, false), &d.err);
    desk_stop(&d);
    ok_rc(desk_start(&d, path), &d.err);
    ok_str(open_ones(&d, 0, 9), "SM1 queued 0 open|");
    ok_rc(add(&d, "SM3", "g\n2", false), &d.err);
    ok(d.known);
    vtime_run(d.vtime, loop_now(d.loop) + INT64_C(401) * 86400 * 1000000, NULL, NULL);
    ok_rc(add(&d, "SM4", NULL, false), &d.err);
    ok_rc(answered(&d, messages_list(d.messages, NULL, 0, 9, on_answer, &d, &d.err)), &d.err);
    ok_str(str_text(&d.said), "SM4 queued 0 open|SM1 queued 0 open|");
out:
    desk_close(&d);
}

/* A file of an almon that knew no messages: as it was before the second version. */
static int make_first_version(const char *path, struct error *err)
{
    static const char *const sql[] = {"DROP TABLE message", "DROP TABLE opt_out",
                                      "PRAGMA user_version = 1"};
    struct db *db = NULL;
    int rc = db_open(&db, path, err);

    for (size_t i = 0; rc == 0 && i < sizeof sql / sizeof *sql; i++)
        rc = db_run(db, sql[i], NULL, 0, NULL, NULL, err);
    db_close(db);
    return rc;
}

UNIT(a_file_of_an_older_almon_gets_its_tables)
{
    struct desk d;
    char path[400];

    snprintf(path, sizeof path, "%s/older.db", unit_folder());
    memset(&d, 0, sizeof d);
    str_init(&d.said, 1 << 20);
    remove(path);
    ok_rc(make_first_version(path, &d.err), &d.err);
    ok_rc(desk_start(&d, path), &d.err);
    ok_rc(add(&d, "SM1", NULL, true), &d.err);
    ok_str(open_ones(&d, 0, 9), "SM1 queued 0 open|");
out:
    desk_close(&d);
}

UNIT(what_is_under_way_at_the_end_is_done_and_tells_nobody)
{
    struct desk d;
    struct message_row row = row_of("SM1", "queued", true);

    ok_rc(desk_open(&d), &d.err);
    ok(messages_add(d.messages, &row, true, on_answer, &d, &d.err) != NULL);
    d.messages = messages_free(d.messages);
    vtime_run(d.vtime, loop_now(d.loop), NULL, NULL);
    ok_int(d.answers, 0);
    ok_rc(messages_new(&d.messages, d.loop, kv_store(d.kv), &d.err), &d.err);
    ok_str(open_ones(&d, 0, 9), "SM1 queued 0 open|");
out:
    desk_close(&d);
}

UNIT(a_text_that_is_too_long_is_refused)
{
    struct desk d;
    struct message_row row = row_of("SM1", "queued", true);
    struct str body = STR_INIT(1 << 20);

    ok_rc(desk_open(&d), &d.err);
    for (int i = 0; i <= MESSAGES_TEXT_MAX / 16; i++)
        str_add(&body, "0123456789abcdef");
    row.body = str_text(&body);
    ok(messages_add(d.messages, &row, false, on_answer, &d, &d.err) == NULL);
    ok(d.err.code == ERR_INVALID || d.err.code == ERR_NOMEM);
    ok(messages_list(d.messages, NULL, 0, MESSAGES_LIST_MAX + 1, on_answer, &d, &d.err) == NULL);
    ok_int(d.answers, 0);
out:
    str_free(&body);
    desk_close(&d);
}

UNIT_MAIN(CASE(the_same_message_twice_is_one),
          CASE(what_is_open_is_told_in_its_order_and_page_by_page),
          CASE(lists_have_the_newest_first_and_only_the_account_s),
          CASE(who_wants_no_more_gets_none_until_he_wants_them_again),
          CASE(messages_are_there_after_a_restart_and_old_ones_go),
          CASE(a_file_of_an_older_almon_gets_its_tables),
          CASE(what_is_under_way_at_the_end_is_done_and_tells_nobody),
          CASE(a_text_that_is_too_long_is_refused))
