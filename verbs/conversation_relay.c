/* ConversationRelay: your agent gets text and answers with text. */
#include "verbs/verbs.h"

static const char *const relay_interrupts[] = {"none", "dtmf",  "speech", "any",
                                               "true", "false", NULL};
static const char *const relay_speakers[] = {"Google", "Amazon", "ElevenLabs", NULL};
static const char *const relay_listeners[] = {"Google", "Deepgram", NULL};
static const char *const relay_sensitivities[] = {"low", "medium", "high", NULL};
static const char *const relay_debugs[] = {"debugging", "speaker-events", "tokens-played", NULL};
static const char *const relay_normalizations[] = {"on", "auto", "off", NULL};

struct conversation_relay_args {
    const char *url;
    const char *welcome_greeting;
    int welcome_greeting_interruptible;
    const char *language;
    const char *tts_language;
    const char *transcription_language;
    const char *tts_provider;
    const char *voice;
    const char *transcription_provider;
    const char *speech_model;
    int interruptible;
    int interrupt_sensitivity;
    bool dtmf_detection;
    int report_input_during_agent_speech;
    bool preemptible;
    const char *hints;
    unsigned debug;
    int elevenlabs_text_normalization;
    const char *intelligence_service;
    const char *events;
    bool partial_prompts;
    bool profanity_filter;
    const char *speechtimeout;
    const char *backgroundnoisereduction;
    const char *deepgramsmartformat;
    const char *ignorebackchannel;
};

static const struct attr conversation_relay_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .required = true,
     .offset = offsetof(struct conversation_relay_args, url),
     .text = "wss:// address of your agent."},
    {.name = "welcomeGreeting",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, welcome_greeting),
     .text = "Spoken first."},
    {.name = "welcomeGreetingInterruptible",
     .type = ATTR_CHOICE,
     .choices = relay_interrupts,
     .def = "any",
     .offset = offsetof(struct conversation_relay_args, welcome_greeting_interruptible),
     .text = "What interrupts the greeting."},
    {.name = "language",
     .type = ATTR_STR,
     .def = "en-US",
     .offset = offsetof(struct conversation_relay_args, language),
     .text = "Language of both directions."},
    {.name = "ttsLanguage",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, tts_language),
     .text = "Language spoken."},
    {.name = "transcriptionLanguage",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, transcription_language),
     .text = "Language heard."},
    {.name = "ttsProvider",
     .type = ATTR_CHOICE,
     .choices = relay_speakers,
     .open = true,
     .def = "ElevenLabs",
     .offset = offsetof(struct conversation_relay_args, tts_provider),
     .text = "Who speaks."},
    {.name = "voice",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, voice),
     .text = "Voice of the speaker."},
    {.name = "transcriptionProvider",
     .type = ATTR_CHOICE,
     .choices = relay_listeners,
     .open = true,
     .def = "Deepgram",
     .offset = offsetof(struct conversation_relay_args, transcription_provider),
     .text = "Who listens."},
    {.name = "speechModel",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, speech_model),
     .text = "Model of the recogniser."},
    {.name = "interruptible",
     .type = ATTR_CHOICE,
     .choices = relay_interrupts,
     .def = "any",
     .offset = offsetof(struct conversation_relay_args, interruptible),
     .text = "What interrupts the agent."},
    {.name = "interruptSensitivity",
     .type = ATTR_CHOICE,
     .choices = relay_sensitivities,
     .def = "high",
     .offset = offsetof(struct conversation_relay_args, interrupt_sensitivity),
     .text = "How easily."},
    {.name = "dtmfDetection",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct conversation_relay_args, dtmf_detection),
     .text = "Whether keys are sent to the agent."},
    {.name = "reportInputDuringAgentSpeech",
     .type = ATTR_CHOICE,
     .choices = relay_interrupts,
     .def = "none",
     .offset = offsetof(struct conversation_relay_args, report_input_during_agent_speech),
     .text = "What is reported while the agent speaks."},
    {.name = "preemptible",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct conversation_relay_args, preemptible),
     .text = "Whether newer text cuts older text short."},
    {.name = "hints",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, hints),
     .text = "Expected words, with commas between."},
    {.name = "debug",
     .type = ATTR_LIST,
     .choices = relay_debugs,
     .offset = offsetof(struct conversation_relay_args, debug),
     .text = "What else is reported."},
    {.name = "elevenlabsTextNormalization",
     .type = ATTR_CHOICE,
     .choices = relay_normalizations,
     .def = "off",
     .offset = offsetof(struct conversation_relay_args, elevenlabs_text_normalization),
     .text = "Accepted for compatibility."},
    {.name = "intelligenceService",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, intelligence_service),
     .text = "Accepted for compatibility."},
    {.name = "events",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, events),
     .text = "Accepted for compatibility."},
    {.name = "partialPrompts",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct conversation_relay_args, partial_prompts),
     .text = "Whether unfinished text is sent too."},
    {.name = "profanityFilter",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct conversation_relay_args, profanity_filter),
     .text = "Whether bad words are masked."},
    {.name = "speechtimeout",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, speechtimeout),
     .text = "Accepted for compatibility."},
    {.name = "backgroundnoisereduction",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, backgroundnoisereduction),
     .text = "Accepted for compatibility."},
    {.name = "deepgramsmartformat",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, deepgramsmartformat),
     .text = "Accepted for compatibility."},
    {.name = "ignorebackchannel",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_args, ignorebackchannel),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const conversation_relay_parents[] = {"Connect", NULL};

const struct verb verb_conversation_relay = {
    .schema =
        {
            .name = "ConversationRelay",
            .parents = conversation_relay_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = conversation_relay_attrs,
            .args_size = sizeof(struct conversation_relay_args),
            .text = "Turns speech into text for your agent, and its text into speech.",
        },
};

struct language_args {
    const char *code;
    const char *tts_provider;
    const char *voice;
    const char *transcription_provider;
    const char *speech_model;
};

static const struct attr language_attrs[] = {
    {.name = "code",
     .type = ATTR_STR,
     .required = true,
     .offset = offsetof(struct language_args, code),
     .text = "Language these settings are for."},
    {.name = "ttsProvider",
     .type = ATTR_STR,
     .offset = offsetof(struct language_args, tts_provider),
     .text = "Who speaks."},
    {.name = "voice",
     .type = ATTR_STR,
     .offset = offsetof(struct language_args, voice),
     .text = "Voice of the speaker."},
    {.name = "transcriptionProvider",
     .type = ATTR_STR,
     .offset = offsetof(struct language_args, transcription_provider),
     .text = "Who listens."},
    {.name = "speechModel",
     .type = ATTR_STR,
     .offset = offsetof(struct language_args, speech_model),
     .text = "Model of the recogniser."},
    {0},
};

static const char *const language_parents[] = {"ConversationRelay", NULL};

const struct verb verb_language = {
    .schema =
        {
            .name = "Language",
            .parents = language_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = language_attrs,
            .args_size = sizeof(struct language_args),
            .text = "Settings for one language.",
        },
};

struct conversation_relay_session_args {
    const char *connector;
    const char *session_configuration;
};

static const struct attr conversation_relay_session_attrs[] = {
    {.name = "connector",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_session_args, connector),
     .text = "Accepted for compatibility."},
    {.name = "sessionConfiguration",
     .type = ATTR_STR,
     .offset = offsetof(struct conversation_relay_session_args, session_configuration),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const conversation_relay_session_parents[] = {"Connect", NULL};

const struct verb verb_conversation_relay_session = {
    .schema =
        {
            .name = "ConversationRelaySession",
            .parents = conversation_relay_session_parents,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = conversation_relay_session_attrs,
            .args_size = sizeof(struct conversation_relay_session_args),
            .text = "A stored session of ConversationRelay.",
        },
};
