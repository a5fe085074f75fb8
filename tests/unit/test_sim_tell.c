/* Journal lines as people read them, in other languages than English too. */
#include "base/utf8.h"
#include "sim/tell.h"
#include "tests/unit/unit.h"
#include <string.h>

static bool every(const char *e)
{
    return e[0] != '\0';
}

/* A text of three bytes a character is cut in its midst at two of three lengths. */
UNIT(a_long_text_is_cut_between_its_characters)
{
    struct str line = STR_INIT(1000), told = STR_INIT(1000);
    char shown[41];

    for (size_t before = 0; before < 3; before++) {
        str_reset(&line);
        str_reset(&told);
        str_add(&line, "{\"t\":1500,\"e\":\"say\",\"text\":\"");
        str_add(&line, &"xx"[before]);
        for (int i = 0; i < 40; i++)
            str_add(&line, "語");
        str_add(&line, "\"}");
        tell_line(&told, str_text(&line));
        ok(!told.failed && told.len > 0);
        ok_str(told.data + told.len - 5, "…\"\n");
        told.data[told.len - 1] = '\0';
        ok(utf8_is_line(told.data) && told.len < 110);
        ok(tell_short(str_text(&line), every, shown, sizeof shown));
        ok(utf8_is_line(shown) && strlen(shown) > 30);
    }
out:
    str_free(&line);
    str_free(&told);
}

UNIT_MAIN(CASE(a_long_text_is_cut_between_its_characters))
