/* Message: answers a message with another. */
#include "verbs/verbs.h"

#include <string.h>

struct message_args {
    const char *to;
    const char *from;
    const char *action;
    enum flow_method method;
    const char *status_callback;
};

static const struct attr message_attrs[] = {
    {.name = "to",
     .type = ATTR_STR,
     .code = 14101,
     .offset = offsetof(struct message_args, to),
     .text = "Who gets it; the sender when absent."},
    {.name = "from",
     .type = ATTR_STR,
     .code = 14102,
     .offset = offsetof(struct message_args, from),
     .text = "Who sends it; the number that was written to when absent."},
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct message_args, action),
     .text = "Told what becomes of it."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 14104,
     .offset = offsetof(struct message_args, method),
     .text = "How that callback is requested."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .code = 14105,
     .offset = offsetof(struct message_args, status_callback),
     .text = "The same as action, by its older name."},
    {0},
};

enum { MESSAGE_MAX_MEDIA = 10 };

static void message_check(const struct node *n, struct checker *c)
{
    const struct node *part;
    int media = 0;

    for (part = n->children; part != NULL; part = part->next)
        media += strcmp(part->schema->name, "Media") == 0;
    if (*n->text == '\0' && n->children == NULL)
        checker_report(
            c, n, false, 14103,
            "<Message> is empty: write its text between the tags, or <Body> and <Media>");
    if (media > MESSAGE_MAX_MEDIA)
        checker_report(c, n, false, 14103, "<Message> carries at most %d <Media>: there are %d",
                       MESSAGE_MAX_MEDIA, media);
}

const struct verb verb_message = {
    .schema =
        {
            .name = "Message",
            .parents = verb_in_response,
            .flags = SCHEMA_MESSAGE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = message_attrs,
            .args_size = sizeof(struct message_args),
            .check = message_check,
            .text = "Sends a message.",
        },
};

static const char *const body_parents[] = {"Message", NULL};

const struct verb verb_body = {
    .schema =
        {
            .name = "Body",
            .parents = body_parents,
            .flags = SCHEMA_MESSAGE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "The text of a message.",
        },
};

static const char *const media_parents[] = {"Message", NULL};

const struct verb verb_media = {
    .schema =
        {
            .name = "Media",
            .parents = media_parents,
            .flags = SCHEMA_MESSAGE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "A file to send along; its URL is the text.",
        },
};
