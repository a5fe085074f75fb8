/* URLs: the examples of RFC 3986 §5.4, and local files. */
#include "base/mem.h"
#include "flow/document.h"
#include "tests/unit/unit.h"

struct expect {
    const char *reference, *url;
};

static bool resolves(const char *base, const char *reference, const char *want)
{
    char *got = document_url(base, reference);
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
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
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

UNIT_MAIN(CASE(url_resolves_the_examples_of_the_rfc), CASE(url_keeps_what_documents_need),
          CASE(url_resolves_beside_a_local_file))
