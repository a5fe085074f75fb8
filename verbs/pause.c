/* Pause: silence. As the first verb of a call it delays the answer. */
#include "session/session.h"
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

static enum verb_result pause_start(struct activation *a, const void *v, void *state)
{
    const struct pause_args *args = v;

    (void)state;
    return session_timer(a, (int64_t)args->length * 1000) != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result pause_on_event(struct activation *a, void *state, const struct event *ev)
{
    (void)a;
    (void)state;
    return ev->type == EVENT_TIMER ? VERB_DONE : VERB_PASS;
}

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
    .start = pause_start,
    .on_event = pause_on_event,
};
