#include "script/pattern.h"

#include <ctype.h>
#include <string.h>

void pattern_init(struct pattern *p, const char *text, size_t text_len, const char *pattern,
                  size_t pattern_len, uint64_t steps)
{
    *p = (struct pattern){.text = text,
                          .text_end = text + text_len,
                          .pattern_end = pattern + pattern_len,
                          .steps = steps};
}

static const char *mistake(struct pattern *p, const char *what)
{
    if (p->mistake == NULL)
        p->mistake = what;
    return NULL;
}

static bool spend(struct pattern *p, uint64_t steps)
{
    if (p->steps < steps || p->out_of_steps) {
        p->out_of_steps = true;
        return false;
    }
    p->steps -= steps;
    return true;
}

static bool stopped(const struct pattern *p)
{
    return p->mistake != NULL || p->out_of_steps;
}

/* --- one character --- */

/* The end of the class that begins at `at`: one character, %x, or [set]. */
static const char *class_end(struct pattern *p, const char *at)
{
    if (*at == '%') {
        if (at + 1 >= p->pattern_end)
            return mistake(p, "malformed pattern (ends with '%')");
        return at + 2;
    }
    if (*at++ != '[')
        return at;
    if (*at == '^')
        at++;
    do { /* the first one is of the set even when it is ']' */
        if (at >= p->pattern_end)
            return mistake(p, "malformed pattern (missing ']')");
        at += *at == '%' && at + 1 < p->pattern_end ? 2 : 1;
    } while (at >= p->pattern_end || *at != ']');
    return at + 1;
}

static bool in_class(int c, int class)
{
    bool in;

    switch (tolower(class)) {
    case 'a':
        in = isalpha(c) != 0;
        break;
    case 'c':
        in = iscntrl(c) != 0;
        break;
    case 'd':
        in = isdigit(c) != 0;
        break;
    case 'g':
        in = isgraph(c) != 0;
        break;
    case 'l':
        in = islower(c) != 0;
        break;
    case 'p':
        in = ispunct(c) != 0;
        break;
    case 's':
        in = isspace(c) != 0;
        break;
    case 'u':
        in = isupper(c) != 0;
        break;
    case 'w':
        in = isalnum(c) != 0;
        break;
    case 'x':
        in = isxdigit(c) != 0;
        break;
    case 'z': /* of old, and still there */
        in = c == 0;
        break;
    default:
        return class == c;
    }
    return isupper(class) ? !in : in;
}

/* `set` is its '[', `end` behind its ']'. */
static bool in_set(int c, const char *set, const char *end)
{
    const unsigned char *at = (const unsigned char *)set + 1;
    const unsigned char *last = (const unsigned char *)end - 1;
    bool negated = *at == '^';

    for (at += negated; at < last; at++) {
        if (*at == '%' && at + 1 <= last) {
            at++;
            if (in_class(c, *at))
                return !negated;
        } else if (at[1] == '-' && at + 2 < last) {
            if (at[0] <= c && c <= at[2])
                return !negated;
            at += 2;
        } else if (*at == c) {
            return !negated;
        }
    }
    return negated;
}

static bool one_fits(struct pattern *p, const char *s, const char *class, const char *end)
{
    int c;

    if (s >= p->text_end || !spend(p, 1 + (uint64_t)(end - class) / 8))
        return false;
    c = (unsigned char)*s;
    switch (*class) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)class[1]);
    case '[':
        return in_set(c, class, end);
    default:
        return (unsigned char)*class == c;
    }
}

/* --- items --- */

static const char *match(struct pattern *p, const char *s, const char *at);

/* As many as there are, then fewer until the rest fits. */
static const char *longest(struct pattern *p, const char *s, const char *class, const char *end)
{
    ptrdiff_t n = 0;
    const char *rest;

    while (one_fits(p, s + n, class, end))
        n++;
    if (stopped(p))
        return NULL;
    for (; n >= 0; n--) {
        rest = match(p, s + n, end + 1);
        if (rest != NULL || stopped(p))
            return rest;
    }
    return NULL;
}

/* As few as possible. */
static const char *shortest(struct pattern *p, const char *s, const char *class, const char *end)
{
    const char *rest;

    for (;;) {
        rest = match(p, s, end + 1);
        if (rest != NULL || stopped(p))
            return rest;
        if (!spend(p, 1) || !one_fits(p, s, class, end))
            return NULL;
        s++;
    }
}

/* %bxy at `at`: from an x to the y that closes it. */
static const char *balanced(struct pattern *p, const char *s, const char *at)
{
    int open = 1;
    const char *from = s;

    if (at + 3 >= p->pattern_end)
        return mistake(p, "malformed pattern (missing arguments to '%b')");
    if (s >= p->text_end || *s != at[2])
        return NULL;
    while (++s < p->text_end) {
        if (*s == at[3]) {
            if (--open == 0)
                return spend(p, (uint64_t)(s - from)) ? s + 1 : NULL;
        } else if (*s == at[2]) {
            open++;
        }
    }
    spend(p, (uint64_t)(s - from));
    return NULL;
}

/* %f[set]: where the set begins to fit. The text is taken to have a NUL on either side. */
static bool at_frontier(const struct pattern *p, const char *s, const char *set, const char *end)
{
    int before = s == p->text ? 0 : (unsigned char)s[-1];
    int here = s < p->text_end ? (unsigned char)*s : 0;

    return !in_set(before, set, end) && in_set(here, set, end);
}

static const char *repeat_capture(struct pattern *p, const char *s, int digit)
{
    const struct pattern_capture *c;
    size_t len;

    if (digit < '1' || digit - '1' >= p->captures || p->capture[digit - '1'].len == PATTERN_OPEN)
        return mistake(p, "invalid capture index in the pattern");
    c = &p->capture[digit - '1'];
    len = (size_t)c->len; /* that of a position is larger than any text */
    if ((size_t)(p->text_end - s) < len || !spend(p, len) || memcmp(c->at, s, len) != 0)
        return NULL;
    return s + len;
}

static const char *open_capture(struct pattern *p, const char *s, const char *at, ptrdiff_t len)
{
    const char *rest;

    if (p->captures == PATTERN_CAPTURES)
        return mistake(p, "too many captures");
    p->capture[p->captures++] = (struct pattern_capture){.at = s, .len = len};
    rest = match(p, s, at);
    if (rest == NULL)
        p->captures--;
    return rest;
}

static const char *close_capture(struct pattern *p, const char *s, const char *at)
{
    int i = p->captures - 1;
    const char *rest;

    while (i >= 0 && p->capture[i].len != PATTERN_OPEN)
        i--;
    if (i < 0)
        return mistake(p, "invalid pattern capture");
    p->capture[i].len = s - p->capture[i].at;
    rest = match(p, s, at);
    if (rest == NULL)
        p->capture[i].len = PATTERN_OPEN;
    return rest;
}

/* %b, %f and %1: what they leave of the text, with *at behind them; *known false for any other. */
static const char *special(struct pattern *p, const char *s, const char **at, bool *known)
{
    const char *item = *at, *end;
    int kind = item + 1 < p->pattern_end ? (unsigned char)item[1] : 0;

    *known = true;
    if (kind == 'b') {
        *at = item + 4;
        return balanced(p, s, item);
    }
    if (kind == 'f') {
        if (item + 2 >= p->pattern_end || item[2] != '[')
            return mistake(p, "missing '[' after '%f' in pattern");
        end = class_end(p, item + 2);
        *at = end;
        return end != NULL && at_frontier(p, s, item + 2, end) ? s : NULL;
    }
    if (isdigit(kind)) {
        *at = item + 2;
        return repeat_capture(p, s, kind);
    }
    *known = false;
    return s;
}

/* The rest of the pattern from an item with a suffix. *go_on: the item took its part, and matching
 * goes on behind it. */
static const char *repeated(struct pattern *p, const char *s, const char *at, const char *end,
                            bool *go_on)
{
    const char *rest;

    *go_on = false;
    switch (end < p->pattern_end ? *end : '\0') {
    case '?':
        if (one_fits(p, s, at, end)) {
            rest = match(p, s + 1, end + 1);
            if (rest != NULL || stopped(p))
                return rest;
        }
        *go_on = true;
        return s;
    case '+':
        return one_fits(p, s, at, end) ? longest(p, s + 1, at, end) : NULL;
    case '*':
        return longest(p, s, at, end);
    case '-':
        return shortest(p, s, at, end);
    default:
        *go_on = one_fits(p, s, at, end);
        return *go_on ? s + 1 : NULL;
    }
}

static bool is_repeated(const struct pattern *p, const char *end)
{
    return end < p->pattern_end && *end == '?';
}

static const char *match_items(struct pattern *p, const char *s, const char *at)
{
    const char *end;
    bool known, go_on;

    while (at < p->pattern_end) {
        if (!spend(p, 1))
            return NULL;
        if (*at == '(')
            return at + 1 < p->pattern_end && at[1] == ')'
                       ? open_capture(p, s, at + 2, PATTERN_POSITION)
                       : open_capture(p, s, at + 1, PATTERN_OPEN);
        if (*at == ')')
            return close_capture(p, s, at + 1);
        if (*at == '$' && at + 1 == p->pattern_end)
            return s == p->text_end ? s : NULL;
        if (*at == '%') {
            s = special(p, s, &at, &known);
            if (s == NULL)
                return NULL;
            if (known)
                continue;
        }
        end = class_end(p, at);
        if (end == NULL || !spend(p, (uint64_t)(end - at) / 8))
            return NULL;
        s = repeated(p, s, at, end, &go_on);
        if (!go_on)
            return s;
        at = end + is_repeated(p, end);
    }
    return s;
}

static const char *match(struct pattern *p, const char *s, const char *at)
{
    const char *end;

    if (p->depth == PATTERN_DEPTH)
        return mistake(p, "pattern too complex");
    p->depth++;
    end = match_items(p, s, at);
    p->depth--;
    return stopped(p) ? NULL : end;
}

const char *pattern_match(struct pattern *p, const char *at, const char *pattern)
{
    p->captures = 0;
    return match(p, at, pattern);
}

const char *pattern_search(struct pattern *p, const char *at, const char *pattern, bool anchored,
                           const char **end)
{
    do {
        *end = pattern_match(p, at, pattern);
        if (*end != NULL)
            return at;
        if (!spend(p, 1))
            return NULL;
    } while (!anchored && !stopped(p) && at++ < p->text_end);
    return NULL;
}
