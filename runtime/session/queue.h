/* Queues: callers who wait (Enqueue), and calls that take them (Dial Queue). The one who waited
 * longest is taken, by the taker who waited longest; each exactly once. A queue is known by its
 * name within an account from its first use, or because almon.lua names it: queue { "support" }.
 *
 *   the caller                                    the taker
 *   session_enqueue()                             session_take()
 *   … QUEUE_TAKEN: hears the taker's document     … QUEUE_TAKEN, when there is one to be heard
 *   session_queue_ready()          both are joined … QUEUE_JOINED
 *   … QUEUE_PARTED                 one of them goes … QUEUE_PARTED
 *
 * Cancelling a request leaves the queue. A caller whose taker goes too early is QUEUE_RETURNED to
 * the head; a taker whose caller goes too early is QUEUE_RETURNED, and waits for the next one. */
#ifndef ALMON_SESSION_QUEUE_H
#define ALMON_SESSION_QUEUE_H

#include "flow/schema.h"
#include <stdbool.h>
#include <stdint.h>

struct activation;

enum {
    QUEUE_MEMBERS_MAX = 1000, /* where nothing else is said (twiml-voice.md §6.1) */
};

enum queue_stage {
    QUEUE_TAKEN,    /* to the caller: run `url` (NULL: none), then session_queue_ready(); to the
                       taker: somebody hears it for him */
    QUEUE_RETURNED, /* to both: he waits again, as the first */
    QUEUE_JOINED,   /* to the taker: both hear each other */
    QUEUE_PARTED    /* to both, and the request is over */
};

struct queue_event {
    enum queue_stage stage;
    const char *queue_sid;
    const char *sid; /* the other's CallSid; NULL: there is none any more */
    int waited;      /* seconds that the caller was in the queue */
    int seconds;     /* QUEUE_PARTED: how long they were joined */
    const char *url; /* QUEUE_TAKEN, absolute */
    enum flow_method method;
};

/* What is said to who waits. */
struct queue_place {
    const char *queue_sid;
    int position; /* 1: the next */
    int waited, average, size, max;
};

enum queue_refusal { QUEUE_OPEN, QUEUE_FULL, QUEUE_BROKEN };

/* EVENT_QUEUE. `max` 0: the queue's own bound. 0 and *why when there is no place. */
uint32_t session_enqueue(struct activation *a, const char *name, int max, enum queue_refusal *why);
/* Only while he is in the queue. */
bool session_queue_place(struct activation *a, uint32_t request, struct queue_place *out);
/* The document that the taker asked for is over. */
void session_queue_ready(struct activation *a, uint32_t request);

/* EVENT_QUEUE. `url` (relative to the taker's document) is what a taken caller hears first. 0 when
 * there is no such queue. */
uint32_t session_take(struct activation *a, const char *name, const char *url,
                      enum flow_method method);

/* How long both hear each other by now. */
int session_take_seconds(struct activation *a, uint32_t request);

#endif
