/* A journal read back: what happened in one call, and what has to be put in to have it happen
 * again. A pure function of the file's bytes, which may be anything. */
#ifndef ALMON_SIM_PAST_H
#define ALMON_SIM_PAST_H

#include "base/error.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAST_BYTES = 64 << 20,
    PAST_LINES = 200000,
    PAST_MS = 48 * 3600 * 1000, /* no call lasts longer; later times are a mistake */
};

struct past_line {
    int64_t t; /* milliseconds since the call began */
    const char *e;
    json_t *j; /* the whole object */
};

enum past_kind {
    PAST_KEY,
    PAST_CALLER_HANGUP, /* or the callee's, in the journal of a call that was made */
    PAST_OPERATOR_HANGUP,
    PAST_REDIRECT,
    PAST_SPEAKS, /* he begins to speak, into a Record: the journal shows that it heard something …
                  */
    PAST_QUIET,  /* … and that silence ended it */
    PAST_REFERS, /* asks to be transferred */
    PAST_LINK,   /* its gateway's link broke */
    PAST_QUEUE,  /* what another did to him through a queue */
    PAST_ROOM,   /* where he stands in a conference has changed */
    PAST_REFER_STATUS, /* says what became of a transfer that was asked of him */
};

/* Something that came from outside. */
struct past_input {
    enum past_kind kind;
    int64_t t;                 /* in the call */
    const char *verb;          /* NULL, or the verb it has its time from … */
    size_t nth;                /* … the n-th of that name in the call (0 first) … */
    int64_t offset;            /* … and the time since that began */
    const char *text;          /* the key, the URL, whereto */
    const char *stage;         /* PAST_ROOM, PAST_QUEUE; text: what he is to hear, may be NULL */
    bool get;                  /* … and how it is asked for */
    const char *other;         /* PAST_QUEUE: the other's CallSid … */
    int waited;                /* … and the seconds that were waited */
    unsigned response, notify; /* PAST_REFER_STATUS */
};

/* What somebody else kept in the store, as far as this call noticed it. */
struct past_value {
    size_t before;      /* which of the call's own operations on the store, 0 the first */
    const char *folder; /* of the flow */
    const char *key;
    const json_t *value; /* a text; NULL: there was none (any more) */
};

/* A call that this one made. */
struct past_child {
    const char *sid, *to;
    int64_t t;                     /* in this call, when it was dialled */
    int64_t rang, answered, ended; /* since then, in ms; -1: never */
    bool early;                    /* it was heard from its ringing on */
    const char *status;            /* at its end; NULL: the journal does not tell */
    struct past *past;             /* its own journal; NULL: not read */
};

struct past {
    struct past_line *lines;
    size_t n_lines;
    struct past_input *inputs;
    size_t n_inputs;
    struct past_value *values; /* in no order */
    size_t n_values;
    json_t *made;                /* the texts of values that stand in no line */
    struct past_child *children; /* in the order of the calls */
    size_t n_children;
    /* Of the first line; flow is NULL when another call made this one, whose sid is `parent`. */
    const char *sid, *account, *from, *to, *codec, *flow, *at, *parent;
    bool message; /* a text message: it has no codec */
    bool dtmf_events;
    int64_t seed, wall;     /* 0: not known */
    const json_t *settings; /* config_settings() */
    int64_t end;            /* time of the last line */
    bool cut;               /* the journal reached its bound: something is missing */
};

/* 0, or ERR_INVALID with the line. A last line that a crash cut off is left out. */
int past_parse(struct past **pp, const char *bytes, size_t len, struct error *err);
/* With the journals of the calls that it made, as far as they lie beside it. */
int past_read(struct past **pp, const char *path, struct error *err);
/* Takes over the journal of one of its children; false when it is none's. */
bool past_adopt(struct past *p, struct past *child);
struct past *past_free(struct past *p);

/* Fills in `values` (past_kv.c). 0 or ERR_NOMEM. */
int past_read_values(struct past *p);

/* A line of a call, or of one that it made. */
struct past_moment {
    const struct past *past;
    size_t line;                    /* of past->lines */
    int64_t t;                      /* in the call that made it */
    const struct past_child *child; /* NULL: the call's own */
};
/* All of them in the order of time; free with mem_free(). NULL when memory is out. */
struct past_moment *past_moments(const struct past *p, size_t *n);

/* A field's text, NULL when it is absent or no text; and its number, 0 when absent. */
const char *past_text(const struct past_line *l, const char *key);
int64_t past_number(const struct past_line *l, const char *key);

#endif
