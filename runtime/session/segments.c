#include "session/segments.h"
#include "base/utf8.h"
#include <stddef.h>
#include <stdint.h>

/* The basic set besides A-Z, a-z and 0-9. */
static const uint32_t basic[] = {
    '@',   0xA3, '$',  0xA5,  0xE8, 0xE9,  0xF9,  0xEC,  0xF2,  0xC7,  '\n',  0xD8,  0xF8,
    '\r',  0xC5, 0xE5, 0x394, '_',  0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8, 0x3A3, 0x398,
    0x39E, 0xC6, 0xE6, 0xDF,  0xC9, ' ',   '!',   '"',   '#',   0xA4,  '%',   '&',   '\'',
    '(',   ')',  '*',  '+',   ',',  '-',   '.',   '/',   ':',   ';',   '<',   '=',   '>',
    '?',   0xA1, 0xC4, 0xD6,  0xD1, 0xDC,  0xA7,  0xBF,  0xE4,  0xF6,  0xF1,  0xFC,  0xE0,
};
/* The extension table: each takes an escape before it. */
static const uint32_t extended[] = {'^', '{', '}', '\\', '[', ']', '~', '|', 0x20AC, '\f'};

static bool holds(const uint32_t *set, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (set[i] == c)
            return true;
    return false;
}

/* Septets of one character; 0: it is not of the alphabet. */
static int septets(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
        holds(basic, sizeof basic / sizeof *basic, c))
        return 1;
    return holds(extended, sizeof extended / sizeof *extended, c) ? 2 : 0;
}

static int utf16_units(uint32_t c)
{
    return c > 0xFFFF ? 2 : 1;
}

static bool is_gsm(const char *text)
{
    while (*text != '\0')
        if (septets(utf8_read(&text)) == 0)
            return false;
    return true;
}

struct segments segments_of(const char *text)
{
    struct segments s = {.count = 1, .gsm = is_gsm(text)};
    int whole = s.gsm ? 160 : 70, part = s.gsm ? 153 : 67, room = part;

    while (*text != '\0') {
        uint32_t c = utf8_read(&text);
        int n = s.gsm ? septets(c) : utf16_units(c);

        s.characters++;
        s.units += n;
        if (n > room) { /* what takes two is not split */
            s.count++;
            room = part;
        }
        room -= n;
    }
    if (s.units <= whole)
        s.count = 1;
    return s;
}
