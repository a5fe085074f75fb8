/* say-as: how numbers, dates, addresses and so on are read out. */
#include "base/str.h"
#include "speech/say_as.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

struct row {
    const char *as, *format, *text, *read;
};

static const struct row english[] = {
    {"cardinal", NULL, "0", "zero"},
    {"cardinal", NULL, "7", "seven"},
    {"cardinal", NULL, "13", "thirteen"},
    {"cardinal", NULL, "40", "forty"},
    {"cardinal", NULL, "99", "ninety-nine"},
    {"cardinal", NULL, "100", "one hundred"},
    {"cardinal", NULL, "1234", "one thousand two hundred thirty-four"},
    {"number", NULL, "1,234,567",
     "one million two hundred thirty-four thousand five hundred sixty-seven"},
    {"number", NULL, "-12", "minus twelve"},
    {"number", NULL, "3.14", "three point one four"},
    {"number", NULL, "0.05", "zero point zero five"},
    {"number", NULL, "1000000000000", "one trillion"},
    {"number", NULL, " 12 ", "twelve"},
    {"number", NULL, "12345678901234567890", "12345678901234567890"},
    {"number", NULL, "twelve", "twelve"},
    {"number", NULL, "1/2", "one half"},
    {"ordinal", NULL, "1", "first"},
    {"ordinal", NULL, "3rd", "third"},
    {"ordinal", NULL, "12", "twelfth"},
    {"ordinal", NULL, "20", "twentieth"},
    {"ordinal", NULL, "21", "twenty-first"},
    {"ordinal", NULL, "100", "one hundredth"},
    {"ordinal", NULL, "1001", "one thousand first"},
    {"ordinal", NULL, "-1", "-1"},
    {"characters", NULL, "abc", "A B C"},
    {"characters", NULL, "a1-b", "A 1 dash B"},
    {"spell-out", NULL, "Äh", "Ä H"},
    {"spell-out", NULL, "x@y.z", "X at Y dot Z"},
    {"digits", NULL, "4071", "four zero seven one"},
    {"digits", NULL, "40-71", "four zero, seven one"},
    {"digits", NULL, "none", "none"},
    {"telephone", NULL, "(415) 555-1212", "four one five, five five five, one two one two"},
    {"telephone", NULL, "+1 415 5551212",
     "plus one, four one five, five five five one two one two"},
    {"telephone", NULL, "555-1212 x34", "five five five, one two one two, extension three four"},
    {"fraction", NULL, "1/2", "one half"},
    {"fraction", NULL, "3/4", "three quarters"},
    {"fraction", NULL, "2/3", "two thirds"},
    {"fraction", NULL, "2 1/2", "two and a half"},
    {"fraction", NULL, "3+1/8", "three and an eighth"},
    {"fraction", NULL, "1/0", "1/0"},
    {"fraction", NULL, "-1/5", "minus one fifth"},
    {"unit", NULL, "5kg", "five kilograms"},
    {"unit", NULL, "1 mi", "one mile"},
    {"unit", NULL, "1.5m", "one point five meters"},
    {"unit", NULL, "65mph", "sixty-five miles an hour"},
    {"unit", NULL, "20°C", "twenty degrees Celsius"},
    {"unit", NULL, "30%", "thirty per cent"},
    {"unit", NULL, "5 parsecs", "5 parsecs"},
    {"date", "mdy", "12/25/2024", "December twenty-fifth, twenty twenty-four"},
    {"date", "mdy", "7-4-1776", "July fourth, seventeen seventy-six"},
    {"date", "dmy", "25.12.2024", "December twenty-fifth, twenty twenty-four"},
    {"date", "ymd", "2000/01/02", "January second, two thousand"},
    {"date", "ymd", "1905 3 1", "March first, nineteen oh five"},
    {"date", "mdy", "1/2/24", "January second, twenty twenty-four"},
    {"date", "mdy", "1/2/85", "January second, nineteen eighty-five"},
    {"date", "md", "2/29", "February twenty-ninth"},
    {"date", "dm", "31/10", "October thirty-first"},
    {"date", "ym", "2010-05", "May twenty ten"},
    {"date", "my", "05/1900", "May nineteen hundred"},
    {"date", "d", "5", "the fifth"},
    {"date", "m", "5", "May"},
    {"date", "y", "2005", "two thousand five"},
    {"date", "yyyymmdd", "20241225", "December twenty-fifth, twenty twenty-four"},
    {"date", "yyyymmdd", "????0922", "September twenty-second"},
    {"date", NULL, "2024-12-25", "December twenty-fifth, twenty twenty-four"},
    {"date", NULL, "12/25/2024", "December twenty-fifth, twenty twenty-four"},
    {"date", NULL, "20240102", "January second, twenty twenty-four"},
    {"date", "mdy", "13/1/2024", "13/1/2024"},
    {"date", "md", "2/30", "2/30"},
    {"date", "mdy", "tomorrow", "tomorrow"},
    {"time", NULL, "2:30pm", "two thirty P M"},
    {"time", NULL, "8:05 a.m.", "eight oh five A M"},
    {"time", NULL, "6 PM", "six P M"},
    {"time", NULL, "9:00", "nine o'clock"},
    {"time", NULL, "14:00", "fourteen hundred"},
    {"time", NULL, "14:30:15", "fourteen thirty and fifteen seconds"},
    {"time", NULL, "1'21\"", "one minute twenty-one seconds"},
    {"time", NULL, "5'", "five minutes"},
    {"time", NULL, "25:00", "25:00"},
    {"time", NULL, "13 pm", "13 pm"},
    {"address", NULL, "1234 Main St.", "twelve thirty-four Main Street"},
    {"address", NULL, "105 N Elm Ave, Apt 4", "one oh five North Elm Avenue, Apartment four"},
    {"address", NULL, "400 Oak Blvd 94103", "four hundred Oak Boulevard nine four one zero three"},
    {"expletive", NULL, "darn", "beep"},
    {"unheard-of", NULL, "as it is", "as it is"},
};

static const struct row others[] = {
    {"characters", NULL, "ab1", "A B 1"},
    {"digits", NULL, "407", "4 0 7"},
    {"telephone", NULL, "030 1234", "0 3 0, 1 2 3 4"},
    {"cardinal", NULL, "1234", "1234"},
    {"date", "dmy", "25.12.2024", "25.12.2024"},
    {"address", NULL, "Hauptstr. 5", "Hauptstr. 5"},
};

static bool read_all(const struct row *rows, size_t n, bool is_english)
{
    struct str out = STR_INIT(4096);
    bool good = true;

    for (size_t i = 0; i < n && !out.failed; i++) {
        str_reset(&out);
        say_as(&out, rows[i].text, rows[i].as, rows[i].format, is_english);
        if (!out.failed && strcmp(str_text(&out), rows[i].read) != 0) {
            fprintf(stderr, "%s '%s': read '%s', wanted '%s'\n", rows[i].as, rows[i].text,
                    str_text(&out), rows[i].read);
            good = false;
        }
    }
    good = good && !out.failed;
    str_free(&out);
    return good;
}

UNIT(english_is_read_as_people_read_it)
{
    ok(read_all(english, sizeof english / sizeof *english, true));
out:;
}

UNIT(other_languages_are_only_spelled)
{
    ok(read_all(others, sizeof others / sizeof *others, false));
out:;
}

UNIT_MAIN(CASE(english_is_read_as_people_read_it), CASE(other_languages_are_only_spelled))
