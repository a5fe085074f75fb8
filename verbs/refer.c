/* Refer: hands a SIP call back to where it came from. */
#include "session/session.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct refer_args {
    const char *action;
    enum flow_method method;
};

static const struct attr refer_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct refer_args, action),
     .text = "Asked how to go on afterwards; the next verb when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct refer_args, method),
     .text = "How the action is requested."},
    {0},
};

enum { REFER_ADDRESS_MAX = 254 };

/* The address in its <Sip>, NULL when there is none. */
static const char *refer_address(const struct node *n)
{
    for (const struct node *child = n->children; child != NULL; child = child->next)
        if (child->schema != NULL)
            return child->text;
    return NULL;
}

static bool refer_good_address(const char *to)
{
    return (strncasecmp(to, "sip:", 4) == 0 || strncasecmp(to, "sips:", 5) == 0) &&
           strchr(to, ':')[1] != '\0' && strlen(to) <= REFER_ADDRESS_MAX;
}

static void refer_check(const struct node *n, struct checker *c)
{
    const char *to = refer_address(n);

    if (to == NULL)
        checker_report(c, n, false, 13802, "<Refer> has nothing to refer to: put <Sip> into it");
    else if (!refer_good_address(to))
        checker_report(c, n, false, 13802,
                       "<Refer> needs an address such as sip:bob@example.com, of at most %d bytes",
                       REFER_ADDRESS_MAX);
}

/* --- behaviour --- */

struct refer {
    uint32_t request;
};

/* What became of it, from what was said to the request and then of the new call (§7). */
static const char *refer_outcome(unsigned response, unsigned notify)
{
    if (response < 200 || response >= 300)
        return "failed";
    switch (notify) {
    case 486:
    case 600:
        return "busy";
    case 0:
    case 408:
    case 480:
    case 487:
        return "no-answer";
    default:
        return notify < 300 ? "in-progress" : "failed";
    }
}

static enum verb_result refer_finish(struct activation *a, const char *status, unsigned response,
                                     unsigned notify)
{
    const struct refer_args *args = activation_args(a);
    char code[16];

    session_go_param(a, "ReferCallStatus", status);
    snprintf(code, sizeof code, "%u", response);
    if (response != 0)
        session_go_param(a, "ReferSipResponseCode", code);
    snprintf(code, sizeof code, "%u", notify);
    if (notify != 0)
        session_go_param(a, "NotifySipResponseCode", code);
    return session_go_if(a, args->action, args->method);
}

static enum verb_result refer_start(struct activation *a, const void *args, void *state)
{
    struct refer *r = state;
    const char *to = refer_address(activation_node(a));

    (void)args;
    if (to == NULL || !refer_good_address(to))
        session_warn(a, 13802, "<Refer> needs an address such as sip:bob@example.com");
    else
        r->request = session_refer(a, to);
    return r->request != 0 ? VERB_WAIT : refer_finish(a, "failed", 0, 0);
}

static enum verb_result refer_on_event(struct activation *a, void *state, const struct event *ev)
{
    (void)state;
    switch (ev->type) {
    case EVENT_REFER:
        return refer_finish(a, refer_outcome(ev->refer.response, ev->refer.notify),
                            ev->refer.response, ev->refer.notify);
    case EVENT_HANGUP:
        return refer_finish(a, "canceled", 0, 0);
    default:
        return VERB_PASS;
    }
}

const struct verb verb_refer = {
    .schema =
        {
            .name = "Refer",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .attrs = refer_attrs,
            .args_size = sizeof(struct refer_args),
            .check = refer_check,
            .text = "Transfers a SIP call to another address.",
        },
    .state_size = sizeof(struct refer),
    .start = refer_start,
    .on_event = refer_on_event,
};

static const char *const refer_sip_parents[] = {"Refer", NULL};

const struct verb verb_refer_sip = {
    .schema =
        {
            .name = "Sip",
            .parents = refer_sip_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .text = "The SIP address to transfer to.",
        },
};
