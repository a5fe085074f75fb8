/* Say: speaks a text. */
#include "session/session.h"
#include "verbs/ssml.h"
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

static void say_check(const struct node *n, struct checker *c)
{
    const struct say_args *args = n->args;
    struct error err = {0};

    if (!say_has_words(n))
        checker_report(c, n, false, 13520, "<Say> has no text to speak: write it between the tags");
    if (args->voice != NULL && speech_check_voice(args->voice, &err) != 0)
        checker_report(c, n, false, 13511, "%s", err.text);
    if (args->language != NULL && !say_language_shaped(args->language))
        checker_report(c, n, false, 13512,
                       "language=\"%.40s\" is no language tag: write one such as en-US",
                       args->language);
}

enum { SAY_MOST_LOOPS = 1000 };

struct say {
    uint32_t audio, play; /* requests; 0: not pending */
    char *text;           /* what is said, for transcripts */
};

/* The node's text and SSML as pieces, and as plain text; both live as long as the verb. */
static int say_flatten(struct activation *a, struct utterance *u, char **text, struct error *err)
{
    struct speech_piece *pieces;
    struct str plain = STR_INIT(4 * SPEECH_MAX_TEXT);
    int rc = ssml_flatten(activation_node(a), activation_arena(a), &pieces, &u->count, err);

    if (rc != 0)
        return rc;
    u->pieces = pieces;
    speech_text(u, &plain);
    *text = arena_strdup(activation_arena(a), str_text(&plain));
    str_free(&plain);
    return *text != NULL ? 0 : error_nomem(err);
}

/* A voice or language that cannot be had is warned of, and the usual one speaks instead. */
static void say_choose_voice(struct activation *a, struct utterance *u)
{
    struct speech_voice voice;
    struct error err = {0};

    if (speech_pick(u->voice, u->language, &voice, &err) == 0)
        return;
    session_warn(a, err.twilio, "%s; the usual voice speaks instead", err.text);
    if (speech_pick(NULL, u->language, &voice, NULL) == 0) {
        u->voice = NULL;
        return;
    }
    u->language = NULL;
    if (speech_pick(u->voice, NULL, &voice, NULL) != 0)
        u->voice = NULL;
}

static enum verb_result say_start(struct activation *a, const void *v, void *state)
{
    const struct say_args *args = v;
    struct say *say = state;
    struct utterance u = {.voice = args->voice, .language = args->language};
    struct error err = {0};

    if (say_flatten(a, &u, &say->text, &err) != 0) {
        session_warn(a, err.twilio != 0 ? err.twilio : 13520, "%s", err.text);
        return VERB_ERROR;
    }
    say_choose_voice(a, &u);
    say->audio = session_say(a, &u);
    return say->audio != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result say_on_event(struct activation *a, void *state, const struct event *ev)
{
    const struct say_args *args = activation_args(a);
    struct say *say = state;

    if (ev->request == 0)
        return VERB_PASS;
    if (ev->type == EVENT_AUDIO) {
        if (ev->audio.audio == NULL) {
            session_warn(a, ev->audio.err->twilio, "%s", ev->audio.err->text);
            return VERB_ERROR;
        }
        say->play = session_play(
            a, ev->audio.audio, args->loop == 0 ? SAY_MOST_LOOPS : (unsigned)args->loop, say->text);
        return say->play != 0 ? VERB_WAIT : VERB_ERROR;
    }
    return ev->type == EVENT_PLAYED ? VERB_DONE : VERB_WAIT;
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
    .state_size = sizeof(struct say),
    .start = say_start,
    .on_event = say_on_event,
};
