/* Text from outside, one character at a time. */
#ifndef ALMON_BASE_UTF8_H
#define ALMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX     4
#define UTF8_INVALID 0xfffd

/* The character at *p (not at its NUL), and steps over it. Bytes that are no UTF-8 (overlong forms,
 * surrogates and what lies beyond Unicode included) give UTF8_INVALID, one at a time. */
uint32_t utf8_read(const char **p);
/* Writes up to UTF8_MAX bytes, returns how many. */
size_t utf8_write(char *out, uint32_t c);
/* Neither white space, control, private nor invalid. */
bool utf8_is_speakable(uint32_t c);

/* True for one line of text: all UTF-8, and no control character. */
bool utf8_is_line(const char *text);
/* Makes any bytes text that JSON and people can read, in place: what is no UTF-8, and control
 * characters other than tab and newline, become '?'; a character that was cut off at the end goes.
 */
void utf8_clean(char *text);

#endif
