/* Start and Stop: what runs beside the document. */
#include "verbs/start.h"
#include "session/session.h"
#include "verbs/verbs.h"

#include <string.h>

static const char *const transcription_engines[] = {"google", "deepgram", NULL};

struct start_args {
    const char *action;
    enum flow_method method;
};

static const struct attr start_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct start_args, action),
     .text = "Accepted for compatibility."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct start_args, method),
     .text = "How the action is requested."},
    {0},
};

static void start_check(const struct node *n, struct checker *c)
{
    if (n->children == NULL)
        checker_report(c, n, false, 14300,
                       "<Start> has nothing to start: put <Stream>, <Transcription>, <Recording> "
                       "or <Siprec> into it");
}

/* --- what may run beside --- */

static const struct {
    const char *element;
    void (*begin)(struct activation *a, const struct node *n);
    void (*end)(struct activation *a, const struct node *n);
} start_nouns[] = {
    {"Recording", recording_begin, recording_end},
};

static void start_each(struct activation *a, bool stop)
{
    const size_t count = sizeof start_nouns / sizeof *start_nouns;

    for (const struct node *n = activation_node(a)->children; n != NULL; n = n->next) {
        size_t i = 0;

        if (n->schema == NULL)
            continue;
        while (i < count && strcmp(start_nouns[i].element, n->schema->name) != 0)
            i++;
        if (i == count)
            session_warn(a, 13750, "<%s> is not in this version of Almon: it is left out",
                         n->schema->name);
        else
            (stop ? start_nouns[i].end : start_nouns[i].begin)(a, n);
    }
}

static enum verb_result start_start(struct activation *a, const void *args, void *state)
{
    (void)args;
    (void)state;
    start_each(a, false);
    return VERB_DONE;
}

static enum verb_result stop_start(struct activation *a, const void *args, void *state)
{
    (void)args;
    (void)state;
    start_each(a, true);
    return VERB_DONE;
}

const struct verb verb_start = {
    .schema =
        {
            .name = "Start",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .attrs = start_attrs,
            .args_size = sizeof(struct start_args),
            .nested_code = 14300,
            .check = start_check,
            .text = "Starts something that runs beside the document.",
        },
    .flags = VERB_KEEPS_RINGING,
    .start = start_start,
};

static void stop_check(const struct node *n, struct checker *c)
{
    if (n->children == NULL)
        checker_report(
            c, n, false, 12200,
            "<Stop> has nothing to stop: put the noun that was started, with its name, into it");
}

const struct verb verb_stop = {
    .schema =
        {
            .name = "Stop",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .check = stop_check,
            .text = "Stops what Start began, by its name.",
        },
    .flags = VERB_KEEPS_RINGING,
    .start = stop_start,
};

struct stream_args {
    const char *url;
    const char *name;
    int track;
    const char *status_callback;
    enum flow_method status_callback_method;
    const char *connector_name;
    const char *audio_format;
    const char *sample_rate;
};

static const struct attr stream_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct stream_args, url),
     .text = "wss:// address that gets the sound."},
    {.name = "name",
     .type = ATTR_STR,
     .offset = offsetof(struct stream_args, name),
     .text = "Name to stop it by."},
    {.name = "track",
     .type = ATTR_CHOICE,
     .choices = verb_tracks,
     .def = "inbound_track",
     .offset = offsetof(struct stream_args, track),
     .text = "Whose sound is sent."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct stream_args, status_callback),
     .text = "Told how the stream goes."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct stream_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "connectorName",
     .type = ATTR_STR,
     .offset = offsetof(struct stream_args, connector_name),
     .text = "Accepted for compatibility."},
    {.name = "audioFormat",
     .type = ATTR_STR,
     .offset = offsetof(struct stream_args, audio_format),
     .text = "Accepted for compatibility."},
    {.name = "sampleRate",
     .type = ATTR_STR,
     .offset = offsetof(struct stream_args, sample_rate),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const stream_parents[] = {"Connect", "Start", "Stop", NULL};

static void stream_check(const struct node *n, struct checker *c)
{
    const struct stream_args *args = n->args;
    bool stops = strcmp(n->parent->schema->name, "Stop") == 0;

    if (stops && args->name == NULL)
        checker_report(c, n, false, 12200, "which <Stream> to stop? add name=\"…\"");
    if (!stops && args->url == NULL && args->connector_name == NULL)
        checker_report(c, n, true, 12200, "<Stream> needs url=\"wss://…\"");
    if (args->url != NULL && strchr(args->url, '?') != NULL)
        checker_report(c, n, false, 12200,
                       "the url of a <Stream> has no query: use <Parameter> instead");
}

const struct verb verb_stream = {
    .schema =
        {
            .name = "Stream",
            .parents = stream_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = stream_attrs,
            .args_size = sizeof(struct stream_args),
            .check = stream_check,
            .text = "Sends the sound of the call to a WebSocket.",
        },
};

struct siprec_args {
    const char *connector_name;
    const char *name;
    int track;
    const char *status_callback;
    enum flow_method status_callback_method;
};

static const struct attr siprec_attrs[] = {
    {.name = "connectorName",
     .type = ATTR_STR,
     .offset = offsetof(struct siprec_args, connector_name),
     .text = "Where the recorder is."},
    {.name = "name",
     .type = ATTR_STR,
     .offset = offsetof(struct siprec_args, name),
     .text = "Name to stop it by."},
    {.name = "track",
     .type = ATTR_CHOICE,
     .choices = verb_tracks,
     .def = "both_tracks",
     .offset = offsetof(struct siprec_args, track),
     .text = "Whose sound is sent."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct siprec_args, status_callback),
     .text = "Told how it goes."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct siprec_args, status_callback_method),
     .text = "How that callback is requested."},
    {0},
};

static const char *const siprec_parents[] = {"Start", "Stop", NULL};

const struct verb verb_siprec = {
    .schema =
        {
            .name = "Siprec",
            .parents = siprec_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = siprec_attrs,
            .args_size = sizeof(struct siprec_args),
            .text = "Sends the call to a SIP recorder.",
        },
};

struct transcription_args {
    const char *name;
    const char *status_callback_url;
    enum flow_method status_callback_method;
    const char *language_code;
    int track;
    const char *inbound_track_label;
    const char *outbound_track_label;
    const char *transcription_engine;
    const char *speech_model;
    bool partial_results;
    const char *hints;
    bool profanity_filter;
    bool enable_automatic_punctuation;
    const char *intelligence_service;
    bool enable_provider_data;
    const char *conversation_configuration;
    const char *conversation_id;
};

static const struct attr transcription_attrs[] = {
    {.name = "name",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, name),
     .text = "Name to stop it by."},
    {.name = "statusCallbackUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct transcription_args, status_callback_url),
     .text = "Gets the text."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct transcription_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "languageCode",
     .type = ATTR_STR,
     .def = "en-US",
     .offset = offsetof(struct transcription_args, language_code),
     .text = "Language of the speech."},
    {.name = "track",
     .type = ATTR_CHOICE,
     .choices = verb_tracks,
     .def = "both_tracks",
     .offset = offsetof(struct transcription_args, track),
     .text = "Whose speech is written down."},
    {.name = "inboundTrackLabel",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, inbound_track_label),
     .text = "Name of the caller's side."},
    {.name = "outboundTrackLabel",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, outbound_track_label),
     .text = "Name of the other side."},
    {.name = "transcriptionEngine",
     .type = ATTR_CHOICE,
     .choices = transcription_engines,
     .open = true,
     .def = "google",
     .offset = offsetof(struct transcription_args, transcription_engine),
     .text = "Accepted for compatibility."},
    {.name = "speechModel",
     .type = ATTR_STR,
     .def = "telephony",
     .offset = offsetof(struct transcription_args, speech_model),
     .text = "Model of the recogniser."},
    {.name = "partialResults",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct transcription_args, partial_results),
     .text = "Whether unfinished text is sent too."},
    {.name = "hints",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, hints),
     .text = "Expected words, with commas between."},
    {.name = "profanityFilter",
     .type = ATTR_BOOL,
     .def = "true",
     .offset = offsetof(struct transcription_args, profanity_filter),
     .text = "Whether bad words are masked."},
    {.name = "enableAutomaticPunctuation",
     .type = ATTR_BOOL,
     .def = "true",
     .offset = offsetof(struct transcription_args, enable_automatic_punctuation),
     .text = "Whether the text is punctuated."},
    {.name = "intelligenceService",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, intelligence_service),
     .text = "Accepted for compatibility."},
    {.name = "enableProviderData",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct transcription_args, enable_provider_data),
     .text = "Accepted for compatibility."},
    {.name = "conversationConfiguration",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, conversation_configuration),
     .text = "Accepted for compatibility."},
    {.name = "conversationId",
     .type = ATTR_STR,
     .offset = offsetof(struct transcription_args, conversation_id),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const transcription_parents[] = {"Start", "Stop", NULL};

const struct verb verb_transcription = {
    .schema =
        {
            .name = "Transcription",
            .parents = transcription_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = transcription_attrs,
            .args_size = sizeof(struct transcription_args),
            .text = "Writes down what is said while it is said.",
        },
};
