/* Lua: runs its text, or a file, as a handler at this point of a document. An extension. */
#include "session/session.h"
#include "verbs/verbs.h"

struct lua_args {
    const char *src;
};

static const struct attr lua_attrs[] = {
    {.name = "src",
     .type = ATTR_URL,
     .offset = offsetof(struct lua_args, src),
     .text = "A file of Lua beside the document, perhaps with #function, instead of the text."},
    {0},
};

static enum verb_result lua_start(struct activation *a, const void *v, void *state)
{
    const struct lua_args *args = v;

    (void)state;
    return session_run_script(a, args->src) != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result lua_on_event(struct activation *a, void *state, const struct event *ev)
{
    (void)a;
    (void)state;
    return ev->type == EVENT_CHILDREN ? VERB_DONE : VERB_PASS;
}

const struct verb verb_lua = {
    .schema =
        {
            .name = "Lua",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_MESSAGE | SCHEMA_MIXED | SCHEMA_EXTENSION,
            .attrs = lua_attrs,
            .args_size = sizeof(struct lua_args),
            .text = "Runs Lua with `call` (or `message`) at this point; in documents of webhooks "
                    "only when the number's lua_in_webhooks is true.",
        },
    .flags = VERB_KEEPS_RINGING,
    .start = lua_start,
    .on_event = lua_on_event,
};
