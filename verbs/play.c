/* Play: plays an audio file, or sends digits. */
#include "session/session.h"
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
    if (*n->text == '\0' && !node_has(n, "digits"))
        checker_report(c, n, false, 13420,
                       "<Play> has nothing to play: write the URL of an audio file between the "
                       "tags, or digits=\"…\"");
}

enum { PLAY_MOST_LOOPS = 1000 };

struct play {
    uint32_t pending; /* request */
    unsigned left;    /* times that the digits are still to be sent */
};

static enum verb_result play_send_digits(struct activation *a, struct play *play)
{
    const struct play_args *args = activation_args(a);

    if (play->left == 0)
        return VERB_DONE;
    play->left--;
    play->pending = session_send_digits(a, args->digits);
    return play->pending != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result play_start(struct activation *a, const void *v, void *state)
{
    const struct play_args *args = v;
    const struct node *node = activation_node(a);
    struct play *play = state;

    play->left = args->loop == 0 ? PLAY_MOST_LOOPS : (unsigned)args->loop;
    /* A handler's verb stands in no document, so it has no parent. */
    if (args->digits != NULL &&
        (node->parent == NULL || strcmp(node->parent->schema->name, "Response") == 0))
        return play_send_digits(a, play);
    if (*node->text == '\0')
        return VERB_ERROR; /* the checker has said so */
    play->pending = session_load(a, node->text);
    return play->pending != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result play_on_event(struct activation *a, void *state, const struct event *ev)
{
    struct play *play = state;

    switch (ev->type) {
    case EVENT_AUDIO:
        if (ev->audio.audio == NULL) {
            session_warn(a, ev->audio.err->twilio, "%s", ev->audio.err->text);
            return VERB_ERROR;
        }
        play->pending = session_play(a, ev->audio.audio, play->left, NULL);
        play->left = 0;
        return play->pending != 0 ? VERB_WAIT : VERB_ERROR;
    case EVENT_PLAYED:
        return play_send_digits(a, play);
    case EVENT_STARTED:
        return VERB_WAIT;
    default:
        return VERB_PASS;
    }
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
    .state_size = sizeof(struct play),
    .start = play_start,
    .on_event = play_on_event,
};
