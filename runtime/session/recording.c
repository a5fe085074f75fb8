#include "session/recording.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/url.h"
#include "media/recorder.h"
#include <stdio.h>
#include <string.h>

enum { TAP_STOP_AFTER_MS = 2000 }; /* beyond max_ms, when no media comes at all */

static const char *track_name(const struct session_recording *rec)
{
    static const char *const names[] = {"both", "inbound", "outbound"};

    return names[rec->options.track];
}

/* --- callbacks (webhooks.md §4) --- */

static int add_facts(const struct session_recording *rec, struct webhook_params *p,
                     const char *status)
{
    char when[40], seconds[16];
    int rc = webhook_params_set(p, "RecordingSid", rec->told.sid);

    params_rfc2822(rec->began_wall, when);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingUrl", rec->url);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingStatus", status);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingChannels", rec->channels == 2 ? "2" : "1");
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingStartTime", when);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingSource", rec->options.source);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingTrack", track_name(rec));
    if (rc != 0 || strcmp(status, "completed") != 0)
        return rc;
    snprintf(seconds, sizeof seconds, "%d", rec->told.seconds);
    return webhook_params_set(p, "RecordingDuration", seconds);
}

/* `event` is the bit of the attribute's list: 1 in-progress, 2 completed, 4 absent. */
static void tell(struct session_recording *rec, unsigned event, const char *status)
{
    const struct recording_place *at = &rec->place;
    struct webhook_params *p;
    char *url;

    at->note(at->arg, rec, status);
    if (rec->callback == NULL || (rec->options.callback_events & event) == 0)
        return;
    p = at->params(at->arg);
    if (p != NULL && add_facts(rec, p, status) != 0)
        p = webhook_params_free(p);
    url = url_resolve(rec->base, rec->callback);
    if (url != NULL && url_is_http(url))
        at->send(at->arg, url, rec->options.callback_method == FLOW_GET, p);
    else {
        at->problem(at->arg, 13256, rec->callback, "recordingStatusCallback is no http URL");
        webhook_params_free(p);
    }
    mem_free(url);
}

/* --- the facts beside the file --- */

static void write_facts(struct session_recording *rec)
{
    const struct recording_place *at = &rec->place;
    char path[1100], when[40], now[40], seconds[16];
    json_t *facts;
    char *text;

    params_rfc2822(rec->began_wall, when);
    params_rfc2822(loop_wall(at->rt->parts.loop), now);
    snprintf(seconds, sizeof seconds, "%d", rec->told.seconds);
    facts = json_pack(
        "{s:s, s:s, s:s?, s:s, s:s?, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:n, s:n, s:s}", "sid",
        rec->told.sid, "account_sid", at->account->sid, "call_sid", at->is_room ? NULL : at->sid,
        "api_version", "2010-04-01", "conference_sid", at->is_room ? at->sid : NULL, "date_created",
        when, "date_updated", now, "start_time", when, "duration", seconds, "status",
        rec->good ? "completed" : "absent", "channels", (int)rec->channels, "source",
        rec->options.source, "track", track_name(rec), "price", "error_code", "media_url",
        rec->url);
    text = facts != NULL ? json_dumps(facts, JSON_INDENT(2)) : NULL;
    snprintf(path, sizeof path, "%s.json", rec->path);
    if (text == NULL || disk_append(at->rt->parts.disk, path, text, strlen(text)) != 0)
        log_warn("recording", at->sid, "%s could not be written", path);
    mem_free(text);
    json_decref(facts);
}

/* --- the end --- */

static void recording_free(struct session_recording *rec)
{
    timer_stop(&rec->limit);
    map_remove(&rec->place.rt->recordings, rec->told.sid);
    mem_free(rec->callback);
    mem_free(rec->name);
    mem_free(rec->url);
    mem_free(rec->base);
    mem_free(rec->path);
    mem_free(rec);
}

/* The file is on disk, or could not be. */
static void recorded(void *arg, const struct recorder_result *result)
{
    struct session_recording *rec = arg;
    const struct recording_place *at = &rec->place;

    rec->recorder = NULL;
    rec->state = RECORDING_OVER;
    rec->good = result->failed == NULL && result->bytes > 0;
    rec->bytes = result->bytes;
    rec->told.seconds = (int)result->seconds;
    rec->told.heard = result->heard;
    if (result->failed != NULL)
        at->problem(at->arg, 13600, rec->path, result->failed->text);
    write_facts(rec);
    tell(rec, rec->good ? 2 : 4, rec->good ? "completed" : "absent");
    at->over(at->arg, rec);
    recording_free(rec);
}

void recording_tapped(struct session_recording *rec, const struct tap_result *result)
{
    if (rec->state >= RECORDING_ENDING)
        return;
    rec->state = RECORDING_ENDING;
    rec->result = *result;
    timer_stop(&rec->limit);
    if (result->lost > 0)
        log_warn("recording", rec->place.sid, "%s: %u frames were lost: the disk is too slow",
                 rec->told.sid, result->lost);
    recorder_end(rec->recorder, result, rec->options.trim, recorded, rec);
}

void recording_stop(struct session_recording *rec)
{
    if (rec->state >= RECORDING_STOPPED)
        return;
    rec->state = RECORDING_STOPPED;
    rec->place.tap_stop(rec->place.arg, rec->tap);
}

static void limit_reached(void *arg)
{
    recording_stop(arg);
}

/* --- pauses --- */

int recording_pause(struct session_recording *rec, bool silent, struct error *err)
{
    struct runtime *rt = rec->place.rt;

    if (rec->state != RECORDING_RUNS)
        return error_set(err, ERR_WRONG_STATE, "recording %s is %s", rec->told.sid,
                         rec->state == RECORDING_PAUSED ? "paused already" : "over");
    rec->state = RECORDING_PAUSED;
    rec->place.tap_pause(rec->place.arg, rec->tap, silent ? TAP_SILENT : TAP_SKIPS);
    if (!silent && rec->limit.active) {
        rec->limit_left = rec->limit.due - loop_now(rt->parts.loop);
        timer_stop(&rec->limit);
    }
    rec->place.note(rec->place.arg, rec, "paused");
    return 0;
}

int recording_resume(struct session_recording *rec, struct error *err)
{
    struct runtime *rt = rec->place.rt;

    if (rec->state != RECORDING_PAUSED)
        return error_set(err, ERR_WRONG_STATE, "recording %s is %s", rec->told.sid,
                         rec->state == RECORDING_RUNS ? "not paused" : "over");
    rec->state = RECORDING_RUNS;
    rec->place.tap_pause(rec->place.arg, rec->tap, TAP_RUNS);
    if (rec->limit_left > 0)
        timer_start_at(&rec->limit, loop_now(rt->parts.loop) + rec->limit_left);
    rec->limit_left = 0;
    rec->place.note(rec->place.arg, rec, "in-progress");
    return 0;
}

/* --- the beginning --- */

static int name_it(struct session_recording *rec, const char *base, const char *name)
{
    const struct recording_place *at = &rec->place;
    struct str text = STR_INIT(2000);

    sid_make(rec->told.sid, "RE", &at->rt->parts.rng);
    str_addf(&text, "%s/2010-04-01/Accounts/%s/Recordings/%s", at->config->server.public_url,
             at->account->sid, rec->told.sid);
    rec->url = str_take(&text);
    str_addf(&text, "%s/recordings/%s/%s", at->rt->parts.state, at->account->sid, rec->told.sid);
    rec->path = str_take(&text);
    rec->base = mem_strdup(base);
    rec->callback = mem_strdup(rec->options.callback);
    rec->name = mem_strdup(name);
    rec->told.url = rec->url;
    if (rec->url == NULL || rec->path == NULL || rec->base == NULL ||
        (rec->options.callback != NULL && rec->callback == NULL) ||
        (name != NULL && rec->name == NULL))
        return ERR_NOMEM;
    rec->options.callback = rec->callback;
    return map_set(&at->rt->recordings, rec->told.sid, rec);
}

static int begin(struct session_recording *rec, struct error *err)
{
    static const enum tap_tracks tracks[] = {
        [RECORD_INBOUND] = TAP_HEARD, [RECORD_OUTBOUND] = TAP_SENT, [RECORD_BOTH] = TAP_BOTH};
    const struct recording_place *at = &rec->place;
    const struct record_options *o = &rec->options;
    /* One track alone is always mono, and what a room's voice hears is all that is said in it. */
    bool dual = o->dual && o->track == RECORD_BOTH && !at->is_room;
    enum tap_tracks heard = at->is_room ? TAP_HEARD : dual ? TAP_DUAL : tracks[o->track];
    int rc = recorder_new_tracks(&rec->recorder, at->rt->parts.disk, at->rt->parts.loop, at->codec,
                                 heard, rec->path, err);

    if (rc != 0)
        return rc;
    rec->channels = dual ? 2 : 1;
    rc = at->tap(at->arg, recorder_tap(rec->recorder), o->silence_ms, o->max_ms, rec->tap);
    if (rc == 0)
        return 0;
    recorder_discard(rec->recorder);
    return error_set(err, rc, "three recordings of it run at once already, or it is over");
}

int recording_start(struct session_recording **recp, const struct recording_place *place,
                    const struct record_options *o, uint32_t tap, const char *base,
                    const char *name, struct error *err)
{
    struct session_recording *rec = mem_alloc(sizeof *rec);
    int rc;

    if (rec == NULL)
        return error_nomem(err);
    rec->place = *place;
    rec->options = *o;
    rec->tap = tap;
    rec->began_wall = loop_wall(place->rt->parts.loop);
    rc = name_it(rec, base, name);
    if (rc != 0)
        error_nomem(err);
    else
        rc = begin(rec, err);
    if (rc != 0) {
        recording_free(rec);
        return rc;
    }
    timer_init(&rec->limit, place->rt->parts.loop, limit_reached, rec);
    if (o->max_ms > 0)
        timer_start(&rec->limit, (int64_t)o->max_ms + TAP_STOP_AFTER_MS);
    *recp = rec;
    tell(rec, 1, "in-progress");
    return 0;
}
