/* Queue: a noun of Dial; takes the caller who has waited longest. */
#include "verbs/dial.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>

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

/* --- taking --- */

struct queue_noun {
    uint32_t take, timeout, limit; /* requests */
    struct queue_event last;       /* of the caller who was taken */
    bool joined;
    char sid[35], queue_sid[35];
};

static void queue_param(struct activation *a, const char *name, int value)
{
    char text[16];

    snprintf(text, sizeof text, "%d", value);
    session_go_param(a, name, text);
}

static enum verb_result queue_finish(struct activation *a, struct dial *d, const char *status)
{
    struct queue_noun *q = d->state;

    session_go_param(a, "DialBridged", q->joined ? "true" : "false");
    if (q->joined) {
        session_go_param(a, "DialCallSid", q->sid);
        queue_param(a, "DialCallDuration", q->last.seconds);
        session_go_param(a, "QueueSid", q->queue_sid);
        queue_param(a, "QueueTime", q->last.waited);
        session_go_param(a, "DequeueResult", "bridged");
        session_go_param(a, "DequeuedCallSid", q->sid);
        queue_param(a, "DequeuedCallQueueTime", q->last.waited);
        queue_param(a, "DequeuedCallDuration", q->last.seconds);
    }
    return dial_finish(a, d, status);
}

/* The timeout is for waiting until somebody joins (§6.3): not for what that one hears first. */
static void queue_wait(struct activation *a, struct dial *d)
{
    struct queue_noun *q = d->state;

    session_cancel(a, q->timeout);
    q->timeout = session_timer(a, (int64_t)d->args->timeout * 1000);
}

static enum verb_result queue_start(struct activation *a, struct dial *d)
{
    const struct queue_args *args = d->node->args;
    struct queue_noun *q = d->state;

    session_pick_up(a);
    q->take = session_take(a, d->node->text, args->url, args->method);
    if (q->take == 0)
        return queue_finish(a, d, "failed");
    queue_wait(a, d);
    return VERB_WAIT;
}

static enum verb_result queue_told(struct activation *a, struct dial *d,
                                   const struct queue_event *ev)
{
    struct queue_noun *q = d->state;

    if (ev->stage == QUEUE_RETURNED) {
        queue_wait(a, d);
        return VERB_WAIT;
    }
    session_cancel(a, q->timeout);
    q->timeout = 0;
    if (ev->stage == QUEUE_TAKEN)
        return VERB_WAIT;
    q->last = *ev;
    strncpy(q->sid, ev->sid, sizeof q->sid - 1);
    strncpy(q->queue_sid, ev->queue_sid, sizeof q->queue_sid - 1);
    q->joined = true; /* also who is gone at the same instant was */
    if (ev->stage == QUEUE_PARTED) {
        q->take = 0;
        return queue_finish(a, d, "completed");
    }
    q->limit = session_timer(a, (int64_t)d->args->time_limit * 1000);
    dial_reached(a, d, DIAL_ANSWERED);
    return VERB_WAIT;
}

/* Leaves him whom we talk with. */
static enum verb_result queue_part(struct activation *a, struct dial *d)
{
    struct queue_noun *q = d->state;

    q->last.seconds = session_take_seconds(a, q->take);
    session_cancel(a, q->take);
    q->take = 0;
    return queue_finish(a, d, q->joined ? "completed" : "no-answer");
}

static enum verb_result queue_on_event(struct activation *a, struct dial *d, const struct event *ev)
{
    struct queue_noun *q = d->state;

    switch (ev->type) {
    case EVENT_QUEUE:
        return queue_told(a, d, &ev->queue);
    case EVENT_TIMER:
        return queue_part(a, d);
    case EVENT_HANGUP:
        return queue_part(a, d);
    case EVENT_DIGIT:
        if (ev->digit.key == '*' && d->args->hangup_on_star && q->joined)
            return queue_part(a, d);
        return VERB_PASS;
    default:
        return VERB_PASS;
    }
}

const struct dial_noun dial_queue = {
    .state_size = sizeof(struct queue_noun),
    .start = queue_start,
    .on_event = queue_on_event,
};

static const char *const queue_parents[] = {"Dial", "Response", NULL};

const struct verb verb_queue = {
    .schema =
        {
            .name = "Queue",
            .parents = queue_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = queue_attrs,
            .args_size = sizeof(struct queue_args),
            .text = "A queue whose first waiting caller is taken.",
        },
};
