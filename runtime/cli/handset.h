/* The telephone of `almon phone`: private to phone.c and handset.c. */
#ifndef ALMON_CLI_HANDSET_H
#define ALMON_CLI_HANDSET_H

#include "cli/talk_options.h"
#include <stdbool.h>

enum handset_rule {
    HANDSET_BY_HAND, /* rings until somebody presses a key, or the caller gives up */
    HANDSET_ANSWER,
    HANDSET_BUSY,
    HANDSET_REJECT,
};

struct handset_options {
    struct talk_options talk; /* `from` and `codec` of calls that it makes; NULL: client:identity */
    const char *identity;
    const char *call; /* whom it calls first; NULL: nobody */
    const char *play; /* a file; NULL: nothing */
    int tone;         /* Hz, instead of `play`; 0: none */
    enum handset_rule rule;
    int answer_ms; /* HANDSET_ANSWER: after so long */
    bool once;
};

/* Links, registers, and lives until a signal, `q`, or with `once` the end of a call. Returns the
 * exit status: of the last call as in caller.h; 0 when no call was made by it. */
int handset_run(const struct handset_options *o);

#endif
