/* Flow files: read on a worker, never outside their root folder. The kernel holds that rule
 * (openat2 with RESOLVE_BENEATH), so no trick with .. or links gets around it. */
#include "base/log.h"
#include "base/mem.h"
#include "session/private.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct flow_read {
    struct work work;
    struct task task; /* instead, when it was read a moment ago */
    bool seen;
    struct runtime *rt;
    char *root, *path;
    size_t max;
    flow_read_h *h; /* NULL: cancelled */
    void *arg;
    char *bytes;
    size_t len;
    long long size, mtime_ns;
    struct error err;
};

bool url_is_http(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

int flow_open(const char *root, const char *path, struct error *err)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    size_t n = strlen(root);
    const char *inside = path;
    int folder, fd;

    if (strncmp(path, root, n) == 0 && path[n] == '/')
        inside = path + n + 1;
    folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set_twilio(err, ERR_IO, 11200, "%s: %s: the folder of the flow", root,
                                strerror(errno));
    fd = (int)syscall(SYS_openat2, folder, inside, &how, sizeof how);
    if (fd < 0 && (errno == EXDEV || errno == ELOOP))
        error_set_twilio(err, ERR_REFUSED, 11200,
                         "%s: lies outside %s: a flow may only use files of its own folder", path,
                         root);
    else if (fd < 0)
        error_set_twilio(err, ERR_IO, 11200, "%s: %s", path, strerror(errno));
    close(folder);
    return fd >= 0 ? fd : err->code;
}

static int read_all(struct flow_read *r, int fd)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set_twilio(&r->err, ERR_INVALID, 11200, "%s: not a regular file", r->path);
    if ((uint64_t)st.st_size > r->max)
        return error_set_twilio(&r->err, ERR_LIMIT, 11750, "%s: larger than %zu bytes", r->path,
                                r->max);
    r->size = (long long)st.st_size;
    r->mtime_ns = (long long)st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
    r->bytes = mem_alloc((size_t)st.st_size + 1);
    if (r->bytes == NULL)
        return error_nomem(&r->err);
    while (r->len < (size_t)st.st_size) {
        n = read(fd, r->bytes + r->len, (size_t)st.st_size - r->len);
        if (n < 0)
            return error_set_twilio(&r->err, ERR_IO, 11200, "%s: %s", r->path, strerror(errno));
        if (n == 0)
            break; /* it shrank meanwhile: what is there is the file */
        r->len += (size_t)n;
    }
    return 0;
}

static void run(struct work *w)
{
    struct flow_read *r = list_entry(w, struct flow_read, work);
    int fd = flow_open(r->root, r->path, &r->err);

    if (fd >= 0) {
        read_all(r, fd);
        close(fd);
    }
}

static void free_read(struct flow_read *r)
{
    mem_free(r->root);
    mem_free(r->path);
    mem_free(r->bytes);
    mem_free(r);
}

static void answer(void *arg)
{
    struct flow_read *r = arg;

    if (r->h != NULL)
        r->h(r->path, r->err.code == 0 ? r->bytes : NULL, r->len, r->mtime_ns / 1000000000LL,
             &r->err, r->arg);
    free_read(r);
}

static void done(struct work *w)
{
    struct flow_read *r = list_entry(w, struct flow_read, work);
    struct flow_seen said = {r->bytes, r->len, r->size, r->mtime_ns};

    if (r->h != NULL && r->err.code == 0)
        flow_saw(r->rt, r->root, r->path, &said);
    answer(r);
}

/* False when it must be read. */
static bool take_seen(struct flow_read *r)
{
    const struct flow_seen *seen = flow_seen(r->rt, r->root, r->path);

    if (seen == NULL || seen->bytes == NULL || seen->len > r->max)
        return false;
    r->bytes = mem_alloc(seen->len + 1);
    if (r->bytes == NULL)
        return false;
    memcpy(r->bytes, seen->bytes, seen->len);
    r->len = seen->len;
    r->mtime_ns = seen->mtime_ns;
    r->seen = true;
    task_init(&r->task, r->rt->parts.loop, answer, r);
    task_post(&r->task);
    return true;
}

struct flow_read *flow_read(struct runtime *rt, const char *root, const char *path, size_t max,
                            flow_read_h *h, void *arg, struct error *err)
{
    struct flow_read *r = mem_alloc(sizeof *r);

    if (r != NULL) {
        r->root = mem_strdup(root);
        r->path = mem_strdup(path);
    }
    if (r == NULL || r->root == NULL || r->path == NULL) {
        if (r != NULL)
            free_read(r);
        error_nomem(err);
        return NULL;
    }
    r->max = max;
    r->h = h;
    r->arg = arg;
    r->rt = rt;
    r->work.run = run;
    r->work.done = done;
    if (!take_seen(r) && work_submit(rt->parts.loop, &r->work) != 0) {
        free_read(r);
        error_set_twilio(err, ERR_IO, 11200, "%s: no worker could be had", path);
        return NULL;
    }
    return r;
}

void flow_read_cancel(struct flow_read *r)
{
    r->h = NULL;
    if (!r->seen)
        return; /* its worker is waited for */
    task_cancel(&r->task);
    free_read(r);
}
