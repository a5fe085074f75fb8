#include "session/opt_out.h"
#include "tests/unit/unit.h"

UNIT(the_words_alone_are_understood_in_any_letters)
{
    static const char *const stop[] = {"STOP",
                                       "stop",
                                       "Stop",
                                       " stop\n",
                                       "STOPALL",
                                       "END",
                                       "quit",
                                       "Cancel",
                                       "unsubscribe",
                                       "REVOKE",
                                       "Stop.",
                                       "STOP !",
                                       "\xc2\xa0stop\xe2\x80\x8b"};
    static const char *const start[] = {"START", "yes", "Unstop", "\tstart\r\n"};

    for (size_t i = 0; i < sizeof stop / sizeof *stop; i++)
        ok_int(opt_out_word(stop[i]), OPT_OUT_STOP);
    for (size_t i = 0; i < sizeof start / sizeof *start; i++)
        ok_int(opt_out_word(start[i]), OPT_OUT_START);
    ok_int(opt_out_word("Help"), OPT_OUT_HELP);
    ok_int(opt_out_word("INFO"), OPT_OUT_HELP);
    /* wide: ＳＴＯＰ, ｓｔｏｐ */
    ok_int(opt_out_word("\xef\xbc\xb3\xef\xbc\xb4\xef\xbc\xaf\xef\xbc\xb0"), OPT_OUT_STOP);
    ok_int(opt_out_word("\xef\xbd\x93\xef\xbd\x94\xef\xbd\x8f\xef\xbd\x90"), OPT_OUT_STOP);
out:
    return;
}

UNIT(in_a_sentence_they_mean_nothing)
{
    static const char *const none[] = {"",
                                       " ",
                                       "STOP please",
                                       "please stop",
                                       "STO P",
                                       "S.T.O.P",
                                       ".",
                                       "stopp",
                                       "nostop",
                                       "STOP 1",
                                       "unsubscribe me",
                                       "YES!please",
                                       "\xff\xfe",
                                       "STOP\x01",
                                       "supercalifragilisticexpialidocious",
                                       "\xd0\x85TOP"};

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ok_int(opt_out_word(none[i]), OPT_OUT_NONE);
out:
    return;
}

UNIT_MAIN(CASE(the_words_alone_are_understood_in_any_letters),
          CASE(in_a_sentence_they_mean_nothing))
