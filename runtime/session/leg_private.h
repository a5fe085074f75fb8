/* Private to leg.c and attempt.c. */
#ifndef ALMON_SESSION_LEG_PRIVATE_H
#define ALMON_SESSION_LEG_PRIVATE_H

#include "session/private.h"

/* What the verb has yet to be told, in this order. */
enum { TELL_RINGING = 1, TELL_EARLY = 2, TELL_ANSWERED = 4, TELL_READY = 8, TELL_ENDED = 16 };

struct leg {
    struct request *request; /* NULL: nobody is to be told any more */
    struct session *parent;  /* of the request */
    struct session *child;   /* NULL: it is over, or goes on by itself */
    struct task tell;
    unsigned reached, told;
    bool telling; /* it must not be freed now */

    /* in the child's arena, of use while `child` is there */
    const char *url, *send_digits, *base;
    bool get;
    struct leg_detection detection;
    struct route_plan plan;
    size_t next; /* of plan.steps */
    struct offer offer;
    unsigned attempts; /* under way */
    enum cause cause;  /* the weightiest of those that failed */
    bool any_failed, rang;

    /* what LEG_ENDED tells */
    char sid[SID_SIZE];
    const char *status;
    int seconds;
    bool redirected, joined;
    struct webhook_params *facts; /* NULL: none */
};

/* Offers the call to the next gateways of the plan; ends the session when there is none left. */
void attempt_next(struct session *s);
/* All that are under way are given up. */
void attempt_drop_all(struct session *s, enum cause cause);

#endif
