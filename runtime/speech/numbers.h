/* Numbers as English words. Everything is appended to `out`, without spaces around it. */
#ifndef ALMON_SPEECH_NUMBERS_H
#define ALMON_SPEECH_NUMBERS_H

#include "base/str.h"
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_MAX_DIGITS = 15 }; /* more are read one by one */

/* 1234 → "one thousand two hundred thirty-four". */
void number_cardinal(struct str *out, uint64_t n);
/* 23 → "twenty-third". */
void number_ordinal(struct str *out, uint64_t n);
/* 1905 → "nineteen oh five", 2024 → "twenty twenty-four", 2000 → "two thousand". */
void number_year(struct str *out, unsigned year);
/* "407" → "four zero seven"; `n` characters, others than digits are left out. */
void number_digits(struct str *out, const char *digits, size_t n);
/* "half", "third", "quarter", "fifth" … with an s when `many`. */
void number_denominator(struct str *out, uint64_t n, bool many);

#endif
