/* The elements of the language, one file for each or for a close family. A file holds the table of
 * its elements (what they are called, where they may stand, which attributes they take), and for
 * those that already work the behaviour. verbs/table.c lists them all. */
#ifndef ALMON_VERBS_H
#define ALMON_VERBS_H

#include "session/verb.h"

/* verb_table as flow, and through it everything below verbs/, sees it. */
extern const struct schema_table verb_schemas;

/* Voice. */
extern const struct verb verb_ai_session;
extern const struct verb verb_application;
extern const struct verb verb_application_sid;
extern const struct verb verb_autopilot;
extern const struct verb verb_client;
extern const struct verb verb_conference;
extern const struct verb verb_config;
extern const struct verb verb_connect;
extern const struct verb verb_conversation;
extern const struct verb verb_conversation_relay;
extern const struct verb verb_conversation_relay_session;
extern const struct verb verb_dial;
extern const struct verb verb_echo;
extern const struct verb verb_enqueue;
extern const struct verb verb_gather;
extern const struct verb verb_hangup;
extern const struct verb verb_header;
extern const struct verb verb_headers;
extern const struct verb verb_identity;
extern const struct verb verb_language;
extern const struct verb verb_leave;
extern const struct verb verb_lua;
extern const struct verb verb_number;
extern const struct verb verb_parameter;
extern const struct verb verb_pause;
extern const struct verb verb_pay;
extern const struct verb verb_play;
extern const struct verb verb_prompt;
extern const struct verb verb_queue;
extern const struct verb verb_record;
extern const struct verb verb_recording;
extern const struct verb verb_redirect;
extern const struct verb verb_refer;
extern const struct verb verb_refer_sip;
extern const struct verb verb_reject;
extern const struct verb verb_response;
extern const struct verb verb_room;
extern const struct verb verb_say;
extern const struct verb verb_sim;
extern const struct verb verb_sip;
extern const struct verb verb_siprec;
extern const struct verb verb_sms;
extern const struct verb verb_start;
extern const struct verb verb_stop;
extern const struct verb verb_stream;
extern const struct verb verb_task;
extern const struct verb verb_transcription;
extern const struct verb verb_uri;
extern const struct verb verb_virtual_agent;
extern const struct verb verb_whats_app;

/* SSML inside Say. */
extern const struct verb verb_ssml_break;
extern const struct verb verb_ssml_emphasis;
extern const struct verb verb_ssml_lang;
extern const struct verb verb_ssml_p;
extern const struct verb verb_ssml_phoneme;
extern const struct verb verb_ssml_prosody;
extern const struct verb verb_ssml_s;
extern const struct verb verb_ssml_say_as;
extern const struct verb verb_ssml_sub;
extern const struct verb verb_ssml_w;

/* Messaging. */
extern const struct verb verb_body;
extern const struct verb verb_media;
extern const struct verb verb_message;

/* Values that several elements share (verbs/choices.c). */
extern const char *const verb_trims[];            /* enum verb_trim */
extern const char *const verb_recording_events[]; /* mask of enum verb_recording_event */
extern const char *const verb_call_events[];      /* mask of enum verb_call_event */
extern const char *const verb_tracks[];           /* inbound_track, outbound_track, both_tracks */
extern const char *const verb_recorded_tracks[];  /* enum record_track */
extern const char *const verb_dial_records[];     /* enum verb_dial_record */
extern const char *const verb_machine_modes[];    /* Enable, DetectMessageEnd */
extern const char *const verb_card_types[];

/* True when `n` is a <Parameter>; then its name and value. */
bool parameter_read(const struct node *n, const char **name, const char **value);

/* Parents of everything that stands directly in the Response. */
extern const char *const verb_in_response[];

enum verb_trim { VERB_TRIM_SILENCE, VERB_DO_NOT_TRIM };

enum verb_recording_event {
    VERB_RECORDING_IN_PROGRESS = 1,
    VERB_RECORDING_COMPLETED = 2,
    VERB_RECORDING_ABSENT = 4,
};

enum verb_call_event {
    VERB_CALL_INITIATED = 1,
    VERB_CALL_RINGING = 2,
    VERB_CALL_ANSWERED = 4,
    VERB_CALL_COMPLETED = 8,
};

enum verb_dial_record {
    VERB_DO_NOT_RECORD,
    VERB_RECORD_FROM_ANSWER,
    VERB_RECORD_FROM_RINGING,
    VERB_RECORD_FROM_ANSWER_DUAL,
    VERB_RECORD_FROM_RINGING_DUAL,
    VERB_RECORD_TRUE, /* from answer */
    VERB_RECORD_FALSE,
};

#endif
