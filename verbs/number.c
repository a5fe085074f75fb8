/* Number: a noun of Dial; and the two nouns of Twilio's that need its own networks. */
#include "verbs/dial_party.h"

struct number_args {
    struct machine_args machine;
    const char *send_digits;
    const char *byoc;
};

static const struct attr number_attrs[] = {
    PARTY_ATTRS(13221),
    MACHINE_ATTRS,
    {.name = "sendDigits",
     .type = ATTR_DIGITS,
     .set = "0123456789ABCDabcd*#wW",
     .min = 1,
     .max = 256,
     .code = 13222,
     .offset = offsetof(struct number_args, send_digits),
     .text = "Keys pressed once it answers; w waits 0.5 seconds, W 1 second."},
    {.name = "byoc",
     .type = ATTR_STR,
     .offset = offsetof(struct number_args, byoc),
     .text = "Trunk to call through."},
    {0},
};

void number_party(const struct node *n, struct leg_party *party)
{
    const struct number_args *args = n->args;

    party->to = n->text;
    machine_read(&args->machine, party);
    party->send_digits = args->send_digits;
    party->trunk = args->byoc;
}

static const char *const number_parents[] = {"Dial", NULL};

const struct verb verb_number = {
    .schema =
        {
            .name = "Number",
            .parents = number_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = number_attrs,
            .args_size = sizeof(struct number_args),
            .text = "A telephone number to call.",
        },
};

static const char *const sim_parents[] = {"Dial", NULL};

const struct verb verb_sim = {
    .schema =
        {
            .name = "Sim",
            .parents = sim_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .text = "A SIM card to call.",
        },
};

static const struct attr whats_app_attrs[] = {
    PARTY_ATTRS(0),
    {0},
};

static const char *const whats_app_parents[] = {"Dial", NULL};

const struct verb verb_whats_app = {
    .schema =
        {
            .name = "WhatsApp",
            .parents = whats_app_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT | SCHEMA_LATER,
            .attrs = whats_app_attrs,
            .args_size = sizeof(struct party_args),
            .text = "A WhatsApp number to call.",
        },
};
