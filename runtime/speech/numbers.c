#include "speech/numbers.h"
#include <string.h>

static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                    "five",    "six",     "seven",     "eight",    "nine",
                                    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const small_ordinals[] = {
    "zeroth",     "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const tens_ordinals[] = {"",          "",         "twentieth", "thirtieth",
                                            "fortieth",  "fiftieth", "sixtieth",  "seventieth",
                                            "eightieth", "ninetieth"};
static const struct {
    uint64_t value;
    const char *name;
} powers[] = {{1000000000000, "trillion"},
              {1000000000, "billion"},
              {1000000, "million"},
              {1000, "thousand"},
              {100, "hundred"}};

/* `last` words are ordinal: only the last one of a number ever is. */
static void below_hundred(struct str *out, unsigned n, bool ordinal)
{
    if (n < 20) {
        str_add(out, ordinal ? small_ordinals[n] : small[n]);
    } else if (n % 10 == 0) {
        str_add(out, ordinal ? tens_ordinals[n / 10] : tens[n / 10]);
    } else {
        str_addf(out, "%s-%s", tens[n / 10], ordinal ? small_ordinals[n % 10] : small[n % 10]);
    }
}

static void number_words(struct str *out, uint64_t n, bool ordinal)
{
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
        if (n < powers[i].value)
            continue;
        number_words(out, n / powers[i].value, false);
        n %= powers[i].value;
        str_addf(out, " %s%s", powers[i].name, n == 0 && ordinal ? "th" : "");
        if (n == 0)
            return;
        str_addc(out, ' ');
    }
    below_hundred(out, (unsigned)n, ordinal);
}

void number_cardinal(struct str *out, uint64_t n)
{
    number_words(out, n, false);
}

void number_ordinal(struct str *out, uint64_t n)
{
    number_words(out, n, true);
}

void number_year(struct str *out, unsigned year)
{
    unsigned high = year / 100, low = year % 100;

    if (year < 1000 || year > 9999 || (high % 10 == 0 && low < 10)) {
        number_cardinal(out, year);
        return;
    }
    below_hundred(out, high, false);
    if (low == 0) {
        str_add(out, " hundred");
        return;
    }
    str_add(out, low < 10 ? " oh " : " ");
    below_hundred(out, low, false);
}

void number_digits(struct str *out, const char *digits, size_t n)
{
    bool first = true;

    for (size_t i = 0; i < n; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            continue;
        str_addf(out, "%s%s", first ? "" : " ", small[digits[i] - '0']);
        first = false;
    }
}

void number_denominator(struct str *out, uint64_t n, bool many)
{
    if (n == 2)
        str_add(out, many ? "halves" : "half");
    else if (n == 4)
        str_add(out, many ? "quarters" : "quarter");
    else {
        number_ordinal(out, n);
        str_add(out, many ? "s" : "");
    }
}
