#include "base/disk.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REPORT_EVERY_US (60 * INT64_C(1000000))

/* In virtual time there is no thread: a task runs what waits, so that each run is the same. */
struct disk {
    struct loop *loop;
    struct task task;  /* virtual */
    struct wake *wake; /* real: something is finished */
    pthread_t thread;
    pthread_cond_t cond;
    bool threaded;
    size_t max_bytes;
    int64_t reported; /* when a failing write was last logged; disk thread only */
    unsigned long failures;

    pthread_mutex_t lock; /* for all below */
    struct list waiting, finished;
    struct map appends; /* path -> the append that more bytes may join: no job came after it */
    size_t bytes;       /* held by appends */
    bool idle, gathers; /* the thread waits for a first job; for more of them */
    bool urgent;        /* somebody waits for a job, or memory for its bytes */
    bool ending;
};

/* Our own jobs. */
struct append {
    struct disk_job job;
    struct disk *disk;
    char *path;
    struct str bytes;
};

struct sync {
    struct disk_job job;
    void (*h)(void *arg);
    void *arg;
};

/* --- on the disk thread --- */

int disk_make_folders(const char *path, struct error *err)
{
    char part[PATH_MAX];
    struct stat st;

    if (!str_copy(part, sizeof part, path))
        return error_set(err, ERR_INVALID, "%s: the name is too long", path);
    for (char *p = part + 1; part[0] != '\0'; p++) {
        char end = *p;

        if (end != '/' && end != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return error_set(err, ERR_IO, "%s: cannot make the folder: %s", part, strerror(errno));
        if (end == '\0')
            break;
        *p = end;
    }
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return error_set(err, ERR_IO, "%s: is no folder", path);
    return 0;
}

static int open_append(const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags, 0600);
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    if (fd >= 0 || errno != ENOENT || slash == NULL || slash == path || slash - path >= PATH_MAX)
        return fd;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    if (disk_make_folders(folder, NULL) != 0)
        return -1;
    return open(path, flags, 0600);
}

static int write_append(const struct append *a)
{
    int fd = open_append(a->path);
    size_t done = 0;
    struct stat before;

    if (fd < 0)
        return -1;
    if (fstat(fd, &before) != 0) {
        close(fd);
        return -1;
    }
    while (done < a->bytes.len) {
        ssize_t n = write(fd, a->bytes.data + done, a->bytes.len - done);
        int saved = errno;

        if (n < 0 && saved == EINTR)
            continue;
        if (n < 0) {
            if (done > 0 && S_ISREG(before.st_mode))
                (void)!ftruncate(fd, before.st_size);
            close(fd);
            errno = saved;
            return -1;
        }
        done += (size_t)n;
    }
    return close(fd);
}

static void append_run(struct disk_job *job)
{
    struct append *a = (struct append *)job;
    struct disk *d = a->disk;
    int64_t now = loop_now(d->loop);

    if (write_append(a) != 0 && (d->failures++ == 0 || now - d->reported >= REPORT_EVERY_US)) {
        log_error("disk", NULL, "%s: cannot write: %s (%lu writes failed so far)", a->path,
                  strerror(errno), d->failures);
        d->reported = now;
    }
    pthread_mutex_lock(&d->lock);
    d->bytes -= a->bytes.len;
    pthread_mutex_unlock(&d->lock);
    str_free(&a->bytes);
}

/* Takes the oldest job; from here nothing more joins it. Under the lock. */
static struct disk_job *take(struct disk *d)
{
    struct link_node *n = list_pop(&d->waiting);
    struct disk_job *job = n == NULL ? NULL : list_entry(n, struct disk_job, node);

    if (job != NULL && job->run == append_run) {
        struct append *a = (struct append *)job;

        if (map_get(&d->appends, a->path) == a)
            map_remove(&d->appends, a->path);
    }
    return job;
}

/* Does one thing that waits; false when nothing does. Under the lock, which it leaves meanwhile. An
 * append is told to nobody: on the thread, it is freed there. */
static bool run_one(struct disk *d, bool *told)
{
    struct disk_job *job = take(d);
    bool own = job != NULL && job->run == append_run;

    if (job == NULL)
        return false;
    pthread_mutex_unlock(&d->lock);
    job->run(job);
    if (own)
        job->done(job);
    pthread_mutex_lock(&d->lock);
    if (!own)
        list_append(&d->finished, &job->node);
    *told = !own;
    return true;
}

/* A call writes its journal in many lines, each after an event: what comes within this time is one
 * write to each file, and one waking. (Waking for each line was a quarter of the processor time of
 * a short call; and at 2 ms, an eighth.) Who waits for a job does not wait for this. */
#define GATHER_MS 20

static void gather(struct disk *d)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    d->gathers = true;
    while (!d->urgent && !d->ending &&
           pthread_cond_timedwait(&d->cond, &d->lock, &until) != ETIMEDOUT)
        continue;
    d->gathers = false;
}

static void *disk_thread(void *arg)
{
    struct disk *d = arg;

    bool told;

    pthread_mutex_lock(&d->lock);
    for (;;) {
        if (run_one(d, &told)) {
            if (told)
                wake_send(d->wake);
        } else if (d->ending) {
            break;
        } else {
            d->urgent = false;
            d->idle = true;
            while (list_empty(&d->waiting) && !d->ending)
                pthread_cond_wait(&d->cond, &d->lock);
            d->idle = false;
            gather(d);
        }
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* --- on the loop --- */

/* Tells the owners of all that is finished. */
static void on_finished(void *arg)
{
    struct disk *d = arg;

    for (;;) {
        struct link_node *n;
        struct disk_job *job;

        pthread_mutex_lock(&d->lock);
        n = list_pop(&d->finished);
        pthread_mutex_unlock(&d->lock);
        if (n == NULL)
            return;
        job = list_entry(n, struct disk_job, node);
        job->done(job);
    }
}

/* Does the thread's work here. */
static void run_here(void *arg)
{
    struct disk *d = arg;
    bool ran, told;

    do {
        pthread_mutex_lock(&d->lock);
        ran = run_one(d, &told);
        pthread_mutex_unlock(&d->lock);
        on_finished(d);
    } while (ran);
}

/* Whose waiting ends by the monotonic clock. */
static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

int disk_new(struct disk **dp, struct loop *loop, size_t max_bytes, struct error *err)
{
    struct disk *d = mem_alloc(sizeof *d);
    int rc;

    if (d == NULL)
        return error_nomem(err);
    d->loop = loop;
    d->max_bytes = max_bytes;
    list_init(&d->waiting);
    list_init(&d->finished);
    pthread_mutex_init(&d->lock, NULL);
    cond_init(&d->cond);
    task_init(&d->task, loop, run_here, d);
    rc = wake_new(&d->wake, loop, on_finished, d, err);
    if (rc != 0) {
        disk_free(d);
        return rc;
    }
    if (!loop_is_virtual(loop)) {
        rc = pthread_create(&d->thread, NULL, disk_thread, d);
        if (rc != 0) {
            disk_free(d);
            return error_set(err, ERR_IO, "cannot start the disk thread: %s", strerror(rc));
        }
        d->threaded = true;
    }
    *dp = d;
    return 0;
}

struct disk *disk_free(struct disk *d)
{
    if (d == NULL)
        return NULL;
    if (d->threaded) {
        pthread_mutex_lock(&d->lock);
        d->ending = true;
        pthread_cond_signal(&d->cond);
        pthread_mutex_unlock(&d->lock);
        pthread_join(d->thread, NULL);
        d->threaded = false;
    }
    run_here(d); /* what the last answers asked for, and all of it in virtual time */
    task_cancel(&d->task);
    wake_free(d->wake);
    map_free(&d->appends);
    pthread_cond_destroy(&d->cond);
    pthread_mutex_destroy(&d->lock);
    mem_free(d);
    return NULL;
}

/* Under the lock. */
static void hurry(struct disk *d)
{
    if (d->gathers && !d->urgent)
        pthread_cond_signal(&d->cond);
    d->urgent = true;
}

/* Under the lock. */
static void enqueue(struct disk *d, struct disk_job *job)
{
    list_append(&d->waiting, &job->node);
    if (!d->threaded)
        task_post(&d->task);
    else if (d->idle)
        pthread_cond_signal(&d->cond);
    d->idle = false;
}

static void append_done(struct disk_job *job)
{
    struct append *a = (struct append *)job;

    str_free(&a->bytes);
    mem_free(a->path);
    mem_free(a);
}

static struct append *append_new(struct disk *d, const char *path, const void *bytes, size_t n)
{
    struct append *a = mem_alloc(sizeof *a);

    if (a == NULL)
        return NULL;
    a->job.run = append_run;
    a->job.done = append_done;
    a->disk = d;
    a->bytes = STR_INIT(d->max_bytes);
    a->path = mem_strdup(path);
    str_addn(&a->bytes, bytes, n);
    if (a->path == NULL || a->bytes.failed) {
        append_done(&a->job);
        return NULL;
    }
    return a;
}

/* Joins an append to the same file that still waits, else makes one. Under the lock. */
static int append_locked(struct disk *d, const char *path, const void *bytes, size_t n)
{
    struct append *a = map_get(&d->appends, path);

    if (n > d->max_bytes - d->bytes)
        return ERR_LIMIT;
    if (a != NULL) {
        str_addn(&a->bytes, bytes, n);
        if (a->bytes.failed) {
            a->bytes.failed = false; /* what it holds already is still to be written */
            return ERR_NOMEM;
        }
    } else {
        a = append_new(d, path, bytes, n);
        if (a == NULL)
            return ERR_NOMEM;
        map_set(&d->appends, path, a); /* when it fails, only the joining is lost */
        enqueue(d, &a->job);
    }
    d->bytes += n;
    if (d->bytes > d->max_bytes / 2)
        hurry(d);
    return 0;
}

int disk_append(struct disk *d, const char *path, const void *bytes, size_t n)
{
    int rc;

    pthread_mutex_lock(&d->lock);
    rc = append_locked(d, path, bytes, n);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

void disk_submit(struct disk *d, struct disk_job *job)
{
    pthread_mutex_lock(&d->lock);
    map_free(&d->appends); /* later bytes must not overtake this job */
    enqueue(d, job);
    hurry(d);
    pthread_mutex_unlock(&d->lock);
}

struct removal {
    struct disk_job job;
    char path[];
};

static void removal_run(struct disk_job *job)
{
    unlink(((struct removal *)job)->path);
}

static void removal_done(struct disk_job *job)
{
    mem_free(job);
}

void disk_remove(struct disk *d, const char *path)
{
    size_t size = strlen(path) + 1;
    struct removal *r = mem_alloc(sizeof *r + size);

    if (r == NULL) {
        unlink(path); /* better late than never */
        return;
    }
    r->job.run = removal_run;
    r->job.done = removal_done;
    memcpy(r->path, path, size);
    disk_submit(d, &r->job);
}

static void sync_run(struct disk_job *job)
{
    (void)job; /* its turn has come: that is all */
}

static void sync_done(struct disk_job *job)
{
    struct sync *s = (struct sync *)job;

    s->h(s->arg);
    mem_free(s);
}

int disk_sync(struct disk *d, void (*h)(void *arg), void *arg)
{
    struct sync *s = mem_alloc(sizeof *s);

    if (s == NULL)
        return ERR_NOMEM;
    s->job.run = sync_run;
    s->job.done = sync_done;
    s->h = h;
    s->arg = arg;
    disk_submit(d, &s->job);
    return 0;
}
