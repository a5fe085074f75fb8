/* Hangup: ends the call. */
#include "session/session.h"
#include "verbs/verbs.h"

static enum verb_result hangup_start(struct activation *a, const void *v, void *state)
{
    (void)v;
    (void)state;
    session_end_as(a, SESSION_HANGUP);
    return VERB_END;
}

const struct verb verb_hangup = {
    .schema =
        {
            .name = "Hangup",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_ENDS,
            .text = "Ends the call now.",
        },
    .start = hangup_start,
};
