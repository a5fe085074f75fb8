#include "store/db.h"

#include "base/disk.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

enum {
    KEPT_MAX = 32,            /* compiled statements; the constants of all resources fit */
    COLUMNS_MAX = 24,         /* of a row */
    VERSION = 2,              /* of the tables */
    APPLICATION = 0x416c6d6e, /* "Almn", in the file's header */
    BUSY_MS = 3000,           /* another process (a backup) may hold the file so long */
    PAGE_BYTES = 4096,        /* SQLite's usual */
    FILE_MAX_MB = 4096,       /* beyond that writing fails: a flow must not fill the disk */
    CACHE_KB = 2048,          /* of pages, in memory */
};

struct kept {
    const char *sql; /* the constant */
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *sqlite;
    char *path; /* for messages */
    struct kept kept[KEPT_MAX];
    size_t n_kept;
};

/* What each version adds; a file of version n runs all behind the n-th. */
static const char *const versions[VERSION] = {
    "CREATE TABLE kv (space BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, expires INTEGER,"
    "                 PRIMARY KEY (space, key)) WITHOUT ROWID;"
    "CREATE INDEX kv_expires ON kv (expires) WHERE expires IS NOT NULL;"
    /* How much each namespace holds, kept by the database itself. */
    "CREATE TABLE kv_space (space BLOB PRIMARY KEY, keys INTEGER NOT NULL, bytes INTEGER NOT NULL)"
    "                       WITHOUT ROWID;"
    "CREATE TRIGGER kv_insert AFTER INSERT ON kv BEGIN"
    " INSERT INTO kv_space VALUES (NEW.space, 1, length(NEW.key) + length(NEW.value))"
    " ON CONFLICT (space) DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;"
    "END;"
    "CREATE TRIGGER kv_update AFTER UPDATE OF value ON kv BEGIN"
    " UPDATE kv_space SET bytes = bytes + length(NEW.value) - length(OLD.value)"
    "  WHERE space = NEW.space;"
    "END;"
    "CREATE TRIGGER kv_delete AFTER DELETE ON kv BEGIN"
    " UPDATE kv_space SET keys = keys - 1, bytes = bytes - length(OLD.key) - length(OLD.value)"
    "  WHERE space = OLD.space;"
    "END;",
    "CREATE TABLE message (number INTEGER PRIMARY KEY, sid BLOB NOT NULL UNIQUE, once BLOB UNIQUE,"
    " account BLOB NOT NULL, direction BLOB NOT NULL, sender BLOB NOT NULL, receiver BLOB NOT NULL,"
    " body BLOB NOT NULL, status BLOB NOT NULL, code INTEGER NOT NULL, segments INTEGER NOT NULL,"
    " media INTEGER NOT NULL, gateway BLOB, rest BLOB, created INTEGER NOT NULL,"
    " updated INTEGER NOT NULL, open INTEGER NOT NULL);"
    "CREATE INDEX message_open ON message (number) WHERE open = 1;"
    "CREATE INDEX message_ended ON message (created) WHERE open = 0;"
    "CREATE INDEX message_account ON message (account, number);"
    "CREATE TABLE opt_out (own BLOB NOT NULL, other BLOB NOT NULL, since INTEGER NOT NULL,"
    "                      PRIMARY KEY (own, other)) WITHOUT ROWID;",
};

/* --- messages --- */

static int say(const struct db *db, const char *what, struct error *err)
{
    int code = sqlite3_extended_errcode(db->sqlite);
    const char *why = sqlite3_errmsg(db->sqlite);

    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return error_nomem(err);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return error_set(err, ERR_INVALID,
                         "%s: damaged, or no SQLite database (%s); put a copy in its place, or "
                         "move it away to begin with an empty one",
                         db->path, why);
    case SQLITE_FULL:
        return error_set(err, ERR_LIMIT, "%s: %s: the disk is full, or the file has reached %d MB",
                         db->path, what, FILE_MAX_MB);
    case SQLITE_BUSY:
        return error_set(err, ERR_IO, "%s: %s: another process holds it; end that one", db->path,
                         what);
    default:
        return error_set(err, ERR_IO, "%s: %s: %s (SQLite %d)", db->path, what, why, code);
    }
}

/* --- statements --- */

static int compile(struct db *db, const char *sql, sqlite3_stmt **stmt, struct error *err)
{
    for (size_t i = 0; i < db->n_kept; i++)
        if (db->kept[i].sql == sql) {
            *stmt = db->kept[i].stmt;
            return 0;
        }
    if (db->n_kept == KEPT_MAX)
        return error_set(err, ERR_LIMIT, "more than %d kinds of SQL statement", KEPT_MAX);
    if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK)
        return say(db, "cannot prepare a statement", err);
    db->kept[db->n_kept++] = (struct kept){sql, *stmt};
    return 0;
}

static int bind_value(sqlite3_stmt *stmt, int at, const struct db_value *v)
{
    switch (v->kind) {
    case DB_INT:
        return sqlite3_bind_int64(stmt, at, v->number);
    case DB_BYTES:
        return sqlite3_bind_blob64(stmt, at, v->len > 0 ? v->bytes : "", v->len, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

/* Columns of bytes are text to SQLite's eyes, only so that they end with a NUL. */
static int hand_row(sqlite3_stmt *stmt, db_row_h *h, void *arg, struct error *err)
{
    struct db_value columns[COLUMNS_MAX] = {0};
    int count = sqlite3_column_count(stmt);

    for (int i = 0; i < count && i < COLUMNS_MAX; i++) {
        switch (sqlite3_column_type(stmt, i)) {
        case SQLITE_NULL:
            break;
        case SQLITE_INTEGER:
            columns[i].kind = DB_INT;
            columns[i].number = sqlite3_column_int64(stmt, i);
            break;
        default:
            columns[i].kind = DB_BYTES;
            columns[i].bytes = (const char *)sqlite3_column_text(stmt, i);
            columns[i].len = (size_t)sqlite3_column_bytes(stmt, i);
            if (columns[i].bytes == NULL)
                return error_nomem(err);
        }
    }
    return h(arg, columns, (size_t)count, err);
}

static int step_all(struct db *db, sqlite3_stmt *stmt, db_row_h *h, void *arg, struct error *err)
{
    int rc, got;

    while ((got = sqlite3_step(stmt)) == SQLITE_ROW)
        if (h != NULL && (rc = hand_row(stmt, h, arg, err)) != 0)
            return rc;
    return got == SQLITE_DONE ? 0 : say(db, "a statement failed", err);
}

int db_run(struct db *db, const char *sql, const struct db_value *params, size_t count, db_row_h *h,
           void *arg, struct error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = compile(db, sql, &stmt, err);

    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (bind_value(stmt, (int)i + 1, &params[i]) != SQLITE_OK)
            rc = say(db, "cannot pass a value", err);
    if (rc == 0)
        rc = step_all(db, stmt, h, arg, err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}

static int script(struct db *db, const char *sql, const char *what, struct error *err)
{
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : say(db, what, err);
}

bool db_in_transaction(const struct db *db)
{
    return !sqlite3_get_autocommit(db->sqlite);
}

int db_begin(struct db *db, struct error *err)
{
    return script(db, "BEGIN IMMEDIATE", "cannot begin a transaction", err);
}

int db_commit(struct db *db, struct error *err)
{
    int rc = script(db, "COMMIT", "cannot commit", err);

    if (rc != 0 && db_in_transaction(db))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* --- life --- */

static int take_number(void *arg, const struct db_value *columns, size_t count, struct error *err)
{
    (void)count;
    (void)err;
    *(int64_t *)arg = columns[0].number;
    return 0;
}

/* SQLite gives its companions (-wal, -shm) the rights of the file. */
static int make_file(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    int fd, rc;

    if (strlen(path) >= sizeof folder)
        return error_set(err, ERR_INVALID, "%s: the name is too long", path);
    if (slash != NULL && slash != path) {
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
        if ((rc = disk_make_folders(folder, err)) != 0)
            return rc;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERR_IO, "%s: cannot open the database: %s", path, strerror(errno));
    close(fd);
    return 0;
}

static int upgrade(struct db *db, int64_t from, struct error *err)
{
    struct str sql = STR_INIT(65536);
    int rc;

    str_add(&sql, "BEGIN IMMEDIATE;");
    for (int64_t v = from; v < VERSION; v++)
        str_add(&sql, versions[v]);
    str_addf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;", APPLICATION,
             VERSION);
    rc = sql.failed ? error_nomem(err) : script(db, str_text(&sql), "cannot make its tables", err);
    str_free(&sql);
    return rc;
}

/* Ours, of which version, and whole as far as a look at its first pages can tell? */
static int look_at_tables(struct db *db, struct error *err)
{
    int64_t application = 0, version = 0, tables = 0;
    int rc;

    if ((rc = db_run(db, "PRAGMA application_id", NULL, 0, take_number, &application, err)) != 0 ||
        (rc = db_run(db, "PRAGMA user_version", NULL, 0, take_number, &version, err)) != 0 ||
        (rc = db_run(db, "SELECT count(*) FROM sqlite_master", NULL, 0, take_number, &tables,
                     err)) != 0)
        return rc;
    if (tables > 0 && application != APPLICATION)
        return error_set(err, ERR_INVALID, "%s: a database of another program; name another file",
                         db->path);
    if (version > VERSION)
        return error_set(err, ERR_INVALID,
                         "%s: written by a newer almon (tables of version %d, this one knows %d)",
                         db->path, (int)version, VERSION);
    return version < VERSION ? upgrade(db, version, err) : 0;
}

static int set_up(struct db *db, struct error *err)
{
    struct str sql = STR_INIT(1024);
    int rc;

    sqlite3_busy_timeout(db->sqlite, BUSY_MS);
    str_addf(&sql,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = 0;"
             "PRAGMA cache_size = -%d; PRAGMA max_page_count = %d;",
             CACHE_KB, FILE_MAX_MB * (1048576 / PAGE_BYTES));
    rc = sql.failed ? error_nomem(err) : script(db, str_text(&sql), "cannot open", err);
    str_free(&sql);
    return rc == 0 ? look_at_tables(db, err) : rc;
}

int db_open(struct db **dbp, const char *path, struct error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    struct db *db;
    int rc;

    if (path != NULL && (rc = make_file(path, err)) != 0)
        return rc;
    db = mem_alloc(sizeof *db);
    if (db == NULL || (db->path = mem_strdup(path != NULL ? path : "the store")) == NULL) {
        mem_free(db);
        return error_nomem(err);
    }
    if (sqlite3_open_v2(path != NULL ? path : ":memory:", &db->sqlite, flags, NULL) != SQLITE_OK)
        rc = say(db, "cannot open", err);
    else
        rc = set_up(db, err);
    if (rc != 0) {
        db_close(db);
        return rc;
    }
    *dbp = db;
    return 0;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->n_kept; i++)
        sqlite3_finalize(db->kept[i].stmt);
    sqlite3_close(db->sqlite);
    mem_free(db->path);
    mem_free(db);
}
