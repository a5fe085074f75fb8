#include "tests/scenarios/rig.h"

#include "base/disk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sid.h"
#include "base/str.h"
#include "media/cache.h"
#include "session/journal.h"
#include "session/runtime.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_ANSWERS = 64, MOST_REQUESTS = 2048, MOST_HEARD = 512, LINE_SECONDS = 600 };

struct asked {
    char *url, *method, *form;
    int64_t at;
};

struct heard {
    char *text;
    bool ended;
};

struct exchange_run {
    struct rig *rig;
    const struct rig_answer *answer; /* NULL: no such URL */
    char *url, *save_to;
    struct timer timer;
    http_reply_h *h;
    void *arg;
    struct link_node node;
};

struct rig {
    char folder[200], state[220];
    struct vtime *vtime;
    struct loop *loop, *far;
    struct disk *disk;
    struct media *media;
    struct speech *speech;
    struct webhooks *webhooks;
    struct fetcher *fetcher;
    struct audio_cache *audio;
    struct runtime *runtime;
    struct bridge *bridge;
    struct bridge_client *client;
    struct rng rng;
    struct journal_watch *watch;

    struct rig_answer answers[MOST_ANSWERS];
    bool used[MOST_ANSWERS];
    size_t n_answers;
    struct asked asked[MOST_REQUESTS];
    size_t n_asked;
    struct list exchanges;
    char param[4096];

    uint32_t number;
    bool ready, answered, over, quiet;
    int cause;
    struct heard heard[MOST_HEARD];
    size_t n_heard, next_heard;
    int64_t sound_at[200000];
    unsigned frames;
    int sends;
    struct timer mouth;

    struct str digits; /* heard as events */
    char sid[SID_SIZE];
    char *journal[20000];
    size_t n_journal;
    bool closed;
};

/* --- the scripted web --- */

static const struct rig_answer *next_answer(struct rig *r, const char *url)
{
    const struct rig_answer *last = NULL;

    for (size_t i = 0; i < r->n_answers; i++) {
        if (strcmp(r->answers[i].url, url) != 0)
            continue;
        last = &r->answers[i];
        if (!r->used[i]) {
            r->used[i] = true;
            return last;
        }
    }
    return last;
}

static void exchange_free(struct exchange_run *x)
{
    timer_stop(&x->timer);
    list_remove(&x->node);
    free(x->url);
    free(x->save_to);
    free(x);
}

/* Media goes to a file instead of into the reply. */
static void save(const char *path, const struct http_reply *reply)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL) {
        perror(path);
        return;
    }
    fwrite(reply->body, 1, reply->body_len, f);
    fclose(f);
}

static void exchange_fires(void *arg)
{
    struct exchange_run *x = arg;
    const struct rig_answer *a = x->answer;
    struct http_reply reply = {.failure = HTTP_HOST, .url = x->url};
    http_reply_h *h = x->h;
    void *h_arg = x->arg;

    if (a == NULL)
        snprintf(reply.text, sizeof reply.text, "no such host in this test: %s", x->url);
    else {
        reply.failure = a->failure;
        reply.began = a->failure == HTTP_DONE;
        reply.status = a->failure != HTTP_DONE ? 0 : a->status != 0 ? a->status : 200;
        reply.body = a->body != NULL ? a->body : "";
        reply.body_len = a->len != 0 ? a->len : strlen(reply.body);
        reply.content_type = a->type != NULL ? a->type : "text/xml";
        reply.ms = a->delay_ms;
        reply.etag = a->etag;
        reply.cache_control = a->cache_control;
        snprintf(reply.text, sizeof reply.text, "as the test says");
    }
    if (x->save_to != NULL && reply.failure == HTTP_DONE)
        save(x->save_to, &reply);
    h(&reply, h_arg);
    exchange_free(x);
}

static void *exchange_start(void *self, const struct http_request *rq, http_reply_h *h, void *arg,
                            struct error *err)
{
    struct rig *r = self;
    struct exchange_run *x = calloc(1, sizeof *x);
    struct asked *asked;
    const char *query = strchr(rq->url, '?');

    (void)err;
    if (r->n_asked == MOST_REQUESTS)
        abort();
    asked = &r->asked[r->n_asked++];
    asked->url =
        strndup(rq->url, query != NULL && strcmp(rq->method, "GET") == 0 ? (size_t)(query - rq->url)
                                                                         : strlen(rq->url));
    asked->method = strdup(rq->method);
    asked->form = strdup(rq->body != NULL ? rq->body : query != NULL ? query + 1 : "");
    asked->at = rig_now(r);
    x->rig = r;
    x->url = strdup(asked->url);
    x->save_to = rq->save_to != NULL ? strdup(rq->save_to) : NULL;
    x->answer = next_answer(r, asked->url);
    x->h = h;
    x->arg = arg;
    list_append(&r->exchanges, &x->node);
    timer_init(&x->timer, r->loop, exchange_fires, x);
    timer_start(&x->timer, x->answer != NULL ? x->answer->delay_ms : 0);
    return x;
}

static void exchange_cancel(void *self, void *handle)
{
    (void)self;
    exchange_free(handle);
}

void rig_answer(struct rig *r, const struct rig_answer *a)
{
    if (r->n_answers < MOST_ANSWERS)
        r->answers[r->n_answers++] = *a;
}

void rig_web(struct rig *r, const char *url, const char *markup)
{
    rig_answer(r, &(struct rig_answer){.url = url, .body = markup});
}

static const struct asked *find_asked(const struct rig *r, const char *url, int n)
{
    const struct asked *found = NULL;

    for (size_t i = 0; i < r->n_asked; i++)
        if (strcmp(r->asked[i].url, url) == 0) {
            found = &r->asked[i];
            if (n-- == 0)
                return found;
        }
    return n < 0 ? found : NULL;
}

int rig_requests(const struct rig *r, const char *url)
{
    int n = 0;

    for (size_t i = 0; i < r->n_asked; i++)
        n += strcmp(r->asked[i].url, url) == 0;
    return n;
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

const char *rig_param(struct rig *r, const char *url, int n, const char *name)
{
    const struct asked *a = find_asked(r, url, n);
    const char *p = a != NULL ? a->form : "";
    size_t len = strlen(name), out = 0;

    while (*p != '\0' && !(strncmp(p, name, len) == 0 && p[len] == '=')) {
        p += strcspn(p, "&");
        p += *p == '&';
    }
    if (*p == '\0')
        return NULL;
    for (p += len + 1; *p != '\0' && *p != '&' && out < sizeof r->param - 1; p++) {
        if (*p == '%') {
            r->param[out++] = (char)(hex(p[1]) * 16 + hex(p[2]));
            p += 2;
        } else {
            r->param[out++] = *p == '+' ? ' ' : *p;
        }
    }
    r->param[out] = '\0';
    return r->param;
}

const char *rig_method(const struct rig *r, const char *url, int n)
{
    const struct asked *a = find_asked(r, url, n);

    return a != NULL ? a->method : "";
}

int64_t rig_request_at(const struct rig *r, const char *url, int n)
{
    const struct asked *a = find_asked(r, url, n);

    return a != NULL ? a->at : -1;
}

/* --- the caller's ears and mouth --- */

static void on_ready(void *arg)
{
    ((struct rig *)arg)->ready = true;
}

static void on_closed(void *arg, const char *why)
{
    struct rig *r = arg;

    if (!r->over)
        fprintf(stderr, "# the caller's link closed: %s\n", why);
    r->over = true;
}

static void on_answered(void *arg, uint32_t number)
{
    struct rig *r = arg;

    if (number != r->number)
        return;
    r->answered = true;
    timer_start(&r->mouth, 0);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct rig *r = arg;

    if (number != r->number)
        return;
    r->over = true;
    r->cause = (int)cause;
    timer_stop(&r->mouth);
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct rig *r = arg;

    (void)bytes;
    if (number == r->number && len > 0 && r->frames < sizeof r->sound_at / sizeof *r->sound_at)
        r->sound_at[r->frames++] = rig_now(r);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    struct rig *r = arg;

    if (number == r->number)
        str_add(&r->digits, digits);
}

static void on_prompt(void *arg, uint32_t number, bool began, const char *text)
{
    struct rig *r = arg;

    if (number != r->number || r->n_heard == MOST_HEARD || text == NULL || *text == '\0')
        return; /* a beep or a file says nothing */
    if (began)
        r->heard[r->n_heard++].text = strdup(text);
    for (size_t i = r->n_heard; !began && i > 0; i--)
        if (!r->heard[i - 1].ended) {
            r->heard[i - 1].ended = true;
            break;
        }
}

static void on_offered(void *arg, uint32_t number, const struct offer *offer)
{
    (void)arg;
    (void)number;
    (void)offer;
}

static const struct client_handlers client_events = {
    .ready = on_ready,
    .closed = on_closed,
    .answered = on_answered,
    .ended = on_ended,
    .audio = on_audio,
    .digits = on_digits,
    .prompt = on_prompt,
    .offered = on_offered,
};

/* An answered channel sends a frame or a silence every 20 ms. */
static void mouth_moves(void *arg)
{
    struct rig *r = arg;
    unsigned char frame[160];

    if (r->over)
        return;
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = i % 8 < 4 ? 0x20 : 0xa0; /* a loud 1 kHz square wave in µ-law */
    if (r->sends != 0) {
        client_audio(r->client, r->number, frame, r->sends == 2 ? sizeof frame : 0);
        client_flush(r->client);
    }
    timer_start(&r->mouth, 20);
}

/* --- the journal --- */

static void on_line(const char *sid, const char *line, void *arg)
{
    struct rig *r = arg;

    str_copy(r->sid, sizeof r->sid, sid);
    if (r->n_journal < sizeof r->journal / sizeof *r->journal)
        r->journal[r->n_journal++] = strdup(line);
    if (getenv("RIG_VERBOSE") != NULL)
        fprintf(stderr, "# %s\n", line);
}

int rig_journal(struct rig *r, const char *e, const char *part)
{
    char what[64];
    int n = 0;

    snprintf(what, sizeof what, "\"e\":\"%s\"", e);
    for (size_t i = 0; i < r->n_journal; i++)
        n += strstr(r->journal[i], what) != NULL &&
             (part == NULL || strstr(r->journal[i], part) != NULL);
    return n;
}

char *rig_journal_text(struct rig *r)
{
    struct str out = STR_INIT(1 << 24);

    for (size_t i = 0; i < r->n_journal; i++) {
        str_add(&out, r->journal[i]);
        str_addc(&out, '\n');
    }
    return str_take(&out);
}

void rig_text_free(char *text)
{
    mem_free(text);
}

const char *rig_digits_heard(const struct rig *r)
{
    return str_text(&r->digits);
}

unsigned rig_prompts_made(const struct rig *r)
{
    struct speech_stats stats;

    speech_stats(r->speech, &stats);
    return (unsigned)stats.made;
}

const char *rig_sid(struct rig *r)
{
    return r->sid;
}

struct runtime *rig_runtime(struct rig *r)
{
    return r->runtime;
}

/* --- files --- */

const char *rig_folder(const struct rig *r)
{
    return r->folder;
}

void rig_file(struct rig *r, const char *name, const char *text)
{
    char path[500], *slash;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    slash = strrchr(path, '/');
    *slash = '\0';
    disk_make_folders(path, NULL);
    *slash = '/';
    f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        return;
    }
    fputs(text, f);
    fclose(f);
}

/* --- life --- */

static void report(int line, const char *text, void *arg)
{
    (void)line;
    (void)arg;
    fprintf(stderr, "# %s\n", text);
}

static void quiet(const char *line, void *arg)
{
    (void)arg;
    if (getenv("RIG_VERBOSE") != NULL)
        fprintf(stderr, "# %s\n", line);
}

static bool is_ready(void *arg)
{
    return ((struct rig *)arg)->ready;
}

static int build(struct rig *r, const char *text, struct error *err)
{
    struct http_port port = {.start = exchange_start, .cancel = exchange_cancel, .self = r};
    struct client_options link = {.name = "local", .token = "link-token", .prompts = true};
    struct runtime_parts parts;
    struct config *config = NULL;
    struct str full = STR_INIT(65536);
    char path[300];
    int rc;

    str_add(&full, "account { sid = 'AC00000000000000000000000000000001', token = '12345' }\n"
                   "gateway { name = 'local', token = 'link-token' }\n");
    str_add(&full, text);
    snprintf(path, sizeof path, "%s/almon.lua", r->folder);
    rc = config_parse(&config, full.data, full.len, path, report, NULL, err);
    str_free(&full);
    if (rc != 0)
        return rc;
    rng_init_seeded(&r->rng, 1);
    if ((rc = vtime_new(&r->vtime, err)) != 0 || (rc = loop_new(&r->loop, r->vtime, err)) != 0 ||
        (rc = media_new(&r->media, r->loop, r->vtime, 0, err)) != 0 ||
        (rc = loop_new(&r->far, r->vtime, err)) != 0 ||
        (rc = disk_new(&r->disk, r->loop, 1 << 24, err)) != 0 ||
        (rc = audio_cache_new(&r->audio, 1 << 26, err)) != 0)
        return rc;
    /* One cache of prompts for all tests: only the first run of a text costs a process. */
    rc = speech_new(&r->speech, r->loop, config, "build/test-speech", err);
    if (rc != 0 || (rc = webhooks_new(&r->webhooks, r->loop, port, &r->rng, err)) != 0)
        return rc;
    snprintf(path, sizeof path, "%s/cache/media", r->state);
    if ((rc = fetcher_new(&r->fetcher, r->loop, port, path, 64, err)) != 0)
        return rc;
    parts = (struct runtime_parts){.loop = r->loop,
                                   .media = r->media,
                                   .disk = r->disk,
                                   .speech = r->speech,
                                   .webhooks = r->webhooks,
                                   .fetcher = r->fetcher,
                                   .audio = r->audio,
                                   .verbs = verb_table,
                                   .state = r->state};
    rng_init_seeded(&parts.rng, 2);
    if ((rc = runtime_new(&r->runtime, &parts, config, err)) != 0)
        return rc;
    rc = bridge_new(&r->bridge, r->loop, r->media, config, NULL, runtime_bridge_handlers(),
                    r->runtime, err);
    if (rc != 0)
        return rc;
    runtime_set_bridge(r->runtime, r->bridge);
    r->watch = journal_watch_new(r->runtime, NULL, on_line, r);
    link.bridge = r->bridge;
    timer_init(&r->mouth, r->far, mouth_moves, r);
    rc = client_new(&r->client, r->far, &link, &client_events, r, err);
    if (rc == 0)
        vtime_run(r->vtime, 1000000, is_ready, r);
    return rc == 0 && !r->ready ? error_set(err, ERR_WRONG_STATE, "the link was not welcomed") : rc;
}

struct rig *rig_new(const char *config)
{
    static unsigned count;
    struct rig *r = calloc(1, sizeof *r);
    struct error err = {0};

    snprintf(r->folder, sizeof r->folder, "%s/rig%u", unit_folder(), count++);
    snprintf(r->state, sizeof r->state, "%s/state", r->folder);
    disk_make_folders(r->state, NULL);
    list_init(&r->exchanges);
    r->cause = -1;
    r->sends = 1;
    str_init(&r->digits, 1000);
    log_set_sink(quiet, NULL);
    if (build(r, config, &err) == 0)
        return r;
    fprintf(stderr, "# rig: %s\n", err.text);
    return rig_free(r);
}

static void note_closed(void *arg)
{
    ((struct rig *)arg)->closed = true;
}

static bool is_closed(void *arg)
{
    return ((struct rig *)arg)->closed;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void close_all(struct rig *r)
{
    int64_t until = loop_now(r->loop) + 120 * 1000000LL;

    timer_stop(&r->mouth);
    if (r->runtime != NULL) {
        runtime_close(r->runtime, note_closed, r);
        vtime_run(r->vtime, until, is_closed, r);
    }
    r->closed = false;
    if (r->bridge != NULL) {
        bridge_close(r->bridge, note_closed, r);
        vtime_run(r->vtime, until + 60 * 1000000LL, is_closed, r);
    }
}

struct rig *rig_free(struct rig *r)
{
    if (r == NULL)
        return NULL;
    if (r->loop != NULL)
        close_all(r);
    client_free(r->client);
    bridge_free(r->bridge);
    journal_watch_free(r->watch);
    runtime_free(r->runtime);
    fetcher_free(r->fetcher);
    webhooks_free(r->webhooks);
    speech_free(r->speech);
    audio_cache_free(r->audio);
    media_free(r->media);
    disk_free(r->disk);
    loop_free(r->far);
    loop_free(r->loop);
    vtime_free(r->vtime);
    for (size_t i = 0; i < r->n_asked; i++) {
        free(r->asked[i].url);
        free(r->asked[i].method);
        free(r->asked[i].form);
    }
    for (size_t i = 0; i < r->n_heard; i++)
        free(r->heard[i].text);
    for (size_t i = 0; i < r->n_journal; i++)
        free(r->journal[i]);
    str_free(&r->digits);
    nftw(r->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    log_set_sink(NULL, NULL);
    free(r);
    return NULL;
}

/* --- the caller's script --- */

int64_t rig_now(const struct rig *r)
{
    return loop_now(r->loop) / 1000;
}

void rig_waits(struct rig *r, int64_t ms)
{
    vtime_run(r->vtime, loop_now(r->loop) + ms * 1000, NULL, NULL);
}

void rig_call_as(struct rig *r, const struct offer *o)
{
    struct error err = {0};

    r->answered = r->over = false;
    r->cause = -1;
    if (client_offer(r->client, o, &r->number, &err) != 0)
        fprintf(stderr, "# offer: %s\n", err.text);
    rig_waits(r, 0);
}

void rig_call(struct rig *r, const char *to, const char *from)
{
    rig_call_as(r,
                &(struct offer){.to = to, .from = from, .codec = CODEC_PCMU, .dtmf_events = true});
}

void rig_press(struct rig *r, const char *digits)
{
    client_digits(r->client, r->number, digits);
    rig_waits(r, 0);
}

void rig_hangs_up(struct rig *r)
{
    r->over = true;
    timer_stop(&r->mouth);
    client_hangup(r->client, r->number, CAUSE_NORMAL);
    rig_waits(r, 0);
}

void rig_sends(struct rig *r, int on)
{
    r->sends = on;
}

struct ear {
    struct rig *rig;
    size_t index;
    bool to_end;
};

static bool ear_satisfied(void *arg)
{
    struct ear *e = arg;

    return e->rig->over ||
           (e->rig->n_heard > e->index && (!e->to_end || e->rig->heard[e->index].ended));
}

static bool hear_one(struct rig *r, const char *text, bool to_end)
{
    struct ear ear = {.rig = r, .index = r->next_heard, .to_end = to_end};

    vtime_run(r->vtime, loop_now(r->loop) + 60 * 1000000LL, ear_satisfied, &ear);
    if (r->n_heard <= ear.index) {
        fprintf(stderr, "# expected to hear \"%s\", heard nothing%s\n", text,
                r->over ? ": the call is over" : "");
        return false;
    }
    if (to_end)
        r->next_heard++;
    if (strcmp(r->heard[ear.index].text, text) == 0)
        return true;
    fprintf(stderr, "# expected to hear \"%s\", heard \"%s\"\n", text, r->heard[ear.index].text);
    return false;
}

bool rig_hears(struct rig *r, const char *text)
{
    return hear_one(r, text, true);
}

bool rig_hears_start(struct rig *r, const char *text)
{
    return hear_one(r, text, false);
}

static bool call_over(void *arg)
{
    return ((struct rig *)arg)->over;
}

int rig_ends(struct rig *r)
{
    vtime_run(r->vtime, loop_now(r->loop) + LINE_SECONDS * 1000000LL, call_over, r);
    return r->over ? r->cause : -1;
}

bool rig_is_answered(const struct rig *r)
{
    return r->answered;
}

bool rig_is_over(const struct rig *r)
{
    return r->over;
}

unsigned rig_frames(const struct rig *r)
{
    return r->frames;
}

unsigned rig_frames_within(const struct rig *r, int64_t ms)
{
    unsigned n = 0;

    while (n < r->frames && r->sound_at[r->frames - 1 - n] > rig_now(r) - ms)
        n++;
    return n;
}

static bool no_session(void *arg)
{
    struct runtime_stats stats;

    runtime_stats(((struct rig *)arg)->runtime, &stats);
    return stats.sessions == 0;
}

bool rig_settles(struct rig *r)
{
    vtime_run(r->vtime, loop_now(r->loop) + 60 * 1000000LL, no_session, r);
    return no_session(r);
}
