#include "http/url.h"
#include "base/url.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static int bad_url(struct error *err, const char *text, const char *why)
{
    return error_set_twilio(err, ERR_INVALID, 11100, "URL '%.120s': %s", text, why);
}

static const char *check_bytes(const char *text)
{
    size_t n = 0;

    for (; text[n] != '\0'; n++) {
        if ((unsigned char)text[n] <= ' ' || text[n] == 0x7f)
            return "holds a space or a control character; percent-encode it";
        if (n >= HTTP_URL_MAX)
            return "is longer than 8192 bytes";
    }
    return NULL;
}

/* Reads ":port" at `p`, which ends at `end`. */
static bool read_port(const char *p, const char *end, int *port)
{
    int n = 0;

    if (p == end)
        return true;
    if (*p++ != ':')
        return false;
    if (p == end)
        return true; /* "host:" is the default port (RFC 3986 §6.2.3) */
    for (; p < end; p++) {
        if (!isdigit((unsigned char)*p))
            return false;
        n = n * 10 + (*p - '0');
        if (n > 65535)
            return false;
    }
    *port = n;
    return n > 0;
}

static const char *split_authority(struct http_url *u, const char *p, const char *end)
{
    const char *at = memrchr(p, '@', (size_t)(end - p));
    const char *stop;

    if (at != NULL) {
        u->user = p;
        u->user_len = (size_t)(at - p);
        p = at + 1;
    }
    u->authority = p;
    if (p < end && *p == '[') {
        stop = memchr(p, ']', (size_t)(end - p));
        if (stop == NULL)
            return "has '[' without ']'";
        u->host = p + 1;
        u->host_len = (size_t)(stop - u->host);
        stop++;
    } else {
        stop = memchr(p, ':', (size_t)(end - p));
        if (stop == NULL)
            stop = end;
        u->host = p;
        u->host_len = (size_t)(stop - p);
    }
    if (u->host_len == 0)
        return "has no host";
    if (u->host_len > 255)
        return "has a host name longer than 255 bytes";
    if (memchr(u->host, '\\', u->host_len) != NULL)
        return "has a backslash in its host";
    if (!read_port(stop, end, &u->port))
        return "has a wrong port";
    return NULL;
}

static bool scheme_is(const struct url_part *scheme, const char *name)
{
    return scheme->len == strlen(name) && strncasecmp(scheme->at, name, scheme->len) == 0;
}

int http_url_split(struct http_url *u, const char *text, struct error *err)
{
    const char *why = check_bytes(text);
    struct url parts;

    memset(u, 0, sizeof *u);
    if (why != NULL)
        return bad_url(err, text, why);
    url_split(&parts, text, strlen(text));
    u->tls = scheme_is(&parts.scheme, "https");
    if ((!u->tls && !scheme_is(&parts.scheme, "http")) || parts.authority.at == NULL)
        return bad_url(err, text, "does not begin with http:// or https://");
    u->port = u->tls ? 443 : 80;
    why = split_authority(u, parts.authority.at, parts.path.at);
    if (why != NULL)
        return bad_url(err, text, why);
    u->rest = parts.path.at;
    u->rest_len = strcspn(u->rest, "#");
    u->fragment = parts.fragment.at;
    return 0;
}

void http_url_origin(const struct http_url *u, struct str *out)
{
    bool v6 = memchr(u->host, ':', u->host_len) != NULL;

    if (v6)
        str_addc(out, '[');
    for (size_t i = 0; i < u->host_len; i++)
        str_addc(out, (char)tolower((unsigned char)u->host[i]));
    if (v6)
        str_addc(out, ']');
    str_addf(out, ":%d", u->port);
}

void http_url_public(const struct http_url *u, struct str *out)
{
    str_add(out, u->tls ? "https://" : "http://");
    str_addn(out, u->authority, (size_t)(u->rest - u->authority) + u->rest_len);
}

void http_url_request(const struct http_url *u, const char *text, struct str *out)
{
    str_addn(out, text, (size_t)(u->rest - text));
    for (size_t i = 0; i < u->rest_len; i++) {
        unsigned char c = (unsigned char)u->rest[i];

        if (c >= 0x80)
            str_addf(out, "%%%02X", c);
        else
            str_addc(out, (char)c);
    }
}
