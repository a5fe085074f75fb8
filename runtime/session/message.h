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
    MESSAGE_ANSWER_MS = 30 * 1000,        /* so long a gateway may take to say anything */
    MESSAGE_RETRY_MS = 1000,              /* doubled each time, to … */
    MESSAGE_RETRY_MAX_MS = 15 * 1000,     /* … this */
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
/* MESSAGE_RECEIVED for what is none. */
enum message_status message_status_of(const char *name);

struct message {
    enum message_status status;
    bool out;
    const char *body; /* in the session's arena, as all strings here */
    int segments;
    const char *const *media; /* URLs and their types (may be ""), NULL-ended */
    int n_media;
    struct messages_op *op; /* the store is asked, and this waits for it; NULL: nothing does */
    bool suspended; /* the exchange ends in the middle of it: it goes on after the next start */

    /* Of those that we send. */
    struct status_target told; /* its status callback */
    struct route_plan plan;
    size_t step;         /* whose turn it is */
    const char *gateway; /* who was given it, and nobody else is; NULL: nobody yet */
    bool given;          /* it was, and may have it */
    bool paced;          /* its account's messages_per_second have let it through */
    bool asked;          /* it has the message, and has not said what became of it */
    bool accepted;       /* it said that it has it: it is not given it again */
    int64_t retry_ms;
    bool always;        /* also to who wants none: the word that says so */
    const char *once;   /* what tells it from all others (store/messages.h) */
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

/* A bare session for a message (message.c, message_out.c). `sid` is its SID, or two letters for a
 * new one. NULL when memory is out. */
struct session *message_session(struct runtime *rt, struct config_holder *config,
                                const struct config_number *number, const struct offer *o,
                                const char *sid);
/* It began then already, by the wall clock. */
void message_began(struct session *s, int64_t wall_ms);
/* Its journal goes on; what it held before a crash may be lost. */
void message_journal_resume(struct session *s);
/* It is in the lists from here on. */
void message_open(struct session *s);
/* Files with it, as its parameters name them. */
int message_count_media(const char *const *params);
/* Answers a gateway: it was taken, or why not (`code`, `text`). */
void message_answer(struct runtime *rt, const char *gateway, const char *id, const char *code,
                    const char *text);
/* One that is kept meets its flow, perhaps for the second time. */
void message_begin(struct runtime *rt, const struct config_number *number,
                   const struct bridge_text *t, const struct message_row *row, bool resumed);
/* A word of the exchange's own to row->to from row->from, because of the message row->sid. */
void message_say(struct runtime *rt, const struct config_number *number,
                 const struct message_row *row, const char *text);
/* One that goes out: first this, */
void message_goes_out(struct session *s, const char *direction);
/* then which gateways may take it (its sender is judged as a caller id; `own` is a number that may
 * be shown), */
int message_plan(struct session *s, const char *own, struct error *err);
/* then message_keep() with this; or, after a restart, goes on from its status. */
messages_h message_kept;
void message_resume(struct session *s);

/* --- message_keep.c --- */
/* Each asks the store, which answers `h` with the session, or with nobody when that is gone. 0, or
 * an error and `h` is not called. */
/* It is there from then on. */
int message_keep(struct session *s, messages_h *h, struct error *err);
/* Its gateway is to get it: that is known before any byte leaves. */
int message_keep_sending(struct session *s, messages_h *h, struct error *err);
/* How it stands; not open: nothing is left to do for it. */
void message_keep_state(struct session *s, bool open);
/* What a gateway hands over: message_answer() and message_begin() once it is on the disk. */
int message_keep_arrival(struct runtime *rt, const struct bridge_text *t,
                         const struct config_number *number, int segments, struct error *err);
/* At the start: what was begun goes on. */
void messages_resume(struct runtime *rt);

#endif
