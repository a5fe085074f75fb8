/* Audio for Play: from the web through the media cache, or from the flow's own folder; decoded once
 * and kept in memory while there is room. */
#include "base/mem.h"
#include "base/url.h"
#include "session/private.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Step 1 for files: whether it may be read, and which version it is. */
struct stat_work {
    struct work work;
    struct task task; /* instead, when it was looked at a moment ago */
    bool seen;
    struct load *load; /* NULL: cancelled */
    char *root, *path;
    long long size, mtime;
    struct error err;
};

struct load {
    struct session *session;
    enum codec codec;
    load_h *h;
    void *arg;
    struct fetch *fetch;       /* step 1 for URLs */
    struct stat_work *stat;    /* step 1 for files */
    struct decoding *decoding; /* step 2 */
    struct link_node node;     /* among those who wait for it */
    char *once;                /* a webhook answer's body: removed when it was read */
};

/* One file on its way through a decoder, for all who want it: a hundred calls that begin with the
 * same new prompt decode it once. */
struct decoding {
    struct link_node node; /* of runtime.decodings */
    struct runtime *rt;
    struct audio_loader *decoder; /* NULL: done */
    struct list waiters;          /* struct load */
    bool keep;                    /* in the cache */
    char key[600];
};

static void load_free(struct load *l)
{
    if (l->once != NULL)
        disk_remove(l->session->rt->parts.disk, l->once);
    mem_free(l->once);
    mem_free(l);
}

static void finish(struct load *l, struct audio *audio, const struct error *err)
{
    load_h *h = l->h;
    void *arg = l->arg;

    load_free(l);
    h(audio, err, arg);
}

static void decoding_free(struct decoding *d)
{
    list_remove(&d->node);
    mem_free(d);
}

static void decoded(void *arg, struct audio *audio, const struct error *err)
{
    struct decoding *d = arg;
    struct link_node *n;

    d->decoder = NULL;
    list_remove(&d->node); /* who comes now asks the cache */
    if (audio != NULL && d->keep)
        audio_cache_put(d->rt->parts.audio, d->key, audio);
    while ((n = list_pop(&d->waiters)) != NULL) {
        struct load *l = list_entry(n, struct load, node);

        l->decoding = NULL;
        finish(l, audio, err);
    }
    decoding_free(d);
    audio_unref(audio);
}

static struct decoding *decoding_find(struct runtime *rt, const char *key)
{
    for (struct link_node *n = list_first(&rt->decodings); n != NULL;
         n = list_next(&rt->decodings, n)) {
        struct decoding *d = list_entry(n, struct decoding, node);

        if (strcmp(d->key, key) == 0)
            return d;
    }
    return NULL;
}

static struct decoding *decoding_new(struct load *l, const char *key, const char *path,
                                     const char *mime, struct error *err)
{
    struct runtime *rt = l->session->rt;
    struct decoding *d = mem_alloc(sizeof *d);

    if (d == NULL) {
        error_nomem(err);
        return NULL;
    }
    d->rt = rt;
    d->keep = l->once == NULL;
    list_init(&d->waiters);
    str_copy(d->key, sizeof d->key, key);
    if (audio_load(&d->decoder, rt->parts.loop, path, mime, l->codec, decoded, d, err) != 0) {
        mem_free(d);
        return NULL;
    }
    list_append(&rt->decodings, &d->node);
    return d;
}

/* Step 2: the version is known, so the cache can be asked. */
static void decode(struct load *l, const char *path, const char *mime, const char *version)
{
    struct runtime *rt = l->session->rt;
    struct audio *audio;
    struct error err = {0};
    char key[600];

    snprintf(key, sizeof key, "%s|%s", codec_name(l->codec), version);
    audio = audio_cache_get(rt->parts.audio, key);
    if (audio != NULL) {
        finish(l, audio, NULL);
        audio_unref(audio);
        return;
    }
    l->decoding = decoding_find(rt, key);
    if (l->decoding == NULL)
        l->decoding = decoding_new(l, key, path, mime, &err);
    if (l->decoding == NULL)
        finish(l, NULL, &err);
    else
        list_append(&l->decoding->waiters, &l->node);
}

/* The last one who leaves stops the decoder. */
static void stop_waiting(struct load *l)
{
    struct decoding *d = l->decoding;

    list_remove(&l->node);
    if (d->decoder == NULL || !list_empty(&d->waiters))
        return;
    audio_load_cancel(d->decoder);
    decoding_free(d);
}

static void fetched(const struct fetched *f, void *arg)
{
    struct load *l = arg;
    struct error err = {0};

    l->fetch = NULL;
    if (f->twilio == 0) {
        decode(l, f->path, f->mime, f->key);
        return;
    }
    error_set_twilio(&err, ERR_IO, f->twilio, "%s", f->text);
    finish(l, NULL, &err);
}

/* --- files --- */

static void stat_run(struct work *w)
{
    struct stat_work *sw = list_entry(w, struct stat_work, work);
    int fd = flow_open(sw->root, sw->path, &sw->err);
    struct stat st;

    if (fd < 0)
        return;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        error_set_twilio(&sw->err, ERR_INVALID, 13420, "%s: not a regular file", sw->path);
    else {
        sw->size = (long long)st.st_size;
        sw->mtime = (long long)st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
    }
    close(fd);
}

static void stat_free(struct stat_work *sw)
{
    mem_free(sw->root);
    mem_free(sw->path);
    mem_free(sw);
}

static void stat_answer(void *arg)
{
    struct stat_work *sw = arg;
    struct load *l = sw->load;
    char version[512];

    if (l != NULL) {
        l->stat = NULL;
        snprintf(version, sizeof version, "%.400s|%lld|%lld", sw->path, sw->size, sw->mtime);
        if (sw->err.code != 0)
            finish(l, NULL, &sw->err);
        else
            decode(l, sw->path, NULL, version);
    }
    stat_free(sw);
}

static void stat_done(struct work *w)
{
    struct stat_work *sw = list_entry(w, struct stat_work, work);
    struct flow_seen said = {.size = sw->size, .mtime_ns = sw->mtime};

    if (sw->load != NULL && sw->err.code == 0 && sw->load->once == NULL)
        flow_saw(sw->load->session->rt, sw->root, sw->path, &said);
    stat_answer(sw);
}

/* False when it must be looked at. */
static bool stat_seen(struct stat_work *sw, struct runtime *rt)
{
    const struct flow_seen *seen = flow_seen(rt, sw->root, sw->path);

    if (seen == NULL)
        return false;
    sw->size = seen->size;
    sw->mtime = seen->mtime_ns;
    sw->seen = true;
    task_init(&sw->task, rt->parts.loop, stat_answer, sw);
    task_post(&sw->task);
    return true;
}

/* The folder a path may be read from: the flow's, or that of webhook answers. */
static char *root_of(struct load *l, const char *path)
{
    char replies[1024];

    snprintf(replies, sizeof replies, "%s" REPLY_FOLDER, l->session->rt->parts.state);
    if (strncmp(path, replies, strlen(replies)) == 0 && strstr(path, l->session->sid) != NULL) {
        l->once = mem_strdup(path);
        return mem_strndup(replies, strlen(replies) - 1); /* without the slash */
    }
    return mem_strdup(l->session->flow_root);
}

static int start_stat(struct load *l, const char *path, struct error *err)
{
    struct stat_work *sw = mem_alloc(sizeof *sw);

    if (sw == NULL)
        return error_nomem(err);
    sw->path = mem_strdup(path);
    sw->root = root_of(l, path);
    sw->load = l;
    sw->work.run = stat_run;
    sw->work.done = stat_done;
    if (sw->path == NULL) {
        stat_free(sw);
        return error_nomem(err);
    }
    if (sw->root == NULL) {
        stat_free(sw);
        return error_set_twilio(err, ERR_REFUSED, 11100,
                                "%s: not a URL, and this flow has no folder of files", path);
    }
    if (!stat_seen(sw, l->session->rt) && work_submit(l->session->rt->parts.loop, &sw->work) != 0) {
        stat_free(sw);
        return error_set(err, ERR_IO, "%s: no worker could be had", path);
    }
    l->stat = sw;
    return 0;
}

static int start_fetch(struct load *l, const char *url, struct error *err)
{
    char own[300];

    l->fetch = fetch_start(l->session->rt->parts.fetcher, url, HTTP_DOCUMENT,
                           fetch_own(l->session, own, sizeof own), fetched, l, err);
    return l->fetch != NULL ? 0 : ERR_INVALID;
}

struct load *load_start(struct session *s, const struct document *d, const char *url,
                        enum codec codec, load_h *h, void *arg, struct error *err)
{
    struct load *l = mem_alloc(sizeof *l);
    char *absolute = url_resolve(d->url, url);
    int rc;

    if (l == NULL || absolute == NULL) {
        mem_free(l);
        mem_free(absolute);
        error_nomem(err);
        return NULL;
    }
    l->session = s;
    l->codec = codec;
    l->h = h;
    l->arg = arg;
    rc = url_is_http(absolute) ? start_fetch(l, absolute, err) : start_stat(l, absolute, err);
    mem_free(absolute);
    if (rc == 0)
        return l;
    load_free(l);
    return NULL;
}

static void stat_cancel(struct stat_work *sw)
{
    sw->load = NULL;
    if (!sw->seen)
        return; /* its worker is waited for */
    task_cancel(&sw->task);
    stat_free(sw);
}

void load_cancel(struct load *l)
{
    if (l->fetch != NULL)
        fetch_cancel(l->fetch);
    if (l->stat != NULL)
        stat_cancel(l->stat);
    if (l->decoding != NULL)
        stop_waiting(l);
    load_free(l);
}
