/* Who the named voices are. What we keep of them is their language and sex. */
#include "speech/voices.h"
#include <string.h>

const struct polly_voice polly_voices[] = {
    {"Aditi", "en-IN", 'f'},     {"Adriano", "it-IT", 'm'},     {"Amy", "en-GB", 'f'},
    {"Andres", "es-MX", 'm'},    {"Aria", "en-NZ", 'f'},        {"Arlet", "ca-ES", 'f'},
    {"Arthur", "en-GB", 'm'},    {"Astrid", "sv-SE", 'f'},      {"Ayanda", "en-ZA", 'f'},
    {"Bianca", "it-IT", 'f'},    {"Brian", "en-GB", 'm'},       {"Burcu", "tr-TR", 'f'},
    {"Camila", "pt-BR", 'f'},    {"Carla", "it-IT", 'f'},       {"Carmen", "ro-RO", 'f'},
    {"Celine", "fr-FR", 'f'},    {"Chantal", "fr-CA", 'f'},     {"Conchita", "es-ES", 'f'},
    {"Cristiano", "pt-PT", 'm'}, {"Daniel", "de-DE", 'm'},      {"Danielle", "en-US", 'f'},
    {"Dora", "is-IS", 'f'},      {"Elin", "sv-SE", 'f'},        {"Emma", "en-GB", 'f'},
    {"Enrique", "es-ES", 'm'},   {"Ewa", "pl-PL", 'f'},         {"Filiz", "tr-TR", 'f'},
    {"Gabrielle", "fr-CA", 'f'}, {"Geraint", "en-GB-WLS", 'm'}, {"Giorgio", "it-IT", 'm'},
    {"Gregory", "en-US", 'm'},   {"Gwyneth", "cy-GB", 'f'},     {"Hala", "ar-AE", 'f'},
    {"Hannah", "de-AT", 'f'},    {"Hans", "de-DE", 'm'},        {"Hiujin", "yue-CN", 'f'},
    {"Ida", "nb-NO", 'f'},       {"Ines", "pt-PT", 'f'},        {"Isabelle", "fr-BE", 'f'},
    {"Ivy", "en-US", 'f'},       {"Jacek", "pl-PL", 'm'},       {"Jan", "pl-PL", 'm'},
    {"Joanna", "en-US", 'f'},    {"Joey", "en-US", 'm'},        {"Justin", "en-US", 'm'},
    {"Kajal", "en-IN", 'f'},     {"Karl", "is-IS", 'm'},        {"Kazuha", "ja-JP", 'f'},
    {"Kendra", "en-US", 'f'},    {"Kevin", "en-US", 'm'},       {"Kimberly", "en-US", 'f'},
    {"Laura", "nl-NL", 'f'},     {"Lea", "fr-FR", 'f'},         {"Liam", "fr-CA", 'm'},
    {"Lisa", "nl-BE", 'f'},      {"Liv", "nb-NO", 'f'},         {"Lotte", "nl-NL", 'f'},
    {"Lucia", "es-ES", 'f'},     {"Lupe", "es-US", 'f'},        {"Mads", "da-DK", 'm'},
    {"Maja", "pl-PL", 'f'},      {"Marlene", "de-DE", 'f'},     {"Mathieu", "fr-FR", 'm'},
    {"Matthew", "en-US", 'm'},   {"Maxim", "ru-RU", 'm'},       {"Mia", "es-MX", 'f'},
    {"Miguel", "es-US", 'm'},    {"Mizuki", "ja-JP", 'f'},      {"Mía", "es-MX", 'f'},
    {"Naja", "da-DK", 'f'},      {"Niamh", "en-IE", 'f'},       {"Nicole", "en-AU", 'f'},
    {"Ola", "pl-PL", 'f'},       {"Olivia", "en-AU", 'f'},      {"Pedro", "es-US", 'm'},
    {"Penelope", "es-US", 'f'},  {"Raveena", "en-IN", 'f'},     {"Remi", "fr-FR", 'm'},
    {"Ricardo", "pt-BR", 'm'},   {"Ruben", "nl-NL", 'm'},       {"Russell", "en-AU", 'm'},
    {"Ruth", "en-US", 'f'},      {"Rémi", "fr-FR", 'm'},        {"Salli", "en-US", 'f'},
    {"Seoyeon", "ko-KR", 'f'},   {"Sergio", "es-ES", 'm'},      {"Sofie", "da-DK", 'f'},
    {"Stephen", "en-US", 'm'},   {"Suvi", "fi-FI", 'f'},        {"Takumi", "ja-JP", 'm'},
    {"Tatyana", "ru-RU", 'f'},   {"Thiago", "pt-BR", 'm'},      {"Tomoko", "ja-JP", 'f'},
    {"Vicki", "de-DE", 'f'},     {"Vitoria", "pt-BR", 'f'},     {"Zayd", "ar-AE", 'm'},
    {"Zeina", "arb", 'f'},       {"Zhiyu", "cmn-CN", 'f'},      {NULL, NULL, 0},
};

/* By letter from A; '-' unknown. Google lists the sex of each voice; the letters differ in meaning
 * from language to language, though A is nearly always a woman and B a man. */
static const struct {
    const char *language, *sexes;
} google_letters[] = {
    {"en-US", "mmfmffffmm"}, {"en-GB", "fmfm-f-------fm"},
    {"en-AU", "fmfm"},       {"en-IN", "fmmffm"},
    {"de-DE", "fmfmmffm"},   {"fr-FR", "fmfmffm"},
    {"fr-CA", "fmfm"},       {"es-ES", "fmfffmmf"},
    {"es-US", "fmm"},        {"it-IT", "ffmmfm"},
    {"ja-JP", "ffmm"},       {"ko-KR", "ffmm"},
    {"pt-BR", "fmffm"},      {"pt-PT", "fmmfff"},
    {"hi-IN", "fmmffm"},     {"cmn-CN", "fmmf"},
    {"cmn-TW", "fmm"},       {"nl-NL", "fmmffm"},
    {"pl-PL", "fmmff"},      {"ru-RU", "fmfmf"},
    {"tr-TR", "fmffm"},      {"sv-SE", "ffffm"},
    {"nb-NO", "fmfmf"},      {"da-DK", "ff-mff"},
    {"ar-XA", "fmmf"},       {"id-ID", "fmmf"},
    {"vi-VN", "fmfm"},
};

static const struct {
    const char *name;
    char sex;
} google_stars[] = {
    {"Aoede", 'f'}, {"Charon", 'm'}, {"Fenrir", 'm'}, {"Kore", 'f'},
    {"Leda", 'f'},  {"Orus", 'm'},   {"Puck", 'm'},   {"Zephyr", 'f'},
};

char google_sex(const char *language, const char *name)
{
    const char *sexes = "fmfm";
    size_t n = 0;

    for (size_t i = 0; i < sizeof google_stars / sizeof *google_stars; i++) {
        if (strcmp(google_stars[i].name, name) == 0)
            return google_stars[i].sex;
    }
    if (name[0] < 'A' || name[0] > 'Z' || name[1] != '\0')
        return 'f';
    for (size_t i = 0; i < sizeof google_letters / sizeof *google_letters; i++) {
        if (strcasecmp(google_letters[i].language, language) == 0)
            sexes = google_letters[i].sexes;
    }
    n = (size_t)(name[0] - 'A');
    return n < strlen(sexes) && sexes[n] == 'm' ? 'm' : 'f';
}
