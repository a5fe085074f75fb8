#include "web/private.h"

#include "base/log.h"
#include "base/mem.h"
#include "media/file.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- files --- */

/* No name, and no link in the folder, leads out of it. */
static int open_beneath(int folder, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

int recording_open(struct web *w, const char *account, const char *recording, const char *suffix,
                   int64_t *size)
{
    char name[90];
    struct stat st;
    int fd;

    snprintf(name, sizeof name, "%s/%s%s", account, recording, suffix);
    fd = open_beneath(w->folder_fd, name);
    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            log_warn("web", NULL, "%s/%s: %s", w->folder, name, strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        *size = st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

/* --- ranges (RFC 9110 §14; one range only, as a player asks for) --- */

static bool read_number(const char **p, int64_t *n)
{
    const char *start = *p;

    *n = 0;
    for (; isdigit((unsigned char)**p); (*p)++) {
        if (*n > INT64_MAX / 10 - 10)
            return false;
        *n = *n * 10 + (**p - '0');
    }
    return *p > start;
}

int recording_range(const char *field, int64_t size, int64_t *from, int64_t *to)
{
    const char *p = field + 6;
    bool first, last;

    if (strncmp(field, "bytes=", 6) != 0)
        return 0;
    first = read_number(&p, from);
    if (*p++ != '-')
        return 0;
    last = read_number(&p, to);
    if (*p != '\0' || (!first && !last) || (first && last && *from > *to))
        return 0;
    if (!first) { /* the last so many bytes */
        *from = *to < size ? size - *to : 0;
        *to = size - 1;
    }
    if (!last || *to >= size)
        *to = size - 1;
    return *from < size ? 1 : -1;
}

/* --- mp3, one at a time --- */

struct conversion {
    struct work work;
    struct web *web; /* NULL: nobody is interested any more */
    struct link_node node;
    struct list waiters; /* struct answer */
    char account[36], recording[36];
    char wav[700], mp3[700];
    bool running, good;
    struct error err;
};

static void run(struct work *work)
{
    struct conversion *c = (struct conversion *)work;

    c->good = audio_file_to_mp3(c->wav, c->mp3, &c->err) == 0;
}

static void finish(struct conversion *c)
{
    struct link_node *n;

    list_remove(&c->node);
    c->web->n_conversions--;
    while ((n = list_pop(&c->waiters)) != NULL)
        answer_converted(list_entry(n, struct answer, node), c->good);
    mem_free(c);
}

static void start_next(struct web *w);

static void on_done(struct work *work)
{
    struct conversion *c = (struct conversion *)work;
    struct web *w = c->web;

    if (w == NULL) {
        mem_free(c);
        return;
    }
    if (!c->good)
        log_warn("web", NULL, "%s: %s", c->mp3, c->err.text);
    finish(c);
    start_next(w);
}

static void start_next(struct web *w)
{
    struct link_node *n;

    while ((n = list_first(&w->conversions)) != NULL) {
        struct conversion *c = list_entry(n, struct conversion, node);

        if (c->running)
            return;
        c->running = true;
        if (work_submit(w->loop, &c->work) == 0)
            return;
        finish(c);
    }
}

static struct conversion *find(struct web *w, const struct answer *a)
{
    for (struct link_node *n = list_first(&w->conversions); n != NULL;
         n = list_next(&w->conversions, n)) {
        struct conversion *c = list_entry(n, struct conversion, node);

        if (strcmp(c->account, a->account) == 0 && strcmp(c->recording, a->recording) == 0)
            return c;
    }
    return NULL;
}

static struct conversion *conversion_new(struct web *w, const struct answer *a)
{
    struct conversion *c;

    if (w->n_conversions >= WEB_CONVERSIONS)
        return NULL;
    c = mem_alloc(sizeof *c);
    if (c == NULL)
        return NULL;
    c->work.run = run;
    c->work.done = on_done;
    c->web = w;
    list_init(&c->waiters);
    memcpy(c->account, a->account, sizeof c->account);
    memcpy(c->recording, a->recording, sizeof c->recording);
    snprintf(c->wav, sizeof c->wav, "%s/%s/%s.wav", w->folder, a->account, a->recording);
    snprintf(c->mp3, sizeof c->mp3, "%s/%s/%s.mp3", w->folder, a->account, a->recording);
    list_append(&w->conversions, &c->node);
    w->n_conversions++;
    return c;
}

int recording_convert(struct web *w, struct answer *a)
{
    struct conversion *c = find(w, a);

    if (c == NULL)
        c = conversion_new(w, a);
    if (c == NULL)
        return ERR_LIMIT;
    a->waiting = c;
    list_append(&c->waiters, &a->node);
    start_next(w);
    return 0;
}

void recording_forget(struct answer *a)
{
    list_remove(&a->node);
    a->waiting = NULL;
}

void recording_abandon(struct web *w)
{
    struct link_node *n;

    while ((n = list_pop(&w->conversions)) != NULL) {
        struct conversion *c = list_entry(n, struct conversion, node);

        while ((n = list_pop(&c->waiters)) != NULL)
            list_entry(n, struct answer, node)->waiting = NULL;
        c->web = NULL;
        if (!c->running)
            mem_free(c);
    }
}
