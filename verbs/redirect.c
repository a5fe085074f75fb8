/* Redirect: goes on with the document of another URL. */
#include "session/session.h"
#include "verbs/verbs.h"

struct redirect_args {
    enum flow_method method;
};

static const struct attr redirect_attrs[] = {
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13710,
     .offset = offsetof(struct redirect_args, method),
     .text = "How the URL is requested."},
    {0},
};

static enum verb_result redirect_start(struct activation *a, const void *v, void *state)
{
    const struct redirect_args *args = v;

    (void)state;
    return session_go(a, activation_node(a)->text, args->method);
}

const struct verb verb_redirect = {
    .schema =
        {
            .name = "Redirect",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_MESSAGE | SCHEMA_TEXT | SCHEMA_ENDS,
            .attrs = redirect_attrs,
            .args_size = sizeof(struct redirect_args),
            .text = "Goes on with the document at a URL (the text); without text, with this one.",
        },
    .flags = VERB_KEEPS_RINGING,
    .start = redirect_start,
};
