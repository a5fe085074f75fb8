/* A growing string that is born with a maximum. Appending never fails in the middle: it sets
 * `failed`, further appends do nothing, and the owner asks once at the end. */
#ifndef ALMON_BASE_STR_H
#define ALMON_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
    char *data; /* NUL-terminated once anything was appended; NULL before */
    size_t len; /* bytes, without the NUL */
    size_t cap;
    size_t max;  /* most bytes that `len` may reach */
    bool failed; /* out of memory, or `max` would be passed */
};

/* Ready-to-use value; nothing is allocated yet. */
#define STR_INIT(maximum)                                                                          \
    (struct str)                                                                                   \
    {                                                                                              \
        .max = (maximum)                                                                           \
    }

void str_init(struct str *s, size_t max);
/* Frees the bytes; the string is empty and usable again with the same maximum. */
void str_free(struct str *s);
/* Empties, keeps the memory, clears `failed`. */
void str_reset(struct str *s);
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const void *bytes, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *fmt, va_list ap);
/* The text, never NULL. */
const char *str_text(const struct str *s);
/* Hands the bytes to the caller (mem_free) and empties the string; NULL when it failed or is empty
 * and memory is out. */
char *str_take(struct str *s);

/* Appends with XML's five special characters escaped, and control characters that XML forbids
 * dropped. */
void str_add_xml(struct str *s, const char *text);
/* Appends as application/x-www-form-urlencoded: space as '+', all but [A-Za-z0-9-._*] as %XX. */
void str_add_form(struct str *s, const char *text);

/* Appends as a Lua string in double quotes, on one line whatever the bytes. */
void str_add_lua(struct str *s, const char *text);
void str_addn_lua(struct str *s, const char *text, size_t len);

/* Copies into a field of fixed size, always NUL-terminated; true when all of it fitted. */
bool str_copy(char *dst, size_t size, const char *src);
/* Whole-string parse of a decimal integer within [min, max]; false otherwise. No leading space. */
bool str_to_long(const char *s, long min, long max, long *out);
/* Edit distance of two short words, in half letters, for "did you mean": a letter more, less,
 * other, or exchanged with its neighbour counts 2, other case 1. */
unsigned str_distance(const char *a, const char *b);
/* Trims ASCII white space at both ends: returns the start in `s`, its length in *len. */
const char *str_trim(const char *s, size_t *len);

#endif
