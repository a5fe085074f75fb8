/* Say: speaks a text. */
#include "verbs/verbs.h"

#include <ctype.h>
#include <string.h>

struct say_args {
    const char *voice, *language; /* NULL: as the configuration says */
    int loop;                     /* 0: until hangup, which is 1000 times */
};

/* clang-format off */
static const char *const say_languages[] = {
    "af-ZA", "am-ET", "ar-AE", "ar-XA", "arb", "bg-BG", "bn-IN", "ca-ES", "cmn-CN", "cmn-TW",
    "cs-CZ", "cy-GB", "da-DK", "de-AT", "de-DE", "el-GR", "en-AU", "en-CA", "en-GB", "en-GB-WLS",
    "en-IE", "en-IN", "en-NZ", "en-US", "en-ZA", "es-ES", "es-MX", "es-US", "fi-FI", "fil-PH",
    "fr-CA", "fr-FR", "fr-BE", "gu-IN", "he-IL", "hi-IN", "hu-HU", "id-ID", "is-IS", "it-IT",
    "ja-JP", "kn-IN", "ko-KR", "lv-LV", "ml-IN", "mr-IN", "ms-MY", "nb-NO", "nl-BE", "nl-NL",
    "pa-IN", "pl-PL", "pt-BR", "pt-PT", "ro-RO", "ru-RU", "sk-SK", "sr-RS", "sv-SE", "ta-IN",
    "te-IN", "th-TH", "tr-TR", "uk-UA", "vi-VN", "yue-HK", "zh-CN", "zh-HK", "zh-TW", NULL};
/* clang-format on */

static const struct attr say_attrs[] = {
    {.name = "voice",
     .type = ATTR_STR,
     .code = 13511,
     .offset = offsetof(struct say_args, voice),
     .text =
         "man, woman, alice, or a Polly. or Google. name, mapped to the nearest installed voice; "
         "man unless the configuration says otherwise."},
    {.name = "language",
     .type = ATTR_CHOICE,
     .choices = say_languages,
     .open = true,
     .code = 13512,
     .offset = offsetof(struct say_args, language),
     .text = "Language of the text; en-US unless the configuration says otherwise."},
    {.name = "loop",
     .type = ATTR_INT,
     .def = "1",
     .min = 0,
     .max = 1000,
     .code = 13510,
     .offset = offsetof(struct say_args, loop),
     .text = "How many times to speak; 0 repeats until hangup (1000 times)."},
    {0},
};

static const char *const say_parents[] = {"Gather", "Prompt", "Response", NULL};

static bool say_has_words(const struct node *n)
{
    const struct node *c;

    for (c = n->children; c != NULL; c = c->next)
        if (c->schema != NULL || c->text[strspn(c->text, " \t\r\n")] != '\0')
            return true;
    return false;
}

/* "en", "en-US", "cmn-Hans-CN": letters first, then short pieces. */
static bool say_language_shaped(const char *s)
{
    size_t n = strcspn(s, "-");

    if (n < 2 || n > 3)
        return false;
    for (; *s != '\0'; s++)
        if (!isalnum((unsigned char)*s) && *s != '-')
            return false;
    return true;
}

static bool say_voice_known(const char *s)
{
    return strcmp(s, "man") == 0 || strcmp(s, "woman") == 0 || strcmp(s, "alice") == 0 ||
           strncmp(s, "Polly.", 6) == 0 || strncmp(s, "Google.", 7) == 0;
}

static void say_check(const struct node *n, struct checker *c)
{
    const struct say_args *args = n->args;

    if (!say_has_words(n))
        checker_report(c, n, false, 13520, "<Say> has no text to speak: write it between the tags");
    if (args->voice != NULL && !say_voice_known(args->voice))
        checker_report(c, n, false, 13511,
                       "voice=\"%.40s\" is no known voice: use man, woman, alice, or a name that "
                       "begins with Polly. or Google.",
                       args->voice);
    if (args->language != NULL && !say_language_shaped(args->language))
        checker_report(c, n, false, 13512,
                       "language=\"%.40s\" is no language tag: write one such as en-US",
                       args->language);
}

const struct verb verb_say = {
    .schema =
        {
            .name = "Say",
            .parents = say_parents,
            .flags = SCHEMA_VOICE | SCHEMA_MIXED,
            .attrs = say_attrs,
            .args_size = sizeof(struct say_args),
            .check = say_check,
            .text = "Speaks a text to the caller.",
        },
    .flags = 0,
    .state_size = 0,
    .start = NULL,
    .on_event = NULL,
    .stop = NULL,
};
