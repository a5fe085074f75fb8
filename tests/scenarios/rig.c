#include "tests/scenarios/rig.h"

#include "base/disk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "script/script.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000, LINE_MS = 600 * 1000, TONE_MS = 10 * 1000, STEADY_FRAMES = 5 };

struct rig {
    char folder[200];
    struct sim *sim;
    struct sim_caller *caller; /* the last one */
    enum sim_sends sends;
    size_t next_heard;
    struct str param, name;
};

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

static void show(const struct sim_line *line, void *arg)
{
    quiet(line->text, arg);
}

struct rig *rig_new(const char *config)
{
    static unsigned count;
    struct rig *r = mem_alloc(sizeof *r);
    char path[300];
    /* One cache of prompts for all tests: only the first run of a text costs a process. */
    struct sim_options o = {.config = config,
                            .path = path,
                            .speech = "build/test-speech",
                            .seed = 1,
                            .verbs = verb_table,
                            .handlers = &script_handlers,
                            .report = report};
    struct error err = {0};

    if (r == NULL)
        return NULL;
    snprintf(r->folder, sizeof r->folder, "%s/rig%u", unit_folder(), count++);
    snprintf(path, sizeof path, "%s/almon.lua", r->folder);
    o.folder = r->folder;
    r->sends = SIM_SILENCE;
    str_init(&r->param, 65536);
    str_init(&r->name, 1000);
    log_set_sink(quiet, NULL);
    if (sim_new(&r->sim, &o, &err) != 0) {
        fprintf(stderr, "# rig: %s\n", err.text);
        return rig_free(r);
    }
    sim_watch(r->sim, show, NULL);
    return r;
}

struct rig *rig_free(struct rig *r)
{
    if (r == NULL)
        return NULL;
    sim_free(r->sim);
    str_free(&r->param);
    str_free(&r->name);
    sim_remove_folder(r->folder);
    log_set_sink(NULL, NULL);
    mem_free(r);
    return NULL;
}

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

struct runtime *rig_runtime(struct rig *r)
{
    return sim_runtime(r->sim);
}

/* --- the web --- */

void rig_answer(struct rig *r, const struct rig_answer *a)
{
    struct error err = {0};

    if (sim_web(r->sim,
                &(struct sim_answer){.url = a->url,
                                     .body = a->body,
                                     .len = a->len,
                                     .type = a->type,
                                     .status = a->status,
                                     .delay_ms = a->delay_ms,
                                     .failure = a->failure,
                                     .etag = a->etag,
                                     .cache_control = a->cache_control},
                &err) != 0)
        fprintf(stderr, "# web: %s\n", err.text);
}

void rig_web(struct rig *r, const char *url, const char *markup)
{
    rig_answer(r, &(struct rig_answer){.url = url, .body = markup});
}

static const struct sim_request *find_request(const struct rig *r, const char *url, int n)
{
    const struct sim_request *q, *found = NULL;

    for (size_t i = 0; (q = sim_request_at(r->sim, i)) != NULL; i++)
        if (strcmp(q->url, url) == 0) {
            found = q;
            if (n-- == 0)
                return found;
        }
    return n < 0 ? found : NULL;
}

int rig_requests(const struct rig *r, const char *url)
{
    const struct sim_request *q;
    int n = 0;

    for (size_t i = 0; (q = sim_request_at(r->sim, i)) != NULL; i++)
        n += strcmp(q->url, url) == 0;
    return n;
}

const char *rig_param(struct rig *r, const char *url, int n, const char *name)
{
    const struct sim_request *q = find_request(r, url, n);
    const char *form = q != NULL ? q->form : "";

    while (sim_form_next(&form, &r->name, &r->param))
        if (strcmp(str_text(&r->name), name) == 0)
            return str_text(&r->param);
    return NULL;
}

const char *rig_method(const struct rig *r, const char *url, int n)
{
    const struct sim_request *q = find_request(r, url, n);

    return q != NULL ? q->method : "";
}

int64_t rig_request_at(const struct rig *r, const char *url, int n)
{
    const struct sim_request *q = find_request(r, url, n);

    return q != NULL ? q->at : -1;
}

/* --- the caller --- */

int64_t rig_now(const struct rig *r)
{
    return sim_now(r->sim);
}

void rig_waits(struct rig *r, int64_t ms)
{
    sim_run(r->sim, ms, NULL, NULL);
}

void rig_call_as(struct rig *r, const struct offer *o)
{
    struct error err = {0};

    if (sim_call(r->sim, o, &r->caller, &err) != 0) {
        fprintf(stderr, "# offer: %s\n", err.text);
        abort(); /* nothing that follows would mean anything */
    }
    r->next_heard = 0;
    sim_caller_sends(r->caller, r->sends);
    rig_waits(r, 0);
}

void rig_call(struct rig *r, const char *to, const char *from)
{
    rig_call_as(r,
                &(struct offer){.to = to, .from = from, .codec = CODEC_PCMU, .dtmf_events = true});
}

void rig_press(struct rig *r, const char *digits)
{
    sim_caller_press(r->caller, digits);
    rig_waits(r, 0);
}

void rig_hangs_up(struct rig *r)
{
    sim_caller_hangup(r->caller);
    rig_waits(r, 0);
}

void rig_sends(struct rig *r, int on)
{
    r->sends = on == 0 ? SIM_NOTHING : on == 1 ? SIM_SILENCE : SIM_TONE;
    if (r->caller != NULL)
        sim_caller_sends(r->caller, r->sends);
}

struct ear {
    struct rig *rig;
    bool to_end;
};

static bool ear_satisfied(void *arg)
{
    struct ear *e = arg;
    const struct sim_heard *h = sim_caller_heard_at(e->rig->caller, e->rig->next_heard);

    return sim_caller_is_over(e->rig->caller) || (h != NULL && (!e->to_end || h->ended >= 0));
}

static bool hear_one(struct rig *r, const char *text, bool to_end)
{
    struct ear ear = {.rig = r, .to_end = to_end};
    const struct sim_heard *h;

    sim_run(r->sim, MINUTE_MS, ear_satisfied, &ear);
    h = sim_caller_heard_at(r->caller, r->next_heard);
    if (h == NULL) {
        fprintf(stderr, "# expected to hear \"%s\", heard nothing%s\n", text,
                sim_caller_is_over(r->caller) ? ": the call is over" : "");
        return false;
    }
    if (to_end)
        r->next_heard++;
    if (strcmp(h->text, text) == 0)
        return true;
    fprintf(stderr, "# expected to hear \"%s\", heard \"%s\"\n", text, h->text);
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
    return sim_caller_is_over(arg);
}

int rig_ends(struct rig *r)
{
    sim_run(r->sim, LINE_MS, call_over, r->caller);
    return sim_caller_is_over(r->caller) ? (int)sim_caller_cause(r->caller) : -1;
}

bool rig_is_answered(const struct rig *r)
{
    return sim_caller_is_answered(r->caller);
}

bool rig_is_over(const struct rig *r)
{
    return sim_caller_is_over(r->caller);
}

unsigned rig_frames(const struct rig *r)
{
    return (unsigned)sim_caller_frames(r->caller);
}

unsigned rig_frames_within(const struct rig *r, int64_t ms)
{
    return (unsigned)sim_caller_frames_within(r->caller, ms);
}

const char *rig_digits_heard(const struct rig *r)
{
    return sim_caller_digits(r->caller);
}

unsigned rig_prompts_made(const struct rig *r)
{
    struct speech_stats stats;

    sim_speech_stats(r->sim, &stats);
    return (unsigned)stats.made;
}

/* --- callees --- */

struct sim_callee *rig_callee(struct rig *r, const struct sim_manner *m)
{
    struct sim_callee *c = NULL;
    struct error err = {0};

    if (sim_add_callee(r->sim, m, &c, &err) != 0) {
        fprintf(stderr, "# callee: %s\n", err.text);
        abort(); /* nothing that follows would mean anything */
    }
    return c;
}

struct call_awaited {
    struct sim_callee *callee;
    size_t n;
};

static bool call_came(void *arg)
{
    struct call_awaited *w = arg;

    return sim_callee_call(w->callee, w->n) != NULL;
}

struct sim_caller *rig_called(struct rig *r, struct sim_callee *c, size_t n)
{
    sim_run(r->sim, MINUTE_MS, call_came, &(struct call_awaited){.callee = c, .n = n});
    return sim_callee_call(c, n);
}

struct tone_awaited {
    struct sim_caller *caller;
    int hz;
};

static bool tone_came(void *arg)
{
    struct tone_awaited *w = arg;

    return sim_caller_hears_tone(w->caller, w->hz, STEADY_FRAMES);
}

bool rig_hears_tone(struct rig *r, struct sim_caller *c, int hz)
{
    struct tone_awaited w = {.caller = c, .hz = hz};

    sim_run(r->sim, TONE_MS, tone_came, &w);
    return tone_came(&w);
}

struct sim_caller *rig_caller(struct rig *r)
{
    return r->caller;
}

struct sim *rig_sim(struct rig *r)
{
    return r->sim;
}

/* --- what was written down --- */

const char *rig_sid(struct rig *r)
{
    return r->caller != NULL ? sim_caller_sid(r->caller) : "";
}

int rig_journal(struct rig *r, const char *e, const char *part)
{
    const struct sim_line *line;
    char what[64];
    int n = 0;

    snprintf(what, sizeof what, "\"e\":\"%s\"", e);
    for (size_t i = 0; (line = sim_line_at(r->sim, i)) != NULL; i++)
        n += strstr(line->text, what) != NULL && (part == NULL || strstr(line->text, part) != NULL);
    return n;
}

char *rig_journal_text(struct rig *r)
{
    struct str out = STR_INIT(1 << 24);
    const struct sim_line *line;

    for (size_t i = 0; (line = sim_line_at(r->sim, i)) != NULL; i++) {
        str_add(&out, line->text);
        str_addc(&out, '\n');
    }
    return str_take(&out);
}

void rig_text_free(char *text)
{
    mem_free(text);
}

bool rig_settles(struct rig *r)
{
    return sim_settles(r->sim);
}
