/* Sip: a party of Dial reached over SIP, with what may stand in it. */
#include "base/utf8.h"
#include "verbs/dial_party.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sip_args {
    struct machine_args machine;
    const char *username;
    const char *password;
};

static const struct attr sip_attrs[] = {
    PARTY_ATTRS(13241),
    MACHINE_ATTRS,
    {.name = "username",
     .type = ATTR_STR,
     .code = 13249,
     .offset = offsetof(struct sip_args, username),
     .text = "User name for the far end."},
    {.name = "password",
     .type = ATTR_STR,
     .code = 13249,
     .offset = offsetof(struct sip_args, password),
     .text = "Password for the far end."},
    {0},
};

static const char *const sip_parents[] = {"Dial", NULL};

const struct verb verb_sip = {
    .schema =
        {
            .name = "Sip",
            .parents = sip_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = sip_attrs,
            .args_size = sizeof(struct sip_args),
            .text = "A SIP address to call.",
        },
};

struct uri_args {
    const char *priority;
    const char *weight;
    const char *username;
    const char *password;
};

static const struct attr uri_attrs[] = {
    {.name = "priority",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, priority),
     .text = "Lower is tried first."},
    {.name = "weight",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, weight),
     .text = "Share among equal priorities."},
    {.name = "username",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, username),
     .text = "User name for this address."},
    {.name = "password",
     .type = ATTR_STR,
     .offset = offsetof(struct uri_args, password),
     .text = "Password for this address."},
    {0},
};

static const char *const uri_parents[] = {"Sip", NULL};

const struct verb verb_uri = {
    .schema =
        {
            .name = "Uri",
            .parents = uri_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = uri_attrs,
            .args_size = sizeof(struct uri_args),
            .text = "One SIP address.",
        },
};

static const char *const headers_parents[] = {"Sip", NULL};

const struct verb verb_headers = {
    .schema =
        {
            .name = "Headers",
            .parents = headers_parents,
            .flags = SCHEMA_VOICE,
            .text = "SIP headers to send.",
        },
};

struct header_args {
    const char *name;
    const char *value;
};

static const struct attr header_attrs[] = {
    {.name = "name",
     .type = ATTR_STR,
     .required = true,
     .code = 13252,
     .offset = offsetof(struct header_args, name),
     .text = "Name of the header."},
    {.name = "value",
     .type = ATTR_STR,
     .code = 13253,
     .offset = offsetof(struct header_args, value),
     .text = "Its value."},
    {0},
};

static const char *const header_parents[] = {"Headers", NULL};

const struct verb verb_header = {
    .schema =
        {
            .name = "Header",
            .parents = header_parents,
            .flags = SCHEMA_VOICE,
            .attrs = header_attrs,
            .args_size = sizeof(struct header_args),
            .text = "One SIP header.",
        },
};

/* --- as a party --- */

enum { SIP_MAX_URI = 255, SIP_MAX_HEADERS = 1024, SIP_MAX_PARAMS = 32 };

/* Headers on their way to the gateway, as parameters "SipHeader_NAME". */
struct sip_headers {
    struct activation *a;
    const char **list;
    size_t count, bytes;
    bool refused;
};

/* What a header's name is made of (RFC 3261 §25.1). */
#define SIP_TOKEN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"

/* The headers that may be set (twiml-voice.md §5.3). */
static bool sip_header_allowed(const char *name)
{
    static const char *const names[] = {"User-to-User", "Remote-Party-ID", "P-Preferred-Identity",
                                        "P-Called-Party-ID"};

    if (strncasecmp(name, "X-", 2) == 0)
        return name[2] != '\0' && name[strspn(name, SIP_TOKEN)] == '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void sip_add_header(struct sip_headers *h, const char *name, const char *value)
{
    struct arena *arena = activation_arena(h->a);
    char *whole = arena_alloc(arena, strlen("SipHeader_") + strlen(name) + 1);
    char *copy = arena_strdup(arena, value);

    h->bytes += strlen(name) + strlen(value);
    if (!sip_header_allowed(name) || !utf8_is_line(value)) {
        session_warn(h->a, 13252,
                     "SIP header '%.60s' is left out: X-…, User-to-User, Remote-Party-ID, "
                     "P-Preferred-Identity and P-Called-Party-ID may be set, each to one line of "
                     "UTF-8",
                     name);
        return;
    }
    if (h->bytes >= SIP_MAX_HEADERS || h->count == SIP_MAX_PARAMS || whole == NULL ||
        copy == NULL) {
        if (!h->refused)
            session_warn(h->a, 13253,
                         "SIP headers have fewer than %d characters in all: '%.60s' "
                         "and what follows are left out",
                         SIP_MAX_HEADERS, name);
        h->refused = true;
        return;
    }
    sprintf(whole, "SipHeader_%s", name);
    h->list[2 * h->count] = whole;
    h->list[2 * h->count++ + 1] = copy;
    h->list[2 * h->count] = NULL;
}

static int sip_hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static void sip_unescape(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++) {
        if (text[0] == '%' && sip_hex(text[1]) >= 0 && sip_hex(text[2]) >= 0) {
            *to++ = (char)(sip_hex(text[1]) * 16 + sip_hex(text[2]));
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* "?x-foo=bar&User-to-User=…" behind the address. */
static void sip_query_headers(struct sip_headers *h, char *query)
{
    char *next, *value;

    for (; query != NULL && *query != '\0'; query = next) {
        next = strchr(query, '&');
        if (next != NULL)
            *next++ = '\0';
        value = strchr(query, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        sip_unescape(query);
        sip_unescape(value);
        sip_add_header(h, query, value);
    }
}

static void sip_child_headers(struct sip_headers *h, const struct node *n)
{
    for (n = n->children; n != NULL; n = n->next) {
        if (n->schema == NULL || strcmp(n->schema->name, "Headers") != 0)
            continue;
        for (const struct node *c = n->children; c != NULL; c = c->next) {
            const struct header_args *args = c->args;

            if (c->schema != NULL && args != NULL && args->name != NULL)
                sip_add_header(h, args->name, args->value != NULL ? args->value : "");
        }
    }
}

bool sip_party(struct activation *a, const struct node *n, const struct node *uri,
               struct leg_party *party)
{
    const struct sip_args *args = n->args;
    const struct uri_args *own = uri != NULL ? uri->args : NULL;
    char *to = arena_strdup(activation_arena(a), uri != NULL ? uri->text : n->text), *query;
    struct sip_headers h = {.a = a};

    h.list = arena_alloc(activation_arena(a), (2 * SIP_MAX_PARAMS + 1) * sizeof *h.list);
    if (to == NULL || h.list == NULL)
        return false;
    h.list[0] = NULL;
    query = strchr(to, '?');
    if (query != NULL)
        *query++ = '\0';
    if ((strncasecmp(to, "sip:", 4) != 0 && strncasecmp(to, "sips:", 5) != 0) ||
        strlen(to) >= SIP_MAX_URI) {
        session_warn(a, 13224,
                     "<Sip> needs an address such as sip:alice@example.com, of fewer than %d "
                     "characters, between the tags",
                     SIP_MAX_URI);
        return false;
    }
    sip_query_headers(&h, query);
    sip_child_headers(&h, n);
    party->to = to;
    party->params = h.list;
    party->user = own != NULL && own->username != NULL ? own->username : args->username;
    party->password = own != NULL && own->password != NULL ? own->password : args->password;
    machine_read(&args->machine, party);
    return true;
}

/* Lower priority first, then larger weight, then the order of writing. */
static long sip_rank(const struct node *uri)
{
    const struct uri_args *args = uri->args;
    long priority = args->priority != NULL ? strtol(args->priority, NULL, 10) : 0;
    long weight = args->weight != NULL ? strtol(args->weight, NULL, 10) : 0;

    return (priority & 0xffff) * 0x10000 + (0xffff - (weight & 0xffff));
}

static bool sip_is_before(const struct node *x, const struct node *y)
{
    if (sip_rank(x) != sip_rank(y))
        return sip_rank(x) < sip_rank(y);
    for (; x != NULL; x = x->next)
        if (x == y)
            return true;
    return false;
}

const struct node *sip_next_uri(const struct node *n, const struct node *uri)
{
    const struct node *best = NULL;

    for (const struct node *c = n->children; c != NULL; c = c->next) {
        if (c->schema == NULL || strcmp(c->schema->name, "Uri") != 0 || c == uri)
            continue;
        if ((uri == NULL || sip_is_before(uri, c)) && (best == NULL || sip_is_before(c, best)))
            best = c;
    }
    return best;
}
