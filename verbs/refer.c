/* Refer: hands a SIP call back to where it came from. */
#include "verbs/verbs.h"

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

static void refer_check(const struct node *n, struct checker *c)
{
    if (n->children == NULL)
        checker_report(c, n, false, 13802, "<Refer> has nothing to refer to: put <Sip> into it");
}

const struct verb verb_refer = {
    .schema =
        {
            .name = "Refer",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_LATER,
            .attrs = refer_attrs,
            .args_size = sizeof(struct refer_args),
            .check = refer_check,
            .text = "Transfers a SIP call to another address.",
        },
};

static const char *const refer_sip_parents[] = {"Refer", NULL};

const struct verb verb_refer_sip = {
    .schema =
        {
            .name = "Sip",
            .parents = refer_sip_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "The SIP address to transfer to.",
        },
};
