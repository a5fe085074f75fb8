#include "bridge/scan.h"
#include <string.h>

struct at {
    struct scan *s;
    char *start, *p, *end;
    int depth, depth_max;
    const char *why; /* the mistake, once there is one */
};

static bool fail(struct at *a, const char *why)
{
    if (a->why == NULL)
        a->why = why;
    return false;
}

static void skip_space(struct at *a)
{
    while (a->p < a->end && (*a->p == ' ' || *a->p == '\t' || *a->p == '\n' || *a->p == '\r'))
        a->p++;
}

static bool take(struct at *a, char c)
{
    if (a->p == a->end || *a->p != c)
        return false;
    a->p++;
    return true;
}

/* --- strings --- */

/* Bytes of the UTF-8 sequence at p, 0 when it is none. */
static int utf8_length(const unsigned char *p, const unsigned char *end)
{
    uint32_t code;
    int n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

    if (n <= 1)
        return n;
    if (end - p < n)
        return 0;
    code = *p & (0xffu >> (n + 1));
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    if ((n == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
        (n == 4 && (code < 0x10000 || code > 0x10ffff)))
        return 0;
    return n;
}

static char *put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static bool read_hex4(struct at *a, uint32_t *out)
{
    uint32_t code = 0;

    if (a->end - a->p < 4)
        return fail(a, "a \\u escape needs four hex digits");
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        char c = *a->p++;
        const char *d = c != '\0' ? strchr(digits, c) : NULL;

        if (d == NULL)
            return fail(a, "a \\u escape needs four hex digits");
        code = code << 4 | (uint32_t)((d - digits) & 15);
    }
    *out = code;
    return true;
}

static bool read_unicode(struct at *a, char **to)
{
    uint32_t code, low;

    if (!read_hex4(a, &code))
        return false;
    if (code == 0)
        return fail(a, "\\u0000 is not allowed");
    if (code >= 0xdc00 && code < 0xe000)
        return fail(a, "a \\u escape is half of a pair");
    if (code >= 0xd800 && code < 0xdc00) {
        if (!take(a, '\\') || !take(a, 'u') || !read_hex4(a, &low) || low < 0xdc00 || low >= 0xe000)
            return fail(a, "a \\u escape is half of a pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_utf8(*to, code);
    return true;
}

static bool read_escape(struct at *a, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char c = a->p < a->end ? *a->p++ : '\0';
    const char *at = c != '\0' ? strchr(from, c) : NULL;

    if (c == 'u')
        return read_unicode(a, to);
    if (at == NULL)
        return fail(a, "an unknown escape in a string");
    *(*to)++ = into[at - from];
    return true;
}

/* Behind the opening quote. What is written is never longer than what was read, so the string fits
 * where it stands, with its NUL where the closing quote was or before. */
static bool read_string(struct at *a, const char **out, size_t *len)
{
    char *begin = a->p, *to = a->p;

    while (a->p < a->end && *a->p != '"') {
        unsigned char c = (unsigned char)*a->p;
        int n;

        if (c < 0x20)
            return fail(a, "a control character in a string; escape it");
        if (c == '\\') {
            a->p++;
            if (!read_escape(a, &to))
                return false;
            continue;
        }
        n = utf8_length((unsigned char *)a->p, (unsigned char *)a->end);
        if (n == 0)
            return fail(a, "a string is not UTF-8");
        if (to != a->p)
            memmove(to, a->p, (size_t)n);
        to += n;
        a->p += n;
    }
    if (a->p == a->end)
        return fail(a, "a string does not end");
    a->p++;
    *to = '\0';
    *out = begin;
    *len = (size_t)(to - begin);
    return true;
}

/* --- numbers and words --- */

static bool read_digits(struct at *a)
{
    char *begin = a->p;

    while (a->p < a->end && *a->p >= '0' && *a->p <= '9')
        a->p++;
    return a->p > begin;
}

static bool read_number(struct at *a, struct scan_member *m)
{
    char *begin = a->p, *digits;
    bool minus = take(a, '-'), whole = true;

    digits = a->p;
    if (!read_digits(a) || (*digits == '0' && a->p - digits > 1))
        return fail(a, "a value is no JSON");
    if (take(a, '.')) {
        whole = false;
        if (!read_digits(a))
            return fail(a, "a number has no digit behind its point");
    }
    if (take(a, 'e') || take(a, 'E')) {
        whole = false;
        if (!take(a, '+'))
            take(a, '-');
        if (!read_digits(a))
            return fail(a, "a number has no digit in its exponent");
    }
    m->kind = whole && a->p - begin <= 18 ? SCAN_INTEGER : SCAN_NUMBER;
    m->number = 0;
    for (char *d = digits; m->kind == SCAN_INTEGER && d < a->p; d++)
        m->number = m->number * 10 + (*d - '0');
    if (minus)
        m->number = -m->number;
    return true;
}

static bool read_word(struct at *a, struct scan_member *m)
{
    static const struct {
        const char *word;
        size_t len;
        enum scan_kind kind;
        int number;
    } words[] = {{"true", 4, SCAN_BOOL, 1}, {"false", 5, SCAN_BOOL, 0}, {"null", 4, SCAN_NULL, 0}};

    for (int i = 0; i < 3; i++) {
        if ((size_t)(a->end - a->p) >= words[i].len &&
            memcmp(a->p, words[i].word, words[i].len) == 0) {
            a->p += words[i].len;
            m->kind = words[i].kind;
            m->number = words[i].number;
            return true;
        }
    }
    return fail(a, "a value is no JSON");
}

/* --- objects and arrays --- */

static bool read_members(struct at *a, size_t *count);
static bool read_items(struct at *a);

static bool read_value(struct at *a, struct scan_member *m)
{
    bool good;

    skip_space(a);
    if (take(a, '"')) {
        m->kind = SCAN_STRING;
        return read_string(a, &m->string, &m->len);
    }
    if (a->p < a->end && (*a->p == '-' || (*a->p >= '0' && *a->p <= '9')))
        return read_number(a, m);
    if (a->p == a->end || (*a->p != '{' && *a->p != '['))
        return read_word(a, m);
    if (a->depth == a->depth_max)
        return fail(a, "it is nested too deep");
    m->kind = *a->p++ == '{' ? SCAN_OBJECT : SCAN_ARRAY;
    a->depth++;
    good = m->kind == SCAN_OBJECT ? read_members(a, &m->count) : read_items(a);
    a->depth--;
    return good;
}

/* Behind the opening bracket. */
static bool read_items(struct at *a)
{
    struct scan_member passed = {0};

    skip_space(a);
    if (take(a, ']'))
        return true;
    for (;;) {
        if (!read_value(a, &passed))
            return false;
        skip_space(a);
        if (take(a, ']'))
            return true;
        if (!take(a, ','))
            return fail(a, "a ',' or ']' is missing");
    }
}

/* True when one of the last `count` siblings at this level has the name already. */
static bool is_twice(const struct at *a, size_t from, int level, const char *name)
{
    for (size_t i = from; i < a->s->count; i++)
        if (a->s->list[i].level == level && strcmp(a->s->list[i].name, name) == 0)
            return true;
    return false;
}

/* The place for a member read now: kept up to level 2, else a place that is overwritten. */
static struct scan_member *new_member(struct at *a, struct scan_member *passed, const char *name,
                                      size_t from)
{
    struct scan_member *m = passed;

    if (a->depth <= 2 && a->s->count == SCAN_MEMBERS_MAX) {
        fail(a, "it has more than 256 fields");
        return NULL;
    }
    if (a->depth <= 2) {
        if (is_twice(a, from, a->depth, name)) {
            fail(a, "a key stands twice in an object");
            return NULL;
        }
        m = &a->s->list[a->s->count++];
    }
    *m = (struct scan_member){.name = name, .level = (uint8_t)a->depth};
    return m;
}

/* Behind the opening brace. */
static bool read_members(struct at *a, size_t *count)
{
    struct scan_member passed, *m;
    size_t from = a->s->count, len;
    const char *name;

    skip_space(a);
    if (take(a, '}'))
        return true;
    for (;;) {
        skip_space(a);
        if (!take(a, '"'))
            return fail(a, "a key in quotes is missing");
        if (!read_string(a, &name, &len))
            return false;
        skip_space(a);
        if (!take(a, ':'))
            return fail(a, "a ':' is missing");
        m = new_member(a, &passed, name, from);
        if (m == NULL || !read_value(a, m))
            return false;
        ++*count;
        skip_space(a);
        if (take(a, '}'))
            return true;
        if (!take(a, ','))
            return fail(a, "a ',' or '}' is missing");
    }
}

int scan_object(struct scan *s, char *text, size_t len, int depth, struct error *err)
{
    struct at a = {.s = s, .start = text, .p = text, .end = text + len, .depth_max = depth};
    struct scan_member root = {0};
    bool good;

    s->count = 0;
    skip_space(&a);
    if (a.p == a.end || *a.p != '{')
        return error_set(err, ERR_INVALID, "a message is a JSON object, such as {\"type\":…}");
    good = read_value(&a, &root);
    skip_space(&a);
    if (good && a.p != a.end)
        good = fail(&a, "something follows the object");
    if (!good)
        return error_set(err, ERR_INVALID, "not JSON that we take: %s (byte %zu)", a.why,
                         (size_t)(a.p - a.start));
    return 0;
}

const struct scan_member *scan_find(const struct scan *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].level == 1 && strcmp(s->list[i].name, name) == 0)
            return &s->list[i];
    return NULL;
}
