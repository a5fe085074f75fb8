/* Enqueue and Leave: waiting in a queue. */
#include "session/session.h"
#include "verbs/verbs.h"

#include <stdio.h>
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

/* --- waiting --- */

enum { ENQUEUE_REST_MS = 1000 }; /* a waitUrl that ends at once is not asked more often */

struct enqueue {
    uint32_t place; /* request; 0: not in the queue */
    uint32_t document, music, tune, rest;
    bool taken, joined;
    int waited; /* when he left */
    char queue_sid[35];
};

static enum verb_result enqueue_finish(struct activation *a, struct enqueue *q, const char *result)
{
    const struct enqueue_args *args = activation_args(a);
    struct queue_place place;
    char seconds[16];

    if (session_queue_place(a, q->place, &place))
        q->waited = place.waited;
    session_go_param(a, "QueueResult", result);
    if (*q->queue_sid != '\0') {
        snprintf(seconds, sizeof seconds, "%d", q->waited);
        session_go_param(a, "QueueSid", q->queue_sid);
        session_go_param(a, "QueueTime", seconds);
    }
    return session_go_if(a, args->action, args->method);
}

static void enqueue_number(struct activation *a, const char *name, int value)
{
    char text[16];

    snprintf(text, sizeof text, "%d", value);
    session_go_param(a, name, text);
}

/* What he hears: music, nothing, or a document, again and again (twiml-voice.md §6.1). */
static enum verb_result enqueue_wait(struct activation *a, struct enqueue *q)
{
    const struct enqueue_args *args = activation_args(a);
    struct queue_place place;

    if (args->wait_url == NULL) {
        q->music = session_music(a);
        return VERB_WAIT;
    }
    if (*args->wait_url == '\0')
        return VERB_WAIT;
    if (!session_queue_place(a, q->place, &place))
        return VERB_WAIT;
    session_go_param(a, "QueueSid", place.queue_sid);
    enqueue_number(a, "QueuePosition", place.position);
    enqueue_number(a, "QueueTime", place.waited);
    enqueue_number(a, "AvgQueueTime", place.average);
    enqueue_number(a, "CurrentQueueSize", place.size);
    enqueue_number(a, "MaxQueueSize", place.max);
    q->rest = session_timer(a, ENQUEUE_REST_MS);
    q->document = session_run_document(a, args->wait_url, args->wait_url_method, USE_QUEUE_WAIT);
    return q->document != 0 ? VERB_WAIT : enqueue_finish(a, q, "error");
}

static void enqueue_silence(struct activation *a, struct enqueue *q)
{
    session_cancel(a, q->document);
    session_cancel(a, q->music);
    session_cancel(a, q->tune);
    session_cancel(a, q->rest);
    q->document = q->music = q->tune = q->rest = 0;
}

static enum verb_result enqueue_start(struct activation *a, const void *v, void *state)
{
    const struct enqueue_args *args = v;
    struct enqueue *q = state;
    struct queue_place place;
    enum queue_refusal why;

    if (args->workflow_sid != NULL)
        session_warn(a, 14220, "Almon has no workflows: the caller waits in queue '%.64s'",
                     *activation_node(a)->text != '\0' ? activation_node(a)->text
                                                       : args->workflow_sid);
    q->place = session_enqueue(
        a, *activation_node(a)->text != '\0' ? activation_node(a)->text : args->workflow_sid,
        args->max_queue_size, &why);
    if (q->place == 0)
        return enqueue_finish(a, q, why == QUEUE_FULL ? "queue-full" : "system-error");
    if (session_queue_place(a, q->place, &place))
        strncpy(q->queue_sid, place.queue_sid, sizeof q->queue_sid - 1);
    return enqueue_wait(a, q);
}

/* --- being taken --- */

static enum verb_result enqueue_queue(struct activation *a, struct enqueue *q,
                                      const struct queue_event *ev)
{
    switch (ev->stage) {
    case QUEUE_TAKEN:
        enqueue_silence(a, q);
        q->taken = true;
        q->joined = false; /* he may have had another taker a moment ago */
        q->waited = ev->waited;
        if (ev->url != NULL) {
            session_go_param(a, "QueueSid", ev->queue_sid);
            session_go_param(a, "DequeingCallSid", ev->sid); /* Twilio's spelling */
            enqueue_number(a, "QueueTime", ev->waited);
            q->document = session_run_document(a, ev->url, ev->method, USE_QUEUE_TAKEN);
        }
        if (q->document == 0) {
            q->joined = true;
            session_queue_ready(a, q->place);
        }
        return VERB_WAIT;
    case QUEUE_RETURNED:
        enqueue_silence(a, q);
        q->taken = q->joined = false;
        return enqueue_wait(a, q);
    case QUEUE_PARTED:
        q->place = 0;
        return enqueue_finish(a, q, "bridged");
    default:
        return VERB_WAIT;
    }
}

/* The document on top is over. */
static enum verb_result enqueue_heard(struct activation *a, struct enqueue *q,
                                      enum children_end how)
{
    q->document = 0;
    if (q->taken) { /* the taker's: whatever became of it, he waits */
        q->joined = true;
        session_queue_ready(a, q->place);
        return VERB_WAIT;
    }
    if (how == CHILDREN_LEFT)
        return enqueue_finish(a, q, "leave");
    if (how == CHILDREN_FAILED)
        return enqueue_finish(a, q, "error");
    return q->rest != 0 ? VERB_WAIT : enqueue_wait(a, q);
}

/* Why he left, when it is not his queue's doing. */
static const char *enqueue_left(const struct enqueue *q, const char *waiting, const char *joined)
{
    return q->joined ? joined : q->taken ? "bridging-in-process" : waiting;
}

static enum verb_result enqueue_on_event(struct activation *a, void *state, const struct event *ev)
{
    const struct enqueue_args *args = activation_args(a);
    struct enqueue *q = state;

    switch (ev->type) {
    case EVENT_QUEUE:
        return enqueue_queue(a, q, &ev->queue);
    case EVENT_CHILDREN:
        return enqueue_heard(a, q, ev->children);
    case EVENT_AUDIO:
        q->music = 0;
        if (ev->audio.audio != NULL)
            q->tune = session_play(a, ev->audio.audio, 1000, NULL);
        return VERB_WAIT;
    case EVENT_PLAYED:
        q->tune = 0;
        return VERB_WAIT;
    case EVENT_TIMER:
        q->rest = 0;
        return q->document != 0 || q->taken ? VERB_WAIT : enqueue_wait(a, q);
    case EVENT_HANGUP:
        return enqueue_finish(a, q, enqueue_left(q, "hangup", "bridged"));
    case EVENT_REDIRECT:
        if (args->action != NULL) {
            enqueue_finish(a, q, enqueue_left(q, "redirected", "redirected-from-bridged"));
            session_notify(a, args->action, args->method);
        }
        return VERB_WAIT;
    default:
        return VERB_PASS;
    }
}

const struct verb verb_enqueue = {
    .schema =
        {
            .name = "Enqueue",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = enqueue_attrs,
            .args_size = sizeof(struct enqueue_args),
            .check = enqueue_check,
            .text = "Puts the caller into a queue; its name is the text.",
        },
    .state_size = sizeof(struct enqueue),
    .start = enqueue_start,
    .on_event = enqueue_on_event,
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
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = task_attrs,
            .args_size = sizeof(struct task_args),
            .text = "A task for a workflow, as JSON.",
        },
};

static enum verb_result leave_start(struct activation *a, const void *args, void *state)
{
    (void)a;
    (void)args;
    (void)state;
    return VERB_LEAVE;
}

const struct verb verb_leave = {
    .schema =
        {
            .name = "Leave",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_ENDS,
            .text = "Leaves the queue and goes on after its Enqueue.",
        },
    .flags = VERB_KEEPS_RINGING,
    .start = leave_start,
};
