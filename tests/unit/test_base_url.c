/* URLs: the examples of RFC 3986 §5.4 and appendix B, and local files. */
#include "base/mem.h"
#include "base/url.h"
#include "tests/unit/unit.h"
#include <string.h>

struct expect {
    const char *reference, *url;
};

static bool resolves(const char *base, const char *reference, const char *want)
{
    char *got = url_resolve(base, reference);
    bool good = unit_str(got, want, __FILE__, __LINE__);

    mem_free(got);
    return good;
}

UNIT(url_resolves_the_examples_of_the_rfc)
{
    static const struct expect list[] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http:g"},
    };

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        ok(resolves("http://a/b/c/d;p?q", list[i].reference, list[i].url));
out:;
}

UNIT(url_keeps_what_documents_need)
{
    ok(resolves("https://app.test/voice", "  \n /menu?x=1&y=2 \n",
                "https://app.test/menu?x=1&y=2"));
    ok(resolves("https://app.test/voice", "menu#rc=2&ct=500", "https://app.test/menu#rc=2&ct=500"));
    ok(resolves("https://app.test/voice?a=1", "", "https://app.test/voice?a=1"));
    ok(resolves("https://app.test", "menu", "https://app.test/menu"));
    ok(resolves("https://app.test:8080/a", "https://other.test/", "https://other.test/"));
    ok(resolves("https://app.test/a//b/", "../c", "https://app.test/a//c"));
    ok(resolves("http://[::1]:3000/a/b", "c", "http://[::1]:3000/a/c"));
out:;
}

UNIT(url_resolves_beside_a_local_file)
{
    ok(resolves("/srv/flows/welcome.xml", "menu.xml", "/srv/flows/menu.xml"));
    ok(resolves("/srv/flows/welcome.xml", "../up.xml", "/srv/up.xml"));
    ok(resolves("welcome.xml", "menu.xml", "menu.xml"));
    ok(resolves("scripts/welcome.xml", "menu.xml?Digits=1", "scripts/menu.xml?Digits=1"));
    ok(resolves("scripts/welcome.xml", "../../../etc/passwd", "etc/passwd"));
    ok(resolves("scripts/welcome.xml", "http://a.test/x", "http://a.test/x"));
out:;
}

static bool part_is(struct url_part part, const char *want)
{
    return want == NULL ? part.at == NULL
                        : part.at != NULL && part.len == strlen(want) &&
                              memcmp(part.at, want, part.len) == 0;
}

UNIT(url_splits_into_its_parts)
{
    static const struct {
        const char *text, *scheme, *authority, *path, *query, *fragment;
    } list[] = {
        {"http://www.ics.uci.edu/pub/ietf/uri/#Related", "http", "www.ics.uci.edu",
         "/pub/ietf/uri/", NULL, "Related"},
        {"HTTPS://a:b@Host:8443?q=1#", "HTTPS", "a:b@Host:8443", "", "q=1", ""},
        {"wss://[::1]:3000/a//b?x?y#z#?", "wss", "[::1]:3000", "/a//b", "x?y", "z#?"},
        {"//host/path", NULL, "host", "/path", NULL, NULL},
        {"file:///srv/x", "file", "", "/srv/x", NULL, NULL},
        {"mailto:fred@example.com", "mailto", NULL, "fred@example.com", NULL, NULL},
        {"tel:+1-816", "tel", NULL, "+1-816", NULL, NULL},
        {"menu.xml?Digits=1", NULL, NULL, "menu.xml", "Digits=1", NULL},
        {"1a:b", NULL, NULL, "1a:b", NULL, NULL}, /* a scheme begins with a letter */
        {"a/b:c", NULL, NULL, "a/b:c", NULL, NULL},
        {"", NULL, NULL, "", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct url u;

        url_split(&u, list[i].text, strlen(list[i].text));
        ok(part_is(u.scheme, list[i].scheme));
        ok(part_is(u.authority, list[i].authority));
        ok(part_is(u.path, list[i].path));
        ok(part_is(u.query, list[i].query));
        ok(part_is(u.fragment, list[i].fragment));
    }
out:;
}

UNIT_MAIN(CASE(url_resolves_the_examples_of_the_rfc), CASE(url_keeps_what_documents_need),
          CASE(url_resolves_beside_a_local_file), CASE(url_splits_into_its_parts))
