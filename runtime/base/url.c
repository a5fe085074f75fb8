/* RFC 3986: a reference taken apart (§3), and resolved against a base (§5). */
#include "base/url.h"
#include "base/mem.h"
#include "base/str.h"
#include <ctype.h>
#include <string.h>

static struct url_part part_until(const char **s, const char *end, const char *stops)
{
    struct url_part p = {*s, 0};

    while (*s < end && strchr(stops, **s) == NULL)
        ++*s;
    p.len = (size_t)(*s - p.at);
    return p;
}

static size_t scheme_length(const char *s, const char *end)
{
    const char *p = s;

    if (p == end || !isalpha((unsigned char)*p))
        return 0;
    while (p < end && (isalnum((unsigned char)*p) || strchr("+-.", *p) != NULL))
        p++;
    return p < end && *p == ':' ? (size_t)(p - s) : 0;
}

void url_split(struct url *u, const char *text, size_t len)
{
    const char *s = text, *end = s + len;

    *u = (struct url){.scheme.len = scheme_length(s, end)};
    if (u->scheme.len > 0) {
        u->scheme.at = s;
        s += u->scheme.len + 1;
    }
    if (end - s >= 2 && s[0] == '/' && s[1] == '/') {
        s += 2;
        u->authority = part_until(&s, end, "/?#");
    }
    u->path = part_until(&s, end, "?#");
    if (s < end && *s == '?') {
        s++;
        u->query = part_until(&s, end, "#");
    }
    if (s < end && *s == '#')
        u->fragment = (struct url_part){s + 1, (size_t)(end - s - 1)};
}

/* §5.2.3: the base's path up to its last slash, then the reference's. */
static void merge(struct str *out, const struct url *base, const struct url_part *path)
{
    size_t keep = base->path.len;

    while (keep > 0 && base->path.at[keep - 1] != '/')
        keep--;
    str_addn(out, base->path.at, keep);
    if (keep == 0 && base->authority.at != NULL)
        str_addc(out, '/');
    str_addn(out, path->at, path->len);
}

static bool segment_is(const char *s, size_t len, const char *what)
{
    return len == strlen(what) && memcmp(s, what, len) == 0;
}

/* §5.2.4: appends a path without its "." and ".." segments. What was written since `floor` is
 * always whole segments, each with its slash. */
static void add_path(struct str *out, const char *s, size_t n)
{
    const char *end = s + n;
    size_t floor, len;

    if (n > 0 && *s == '/') {
        str_addc(out, '/');
        s++;
    }
    floor = out->len;
    for (; s < end; s += len + 1) {
        for (len = 0; s + len < end && s[len] != '/'; len++)
            ;
        if (segment_is(s, len, "..")) {
            if (out->len > floor)
                out->len--;
            while (out->len > floor && out->data[out->len - 1] != '/')
                out->len--;
        } else if (!segment_is(s, len, ".")) {
            str_addn(out, s, len + (s + len < end));
        }
    }
    if (out->data != NULL)
        out->data[out->len] = '\0';
}

static void add_part(struct str *out, const char *before, const struct url_part *p,
                     const char *after)
{
    if (p->at == NULL)
        return;
    str_add(out, before);
    str_addn(out, p->at, p->len);
    str_add(out, after);
}

/* §5.2.2. */
static void resolve(struct str *out, const struct url *base, const struct url *ref)
{
    bool own_authority = ref->scheme.at != NULL || ref->authority.at != NULL;
    struct str merged = STR_INIT(URL_RESOLVE_MAX);

    add_part(out, "", ref->scheme.at != NULL ? &ref->scheme : &base->scheme, ":");
    add_part(out, "//", own_authority ? &ref->authority : &base->authority, "");
    if (own_authority || (ref->path.len > 0 && *ref->path.at == '/')) {
        add_path(out, ref->path.at, ref->path.len);
    } else if (ref->path.len > 0) {
        merge(&merged, base, &ref->path);
        add_path(out, str_text(&merged), merged.len);
        out->failed |= merged.failed;
    } else {
        str_addn(out, base->path.at, base->path.len);
    }
    if (!own_authority && ref->path.len == 0 && ref->query.at == NULL)
        add_part(out, "?", &base->query, "");
    else
        add_part(out, "?", &ref->query, "");
    add_part(out, "#", &ref->fragment, "");
    str_free(&merged);
}

char *url_resolve(const char *base, const char *reference)
{
    struct str out = STR_INIT(URL_RESOLVE_MAX);
    struct url b, r;
    size_t len;
    char *made;

    reference = str_trim(reference, &len);
    if (len == 0)
        return mem_strdup(base);
    url_split(&b, base, strlen(base));
    url_split(&r, reference, len);
    resolve(&out, &b, &r);
    made = out.failed ? NULL : mem_strdup(str_text(&out));
    str_free(&out);
    return made;
}
