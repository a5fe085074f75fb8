/* A verb: the behaviour of one element. A schema plus three functions. */
#ifndef ALMON_SESSION_VERB_H
#define ALMON_SESSION_VERB_H

#include "flow/document.h"
#include "session/event.h"

struct activation;

enum verb_result {
    VERB_WAIT,  /* something is pending; an event will come */
    VERB_PASS,  /* on_event only: an unasked event that it does not want; it goes further down */
    VERB_DONE,  /* finished: the next sibling runs */
    VERB_GO,    /* session_go() was called: its document takes this activation over */
    VERB_LEAVE, /* this document is over (Leave) */
    VERB_END,   /* the session is over */
    VERB_ERROR, /* it could not work; was said through session_warn(); as DONE */
};

enum verb_flags {
    VERB_KEEPS_RINGING = 1, /* does not answer a ringing call (Pause, Redirect, Reject, Lua) */
};

struct verb {
    struct schema schema;
    unsigned flags;    /* enum verb_flags */
    size_t state_size; /* zeroed memory that lives from start to stop */

    /* Begins the work. `args` is schema.args_size bytes, read-only, alive as long as the verb. NULL
     * for elements that are no verbs (nouns, SSML) and for those with SCHEMA_LATER. */
    enum verb_result (*start)(struct activation *a, const void *args, void *state);
    /* Told of an answer to one of its own requests, or of an unasked event (digit, hang-up), to
     * which it answers VERB_PASS when it does not want it. Never NULL when start may return
     * VERB_WAIT. */
    enum verb_result (*on_event)(struct activation *a, void *state, const struct event *ev);
    /* Called exactly once after start, on every way out; cancels what only the verb knows of.
     * Requests still pending are cancelled by the session afterwards. May be NULL. */
    void (*stop)(struct activation *a, void *state);
};

/* NULL-ended, sorted by name (verbs/table.c); a verb's schema is its first member, so this is the
 * schema table too. */
extern const struct verb *const verb_table[];

#endif
