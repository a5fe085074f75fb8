/* A past call again: the journal's inputs are given to a fresh exchange in virtual time, and what
 * comes out is compared with what came out then. */
#ifndef ALMON_SIM_REPLAY_H
#define ALMON_SIM_REPLAY_H

#include "base/str.h"
#include "sim/past.h"
#include "sim/sim.h"

struct replay_options {
    const char *flow;   /* an absolute path, may end in #function; NULL: the journal's own */
    const char *folder; /* scratch */
    const char *speech; /* cache of prompts */
    const struct verb *const *verbs;
    const struct handler_type *handlers;
};

/* Appends what is to be told of the first difference to `out`; nothing when all is the same.
 * 0, or an error when the call could not be run. */
int replay_run(const struct past *past, const struct replay_options *o, struct str *out,
               struct error *err);

/* The same call as a scenario, appended to `out` (retell.c). */
void retell(const struct past *past, struct str *out);

/* --- shared by the two --- */

/* What a webhook's reply or failure is as a web answer; strings are the journal's. False when the
 * line is none. */
bool replay_answer(const struct past *past, size_t i, struct sim_answer *a);
/* What the number's fallback was: what was asked with an ErrorCode, or the file that was read after
 * a failure; NULL: none was needed. And whether its own document was asked for with GET. */
const char *replay_fallback(const struct past *past, bool *is_file);
bool replay_gets(const struct past *past);
/* The number's option that led to the flow: "voice" or "message". */
const char *replay_door(const struct past *p);
/* The folder of the flow's files, "" when it has none; and a file's name below it. */
void replay_root(const struct past *past, char *out, size_t size);
const char *replay_below(const char *root, const char *path);

#endif
