/* Measures ("5kg") and addresses ("12 Main St") in English words. */
#include "speech/numbers.h"
#include "speech/say_as.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *sign, *one, *many;
} units[] = {
    {"%", "per cent", "per cent"},
    {"$", "dollar", "dollars"},
    {"€", "euro", "euros"},
    {"£", "pound", "pounds"},
    {"°C", "degree Celsius", "degrees Celsius"},
    {"°F", "degree Fahrenheit", "degrees Fahrenheit"},
    {"°", "degree", "degrees"},
    {"mm", "millimeter", "millimeters"},
    {"cm", "centimeter", "centimeters"},
    {"m", "meter", "meters"},
    {"km", "kilometer", "kilometers"},
    {"in", "inch", "inches"},
    {"ft", "foot", "feet"},
    {"foot", "foot", "feet"},
    {"yd", "yard", "yards"},
    {"mi", "mile", "miles"},
    {"mg", "milligram", "milligrams"},
    {"g", "gram", "grams"},
    {"kg", "kilogram", "kilograms"},
    {"t", "ton", "tons"},
    {"oz", "ounce", "ounces"},
    {"lb", "pound", "pounds"},
    {"lbs", "pound", "pounds"},
    {"ml", "milliliter", "milliliters"},
    {"l", "liter", "liters"},
    {"L", "liter", "liters"},
    {"gal", "gallon", "gallons"},
    {"pt", "pint", "pints"},
    {"m2", "square meter", "square meters"},
    {"m²", "square meter", "square meters"},
    {"m3", "cubic meter", "cubic meters"},
    {"m³", "cubic meter", "cubic meters"},
    {"ms", "millisecond", "milliseconds"},
    {"s", "second", "seconds"},
    {"sec", "second", "seconds"},
    {"min", "minute", "minutes"},
    {"h", "hour", "hours"},
    {"hr", "hour", "hours"},
    {"hrs", "hour", "hours"},
    {"km/h", "kilometer an hour", "kilometers an hour"},
    {"kph", "kilometer an hour", "kilometers an hour"},
    {"mph", "mile an hour", "miles an hour"},
    {"m/s", "meter a second", "meters a second"},
    {"W", "watt", "watts"},
    {"kW", "kilowatt", "kilowatts"},
    {"kWh", "kilowatt hour", "kilowatt hours"},
    {"V", "volt", "volts"},
    {"A", "amp", "amps"},
    {"Hz", "hertz", "hertz"},
    {"kHz", "kilohertz", "kilohertz"},
    {"MHz", "megahertz", "megahertz"},
    {"GHz", "gigahertz", "gigahertz"},
    {"KB", "kilobyte", "kilobytes"},
    {"kB", "kilobyte", "kilobytes"},
    {"MB", "megabyte", "megabytes"},
    {"GB", "gigabyte", "gigabytes"},
    {"TB", "terabyte", "terabytes"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

bool say_unit(struct str *out, const char *text)
{
    size_t sign = *text == '-', digits = sign + strspn(text + sign, "0123456789,"), end = digits;
    const char *name;
    bool one;

    if (text[digits] == '.' && isdigit((unsigned char)text[digits + 1]))
        end += 1 + strspn(text + digits + 1, "0123456789");
    name = text + end + strspn(text + end, " ");
    if (digits == sign || digits - sign > NUMBER_MAX_DIGITS)
        return false;
    one = end == digits && digits - sign == 1 && text[sign] == '1';
    for (size_t i = 0; i < COUNT(units); i++) {
        char number[64];

        if (strcmp(units[i].sign, name) != 0 || end >= sizeof number)
            continue;
        memcpy(number, text, end);
        number[end] = '\0';
        say_as(out, number, "cardinal", NULL, true);
        str_addf(out, " %s", one ? units[i].one : units[i].many);
        return true;
    }
    return false;
}

/* --- addresses --- */

static const struct {
    const char *brief, *full;
} streets[] = {
    {"st", "Street"},    {"ave", "Avenue"},    {"av", "Avenue"},     {"blvd", "Boulevard"},
    {"rd", "Road"},      {"dr", "Drive"},      {"ln", "Lane"},       {"ct", "Court"},
    {"pl", "Place"},     {"sq", "Square"},     {"hwy", "Highway"},   {"pkwy", "Parkway"},
    {"ter", "Terrace"},  {"cir", "Circle"},    {"apt", "Apartment"}, {"ste", "Suite"},
    {"fl", "Floor"},     {"bldg", "Building"}, {"mt", "Mount"},      {"ft", "Fort"},
    {"n", "North"},      {"s", "South"},       {"e", "East"},        {"w", "West"},
    {"ne", "Northeast"}, {"nw", "Northwest"},  {"se", "Southeast"},  {"sw", "Southwest"},
    {"po", "P O"},       {"#", "number"},
};

/* House numbers as people say them: 12 34, one oh five, four hundred; postal codes digit by digit.
 */
static void say_house(struct str *out, const char *digits, size_t n)
{
    unsigned long value = n <= 4 ? strtoul(digits, NULL, 10) : 0;

    if (n > 4 || digits[0] == '0') {
        number_digits(out, digits, n);
    } else if (n == 4) {
        number_year(out, (unsigned)value);
    } else if (n == 3 && value % 100 != 0) {
        number_cardinal(out, value / 100);
        str_add(out, value % 100 < 10 ? " oh " : " ");
        number_cardinal(out, value % 100);
    } else {
        number_cardinal(out, value);
    }
}

static void say_street_word(struct str *out, const char *word, size_t n)
{
    for (size_t i = 0; i < COUNT(streets); i++) {
        if (strlen(streets[i].brief) == n && strncasecmp(streets[i].brief, word, n) == 0) {
            str_add(out, streets[i].full);
            return;
        }
    }
    str_addn(out, word, n);
}

void say_address(struct str *out, const char *text)
{
    while (*text != '\0') {
        size_t n = strspn(text, "0123456789");

        if (n > 0 && !isalpha((unsigned char)text[n])) {
            say_house(out, text, n);
        } else if ((n = strcspn(text, " ,.;\t\r\n")) > 0) {
            say_street_word(out, text, n);
            text += text[n] == '.'; /* the dot of an abbreviation ends no sentence */
        } else {
            n = 1;
            str_addc(out, *text);
        }
        text += n;
    }
}
