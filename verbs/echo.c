/* Echo: the caller hears himself. */
#include "session/session.h"
#include "verbs/verbs.h"

static enum verb_result echo_start(struct activation *a, const void *v, void *state)
{
    (void)v;
    (void)state;
    session_echo(a, true);
    return VERB_WAIT;
}

/* Only the end of the call ends it; keys are nobody's. */
static enum verb_result echo_on_event(struct activation *a, void *state, const struct event *ev)
{
    (void)a;
    (void)state;
    (void)ev;
    return VERB_PASS;
}

const struct verb verb_echo = {
    .schema =
        {
            .name = "Echo",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .text = "Sends the caller's own sound back until he hangs up.",
        },
    .start = echo_start,
    .on_event = echo_on_event,
};
