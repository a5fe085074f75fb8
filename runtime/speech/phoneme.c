#include "speech/phoneme.h"
#include <string.h>

struct sign {
    const char *from, *to;
};

/* Longest first where one begins another. The right side is the engine's name of the sound in its
 * English voices. */
static const struct sign ipa[] = {
    {"t͡ʃ", "tS"}, {"d͡ʒ", "dZ"}, {"tʃ", "tS"}, {"dʒ", "dZ"}, {"aɪ", "aI"},  {"aʊ", "aU"},
    {"eɪ", "eI"}, {"oʊ", "oU"}, {"əʊ", "oU"}, {"ɔɪ", "OI"}, {"ɪə", "i@3"}, {"eə", "e@"},
    {"ʊə", "U@"}, {"ɑː", "A:"}, {"iː", "i:"}, {"uː", "u:"}, {"ɔː", "O:"},  {"ɜː", "3:"},
    {"ɝ", "3:"},  {"ɚ", "3"},   {"ɑ", "A:"},  {"i", "i:"},  {"u", "u:"},   {"ɔ", "O:"},
    {"ɜ", "3:"},  {"æ", "a"},   {"a", "a"},   {"ɒ", "0"},   {"ʌ", "V"},    {"ə", "@"},
    {"ɛ", "E"},   {"e", "E"},   {"ɪ", "I"},   {"ʊ", "U"},   {"o", "oU"},   {"θ", "T"},
    {"ð", "D"},   {"ʃ", "S"},   {"ʒ", "Z"},   {"ŋ", "N"},   {"ɡ", "g"},    {"g", "g"},
    {"ɹ", "r"},   {"r", "r"},   {"ɾ", "t#"},  {"ɫ", "l"},   {"ʔ", "?"},    {"p", "p"},
    {"b", "b"},   {"t", "t"},   {"d", "d"},   {"k", "k"},   {"f", "f"},    {"v", "v"},
    {"s", "s"},   {"z", "z"},   {"h", "h"},   {"m", "m"},   {"n", "n"},    {"l", "l"},
    {"j", "j"},   {"w", "w"},   {"x", "x"},   {"ˈ", "'"},   {"'", "'"},    {"ˌ", ","},
    {".", ""},    {" ", " "},   {"ː", ":"},   {NULL, NULL},
};

static const struct sign sampa[] = {
    {"tS", "tS"}, {"dZ", "dZ"}, {"aI", "aI"},  {"aU", "aU"}, {"eI", "eI"}, {"oU", "oU"},
    {"@U", "oU"}, {"OI", "OI"}, {"I@", "i@3"}, {"e@", "e@"}, {"U@", "U@"}, {"A:", "A:"},
    {"i:", "i:"}, {"u:", "u:"}, {"O:", "O:"},  {"3:", "3:"}, {"3`", "3:"}, {"@`", "3"},
    {"r\\", "r"}, {"A", "A:"},  {"i", "i:"},   {"u", "u:"},  {"O", "O:"},  {"3", "3:"},
    {"{", "a"},   {"a", "a"},   {"Q", "0"},    {"V", "V"},   {"@", "@"},   {"E", "E"},
    {"e", "E"},   {"I", "I"},   {"U", "U"},    {"o", "oU"},  {"T", "T"},   {"D", "D"},
    {"S", "S"},   {"Z", "Z"},   {"N", "N"},    {"g", "g"},   {"r", "r"},   {"4", "t#"},
    {"5", "l"},   {"?", "?"},   {"p", "p"},    {"b", "b"},   {"t", "t"},   {"d", "d"},
    {"k", "k"},   {"f", "f"},   {"v", "v"},    {"s", "s"},   {"z", "z"},   {"h", "h"},
    {"m", "m"},   {"n", "n"},   {"l", "l"},    {"j", "j"},   {"w", "w"},   {"x", "x"},
    {"\"", "'"},  {"%", ","},   {".", ""},     {" ", " "},   {NULL, NULL},
};

static const struct sign *find(const struct sign *table, const char *at)
{
    for (; table->from != NULL; table++) {
        if (strncmp(at, table->from, strlen(table->from)) == 0)
            return table;
    }
    return NULL;
}

bool phoneme_to_engine(struct str *out, const char *alphabet, const char *phonemes)
{
    const struct sign *table = sampa, *s;
    const char *p;

    if (alphabet == NULL || strcmp(alphabet, "ipa") == 0)
        table = ipa;
    else if (strcmp(alphabet, "x-sampa") != 0)
        return false;
    for (p = phonemes; *p != '\0'; p += strlen(s->from)) {
        if ((s = find(table, p)) == NULL)
            return false;
    }
    if (p == phonemes)
        return false;
    str_add(out, "[[");
    for (p = phonemes; *p != '\0'; p += strlen(s->from)) {
        s = find(table, p);
        str_add(out, s->to);
    }
    str_add(out, "]]");
    return true;
}
