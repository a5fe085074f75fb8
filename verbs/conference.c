/* Conference: a room in which callers hear each other. */
#include "verbs/verbs.h"

#include <string.h>

static const char *const conference_beeps[] = {"true", "false", "onEnter", "onExit", NULL};
static const char *const conference_buffers[] = {"large", "medium", "small", "off", NULL};
static const char *const conference_records[] = {"do-not-record", "record-from-start", NULL};
static const char *const conference_regions[] = {"us1", "us2", "ie1", "sg1", "br1",
                                                 "au1", "jp1", "de1", NULL};
static const char *const conference_events[] = {
    "start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement", NULL};

struct conference_args {
    bool muted;
    int beep;
    bool start_conference_on_enter;
    bool end_conference_on_exit;
    const char *wait_url;
    enum flow_method wait_method;
    int max_participants;
    const char *participant_label;
    int jitter_buffer_size;
    int record;
    int trim;
    int region;
    const char *coach;
    const char *status_callback;
    enum flow_method status_callback_method;
    unsigned status_callback_event;
    const char *recording_status_callback;
    enum flow_method recording_status_callback_method;
    unsigned recording_status_callback_event;
    const char *recording_configuration_id;
    const char *event_callback_url;
};

static const struct attr conference_attrs[] = {
    {.name = "muted",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13230,
     .offset = offsetof(struct conference_args, muted),
     .text = "Whether the caller only listens."},
    {.name = "beep",
     .type = ATTR_CHOICE,
     .choices = conference_beeps,
     .def = "true",
     .code = 13235,
     .offset = offsetof(struct conference_args, beep),
     .text = "When a beep is heard."},
    {.name = "startConferenceOnEnter",
     .type = ATTR_BOOL,
     .def = "true",
     .code = 13232,
     .offset = offsetof(struct conference_args, start_conference_on_enter),
     .text = "Whether the conference may begin with this caller."},
    {.name = "endConferenceOnExit",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13231,
     .offset = offsetof(struct conference_args, end_conference_on_exit),
     .text = "Whether it ends when this caller leaves."},
    {.name = "waitUrl",
     .type = ATTR_URL,
     .code = 13233,
     .offset = offsetof(struct conference_args, wait_url),
     .text = "What is heard before it begins; empty means silence."},
    {.name = "waitMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13234,
     .offset = offsetof(struct conference_args, wait_method),
     .text = "How waitUrl is requested."},
    {.name = "maxParticipants",
     .type = ATTR_INT,
     .def = "250",
     .min = 1,
     .max = 250,
     .offset = offsetof(struct conference_args, max_participants),
     .text = "Most callers in it."},
    {.name = "participantLabel",
     .type = ATTR_STR,
     .offset = offsetof(struct conference_args, participant_label),
     .text = "Name of this caller in it."},
    {.name = "jitterBufferSize",
     .type = ATTR_CHOICE,
     .choices = conference_buffers,
     .def = "large",
     .offset = offsetof(struct conference_args, jitter_buffer_size),
     .text = "How much delay irons out an uneven network."},
    {.name = "record",
     .type = ATTR_CHOICE,
     .choices = conference_records,
     .def = "do-not-record",
     .offset = offsetof(struct conference_args, record),
     .text = "Whether it is recorded."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .def = "trim-silence",
     .code = 13239,
     .offset = offsetof(struct conference_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "region",
     .type = ATTR_CHOICE,
     .choices = conference_regions,
     .offset = offsetof(struct conference_args, region),
     .text = "Accepted for compatibility."},
    {.name = "coach",
     .type = ATTR_STR,
     .code = 13240,
     .offset = offsetof(struct conference_args, coach),
     .text = "Call that alone hears this caller."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct conference_args, status_callback),
     .text = "Told what happens in it."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conference_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = conference_events,
     .offset = offsetof(struct conference_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .code = 13256,
     .offset = offsetof(struct conference_args, recording_status_callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conference_args, recording_status_callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .def = "completed",
     .offset = offsetof(struct conference_args, recording_status_callback_event),
     .text = "What that callback is told."},
    {.name = "recordingConfigurationId",
     .type = ATTR_STR,
     .offset = offsetof(struct conference_args, recording_configuration_id),
     .text = "Accepted for compatibility."},
    {.name = "eventCallbackUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct conference_args, event_callback_url),
     .text = "Deprecated: use statusCallback."},
    {0},
};

static const char *const conference_parents[] = {"Dial", NULL};

enum { CONFERENCE_MAX_NAME = 128 };

static void conference_check(const struct node *n, struct checker *c)
{
    const struct conference_args *args = n->args;
    const char *label = args->participant_label;

    if (*n->text == '\0' || strlen(n->text) > CONFERENCE_MAX_NAME)
        checker_report(c, n, false, 13237,
                       "<Conference> needs a name of 1 to %d characters between the tags",
                       CONFERENCE_MAX_NAME);
    if (label != NULL && (strlen(label) > CONFERENCE_MAX_NAME || strchr(label, '/') != NULL))
        checker_report(c, n, false, 16025,
                       "participantLabel has at most %d characters and no slash",
                       CONFERENCE_MAX_NAME);
}

const struct verb verb_conference = {
    .schema =
        {
            .name = "Conference",
            .parents = conference_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = conference_attrs,
            .args_size = sizeof(struct conference_args),
            .check = conference_check,
            .text = "A room in which all callers hear each other; its name is the text.",
        },
};
