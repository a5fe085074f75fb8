/* The recordings of calls: those that a verb waits for, and those that go on beside the document.
 * What they are is in recording.h. */
#include "base/mem.h"
#include "session/calls.h"
#include "session/recording.h"
#include "session/room_private.h"
#include <stdio.h>
#include <string.h>

/* --- a call as the place of a recording --- */

static int place_tap(void *arg, struct tap *tap, int silence_ms, int max_ms, uint32_t request)
{
    struct session *s = arg;

    if (s->room != NULL)
        return room_tap(s->room, tap, silence_ms, max_ms, request);
    return channel_tap(s->channel, tap, silence_ms, max_ms, request);
}

static void place_tap_stop(void *arg, uint32_t request)
{
    struct session *s = arg;

    /* On a channel that is over the tap's answer is on its way already. */
    if (s->room != NULL)
        room_tap_stop(s->room, request);
    else if (s->channel != NULL && !s->channel_over)
        channel_tap_stop(s->channel, request);
}

static void place_tap_pause(void *arg, uint32_t request, enum tap_pause how)
{
    struct session *s = arg;

    if (s->room != NULL)
        room_tap_pause(s->room, request, how);
    else if (s->channel != NULL && !s->channel_over)
        channel_tap_pause(s->channel, request, how);
}

static struct webhook_params *place_params(void *arg)
{
    return params_standard(arg);
}

static void place_send(void *arg, const char *url, bool get, struct webhook_params *params)
{
    callback_send(arg, "recording", url, get, HTTP_DOCUMENT, params);
}

static void place_note(void *arg, const struct session_recording *rec, const char *state)
{
    journal_add(arg, "recording", "{s:s, s:s, s:i, s:s, s:s, s:s?}", "sid", rec->told.sid, "state",
                state, "seconds", rec->told.seconds, "url", rec->url, "source", rec->options.source,
                "name", rec->name);
}

static void place_problem(void *arg, int code, const char *where, const char *text)
{
    session_say_problem(arg, false, code, where, text);
}

static void place_over(void *arg, struct session_recording *rec)
{
    struct session *s = arg;
    struct request *r = rec->request != 0 ? request_find(s, rec->request) : NULL;
    struct event ev = {.type = EVENT_RECORDED};

    list_remove(&rec->node);
    if (rec->good)
        calls_recorded(s, rec->told.sid);
    if (rec->good && s->room != NULL)
        room_tell_recorded(s->room, &rec->told, rec->bytes);
    for (size_t i = 0; i < sizeof rec->tellers / sizeof *rec->tellers; i++)
        if (rec->tellers[i] != NULL)
            callback_recorded(rec->tellers[i], rec->good ? &rec->told : NULL);
    ev.recorded.recording = rec->good ? &rec->told : NULL;
    ev.recorded.why = rec->result.why;
    if (r != NULL)
        request_answer(r, &ev);
    session_settled(s);
}

/* --- the beginning --- */

static int start(struct session *s, const struct record_options *o, const char *base,
                 const char *name, struct session_recording **recp, struct error *err)
{
    struct recording_place place = {
        .rt = s->rt,
        .config = s->config->config,
        .account = s->account,
        .sid = s->sid,
        .is_room = s->room != NULL,
        .arg = s,
        .tap = place_tap,
        .tap_stop = place_tap_stop,
        .tap_pause = place_tap_pause,
        .params = place_params,
        .send = place_send,
        .note = place_note,
        .problem = place_problem,
        .over = place_over,
    };
    int rc;

    if (s->room == NULL && (s->channel == NULL || s->channel_over))
        return error_set(err, ERR_WRONG_STATE, "the call is over: there is nothing to record");
    place.codec = s->room != NULL ? s->room->codec : channel_codec(s->channel);
    rc = recording_start(recp, &place, o, request_number(s), base, name, err);
    if (rc == 0)
        list_append(&s->recordings, &(*recp)->node);
    return rc;
}

static struct session_recording *
find(struct session *s, bool (*fits)(struct session_recording *, const void *), const void *what)
{
    struct link_node *n;

    for (n = list_first(&s->recordings); n != NULL; n = list_next(&s->recordings, n)) {
        struct session_recording *rec = list_entry(n, struct session_recording, node);

        if (fits(rec, what))
            return rec;
    }
    return NULL;
}

static bool fits_tap(struct session_recording *rec, const void *tap)
{
    return rec->tap == *(const uint32_t *)tap;
}

static bool fits_name(struct session_recording *rec, const void *name)
{
    return rec->state < RECORDING_STOPPED && rec->name != NULL && strcmp(rec->name, name) == 0;
}

static bool fits_live(struct session_recording *rec, const void *unused)
{
    (void)unused;
    return rec->state < RECORDING_STOPPED;
}

void record_tapped(struct session *s, uint32_t tap, const struct tap_result *result)
{
    struct session_recording *rec = find(s, fits_tap, &tap);

    if (rec != NULL)
        recording_tapped(rec, result);
}

/* --- what verbs ask for --- */

uint32_t session_record(struct activation *a, const struct record_options *o)
{
    struct request *r = request_new(a, REQUEST_RECORD);
    struct error err = {0};

    if (r == NULL)
        return 0;
    if (start(a->session, o, a->document->url, NULL, &r->recording, &err) != 0) {
        session_warn(a, 13600, "%s", err.text);
        request_free(r);
        return 0;
    }
    r->recording->request = r->id;
    return r->id;
}

void session_record_stop(struct activation *a, uint32_t request)
{
    struct request *r = request_find(a->session, request);

    if (r != NULL && r->kind == REQUEST_RECORD)
        recording_stop(r->recording);
}

bool session_record_background(struct activation *a, const char *name,
                               const struct record_options *o)
{
    struct session *s = a->session;
    struct session_recording *rec;
    struct error err = {0};

    if (name != NULL && find(s, fits_name, name) != NULL) {
        session_warn(a, 14300,
                     "a recording named \"%s\" runs already: stop it first, or take another name",
                     name);
        return false;
    }
    if (start(s, o, a->document->url, name, &rec, &err) == 0)
        return true;
    session_warn(a, 13600, "%s", err.text);
    return false;
}

bool session_record_background_stop(struct activation *a, const char *name)
{
    struct session_recording *rec = find(a->session, fits_name, name);

    if (rec != NULL)
        recording_stop(rec);
    return rec != NULL;
}

int record_room(struct session *own, const struct record_options *o, struct error *err)
{
    struct session_recording *rec;

    return start(own, o, "", NULL, &rec, err);
}

/* --- the last status callback tells of it (webhooks.md §3) --- */

void record_tells(struct session_recording *rec, struct session *s)
{
    for (size_t i = 0; i < sizeof rec->tellers / sizeof *rec->tellers; i++) {
        if (rec->tellers[i] == s)
            return;
        if (rec->tellers[i] == NULL) {
            record_untold(s);
            rec->tellers[i] = s;
            s->told_recording = rec;
            return;
        }
    }
}

void record_untold(struct session *s)
{
    struct session_recording *rec = s->told_recording;

    s->told_recording = NULL;
    for (size_t i = 0; rec != NULL && i < sizeof rec->tellers / sizeof *rec->tellers; i++)
        if (rec->tellers[i] == s)
            rec->tellers[i] = NULL;
}

void session_record_told(struct activation *a, uint32_t request)
{
    struct request *r = request_find(a->session, request);

    if (r != NULL && r->kind == REQUEST_RECORD)
        record_tells(r->recording, a->session);
}

/* --- from outside --- */

/* A RecordingSid, or the CallSid of a call with one live recording. */
static int find_live(struct runtime *rt, const char *sid, struct session_recording **recp,
                     struct error *err)
{
    struct session_recording *rec = map_get(&rt->recordings, sid);
    struct session *s = map_get(&rt->by_sid, sid);
    unsigned live = 0;

    if (s != NULL)
        for (struct link_node *n = list_first(&s->recordings); n != NULL;
             n = list_next(&s->recordings, n))
            live += fits_live(list_entry(n, struct session_recording, node), NULL);
    if (live > 1)
        return error_set(err, ERR_WRONG_STATE,
                         "call %s has %u recordings: name one by its own SID (RE…)", sid, live);
    if (s != NULL)
        rec = find(s, fits_live, NULL);
    if (rec == NULL || rec->state >= RECORDING_STOPPED)
        return error_set(err, ERR_MISSING, "no live recording %s: it is over, or never was", sid);
    *recp = rec;
    return 0;
}

int runtime_record(struct runtime *rt, const char *call_sid, const struct record_options *o,
                   char sid[SID_SIZE], struct error *err)
{
    struct session *s = map_get(&rt->by_sid, call_sid);
    struct session_recording *rec;
    int rc;

    if (s == NULL || s->phase != SESSION_RUNNING || s->answered == 0)
        return error_set(err, ERR_MISSING, "no call %s in progress: only such can be recorded",
                         call_sid);
    rc = start(s, o, "", NULL, &rec, err);
    if (rc == 0)
        memcpy(sid, rec->told.sid, SID_SIZE);
    return rc;
}

int runtime_recording_pause(struct runtime *rt, const char *sid, bool silent, struct error *err)
{
    struct session_recording *rec;
    int rc = find_live(rt, sid, &rec, err);

    return rc != 0 ? rc : recording_pause(rec, silent, err);
}

int runtime_recording_resume(struct runtime *rt, const char *sid, struct error *err)
{
    struct session_recording *rec;
    int rc = find_live(rt, sid, &rec, err);

    return rc != 0 ? rc : recording_resume(rec, err);
}

int runtime_recording_stop(struct runtime *rt, const char *sid, struct error *err)
{
    struct session_recording *rec;
    int rc = find_live(rt, sid, &rec, err);

    if (rc == 0)
        recording_stop(rec);
    return rc;
}
