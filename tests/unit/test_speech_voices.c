/* Which voice speaks: Twilio's names and languages to what an engine has. No process is started. */
#include "speech/speech.h"
#include "speech/voices.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

static const char installed[] = "Pty Language       Age/Gender VoiceName          File\n"
                                " 5  af              --/M      Afrikaans          gmw/af\n"
                                " 5  ar              --/M      Arabic             sem/ar\n"
                                " 5  cmn             --/M      Chinese            sit/cmn\n"
                                " 5  cy              --/M      Welsh              cel/cy\n"
                                " 5  da              --/M      Danish             gmq/da\n"
                                " 5  de              --/M      German             gmw/de\n"
                                " 2  en-gb           --/M      English_(Great_Britain) gmw/en\n"
                                " 2  en-us           --/M      English_(America)  gmw/en-US\n"
                                " 5  es              --/M      Spanish_(Spain)    roa/es\n"
                                " 5  es-419          --/M      Spanish_(Latin)    roa/es-419\n"
                                " 5  fr-be           --/M      French_(Belgium)   roa/fr-BE\n"
                                " 5  fr-fr           --/M      French_(France)    roa/fr\n"
                                " 5  ja              --/M      Japanese           jpx/ja\n"
                                " 5  nb              --/M      Norwegian          gmq/nb\n"
                                " 5  pt              --/M      Portuguese         roa/pt\n"
                                " 5  pt-br           --/M      Portuguese         roa/pt-BR\n"
                                " 5  yue             --/M      Cantonese          sit/yue\n";

static const struct {
    const char *voice, *language, *engine;
    char sex;
} picks[] = {
    {NULL, NULL, "en-us", 'm'},
    {"man", NULL, "en-us", 'm'},
    {"woman", NULL, "en-us+f2", 'f'},
    {"alice", "da-DK", "da+f2", 'f'},
    {"man", "en-GB", "en-gb", 'm'},
    {"woman", "es-MX", "es-419+f2", 'f'},
    {"woman", "es-ES", "es+f2", 'f'},
    {"Polly.Joanna", NULL, "en-us+f2", 'f'},
    {"Polly.Joanna-Neural", NULL, "en-us+f2", 'f'},
    {"Polly.Matthew-Generative", NULL, "en-us", 'm'},
    {"Polly.Hans", NULL, "de", 'm'},
    {"Polly.Vicki-Neural", NULL, "de+f2", 'f'},
    {"Polly.Geraint", NULL, "en-gb", 'm'},
    {"Polly.Gwyneth", NULL, "cy+f2", 'f'},
    {"Polly.Mía-Generative", NULL, "es-419+f2", 'f'},
    {"Polly.Zeina", NULL, "ar+f2", 'f'},
    {"Polly.Hiujin-Neural", NULL, "yue+f2", 'f'},
    {"Polly.Isabelle-Neural", NULL, "fr-be+f2", 'f'},
    {"Polly.Liam-Neural", NULL, "fr-fr", 'm'},
    {"Polly.Joanna", "de-DE", "de+f2", 'f'},
    {"Google.de-DE-Standard-B", NULL, "de", 'm'},
    {"Google.en-US-Wavenet-A", NULL, "en-us", 'm'},
    {"Google.en-US-Neural2-C", NULL, "en-us+f2", 'f'},
    {"Google.pt-BR-Chirp3-HD-Orus", NULL, "pt-br", 'm'},
    {"Google.pt-PT-Chirp3-HD-Kore", NULL, "pt+f2", 'f'},
    {"Google.cmn-CN-Wavenet-A", NULL, "cmn+f2", 'f'},
    {"Google.nb-NO-Standard-B", NULL, "nb", 'm'},
    {"man", "zh-HK", "yue", 'm'},
    {"man", "zh-CN", "cmn", 'm'},
    {"man", "ar-XA", "ar", 'm'},
    {"man", "en-AU", "en-gb", 'm'},
    {"de", NULL, "de", 'm'},
    {"en-gb+f4", NULL, "en-gb+f4", 'f'},
};

UNIT(known_names_and_languages_find_the_nearest_voice)
{
    struct speech_voice v;
    struct error err = {0};

    voices_read(installed);
    for (size_t i = 0; i < sizeof picks / sizeof *picks; i++) {
        ok_rc(speech_pick(picks[i].voice, picks[i].language, &v, &err), &err);
        ok_str(v.espeak, picks[i].engine);
        ok_int(v.sex, picks[i].sex);
    }
    ok_rc(speech_pick("Polly.Hans", NULL, &v, &err), &err);
    ok_str(v.language, "de-DE");
out:
    voices_read(NULL);
}

static const struct {
    const char *voice, *language;
    int code;
    const char *mentions;
} refusals[] = {
    {"womann", NULL, 13511, "woman"},        {"Polly.Joana", NULL, 13511, "Polly.Joanna"},
    {"Joanna", NULL, 13511, "Polly.Joanna"}, {"Polly.Joanna-Newral", NULL, 13511, "Polly."},
    {"bob", NULL, 13511, "Polly."},          {"Google.de", NULL, 13511, "voice"},
    {"de+f9", NULL, 13511, "voice"},         {"de; rm -rf /", NULL, 13511, "voice"},
    {"--stdout", NULL, 13511, "voice"},      {"man", "fil-PH", 13512, "id-ID"},
    {"man", "gl-ES", 13512, "pt-PT"},        {"man", "klingon", 13512, "en-US"},
    {"man", "-v de", 13512, "language"},     {"man", "d", 13512, "language"},
};

UNIT(what_is_unknown_is_refused_with_what_is_near)
{
    struct speech_voice v;
    struct error err = {0};

    voices_read(installed);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        error_clear(&err);
        ok(speech_pick(refusals[i].voice, refusals[i].language, &v, &err) != 0);
        ok_int(err.twilio, refusals[i].code);
        if (strstr(err.text, refusals[i].mentions) == NULL)
            fprintf(stderr, "%s\n", err.text);
        ok(strstr(err.text, refusals[i].mentions) != NULL);
    }
out:
    voices_read(NULL);
}

UNIT(a_flow_can_be_checked_where_no_engine_is_installed)
{
    struct speech_voice v;
    struct error err = {0};

    ok_int(voices_read(""), 0);
    ok_rc(speech_pick("Polly.Hans", NULL, &v, &err), &err);
    ok_rc(speech_pick("woman", "fil-PH", &v, &err), &err);
    ok_int(speech_pick("nobody at all", NULL, &v, &err), ERR_MISSING);
out:
    voices_read(NULL);
}

UNIT(the_checker_asks_no_engine)
{
    static const char *const fine[] = {"man",     "Polly.Joanna-Neural", "Google.de-DE-Wavenet-A",
                                       "de",      "en-gb-scotland",      "en-us+f3",
                                       "cmn-latn"};
    static const char *const bad[] = {"bob", "Polly.Joana", "de+f9", "", "-v", "de; x", "Google."};
    struct error err = {0};

    voices_read(" 5 fr x\n");
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        ok_rc(speech_check_voice(fine[i], &err), &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ok(speech_check_voice(bad[i], &err) != 0);
        ok_int(err.twilio, 13511);
    }
    ok(speech_check_voice("Polly.Joana", &err) != 0);
    ok(strstr(err.text, "Polly.Joanna") != NULL);
out:
    voices_read(NULL);
}

UNIT_MAIN(CASE(the_checker_asks_no_engine), CASE(known_names_and_languages_find_the_nearest_voice),
          CASE(what_is_unknown_is_refused_with_what_is_near),
          CASE(a_flow_can_be_checked_where_no_engine_is_installed))
