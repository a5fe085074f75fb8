/* Text messages, inside the room. One that a gateway hands over is a session of its own (SM…),
 * whose flow answers it. Each one that a flow sends is another, without a flow: it goes to its
 * gateway, waits until there is one, and tells its status callback what becomes of it
 * (twiml-messaging.md §3). */
#ifndef ALMON_SESSION_MESSAGE_H
#define ALMON_SESSION_MESSAGE_H

#include "session/private.h"

enum {
    MESSAGE_CHARACTERS = 1600,            /* of a body */
    MESSAGE_MEDIA = 10,                   /* files with one */
    MESSAGE_REPLIES = 50,                 /* that one message or call may send: 14109 */
    MESSAGE_SEEN = 10000,                 /* ids that are remembered, against redelivery */
    MESSAGE_ANSWER_MS = 30 * 1000,        /* so long a gateway may take to say anything */
    MESSAGE_RETRY_MS = 1000,              /* doubled each time, to … */
    MESSAGE_RETRY_MAX_MS = 60 * 1000,     /* … this */
    MESSAGE_VALID_MS = 4 * 3600 * 1000,   /* older ones are not sent any more */
    MESSAGE_REPORT_MS = 72 * 3600 * 1000, /* so long a delivery report is waited for */
};

enum message_status {
    MESSAGE_RECEIVED, /* of ours: none */
    MESSAGE_QUEUED,
    MESSAGE_SENDING,
    MESSAGE_SENT,
    MESSAGE_DELIVERED,
    MESSAGE_UNDELIVERED,
    MESSAGE_FAILED,
};
const char *message_status_name(enum message_status s);

struct message {
    enum message_status status;
    bool out;
    const char *body; /* in the session's arena, as all strings here */
    int segments;
    const char *const *media; /* URLs and their types (may be ""), NULL-ended */
    int n_media;
    unsigned replies; /* sent so far, by this one's flow */

    /* Of those that we send. */
    struct status_target told; /* its status callback */
    struct route_plan plan;
    size_t step; /* whose turn it is */
    bool asked;  /* it has the message, and has not said what became of it */
    int64_t retry_ms;
    struct timer timer; /* the next try, or the end of waiting */
    int error;          /* Twilio's code; 0: none */
    bool reported;      /* it only waits for a delivery report: nothing of ours is under way */
};

/* A gateway hands one over: it is answered, and perhaps its flow begins. */
void message_comes(struct runtime *rt, const struct bridge_text *t);
/* What a gateway says of one that we sent. */
void message_told(struct runtime *rt, const struct bridge_text_status *t);
/* The standard parameters of its webhooks. NULL when memory is out. */
struct webhook_params *message_params(const struct session *s);
/* Its flow is over, or the exchange closes. */
void message_finish(struct session *s);
/* Last of a session. */
void message_forget(struct session *s);
/* Which ids came; freed with the runtime. */
struct messages_seen;
void messages_seen_free(struct messages_seen *seen);

/* A bare session for a message (message.c, message_out.c). NULL when memory is out. */
struct session *message_session(struct runtime *rt, struct config_holder *config,
                                const struct config_number *number, const struct offer *o,
                                const char *prefix);
/* It is in the lists from here on. */
void message_open(struct session *s);

#endif
