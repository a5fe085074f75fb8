/* Enqueue and Leave: waiting in a queue. */
#include "verbs/verbs.h"

#include <string.h>

struct enqueue_args {
    const char *action;
    enum flow_method method;
    const char *wait_url;
    enum flow_method wait_url_method;
    int max_queue_size;
    const char *workflow_sid;
};

static const struct attr enqueue_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .code = 14203,
     .offset = offsetof(struct enqueue_args, action),
     .text = "Asked how to go on after the queue; the next verb when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 14201,
     .offset = offsetof(struct enqueue_args, method),
     .text = "How the action is requested."},
    {.name = "waitUrl",
     .type = ATTR_URL,
     .code = 14202,
     .offset = offsetof(struct enqueue_args, wait_url),
     .text = "What the caller hears meanwhile; empty means silence."},
    {.name = "waitUrlMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 14206,
     .offset = offsetof(struct enqueue_args, wait_url_method),
     .text = "How waitUrl is requested."},
    {.name = "maxQueueSize",
     .type = ATTR_INT,
     .min = 1,
     .max = 5000,
     .offset = offsetof(struct enqueue_args, max_queue_size),
     .text = "Most callers waiting."},
    {.name = "workflowSid",
     .type = ATTR_STR,
     .offset = offsetof(struct enqueue_args, workflow_sid),
     .text = "Accepted for compatibility."},
    {0},
};

enum { ENQUEUE_MAX_NAME = 64 };

static void enqueue_check(const struct node *n, struct checker *c)
{
    const struct enqueue_args *args = n->args;

    if (*n->text == '\0' && args->workflow_sid == NULL)
        checker_report(c, n, false, 14204,
                       "<Enqueue> has no queue: write its name between the tags");
    if (strlen(n->text) > ENQUEUE_MAX_NAME)
        checker_report(c, n, false, 14205, "the name of a queue has at most %d characters",
                       ENQUEUE_MAX_NAME);
    if (n->children != NULL && args->workflow_sid == NULL)
        checker_report(c, n->children, false, 14220,
                       "<Task> is of use only with workflowSid: add it to the <Enqueue>");
}

const struct verb verb_enqueue = {
    .schema =
        {
            .name = "Enqueue",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = enqueue_attrs,
            .args_size = sizeof(struct enqueue_args),
            .check = enqueue_check,
            .text = "Puts the caller into a queue; its name is the text.",
        },
};

struct task_args {
    int priority;
    int timeout;
};

static const struct attr task_attrs[] = {
    {.name = "priority",
     .type = ATTR_INT,
     .min = 0,
     .max = 2147483647,
     .offset = offsetof(struct task_args, priority),
     .text = "Larger is taken first."},
    {.name = "timeout",
     .type = ATTR_INT,
     .min = 1,
     .max = 2147483647,
     .offset = offsetof(struct task_args, timeout),
     .text = "Seconds it may wait."},
    {0},
};

static const char *const task_parents[] = {"Enqueue", NULL};

const struct verb verb_task = {
    .schema =
        {
            .name = "Task",
            .parents = task_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = task_attrs,
            .args_size = sizeof(struct task_args),
            .text = "A task for a workflow, as JSON.",
        },
};

const struct verb verb_leave = {
    .schema =
        {
            .name = "Leave",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_ENDS | SCHEMA_LATER,
            .text = "Leaves the queue and goes on after its Enqueue.",
        },
};
