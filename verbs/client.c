/* Client: a party of Dial that is a program, or a phone that registered. */
#include "base/utf8.h"
#include "verbs/dial_party.h"

#include <stdio.h>
#include <string.h>

struct client_args {
    struct party_args party;
    const char *client_notification_url;
};

static const struct attr client_attrs[] = {
    PARTY_ATTRS(0),
    {.name = "clientNotificationUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct client_args, client_notification_url),
     .text = "Accepted for compatibility."},
    {0},
};

/* What one message of the bridge takes (its README). */
enum {
    CLIENT_MAX_IDENTITY = 256,
    CLIENT_MAX_PARAMETERS = 32,
    CLIENT_MAX_NAME = 64,
    CLIENT_MAX_VALUE = 1024,
    CLIENT_MAX_BYTES = 8000, /* of all of them: half a message, since quotes double there */
};

static const char *client_identity(const struct node *n)
{
    for (const struct node *c = n->children; c != NULL; c = c->next)
        if (c->schema != NULL && strcmp(c->schema->name, "Identity") == 0)
            return c->text;
    return n->text;
}

/* Whether the device can be told it. `bytes` counts those that it will be. */
static bool client_takes(struct activation *a, const char *name, const char *value, size_t *bytes)
{
    size_t more = strlen(name) + strlen(value);

    if (*name != '\0' && strlen(name) <= CLIENT_MAX_NAME && strlen(value) <= CLIENT_MAX_VALUE &&
        utf8_is_line(name) && utf8_is_line(value) && *bytes + more <= CLIENT_MAX_BYTES) {
        *bytes += more;
        return true;
    }
    session_warn(a, 12200,
                 "<Parameter> '%.60s' is left out: a device is told names of at most %d bytes and "
                 "values of at most %d, each one line, %d bytes in all",
                 name, CLIENT_MAX_NAME, CLIENT_MAX_VALUE, CLIENT_MAX_BYTES);
    return false;
}

/* <Parameter name value>: handed to the device. */
static const char *const *client_parameters(struct activation *a, const struct node *n)
{
    const char **list =
        arena_alloc(activation_arena(a), (2 * CLIENT_MAX_PARAMETERS + 1) * sizeof *list);
    size_t count = 0, bytes = 0;
    const char *name, *value;

    for (n = n->children; list != NULL && n != NULL && count < CLIENT_MAX_PARAMETERS; n = n->next) {
        if (n->schema == NULL || !parameter_read(n, &name, &value) ||
            !client_takes(a, name, value, &bytes))
            continue;
        list[2 * count] = name;
        list[2 * count++ + 1] = value;
    }
    if (list != NULL)
        list[2 * count] = NULL;
    return list;
}

bool client_party(struct activation *a, const struct node *n, struct leg_party *party)
{
    const struct client_args *args = n->args;
    const char *identity = client_identity(n);
    char *to = arena_alloc(activation_arena(a), strlen("client:") + strlen(identity) + 1);

    if (*identity == '\0' || strlen(identity) > CLIENT_MAX_IDENTITY ||
        strpbrk(identity, " \t\r\n") != NULL) {
        session_warn(a, 13224,
                     "<Client> needs an identity of 1 to %d characters without spaces between the "
                     "tags",
                     CLIENT_MAX_IDENTITY);
        return false;
    }
    if (to == NULL)
        return false;
    sprintf(to, strncmp(identity, "client:", 7) == 0 ? "%s" : "client:%s", identity);
    party->to = to;
    party->params = client_parameters(a, n);
    party_read(&args->party, party);
    return party->params != NULL;
}

static const char *const client_parents[] = {"Dial", NULL};

const struct verb verb_client = {
    .schema =
        {
            .name = "Client",
            .parents = client_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = client_attrs,
            .args_size = sizeof(struct client_args),
            .text = "A browser or mobile phone to call, by its identity.",
        },
};

static const char *const identity_parents[] = {"Client", NULL};

const struct verb verb_identity = {
    .schema =
        {
            .name = "Identity",
            .parents = identity_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .text = "The identity to call.",
        },
};
