/* Pause: silence. As the first verb of a call it delays the answer. */
#include "verbs/verbs.h"

struct pause_args {
    int length; /* seconds */
};

static const struct attr pause_attrs[] = {
    {.name = "length",
     .type = ATTR_INT,
     .def = "1",
     .min = 1,
     .max = 3600,
     .code = 13910,
     .offset = offsetof(struct pause_args, length),
     .text = "Seconds of silence."},
    {0},
};

static const char *const pause_parents[] = {"Gather", "Prompt", "Response", NULL};

const struct verb verb_pause = {
    .schema =
        {
            .name = "Pause",
            .parents = pause_parents,
            .flags = SCHEMA_VOICE,
            .attrs = pause_attrs,
            .args_size = sizeof(struct pause_args),
            .text = "Waits in silence; as the first verb it lets the call ring meanwhile.",
        },
    .flags = VERB_KEEPS_RINGING,
    .state_size = 0,
    .start = NULL,
    .on_event = NULL,
    .stop = NULL,
};
