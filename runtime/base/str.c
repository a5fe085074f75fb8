#include "base/str.h"

#include "base/mem.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_init(struct str *s, size_t max)
{
    *s = STR_INIT(max);
}

void str_free(struct str *s)
{
    mem_free(s->data);
    *s = STR_INIT(s->max);
}

void str_reset(struct str *s)
{
    s->len = 0;
    s->failed = false;
    if (s->data != NULL)
        s->data[0] = '\0';
}

/* Makes room for `n` more bytes and the NUL. */
static bool reserve(struct str *s, size_t n)
{
    size_t cap = s->cap;
    char *data;

    if (s->failed)
        return false;
    if (n > s->max - s->len) {
        s->failed = true;
        return false;
    }
    if (s->len + n < cap)
        return true;
    if (cap < 32)
        cap = 32;
    while (cap <= s->len + n)
        cap *= 2;
    if (cap > s->max + 1)
        cap = s->max + 1;
    data = mem_realloc(s->data, cap);
    if (data == NULL) {
        s->failed = true;
        return false;
    }
    s->data = data;
    s->cap = cap;
    return true;
}

void str_addn(struct str *s, const void *bytes, size_t n)
{
    if (!reserve(s, n))
        return;
    if (n > 0)
        memcpy(s->data + s->len, bytes, n);
    s->len += n;
    s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
    str_addn(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    if (!reserve(s, 0))
        return;
    va_copy(again, ap);
    n = vsnprintf(s->data + s->len, s->cap - s->len, fmt, ap);
    if (n >= 0 && (size_t)n >= s->cap - s->len) {
        s->data[s->len] = '\0';
        if (reserve(s, (size_t)n))
            n = vsnprintf(s->data + s->len, s->cap - s->len, fmt, again);
    }
    va_end(again);
    if (n < 0)
        s->failed = true;
    if (!s->failed)
        s->len += (size_t)n;
}

void str_addf(struct str *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    str_vaddf(s, fmt, ap);
    va_end(ap);
}

const char *str_text(const struct str *s)
{
    return s->data == NULL ? "" : s->data;
}

char *str_take(struct str *s)
{
    char *data;

    str_addn(s, "", 0); /* an empty string is handed out as one */
    if (s->failed)
        str_free(s);
    data = s->data;
    *s = STR_INIT(s->max);
    return data;
}

void str_add_xml(struct str *s, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '&')
            str_add(s, "&amp;");
        else if (c == '<')
            str_add(s, "&lt;");
        else if (c == '>')
            str_add(s, "&gt;");
        else if (c == '"')
            str_add(s, "&quot;");
        else if (c == '\'')
            str_add(s, "&apos;");
        else if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r')
            str_addc(s, (char)c);
    }
}

void str_add_lua(struct str *s, const char *text)
{
    str_addn_lua(s, text, strlen(text));
}

void str_addn_lua(struct str *s, const char *text, size_t len)
{
    str_addc(s, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            str_addf(s, "\\%c", c);
        else if (c < 0x20)
            str_addf(s, "\\%03d", c);
        else
            str_addc(s, (char)c);
    }
    str_addc(s, '"');
}

void str_add_form(struct str *s, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '-' || c == '.' || c == '_' || c == '*')
            str_addc(s, (char)c);
        else if (c == ' ')
            str_addc(s, '+');
        else
            str_addf(s, "%%%02X", c);
    }
}

bool str_copy(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);
    bool fits = len < size;

    if (size == 0)
        return false;
    if (!fits)
        len = size - 1;
    memcpy(dst, src, len);
    dst[len] = '\0';
    return fits;
}

bool str_to_long(const char *s, long min, long max, long *out)
{
    const char *digits = *s == '-' ? s + 1 : s;
    char *end;
    long n;

    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    n = strtol(s, &end, 10);
    if (errno != 0 || *end != '\0' || n < min || n > max)
        return false;
    *out = n;
    return true;
}

enum { WORD_MAX = 64 };

static unsigned swap_cost(char a, char b)
{
    if (a == b)
        return 0;
    return tolower((unsigned char)a) == tolower((unsigned char)b) ? 1 : 2;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein's, with two neighbours exchanged counting as one letter. */
unsigned str_distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2], *spare;
    size_t la = strlen(a), lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return 2 * (unsigned)(la > lb ? la : lb);
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= lb; j++)
        above[j] = 2 * (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = 2 * (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            row[j] = above[j - 1] + swap_cost(a[i - 1], b[j - 1]);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 2);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 2);
        }
        spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[lb];
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *str_trim(const char *s, size_t *len)
{
    size_t n;

    while (is_blank(*s))
        s++;
    n = strlen(s);
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    *len = n;
    return s;
}
