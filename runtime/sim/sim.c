/* The exchange itself: how it is put together, run, and taken apart. */
#include "sim/sim.h"

#include "base/log.h"
#include "base/mem.h"
#include "script/script.h"
#include "sim/private.h"
#include <ftw.h>
#include <stdio.h>
#include <string.h>

enum {
    DISK_BYTES = 1 << 24,
    AUDIO_BYTES = 1 << 26,
    MEDIA_CACHE_MB = 64,
    WELCOME_MS = 1000,
    CLOSE_MS = 120 * 1000,
    SETTLE_MS = 60 * 1000,
};
#define LINK_TOKEN "simulated-callers"

void *sim_row_add(struct sim_row *row, size_t size, size_t max)
{
    size_t room = row->room == 0 ? 16 : row->room * 2;
    void *items;

    if (row->count == max)
        return NULL;
    if (row->count == row->room) {
        items = mem_realloc(row->items, room * size);
        if (items == NULL)
            return NULL;
        row->items = items;
        row->room = room;
    }
    items = (char *)row->items + size * row->count++;
    memset(items, 0, size);
    return items;
}

/* --- the configuration --- */

/* Everybody may be called, unless the configuration has routes of its own. */
#define ROUTES "route { { '*', 'sip:*' }, gateway = 'local' } "

static int parse_whole(struct sim *s, struct config **cp, const char *routes, const char *text,
                       struct error *err)
{
    struct str full = STR_INIT(SIM_CONFIG_BYTES);
    int rc;

    /* All on the first line, so that messages name the lines of `text`. */
    str_addf(&full, "account { sid = '%s', token = ", s->account);
    str_add_lua(&full, s->token);
    str_addf(&full,
             " } gateway { name = 'local', token = '" LINK_TOKEN "', identities = { '*' } } %s",
             routes);
    str_add(&full, text);
    if (full.failed)
        rc = error_set(err, ERR_LIMIT, "the configuration is larger than %d bytes",
                       SIM_CONFIG_BYTES);
    else
        rc = config_parse(cp, full.data, full.len, s->path, s->report, s->report_arg, err);
    str_free(&full);
    return rc;
}

static int parse_config(struct sim *s, struct config **cp, const char *text, struct error *err)
{
    struct config *own = NULL;
    int rc = parse_whole(s, &own, "", text, err);

    if (rc != 0 || own->n_routes > 0) {
        *cp = own;
        return rc;
    }
    config_free(own);
    return parse_whole(s, cp, ROUTES, text, err);
}

int sim_configure(struct sim *s, const char *text, struct error *err)
{
    struct config *config = NULL;
    int rc = parse_config(s, &config, text, err);

    if (rc == 0)
        runtime_set_config(s->runtime, config);
    return rc;
}

/* --- journals --- */

static void on_line(const char *sid, const char *text, void *arg)
{
    struct sim *s = arg;
    struct sim_line line = {.sid = mem_strdup(sid), .text = mem_strdup(text)}, *at;

    at = line.sid != NULL && line.text != NULL ? sim_row_add(&s->lines, sizeof *at, SIM_LINES)
                                               : NULL;
    if (at == NULL) {
        mem_free(line.sid);
        mem_free(line.text);
        return;
    }
    *at = line;
    sim_callers_read(s, &line);
    if (s->on_line != NULL)
        s->on_line(&line, s->on_line_arg);
}

size_t sim_lines(const struct sim *s)
{
    return s->lines.count;
}

const struct sim_line *sim_line_at(const struct sim *s, size_t i)
{
    return i < s->lines.count ? (const struct sim_line *)s->lines.items + i : NULL;
}

void sim_watch(struct sim *s, void (*h)(const struct sim_line *line, void *arg), void *arg)
{
    s->on_line = h;
    s->on_line_arg = arg;
}

/* --- building --- */

static char *join(const char *folder, const char *name)
{
    struct str path = STR_INIT(4096);

    str_add(&path, folder);
    str_add(&path, name);
    return str_take(&path);
}

static int make_loops(struct sim *s, int64_t wall, struct error *err)
{
    int rc;

    if ((rc = vtime_new(&s->vtime, err)) != 0)
        return rc;
    if (wall != 0)
        vtime_set_wall(s->vtime, wall);
    if ((rc = loop_new(&s->loop, s->vtime, err)) != 0 ||
        (rc = media_new(&s->media, s->loop, s->vtime, 0, err)) != 0 ||
        (rc = loop_new(&s->far, s->vtime, err)) != 0)
        return rc;
    return 0;
}

static int make_parts(struct sim *s, const struct sim_options *o, const struct config *config,
                      struct error *err)
{
    struct http_port port;
    char *media;
    int rc;

    if (o->network && (rc = sim_network_new(&s->network, s, err)) != 0)
        return rc;
    port = s->network != NULL ? sim_network_port(s->network) : sim_web_port(s);
    media = join(s->state, "/cache/media");
    if (media == NULL)
        return error_nomem(err);
    if ((rc = disk_new(&s->disk, s->loop, DISK_BYTES, err)) == 0 &&
        (rc = audio_cache_new(&s->audio, AUDIO_BYTES, err)) == 0 &&
        (rc = speech_new(&s->speech, s->loop, config, o->speech, err)) == 0 &&
        (rc = webhooks_new(&s->webhooks, s->loop, port, &s->rng, err)) == 0)
        rc = fetcher_new(&s->fetcher, s->loop, port, media, MEDIA_CACHE_MB, err);
    if (rc == 0)
        rc = kv_open(&s->kv, s->loop, NULL, err); /* in memory: each exchange begins with none */
    mem_free(media);
    return rc;
}

static int make_runtime(struct sim *s, const struct sim_options *o, struct config *config,
                        struct error *err)
{
    struct runtime_parts parts = {.loop = s->loop,
                                  .media = s->media,
                                  .disk = s->disk,
                                  .speech = s->speech,
                                  .webhooks = s->webhooks,
                                  .fetcher = s->fetcher,
                                  .kv = s->kv,
                                  .audio = s->audio,
                                  .verbs = o->verbs,
                                  .handlers = o->handlers,
                                  .call_seed = o->call_seed,
                                  .state = s->state,
                                  .no_journal_files = true};
    int rc;

    rng_init_seeded(&parts.rng, o->seed + 1);
    rc = runtime_new(&s->runtime, &parts, config, err);
    if (rc != 0) {
        config_free(config);
        return rc;
    }
    rc = bridge_new(&s->bridge, s->loop, s->media, config, NULL, runtime_bridge_handlers(),
                    s->runtime, err);
    if (rc != 0)
        return rc;
    runtime_set_bridge(s->runtime, s->bridge);
    s->watch = journal_watch_new(s->runtime, NULL, on_line, s);
    return s->watch != NULL ? 0 : error_nomem(err);
}

static bool is_ready(void *arg)
{
    return ((struct sim *)arg)->ready;
}

static int make_link(struct sim *s, struct error *err)
{
    struct client_options link = {
        .name = "local", .token = LINK_TOKEN, .prompts = true, .bridge = s->bridge};
    int rc = client_new(&s->client, s->far, &link, &sim_client_events, s, err);

    if (rc != 0)
        return rc;
    sim_run(s, WELCOME_MS, is_ready, s);
    return s->ready ? 0 : error_set(err, ERR_WRONG_STATE, "the callers' link was not welcomed");
}

int sim_break_link(struct sim *s, struct error *err)
{
    int rc;

    s->client = client_free(s->client);
    sim_callers_lost(s);
    s->ready = false;
    rc = make_link(s, err);
    if (rc == 0)
        sim_callees_register(s);
    return rc;
}

static int build(struct sim *s, const struct sim_options *o, struct error *err)
{
    struct config *config = NULL;
    int rc;

    s->folder = mem_strdup(o->folder);
    s->state = join(o->folder, "/state");
    s->path = mem_strdup(o->path);
    s->account = mem_strdup(o->account != NULL ? o->account : SIM_ACCOUNT);
    s->token = mem_strdup(o->token != NULL ? o->token : "12345");
    s->report = o->report;
    s->report_arg = o->report_arg;
    if (s->folder == NULL || s->state == NULL || s->path == NULL || s->account == NULL ||
        s->token == NULL)
        return error_nomem(err);
    rng_init_seeded(&s->rng, o->seed);
    if ((rc = disk_make_folders(s->state, err)) != 0 ||
        (rc = parse_config(s, &config, o->config, err)) != 0)
        return rc;
    if ((rc = make_loops(s, o->wall, err)) != 0 || (rc = make_parts(s, o, config, err)) != 0) {
        config_free(config);
        return rc;
    }
    rc = make_runtime(s, o, config, err);
    return rc != 0 ? rc : make_link(s, err);
}

int sim_new(struct sim **sp, const struct sim_options *o, struct error *err)
{
    struct sim *s = mem_alloc(sizeof *s);
    int rc;

    if (s == NULL)
        return error_nomem(err);
    list_init(&s->exchanges);
    rc = build(s, o, err);
    if (rc == 0)
        *sp = s;
    else
        sim_free(s);
    return rc;
}

/* --- the end --- */

static void note_closed(void *arg)
{
    ((struct sim *)arg)->closed = true;
}

static bool is_closed(void *arg)
{
    return ((struct sim *)arg)->closed;
}

static void close_all(struct sim *s)
{
    if (s->runtime != NULL) {
        runtime_close(s->runtime, note_closed, s);
        sim_run(s, CLOSE_MS, is_closed, s);
    }
    s->closed = false;
    if (s->bridge != NULL) {
        bridge_close(s->bridge, note_closed, s);
        sim_run(s, CLOSE_MS, is_closed, s);
    }
}

struct sim *sim_free(struct sim *s)
{
    struct sim_line *lines;

    if (s == NULL)
        return NULL;
    if (s->loop != NULL)
        close_all(s);
    client_free(s->client);
    bridge_free(s->bridge);
    journal_watch_free(s->watch);
    runtime_free(s->runtime);
    fetcher_free(s->fetcher);
    kv_close(s->kv);
    webhooks_free(s->webhooks);
    speech_free(s->speech);
    audio_cache_free(s->audio);
    media_free(s->media);
    disk_free(s->disk);
    sim_callers_free(s);
    sim_callees_free(s);
    sim_texts_free(s);
    sim_web_free(s);
    sim_network_free(s->network);
    loop_free(s->far);
    loop_free(s->loop);
    vtime_free(s->vtime);
    lines = s->lines.items;
    for (size_t i = 0; i < s->lines.count; i++) {
        mem_free(lines[i].sid);
        mem_free(lines[i].text);
    }
    mem_free(lines);
    mem_free(s->hz.items);
    mem_free(s->folder);
    mem_free(s->state);
    mem_free(s->path);
    mem_free(s->account);
    mem_free(s->token);
    mem_free(s);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void sim_remove_folder(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- time --- */

int64_t sim_now(const struct sim *s)
{
    return loop_now(s->loop) / 1000;
}

void sim_run(struct sim *s, int64_t ms, bool (*stop)(void *arg), void *arg)
{
    vtime_run(s->vtime, loop_now(s->loop) + ms * 1000, stop, arg);
}

static bool no_session(void *arg)
{
    struct runtime_stats stats;

    runtime_stats(((struct sim *)arg)->runtime, &stats);
    return stats.sessions + stats.rooms == 0;
}

static void on_synced(void *arg)
{
    *(bool *)arg = true;
}

static bool is_synced(void *arg)
{
    return *(bool *)arg;
}

bool sim_settles(struct sim *s)
{
    bool synced = false;

    sim_run(s, SETTLE_MS, no_session, s);
    /* What was written can be read from now on. */
    if (disk_sync(s->disk, on_synced, &synced) == 0)
        sim_run(s, SETTLE_MS, is_synced, &synced);
    return no_session(s);
}

struct runtime *sim_runtime(struct sim *s)
{
    return s->runtime;
}

struct bridge *sim_bridge(struct sim *s)
{
    return s->bridge;
}

void sim_set_call_seed(struct sim *s, uint64_t seed)
{
    runtime_set_call_seed(s->runtime, seed);
}

void sim_set_wall(struct sim *s, int64_t wall_ms)
{
    vtime_set_wall(s->vtime, wall_ms);
}

static void was_kept(void *arg, const struct kv_answer *answer)
{
    (void)arg;
    if (answer->err != NULL)
        log_warn("sim", NULL, "a value was not kept: %s", answer->err->text);
}

int sim_keep(struct sim *s, const char *folder, const char *key, const char *value, size_t len,
             struct error *err)
{
    char space[KV_SPACE_MAX + 1];
    struct kv_op *op;

    script_kv_space(space, s->account, folder);
    if (value != NULL)
        op = kv_set(s->kv, space, key, value, len, 0, was_kept, NULL, err);
    else
        op = kv_delete(s->kv, space, key, was_kept, NULL, err);
    return op != NULL ? 0 : ERR_INVALID;
}

void sim_speech_stats(const struct sim *s, struct speech_stats *out)
{
    speech_stats(s->speech, out);
}
