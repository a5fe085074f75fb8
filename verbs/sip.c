/* Sip: a party of Dial reached over SIP, with what may stand in it. */
#include "verbs/verbs.h"

struct sip_args {
    const char *url;
    enum flow_method method;
    const char *status_callback;
    unsigned status_callback_event;
    enum flow_method status_callback_method;
    const char *username;
    const char *password;
    const char *machine_detection;
    int machine_detection_timeout;
    int machine_detection_speech_threshold;
    int machine_detection_speech_end_threshold;
    int machine_detection_silence_timeout;
    const char *amd_status_callback;
    enum flow_method amd_status_callback_method;
};

static const struct attr sip_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct sip_args, url),
     .text = "Document run on the called party before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13241,
     .offset = offsetof(struct sip_args, method),
     .text = "How the URL is requested."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct sip_args, status_callback),
     .text = "Told how the new call goes."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_call_events,
     .def = "completed",
     .offset = offsetof(struct sip_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct sip_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "username",
     .type = ATTR_STR,
     .code = 13249,
     .offset = offsetof(struct sip_args, username),
     .text = "User name for the far end."},
    {.name = "password",
     .type = ATTR_STR,
     .code = 13249,
     .offset = offsetof(struct sip_args, password),
     .text = "Password for the far end."},
    {.name = "machineDetection",
     .type = ATTR_CHOICE,
     .choices = verb_machine_modes,
     .open = true,
     .offset = offsetof(struct sip_args, machine_detection),
     .text = "Whether to find out if a machine answers, and whether to wait for its end."},
    {.name = "machineDetectionTimeout",
     .type = ATTR_INT,
     .def = "30",
     .min = 3,
     .max = 60,
     .offset = offsetof(struct sip_args, machine_detection_timeout),
     .text = "Most seconds to find out."},
    {.name = "machineDetectionSpeechThreshold",
     .type = ATTR_INT,
     .def = "2400",
     .min = 1000,
     .max = 6000,
     .offset = offsetof(struct sip_args, machine_detection_speech_threshold),
     .text = "Milliseconds of speech that mean a machine."},
    {.name = "machineDetectionSpeechEndThreshold",
     .type = ATTR_INT,
     .def = "1200",
     .min = 500,
     .max = 5000,
     .offset = offsetof(struct sip_args, machine_detection_speech_end_threshold),
     .text = "Milliseconds of silence that end its speech."},
    {.name = "machineDetectionSilenceTimeout",
     .type = ATTR_INT,
     .def = "5000",
     .min = 2000,
     .max = 10000,
     .offset = offsetof(struct sip_args, machine_detection_silence_timeout),
     .text = "Milliseconds of silence at the start that mean unknown."},
    {.name = "amdStatusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct sip_args, amd_status_callback),
     .text = "Told who answered."},
    {.name = "amdStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct sip_args, amd_status_callback_method),
     .text = "How that callback is requested."},
    {0},
};

static const char *const sip_parents[] = {"Dial", NULL};

const struct verb verb_sip = {
    .schema =
        {
            .name = "Sip",
            .parents = sip_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = sip_attrs,
            .args_size = sizeof(struct sip_args),
            .text = "A SIP address to call.",
        },
};

struct uri_args {
    const char *priority;
    const char *weight;
    const char *username;
    const char *password;
};

static const struct attr uri_attrs[] = {
    {.name = "priority",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, priority),
     .text = "Lower is tried first."},
    {.name = "weight",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, weight),
     .text = "Share among equal priorities."},
    {.name = "username",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, username),
     .text = "User name for this address."},
    {.name = "password",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, password),
     .text = "Password for this address."},
    {0},
};

static const char *const uri_parents[] = {"Sip", NULL};

const struct verb verb_uri = {
    .schema =
        {
            .name = "Uri",
            .parents = uri_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = uri_attrs,
            .args_size = sizeof(struct uri_args),
            .text = "One SIP address.",
        },
};

static const char *const headers_parents[] = {"Sip", NULL};

const struct verb verb_headers = {
    .schema =
        {
            .name = "Headers",
            .parents = headers_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .text = "SIP headers to send.",
        },
};

struct header_args {
    const char *name;
    const char *value;
};

static const struct attr header_attrs[] = {
    {.name = "name",
     .type = ATTR_STR,
     .required = true,
     .code = 13252,
     .offset = offsetof(struct header_args, name),
     .text = "Name of the header."},
    {.name = "value",
     .type = ATTR_STR,
     .code = 13253,
     .offset = offsetof(struct header_args, value),
     .text = "Its value."},
    {0},
};

static const char *const header_parents[] = {"Headers", NULL};

const struct verb verb_header = {
    .schema =
        {
            .name = "Header",
            .parents = header_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = header_attrs,
            .args_size = sizeof(struct header_args),
            .text = "One SIP header.",
        },
};
