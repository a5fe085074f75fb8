/* almon serve: the exchange. Makes every part, joins them, runs the control loop until told to
 * stop, and takes it all down in the opposite order. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "cli/room.h"
#include "media/cache.h"
#include "media/recorder.h"
#include "script/script.h"
#include "session/journal.h"
#include "session/runtime.h"
#include "session/session.h"
#include "verbs/verbs.h"
#include "web/control.h"
#include "web/web.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DISK_QUEUE_BYTES = 64 * 1024 * 1024,
    LATE_CHECK_MS = 1000,
    TOLD_TWICE_MS = 1000,
};

struct serve {
    const char *config_path;
    const char *state_option; /* --state, or NULL */
    char state[512];
    struct loop *loop;
    struct disk *disk;
    struct media *media;
    struct speech *speech;
    struct http_curl *curl;
    struct webhooks *webhooks;
    struct fetcher *fetcher;
    struct kv *kv;
    struct audio_cache *audio;
    struct runtime *runtime;
    struct bridge *bridge;
    struct web *web;
    struct control *control;
    struct rng rng; /* of the webhooks; sessions have their own */
    struct timer late;
    bool refusing;           /* overloaded: new calls are refused */
    bool stopping, watching; /* signals */
    bool said;               /* what is wrong with the configuration */
    int64_t stopping_since;
    uv_signal_t on_int, on_term, on_hup;
};

/* --- configuration --- */

/* Both note that something was said: config_load() gives the first mistake twice. */
static void print_mistake(int line, const char *text, void *said)
{
    (void)line;
    *(bool *)said = true;
    fprintf(stderr, "%s\n", text);
}

static void log_mistake(int line, const char *text, void *said)
{
    (void)line;
    *(bool *)said = true;
    log_error("config", NULL, "%s", text);
}

static void reload(struct serve *s)
{
    struct config *config = NULL;
    struct error err = {0};
    bool said = false;

    if (config_load(&config, s->config_path, log_mistake, &said, &err) != 0) {
        if (!said)
            log_error("config", NULL, "%s", err.text);
        log_error("config", NULL, "the old configuration stays");
        return;
    }
    if (log_set_levels(config->server.log, &err) != 0)
        log_warn("config", NULL, "%s", err.text);
    daemon_advise(config);
    web_set_config(s->web, config);
    runtime_set_config(s->runtime, config);
    log_info("config", NULL, "%s reloaded: %zu numbers; addresses and state stay until a restart",
             s->config_path, config->n_numbers);
}

/* --- the end --- */

static void bridge_closed(void *arg)
{
    struct serve *s = arg;

    loop_stop(s->loop);
}

static void calls_closed(void *arg)
{
    struct serve *s = arg;

    bridge_close(s->bridge, bridge_closed, s);
}

static void on_signal(uv_signal_t *h, int number)
{
    struct serve *s = h->data;

    if (number == SIGHUP) {
        if (!s->stopping)
            reload(s);
        return;
    }
    if (s->stopping) {
        /* A terminal's Ctrl-C reaches a script and its exchange both, so that two signals close
         * together are one wish. */
        if (loop_now(s->loop) < s->stopping_since + TOLD_TWICE_MS * 1000)
            return;
        log_warn("serve", NULL, "told twice: leaving at once");
        _exit(1);
    }
    s->stopping = true;
    s->stopping_since = loop_now(s->loop);
    log_info("serve", NULL, "stopping: ending calls");
    daemon_notify("STOPPING=1");
    runtime_close(s->runtime, calls_closed, s);
}

/* --- overload --- */

/* Frames that leave late are heard by everybody: then no further call is taken on until it is
 * better. */
static void check_lateness(void *arg)
{
    struct serve *s = arg;
    const struct config *config = runtime_config(s->runtime);
    struct media_stats stats;
    bool late;

    media_stats(s->media, &stats);
    late = media_is_late(&stats, config->limits.late_ms);
    if (late != s->refusing) {
        s->refusing = late;
        log_warn("media", NULL,
                 late ? "frames are %u ms late: new calls are refused"
                      : "frames are in time again (%u ms): new calls are taken",
                 stats.late_p99_us / 1000);
        bridge_refuse(s->bridge, late || s->stopping);
    }
    timer_start(&s->late, LATE_CHECK_MS);
}

/* --- the control socket's actions --- */

static int act_redirect(void *arg, const char *sid, const char *url, struct error *err)
{
    return runtime_redirect(((struct serve *)arg)->runtime, sid, url, err);
}

static int act_hangup(void *arg, const char *sid, struct error *err)
{
    return runtime_hangup(((struct serve *)arg)->runtime, sid, err);
}

static json_t *act_rooms(void *arg)
{
    return cli_room_list(((struct serve *)arg)->runtime);
}

static int act_room(void *arg, const json_t *request, struct error *err)
{
    return cli_room_act(((struct serve *)arg)->runtime, request, err);
}

static int act_join(void *arg, const char *gateway, const char *id, const char *from,
                    const char *to, struct error *err)
{
    return bridge_join(((struct serve *)arg)->bridge, gateway, id, from, to, err);
}

static int act_record(void *arg, const char *sid, const char *what, char *made, struct error *err)
{
    struct runtime *rt = ((struct serve *)arg)->runtime;
    struct record_options o = {.source = "StartCallRecordingAPI",
                               .dual = strcmp(what, "dual") == 0};

    if (o.dual || strcmp(what, "start") == 0)
        return runtime_record(rt, sid, &o, made, err);
    if (strcmp(what, "pause") == 0 || strcmp(what, "skip") == 0)
        return runtime_recording_pause(rt, sid, strcmp(what, "pause") == 0, err);
    if (strcmp(what, "resume") == 0)
        return runtime_recording_resume(rt, sid, err);
    if (strcmp(what, "stop") == 0)
        return runtime_recording_stop(rt, sid, err);
    return error_set(err, ERR_INVALID, "a recording cannot %.30s", what);
}

static void *act_watch(void *arg, const char *sid, control_line_h *h, void *h_arg)
{
    return journal_watch_new(((struct serve *)arg)->runtime, sid, h, h_arg);
}

static void act_unwatch(void *arg, void *watch)
{
    (void)arg;
    journal_watch_free(watch);
}

/* What `almon` and monitoring ask for: numbers by name. */
static json_t *act_status(void *arg)
{
    struct serve *s = arg;
    struct runtime_stats calls;
    struct media_stats media;
    struct bridge_stats bridge;
    struct speech_stats speech;

    runtime_stats(s->runtime, &calls);
    media_stats(s->media, &media);
    bridge_stats(s->bridge, &bridge);
    speech_stats(s->speech, &speech);
    return json_pack("{s:i, s:i, s:I, s:I, s:I, s:i, s:i, s:i, s:I, s:I, s:I}", "calls",
                     (int)calls.sessions, "rooms", (int)calls.rooms, "calls_total",
                     (json_int_t)calls.calls, "documents", (json_int_t)calls.documents, "errors",
                     (json_int_t)calls.errors, "playing", (int)media.playing, "late_p99_us",
                     (int)media.late_p99_us, "links", (int)bridge.links, "refused",
                     (json_int_t)bridge.refused, "prompts", (json_int_t)speech.asked,
                     "prompts_made", (json_int_t)speech.made);
}

static int start_control(struct serve *s, struct error *err)
{
    struct control_actions actions = {
        .redirect = act_redirect,
        .hangup = act_hangup,
        .watch = act_watch,
        .unwatch = act_unwatch,
        .status = act_status,
        .rooms = act_rooms,
        .room = act_room,
        .join = act_join,
        .record = act_record,
        .arg = s,
    };

    return control_new(&s->control, s->loop, s->state, &actions, err);
}

/* --- making the parts --- */

static int start_media_parts(struct serve *s, const struct config *config, struct error *err)
{
    char path[700];
    int rc;

    rc = disk_new(&s->disk, s->loop, DISK_QUEUE_BYTES, err);
    if (rc == 0)
        rc = media_new(&s->media, s->loop, NULL, 0, err);
    if (rc == 0)
        rc = audio_cache_new(&s->audio, (size_t)config->speech.cache_mb << 20, err);
    snprintf(path, sizeof path, "%s/cache/speech", s->state);
    if (rc == 0)
        rc = speech_new(&s->speech, s->loop, config, path, err);
    return rc;
}

static int start_http_parts(struct serve *s, const struct config *config, struct error *err)
{
    char path[700];
    int rc;

    rng_init_secure(&s->rng);
    rc = http_curl_new(&s->curl, s->loop, err);
    if (rc == 0)
        rc = webhooks_new(&s->webhooks, s->loop, http_curl_port(s->curl), &s->rng, err);
    snprintf(path, sizeof path, "%s/cache/media", s->state);
    if (rc == 0)
        rc = fetcher_new(&s->fetcher, s->loop, http_curl_port(s->curl), path,
                         config->speech.disk_mb, err);
    return rc;
}

static int start_runtime(struct serve *s, struct config *config, struct error *err)
{
    struct runtime_parts parts = {
        .loop = s->loop,
        .media = s->media,
        .disk = s->disk,
        .speech = s->speech,
        .webhooks = s->webhooks,
        .fetcher = s->fetcher,
        .audio = s->audio,
        .verbs = verb_table,
        .handlers = &script_handlers,
        .state = s->state,
    };
    char path[700];
    int rc;

    rng_init_secure(&parts.rng);
    snprintf(path, sizeof path, "%s/kv.db", s->state);
    rc = kv_open(&s->kv, s->loop, path, err);
    parts.kv = s->kv;
    if (rc == 0)
        rc = runtime_new(&s->runtime, &parts, config, err);
    if (rc != 0) {
        config_free(config);
        return rc;
    }
    rc = bridge_new(&s->bridge, s->loop, s->media, config, config->server.bridge,
                    runtime_bridge_handlers(), s->runtime, err);
    if (rc != 0)
        return rc;
    runtime_set_bridge(s->runtime, s->bridge);
    rc = web_new(&s->web, s->loop, config, config->server.http, s->state, err);
    return rc != 0 ? rc : start_control(s, err);
}

static int choose_state(struct serve *s, const struct config *config, struct error *err)
{
    const char *state = s->state_option != NULL ? s->state_option : config->server.state;
    bool beside = s->state_option == NULL && state[0] != '/';
    struct error why = {0};
    char folder[700];

    snprintf(folder, sizeof folder, "%s%s%s", beside ? config->folder : "", beside ? "/" : "",
             state);
    if (!str_copy(s->state, sizeof s->state, folder))
        return error_set(err, ERR_INVALID, "%s: the state folder's name is too long", folder);
    if (disk_make_folders(s->state, &why) == 0 && access(s->state, R_OK | W_OK | X_OK) == 0)
        return 0;
    if (why.code == 0)
        error_set(&why, ERR_IO, "%s: cannot be written to: %s", s->state, strerror(errno));
    return error_set(err, ERR_IO,
                     "%s; give it to this user, or name another with --state or "
                     "server.state",
                     why.text);
}

/* What a killed exchange left unfinished. Only once the state folder is known to be ours. */
static void repair(struct serve *s)
{
    char recordings[700];

    snprintf(recordings, sizeof recordings, "%s/recordings", s->state);
    recorder_repair(recordings);
    journal_repair(s->state, loop_wall(s->loop));
    replies_repair(s->state);
}

static int start(struct serve *s, struct error *err)
{
    struct config *config = NULL;
    int rc = config_load(&config, s->config_path, print_mistake, &s->said, err);

    if (rc != 0)
        return rc;
    rc = log_set_levels(config->server.log, err);
    if (rc == 0)
        rc = choose_state(s, config, err);
    if (rc == 0)
        rc = loop_new(&s->loop, NULL, err);
    if (rc == 0)
        rc = start_media_parts(s, config, err);
    if (rc == 0)
        rc = start_http_parts(s, config, err);
    if (rc != 0) {
        config_free(config);
        return rc;
    }
    rc = start_runtime(s, config, err);
    if (rc != 0)
        return rc;
    daemon_advise(config);
    repair(s);
    return 0;
}

static void not_now(uv_signal_t *h, int number)
{
    (void)h;
    (void)number;
}

/* The signals are ours until the very end: one more must not end us between two parts. libuv gives
 * a signal back to the system with its last watcher, so others, on a loop that nobody turns and
 * nobody closes, take over before ours go. */
static void unwatch_signals(struct serve *s)
{
    static uv_signal_t parked[3];
    uv_signal_t *ours[] = {&s->on_int, &s->on_term, &s->on_hup};
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; s->watching && i < 3; i++) {
        if (uv_signal_init(uv_default_loop(), &parked[i]) == 0)
            uv_signal_start(&parked[i], not_now, numbers[i]);
        uv_close((uv_handle_t *)ours[i], NULL);
    }
}

static void stop(struct serve *s)
{
    control_free(s->control);
    web_free(s->web);
    bridge_free(s->bridge);
    runtime_free(s->runtime);
    fetcher_free(s->fetcher);
    kv_close(s->kv);
    webhooks_free(s->webhooks);
    http_curl_free(s->curl);
    speech_free(s->speech);
    audio_cache_free(s->audio);
    media_free(s->media);
    disk_free(s->disk);
    unwatch_signals(s);
    loop_free(s->loop);
}

/* A start that failed half way: who listens is asked to stop before he is freed. */
static void abandon(struct serve *s)
{
    if (s->bridge != NULL) {
        bridge_close(s->bridge, bridge_closed, s);
        loop_run(s->loop);
    }
    stop(s);
}

static void watch_signal(struct serve *s, uv_signal_t *h, int number)
{
    uv_signal_init(loop_uv(s->loop), h);
    h->data = s;
    uv_signal_start(h, on_signal, number);
}

static void run(struct serve *s)
{
    const struct config *config = runtime_config(s->runtime);

    s->watching = true;
    watch_signal(s, &s->on_int, SIGINT);
    watch_signal(s, &s->on_term, SIGTERM);
    watch_signal(s, &s->on_hup, SIGHUP);
    timer_init(&s->late, s->loop, check_lateness, s);
    timer_start(&s->late, LATE_CHECK_MS);
    printf("almon: ready  bridge ws://%s  http %s  state %s\n", config->server.bridge,
           config->server.public_url, s->state);
    fflush(stdout);
    daemon_notify("READY=1");
    loop_run(s->loop);
    timer_stop(&s->late);
}

static void usage(FILE *out)
{
    fprintf(out, "usage: almon serve [--config FILE] [--state DIR]\n"
                 "Runs the exchange with FILE (default: almon.lua).\n"
                 "SIGHUP reads the configuration again; SIGINT and SIGTERM end calls, let their\n"
                 "recordings and callbacks finish, and leave; a second one leaves at once.\n");
}

int cli_serve(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"state", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct serve s = {.config_path = "almon.lua"};
    struct error err = {0};
    int c;

    while ((c = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            s.config_path = optarg;
            break;
        case 's':
            s.state_option = optarg;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "almon serve: '%s' is one word too many; a configuration is named with "
                "--config FILE\n",
                argv[optind]);
        return 2;
    }
    daemon_raise_files();
    if (start(&s, &err) != 0) {
        if (!s.said)
            fprintf(stderr, "almon: %s\n", err.text);
        abandon(&s);
        return 1;
    }
    run(&s);
    stop(&s);
    return 0;
}
