/* Dates and times in English words. */
#include "speech/numbers.h"
#include "speech/say_as.h"
#include <ctype.h>
#include <string.h>

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

enum { UNKNOWN = -1 };

struct date {
    int day, month, year;
};

/* Whole numbers of one to four digits ("??" is unknown), parted by one of " ./-". */
static size_t read_parts(const char *text, int parts[3], size_t widths[3])
{
    size_t n = 0;

    while (n < 3) {
        size_t digits = strspn(text, "0123456789"), marks = strspn(text, "?");

        if (digits > 4 || marks > 4 || digits + marks == 0)
            return 0;
        parts[n] = digits > 0 ? 0 : UNKNOWN;
        for (size_t i = 0; i < digits; i++)
            parts[n] = parts[n] * 10 + (text[i] - '0');
        widths[n++] = digits + marks;
        text += digits + marks;
        if (*text == '\0')
            return n;
        if (strchr("./- ", *text) == NULL)
            return 0;
        text++;
    }
    return 0;
}

/* "20241225": the Y's, M's and D's of `pattern` say what each digit belongs to. */
static bool read_packed(struct date *d, const char *text, const char *pattern)
{
    if (strlen(text) != strlen(pattern) || strspn(text, "0123456789?") != strlen(text))
        return false;
    for (; *text != '\0'; text++, pattern++) {
        int *field = *pattern == 'y' ? &d->year : *pattern == 'm' ? &d->month : &d->day;

        if (*text == '?')
            *field = UNKNOWN;
        else if (*field != UNKNOWN)
            *field = *field * 10 + (*text - '0');
    }
    return true;
}

static int full_year(int year, size_t width)
{
    if (year < 0 || width > 2)
        return year;
    return year + (year < 70 ? 2000 : 1900);
}

static bool read_formatted(struct date *d, const char *text, const char *format)
{
    int parts[3];
    size_t widths[3], n = read_parts(text, parts, widths);

    *d = (struct date){UNKNOWN, UNKNOWN, UNKNOWN};
    if (n == 0 || n != strlen(format))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (format[i] == 'y')
            d->year = full_year(parts[i], widths[i]);
        else if (format[i] == 'm')
            d->month = parts[i];
        else
            d->day = parts[i];
    }
    return true;
}

static bool is_sound(const struct date *d)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (d->month != UNKNOWN && (d->month < 1 || d->month > 12))
        return false;
    if (d->day != UNKNOWN &&
        (d->day < 1 || d->day > (d->month == UNKNOWN ? 31 : days[d->month - 1])))
        return false;
    return d->day != UNKNOWN || d->month != UNKNOWN || d->year != UNKNOWN;
}

static bool read_date(struct date *d, const char *text, const char *format)
{
    *d = (struct date){0, 0, 0};
    if (format != NULL && strcmp(format, "yyyymmdd") == 0)
        return read_packed(d, text, "yyyymmdd") || read_formatted(d, text, "ymd");
    if (format != NULL)
        return read_formatted(d, text, format);
    if (read_packed(d, text, "yyyymmdd"))
        return true;
    /* Unsaid: what begins with four digits is a year, else as Americans write. */
    if (strcspn(text, "./- ") == 4)
        return read_formatted(d, text, "ymd") || read_formatted(d, text, "ym");
    return read_formatted(d, text, "mdy") || read_formatted(d, text, "md");
}

bool say_date(struct str *out, const char *text, const char *format)
{
    const char *before = "";
    struct date d;

    if (!read_date(&d, text, format) || !is_sound(&d))
        return false;
    if (d.month != UNKNOWN) {
        str_add(out, months[d.month - 1]);
        before = " ";
    }
    if (d.day != UNKNOWN) {
        /* A day alone: "the fifth". */
        str_add(out, d.month == UNKNOWN ? "the " : " ");
        number_ordinal(out, (uint64_t)d.day);
        before = ", ";
    }
    if (d.year != UNKNOWN) {
        str_add(out, before);
        number_year(out, (unsigned)d.year);
    }
    return true;
}

/* --- times --- */

/* 1'21" is a duration. */
static bool say_duration(struct str *out, const char *text)
{
    int minutes = 0, seconds = 0;
    size_t n = strspn(text, "0123456789"), s;

    if (n == 0 || n > 3 || text[n] != '\'')
        return false;
    for (size_t i = 0; i < n; i++)
        minutes = minutes * 10 + (text[i] - '0');
    text += n + 1;
    s = strspn(text, "0123456789");
    if (s > 2 || (s > 0 ? strcmp(text + s, "\"") != 0 : *text != '\0'))
        return false;
    for (size_t i = 0; i < s; i++)
        seconds = seconds * 10 + (text[i] - '0');
    number_cardinal(out, (uint64_t)minutes);
    str_add(out, minutes == 1 ? " minute" : " minutes");
    if (s > 0) {
        str_addc(out, ' ');
        number_cardinal(out, (uint64_t)seconds);
        str_add(out, seconds == 1 ? " second" : " seconds");
    }
    return true;
}

/* " am", "PM", "p.m.": 'a', 'p', 0 for nothing there, '?' for something else. */
static char read_half(const char *text)
{
    char c;

    text += strspn(text, " ");
    if (*text == '\0')
        return 0;
    c = (char)tolower((unsigned char)*text++);
    text += *text == '.';
    if ((c != 'a' && c != 'p') || tolower((unsigned char)*text++) != 'm')
        return '?';
    text += *text == '.';
    return *text == '\0' ? c : '?';
}

struct clock {
    int part[3]; /* hour, minute, second; -1 when absent */
    char half;   /* 'a', 'p' or 0 */
};

static bool read_clock(struct clock *c, const char *text)
{
    *c = (struct clock){{-1, -1, -1}, 0};
    for (int i = 0; i < 3; i++) {
        size_t n = strspn(text, "0123456789");

        if (n == 0 || n > 2 || (i > 0 && n != 2))
            return false;
        c->part[i] = n == 2 ? (text[0] - '0') * 10 + text[1] - '0' : text[0] - '0';
        text += n;
        if (*text != ':')
            break;
        text++;
    }
    c->half = read_half(text);
    if (c->half == '?' || (c->part[1] < 0 && c->half == 0))
        return false;
    if (c->half != 0 && (c->part[0] < 1 || c->part[0] > 12))
        return false;
    return c->part[0] <= 24 && c->part[1] < 60 && c->part[2] < 60;
}

bool say_time(struct str *out, const char *text)
{
    struct clock c;

    if (say_duration(out, text))
        return true;
    if (!read_clock(&c, text))
        return false;
    number_cardinal(out, (uint64_t)c.part[0]);
    if (c.part[1] > 0) {
        str_add(out, c.part[1] < 10 ? " oh " : " ");
        number_cardinal(out, (uint64_t)c.part[1]);
    } else if (c.half == 0) {
        str_add(out, c.part[0] == 0 || c.part[0] > 12 ? " hundred" : " o'clock");
    }
    if (c.part[2] >= 0) {
        str_add(out, " and ");
        number_cardinal(out, (uint64_t)c.part[2]);
        str_add(out, c.part[2] == 1 ? " second" : " seconds");
    }
    if (c.half != 0)
        str_add(out, c.half == 'a' ? " A M" : " P M");
    return true;
}
