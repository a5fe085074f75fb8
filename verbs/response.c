/* Response: the root of every document. */
#include "verbs/verbs.h"

const struct verb verb_response = {
    .schema =
        {
            .name = "Response",
            .flags = SCHEMA_VOICE | SCHEMA_MESSAGE,
            .text = "The root of every document.",
        },
};
