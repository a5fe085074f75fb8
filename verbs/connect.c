/* Connect: hands the call to something that talks; the smaller things it may be handed to. */
#include "verbs/verbs.h"

static const char *const conversation_events[] = {"call-initiated", "call-ringing", "call-answered",
                                                  "call-completed", NULL};

struct connect_args {
    const char *action;
    enum flow_method method;
};

static const struct attr connect_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct connect_args, action),
     .text = "Asked how to go on afterwards; the next verb when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct connect_args, method),
     .text = "How the action is requested."},
    {0},
};

static void connect_check(const struct node *n, struct checker *c)
{
    if (n->children == NULL)
        checker_report(
            c, n, false, 12200,
            "<Connect> has nothing to connect to: put <Stream> or <ConversationRelay> into it");
}

const struct verb verb_connect = {
    .schema =
        {
            .name = "Connect",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = connect_attrs,
            .args_size = sizeof(struct connect_args),
            .check = connect_check,
            .text = "Hands the call to a stream, a voice agent or a room.",
        },
};

struct ai_session_args {
    const char *ai_connector;
    const char *ai_session_configuration;
};

static const struct attr ai_session_attrs[] = {
    {.name = "aiConnector",
     .type = ATTR_STR,
     .offset = offsetof(struct ai_session_args, ai_connector),
     .text = "Accepted for compatibility."},
    {.name = "aiSessionConfiguration",
     .type = ATTR_STR,
     .offset = offsetof(struct ai_session_args, ai_session_configuration),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const ai_session_parents[] = {"Connect", NULL};

const struct verb verb_ai_session = {
    .schema =
        {
            .name = "AiSession",
            .parents = ai_session_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = ai_session_attrs,
            .args_size = sizeof(struct ai_session_args),
            .text = "An AI session.",
        },
};

static const char *const autopilot_parents[] = {"Connect", NULL};

const struct verb verb_autopilot = {
    .schema =
        {
            .name = "Autopilot",
            .parents = autopilot_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "A retired product.",
        },
};

struct conversation_args {
    const char *service_instance_sid;
    bool inbound_autocreation;
    int routing_assignment_timeout;
    int inbound_timeout;
    const char *url;
    enum flow_method method;
    int record;
    int trim;
    const char *recording_status_callback;
    enum flow_method recording_status_callback_method;
    unsigned recording_status_callback_event;
    const char *status_callback;
    enum flow_method status_callback_method;
    unsigned status_callback_event;
};

static const struct attr conversation_attrs[] = {
    {.name = "serviceInstanceSid",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_args, service_instance_sid),
     .text = "Accepted for compatibility."},
    {.name = "inboundAutocreation",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct conversation_args, inbound_autocreation),
     .text = "Accepted for compatibility."},
    {.name = "routingAssignmentTimeout",
     .type = ATTR_INT,
     .min = 0,
     .max = 86400,
     .offset = offsetof(struct conversation_args, routing_assignment_timeout),
     .text = "Accepted for compatibility."},
    {.name = "inboundTimeout",
     .type = ATTR_INT,
     .min = 0,
     .max = 86400,
     .offset = offsetof(struct conversation_args, inbound_timeout),
     .text = "Accepted for compatibility."},
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct conversation_args, url),
     .text = "Accepted for compatibility."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conversation_args, method),
     .text = "How the URL is requested."},
    {.name = "record",
     .type = ATTR_CHOICE,
     .choices = verb_dial_records,
     .offset = offsetof(struct conversation_args, record),
     .text = "Whether and from when the call is recorded."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .offset = offsetof(struct conversation_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct conversation_args, recording_status_callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conversation_args, recording_status_callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .offset = offsetof(struct conversation_args, recording_status_callback_event),
     .text = "What that callback is told."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct conversation_args, status_callback),
     .text = "Told how the call goes."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conversation_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = conversation_events,
     .offset = offsetof(struct conversation_args, status_callback_event),
     .text = "What that callback is told."},
    {0},
};

static const char *const conversation_parents[] = {"Connect", NULL};

const struct verb verb_conversation = {
    .schema =
        {
            .name = "Conversation",
            .parents = conversation_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = conversation_attrs,
            .args_size = sizeof(struct conversation_args),
            .text = "A conversation of several channels.",
        },
};

struct room_args {
    const char *participant_identity;
};

static const struct attr room_attrs[] = {
    {.name = "participantIdentity",
     .type = ATTR_STR,
     .offset = offsetof(struct room_args, participant_identity),
     .text = "Name of this caller in the room."},
    {0},
};

static const char *const room_parents[] = {"Connect", NULL};

const struct verb verb_room = {
    .schema =
        {
            .name = "Room",
            .parents = room_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = room_attrs,
            .args_size = sizeof(struct room_args),
            .text = "A video room; its name is the text.",
        },
};

struct virtual_agent_args {
    const char *connector_name;
    const char *language;
    bool sentiment_analysis;
    const char *status_callback;
    enum flow_method status_callback_method;
};

static const struct attr virtual_agent_attrs[] = {
    {.name = "connectorName",
     .type = ATTR_STR,
     .offset = offsetof(struct virtual_agent_args, connector_name),
     .text = "Where the agent is."},
    {.name = "language",
     .type = ATTR_STR,
     .offset = offsetof(struct virtual_agent_args, language),
     .text = "Language of the talk."},
    {.name = "sentimentAnalysis",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct virtual_agent_args, sentiment_analysis),
     .text = "Accepted for compatibility."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct virtual_agent_args, status_callback),
     .text = "Told how it goes."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct virtual_agent_args, status_callback_method),
     .text = "How that callback is requested."},
    {0},
};

static const char *const virtual_agent_parents[] = {"Connect", NULL};

const struct verb verb_virtual_agent = {
    .schema =
        {
            .name = "VirtualAgent",
            .parents = virtual_agent_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = virtual_agent_attrs,
            .args_size = sizeof(struct virtual_agent_args),
            .text = "A virtual agent.",
        },
};

struct pair_args {
    const char *name, *value;
};

static const struct attr pair_attrs[] = {
    {.name = "name",
     .type = ATTR_STR,
     .offset = offsetof(struct pair_args, name),
     .text = "Its name."},
    {.name = "value",
     .type = ATTR_STR,
     .offset = offsetof(struct pair_args, value),
     .text = "Its value."},
    {0},
};

static const char *const config_parents[] = {"Transcription", "VirtualAgent", NULL};

const struct verb verb_config = {
    .schema =
        {
            .name = "Config",
            .parents = config_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = pair_attrs,
            .args_size = sizeof(struct pair_args),
            .text = "One setting of the provider.",
        },
};

bool parameter_read(const struct node *n, const char **name, const char **value)
{
    const struct pair_args *args = n->args;

    if (n->schema != &verb_parameter.schema || args->name == NULL)
        return false;
    *name = args->name;
    *value = args->value != NULL ? args->value : "";
    return true;
}

static const char *const parameter_parents[] = {
    "Application", "Client", "ConversationRelay", "Hangup",       "Pay", "Reject",
    "Siprec",      "Stream", "Transcription",     "VirtualAgent", NULL};

const struct verb verb_parameter = {
    .schema =
        {
            .name = "Parameter",
            .parents = parameter_parents,
            .flags = SCHEMA_VOICE,
            .attrs = pair_attrs,
            .args_size = sizeof(struct pair_args),
            .text = "A value of your own, handed on.",
        },
};
