/* Text messages that survive a restart: what came in, what goes out and how far it is, and who
 * wants no more of them.
 *
 * As kv.h has it: each operation answers exactly once, on the control loop, never before the asking
 * function has returned, and only once it is on the disk; operations are done in the order in
 * which they were asked. Handlers may be NULL. */
#ifndef ALMON_STORE_MESSAGES_H
#define ALMON_STORE_MESSAGES_H

#include "base/error.h"
#include "base/loop.h"
#include "base/sid.h"
#include "store/store.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MESSAGES_TEXT_MAX = 64 * 1024, /* bytes of any one text of a row */
    MESSAGES_LIST_MAX = 1000,      /* rows of one answer */
    MESSAGES_KEPT_DAYS = 400,      /* what has ended is forgotten so long after it began */
};

struct messages;
struct messages_op; /* an operation that has not answered yet */

/* One message. Strings are NUL-terminated UTF-8; those marked so may be NULL. */
struct message_row {
    int64_t number; /* the order in which they were added, from 1 */
    const char *sid, *account;
    const char *direction; /* "inbound", "outbound-reply", "outbound-call", "outbound-api" */
    const char *from, *to, *body;
    const char *status; /* a word of Twilio's: "received", "queued" … */
    int code;           /* Twilio's; 0: none */
    int segments, media;
    const char *gateway; /* NULL: none yet. Who handed it over, or got it */
    const char *once;    /* NULL, or what tells it from all others: two with the same are one */
    const char *rest;    /* NULL, or what its owner needs to go on with it after a restart */
    int64_t created, updated; /* wall clock, ms; set by these functions */
    bool open;                /* something is still to be done */
};

struct messages_answer {
    const struct error *err;        /* NULL: it worked */
    bool known;                     /* add: `once` was there already, as rows[0]; nothing changed */
    bool blocked;                   /* add, set: who gets it wants none; nothing changed */
    bool changed;                   /* block, set: there was something to change */
    const struct message_row *rows; /* all gone when the handler returns; add: what is there */
    size_t count;
    bool more; /* list, open: ask again with the last row's number */
};
typedef void messages_h(void *arg, const struct messages_answer *answer);

/* `store` must outlive it. */
int messages_new(struct messages **mp, struct loop *loop, struct store *store, struct error *err);
/* What is under way is done, and its handlers are not called. Accepts NULL; returns NULL. */
struct messages *messages_free(struct messages *m);

/* All text is copied. Each returns the pending operation, or NULL with `err` set (ERR_INVALID: a
 * text is too long; ERR_LIMIT: too much waits already; ERR_NOMEM): then `h` is not called.
 *
 * `guarded`: not when its receiver has had `from` blocked. */
struct messages_op *messages_add(struct messages *m, const struct message_row *row, bool guarded,
                                 messages_h *h, void *arg, struct error *err);
/* What has become of one. NULL in `gateway` and `rest` leaves them as they are. */
struct messages_op *messages_set(struct messages *m, const struct message_row *row, bool guarded,
                                 messages_h *h, void *arg, struct error *err);
/* Those that are open, oldest first, after that number. */
struct messages_op *messages_open(struct messages *m, int64_t after, size_t most, messages_h *h,
                                  void *arg, struct error *err);
/* The newest first; `before` 0: from the newest of all. `account` NULL: of all. */
struct messages_op *messages_list(struct messages *m, const char *account, int64_t before,
                                  size_t most, messages_h *h, void *arg, struct error *err);
struct messages_op *messages_get(struct messages *m, const char *sid, messages_h *h, void *arg,
                                 struct error *err);
/* row->to wants no more messages from row->from; or wants them again. row->sid is of the message
 * that said so. The answer has it as rows[0], and as `blocked` what holds now. */
struct messages_op *messages_block(struct messages *m, const struct message_row *row, bool blocked,
                                   messages_h *h, void *arg, struct error *err);

/* The handler will not be called; what was asked is done nevertheless. Only before it answered. */
void messages_forget(struct messages_op *op);

#endif
