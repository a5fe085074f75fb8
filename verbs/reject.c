/* Reject: refuses a call that still rings. */
#include "session/session.h"
#include "verbs/verbs.h"

enum reject_reason { REJECT_REJECTED, REJECT_BUSY };

struct reject_args {
    int reason; /* enum reject_reason */
};

static const char *const reject_reasons[] = {"rejected", "busy", NULL};

static const struct attr reject_attrs[] = {
    {.name = "reason",
     .type = ATTR_CHOICE,
     .choices = reject_reasons,
     .def = "rejected",
     .code = 13810,
     .offset = offsetof(struct reject_args, reason),
     .text = "What the caller hears: not in service, or busy."},
    {0},
};

/* After the answer it is too late to refuse: then it hangs up. */
static enum verb_result reject_start(struct activation *a, const void *v, void *state)
{
    const struct reject_args *args = v;

    (void)state;
    if (session_is_answered(a))
        session_end_as(a, SESSION_HANGUP);
    else
        session_end_as(a, args->reason == REJECT_BUSY ? SESSION_BUSY : SESSION_REJECTED);
    return VERB_END;
}

const struct verb verb_reject = {
    .schema =
        {
            .name = "Reject",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_ENDS,
            .attrs = reject_attrs,
            .args_size = sizeof(struct reject_args),
            .text = "Refuses a call without answering it.",
        },
    .flags = VERB_KEEPS_RINGING,
    .start = reject_start,
};
