/* The other door: flows written in a language instead of markup. The session knows such a flow only
 * as a kind of activation, through `struct handler_type`, which the room `script` fills in for Lua
 * and main hands down in struct runtime_parts.
 *
 * A handler is a coroutine. The interpreter resumes it from the loop, never from within a verb; it
 * answers with what shall happen next (struct handler_step): run this verb, wait, run that
 * document, done. When the verb ends, the handler is resumed with its outcome. So there is one
 * implementation of each verb, and documents and handlers mix freely in one call. */
#ifndef ALMON_SESSION_HANDLER_H
#define ALMON_SESSION_HANDLER_H

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/str.h"
#include "flow/document.h"
#include "http/webhook.h"
#include "session/verb.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct activation;
struct session;

enum {
    HANDLER_MAX_BYTES = 256 * 1024, /* of one source file */
    HANDLER_MAX_NESTING = 16,       /* documents and handlers on top of each other */
    HANDLER_MAX_TEXT = 8 * 1024,    /* of the message of a failure, with its traceback */
};

struct handler_source {
    const char *text; /* lent */
    size_t len;
    const char *path; /* of the file, for messages */
    int line;         /* of the file on which `text` begins; 1 for a whole file */
    const char
        *function; /* which one; NULL: the one the file returns, or main, or on_call, on_message */
    bool plain;    /* `text` itself is what runs (<Lua>): no function is looked for */
    const struct webhook_params *params; /* of the request that led here; lent */
};

enum handler_result {
    HANDLER_VERB,   /* `node` is to be run; the handler is resumed with its outcome */
    HANDLER_WAIT,   /* it waits for something of its own; handler_wake() says when to resume it */
    HANDLER_DONE,   /* it returned */
    HANDLER_RUN,    /* `document` runs on top; the handler is resumed when it is over */
    HANDLER_BECOME, /* `document` takes its place */
    HANDLER_FAILED, /* `text`: the error with its traceback */
};

struct handler_step {
    enum handler_result result;
    const struct node *node;   /* in activation_arena() */
    struct document *document; /* a reference, given */
    char *text;                /* mem_free()d by the session; NULL: out of memory */
};

/* How what the handler asked for ended. */
struct handler_outcome {
    enum verb_result how; /* VERB_DONE, VERB_GO (there is a result), VERB_ERROR … */
    const struct webhook_params *params; /* VERB_GO: what the action would have been told; lent */
};

struct handler_type {
    /* A coroutine ready to be resumed. 0, or an error with its message (a mistake in the source,
     * out of memory). */
    int (*make)(void **hp, struct activation *a, const struct handler_source *source,
                struct error *err);
    /* Runs it until it wants something; fills in *step. Exactly one is running at a time in a
     * session. */
    void (*resume)(void *handler, const struct handler_outcome *outcome, struct handler_step *step);
    void (*free)(void *handler);
    /* What the session's flows asked to be run after the call, as a handler whose verbs are
     * refused; NULL when there is nothing. */
    void *(*at_end)(struct activation *a);
    /* Expands the {{ }} of a document's text into `out`. 0, or an error that names the line. */
    int (*expand)(struct activation *a, const struct handler_source *document, struct str *out,
                  struct error *err);
    /* The session is over: frees its state. */
    void (*forget)(void *state);
};

/* --- for handler_type's functions --- */

/* Resumes a handler that said HANDLER_WAIT. From the loop, never from within resume(). */
void handler_wake(struct activation *a);
/* Where the type keeps what it has for this session; NULL at first. */
void **handler_state(struct activation *a);
/* Answers the channel if it still rings. */
void handler_answer(struct activation *a);
/* The document that messages and relative names refer to. */
const char *handler_url(const struct activation *a);
/* Parses markup of this activation's; its warnings are said. */
int handler_parse(struct activation *a, const char *markup, size_t len, struct document **dp,
                  struct error *err);

/* Reads a file below the flow's own folder, `name` being relative to the handler's file; it is
 * noted in the journal. `bytes` NULL: *err says why. */
typedef void handler_file_h(const char *path, const char *bytes, size_t len,
                            const struct error *err, void *arg);
struct handler_read;
struct handler_read *handler_read(struct activation *a, const char *name, handler_file_h *h,
                                  void *arg, struct error *err);
void handler_read_cancel(struct handler_read *r);

/* Facts. */
struct handler_facts {
    enum document_kind kind; /* of the session: a call or a message */
    const char *sid, *account, *from, *to, *direction, *status, *forwarded_from, *caller_name;
    const char *body; /* of a message; NULL for a call */
    int segments;     /* of a message */
    uint64_t seed;
    struct loop *loop;
    const struct schema_table *schemas;
    const struct config *config;
    const char *state; /* STATE */
    struct webhooks *webhooks;
    struct kv *kv;      /* NULL: none */
    const char *folder; /* of the flow's files, "" when it has none */
    bool live;          /* verbs may be run */
};
void handler_facts(const struct activation *a, struct handler_facts *out);
/* "host:port" of the number's own flow, or NULL; in `out`. */
const char *handler_own(const struct activation *a, char *out, size_t size);
/* A request that the flow makes by itself, into the journal; its number, and then what came. */
unsigned handler_note_request(struct activation *a, const char *method, const char *url);
void handler_note_reply(struct activation *a, unsigned id, const struct http_reply *reply);
/* Text of a flow as a journal can hold it: what is no UTF-8 is replaced, and it is cut at `max`
 * bytes. mem_free() it; NULL when memory is out or there is none. */
char *handler_text(const char *text, size_t max);
/* A line of the journal about what the flow did or was given by itself (journal.h); the object is
 * consumed. */
void handler_note(struct activation *a, const char *what, json_t *facts);
/* Something is wrong with what the flow asked for, and the call goes on. */
void handler_warn(struct activation *a, int code, const char *where, const char *text);
/* A line that the flow wrote, into journal and log. */
void handler_log(struct activation *a, const char *level, const char *text);

#endif
