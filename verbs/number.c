/* Number: a noun of Dial; and the two nouns of Twilio's that need its own networks. */
#include "verbs/dial_party.h"

#include <string.h>

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

/* --- numbers --- */

const char *party_number(struct activation *a, const char *text)
{
    char *bare = arena_alloc(activation_arena(a), strlen(text) + 3), *to = bare;
    size_t digits = 0;

    if (bare == NULL)
        return NULL;
    to += 2; /* room for "+1" */
    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n()-./", *text) != NULL)
            continue;
        digits += *text >= '0' && *text <= '9';
        *to++ = *text;
    }
    *to = '\0';
    to = bare + 2;
    /* Numbers of North America may be written without their country (§5.2). */
    if (strlen(to) == 10 && digits == 10 && to[0] >= '2' && to[3] >= '2')
        return memcpy(bare, "+1", 2);
    if (strlen(to) == 11 && digits == 11 && to[0] == '1' && to[1] >= '2') {
        bare[1] = '+';
        return bare + 1;
    }
    return to;
}

bool number_party(struct activation *a, const struct node *n, struct leg_party *party)
{
    const struct number_args *args = n->args;

    party->to = party_number(a, n->text);
    machine_read(&args->machine, party);
    party->send_digits = args->send_digits;
    party->trunk = args->byoc;
    return party->to != NULL;
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
