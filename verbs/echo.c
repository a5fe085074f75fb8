/* Echo: the caller hears himself. */
#include "verbs/verbs.h"

const struct verb verb_echo = {
    .schema =
        {
            .name = "Echo",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .text = "Sends the caller's own sound back until he hangs up.",
        },
    .flags = 0,
    .state_size = 0,
    .start = NULL,
    .on_event = NULL,
    .stop = NULL,
};
