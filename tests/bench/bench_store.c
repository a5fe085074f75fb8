/* What durable writes cost: kv_set() with 1, 10, 100 and 1,000 operations in flight, beside bare
 * SQLite with the same table, the same settings and as many rows in each transaction. */
#include "store/kv.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 20000, ROWS_ONE_BY_ONE = 3000, VALUE = 100 };

static char folder[] = "/tmp/almon-bench-XXXXXX";
static char value[VALUE];

struct run {
    struct kv *kv;
    struct loop *loop;
    int rows, asked, done, wrong;
};

static void on_set(void *arg, const struct kv_answer *a);

static void set_next(struct run *r)
{
    char key[16];

    if (r->asked == r->rows)
        return;
    snprintf(key, sizeof key, "k%08d", r->asked++);
    if (kv_set(r->kv, "bench", key, value, sizeof value, 0, on_set, r, NULL) == NULL)
        exit(1);
}

static void on_set(void *arg, const struct kv_answer *a)
{
    struct run *r = arg;

    r->wrong += a->err != NULL;
    if (++r->done == r->rows)
        loop_stop(r->loop);
    set_next(r);
}

static double ours(struct loop *loop, int rows, int in_flight)
{
    struct run r = {.loop = loop, .rows = rows};
    struct error err = {0};
    char path[100];
    int64_t start;

    snprintf(path, sizeof path, "%s/ours-%d.db", folder, in_flight);
    if (kv_open(&r.kv, loop, path, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    start = loop_now(loop);
    for (int i = 0; i < in_flight; i++)
        set_next(&r);
    loop_run(loop);
    start = loop_now(loop) - start;
    kv_close(r.kv);
    if (r.wrong > 0)
        exit(1);
    return (double)start / rows;
}

static void must(sqlite3 *db, int rc, int want)
{
    if (rc == want)
        return;
    fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static double bare(struct loop *loop, int rows, int group)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *insert;
    char path[100], key[16];
    int64_t start;

    snprintf(path, sizeof path, "%s/bare-%d.db", folder, group);
    must(db, sqlite3_open(path, &db), SQLITE_OK);
    must(db,
         sqlite3_exec(db,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "CREATE TABLE kv (space BLOB NOT NULL, key BLOB NOT NULL,"
                      " value BLOB NOT NULL, expires INTEGER, PRIMARY KEY (space, key))"
                      " WITHOUT ROWID",
                      NULL, NULL, NULL),
         SQLITE_OK);
    must(db,
         sqlite3_prepare_v2(db, "INSERT INTO kv VALUES ('bench', ?1, ?2, NULL)", -1, &insert, NULL),
         SQLITE_OK);
    start = loop_now(loop);
    for (int i = 0; i < rows; i++) {
        if (i % group == 0)
            sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        snprintf(key, sizeof key, "k%08d", i);
        sqlite3_bind_blob(insert, 1, key, (int)strlen(key), SQLITE_STATIC);
        sqlite3_bind_blob(insert, 2, value, sizeof value, SQLITE_STATIC);
        must(db, sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
        if (i % group == group - 1 || i == rows - 1)
            must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    }
    start = loop_now(loop) - start;
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return (double)start / rows;
}

int main(void)
{
    static const int flights[] = {1, 10, 100, 1000};
    struct loop *loop = NULL;
    char command[100];

    if (mkdtemp(folder) == NULL || loop_new(&loop, NULL, NULL) != 0)
        return 1;
    for (size_t i = 0; i < sizeof flights / sizeof *flights; i++) {
        int rows = flights[i] == 1 ? ROWS_ONE_BY_ONE : ROWS;
        double we = ours(loop, rows, flights[i]), floor = bare(loop, rows, flights[i]);

        printf("figure kv_set_%d_in_flight %.1f us floor=%.1f aim=-\n", flights[i], we, floor);
        printf("figure kv_rows_%d_in_flight %.0f /s floor=%.0f aim=-\n", flights[i], 1e6 / we,
               1e6 / floor);
    }
    loop_free(loop);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}
