/* Play: plays an audio file, or sends digits. */
#include "verbs/verbs.h"

#include <string.h>

struct play_args {
    int loop; /* 0: until hangup, which is 1000 times */
    const char *digits;
};

static const struct attr play_attrs[] = {
    {.name = "loop",
     .type = ATTR_INT,
     .def = "1",
     .min = 0,
     .max = 1000,
     .code = 13410,
     .offset = offsetof(struct play_args, loop),
     .text = "How many times to play; 0 repeats until hangup (1000 times)."},
    {.name = "digits",
     .type = ATTR_DIGITS,
     .set = "0123456789ABCDabcd*#wW",
     .min = 1,
     .max = 256,
     .code = 13430,
     .offset = offsetof(struct play_args, digits),
     .text = "Digits to send instead of a file; w waits 0.5 seconds, W waits 1 second."},
    {0},
};

static const char *const play_parents[] = {"Gather", "Prompt", "Response", NULL};

static void play_check(const struct node *n, struct checker *c)
{
    const struct play_args *args = n->args;

    if (args->digits != NULL && strcmp(n->parent->schema->name, "Response") != 0)
        checker_report(c, n, false, 13320, "digits cannot be played inside <%s>: leave them out",
                       n->parent->schema->name);
    if (*n->text == '\0' && args->digits == NULL)
        checker_report(c, n, false, 13420,
                       "<Play> has nothing to play: write the URL of an audio file between the "
                       "tags, or digits=\"…\"");
}

const struct verb verb_play = {
    .schema =
        {
            .name = "Play",
            .parents = play_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = play_attrs,
            .args_size = sizeof(struct play_args),
            .check = play_check,
            .text = "Plays an audio file (its URL is the text), or sends digits.",
        },
    .flags = 0,
    .state_size = 0,
    .start = NULL,
    .on_event = NULL,
    .stop = NULL,
};
