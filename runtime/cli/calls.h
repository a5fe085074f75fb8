/* The last calls, from their records (session/calls.h), as a table. */
#ifndef ALMON_CLI_CALLS_H
#define ALMON_CLI_CALLS_H

#include "base/error.h"
#include "base/str.h"

enum { CALLS_LAST_MAX = 1000 };

/* Adds a line for each of the `last` calls that ended last, with how it sounded where its gateway
 * told that, and below it one for each call that it made. `last` is 1 to CALLS_LAST_MAX.
 * ERR_MISSING when no call has ended yet. */
int calls_list(const char *state, int last, struct str *out, struct error *err);

#endif
