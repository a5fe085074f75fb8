/* The store: one database, and the one thread that speaks to it. What waits when the thread is
 * free is done as a group, in one transaction, so that a disk's slow "it is safe now" is paid once
 * for all of them. In virtual time a task takes the thread's place. */
#ifndef ALMON_STORE_STORE_H
#define ALMON_STORE_STORE_H

#include "base/list.h"
#include "base/loop.h"
#include "store/db.h"

enum {
    STORE_GROUP_MAX = 256,            /* jobs in one transaction */
    STORE_QUEUE_MAX = 4096,           /* jobs that wait, */
    STORE_QUEUE_BYTES = 16 * 1048576, /* and the memory that they say they hold */
};

struct store;
struct store_job {
    /* On the store's thread, inside a transaction. What it did is kept only when it answers 0 and
     * the transaction can be committed; so it does its one writing statement last. */
    int (*run)(struct store_job *job, struct db *db, struct error *err);
    /* On the loop, in the order of submission, after the commit; `err` is NULL when it worked.
     * May free the job. */
    void (*done)(struct store_job *job, const struct error *err);
    size_t bytes; /* what it holds in memory */
    struct link_node node;
    struct error err;
};

/* As kv_open(). */
int store_open(struct store **sp, struct loop *loop, const char *path, struct error *err);
/* Finishes all that was submitted, every `done` called. Accepts NULL; returns NULL. */
struct store *store_close(struct store *s);
/* 0, or ERR_LIMIT when too much waits already: then neither function is called. */
int store_submit(struct store *s, struct store_job *job, struct error *err);

#endif
