/* Between <Dial> and its nouns. Dial reads its attributes, chooses the noun, makes the action's
 * request; what is called, waited for and joined is the noun's own business, in a file of its own:
 * parties (Number, Client, Sip), Conference, Queue, Application. */
#ifndef ALMON_DIAL_H
#define ALMON_DIAL_H

#include "session/session.h"
#include "session/verb.h"

struct dial_args {
    const char *action;
    enum flow_method method;
    int timeout;
    int time_limit;
    const char *caller_id;
    const char *call_reason;
    bool hangup_on_star;
    bool answer_on_bridge;
    int ring_tone; /* of dial_ring_tones; -1: none */
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

struct dial {
    const struct dial_args *args;
    const struct dial_noun *noun;
    const struct node *node; /* the noun's; NULL: a number stands as text in the Dial itself */
    void *state;             /* noun->state_size zeroed bytes, alive as long as the verb */

    /* Dial's own */
    uint32_t recording;  /* request; 0: none runs */
    const char *outcome; /* it is over, and only waits for the recording */
};

/* As the functions of struct verb. The Dial has not answered the caller yet when `start` is called:
 * that is for session_pick_up(). */
struct dial_noun {
    size_t state_size;
    enum verb_result (*start)(struct activation *a, struct dial *d);
    enum verb_result (*on_event)(struct activation *a, struct dial *d, const struct event *ev);
    void (*stop)(struct activation *a, struct dial *d); /* may be NULL */
};

extern const struct dial_noun dial_application;
extern const struct dial_noun dial_parties;
extern const struct dial_noun dial_conference;
extern const struct dial_noun dial_queue;

/* The Dial is over: its action is told DialCallStatus (a constant text) and what session_go_param()
 * was given besides; without an action the next verb runs. The noun hears of nothing any more. */
enum verb_result dial_finish(struct activation *a, struct dial *d, const char *status);
/* The noun says where it stands, and what the attribute `record` wants begins. */
enum dial_stage { DIAL_RINGING, DIAL_ANSWERED };
void dial_reached(struct activation *a, struct dial *d, enum dial_stage stage);
/* The country of ringTone, NULL when none is named. */
const char *dial_ring_tone(const struct dial *d);

#endif
