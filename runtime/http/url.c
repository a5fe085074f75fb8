#include "http/url.h"

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
        if (n >= URL_MAX)
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

static const char *split_authority(struct url *u, const char *p, const char *end)
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

int url_split(struct url *u, const char *text, struct error *err)
{
    const char *p = text, *end, *why = check_bytes(text);

    memset(u, 0, sizeof *u);
    if (why != NULL)
        return bad_url(err, text, why);
    if (strncasecmp(p, "http://", 7) == 0) {
        p += 7;
        u->port = 80;
    } else if (strncasecmp(p, "https://", 8) == 0) {
        p += 8;
        u->tls = true;
        u->port = 443;
    } else {
        return bad_url(err, text, "does not begin with http:// or https://");
    }
    end = p + strcspn(p, "/?#");
    why = split_authority(u, p, end);
    if (why != NULL)
        return bad_url(err, text, why);
    u->rest = end;
    u->rest_len = strcspn(end, "#");
    if (end[u->rest_len] == '#')
        u->fragment = end + u->rest_len + 1;
    return 0;
}

void url_origin(const struct url *u, struct str *out)
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

void url_public(const struct url *u, struct str *out)
{
    str_add(out, u->tls ? "https://" : "http://");
    str_addn(out, u->authority, (size_t)(u->rest - u->authority) + u->rest_len);
}

/* RFC 3986 §5.2.4, for a path that begins with '/'. `from` is where this path begins in `out`. */
static void add_without_dots(struct str *out, const char *path, size_t len)
{
    const char *p = path, *end = path + len;
    size_t from = out->len;

    while (p < end && !out->failed) {
        const char *next = memchr(p + 1, '/', (size_t)(end - p - 1));
        size_t n = (size_t)((next != NULL ? next : end) - p);
        bool dot = n == 2 && p[1] == '.';
        bool dots = n == 3 && p[1] == '.' && p[2] == '.';

        if (dots) {
            while (out->len > from && out->data[--out->len] != '/')
                ;
        }
        if (!dot && !dots)
            str_addn(out, p, n);
        else if (next == NULL)
            str_addc(out, '/');
        p += n;
    }
    if (out->len == from)
        str_addc(out, '/');
}

static size_t path_len(const char *rest, size_t len)
{
    const char *query = memchr(rest, '?', len);

    return query == NULL ? len : (size_t)(query - rest);
}

/* Has `ref` a scheme of its own? */
static bool has_scheme(const char *ref)
{
    size_t n = 0;

    while (isalnum((unsigned char)ref[n]) || (n > 0 && strchr("+-.", ref[n]) && ref[n] != '\0'))
        n++;
    return n > 0 && isalpha((unsigned char)ref[0]) && ref[n] == ':';
}

static void add_relative_path(struct str *out, const struct url *base, const char *ref, size_t len)
{
    size_t folder = path_len(base->rest, base->rest_len);
    struct str path = STR_INIT(2 * URL_MAX);

    while (folder > 0 && base->rest[folder - 1] != '/')
        folder--;
    if (ref[0] == '/') {
        add_without_dots(out, ref, len);
        return;
    }
    str_addn(&path, folder > 0 ? base->rest : "/", folder > 0 ? folder : 1);
    str_addn(&path, ref, len);
    if (path.failed)
        out->failed = true;
    else
        add_without_dots(out, path.data, path.len);
    str_free(&path);
}

int url_resolve(const char *base, const char *ref, struct str *out, struct error *err)
{
    struct url b, check;
    const char *why = check_bytes(ref);
    size_t path = strcspn(ref, "?#");

    if (why != NULL)
        return bad_url(err, ref, why);
    if (has_scheme(ref)) {
        str_add(out, ref);
    } else {
        if (url_split(&b, base, err) != 0)
            return ERR_INVALID;
        str_add(out, b.tls ? "https:" : "http:");
        if (strncmp(ref, "//", 2) == 0) {
            str_add(out, ref);
        } else {
            const char *start = b.user != NULL ? b.user : b.authority;

            str_add(out, "//");
            str_addn(out, start, (size_t)(b.rest - start));
            if (path > 0)
                add_relative_path(out, &b, ref, path);
            else
                str_addn(out, b.rest, ref[0] == '?' ? path_len(b.rest, b.rest_len) : b.rest_len);
            str_add(out, ref + path);
        }
    }
    if (out->failed)
        return error_set_twilio(err, ERR_LIMIT, 11100, "URL '%.120s': too long", ref);
    return url_split(&check, str_text(out), err);
}
