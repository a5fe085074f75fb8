/* One call of `almon call`, from the link to the end: private to call.c and caller.c. */
#ifndef ALMON_CLI_CALLER_H
#define ALMON_CLI_CALLER_H

#include "base/error.h"
#include "base/loop.h"
#include "cli/talk_options.h"
#include <stdbool.h>

/* Exit statuses besides 0 (answered, ended normally), 1 (a file, memory …) and 2 (usage). */
enum {
    CALL_NOT_LINKED = 3, /* no exchange there, or it refused us */
    CALL_CAUSE = 10,     /* + the cause: not answered, or answered and not ended normally */
    CALL_TIMEOUT = 20
};

struct call_options {
    struct talk_options talk;
    const char *number;
    const char *speak; /* a file; NULL: nothing */
    bool interactive;
};

/* Makes the call and prints what happens. Returns the exit status. */
int caller_run(const struct call_options *o);

#endif
