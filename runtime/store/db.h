/* SQL as the named operations of each resource see it: one statement, its parameters, its rows. A
 * driver is behind it (db_sqlite.c); SQL texts keep to what SQLite and PostgreSQL share, with
 * parameters $1, $2 … first used in that order.
 *
 * A database belongs to one thread at a time. Everything here blocks. */
#ifndef ALMON_STORE_DB_H
#define ALMON_STORE_DB_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;

enum db_kind { DB_NULL, DB_INT, DB_BYTES };
struct db_value {
    enum db_kind kind;
    int64_t number;
    const char *bytes; /* a row's are NUL-terminated, and gone when the row's handler returns */
    size_t len;
};

/* Parameters of a statement. */
#define DB_NUMBER(n)                                                                               \
    {                                                                                              \
        .kind = DB_INT, .number = (n)                                                              \
    }
#define DB_TEXT(s, n)                                                                              \
    {                                                                                              \
        .kind = DB_BYTES, .bytes = (s), .len = (n)                                                 \
    }

/* A row's columns. A negative answer ends the query, and is its result. */
typedef int db_row_h(void *arg, const struct db_value *columns, size_t count, struct error *err);

/* Opens, or makes, a database and brings its tables to the present version. NULL: in memory. */
int db_open(struct db **dbp, const char *path, struct error *err);
/* Accepts NULL. */
void db_close(struct db *db);

/* Runs one statement. `sql` must be a constant: its address is what its compiled form is kept
 * under. `h` may be NULL. */
int db_run(struct db *db, const char *sql, const struct db_value *params, size_t count, db_row_h *h,
           void *arg, struct error *err);

int db_begin(struct db *db, struct error *err);
/* After a failure nothing of the transaction is there. */
int db_commit(struct db *db, struct error *err);
/* False when a failing statement (a full disk, say) took the whole transaction with it. */
bool db_in_transaction(const struct db *db);

#endif
