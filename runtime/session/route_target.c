#include "session/route_target.h"

#include "base/str.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { E164_MIN = 7, E164_MAX = 15, SHORT_MAX = 6 };

static const char digits[] = "0123456789";

/* --- numbers --- */

bool target_number(const char *text, char out[ROUTE_NAME_MAX])
{
    char plain[E164_MAX + 2];
    size_t n = 0;
    bool plus = *text == '+';

    for (const char *c = text + plus; *c != '\0'; c++) {
        if (strchr(" -.()", *c) != NULL)
            continue;
        if (strchr(digits, *c) == NULL || n == E164_MAX)
            return false;
        plain[n++] = *c;
    }
    plain[n] = '\0';
    if (plus && n >= E164_MIN && plain[0] != '0')
        snprintf(out, ROUTE_NAME_MAX, "+%s", plain);
    else if (!plus && n == 10 && plain[0] >= '2')
        snprintf(out, ROUTE_NAME_MAX, "+1%s", plain);
    else if (!plus && n == 11 && plain[0] == '1')
        snprintf(out, ROUTE_NAME_MAX, "+%s", plain);
    else
        return false;
    return true;
}

static int read_number(struct target *t, const char *text, struct error *err)
{
    size_t n = strlen(text);

    if (n > 0 && n <= SHORT_MAX && strspn(text, "0123456789*#") == n) {
        t->kind = TARGET_SHORT;
        str_copy(t->name, sizeof t->name, text);
        return 0;
    }
    if (!target_number(text, t->name))
        return error_set_twilio(err, ERR_INVALID, 13224,
                                "'%.60s' is no number that can be called: write it with + and the "
                                "country's code, as +493012345678",
                                text);
    t->kind = TARGET_NUMBER;
    str_copy(t->number, sizeof t->number, t->name);
    return 0;
}

/* --- clients --- */

static int read_client(struct target *t, const char *text, struct error *err)
{
    for (const char *c = text + 7; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return error_set_twilio(err, ERR_INVALID, 13224,
                                    "'%.60s': a client's name has no spaces and no control "
                                    "characters",
                                    text);
    if (text[7] == '\0' || !str_copy(t->name, sizeof t->name, text))
        return error_set_twilio(err, ERR_INVALID, 13224,
                                "'%.60s': a client's name has 1 to 249 characters", text);
    t->kind = TARGET_CLIENT;
    return 0;
}

/* --- SIP addresses --- */

static int no_address(struct error *err, const char *text, const char *why)
{
    return error_set_twilio(err, ERR_INVALID, 13224, "'%.80s' cannot be called: %s", text, why);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

/* The user part with its %XX resolved; false when that hides something. */
static bool read_user(struct target *t, const char *user, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)user[i];

        if (c == '%') {
            if (i + 2 >= len || hex(user[i + 1]) < 0 || hex(user[i + 2]) < 0)
                return false;
            c = hex(user[i + 1]) * 16 + hex(user[i + 2]);
            i += 2;
        }
        if (c <= ' ' || c >= 0x7f || strchr("@;?:/\\<>\"", c) != NULL)
            return false;
        t->user[n++] = (char)c;
    }
    t->user[n] = '\0';
    return true;
}

static bool read_host(struct target *t, const char *host, size_t len)
{
    const char *end = host + len, *colon;
    bool v6 = len > 0 && *host == '[';
    long port;

    colon = memchr(host, v6 ? ']' : ':', len);
    if (v6 && colon == NULL)
        return false;
    colon = colon == NULL ? end : colon + v6;
    if (colon == host || (colon != end && *colon != ':'))
        return false;
    for (const char *c = host + v6; c < colon - v6; c++)
        if (!isalnum((unsigned char)*c) && strchr(v6 ? ".:" : ".-_", *c) == NULL)
            return false;
    for (const char *c = host; c < colon; c++)
        t->host[c - host] = (char)tolower((unsigned char)*c);
    t->host[colon - host] = '\0';
    snprintf(t->port, sizeof t->port, "%.*s", colon == end ? 0 : (int)(end - colon - 1),
             colon == end ? "" : colon + 1);
    return colon == end || (end - colon <= 6 && str_to_long(t->port, 1, 65535, &port));
}

/* maddr and the like would send it elsewhere than to the host that is judged. */
static bool params_are_harmless(const char *params, size_t len)
{
    static const char *const known[] = {"transport", "region", "edge", "user", NULL};

    while (len > 0) {
        size_t n = 1, name;
        bool found = false;

        while (n < len && params[n] != ';')
            n++;
        for (name = 1; name < n && params[name] != '='; name++)
            continue;
        for (size_t i = 0; known[i] != NULL; i++)
            found = found || (strlen(known[i]) == name - 1 &&
                              strncasecmp(known[i], params + 1, name - 1) == 0);
        if (!found)
            return false;
        params += n;
        len -= n;
    }
    return true;
}

/* The number that a user part may reach at the other end, as telephones dial abroad. */
static void find_number(struct target *t)
{
    char text[ROUTE_NAME_MAX + 1];
    const char *user = t->user;

    if (*user == '+')
        str_copy(text, sizeof text, user);
    else if (strncmp(user, "011", 3) == 0)
        snprintf(text, sizeof text, "+%s", user + 3);
    else if (strncmp(user, "00", 2) == 0)
        snprintf(text, sizeof text, "+%s", user + 2);
    else
        str_copy(text, sizeof text, user);
    if (!target_number(text, t->number))
        t->number[0] = '\0';
    snprintf(text, sizeof text, "+%s", user);
    if (*user == '+' || !target_number(text, t->other))
        t->other[0] = '\0';
}

static int read_sip(struct target *t, const char *text, struct error *err)
{
    const char *from = strchr(text, ':') + 1;
    size_t len = strcspn(from, "?"); /* headers follow: they are the verb's to read */
    const char *at = memchr(from, '@', len);
    const char *host = at != NULL ? at + 1 : from;
    size_t host_len = strcspn(host, ";?");

    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("<>\"", *c) != NULL)
            return no_address(err, text, "an address has no spaces, quotes or brackets");
    if (len + (size_t)(from - text) >= ROUTE_NAME_MAX)
        return no_address(err, text, "it is longer than 256 characters");
    if (strchr(host, '@') != NULL)
        return no_address(err, text, "it has two @; write %40 for one in a name or header");
    if (at != NULL && !read_user(t, from, (size_t)(at - from)))
        return no_address(err, text, "its user part holds what could be read in two ways");
    if (!read_host(t, host, host_len))
        return no_address(err, text, "it has no host; write sip:name@host or sip:name@host:port");
    if (!params_are_harmless(host + host_len, len - (size_t)(host + host_len - from)))
        return no_address(err, text,
                          "of parameters only transport, user, region and edge may "
                          "follow its host");
    snprintf(t->name, sizeof t->name, "%.*s", (int)(from - text + (ptrdiff_t)len), text);
    t->kind = TARGET_SIP;
    find_number(t);
    return 0;
}

int target_read(struct target *t, const char *text, struct error *err)
{
    memset(t, 0, sizeof *t);
    if (strlen(text) >= 2048)
        return no_address(err, text, "it is too long");
    if (strncmp(text, "client:", 7) == 0)
        return read_client(t, text, err);
    if (strncasecmp(text, "sip:", 4) == 0 || strncasecmp(text, "sips:", 5) == 0)
        return read_sip(t, text, err);
    return read_number(t, text, err);
}

/* --- patterns --- */

/* "sip:*", "sip:*@host", "sip:user@host", "sip:host", the host perhaps with a port. */
static size_t fits_sip(const struct target *t, const char *pattern)
{
    const char *rest = pattern + 4, *at = strchr(rest, '@');
    const char *host = at != NULL ? at + 1 : rest;
    const char *bracket = strchr(host, ']'); /* of an IPv6 address */
    const char *port = strchr(bracket != NULL ? bracket : host, ':');
    size_t user_len = at != NULL ? (size_t)(at - rest) : 0;
    size_t host_len;

    if (strcmp(rest, "*") == 0)
        return 4;
    host_len = port != NULL ? (size_t)(port - host) : strlen(host);
    if (strlen(t->host) != host_len || strncasecmp(t->host, host, host_len) != 0)
        return 0;
    if (port != NULL && strcmp(t->port, port + 1) != 0)
        return 0;
    if (user_len == 1 && *rest == '*')
        return strlen(pattern) - 1;
    return strlen(t->user) == user_len && strncmp(t->user, rest, user_len) == 0
               ? strlen(pattern) + 1
               : 0;
}

static size_t fits_text(const char *text, const char *pattern)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] == '*')
        return strncmp(text, pattern, n - 1) == 0 ? n : 0;
    return strcmp(text, pattern) == 0 ? n + 1 : 0;
}

size_t target_fits(const struct target *t, const char *pattern)
{
    bool sip = strncmp(pattern, "sip:", 4) == 0, client = strncmp(pattern, "client:", 7) == 0;

    if (t->kind == TARGET_SIP)
        return sip ? fits_sip(t, pattern) : 0;
    if (t->kind == TARGET_CLIENT)
        return client ? fits_text(t->name, pattern) : 0;
    if (sip || client || (t->kind == TARGET_SHORT && strcmp(pattern, "*") == 0))
        return 0;
    return fits_text(t->name, pattern);
}
