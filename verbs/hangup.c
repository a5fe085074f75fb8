/* Hangup: ends the call. */
#include "verbs/verbs.h"

const struct verb verb_hangup = {
    .schema =
        {
            .name = "Hangup",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_ENDS,
            .text = "Ends the call now.",
        },
    .flags = 0,
    .state_size = 0,
    .start = NULL,
    .on_event = NULL,
    .stop = NULL,
};
