/* Recordings: a control-side object with a SID, a state and callbacks. The sound goes from the
 * media loop through a tap to the disk (media/recorder.h); here is what the application sees. The
 * file is STATE/recordings/AC…/RE….wav with its facts beside it in RE….json. */
#include "base/log.h"
#include "base/mem.h"
#include "media/recorder.h"
#include "session/private.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TAP_STOP_AFTER_MS = 2000 }; /* beyond max_ms, when no media comes at all */

struct session_recording {
    struct recording told; /* what the verb gets */
    struct session *session;
    uint32_t request;
    struct recorder *recorder;
    struct record_options options; /* callback copied */
    char *callback, *url, *base;   /* base: the document's URL */
    char *path;                    /* without suffix */
    int64_t began_wall;
    struct timer limit; /* the channel sends nothing: then no frame ends it */
    bool tap_over;
    struct tap_result result;
};

/* --- callbacks (webhooks.md §4) --- */

static int add_facts(const struct session_recording *rec, struct webhook_params *p,
                     const char *status)
{
    char when[40], seconds[16];
    int rc = webhook_params_set(p, "RecordingSid", rec->told.sid);

    params_rfc2822(rec->began_wall, when);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingUrl", rec->url);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingStatus", status);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingChannels", "1");
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingStartTime", when);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingSource", rec->options.source);
    rc = rc != 0 ? rc : webhook_params_set(p, "RecordingTrack", "inbound");
    if (rc != 0 || strcmp(status, "completed") != 0)
        return rc;
    snprintf(seconds, sizeof seconds, "%d", rec->told.seconds);
    return webhook_params_set(p, "RecordingDuration", seconds);
}

/* `event` is the bit of the attribute's list: 1 in-progress, 2 completed, 4 absent. */
static void tell(struct session_recording *rec, unsigned event, const char *status)
{
    struct session *s = rec->session;
    struct webhook_params *p;
    char *url;

    journal_add(s, "recording", "{s:s, s:s, s:i, s:s}", "sid", rec->told.sid, "state", status,
                "seconds", rec->told.seconds, "url", rec->url);
    if (rec->callback == NULL || (rec->options.callback_events & event) == 0)
        return;
    p = params_standard(s);
    if (p != NULL && add_facts(rec, p, status) != 0)
        p = webhook_params_free(p);
    url = document_url(rec->base, rec->callback);
    if (url != NULL && url_is_http(url))
        callback_send(s, "recording", url, rec->options.callback_method == FLOW_GET, HTTP_DOCUMENT,
                      p);
    else {
        session_say_problem(s, false, 13256, rec->callback,
                            "recordingStatusCallback is no http URL");
        webhook_params_free(p);
    }
    mem_free(url);
}

/* --- the facts beside the file --- */

static void write_facts(struct session_recording *rec, bool completed)
{
    struct session *s = rec->session;
    char path[1100], when[40], now[40], seconds[16];
    json_t *facts;
    char *text;

    params_rfc2822(rec->began_wall, when);
    params_rfc2822(loop_wall(s->rt->parts.loop), now);
    snprintf(seconds, sizeof seconds, "%d", rec->told.seconds);
    facts = json_pack(
        "{s:s, s:s, s:s, s:s, s:n, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:n, s:n, s:s}", "sid",
        rec->told.sid, "account_sid", s->account->sid, "call_sid", s->sid, "api_version",
        "2010-04-01", "conference_sid", "date_created", when, "date_updated", now, "start_time",
        when, "duration", seconds, "status", completed ? "completed" : "absent", "channels", 1,
        "source", rec->options.source, "track", "inbound", "price", "error_code", "media_url",
        rec->url);
    text = facts != NULL ? json_dumps(facts, JSON_INDENT(2)) : NULL;
    snprintf(path, sizeof path, "%s.json", rec->path);
    if (text == NULL || disk_append(s->rt->parts.disk, path, text, strlen(text)) != 0)
        log_warn("recording", s->sid, "%s could not be written", path);
    mem_free(text);
    json_decref(facts);
}

/* --- the end --- */

static void recording_free(struct session_recording *rec)
{
    timer_stop(&rec->limit);
    mem_free(rec->callback);
    mem_free(rec->url);
    mem_free(rec->base);
    mem_free(rec->path);
    mem_free(rec);
}

/* The file is on disk, or could not be. */
static void recorded(void *arg, const struct recorder_result *result)
{
    struct session_recording *rec = arg;
    struct session *s = rec->session;
    struct request *r = request_find(s, rec->request);
    struct event ev = {.type = EVENT_RECORDED};
    bool good = result->failed == NULL && result->bytes > 0;

    rec->recorder = NULL;
    rec->told.seconds = (int)result->seconds;
    rec->told.heard = result->heard;
    if (result->failed != NULL)
        session_say_problem(s, false, 13600, rec->path, result->failed->text);
    write_facts(rec, good);
    tell(rec, good ? 2 : 4, good ? "completed" : "absent");
    s->recordings_open--;
    ev.recorded.recording = good ? &rec->told : NULL;
    ev.recorded.why = rec->result.why;
    if (r != NULL)
        request_answer(r, &ev);
    recording_free(rec);
    session_settled(s);
}

void recording_tapped(struct session_recording *rec, const struct tap_result *result)
{
    if (rec->tap_over)
        return;
    rec->tap_over = true;
    rec->result = *result;
    timer_stop(&rec->limit);
    if (result->lost > 0)
        log_warn("recording", rec->session->sid, "%s: %u frames were lost: the disk is too slow",
                 rec->told.sid, result->lost);
    recorder_end(rec->recorder, result, rec->options.trim, recorded, rec);
}

void recording_stop(struct session_recording *rec)
{
    struct session *s = rec->session;

    /* On a channel that is over the tap's answer is on its way already. */
    if (!rec->tap_over && s->channel != NULL && !s->channel_over)
        channel_tap_stop(s->channel, rec->request);
}

static void limit_reached(void *arg)
{
    recording_stop(arg);
}

/* --- the beginning --- */

static int name_it(struct session_recording *rec, const struct document *d,
                   const struct record_options *o)
{
    struct session *s = rec->session;
    struct str text = STR_INIT(2000);

    sid_make(rec->told.sid, "RE", &s->rt->parts.rng);
    str_addf(&text, "%s/2010-04-01/Accounts/%s/Recordings/%s", s->config->config->server.public_url,
             s->account->sid, rec->told.sid);
    rec->url = str_take(&text);
    str_addf(&text, "%s/recordings/%s/%s", s->rt->parts.state, s->account->sid, rec->told.sid);
    rec->path = str_take(&text);
    rec->base = mem_strdup(d->url);
    rec->callback = mem_strdup(o->callback);
    rec->told.url = rec->url;
    if (rec->url == NULL || rec->path == NULL || rec->base == NULL ||
        (o->callback != NULL && rec->callback == NULL))
        return ERR_NOMEM;
    return 0;
}

int recording_start(struct request *r, const struct record_options *o, struct error *err)
{
    struct session *s = r->session;
    struct session_recording *rec;
    int rc;

    if (s->channel == NULL || s->channel_over)
        return error_set(err, ERR_WRONG_STATE, "the call is over: there is nothing to record");
    rec = mem_alloc(sizeof *rec);
    if (rec == NULL)
        return error_nomem(err);
    rec->session = s;
    rec->request = r->id;
    rec->options = *o;
    rec->began_wall = loop_wall(s->rt->parts.loop);
    rc = name_it(rec, r->owner->document, o);
    if (rc != 0)
        error_nomem(err);
    if (rc == 0)
        rc = recorder_new(&rec->recorder, s->rt->parts.disk, s->rt->parts.loop,
                          channel_codec(s->channel), rec->path, err);
    if (rc == 0) {
        rc = channel_tap(s->channel, recorder_tap(rec->recorder), o->silence_ms, o->max_ms, r->id);
        if (rc != 0) {
            error_set(err, rc, "this call is being recorded already");
            recorder_discard(rec->recorder);
        }
    }
    if (rc != 0) {
        recording_free(rec);
        return rc;
    }
    timer_init(&rec->limit, s->rt->parts.loop, limit_reached, rec);
    timer_start(&rec->limit, (int64_t)o->max_ms + TAP_STOP_AFTER_MS);
    s->recordings_open++;
    r->recording = rec;
    tell(rec, 1, "in-progress");
    return 0;
}
