#include "flow/quote.h"

#include <stdbool.h>
#include <string.h>

enum { QUOTE_MAX = 40 };

/* Bytes of the UTF-8 character at `s`, 0 when there is none. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    size_t len = *s < 0x80                 ? 1
                 : *s >= 0xc2 && *s < 0xe0 ? 2
                 : *s >= 0xe0 && *s < 0xf0 ? 3
                 : *s >= 0xf0 && *s < 0xf5 ? 4
                                           : 0;

    if (len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* C1 controls are two bytes, c2 80 to c2 9f */
    return len == 2 && s[0] == 0xc2 && s[1] < 0xa0 ? 0 : len;
}

const char *quote(char out[QUOTE_SIZE], const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t used = 0, at = 0, len;

    while (at < n) {
        len = utf8_length(p + at, n - at);
        if (used + (len == 0 ? 1 : len) > QUOTE_MAX)
            break;
        if (len == 0 || p[at] < 0x20 || p[at] == 0x7f) {
            out[used++] = p[at] == '\n' || p[at] == '\t' || p[at] == '\r' ? ' ' : '?';
            at++;
            continue;
        }
        memcpy(out + used, p + at, len);
        used += len;
        at += len;
    }
    strcpy(out + used, at < n ? "…" : "");
    return out;
}
