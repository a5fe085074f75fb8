/* Application: a noun of Dial; a flow of almon.lua. */
#include "verbs/dial.h"
#include "verbs/dial_party.h"

#include <stdio.h>
#include <string.h>

struct application_args {
    struct party_args party;
    const char *customer_id;
    bool copy_parent_to;
};

static const struct attr application_attrs[] = {
    PARTY_ATTRS(0),
    {.name = "customerId",
     .type = ATTR_STR,
     .offset = offsetof(struct application_args, customer_id),
     .text = "Passed to the application."},
    {.name = "copyParentTo",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct application_args, copy_parent_to),
     .text = "Whether the application sees the number first called."},
    {0},
};

/* --- dialling it --- */

/* The application's flow runs on the caller's own call: there is no other end that could ring. */
struct application {
    uint32_t flow, limit; /* requests */
};

static const char *application_sid(const struct node *n)
{
    for (const struct node *c = n->children; c != NULL; c = c->next)
        if (c->schema != NULL && strcmp(c->schema->name, "ApplicationSid") == 0)
            return c->text;
    return n->text;
}

static enum verb_result application_start(struct activation *a, struct dial *d)
{
    const struct application_args *args = d->node->args;
    const char *sid = application_sid(d->node), *name, *value;
    struct application *app = d->state;
    char to[80];

    session_pick_up(a);
    if (args->party.url != NULL || args->party.status_callback != NULL)
        session_warn(
            a, 12200,
            "url and statusCallback of <Application> are not asked: it runs on the "
            "caller's own call, with that call's CallSid; ask in its flow, or in the action");
    for (const struct node *c = d->node->children; c != NULL; c = c->next)
        if (c->schema != NULL && parameter_read(c, &name, &value))
            session_go_param(a, name, value);
    snprintf(to, sizeof to, "app:%.64s", sid);
    session_go_param(a, "ApplicationSid", sid);
    if (!args->copy_parent_to) {
        session_go_param(a, "To", to);
        session_go_param(a, "Called", to);
    }
    if (args->customer_id != NULL)
        session_go_param(a, "customerId", args->customer_id);
    app->flow = session_run_application(a, sid);
    if (app->flow == 0)
        return dial_finish(a, d, "failed");
    app->limit = session_timer(a, (int64_t)d->args->time_limit * 1000);
    dial_reached(a, d, DIAL_ANSWERED);
    return VERB_WAIT;
}

static enum verb_result application_leave(struct activation *a, struct dial *d)
{
    struct application *app = d->state;

    session_cancel(a, app->flow);
    app->flow = 0;
    return dial_finish(a, d, "completed");
}

static enum verb_result application_on_event(struct activation *a, struct dial *d,
                                             const struct event *ev)
{
    struct application *app = d->state;

    switch (ev->type) {
    case EVENT_CHILDREN:
        app->flow = 0;
        return dial_finish(a, d, ev->children == CHILDREN_FAILED ? "failed" : "completed");
    case EVENT_DIGIT:
        if (ev->digit.key != '*' || !d->args->hangup_on_star)
            return VERB_PASS;
        return application_leave(a, d);
    case EVENT_TIMER:
    case EVENT_HANGUP:
        return application_leave(a, d);
    default:
        return VERB_PASS;
    }
}

const struct dial_noun dial_application = {
    .state_size = sizeof(struct application),
    .start = application_start,
    .on_event = application_on_event,
};

static const char *const application_parents[] = {"Dial", NULL};

const struct verb verb_application = {
    .schema =
        {
            .name = "Application",
            .parents = application_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = application_attrs,
            .args_size = sizeof(struct application_args),
            .text = "An application to call.",
        },
};

static const char *const application_sid_parents[] = {"Application", NULL};

const struct verb verb_application_sid = {
    .schema =
        {
            .name = "ApplicationSid",
            .parents = application_sid_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .text = "The application's identifier.",
        },
};
