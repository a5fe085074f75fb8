/* Sms: a text message sent during a call. */
#include "session/session.h"
#include "verbs/verbs.h"

struct sms_args {
    const char *to;
    const char *from;
    const char *action;
    enum flow_method method;
    const char *status_callback;
};

static const struct attr sms_attrs[] = {
    {.name = "to",
     .type = ATTR_STR,
     .code = 14101,
     .offset = offsetof(struct sms_args, to),
     .text = "Who gets it; the other party when absent."},
    {.name = "from",
     .type = ATTR_STR,
     .code = 14102,
     .offset = offsetof(struct sms_args, from),
     .text = "Who sends it; your number when absent."},
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct sms_args, action),
     .text = "Asked how to go on; the next verb when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 14104,
     .offset = offsetof(struct sms_args, method),
     .text = "How the action is requested."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .code = 14105,
     .offset = offsetof(struct sms_args, status_callback),
     .text = "Told what becomes of it."},
    {0},
};

static void sms_check(const struct node *n, struct checker *c)
{
    if (*n->text == '\0')
        checker_report(c, n, false, 14103, "<Sms> has no text: write it between the tags");
}

/* The action is asked at once, with what is known then: the carrier's own word comes later, to
 * statusCallback. */
static enum verb_result sms_start(struct activation *a, const void *v, void *state)
{
    const struct sms_args *args = v;
    const struct message_draft draft = {.to = args->to,
                                        .from = args->from,
                                        .body = activation_node(a)->text,
                                        .callback = args->status_callback};
    char sid[SID_SIZE];

    (void)state;
    if (session_send_message(a, &draft, sid) == 0) {
        session_go_param(a, "SmsSid", sid);
        session_go_param(a, "SmsStatus", "sending");
    } else {
        session_go_param(a, "SmsStatus", "invalid");
    }
    return session_go_if(a, args->action, args->method);
}

const struct verb verb_sms = {
    .schema =
        {
            .name = "Sms",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = sms_attrs,
            .args_size = sizeof(struct sms_args),
            .check = sms_check,
            .text = "Sends a text message during a call.",
        },
    .start = sms_start,
};
