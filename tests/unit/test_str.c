#include "base/str.h"

#include "base/mem.h"
#include "tests/unit/unit.h"
#include <stdint.h>
#include <string.h>

UNIT(str_grows_and_stays_terminated)
{
    struct str s = STR_INIT(100000);
    char *taken = NULL;

    ok_str(str_text(&s), "");
    for (int i = 0; i < 1000; i++)
        str_addf(&s, "%d,", i);
    ok(!s.failed);
    ok_int(s.len, 3890);
    ok_int(strlen(s.data), 3890);
    ok(strncmp(s.data, "0,1,2,3,", 8) == 0);
    str_reset(&s);
    ok_str(str_text(&s), "");
    str_addn(&s, "a\0b", 3);
    ok_int(s.len, 3);
    taken = str_take(&s);
    ok(taken != NULL && memcmp(taken, "a\0b", 4) == 0);
    ok_int(s.len, 0);
out:
    mem_free(taken);
    str_free(&s);
}

UNIT(str_keeps_its_maximum)
{
    struct str s = STR_INIT(4);
    char *taken;

    str_add(&s, "four");
    ok(!s.failed);
    ok_str(str_text(&s), "four");
    str_addc(&s, '!');
    ok(s.failed);
    str_add(&s, "");
    ok(s.failed);
    ok_str(str_text(&s), "four");
    taken = str_take(&s);
    ok(taken == NULL && s.data == NULL);
    str_addf(&s, "%s", "five!");
    ok(s.failed);
    str_reset(&s);
    ok(!s.failed);
    str_addf(&s, "%d", 1234);
    ok_str(str_text(&s), "1234");
out:
    str_free(&s);
}

UNIT(str_takes_an_empty_string_as_one)
{
    struct str s = STR_INIT(4);
    char *taken = str_take(&s);

    ok_str(taken, "");
out:
    mem_free(taken);
    str_free(&s);
}

UNIT(str_escapes_xml_forms_and_lua)
{
    struct str s = STR_INIT(1000);

    str_add_xml(&s, "<a href='x'>\"&\x01\t\x1f</a>\n\xc3\xa9");
    ok_str(str_text(&s), "&lt;a href=&apos;x&apos;&gt;&quot;&amp;\t&lt;/a&gt;\n\xc3\xa9");
    str_reset(&s);
    str_add_form(&s, "+1 (555)~a-b.c_d*\xc3\xa9/\n");
    ok_str(str_text(&s), "%2B1+%28555%29%7Ea-b.c_d*%C3%A9%2F%0A");
    str_reset(&s);
    str_addn_lua(&s, "a\"b\\\n\0001'\xc3\xa9]]", 12);
    ok_str(str_text(&s), "\"a\\\"b\\\\\\010\\0001'\xc3\xa9]]\"");
out:
    str_free(&s);
}

UNIT(str_copy_cuts_and_says_so)
{
    char field[4];

    ok(str_copy(field, sizeof field, "abc"));
    ok_str(field, "abc");
    ok(!str_copy(field, sizeof field, "defg"));
    ok_str(field, "def");
    ok(!str_copy(field, 0, "x"));
    ok_str(field, "def");
out:;
}

UNIT(str_reads_whole_numbers_only)
{
    static const char *const wrong[] = {
        "", "-", " 1", "1 ", "+1", "1x", "0x1", "11", "-11", "1.0", "99999999999999999999"};
    long n = 0;

    ok(str_to_long("-10", -10, 10, &n));
    ok_int(n, -10);
    ok(str_to_long("007", -10, 10, &n));
    ok_int(n, 7);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ok(!str_to_long(wrong[i], -10, 10, &n));
    ok_int(n, 7);
out:;
}

UNIT(str_distance_weighs_case_less)
{
    char longer[200];

    ok_int(str_distance("numDigits", "numDigits"), 0);
    ok_int(str_distance("say", "Say"), 1);
    ok_int(str_distance("Sayy", "Say"), 2);
    ok_int(str_distance("voise", "voice"), 2);
    ok_int(str_distance("Redrict", "Redirect"), 4);
    ok_int(str_distance("Gahter", "Gather"), 2);
    ok_int(str_distance("", "abc"), 6);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ok_int(str_distance(longer, "x"), 2 * 199);
out:;
}

UNIT(str_trims)
{
    size_t len;
    const char *s = str_trim(" \t\r\n a b\f\v ", &len);

    ok(len == 3 && strncmp(s, "a b", 3) == 0);
    str_trim("  \n", &len);
    ok_int(len, 0);
    str_trim("", &len);
    ok_int(len, 0);
out:;
}

UNIT_MAIN(CASE(str_grows_and_stays_terminated), CASE(str_keeps_its_maximum),
          CASE(str_takes_an_empty_string_as_one), CASE(str_escapes_xml_forms_and_lua),
          CASE(str_copy_cuts_and_says_so), CASE(str_reads_whole_numbers_only),
          CASE(str_distance_weighs_case_less), CASE(str_trims))
