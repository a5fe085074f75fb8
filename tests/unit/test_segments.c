/* How many segments a text takes (twiml-messaging.md §4). */
#include "session/segments.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* `n` times `piece`. */
static const char *times(int n, const char *piece)
{
    static char text[8000];

    text[0] = '\0';
    for (int i = 0; i < n; i++)
        strcat(text, piece);
    return text;
}

static int count(const char *text)
{
    return segments_of(text).count;
}

UNIT(plain_texts_hold_160_characters_alone_and_153_in_a_row)
{
    ok_int(count(""), 1);
    ok_int(count(times(160, "a")), 1);
    ok_int(count(times(161, "a")), 2);
    ok_int(count(times(306, "a")), 2);
    ok_int(count(times(307, "a")), 3);
    ok(segments_of("Grüße, ÄÖÑÜ§ à la carte: 5 £ @ ΔΦΓΛΩΠΨΣΘΞ\r\n").gsm);
out:;
}

UNIT(characters_of_the_extension_table_count_two)
{
    struct segments s = segments_of("^{}\\[]~|€\f");

    ok(s.gsm && s.units == 20 && s.characters == 10);
    ok_int(count(times(80, "€")), 1);
    ok_int(count(times(81, "€")), 2);
    /* 153 is odd: the escape and its character stand in the next segment together. */
    ok_int(count(times(152, "€")), 2);
    ok_int(count(times(153, "€")), 3);
out:;
}

UNIT(one_other_character_makes_all_of_it_utf16)
{
    ok(!segments_of("ç").gsm && segments_of("Ç").gsm && !segments_of("“x”").gsm);
    ok_int(count(times(70, "ç")), 1);
    ok_int(count(times(71, "ç")), 2);
    ok_int(count(times(134, "ç")), 2);
    ok_int(count(times(135, "ç")), 3);
out:;
}

UNIT(an_emoji_is_two_units_which_are_not_split)
{
    ok_int(segments_of("😀").units, 2);
    ok_int(count(times(35, "😀")), 1);
    ok_int(count(times(36, "😀")), 2);
    ok_int(count(times(66, "😀")), 2); /* 33 each, one unit of 67 stays free */
    ok_int(count(times(67, "😀")), 3);
out:;
}

UNIT(bytes_that_are_no_text_count_as_characters)
{
    struct segments s = segments_of("a\xff\xfe");

    ok(!s.gsm && s.characters == 3 && s.count == 1);
out:;
}

UNIT_MAIN(CASE(plain_texts_hold_160_characters_alone_and_153_in_a_row),
          CASE(characters_of_the_extension_table_count_two),
          CASE(one_other_character_makes_all_of_it_utf16),
          CASE(an_emoji_is_two_units_which_are_not_split),
          CASE(bytes_that_are_no_text_count_as_characters))
