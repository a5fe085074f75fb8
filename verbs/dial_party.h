/* What the elements <Number>, <Client> and <Sip> say of whom to call. */
#ifndef ALMON_DIAL_PARTY_H
#define ALMON_DIAL_PARTY_H

#include "session/session.h"
#include "verbs/verbs.h"

/* What all parties have in common; first in each one's args struct. */
struct party_args {
    const char *url;
    enum flow_method method;
    const char *status_callback;
    unsigned status_callback_event;
    enum flow_method status_callback_method;
};

#define PARTY_ATTRS(method_code)                                                                   \
    {.name = "url",                                                                                \
     .type = ATTR_URL,                                                                             \
     .offset = offsetof(struct party_args, url),                                                   \
     .text = "Document run on the called party before both are joined."},                          \
        {.name = "method",                                                                         \
         .type = ATTR_METHOD,                                                                      \
         .def = "POST",                                                                            \
         .code = (method_code),                                                                    \
         .offset = offsetof(struct party_args, method),                                            \
         .text = "How the URL is requested."},                                                     \
        {.name = "statusCallback",                                                                 \
         .type = ATTR_URL,                                                                         \
         .offset = offsetof(struct party_args, status_callback),                                   \
         .text = "Told how the new call goes."},                                                   \
        {.name = "statusCallbackEvent",                                                            \
         .type = ATTR_LIST,                                                                        \
         .choices = verb_call_events,                                                              \
         .def = "completed",                                                                       \
         .offset = offsetof(struct party_args, status_callback_event),                             \
         .text = "What that callback is told."},                                                   \
    {                                                                                              \
        .name = "statusCallbackMethod", .type = ATTR_METHOD, .def = "POST",                        \
        .offset = offsetof(struct party_args, status_callback_method),                             \
        .text = "How that callback is requested."                                                  \
    }

/* Numbers and SIP addresses, behind which a machine may answer, have these besides. */
struct machine_args {
    struct party_args party;
    const char *detection;
    int timeout, speech_threshold, speech_end_threshold, silence_timeout;
    const char *callback;
    enum flow_method callback_method;
};

#define MACHINE_ATTRS                                                                              \
    {.name = "machineDetection",                                                                   \
     .type = ATTR_CHOICE,                                                                          \
     .choices = verb_machine_modes,                                                                \
     .open = true,                                                                                 \
     .offset = offsetof(struct machine_args, detection),                                           \
     .text = "Whether to find out if a machine answers, and whether to wait for its end."},        \
        {.name = "machineDetectionTimeout",                                                        \
         .type = ATTR_INT,                                                                         \
         .def = "30",                                                                              \
         .min = 3,                                                                                 \
         .max = 60,                                                                                \
         .offset = offsetof(struct machine_args, timeout),                                         \
         .text = "Most seconds to find out."},                                                     \
        {.name = "machineDetectionSpeechThreshold",                                                \
         .type = ATTR_INT,                                                                         \
         .def = "2400",                                                                            \
         .min = 1000,                                                                              \
         .max = 6000,                                                                              \
         .offset = offsetof(struct machine_args, speech_threshold),                                \
         .text = "Milliseconds of speech that mean a machine."},                                   \
        {.name = "machineDetectionSpeechEndThreshold",                                             \
         .type = ATTR_INT,                                                                         \
         .def = "1200",                                                                            \
         .min = 500,                                                                               \
         .max = 5000,                                                                              \
         .offset = offsetof(struct machine_args, speech_end_threshold),                            \
         .text = "Milliseconds of silence that end its speech."},                                  \
        {.name = "machineDetectionSilenceTimeout",                                                 \
         .type = ATTR_INT,                                                                         \
         .def = "5000",                                                                            \
         .min = 2000,                                                                              \
         .max = 10000,                                                                             \
         .offset = offsetof(struct machine_args, silence_timeout),                                 \
         .text = "Milliseconds of silence at the start that mean unknown."},                       \
        {.name = "amdStatusCallback",                                                              \
         .type = ATTR_URL,                                                                         \
         .offset = offsetof(struct machine_args, callback),                                        \
         .text = "Told who answered."},                                                            \
    {                                                                                              \
        .name = "amdStatusCallbackMethod", .type = ATTR_METHOD, .def = "POST",                     \
        .offset = offsetof(struct machine_args, callback_method),                                  \
        .text = "How that callback is requested."                                                  \
    }

bool dial_is_party(const struct node *n);
/* Fills in *party, whose texts live as long as the verb. `noun` NULL: the Dial's own text is a
 * number; `uri`: the <Uri> of a Sip that is meant, NULL: its text. False when nobody can be called,
 * which was said. */
bool dial_party_read(struct activation *a, const struct node *noun, const struct node *uri,
                     struct leg_party *party);
/* The <Uri> of a Sip that is tried after `uri`, by priority, then weight; NULL behind the last, and
 * for everything else. */
const struct node *dial_party_next_uri(const struct node *noun, const struct node *uri);

/* What those attributes mean. */
void party_read(const struct party_args *args, struct leg_party *party);
void machine_read(const struct machine_args *args, struct leg_party *party);

/* Each noun's own: number.c, client.c, sip.c. */
void number_party(const struct node *n, struct leg_party *party);
bool client_party(struct activation *a, const struct node *n, struct leg_party *party);
bool sip_party(struct activation *a, const struct node *n, const struct node *uri,
               struct leg_party *party);
const struct node *sip_next_uri(const struct node *n, const struct node *uri);

#endif
