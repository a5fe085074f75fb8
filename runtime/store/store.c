#include "store/store.h"

#include "base/mem.h"
#include <pthread.h>
#include <string.h>

struct store {
    struct loop *loop;
    struct db *db;     /* the thread's, once there is one */
    struct task task;  /* virtual */
    struct wake *wake; /* real: something is finished */
    pthread_t thread;
    pthread_cond_t cond;
    bool threaded;

    pthread_mutex_t lock; /* for all below */
    struct list waiting, finished;
    size_t jobs, bytes; /* submitted and not yet done */
    bool ending;
};

static struct store_job *job_of(struct link_node *n)
{
    return n == NULL ? NULL : list_entry(n, struct store_job, node);
}

/* --- on the store's thread --- */

static void move_all(struct list *from, struct list *to)
{
    struct link_node *n;

    while ((n = list_pop(from)) != NULL)
        list_append(to, n);
}

/* What a transaction that is lost held fails with it. */
static void fail_done(struct list *done, const struct error *why)
{
    for (struct link_node *n = list_first(done); n != NULL; n = list_next(done, n))
        if (job_of(n)->err.code == 0)
            job_of(n)->err = *why;
}

/* Does the jobs of one transaction; those that it did not come to stay in `group`. */
static void run_group(struct db *db, struct list *group, struct list *done)
{
    struct error err = {0};
    struct store_job *job;

    if (db_begin(db, &err) != 0) {
        move_all(group, done);
        fail_done(done, &err);
        return;
    }
    while ((job = job_of(list_pop(group))) != NULL) {
        int rc = job->run(job, db, &job->err);

        list_append(done, &job->node);
        if (rc == 0)
            continue;
        job->err.code = rc;
        if (!db_in_transaction(db)) {
            fail_done(done, &job->err);
            return;
        }
    }
    if (db_commit(db, &err) != 0)
        fail_done(done, &err);
}

static void take_group(struct store *s, struct list *group)
{
    struct link_node *n;

    for (unsigned i = 0; i < STORE_GROUP_MAX && (n = list_pop(&s->waiting)) != NULL; i++)
        list_append(group, n);
}

/* Does one group of what waits; false when nothing does. Under the lock, which it leaves
 * meanwhile. */
static bool run_some(struct store *s)
{
    struct list group, done;

    list_init(&group);
    list_init(&done);
    take_group(s, &group);
    if (list_empty(&group))
        return false;
    pthread_mutex_unlock(&s->lock);
    while (!list_empty(&group)) {
        struct list part;

        list_init(&part);
        run_group(s->db, &group, &part);
        move_all(&part, &done);
    }
    pthread_mutex_lock(&s->lock);
    move_all(&done, &s->finished);
    return true;
}

static void *store_thread(void *arg)
{
    struct store *s = arg;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        if (run_some(s))
            wake_send(s->wake);
        else if (!s->ending)
            pthread_cond_wait(&s->cond, &s->lock);
        else
            break;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* --- on the loop --- */

/* Tells the owners of all that is finished. */
static void on_finished(void *arg)
{
    struct store *s = arg;

    for (;;) {
        struct store_job *job;
        struct error err;

        pthread_mutex_lock(&s->lock);
        job = job_of(list_pop(&s->finished));
        if (job != NULL) {
            s->jobs--;
            s->bytes -= job->bytes;
        }
        pthread_mutex_unlock(&s->lock);
        if (job == NULL)
            return;
        err = job->err; /* the owner may free the job */
        job->done(job, err.code != 0 ? &err : NULL);
    }
}

/* Does the thread's work here. */
static void run_here(void *arg)
{
    struct store *s = arg;
    bool ran;

    do {
        pthread_mutex_lock(&s->lock);
        ran = run_some(s);
        pthread_mutex_unlock(&s->lock);
        on_finished(s);
    } while (ran);
}

int store_submit(struct store *s, struct store_job *job, struct error *err)
{
    bool room;

    memset(&job->err, 0, sizeof job->err);
    pthread_mutex_lock(&s->lock);
    room = s->jobs < STORE_QUEUE_MAX && job->bytes <= STORE_QUEUE_BYTES - s->bytes;
    if (room) {
        s->jobs++;
        s->bytes += job->bytes;
        list_append(&s->waiting, &job->node);
        if (s->threaded)
            pthread_cond_signal(&s->cond);
        else
            task_post(&s->task);
    }
    pthread_mutex_unlock(&s->lock);
    return room ? 0
                : error_set(err, ERR_LIMIT,
                            "the store has %d operations or %d MB waiting already: its disk is "
                            "slower than what is asked of it",
                            STORE_QUEUE_MAX, STORE_QUEUE_BYTES / 1048576);
}

/* --- life --- */

static int start(struct store *s, const char *path, struct error *err)
{
    int rc = db_open(&s->db, path, err);

    if (rc == 0)
        rc = wake_new(&s->wake, s->loop, on_finished, s, err);
    if (rc != 0 || loop_is_virtual(s->loop))
        return rc;
    rc = pthread_create(&s->thread, NULL, store_thread, s);
    if (rc != 0)
        return error_set(err, ERR_IO, "cannot start the store's thread: %s", strerror(rc));
    s->threaded = true;
    return 0;
}

int store_open(struct store **sp, struct loop *loop, const char *path, struct error *err)
{
    struct store *s = mem_alloc(sizeof *s);
    int rc;

    if (s == NULL)
        return error_nomem(err);
    s->loop = loop;
    list_init(&s->waiting);
    list_init(&s->finished);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->cond, NULL);
    task_init(&s->task, loop, run_here, s);
    rc = start(s, path, err);
    if (rc != 0) {
        store_close(s);
        return rc;
    }
    *sp = s;
    return 0;
}

struct store *store_close(struct store *s)
{
    if (s == NULL)
        return NULL;
    if (s->threaded) {
        pthread_mutex_lock(&s->lock);
        s->ending = true;
        pthread_cond_signal(&s->cond);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
        s->threaded = false;
    }
    run_here(s); /* what the last answers asked for, and all of it in virtual time */
    task_cancel(&s->task);
    wake_free(s->wake);
    db_close(s->db);
    pthread_cond_destroy(&s->cond);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
    return NULL;
}
