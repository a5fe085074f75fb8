#include "base/utf8.h"

static size_t length_of(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead < 0xe0)
        return 2;
    if (lead >= 0xe0 && lead < 0xf0)
        return 3;
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

uint32_t utf8_read(const char **p)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)*p;
    size_t n = length_of(*s);
    uint32_t c;

    if (n == 1) {
        ++*p;
        return *s;
    }
    c = n == 0 ? 0 : *s & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            n = 0;
            break;
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (n == 0 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        ++*p;
        return UTF8_INVALID;
    }
    *p += n;
    return c;
}

size_t utf8_write(char *out, uint32_t c)
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

bool utf8_is_speakable(uint32_t c)
{
    if (c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == UTF8_INVALID)
        return false;
    if (c >= 0x2000 && c <= 0x200b) /* spaces of all widths */
        return false;
    if (c >= 0x2028 && c <= 0x202f) /* line ends, directions */
        return false;
    if ((c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000) /* private; the engine uses some itself */
        return false;
    return (c & 0xfffe) != 0xfffe && c != 0xfeff && c != 0x3000 && !(c >= 0xfdd0 && c <= 0xfdef);
}

/* The sign for what is invalid may stand there itself: then it is three bytes. */
static bool is_invalid(uint32_t c, size_t bytes)
{
    return c == UTF8_INVALID && bytes == 1;
}

static bool is_control(uint32_t c)
{
    return c < ' ' || c == 0x7f;
}

bool utf8_is_line(const char *text)
{
    while (*text != '\0') {
        const char *before = text;
        uint32_t c = utf8_read(&text);

        if (is_invalid(c, (size_t)(text - before)) || is_control(c))
            return false;
    }
    return true;
}

/* Whether the text ends before the character that begins here does. */
static bool is_cut_off(const char *text)
{
    size_t want = length_of((unsigned char)*text), n = 1;

    while (((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    return n < want && text[n] == '\0';
}

void utf8_clean(char *text)
{
    while (*text != '\0') {
        const char *next = text;
        uint32_t c = utf8_read(&next);

        if (is_invalid(c, (size_t)(next - text)) && is_cut_off(text))
            *text = '\0';
        else if (is_invalid(c, (size_t)(next - text)) || (is_control(c) && c != '\t' && c != '\n'))
            *text++ = '?';
        else
            text += next - text;
    }
}
