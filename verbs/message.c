/* Message: answers a message with another. */
#include "session/session.h"
#include "verbs/verbs.h"

#include <stdio.h>
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

enum { MESSAGE_BODY_BYTES = 64 * 1024 };

/* Its own text, then that of each <Body>. */
static void add_bodies(const struct node *n, struct str *out)
{
    str_add(out, n->text);
    for (const struct node *part = n->children; part != NULL; part = part->next)
        if (strcmp(part->schema->name, "Body") == 0)
            str_add(out, part->text);
}

/* One that cannot be sent was said; the next verb runs. */
static enum verb_result message_start(struct activation *a, const void *v, void *state)
{
    const struct message_args *args = v;
    const char *media[MESSAGE_MAX_MEDIA + 1] = {NULL};
    struct str body = STR_INIT(MESSAGE_BODY_BYTES);
    struct message_draft draft = {.to = args->to,
                                  .from = args->from,
                                  .media = media,
                                  .callback =
                                      args->action != NULL ? args->action : args->status_callback,
                                  .callback_method = args->method};
    char sid[SID_SIZE], number[16];
    size_t n = 0;
    int code;

    (void)state;
    add_bodies(activation_node(a), &body);
    for (const struct node *part = activation_node(a)->children; part != NULL; part = part->next)
        if (strcmp(part->schema->name, "Media") == 0 && n < MESSAGE_MAX_MEDIA)
            media[n++] = part->text;
    draft.body = str_text(&body);
    code = session_send_message(a, &draft, sid);
    str_free(&body);
    session_go_param(a, "MessageStatus", code == 0 ? "queued" : "invalid");
    if (code == 0) {
        session_go_param(a, "MessageSid", sid);
    } else {
        snprintf(number, sizeof number, "%d", code);
        session_go_param(a, "ErrorCode", number);
    }
    return session_result(a);
}

const struct verb verb_message = {
    .schema =
        {
            .name = "Message",
            .parents = verb_in_response,
            .flags = SCHEMA_MESSAGE | SCHEMA_TEXT,
            .attrs = message_attrs,
            .args_size = sizeof(struct message_args),
            .check = message_check,
            .text = "Sends a message.",
        },
    .start = message_start,
};

static const char *const body_parents[] = {"Message", NULL};

const struct verb verb_body = {
    .schema =
        {
            .name = "Body",
            .parents = body_parents,
            .flags = SCHEMA_MESSAGE | SCHEMA_TEXT,
            .text = "The text of a message.",
        },
};

static const char *const media_parents[] = {"Message", NULL};

const struct verb verb_media = {
    .schema =
        {
            .name = "Media",
            .parents = media_parents,
            .flags = SCHEMA_MESSAGE | SCHEMA_TEXT,
            .text = "A file to send along; its URL is the text.",
        },
};
