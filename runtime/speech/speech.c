/* Requests, the two caches, and the workers between them. A request becomes a plan, the plan's hash
 * is what its audio is known by. In memory: answered at once. Else a job on a worker looks on disk,
 * or has the engine speak, and encodes; equal requests wait for the same job. */
#include "speech/speech.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "media/cache.h"
#include "speech/espeak.h"
#include "speech/keep.h"
#include "speech/plan.h"
#include "speech/render.h"
#include "speech/voices.h"
#include <stdlib.h>
#include <string.h>

enum {
    MAX_WAITING = 1000, /* jobs not yet on a worker */
    MAX_WORKERS = 3,    /* of libuv's four threads: one stays free for others */
    KEY_SIZE = PLAN_KEY_SIZE + 16,
};

struct speech {
    struct loop *loop;
    char *folder;
    char engine[48];        /* version */
    char *voice, *language; /* defaults; NULL: the built-in ones */
    uint64_t disk_max, disk_bytes;
    size_t memory_max;
    struct audio_cache *memory;
    struct map jobs;     /* key → struct job: asked for and not yet there */
    struct list waiting; /* jobs */
    struct list ready;   /* requests answered from memory: to be called from the loop */
    unsigned n_waiting, active, max_active;
    struct sweep *sweep; /* running */
    struct asking *asking;
    struct speech_stats stats;
    bool closing;
};

struct job {
    struct work work;
    struct speech *speech;
    struct link_node node; /* in speech.waiting */
    struct list requests;
    struct task refusal; /* when no worker takes it */
    struct plan plan;
    char key[KEY_SIZE]; /* the plan's, then the codec */
    enum codec codec;
    /* written by the worker */
    struct audio *audio;
    struct error err;
    bool from_disk;
    uint64_t written;
};

struct speech_request {
    struct speech *speech;
    struct job *job; /* NULL: in speech.ready */
    struct link_node node;
    struct task task;
    struct audio *audio; /* for those that are ready */
    speech_h *h;
    void *arg;
};

struct sweep {
    struct work work;
    struct speech *speech;
    uint64_t max, left;
    int rc;
    struct error err;
};

/* Which voices the engine has now. */
struct asking {
    struct work work;
    struct speech *speech;
    struct str table;
    int rc;
    struct error err;
    bool again; /* one more reload came meanwhile */
};

static void free_when_idle(struct speech *s)
{
    if (!s->closing || s->active > 0 || s->sweep != NULL || s->asking != NULL)
        return;
    map_free(&s->jobs);
    audio_cache_free(s->memory);
    mem_free(s->voice);
    mem_free(s->language);
    mem_free(s->folder);
    mem_free(s);
}

/* --- sweeping the folder --- */

static void sweep_run(struct work *w)
{
    struct sweep *sw = (struct sweep *)w;

    sw->rc = keep_sweep(sw->speech->folder, sw->max, &sw->left, &sw->err);
}

static void sweep_done(struct work *w)
{
    struct sweep *sw = (struct sweep *)w;
    struct speech *s = sw->speech;

    if (sw->rc != 0)
        log_warn("speech", NULL, "%s", sw->err.text);
    else
        s->disk_bytes = sw->left;
    s->sweep = NULL;
    mem_free(sw);
    free_when_idle(s);
}

/* One at a time; one that cannot be started is tried again after the next prompt. */
static void start_sweep(struct speech *s)
{
    struct sweep *sw = s->sweep == NULL && !s->closing ? mem_alloc(sizeof *sw) : NULL;

    if (sw == NULL)
        return;
    sw->work.run = sweep_run;
    sw->work.done = sweep_done;
    sw->speech = s;
    sw->max = s->disk_max;
    s->sweep = sw;
    if (work_submit(s->loop, &sw->work) != 0) {
        s->sweep = NULL;
        mem_free(sw);
    }
}

/* --- jobs --- */

static void job_free(struct job *j)
{
    audio_unref(j->audio);
    plan_free(&j->plan);
    mem_free(j);
}

static void job_run(struct work *w)
{
    struct job *j = (struct job *)w;
    struct espeak_sound sound;
    char key[PLAN_KEY_SIZE];
    uint64_t written = 0;
    int rc = 0;

    str_copy(key, sizeof key, j->key);
    j->from_disk = keep_load_coded(j->speech->folder, key, j->codec, &j->audio);
    if (j->from_disk)
        return;
    j->from_disk = keep_load(j->speech->folder, key, &sound);
    if (!j->from_disk) {
        rc = render(&sound, &j->plan, &j->err);
        /* A full disk makes prompts dearer, not silent. */
        if (rc == 0 && keep_save(j->speech->folder, key, &sound, &j->written, &j->err) != 0)
            log_warn("speech", NULL, "%s", j->err.text);
    }
    if (rc == 0 && audio_from_samples(&j->audio, j->codec, sound.samples, sound.count, sound.rate,
                                      &j->err) == 0)
        keep_save_coded(j->speech->folder, key, j->audio, &written, NULL); /* told above if not */
    j->written += written;
    mem_free(sound.samples);
}

static void finish(struct speech_request *r, struct audio *audio, const struct error *err)
{
    speech_h *h = r->h;
    void *arg = r->arg;

    list_remove(&r->node);
    mem_free(r);
    h(audio, err, arg);
}

static void start_jobs(struct speech *s);

static void count_job(struct speech *s, const struct job *j)
{
    if (j->audio == NULL)
        s->stats.failed++;
    else if (j->from_disk)
        s->stats.from_disk++;
    else
        s->stats.made++;
    s->disk_bytes += j->written;
    if (s->disk_bytes > s->disk_max)
        start_sweep(s);
}

static void job_done(struct work *w)
{
    struct job *j = (struct job *)w;
    struct speech *s = j->speech;

    map_remove(&s->jobs, j->key);
    count_job(s, j);
    if (j->audio != NULL && !s->closing)
        audio_cache_put(s->memory, j->key, j->audio);
    /* Handlers may ask, cancel or free us; requests of a freed speech are gone from the list. */
    while (!list_empty(&j->requests))
        finish(list_entry(list_first(&j->requests), struct speech_request, node), j->audio,
               j->audio != NULL ? NULL : &j->err);
    job_free(j);
    s->active--;
    start_jobs(s);
    free_when_idle(s);
}

static void on_refused(void *arg)
{
    struct job *j = arg;

    error_set(&j->err, ERR_IO, "speech: no worker can be had");
    job_done(&j->work);
}

static void start_jobs(struct speech *s)
{
    while (s->active < s->max_active && !list_empty(&s->waiting)) {
        struct job *j = list_entry(list_pop(&s->waiting), struct job, node);

        s->n_waiting--;
        s->active++;
        if (work_submit(s->loop, &j->work) != 0)
            task_post(&j->refusal);
    }
}

/* Takes the plan over when it succeeds. */
static struct job *job_new(struct speech *s, struct plan *plan, const char *key, enum codec codec,
                           struct error *err)
{
    struct job *j;

    if (s->n_waiting >= MAX_WAITING) {
        error_set(err, ERR_LIMIT, "speech: %d prompts wait to be spoken already", MAX_WAITING);
        return NULL;
    }
    j = mem_alloc(sizeof *j);
    if (j == NULL || map_set(&s->jobs, key, j) != 0) {
        mem_free(j);
        error_nomem(err);
        return NULL;
    }
    j->work.run = job_run;
    j->work.done = job_done;
    j->speech = s;
    list_init(&j->requests);
    task_init(&j->refusal, s->loop, on_refused, j);
    j->plan = *plan;
    memset(plan, 0, sizeof *plan);
    str_copy(j->key, sizeof j->key, key);
    j->codec = codec;
    list_append(&s->waiting, &j->node);
    s->n_waiting++;
    return j;
}

/* --- requests --- */

static bool is_basic(const char *voice)
{
    return strcmp(voice, "man") == 0 || strcmp(voice, "woman") == 0 || strcmp(voice, "alice") == 0;
}

static int make_plan(struct speech *s, const struct utterance *asked, enum codec codec,
                     struct plan *plan, char key[KEY_SIZE], struct error *err)
{
    struct utterance u = *asked;
    int rc;

    if (u.voice == NULL || *u.voice == '\0')
        u.voice = s->voice != NULL ? s->voice : "man";
    if ((u.language == NULL || *u.language == '\0') && is_basic(u.voice))
        u.language = s->language;
    rc = plan_make(plan, &u, err);
    if (rc == 0) {
        plan_key(plan, s->engine, key);
        snprintf(key + PLAN_KEY_SIZE - 1, KEY_SIZE - PLAN_KEY_SIZE + 1, " %s", codec_name(codec));
    }
    return rc;
}

static void on_ready(void *arg)
{
    struct speech_request *r = arg;
    struct audio *audio = r->audio;

    finish(r, audio, NULL);
    audio_unref(audio);
}

static struct speech_request *request_new(struct speech *s, speech_h *h, void *arg)
{
    struct speech_request *r = mem_alloc(sizeof *r);

    if (r != NULL) {
        r->speech = s;
        r->h = h;
        r->arg = arg;
        task_init(&r->task, s->loop, on_ready, r);
    }
    return r;
}

/* Joins `r` to what will answer it; 0 or negative with *err, then nothing has happened. */
static int attach(struct speech *s, struct speech_request *r, struct plan *plan, const char *key,
                  enum codec codec, struct error *err)
{
    r->audio = audio_cache_get(s->memory, key);
    if (r->audio != NULL) {
        s->stats.from_memory++;
        list_append(&s->ready, &r->node);
        task_post(&r->task);
        return 0;
    }
    r->job = map_get(&s->jobs, key);
    if (r->job == NULL)
        r->job = job_new(s, plan, key, codec, err);
    if (r->job == NULL)
        return ERR_LIMIT;
    list_append(&r->job->requests, &r->node);
    start_jobs(s);
    return 0;
}

struct speech_request *speech_say(struct speech *s, const struct utterance *u, enum codec codec,
                                  speech_h *h, void *arg, struct error *err)
{
    struct speech_request *r;
    struct plan plan;
    char key[KEY_SIZE];

    s->stats.asked++;
    if (make_plan(s, u, codec, &plan, key, err) != 0) {
        s->stats.failed++;
        return NULL;
    }
    r = request_new(s, h, arg);
    if (r == NULL) {
        error_nomem(err);
    } else if (attach(s, r, &plan, key, codec, err) != 0) {
        mem_free(r);
        r = NULL;
    }
    plan_free(&plan);
    return r;
}

void speech_cancel(struct speech_request *r)
{
    struct speech *s;
    struct job *j;

    if (r == NULL)
        return;
    s = r->speech;
    j = r->job;
    list_remove(&r->node);
    task_cancel(&r->task);
    audio_unref(r->audio);
    mem_free(r);
    /* A job that nobody wants any more is not begun; one that runs is finished, for the caches. */
    if (j != NULL && list_empty(&j->requests) && list_linked(&j->node)) {
        list_remove(&j->node);
        s->n_waiting--;
        map_remove(&s->jobs, j->key);
        job_free(j);
    }
}

struct audio *speech_cached(struct speech *s, const struct utterance *u, enum codec codec)
{
    struct audio *audio = NULL;
    struct plan plan;
    char key[KEY_SIZE];

    if (make_plan(s, u, codec, &plan, key, NULL) != 0)
        return NULL;
    audio = audio_cache_get(s->memory, key);
    plan_free(&plan);
    return audio;
}

/* --- life --- */

static int take_config(struct speech *s, const struct config *config, struct error *err)
{
    size_t memory = (size_t)(config != NULL ? config->speech.cache_mb : 64) << 20;
    char *voice = mem_strdup(config != NULL ? config->speech.voice : NULL);
    char *language = mem_strdup(config != NULL ? config->speech.language : NULL);
    struct audio_cache *cache = s->memory;

    if ((config != NULL && config->speech.voice != NULL && voice == NULL) ||
        (config != NULL && config->speech.language != NULL && language == NULL) ||
        (memory != s->memory_max && audio_cache_new(&cache, memory, err) != 0)) {
        mem_free(voice);
        mem_free(language);
        return error_nomem(err);
    }
    if (cache != s->memory)
        audio_cache_free(s->memory);
    mem_free(s->voice);
    mem_free(s->language);
    s->memory = cache;
    s->memory_max = memory;
    s->voice = voice;
    s->language = language;
    s->disk_max = (uint64_t)(config != NULL ? config->speech.disk_mb : 512) << 20;
    return 0;
}

/* Simulated exchanges come by the thousand in one process: the engine is asked and the folder swept
 * for the first of them only, as long as programs are sought in the same places. */
static struct {
    char path[2048];
    char engine[sizeof((struct speech *)0)->engine];
} simulated;

static bool is_known(const struct speech *s)
{
    const char *path = getenv("PATH");

    return loop_is_virtual(s->loop) && simulated.engine[0] != '\0' && path != NULL &&
           strcmp(path, simulated.path) == 0;
}

static int ask_engine(struct speech *s, struct error *err)
{
    const char *path = getenv("PATH");
    int rc;

    if (is_known(s)) {
        str_copy(s->engine, sizeof s->engine, simulated.engine);
        return 0;
    }
    rc = espeak_version(s->engine, sizeof s->engine, err);
    simulated.engine[0] = '\0';
    if (rc == 0 && loop_is_virtual(s->loop) && path != NULL &&
        str_copy(simulated.path, sizeof simulated.path, path))
        str_copy(simulated.engine, sizeof simulated.engine, s->engine);
    return rc;
}

int speech_new(struct speech **sp, struct loop *loop, const struct config *config,
               const char *folder, struct error *err)
{
    struct speech *s = mem_alloc(sizeof *s);
    unsigned cores = uv_available_parallelism();
    bool known;
    int rc;

    if (s == NULL)
        return error_nomem(err);
    s->loop = loop;
    known = is_known(s);
    list_init(&s->waiting);
    list_init(&s->ready);
    /* In virtual time the same everywhere, so that a scenario runs the same everywhere. */
    s->max_active = loop_is_virtual(loop) || cores > MAX_WORKERS ? MAX_WORKERS : cores;
    s->folder = mem_strdup(folder);
    rc = s->folder == NULL ? error_nomem(err) : ask_engine(s, err);
    if (rc == 0)
        rc = disk_make_folders(folder, err);
    if (rc == 0)
        rc = take_config(s, config, err);
    if (rc != 0) {
        s->closing = true;
        free_when_idle(s);
        return rc;
    }
    voices_ask();
    if (!known)
        start_sweep(s);
    *sp = s;
    return 0;
}

static void asking_run(struct work *w)
{
    struct asking *a = (struct asking *)w;

    a->rc = espeak_voices(&a->table, &a->err);
}

static void ask_voices_again(struct speech *s);

static void asking_done(struct work *w)
{
    struct asking *a = (struct asking *)w;
    struct speech *s = a->speech;
    bool again = a->again;

    if (a->rc == 0)
        voices_read(str_text(&a->table));
    else
        log_warn("speech", NULL, "the voices stay as they were: %s", a->err.text);
    str_free(&a->table);
    mem_free(a);
    s->asking = NULL;
    if (again && !s->closing)
        ask_voices_again(s);
    free_when_idle(s);
}

/* Somebody may have installed one. The engine takes some milliseconds to say so, and calls go on
 * meanwhile. */
static void ask_voices_again(struct speech *s)
{
    struct asking *a;

    if (s->asking != NULL) {
        s->asking->again = true;
        return;
    }
    a = mem_alloc(sizeof *a);
    if (a == NULL)
        return;
    a->work.run = asking_run;
    a->work.done = asking_done;
    a->speech = s;
    a->table = STR_INIT(VOICES_TABLE_MAX);
    s->asking = a;
    if (work_submit(s->loop, &a->work) != 0) {
        s->asking = NULL;
        mem_free(a);
    }
}

void speech_set_config(struct speech *s, const struct config *config)
{
    struct error err = {0};

    if (take_config(s, config, &err) != 0)
        log_warn("speech", NULL, "the old settings stay: %s", err.text);
    if (!loop_is_virtual(s->loop))
        ask_voices_again(s);
}

static void cancel_all(struct list *requests)
{
    while (!list_empty(requests))
        speech_cancel(list_entry(list_first(requests), struct speech_request, node));
}

static void forget_job(const char *key, void *value, void *arg)
{
    struct job *j = value;

    (void)key;
    (void)arg;
    while (!list_empty(&j->requests)) {
        struct speech_request *r =
            list_entry(list_first(&j->requests), struct speech_request, node);

        list_remove(&r->node);
        mem_free(r);
    }
}

struct speech *speech_free(struct speech *s)
{
    if (s == NULL)
        return NULL;
    s->closing = true;
    cancel_all(&s->ready);
    map_each(&s->jobs, forget_job, NULL);
    while (!list_empty(&s->waiting)) {
        struct job *j = list_entry(list_pop(&s->waiting), struct job, node);

        s->n_waiting--;
        map_remove(&s->jobs, j->key);
        job_free(j);
    }
    free_when_idle(s);
    return NULL;
}

void speech_stats(const struct speech *s, struct speech_stats *out)
{
    *out = s->stats;
}

void speech_text(const struct utterance *u, struct str *out)
{
    bool gap = false;

    for (size_t i = 0; i < u->count; i++) {
        const char *p = u->pieces[i].kind == PIECE_TEXT ? u->pieces[i].text : " ";

        for (; *p != '\0'; p++) {
            bool space = strchr(" \t\r\n", *p) != NULL;

            if (!space && gap && out->len > 0)
                str_addc(out, ' ');
            if (!space)
                str_addc(out, *p);
            gap = space;
        }
    }
}
