/* Recording: records the call while the document runs. */
#include "session/session.h"
#include "verbs/start.h"
#include "verbs/verbs.h"

#include <string.h>

static const char *const recording_channels[] = {"mono", "dual", NULL};
enum { RECORDING_MONO, RECORDING_DUAL };

struct recording_args {
    const char *name;
    int channels;
    int track;
    int trim;
    const char *callback;
    enum flow_method callback_method;
    unsigned callback_events;
    const char *configuration_id;
};

static const struct attr recording_attrs[] = {
    {.name = "name",
     .type = ATTR_STR,
     .offset = offsetof(struct recording_args, name),
     .text = "Name to stop it by."},
    {.name = "channels",
     .type = ATTR_CHOICE,
     .choices = recording_channels,
     .def = "dual",
     .offset = offsetof(struct recording_args, channels),
     .text = "One mixed channel, or one for each side."},
    {.name = "track",
     .type = ATTR_CHOICE,
     .choices = verb_recorded_tracks,
     .def = "both",
     .offset = offsetof(struct recording_args, track),
     .text = "Whose voice is recorded."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .def = "trim-silence",
     .offset = offsetof(struct recording_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .code = 13256,
     .offset = offsetof(struct recording_args, callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct recording_args, callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .def = "completed",
     .offset = offsetof(struct recording_args, callback_events),
     .text = "What that callback is told."},
    {.name = "recordingConfigurationId",
     .type = ATTR_STR,
     .offset = offsetof(struct recording_args, configuration_id),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const recording_parents[] = {"Start", "Stop", NULL};

static void recording_check(const struct node *n, struct checker *c)
{
    const struct recording_args *args = n->args;

    if (strcmp(n->parent->schema->name, "Stop") == 0 && args->name == NULL)
        checker_report(c, n, false, 12200, "which <Recording> to stop? add name=\"…\"");
    if (args->channels == RECORDING_DUAL && args->track != RECORD_BOTH && node_has(n, "channels"))
        checker_report(c, n, false, 12200, "one track alone is recorded in one channel");
}

/* --- behaviour --- */

void recording_begin(struct activation *a, const struct node *n)
{
    const struct recording_args *args = n->args;
    struct record_options o = {
        .trim = args->trim == VERB_TRIM_SILENCE,
        .track = (enum record_track)args->track,
        .dual = args->channels == RECORDING_DUAL,
        .callback = args->callback,
        .callback_method = args->callback_method,
        .callback_events = args->callback_events,
        .source = "StartCallRecordingTwiML",
    };

    session_record_background(a, args->name, &o);
}

void recording_end(struct activation *a, const struct node *n)
{
    const struct recording_args *args = n->args;

    if (args->name != NULL && !session_record_background_stop(a, args->name))
        session_warn(a, 14300, "no recording named \"%s\" runs: there is nothing to stop",
                     args->name);
}

const struct verb verb_recording = {
    .schema =
        {
            .name = "Recording",
            .parents = recording_parents,
            .flags = SCHEMA_VOICE,
            .attrs = recording_attrs,
            .args_size = sizeof(struct recording_args),
            .check = recording_check,
            .text = "Records the call while the document runs.",
        },
};
