/* Calls that a call makes. Each party is a child session with one leg of its own (ParentCallSid);
 * to the verb that dials it is a request, which tells of it through EVENT_LEG and is over with
 * LEG_ENDED. Cancelling the request, or the end of the verb, cancels or hangs up the child.
 *
 *   uint32_t leg = session_dial(a, &party);        … LEG_RINGING, LEG_ANSWERED, LEG_READY …
 *   session_join(a, leg);                          … both hear each other until LEG_ENDED
 */
#ifndef ALMON_SESSION_LEG_H
#define ALMON_SESSION_LEG_H

#include "flow/schema.h"
#include <stdbool.h>
#include <stdint.h>

struct activation;
struct webhook_params;

/* Answering machine detection of a party (webhooks.md §5); the verdict goes to the callback. */
struct leg_detection {
    bool on, message_end; /* DetectMessageEnd */
    int timeout_s, speech_ms, speech_end_ms, silence_ms;
    const char *callback;
    enum flow_method method;
};

/* Whom to call, and how. Everything is copied; URLs are relative to the verb's document. */
struct leg_party {
    const char *to;              /* "+49…", "client:alice", "sip:bob@host" */
    const char *from;            /* shown to them; NULL: the caller's own From */
    const char *trunk;           /* byoc; NULL: as routed */
    const char *user, *password; /* for the far end's challenge */
    /* Given to the gateway with the offer: name, value, …, NULL: parameters of a client, headers as
     * "SipHeader_X-Name". */
    const char *const *params;
    const char *url; /* the whisper, run on the child before LEG_READY; NULL: none */
    enum flow_method method;
    const char *send_digits; /* pressed once it answers, before the whisper */
    const char *callback;    /* statusCallback; NULL: none */
    enum flow_method callback_method;
    unsigned callback_events; /* CONFIG_EVENT_* (= enum verb_call_event) */
    struct leg_detection detection;
};

enum leg_stage {
    LEG_RINGING,  /* the far end is alerting; comes again, with `early`, when it also sends sound */
    LEG_ANSWERED, /* its digits and whisper begin, if it has any */
    LEG_READY,    /* may be joined */
    LEG_REFERRED, /* the far end asks to be transferred: to be answered by session_leg_refer() */
    LEG_ENDED     /* the request is over */
};

struct leg_event {
    enum leg_stage stage;
    bool early;
    const char *sid;    /* the child's CallSid */
    const char *status; /* LEG_ENDED: its CallStatus, "completed", "busy" … */
    int seconds;        /* … from its answer to its end */
    bool redirected;    /* … it was given another document, and lives on by itself */
    bool joined;        /* … both heard each other */
    const struct webhook_params *facts; /* what its gateway told of it; NULL: nothing */
    const char *refer_to; /* LEG_REFERRED: whereto, and headers of that: name, value, … */
    const char *const *refer_params; /* … NULL; all lent */
};

/* Calls a party: EVENT_LEG, several times. 0 when that could not even begin, which was said (no
 * route, not allowed, too many): the outcome is then "failed". */
uint32_t session_dial(struct activation *a, const struct leg_party *party);
/* Both hear each other from now on, whatever is played to either besides. The caller must be
 * answered, the leg answered or early. False when that could not be, which was said. At most one
 * leg is joined at a time. */
bool session_join(struct activation *a, uint32_t leg);
/* Ends a leg: LEG_ENDED follows. Unanswered it gets the status no-answer when its time was up, else
 * canceled. */
void session_leg_hangup(struct activation *a, uint32_t leg, bool time_up);
/* Answers LEG_REFERRED. Taken, the far end is told that it came off; it is for the verb to end the
 * leg then. */
void session_leg_refer(struct activation *a, uint32_t leg, bool take);
/* Tells the next session_go() what the gateway told of the leg, with "Dial" in front of the names.
 */
void session_go_facts(struct activation *a, const struct leg_event *leg);

#endif
