/* Dial: calls somebody and joins both; the simple things that it may call. */
#include "verbs/verbs.h"

#include <string.h>

static const char *const dial_ring_tones[] = {
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz",     "de", "dk", "ee", "es", "fi",
    "fr", "gr", "hu", "il", "in", "it", "lt", "jp", "mx",     "my", "nl", "no", "nz", "ph",
    "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "us-old", "tw", "ve", "za", NULL};
static const char *const dial_events[] = {"call-progress-event", NULL};

struct dial_args {
    const char *action;
    enum flow_method method;
    int timeout;
    int time_limit;
    const char *caller_id;
    const char *call_reason;
    bool hangup_on_star;
    bool answer_on_bridge;
    int ring_tone;
    bool sequential;
    int record;
    int recording_track;
    const char *recording_status_callback;
    enum flow_method recording_status_callback_method;
    unsigned recording_status_callback_event;
    int trim;
    const char *recording_configuration_id;
    const char *refer_url;
    enum flow_method refer_method;
    const char *events;
    const char *passports;
};

static const struct attr dial_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct dial_args, action),
     .text = "Where to go on afterwards; the next verb when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13210,
     .offset = offsetof(struct dial_args, method),
     .text = "How the action is requested."},
    {.name = "timeout",
     .type = ATTR_INT,
     .def = "30",
     .min = 5,
     .max = 600,
     .code = 13212,
     .offset = offsetof(struct dial_args, timeout),
     .text = "Seconds of ringing."},
    {.name = "timeLimit",
     .type = ATTR_INT,
     .def = "14400",
     .min = 1,
     .max = 86400,
     .code = 13216,
     .offset = offsetof(struct dial_args, time_limit),
     .text = "Most seconds that both may talk."},
    {.name = "callerId",
     .type = ATTR_STR,
     .code = 13214,
     .offset = offsetof(struct dial_args, caller_id),
     .text = "Number shown to the called party; the caller's own when absent."},
    {.name = "callReason",
     .type = ATTR_STR,
     .offset = offsetof(struct dial_args, call_reason),
     .text = "Why you call, at most 50 characters."},
    {.name = "hangupOnStar",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13213,
     .offset = offsetof(struct dial_args, hangup_on_star),
     .text = "Whether the caller's * ends the new call."},
    {.name = "answerOnBridge",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13219,
     .offset = offsetof(struct dial_args, answer_on_bridge),
     .text = "Whether the caller hears ringing until the called party answers."},
    {.name = "ringTone",
     .type = ATTR_CHOICE,
     .choices = dial_ring_tones,
     .code = 13220,
     .offset = offsetof(struct dial_args, ring_tone),
     .text = "Country whose ringing tone is heard."},
    {.name = "sequential",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13218,
     .offset = offsetof(struct dial_args, sequential),
     .text = "Whether the parties are called one after another."},
    {.name = "record",
     .type = ATTR_CHOICE,
     .choices = verb_dial_records,
     .def = "do-not-record",
     .code = 13217,
     .offset = offsetof(struct dial_args, record),
     .text = "Whether and from when the call is recorded."},
    {.name = "recordingTrack",
     .type = ATTR_CHOICE,
     .choices = verb_recorded_tracks,
     .def = "both",
     .code = 13622,
     .offset = offsetof(struct dial_args, recording_track),
     .text = "Whose voice is recorded."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .code = 13256,
     .offset = offsetof(struct dial_args, recording_status_callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct dial_args, recording_status_callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .def = "completed",
     .offset = offsetof(struct dial_args, recording_status_callback_event),
     .text = "What that callback is told."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .def = "do-not-trim",
     .offset = offsetof(struct dial_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "recordingConfigurationId",
     .type = ATTR_STR,
     .offset = offsetof(struct dial_args, recording_configuration_id),
     .text = "Accepted for compatibility."},
    {.name = "referUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct dial_args, refer_url),
     .text = "Asked what to do when the called party transfers the call."},
    {.name = "referMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct dial_args, refer_method),
     .text = "How referUrl is requested."},
    {.name = "events",
     .type = ATTR_CHOICE,
     .choices = dial_events,
     .open = true,
     .offset = offsetof(struct dial_args, events),
     .text = "Accepted for compatibility."},
    {.name = "passports",
     .type = ATTR_STR,
     .offset = offsetof(struct dial_args, passports),
     .text = "Identity passports, with commas between."},
    {0},
};

enum { DIAL_MAX_PARTIES = 10 };

static bool dial_is_alone(const struct node *n)
{
    const char *name = n->schema->name;

    return strcmp(name, "Conference") == 0 || strcmp(name, "Queue") == 0 ||
           strcmp(name, "Application") == 0;
}

static void dial_check_parties(const struct node *n, struct checker *c)
{
    const struct node *party;
    int count = *n->text != '\0', alone = 0;

    for (party = n->children; party != NULL; party = party->next) {
        count++;
        alone += dial_is_alone(party);
    }
    if (count == 0)
        checker_report(c, n, false, 13223,
                       "<Dial> has nobody to call: write a number between the tags, or a noun such "
                       "as <Number>, <Client>, <Sip> or <Conference>");
    if (alone > 0 && count > 1)
        checker_report(c, n, false, 13000,
                       "<Conference>, <Queue> and <Application> stand alone in a <Dial>: move the "
                       "others to a <Dial> of their own");
    else if (count > DIAL_MAX_PARTIES)
        checker_report(c, n, false, 13250, "<Dial> calls at most %d parties: there are %d",
                       DIAL_MAX_PARTIES, count);
}

static void dial_check(const struct node *n, struct checker *c)
{
    const struct dial_args *args = n->args;

    dial_check_parties(n, c);
    if (args->action != NULL)
        checker_unreachable(c, n, "has an action, which takes over");
}

const struct verb verb_dial = {
    .schema =
        {
            .name = "Dial",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = dial_attrs,
            .args_size = sizeof(struct dial_args),
            .nested_code = 13215,
            .check = dial_check,
            .text = "Calls somebody and joins both calls.",
        },
};

struct number_args {
    const char *url;
    enum flow_method method;
    const char *send_digits;
    const char *status_callback;
    unsigned status_callback_event;
    enum flow_method status_callback_method;
    const char *byoc;
    const char *machine_detection;
    int machine_detection_timeout;
    int machine_detection_speech_threshold;
    int machine_detection_speech_end_threshold;
    int machine_detection_silence_timeout;
    const char *amd_status_callback;
    enum flow_method amd_status_callback_method;
};

static const struct attr number_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct number_args, url),
     .text = "Document run on the called party before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13221,
     .offset = offsetof(struct number_args, method),
     .text = "How the URL is requested."},
    {.name = "sendDigits",
     .type = ATTR_DIGITS,
     .set = "0123456789ABCDabcd*#wW",
     .min = 1,
     .max = 256,
     .code = 13222,
     .offset = offsetof(struct number_args, send_digits),
     .text = "Keys pressed once it answers; w waits 0.5 seconds, W 1 second."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct number_args, status_callback),
     .text = "Told how the new call goes."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_call_events,
     .def = "completed",
     .offset = offsetof(struct number_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct number_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "byoc",
     .type = ATTR_STR,
     .offset = offsetof(struct number_args, byoc),
     .text = "Trunk to call through."},
    {.name = "machineDetection",
     .type = ATTR_CHOICE,
     .choices = verb_machine_modes,
     .open = true,
     .offset = offsetof(struct number_args, machine_detection),
     .text = "Whether to find out if a machine answers, and whether to wait for its end."},
    {.name = "machineDetectionTimeout",
     .type = ATTR_INT,
     .def = "30",
     .min = 3,
     .max = 60,
     .offset = offsetof(struct number_args, machine_detection_timeout),
     .text = "Most seconds to find out."},
    {.name = "machineDetectionSpeechThreshold",
     .type = ATTR_INT,
     .def = "2400",
     .min = 1000,
     .max = 6000,
     .offset = offsetof(struct number_args, machine_detection_speech_threshold),
     .text = "Milliseconds of speech that mean a machine."},
    {.name = "machineDetectionSpeechEndThreshold",
     .type = ATTR_INT,
     .def = "1200",
     .min = 500,
     .max = 5000,
     .offset = offsetof(struct number_args, machine_detection_speech_end_threshold),
     .text = "Milliseconds of silence that end its speech."},
    {.name = "machineDetectionSilenceTimeout",
     .type = ATTR_INT,
     .def = "5000",
     .min = 2000,
     .max = 10000,
     .offset = offsetof(struct number_args, machine_detection_silence_timeout),
     .text = "Milliseconds of silence at the start that mean unknown."},
    {.name = "amdStatusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct number_args, amd_status_callback),
     .text = "Told who answered."},
    {.name = "amdStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct number_args, amd_status_callback_method),
     .text = "How that callback is requested."},
    {0},
};

static const char *const number_parents[] = {"Dial", NULL};

const struct verb verb_number = {
    .schema =
        {
            .name = "Number",
            .parents = number_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = number_attrs,
            .args_size = sizeof(struct number_args),
            .text = "A telephone number to call.",
        },
};

static const char *const sim_parents[] = {"Dial", NULL};

const struct verb verb_sim = {
    .schema =
        {
            .name = "Sim",
            .parents = sim_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "A SIM card to call.",
        },
};

struct queue_args {
    const char *url;
    enum flow_method method;
    const char *reservation_sid;
    const char *post_work_activity_sid;
};

static const struct attr queue_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct queue_args, url),
     .text = "Document run on the waiting caller before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct queue_args, method),
     .text = "How the URL is requested."},
    {.name = "reservationSid",
     .type = ATTR_STR,
     .offset = offsetof(struct queue_args, reservation_sid),
     .text = "Accepted for compatibility."},
    {.name = "postWorkActivitySid",
     .type = ATTR_STR,
     .offset = offsetof(struct queue_args, post_work_activity_sid),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const queue_parents[] = {"Dial", "Response", NULL};

const struct verb verb_queue = {
    .schema =
        {
            .name = "Queue",
            .parents = queue_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = queue_attrs,
            .args_size = sizeof(struct queue_args),
            .text = "A queue whose first waiting caller is taken.",
        },
};

struct whats_app_args {
    const char *url;
    enum flow_method method;
    const char *status_callback;
    unsigned status_callback_event;
    enum flow_method status_callback_method;
};

static const struct attr whats_app_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct whats_app_args, url),
     .text = "Document run on the called party before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct whats_app_args, method),
     .text = "How the URL is requested."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct whats_app_args, status_callback),
     .text = "Told how the new call goes."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_call_events,
     .def = "completed",
     .offset = offsetof(struct whats_app_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct whats_app_args, status_callback_method),
     .text = "How that callback is requested."},
    {0},
};

static const char *const whats_app_parents[] = {"Dial", NULL};

const struct verb verb_whats_app = {
    .schema =
        {
            .name = "WhatsApp",
            .parents = whats_app_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = whats_app_attrs,
            .args_size = sizeof(struct whats_app_args),
            .text = "A WhatsApp number to call.",
        },
};
