/* Text from outside made text that can be passed on: into JSON, a journal, a message to a gateway.
 */
#include "base/error.h"
#include "base/utf8.h"
#include "tests/unit/unit.h"
#include <jansson.h>
#include <string.h>

UNIT(any_bytes_become_text_and_good_text_stays_as_it_is)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"plain, grün, 日本語, 😀\tand\nmore", "plain, grün, 日本語, 😀\tand\nmore"},
        {"\xef\xbf\xbd", "\xef\xbf\xbd"}, /* the sign for what is invalid, said itself */
        {"a\x01z\x7f\r", "a?z??"},
        {"a\xffz", "a?z"},
        {"gr\xc3n", "gr?n"},
        {"\x80\x80", "??"},
        {"\xed\xa0\x80z", "???z"}, /* a surrogate */
        {"\xc0\xafz", "??z"},      /* overlong */
        {"\xf4\x90\x80\x80z", "????z"} /* beyond Unicode */,
        {"cut: \xc3", "cut: "},
        {"cut: \xe6\x97", "cut: "},
        {"cut: \xf0\x9f\x98", "cut: "},
    };
    char text[64];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        strcpy(text, cases[i][0]);
        utf8_clean(text);
        ok_str(text, cases[i][1]);
    }
out:;
}

UNIT(a_line_is_text_without_control_characters)
{
    ok(utf8_is_line("") && utf8_is_line("grün 😀 \xef\xbf\xbd"));
    ok(!utf8_is_line("a\nb") && !utf8_is_line("a\x7f") && !utf8_is_line("\xff"));
    ok(!utf8_is_line("gr\xc3"));
out:;
}

/* Texts in errors are cut by bytes ("%.60s"), and quote what came from anywhere. */
UNIT(an_error_is_text_whatever_it_quotes)
{
    struct error err = {0};
    char quoted[2 * ERROR_TEXT_MAX];
    json_t *j;

    error_set(&err, ERR_INVALID, "'%.4s' is no number", "grün");
    ok_str(err.text, "'gr\xc3\xbc' is no number");
    error_set(&err, ERR_INVALID, "'%.3s' is no number", "grün");
    ok_str(err.text, "'gr?' is no number");
    for (size_t i = 0; i + 2 < sizeof quoted; i += 2)
        memcpy(quoted + i, "ü", 3);
    for (size_t pad = 0; pad < 2; pad++) {
        error_set_twilio(&err, ERR_INVALID, 11100, "%s%s", pad == 0 ? "" : "!", quoted);
        j = json_string(err.text);
        ok(j != NULL);
        json_decref(j);
    }
out:;
}

UNIT_MAIN(CASE(any_bytes_become_text_and_good_text_stays_as_it_is),
          CASE(a_line_is_text_without_control_characters),
          CASE(an_error_is_text_whatever_it_quotes))
