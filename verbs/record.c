/* Record: records the caller, then asks its action what to do. */
#include "session/session.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>

struct record_args {
    const char *action; /* NULL: the current document */
    enum flow_method method;
    int timeout; /* seconds of silence that end it; 0 never */
    const char *finish_on_key;
    int max_length; /* seconds; ATTR_ABSENT: 3600, or 120 with transcribe */
    bool play_beep;
    int trim; /* enum verb_trim */
    const char *callback;
    enum flow_method callback_method;
    unsigned callback_events; /* mask of enum verb_recording_event */
    bool transcribe;
    const char *transcribe_callback;
    const char *configuration_id;
};

static const struct attr record_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct record_args, action),
     .text = "Where to go on afterwards; the current document when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13610,
     .offset = offsetof(struct record_args, method),
     .text = "How the action is requested."},
    {.name = "timeout",
     .type = ATTR_INT,
     .def = "5",
     .min = 0,
     .max = 14400,
     .code = 13611,
     .offset = offsetof(struct record_args, timeout),
     .text = "Seconds of silence that end the recording; 0 never."},
    {.name = "finishOnKey",
     .type = ATTR_DIGITS,
     .def = "1234567890*#",
     .set = "0123456789*#",
     .min = 0,
     .code = 13613,
     .offset = offsetof(struct record_args, finish_on_key),
     .text = "Keys that end the recording; empty means none."},
    {.name = "maxLength",
     .type = ATTR_INT,
     .min = 2,
     .max = 86400,
     .code = 13612,
     .offset = offsetof(struct record_args, max_length),
     .text = "Most seconds; 3600, or 120 with transcribe, when absent."},
    {.name = "playBeep",
     .type = ATTR_BOOL,
     .def = "true",
     .code = 13616,
     .offset = offsetof(struct record_args, play_beep),
     .text = "Whether a beep says that the recording begins."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .def = "trim-silence",
     .code = 13699,
     .offset = offsetof(struct record_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .code = 13256,
     .offset = offsetof(struct record_args, callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct record_args, callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .def = "completed",
     .code = 13621,
     .offset = offsetof(struct record_args, callback_events),
     .text = "What that callback is told."},
    {.name = "transcribe",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13614,
     .offset = offsetof(struct record_args, transcribe),
     .text = "Whether the recording is written down."},
    {.name = "transcribeCallback",
     .type = ATTR_URL,
     .code = 13257,
     .offset = offsetof(struct record_args, transcribe_callback),
     .text = "Gets the written text; needs transcribe=\"true\"."},
    {.name = "recordingConfigurationId",
     .type = ATTR_STR,
     .offset = offsetof(struct record_args, configuration_id),
     .text = "Accepted for compatibility."},
    {0},
};

static void record_check(const struct node *n, struct checker *c)
{
    const struct record_args *args = n->args;

    checker_unreachable(c, n, "always goes on with its action");
    if (args->transcribe_callback != NULL && !args->transcribe)
        checker_report(c, n, false, 13257,
                       "transcribeCallback is never called: add transcribe=\"true\"");
    if (args->transcribe && args->max_length > 120)
        checker_report(c, n, false, 13617,
                       "only recordings of 2 to 120 seconds are transcribed: lower maxLength");
}

enum { RECORD_MOST_SECONDS = 3600, RECORD_MOST_TRANSCRIBED = 120 };

struct record {
    uint32_t beep, recording; /* requests; 0: not pending */
    char ended_by[8];         /* the key, "hangup", or "" */
};

static enum verb_result record_begin(struct activation *a, struct record *r)
{
    const struct record_args *args = activation_args(a);
    int most = args->max_length != ATTR_ABSENT ? args->max_length
               : args->transcribe              ? RECORD_MOST_TRANSCRIBED
                                               : RECORD_MOST_SECONDS;
    struct record_options o = {
        .max_ms = most * 1000,
        .silence_ms = args->timeout * 1000,
        .trim = args->trim == VERB_TRIM_SILENCE,
        .track = RECORD_INBOUND,
        .callback = args->callback,
        .callback_method = args->callback_method,
        .callback_events = args->callback_events,
        .source = "RecordVerb",
    };

    r->recording = session_record(a, &o);
    return r->recording != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result record_start(struct activation *a, const void *v, void *state)
{
    const struct record_args *args = v;
    struct record *r = state;
    struct audio *beep = args->play_beep ? session_beep(a) : NULL;

    if (args->transcribe)
        session_warn(a, 13614, "this version of Almon transcribes nothing: only the audio is kept");
    if (beep == NULL)
        return record_begin(a, r);
    r->beep = session_play(a, beep, 1, NULL);
    audio_unref(beep);
    return r->beep != 0 ? VERB_WAIT : VERB_ERROR;
}

/* The recording is on disk (or failed): what was recorded goes to the action. */
static enum verb_result record_finish(struct activation *a, struct record *r,
                                      const struct recording *recording)
{
    const struct record_args *args = activation_args(a);
    char seconds[16];

    if (recording != NULL && !recording->heard && r->ended_by[0] == '\0' &&
        session_empty_record_falls_through(a))
        return VERB_DONE;
    if (recording != NULL) {
        snprintf(seconds, sizeof seconds, "%d", recording->seconds);
        session_go_param(a, "RecordingUrl", recording->url);
        session_go_param(a, "RecordingSid", recording->sid);
        session_go_param(a, "RecordingDuration", seconds);
    }
    if (r->ended_by[0] != '\0')
        session_go_param(a, "Digits", r->ended_by);
    return session_go(a, args->action, args->method);
}

/* The first that ends it counts: what comes while the file is being closed changes nothing. */
static enum verb_result record_end(struct activation *a, struct record *r, const char *by)
{
    if (r->ended_by[0] == '\0') {
        snprintf(r->ended_by, sizeof r->ended_by, "%s", by);
        session_record_stop(a, r->recording);
    }
    return VERB_WAIT;
}

static enum verb_result record_key(struct activation *a, struct record *r, char key)
{
    const struct record_args *args = activation_args(a);

    if (r->recording == 0 || strchr(args->finish_on_key, key) == NULL)
        return VERB_PASS;
    return record_end(a, r, (char[]){key, '\0'});
}

static enum verb_result record_on_event(struct activation *a, void *state, const struct event *ev)
{
    struct record *r = state;

    switch (ev->type) {
    case EVENT_STARTED:
        return VERB_WAIT;
    case EVENT_PLAYED:
        r->beep = 0;
        return record_begin(a, r);
    case EVENT_RECORDED:
        r->recording = 0;
        return record_finish(a, r, ev->recorded.recording);
    case EVENT_DIGIT:
        return record_key(a, r, ev->digit.key);
    case EVENT_HANGUP:
        if (r->recording == 0)
            return VERB_PASS;
        /* A caller who hangs up has left his message: it is finished and its action still asked. */
        return record_end(a, r, "hangup");
    default:
        return VERB_PASS;
    }
}

const struct verb verb_record = {
    .schema =
        {
            .name = "Record",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .attrs = record_attrs,
            .args_size = sizeof(struct record_args),
            .check = record_check,
            .text = "Records the caller, then goes on with its action.",
        },
    .state_size = sizeof(struct record),
    .start = record_start,
    .on_event = record_on_event,
};
