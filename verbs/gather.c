/* Gather: collects digits or speech while its nested prompts play. */
#include "session/session.h"
#include "verbs/verbs.h"

#include <string.h>

enum gather_input { GATHER_DTMF = 1, GATHER_SPEECH = 2 };

struct gather_args {
    unsigned input;     /* mask of enum gather_input */
    const char *action; /* NULL: the current document */
    enum flow_method method;
    int timeout; /* seconds; ATTR_IS_AUTO */
    const char *finish_on_key;
    int num_digits;      /* ATTR_ABSENT: any number */
    int speech_timeout;  /* seconds; ATTR_IS_AUTO; ATTR_ABSENT: as timeout */
    int max_speech_time; /* seconds; ATTR_ABSENT: 60 */
    const char *language;
    const char *hints;
    bool profanity_filter;
    const char *speech_model;
    bool enhanced;
    bool barge_in;
    bool action_on_empty;
    const char *partial;
    enum flow_method partial_method;
    bool debug;
};

static const char *const gather_inputs[] = {"dtmf", "speech", NULL};

/* clang-format off */
static const char *const gather_languages[] = {
    "af-ZA", "am-ET", "ar-AE", "ar-BH", "ar-DZ", "ar-EG", "ar-IL", "ar-IQ", "ar-JO", "ar-KW",
    "ar-LB", "ar-MA", "ar-OM", "ar-PS", "ar-QA", "ar-SA", "ar-TN", "az-AZ", "bg-BG", "bn-BD",
    "bn-IN", "ca-ES", "cs-CZ", "da-DK", "de-DE", "el-GR", "en-AU", "en-CA", "en-GB", "en-GH",
    "en-IE", "en-IN", "en-KE", "en-NG", "en-NZ", "en-PH", "en-SG", "en-TZ", "en-US", "en-ZA",
    "es-AR", "es-BO", "es-CL", "es-CO", "es-CR", "es-DO", "es-EC", "es-ES", "es-GT", "es-HN",
    "es-MX", "es-NI", "es-PA", "es-PE", "es-PR", "es-PY", "es-SV", "es-US", "es-UY", "es-VE",
    "et-EE", "eu-ES", "fa-IR", "fi-FI", "fil-PH", "fr-CA", "fr-FR", "gl-ES", "gu-IN", "he-IL",
    "hi-IN", "hr-HR", "hu-HU", "hy-AM", "id-ID", "is-IS", "it-IT", "ja-JP", "jv-ID", "ka-GE",
    "km-KH", "kn-IN", "ko-KR", "lo-LA", "lt-LT", "lv-LV", "mk-MK", "ml-IN", "mn-MN", "mr-IN",
    "ms-MY", "my-MM", "nar-IQ", "nb-NO", "ne-NP", "nl-BE", "nl-NL", "pa-guru-IN", "pl-PL", "pt-BR",
    "pt-PT", "ro-RO", "ru-RU", "si-LK", "sk-SK", "sl-SI", "sq-AL", "sr-RS", "su-ID", "sv-SE",
    "sw-KE", "sw-TZ", "ta-IN", "ta-LK", "ta-MY", "ta-SG", "te-IN", "th-TH", "tr-TR", "uk-UA",
    "ur-IN", "ur-PK", "uz-UZ", "vi-VN", "yue-Hant-HK", "zh", "cmn-Hans-CN", "zh-TW", "cmn-Hant-TW",
    "zu-ZA", NULL};
static const char *const gather_models[] = {
    "default", "numbers_and_commands", "phone_call", "experimental_conversations",
    "experimental_utterances", "googlev2_long", "googlev2_short", "googlev2_telephony",
    "googlev2_telephony_short", "deepgram_nova-2", "deepgram_nova-3", NULL};
/* clang-format on */

static const struct attr gather_attrs[] = {
    {.name = "input",
     .type = ATTR_LIST,
     .choices = gather_inputs,
     .def = "dtmf",
     .code = 13326,
     .offset = offsetof(struct gather_args, input),
     .text = "What to collect: dtmf, speech, or both."},
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct gather_args, action),
     .text = "Gets what was collected and says how to go on; the current document when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13312,
     .offset = offsetof(struct gather_args, method),
     .text = "How the action is requested."},
    {.name = "timeout",
     .type = ATTR_AUTO,
     .def = "5",
     .min = 0,
     .max = 3600,
     .code = 13313,
     .offset = offsetof(struct gather_args, timeout),
     .text = "Seconds to wait for a (further) key, counted from the end of the prompts."},
    {.name = "finishOnKey",
     .type = ATTR_DIGITS,
     .def = "#",
     .set = "0123456789*#",
     .min = 0,
     .max = 1,
     .code = 13310,
     .offset = offsetof(struct gather_args, finish_on_key),
     .text = "Key that ends the input; empty means none."},
    {.name = "numDigits",
     .type = ATTR_INT,
     .min = 1,
     .max = 1000,
     .code = 13314,
     .offset = offsetof(struct gather_args, num_digits),
     .text = "How many digits end the input."},
    {.name = "speechTimeout",
     .type = ATTR_AUTO,
     .min = 1,
     .max = 60,
     .code = 13327,
     .offset = offsetof(struct gather_args, speech_timeout),
     .text = "Seconds of silence that end speech, or auto; as timeout when absent."},
    {.name = "maxSpeechTime",
     .type = ATTR_INT,
     .min = 1,
     .max = 60,
     .code = 13328,
     .offset = offsetof(struct gather_args, max_speech_time),
     .text = "Most seconds of speech; 60 when absent."},
    {.name = "language",
     .type = ATTR_CHOICE,
     .choices = gather_languages,
     .open = true,
     .def = "en-US",
     .code = 13331,
     .offset = offsetof(struct gather_args, language),
     .text = "Language of the speech."},
    {.name = "hints",
     .type = ATTR_STR,
     .code = 13330,
     .offset = offsetof(struct gather_args, hints),
     .text = "Expected words and phrases, with commas between."},
    {.name = "profanityFilter",
     .type = ATTR_BOOL,
     .def = "true",
     .code = 13333,
     .offset = offsetof(struct gather_args, profanity_filter),
     .text = "Whether bad words are masked."},
    {.name = "speechModel",
     .type = ATTR_CHOICE,
     .choices = gather_models,
     .open = true,
     .def = "default",
     .code = 13334,
     .offset = offsetof(struct gather_args, speech_model),
     .text = "Model of the recogniser."},
    {.name = "enhanced",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct gather_args, enhanced),
     .text = "Deprecated; accepted for compatibility."},
    {.name = "bargeIn",
     .type = ATTR_BOOL,
     .def = "true",
     .code = 13332,
     .offset = offsetof(struct gather_args, barge_in),
     .text = "Whether input stops the nested prompts."},
    {.name = "actionOnEmptyResult",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13338,
     .offset = offsetof(struct gather_args, action_on_empty),
     .text = "Whether the action is requested even when nothing was collected."},
    {.name = "partialResultCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct gather_args, partial),
     .text = "Told of speech while it is being recognised."},
    {.name = "partialResultCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13329,
     .offset = offsetof(struct gather_args, partial_method),
     .text = "How that callback is requested."},
    {.name = "debug",
     .type = ATTR_BOOL,
     .def = "false",
     .offset = offsetof(struct gather_args, debug),
     .text = "Accepted for compatibility."},
    {0},
};

enum { GATHER_MAX_HINTS = 500, GATHER_MAX_HINT = 100 };

static void gather_check_hints(const struct node *n, struct checker *c, const char *hints)
{
    size_t count = 0, longest = 0, len;

    while (*hints != '\0') {
        len = strcspn(hints, ",");
        longest = len > longest ? len : longest;
        count++;
        hints += len + (hints[len] == ',');
    }
    if (count > GATHER_MAX_HINTS || longest > GATHER_MAX_HINT)
        checker_report(
            c, n, false, 13330,
            "hints holds %zu phrases, the longest of %zu characters: at most %d phrases of "
            "%d characters are used",
            count, longest, GATHER_MAX_HINTS, GATHER_MAX_HINT);
}

static void gather_check(const struct node *n, struct checker *c)
{
    const struct gather_args *args = n->args;

    if (args->action_on_empty)
        checker_unreachable(c, n, "with actionOnEmptyResult always goes on with its action");
    if (args->hints != NULL)
        gather_check_hints(n, c, args->hints);
}

enum {
    GATHER_MOST_DIGITS = 1000, /* a caller who never stops is not unlimited */
    GATHER_AUTO_MS = 5000,     /* timeout="auto" concerns speech; keys get the ordinary time */
};

struct gather {
    char digits[GATHER_MOST_DIGITS + 1];
    int count;
    uint32_t prompts, timer; /* requests; 0: not pending */
};

static int64_t gather_timeout_ms(const struct gather_args *args)
{
    return args->timeout == ATTR_IS_AUTO ? GATHER_AUTO_MS : (int64_t)args->timeout * 1000;
}

/* Nothing was collected, or there is enough: the end, with or without the action. */
static enum verb_result gather_finish(struct activation *a, struct gather *g, const char *key)
{
    const struct gather_args *args = activation_args(a);

    if (g->count == 0 && !args->action_on_empty)
        return VERB_DONE;
    session_go_param(a, "Digits", g->digits);
    if (key != NULL)
        session_go_param(a, "FinishedOnKey", key);
    session_go_param(a, "msg", "Gather End");
    return session_go(a, args->action, args->method);
}

/* The time for the next key begins anew. */
static enum verb_result gather_wait(struct activation *a, struct gather *g)
{
    session_cancel(a, g->timer);
    g->timer = session_timer(a, gather_timeout_ms(activation_args(a)));
    return g->timer != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result gather_start(struct activation *a, const void *v, void *state)
{
    const struct gather_args *args = v;
    struct gather *g = state;

    if ((args->input & GATHER_SPEECH) != 0)
        session_warn(a, 13326,
                     "this version of Almon recognises no speech: only keys are collected");
    g->prompts = session_run_children(a);
    return g->prompts != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result gather_key(struct activation *a, struct gather *g, char key)
{
    const struct gather_args *args = activation_args(a);
    const char finish[2] = {key, '\0'};

    if ((args->input & GATHER_DTMF) == 0)
        return VERB_PASS;
    if (args->barge_in) {
        session_cancel(a, g->prompts);
        g->prompts = 0;
    }
    if (args->finish_on_key[0] == key)
        return gather_finish(a, g, finish);
    if (g->count < GATHER_MOST_DIGITS)
        g->digits[g->count++] = key;
    if (g->count == args->num_digits || g->count == GATHER_MOST_DIGITS)
        return gather_finish(a, g, NULL);
    /* Without barge-in the prompts go on, and the time runs from their end. */
    return g->prompts != 0 ? VERB_WAIT : gather_wait(a, g);
}

static enum verb_result gather_on_event(struct activation *a, void *state, const struct event *ev)
{
    struct gather *g = state;

    switch (ev->type) {
    case EVENT_CHILDREN:
        g->prompts = 0;
        return gather_wait(a, g);
    case EVENT_TIMER:
        g->timer = 0;
        return gather_finish(a, g, NULL);
    case EVENT_DIGIT:
        return gather_key(a, g, ev->digit.key);
    default:
        return VERB_PASS;
    }
}

const struct verb verb_gather = {
    .schema =
        {
            .name = "Gather",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE,
            .attrs = gather_attrs,
            .args_size = sizeof(struct gather_args),
            .nested_code = 13320,
            .check = gather_check,
            .text =
                "Collects digits or speech while its prompts play, and hands them to its action.",
        },
    .state_size = sizeof(struct gather),
    .start = gather_start,
    .on_event = gather_on_event,
};
