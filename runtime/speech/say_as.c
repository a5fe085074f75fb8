#include "speech/say_as.h"
#include "base/utf8.h"
#include "speech/numbers.h"
#include <ctype.h>
#include <string.h>

#define DIGITS "0123456789"

/* Text of one number: sign, digits without the commas between, digits after the point. */
struct number {
    bool minus;
    char whole[NUMBER_MAX_DIGITS + 1];
    const char *fraction; /* into the text */
    size_t fraction_len;
    const char *end; /* what follows */
};

static bool read_number(struct number *n, const char *text)
{
    size_t len = 0;

    *n = (struct number){.minus = *text == '-'};
    text += *text == '-' || *text == '+';
    for (; isdigit((unsigned char)*text) ||
           (*text == ',' && len > 0 && isdigit((unsigned char)text[1]));
         text++) {
        if (*text == ',')
            continue;
        if (len == NUMBER_MAX_DIGITS)
            return false;
        n->whole[len++] = *text;
    }
    if (*text == '.' && isdigit((unsigned char)text[1])) {
        n->fraction = text + 1;
        n->fraction_len = strspn(text + 1, DIGITS);
        text += 1 + n->fraction_len;
    }
    n->end = text;
    return len > 0 || n->fraction_len > 0;
}

static uint64_t whole_of(const struct number *n)
{
    uint64_t value = 0;

    for (const char *p = n->whole; *p != '\0'; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    return value;
}

static bool say_cardinal(struct str *out, const char *text)
{
    struct number n;

    if (!read_number(&n, text) || *n.end != '\0')
        return false;
    str_add(out, n.minus ? "minus " : "");
    number_cardinal(out, whole_of(&n));
    if (n.fraction != NULL) {
        str_add(out, " point ");
        number_digits(out, n.fraction, n.fraction_len);
    }
    return true;
}

/* "3", "3rd". */
static bool say_ordinal(struct str *out, const char *text)
{
    static const char *const ends[] = {"", "st", "nd", "rd", "th"};
    struct number n;

    if (!read_number(&n, text) || n.minus || n.fraction != NULL)
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (strcasecmp(n.end, ends[i]) == 0) {
            number_ordinal(out, whole_of(&n));
            return true;
        }
    }
    return false;
}

/* "3/4", "2 1/2", "2+1/2". */
static bool say_fraction(struct str *out, const char *text)
{
    struct number whole = {0}, top, bottom;
    bool mixed = false;

    if (!read_number(&top, text) || top.fraction != NULL)
        return false;
    if (*top.end == ' ' || *top.end == '+') {
        whole = top;
        mixed = true;
        if (!read_number(&top, whole.end + 1) || top.minus || top.fraction != NULL)
            return false;
    }
    if (*top.end != '/' || !read_number(&bottom, top.end + 1) || *bottom.end != '\0' ||
        bottom.minus || bottom.fraction != NULL || whole_of(&bottom) < 2)
        return false;
    if (top.minus || whole.minus)
        str_add(out, "minus ");
    if (mixed) {
        number_cardinal(out, whole_of(&whole));
        str_add(out, " and ");
    }
    if (mixed && whole_of(&top) == 1)
        str_add(out, whole_of(&bottom) == 8 ? "an" : "a");
    else
        number_cardinal(out, whole_of(&top));
    str_addc(out, ' ');
    number_denominator(out, whole_of(&bottom), whole_of(&top) != 1);
    return true;
}

/* --- spelling --- */

/* Signs that engines pass over in silence, but not somebody who spells. */
static const char *sign_name(uint32_t c)
{
    static const struct {
        char sign;
        const char *name;
    } names[] = {{'-', "dash"},
                 {'_', "underscore"},
                 {'.', "dot"},
                 {',', "comma"},
                 {'/', "slash"},
                 {'\\', "backslash"},
                 {'@', "at"},
                 {'#', "hash"},
                 {'*', "star"},
                 {'+', "plus"},
                 {'=', "equals"},
                 {'&', "and"},
                 {'%', "per cent"},
                 {'$', "dollar"},
                 {'!', "exclamation mark"},
                 {'?', "question mark"},
                 {':', "colon"},
                 {';', "semicolon"},
                 {'(', "open bracket"},
                 {')', "close bracket"},
                 {'\'', "apostrophe"},
                 {'"', "quote"},
                 {'<', "less than"},
                 {'>', "greater than"}};

    for (size_t i = 0; c < 0x80 && i < sizeof names / sizeof *names; i++) {
        if ((uint32_t)(unsigned char)names[i].sign == c)
            return names[i].name;
    }
    return NULL;
}

static void add_spelled(struct str *out, uint32_t c, bool english)
{
    char bytes[UTF8_MAX];
    const char *name = english ? sign_name(c) : NULL;

    if (name != NULL) {
        str_add(out, name);
    } else {
        /* Capitals are letters; a small 'a' alone would be an article. */
        if (c < 0x80)
            c = (uint32_t)toupper((int)c);
        str_addn(out, bytes, utf8_write(bytes, c));
    }
}

static void spell(struct str *out, const char *text, bool english)
{
    bool first = true;

    while (*text != '\0') {
        uint32_t c = utf8_read(&text);

        if (!utf8_is_speakable(c))
            continue;
        str_add(out, first ? "" : " ");
        add_spelled(out, c, english);
        first = false;
    }
}

/* Digits one by one; groups parted in the text are parted by a pause, as people say numbers. */
static void say_digits(struct str *out, const char *text, bool english)
{
    bool first = true, gap = false;

    for (; *text != '\0'; text++) {
        if (!isdigit((unsigned char)*text)) {
            gap = true;
            continue;
        }
        if (!first)
            str_add(out, gap ? ", " : " ");
        if (english)
            number_digits(out, text, 1);
        else
            str_addc(out, *text);
        first = gap = false;
    }
}

static void say_telephone(struct str *out, const char *text, bool english)
{
    size_t number = strcspn(text, "xX");
    char main_part[64];

    if (english && number > 1 && text[number] != '\0' && number < sizeof main_part) {
        memcpy(main_part, text, number);
        main_part[number] = '\0';
        say_telephone(out, main_part, english);
        str_add(out, ", extension ");
        say_digits(out, text + number + 1, english);
        return;
    }
    if (*text == '+')
        str_add(out, english ? "plus " : "+ ");
    say_digits(out, text, english);
}

static bool say_english(struct str *out, const char *text, const char *as, const char *format)
{
    if (strcmp(as, "cardinal") == 0 || strcmp(as, "number") == 0)
        return say_cardinal(out, text) || say_fraction(out, text);
    if (strcmp(as, "ordinal") == 0)
        return say_ordinal(out, text);
    if (strcmp(as, "fraction") == 0)
        return say_fraction(out, text);
    if (strcmp(as, "unit") == 0)
        return say_unit(out, text);
    if (strcmp(as, "date") == 0)
        return say_date(out, text, format);
    if (strcmp(as, "time") == 0)
        return say_time(out, text);
    if (strcmp(as, "address") != 0)
        return false;
    say_address(out, text);
    return true;
}

void say_as(struct str *out, const char *text, const char *as, const char *format, bool english)
{
    struct str trimmed = STR_INIT(64 * 1024);
    size_t len;
    const char *start = str_trim(text, &len);

    str_addn(&trimmed, start, len);
    text = str_text(&trimmed);
    out->failed |= trimmed.failed;
    if (strcmp(as, "characters") == 0 || strcmp(as, "spell-out") == 0)
        spell(out, text, english);
    else if (strcmp(as, "digits") == 0 && strcspn(text, DIGITS) < strlen(text))
        say_digits(out, text, english);
    else if (strcmp(as, "telephone") == 0 && strcspn(text, DIGITS) < strlen(text))
        say_telephone(out, text, english);
    else if (strcmp(as, "expletive") == 0)
        str_add(out, *text != '\0' ? "beep" : "");
    else if (!english || !say_english(out, text, as, format))
        str_add(out, text);
    str_free(&trimmed);
}
