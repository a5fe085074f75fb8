/* SSML: the elements that may stand among the words of a Say. They are no verbs: Say flattens them
 * into pieces, each a run of text with its manner of speaking. */
#include "verbs/ssml.h"
#include "base/error.h"
#include "base/str.h"
#include "verbs/verbs.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the tables --- */

static const char *const in_most[] = {"Say", "emphasis", "lang", "p", "prosody", "s", "w", NULL};
static const char *const in_sentences[] = {"Say", "emphasis", "lang", "p", "prosody", "s", NULL};
static const char *const in_paragraphs[] = {"Say", "lang", "p", "prosody", NULL};
static const char *const in_texts[] = {"Say", "lang", "prosody", NULL};

/* A number and one of the units (separated by spaces in `units`). */
static bool is_amount(const char *value, const char *units)
{
    char *unit;
    size_t n;
    double number = strtod(value, &unit);

    if (unit == value || !isfinite(number) ||
        strspn(value, "+-.0123456789") < (size_t)(unit - value))
        return false;
    n = strlen(unit);
    for (const char *u = units; n > 0 && *u != '\0'; u += *u == ' ') {
        size_t len = strcspn(u, " ");

        if (len == n && strncmp(u, unit, n) == 0)
            return true;
        u += len;
    }
    return false;
}

static bool is_word(const char *value, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, value) == 0)
            return true;
    }
    return false;
}

/* What the prosody and break tables cannot say: a word of the list, or an amount. */
static void check_value(const struct node *n, struct checker *c, const char *name,
                        const char *value, const char *const *words, const char *units)
{
    if (value == NULL || (words != NULL && is_word(value, words)) || is_amount(value, units))
        return;
    checker_report(c, n, false, 12200, "%s=\"%.40s\" in <%s> is no %s: it is left out", name, value,
                   n->schema->name,
                   words != NULL ? "word of the list, nor a number with its unit"
                                 : "time: write 500ms or 2s");
}

static const char *const strengths[] = {"none",   "x-weak",   "weak", "medium",
                                        "strong", "x-strong", NULL};
/* What each strength lasts. */
static const int strength_ms[] = {0, 100, 250, 400, 700, 1000};
enum { STRENGTH_MEDIUM = 3 };

struct break_args {
    int strength;
    const char *time;
};

static const struct attr break_attrs[] = {
    {.name = "strength",
     .type = ATTR_CHOICE,
     .choices = strengths,
     .offset = offsetof(struct break_args, strength),
     .text = "How long a pause, in words: 0, 0.1, 0.25, 0.4, 0.7 and 1 s; medium when nothing is "
             "said."},
    {.name = "time",
     .type = ATTR_STR,
     .offset = offsetof(struct break_args, time),
     .text = "How long a pause: 500ms, 2s; 10 s at most. Stronger than strength."},
    {0},
};

static void break_check(const struct node *n, struct checker *c)
{
    const struct break_args *args = n->args;

    check_value(n, c, "time", args->time, NULL, "s ms");
}

const struct verb verb_ssml_break = {
    .schema = {.name = "break",
               .parents = in_most,
               .flags = SCHEMA_VOICE,
               .attrs = break_attrs,
               .args_size = sizeof(struct break_args),
               .check = break_check,
               .text = "A pause."},
};

static const char *const levels[] = {"strong", "moderate", "reduced", NULL};

struct emphasis_args {
    int level;
};

static const struct attr emphasis_attrs[] = {
    {.name = "level",
     .type = ATTR_CHOICE,
     .def = "moderate",
     .choices = levels,
     .offset = offsetof(struct emphasis_args, level),
     .text = "How much the words stand out."},
    {0},
};

const struct verb verb_ssml_emphasis = {
    .schema = {.name = "emphasis",
               .parents = in_most,
               .flags = SCHEMA_VOICE | SCHEMA_MIXED,
               .attrs = emphasis_attrs,
               .args_size = sizeof(struct emphasis_args),
               .text = "Words that stand out."},
};

static const char *const languages[] = {
    "arb",       "ar-AE", "ca-ES", "cmn-CN", "cy-GB", "da-DK", "de-DE",  "de-AT", "en-AU", "en-GB",
    "en-GB-WLS", "en-IN", "en-NZ", "en-US",  "en-ZA", "es-ES", "es-MX",  "es-US", "fi-FI", "fr-CA",
    "fr-FR",     "he-IL", "hi-IN", "is-IS",  "it-IT", "ja-JP", "ko-KR",  "nb-NO", "nl-NL", "pl-PL",
    "pt-BR",     "pt-PT", "ro-RO", "ru-RU",  "sv-SE", "tr-TR", "yue-CN", NULL};

struct lang_args {
    const char *lang;
};

static const struct attr lang_attrs[] = {
    {.name = "xml:lang",
     .type = ATTR_CHOICE,
     .choices = languages,
     .open = true,
     .offset = offsetof(struct lang_args, lang),
     .text = "Language of the words inside; read by a voice of that language where one is "
             "installed."},
    {0},
};

const struct verb verb_ssml_lang = {
    .schema = {.name = "lang",
               .parents = in_sentences,
               .flags = SCHEMA_VOICE | SCHEMA_MIXED,
               .attrs = lang_attrs,
               .args_size = sizeof(struct lang_args),
               .text = "Words in another language."},
};

const struct verb verb_ssml_p = {
    .schema = {.name = "p",
               .parents = in_texts,
               .flags = SCHEMA_VOICE | SCHEMA_MIXED,
               .text = "A paragraph: a longer pause before and after."},
};

const struct verb verb_ssml_s = {
    .schema = {.name = "s",
               .parents = in_paragraphs,
               .flags = SCHEMA_VOICE | SCHEMA_MIXED,
               .text = "A sentence: read as if it ended with a full stop."},
};

static const char *const alphabets[] = {"ipa",
                                        "x-sampa",
                                        "x-amazon-jyutping",
                                        "x-amazon-pinyin",
                                        "x-amazon-pron-kana",
                                        "x-amazon-yomigana",
                                        NULL};

struct phoneme_args {
    int alphabet;
    const char *ph;
};

static const struct attr phoneme_attrs[] = {
    {.name = "alphabet",
     .type = ATTR_CHOICE,
     .def = "ipa",
     .choices = alphabets,
     .offset = offsetof(struct phoneme_args, alphabet),
     .text = "The signs that ph is written in. With others than ipa and x-sampa the text is read."},
    {.name = "ph",
     .type = ATTR_STR,
     .offset = offsetof(struct phoneme_args, ph),
     .text = "How the text is pronounced."},
    {0},
};

const struct verb verb_ssml_phoneme = {
    .schema = {.name = "phoneme",
               .parents = in_most,
               .flags = SCHEMA_VOICE | SCHEMA_TEXT,
               .attrs = phoneme_attrs,
               .args_size = sizeof(struct phoneme_args),
               .text = "A pronunciation, sound by sound."},
};

static const char *const volumes[] = {"default", "silent", "x-soft", "soft",
                                      "medium",  "loud",   "x-loud", NULL};
static const char *const rates[] = {"default", "x-slow", "slow", "medium", "fast", "x-fast", NULL};
static const char *const pitches[] = {"default", "x-low", "low", "medium", "high", "x-high", NULL};

struct prosody_args {
    const char *volume, *rate, *pitch;
};

static const struct attr prosody_attrs[] = {
    {.name = "volume",
     .type = ATTR_CHOICE,
     .choices = volumes,
     .open = true,
     .offset = offsetof(struct prosody_args, volume),
     .text = "How loud: a word, or louder and softer in decibels, as in +6dB."},
    {.name = "rate",
     .type = ATTR_CHOICE,
     .choices = rates,
     .open = true,
     .offset = offsetof(struct prosody_args, rate),
     .text = "How fast: a word, or a part of the usual, as in 80%."},
    {.name = "pitch",
     .type = ATTR_CHOICE,
     .choices = pitches,
     .open = true,
     .offset = offsetof(struct prosody_args, pitch),
     .text = "How high: a word, or a change, as in +10%."},
    {0},
};

static void prosody_check(const struct node *n, struct checker *c)
{
    const struct prosody_args *args = n->args;

    check_value(n, c, "volume", args->volume, volumes, "dB");
    check_value(n, c, "rate", args->rate, rates, "%");
    check_value(n, c, "pitch", args->pitch, pitches, "% st");
}

const struct verb verb_ssml_prosody = {
    .schema = {.name = "prosody",
               .parents = in_most,
               .flags = SCHEMA_VOICE | SCHEMA_MIXED,
               .attrs = prosody_attrs,
               .args_size = sizeof(struct prosody_args),
               .check = prosody_check,
               .text = "Words louder, faster or higher than the others."},
};

static const char *const readings[] = {"characters", "spell-out", "cardinal",  "number", "ordinal",
                                       "digits",     "fraction",  "unit",      "date",   "time",
                                       "address",    "expletive", "telephone", NULL};
static const char *const formats[] = {"mdy", "dmy", "ymd", "md", "dm",       "ym",
                                      "my",  "d",   "m",   "y",  "yyyymmdd", NULL};

struct say_as_args {
    int interpret_as, format;
};

static const struct attr say_as_attrs[] = {
    {.name = "interpret-as",
     .type = ATTR_CHOICE,
     .choices = readings,
     .offset = offsetof(struct say_as_args, interpret_as),
     .text = "What the text is, and so how it is read."},
    {.name = "format",
     .type = ATTR_CHOICE,
     .choices = formats,
     .offset = offsetof(struct say_as_args, format),
     .text = "For dates: the order of month, day and year."},
    {0},
};

const struct verb verb_ssml_say_as = {
    .schema = {.name = "say-as",
               .parents = in_most,
               .flags = SCHEMA_VOICE | SCHEMA_TEXT,
               .attrs = say_as_attrs,
               .args_size = sizeof(struct say_as_args),
               .text = "Text read as a number, a date, letter by letter."},
};

struct sub_args {
    const char *alias;
};

static const struct attr sub_attrs[] = {
    {.name = "alias",
     .type = ATTR_STR,
     .offset = offsetof(struct sub_args, alias),
     .text = "What is said in place of the text."},
    {0},
};

const struct verb verb_ssml_sub = {
    .schema = {.name = "sub",
               .parents = in_most,
               .flags = SCHEMA_VOICE | SCHEMA_TEXT,
               .attrs = sub_attrs,
               .args_size = sizeof(struct sub_args),
               .text = "Text that is said in other words."},
};

struct w_args {
    const char *role;
};

static const struct attr w_attrs[] = {
    {.name = "role",
     .type = ATTR_STR,
     .offset = offsetof(struct w_args, role),
     .text = "Which reading of the word is meant; taken for granted here."},
    {0},
};

const struct verb verb_ssml_w = {
    .schema = {.name = "w",
               .parents = in_sentences,
               .flags = SCHEMA_VOICE | SCHEMA_MIXED,
               .attrs = w_attrs,
               .args_size = sizeof(struct w_args),
               .text = "A word with more than one reading."},
};

/* --- flattening --- */

enum {
    PARAGRAPH_MS = 600,
    MOST_BREAK_MS = 10000,
    DEEPEST = 2 * DOCUMENT_MAX_DEPTH, /* documents are less deep; trees made by hand may not be */
};

struct flat {
    struct speech_piece *pieces;
    size_t count, room;
    int pause_ms; /* of a paragraph's edge, made when more words follow */
    bool nomem;
};

static void flatten(struct flat *f, const struct node *n, struct speech_piece manner, int depth);

static bool is(const struct node *n, const struct verb *v)
{
    return n->schema == &v->schema;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static void append(struct flat *f, const struct speech_piece *piece)
{
    if (f->count == f->room)
        f->nomem = true;
    else
        f->pieces[f->count++] = *piece;
}

static void add_break(struct flat *f, int ms)
{
    struct speech_piece piece = {.kind = PIECE_BREAK, .break_ms = ms};

    f->pause_ms = 0;
    if (ms > 0)
        append(f, &piece);
}

static void add_text(struct flat *f, const struct speech_piece *manner, const char *text)
{
    struct speech_piece piece = *manner;

    if (*text == '\0')
        return;
    piece.kind = PIECE_TEXT;
    piece.text = is_blank(text) ? " " : text;
    if (f->pause_ms > 0 && !is_blank(text))
        add_break(f, f->pause_ms);
    append(f, &piece);
}

/* The edge of a paragraph: nothing at the very beginning, and nothing beside a pause that the
 * author chose. */
static void edge(struct flat *f)
{
    for (size_t i = f->count; i-- > 0;) {
        if (f->pieces[i].kind == PIECE_BREAK)
            return;
        if (!is_blank(f->pieces[i].text)) {
            f->pause_ms = PARAGRAPH_MS;
            return;
        }
    }
}

/* A sentence without its full stop gets one, so that it sounds like one. */
static void end_sentence(struct flat *f, size_t first, const struct speech_piece *manner)
{
    for (size_t i = f->count; i-- > first;) {
        const char *text = f->pieces[i].text;
        size_t n;

        if (f->pieces[i].kind == PIECE_BREAK)
            return;
        for (n = strlen(text); n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL; n--)
            ;
        if (n == 0)
            continue;
        if (strchr(".!?:;", text[n - 1]) == NULL)
            add_text(f, manner, ".");
        break;
    }
    add_text(f, manner, " ");
}

static int break_ms(const struct break_args *args)
{
    char *unit;
    double ms;

    if (args->time == NULL || !is_amount(args->time, "s ms"))
        return strength_ms[args->strength >= 0 ? args->strength : STRENGTH_MEDIUM];
    ms = strtod(args->time, &unit);
    if (strcmp(unit, "s") == 0)
        ms *= 1000;
    return ms <= 0 ? 0 : ms > MOST_BREAK_MS ? MOST_BREAK_MS : (int)lround(ms);
}

static void flatten_children(struct flat *f, const struct node *n,
                             const struct speech_piece *manner, int depth)
{
    if (n->children == NULL)
        add_text(f, manner, n->text);
    for (const struct node *c = n->children; c != NULL; c = c->next)
        flatten(f, c, *manner, depth + 1);
}

static void flatten_say_as(struct flat *f, const struct node *n, struct speech_piece manner)
{
    const struct say_as_args *args = n->args;

    if (args->interpret_as >= 0)
        manner.interpret_as = readings[args->interpret_as];
    if (args->format >= 0)
        manner.format = formats[args->format];
    add_text(f, &manner, n->text);
}

static void flatten_phoneme(struct flat *f, const struct node *n, struct speech_piece manner)
{
    const struct phoneme_args *args = n->args;

    manner.alphabet = alphabets[args->alphabet >= 0 ? args->alphabet : 0];
    manner.phoneme = args->ph;
    /* An empty element has its sound only: something must stand for it in a transcript. */
    add_text(f, &manner, *n->text != '\0' || args->ph == NULL ? n->text : args->ph);
}

static void take_prosody(struct speech_piece *manner, const struct prosody_args *args)
{
    if (args->volume != NULL)
        manner->volume = args->volume;
    if (args->rate != NULL)
        manner->rate = args->rate;
    if (args->pitch != NULL)
        manner->pitch = args->pitch;
}

/* `manner` is a copy: what an element changes ends with it. */
static void flatten(struct flat *f, const struct node *n, struct speech_piece manner, int depth)
{
    size_t first = f->count;

    if (n->schema == NULL) {
        add_text(f, &manner, n->text);
        return;
    }
    if (depth > DEEPEST)
        return;
    if (is(n, &verb_ssml_break)) {
        add_break(f, break_ms(n->args));
        return;
    }
    if (is(n, &verb_ssml_say_as)) {
        flatten_say_as(f, n, manner);
        return;
    }
    if (is(n, &verb_ssml_phoneme)) {
        flatten_phoneme(f, n, manner);
        return;
    }
    if (is(n, &verb_ssml_sub)) {
        const struct sub_args *args = n->args;

        add_text(f, &manner, args->alias != NULL ? args->alias : n->text);
        return;
    }
    if (is(n, &verb_ssml_emphasis))
        manner.emphasis = levels[((const struct emphasis_args *)n->args)->level];
    else if (is(n, &verb_ssml_lang) && ((const struct lang_args *)n->args)->lang != NULL)
        manner.lang = ((const struct lang_args *)n->args)->lang;
    else if (is(n, &verb_ssml_prosody))
        take_prosody(&manner, n->args);
    else if (is(n, &verb_ssml_p))
        edge(f);
    flatten_children(f, n, &manner, depth);
    if (is(n, &verb_ssml_p))
        edge(f);
    else if (is(n, &verb_ssml_s))
        end_sentence(f, first, &manner);
}

/* Each node gives at most a pause, its text, a full stop and a space. */
static size_t most_pieces(const struct node *n, int depth)
{
    size_t count = 4;

    for (const struct node *c = n->children; c != NULL && depth <= DEEPEST; c = c->next)
        count += most_pieces(c, depth + 1);
    return count;
}

static size_t count_characters(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static int check_bounds(const struct flat *f, struct error *err)
{
    size_t characters = 0;
    bool something = false;

    for (size_t i = 0; i < f->count; i++) {
        bool words = f->pieces[i].kind == PIECE_TEXT;

        something |= !words || !is_blank(f->pieces[i].text);
        characters += words ? count_characters(f->pieces[i].text) : 0;
    }
    if (characters > SPEECH_MAX_TEXT)
        return error_set_twilio(err, ERR_LIMIT, 13521,
                                "<Say> has %zu characters, %d are the most: part the text over "
                                "several <Say>",
                                characters, SPEECH_MAX_TEXT);
    if (!something)
        return error_set_twilio(err, ERR_INVALID, 13520,
                                "<Say> has no text to speak: write it between the tags");
    return 0;
}

int ssml_flatten(const struct node *say, struct arena *arena, struct speech_piece **pieces,
                 size_t *count, struct error *err)
{
    struct speech_piece manner = {.kind = PIECE_TEXT};
    struct flat f = {.room = most_pieces(say, 0)};
    int rc;

    f.pieces = arena_alloc(arena, f.room * sizeof *f.pieces);
    if (f.pieces == NULL)
        return error_nomem(err);
    flatten_children(&f, say, &manner, 0);
    rc = f.nomem ? error_nomem(err) : check_bounds(&f, err);
    if (rc != 0)
        return rc;
    *pieces = f.pieces;
    *count = f.count;
    return 0;
}
