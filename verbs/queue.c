/* Queue: a noun of Dial; takes the caller who has waited longest. */
#include "verbs/verbs.h"

struct queue_args {
    const char *url;
    enum flow_method method;
    const char *reservation_sid;
    const char *post_work_activity_sid;
};

static const struct attr queue_attrs[] = {
    {.name = "url",
     .type = ATTR_URL,
     .offset = offsetof(struct queue_args, url),
     .text = "Document run on the waiting caller before both are joined."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct queue_args, method),
     .text = "How the URL is requested."},
    {.name = "reservationSid",
     .type = ATTR_STR,
     .offset = offsetof(struct queue_args, reservation_sid),
     .text = "Accepted for compatibility."},
    {.name = "postWorkActivitySid",
     .type = ATTR_STR,
     .offset = offsetof(struct queue_args, post_work_activity_sid),
     .text = "Accepted for compatibility."},
    {0},
};

static const char *const queue_parents[] = {"Dial", "Response", NULL};

const struct verb verb_queue = {
    .schema =
        {
            .name = "Queue",
            .parents = queue_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = queue_attrs,
            .args_size = sizeof(struct queue_args),
            .text = "A queue whose first waiting caller is taken.",
        },
};
