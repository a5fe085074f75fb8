/* What the engine is told: escaping, manners, pauses, voices, bounds. No process is started. */
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "speech/manner.h"
#include "speech/phoneme.h"
#include "speech/plan.h"
#include "speech/voices.h"
#include "unit.h"
#include <string.h>

static const char installed[] = " 2  en-us --/M English en\n 5  de --/M German de\n"
                                " 5  fr-fr --/M French fr\n 2  en-gb --/M English en\n";

static int make(struct plan *p, const struct speech_piece *pieces, size_t n, const char *voice,
                struct error *err)
{
    struct utterance u = {.pieces = pieces, .count = n, .voice = voice};

    voices_read(installed);
    return plan_make(p, &u, err);
}

static const struct {
    const char *text, *markup;
} escapes[] = {
    {"Tom & <b>Jerry</b>", "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;"},
    {"</speak><audio src=\"x\"/>", "&lt;/speak&gt;&lt;audio src=\"x\"/&gt;"},
    {"a\n\t  b", "a b"},
    {"[[h@l]] [[[", "[ [h@l]] [ [ ["},
    {"one\x01two\x7f", "one two "},
    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    {"bad\xff\xc3", "bad "},
    {"\xed\xa0\x80surrogate", " surrogate"},
    {"over\xc0\xaflong", "over long"},
    {"\xee\x80\xa0private", " private"},
    {"&lt;", "&amp;lt;"},
    {"\xe2\x80\xa8line\xef\xbb\xbf", " line "},
};

UNIT(text_can_never_become_markup)
{
    struct str out = STR_INIT(1000);

    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        str_reset(&out);
        plan_escape(&out, escapes[i].text);
        ok(!out.failed);
        ok_str(str_text(&out), escapes[i].markup);
    }
out:
    str_free(&out);
}

UNIT(brackets_of_two_pieces_do_not_join)
{
    static const struct speech_piece pieces[] = {{.text = "x ["}, {.text = "[h@l]]"}};
    struct plan p = {0};
    struct error err = {0};

    ok_rc(make(&p, pieces, 2, NULL, &err), &err);
    ok_str(p.runs[0].ssml, "x [ [h@l]]");
out:
    plan_free(&p);
    voices_read(NULL);
}

UNIT(characters_are_counted_not_bytes)
{
    ok_int(plan_characters(""), 0);
    ok_int(plan_characters("gr\xc3\xbc\xc3\x9f"), 4);
    ok_int(plan_characters("\xff\xfe"), 2);
    ok_int(plan_characters("\xf0\x9f\x98\x80"), 1);
out:;
}

static const struct {
    struct speech_piece piece;
    const char *markup;
} manners[] = {
    {{.text = "x"}, "x"},
    {{.text = "x", .rate = "medium", .pitch = "default", .volume = "+0dB"}, "x"},
    {{.text = "x", .rate = "slow"}, "<prosody rate=\"80%\">x</prosody>"},
    {{.text = "x", .rate = "150%"}, "<prosody rate=\"150%\">x</prosody>"},
    {{.text = "x", .rate = "1%"}, "<prosody rate=\"46%\">x</prosody>"},
    {{.text = "x", .rate = "\"/><audio"}, "x"},
    {{.text = "x", .rate = "1e999%"}, "x"},
    {{.text = "x", .pitch = "+10%"}, "<prosody pitch=\"120%\">x</prosody>"},
    {{.text = "x", .pitch = "x-low"}, "<prosody pitch=\"40%\">x</prosody>"},
    {{.text = "x", .pitch = "+12st"}, "<prosody pitch=\"200%\">x</prosody>"},
    {{.text = "x", .volume = "+6dB"}, "<prosody volume=\"200%\">x</prosody>"},
    {{.text = "x", .volume = "-6dB"}, "<prosody volume=\"50%\">x</prosody>"},
    {{.text = "x", .volume = "silent"}, "<prosody volume=\"0%\">x</prosody>"},
    {{.text = "x", .emphasis = "strong"}, "<emphasis level=\"strong\">x</emphasis>"},
    {{.text = "x", .emphasis = "\"><x"}, "x"},
    {{.text = "1 2", .interpret_as = "digits"}, "one, two"},
    {{.text = "aB", .interpret_as = "characters"}, "[['eI]] B"},
    {{.text = "tomato", .phoneme = "t\xc9\x99\xcb\x88m\xc9\x91\xcb\x90to\xca\x8a"},
     "[[t@'mA:toU]]"},
    {{.text = "tomato", .alphabet = "x-sampa", .phoneme = "t@\"mA:toU"}, "[[t@'mA:toU]]"},
    {{.text = "tomato", .alphabet = "ipa", .phoneme = "t]]<x>"}, "tomato"},
    {{.text = "tomato", .alphabet = "x-amazon-pinyin", .phoneme = "fan1"}, "tomato"},
    {{.text = "tomato", .phoneme = ""}, "tomato"},
};

UNIT(manners_of_speaking_become_numbers)
{
    struct plan p = {0};
    struct error err = {0};

    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
        ok_rc(make(&p, &manners[i].piece, 1, NULL, &err), &err);
        ok_int(p.count, 1);
        ok_str(p.runs[0].ssml, manners[i].markup);
        plan_free(&p);
    }
out:
    plan_free(&p);
    voices_read(NULL);
}

UNIT(a_break_parts_runs_and_a_language_changes_the_voice)
{
    static const struct speech_piece pieces[] = {
        {.kind = PIECE_BREAK, .break_ms = 100},   {.text = "Hello "},
        {.text = "there", .emphasis = "strong"},  {.kind = PIECE_BREAK, .break_ms = 500},
        {.kind = PIECE_BREAK, .break_ms = 250},   {.text = " "},
        {.text = "guten Tag", .lang = "de-DE"},   {.text = " bye.", .lang = "xx-XX"},
        {.kind = PIECE_BREAK, .break_ms = 60000},
    };
    struct plan p = {0};
    struct error err = {0};

    ok_rc(make(&p, pieces, sizeof pieces / sizeof *pieces, "woman", &err), &err);
    ok_int(p.count, 6);
    ok_int(p.runs[0].silence_ms, 100);
    /* It goes on after the pause, so it may not fall as at the end of a sentence. */
    ok_str(p.runs[1].ssml, "Hello <emphasis level=\"strong\">there</emphasis>,");
    ok_str(p.runs[1].voice, "en-us+f2");
    ok(p.runs[2].ssml == NULL);
    ok_int(p.runs[2].silence_ms, 750);
    ok_str(p.runs[3].ssml, "guten Tag");
    ok_str(p.runs[3].voice, "de+f2");
    ok_str(p.runs[4].ssml, " bye.");
    ok_str(p.runs[4].voice, "en-us+f2");
    ok_int(p.runs[5].silence_ms, PLAN_MAX_BREAK_MS);
out:
    plan_free(&p);
    voices_read(NULL);
}

UNIT(a_manner_is_not_lost_behind_the_end_of_a_sentence)
{
    static const struct speech_piece pieces[] = {
        {.text = "One. "},   {.text = "Two! ", .rate = "slow"},
        {.text = "Three &"}, {.text = "four", .emphasis = "strong"},
        {.text = " five"},
    };
    struct plan p = {0};
    struct error err = {0};

    ok_rc(make(&p, pieces, 5, NULL, &err), &err);
    ok_int(p.count, 1);
    ok_str(p.runs[0].ssml, "One. </s><prosody rate=\"80%\">Two! </prosody></s>Three &amp;"
                           "<emphasis level=\"strong\">four</emphasis> five");
out:
    plan_free(&p);
    voices_read(NULL);
}

UNIT(the_processes_of_one_prompt_are_bounded)
{
    static struct speech_piece pieces[200];
    struct plan p = {0};
    struct error err = {0};
    size_t spoken = 0;

    for (size_t i = 0; i < 200; i++)
        pieces[i] = i % 2 == 0 ? (struct speech_piece){.text = "word"}
                               : (struct speech_piece){.kind = PIECE_BREAK, .break_ms = 100};
    ok_rc(make(&p, pieces, 200, NULL, &err), &err);
    for (size_t i = 0; i < p.count; i++)
        spoken += p.runs[i].ssml != NULL;
    ok_int(spoken, PLAN_MAX_RUNS);
    for (size_t i = 0; i < p.count; i++) {
        if (p.runs[i].ssml != NULL && strstr(p.runs[i].ssml, "<break time=\"100ms\"/>") != NULL)
            spoken = 0;
    }
    ok_int(spoken, 0); /* the later breaks are the engine's */
out:
    plan_free(&p);
    voices_read(NULL);
}

UNIT(nothing_and_too_much_are_refused)
{
    static char text[4200];
    struct speech_piece piece = {.text = text};
    struct plan p = {0};
    struct error err = {0};

    text[0] = '\0';
    ok(make(&p, &piece, 1, NULL, &err) != 0);
    ok_int(err.twilio, 13520);
    piece.text = " \n ";
    ok(make(&p, &piece, 1, NULL, &err) != 0);
    ok_int(err.twilio, 13520);
    memset(text, 'x', 4097);
    piece.text = text;
    ok(make(&p, &piece, 1, NULL, &err) != 0);
    ok_int(err.twilio, 13521);
    ok(make(&p, &piece, 1, "nobody", &err) != 0);
    text[4096] = '\0';
    ok_rc(make(&p, &piece, 1, NULL, &err), &err);
out:
    plan_free(&p);
    voices_read(NULL);
}

static bool same_key(const struct speech_piece *a, const struct speech_piece *b, const char *voice,
                     const char *engine, struct error *err)
{
    char keys[2][PLAN_KEY_SIZE] = {"a", "b"};
    struct plan p = {0};

    if (make(&p, a, 1, NULL, err) == 0)
        plan_key(&p, "1.51", keys[0]);
    plan_free(&p);
    if (make(&p, b, 1, voice, err) == 0)
        plan_key(&p, engine, keys[1]);
    plan_free(&p);
    return strcmp(keys[0], keys[1]) == 0;
}

UNIT(a_prompt_is_known_by_all_that_makes_its_sound)
{
    struct speech_piece a = {.text = "Hello."}, b = {.text = "Hallo."};
    struct speech_piece slow = {.text = "Hello.", .rate = "slow"};
    struct error err = {0};

    ok(same_key(&a, &a, "man", "1.51", &err));
    ok(!same_key(&a, &b, "man", "1.51", &err));
    ok(!same_key(&a, &slow, "man", "1.51", &err));
    ok(!same_key(&a, &a, "woman", "1.51", &err));
    ok(!same_key(&a, &a, "man", "1.52", &err));
out:
    voices_read(NULL);
}

UNIT(a_transcript_is_the_plain_words)
{
    static const struct speech_piece pieces[] = {
        {.text = "  Press\n\t1 "},
        {.kind = PIECE_BREAK, .break_ms = 100},
        {.text = "for"},
        {.kind = PIECE_BREAK, .break_ms = 100},
        {.text = "sales", .emphasis = "strong"},
        {.text = ". "},
    };
    struct utterance u = {.pieces = pieces, .count = 6};
    struct str out = STR_INIT(100);

    speech_text(&u, &out);
    ok(!out.failed);
    ok_str(str_text(&out), "Press 1 for sales.");
out:
    str_free(&out);
}

UNIT_MAIN(CASE(text_can_never_become_markup), CASE(brackets_of_two_pieces_do_not_join),
          CASE(characters_are_counted_not_bytes), CASE(manners_of_speaking_become_numbers),
          CASE(a_break_parts_runs_and_a_language_changes_the_voice),
          CASE(a_manner_is_not_lost_behind_the_end_of_a_sentence),
          CASE(the_processes_of_one_prompt_are_bounded), CASE(nothing_and_too_much_are_refused),
          CASE(a_prompt_is_known_by_all_that_makes_its_sound),
          CASE(a_transcript_is_the_plain_words))
