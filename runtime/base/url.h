/* URL references taken apart and resolved, as RFC 3986 has it: pure functions of their bytes, for
 * any scheme, and for paths of local files. What only http and https have (an origin, a port that
 * is implied, what is signed) is http/url.h's. */
#ifndef ALMON_BASE_URL_H
#define ALMON_BASE_URL_H

#include <stddef.h>

enum { URL_RESOLVE_MAX = 64 * 1024 };

/* A place in the text; `at` is NULL when the URL has no such part ("http://a?" has an empty query,
 * "http://a" has none). */
struct url_part {
    const char *at;
    size_t len;
};

/* RFC 3986 §3; points into the text it was made from. The path is always there, empty or not. */
struct url {
    struct url_part scheme, authority, path, query, fragment;
};

/* Never fails: every text is a reference of some kind (appendix B). Bytes are not checked. */
void url_split(struct url *u, const char *text, size_t len);

/* `reference` as seen from `base` (§5; for a base that is a local file, a relative path beside it).
 * Whitespace around `reference` is trimmed; empty gives `base` itself. The caller mem_free()s the
 * result; NULL when out of memory or longer than URL_RESOLVE_MAX. */
char *url_resolve(const char *base, const char *reference);

#endif
