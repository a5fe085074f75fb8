/* RFC 3986 §5: a reference resolved against a base. */
#include "flow/document.h"

#include "base/mem.h"
#include "base/str.h"
#include <ctype.h>
#include <string.h>

enum { URL_MAX = 64 * 1024 };

/* Pieces of a reference; each is a place in it with a length, `at` NULL when the piece is absent.
 */
struct piece {
    const char *at;
    size_t len;
};
struct url {
    struct piece scheme, authority, path, query, fragment;
};

static struct piece piece_until(const char **s, const char *end, const char *stops)
{
    struct piece p = {*s, 0};

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

static struct url url_split(const char *s, size_t n)
{
    const char *end = s + n;
    struct url u = {0};

    u.scheme.len = scheme_length(s, end);
    if (u.scheme.len > 0) {
        u.scheme.at = s;
        s += u.scheme.len + 1;
    }
    if (end - s >= 2 && s[0] == '/' && s[1] == '/') {
        s += 2;
        u.authority = piece_until(&s, end, "/?#");
    }
    u.path = piece_until(&s, end, "?#");
    if (s < end && *s == '?') {
        s++;
        u.query = piece_until(&s, end, "#");
    }
    if (s < end && *s == '#')
        u.fragment = (struct piece){s + 1, (size_t)(end - s - 1)};
    return u;
}

/* §5.2.3: the base's path up to its last slash, then the reference's. */
static void merge(struct str *out, const struct url *base, const struct piece *path)
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

static void add_piece(struct str *out, const char *before, const struct piece *p, const char *after)
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
    struct str merged = STR_INIT(URL_MAX);

    add_piece(out, "", ref->scheme.at != NULL ? &ref->scheme : &base->scheme, ":");
    add_piece(out, "//", own_authority ? &ref->authority : &base->authority, "");
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
        add_piece(out, "?", &base->query, "");
    else
        add_piece(out, "?", &ref->query, "");
    add_piece(out, "#", &ref->fragment, "");
    str_free(&merged);
}

char *document_url(const char *base, const char *reference)
{
    struct str out = STR_INIT(URL_MAX);
    struct url b, r;
    size_t len;
    char *made;

    reference = str_trim(reference, &len);
    if (len == 0)
        return mem_strdup(base);
    b = url_split(base, strlen(base));
    r = url_split(reference, len);
    resolve(&out, &b, &r);
    made = out.failed ? NULL : mem_strdup(str_text(&out));
    str_free(&out);
    return made;
}
