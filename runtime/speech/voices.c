#include "speech/voices.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "speech/espeak.h"
#include "speech/speech.h"
#include <ctype.h>
#include <string.h>

enum { MAX_INSTALLED = 256, TAG_SIZE = 24 };

/* What the engine has, asked once. Fixed in size: there is nothing to free. */
static struct {
    bool asked;
    size_t count;
    char tags[MAX_INSTALLED][TAG_SIZE];
} installed;

/* Tags that are called otherwise by the engine, or spoken by a relative of the same language.
 * Looked up whole first, then without its last part, and so on: "es-MX" before "es". */
static const struct {
    const char *tag, *engine;
} known[] = {
    {"en", "en-us"},     {"en-ca", "en-us"},  {"en-au", "en-gb"},  {"en-nz", "en-gb"},
    {"en-za", "en-gb"},  {"en-in", "en-gb"},  {"en-ie", "en-gb"},  {"en-gb-wls", "en-gb"},
    {"es-es", "es"},     {"es-mx", "es-419"}, {"es-us", "es-419"}, {"es-ar", "es-419"},
    {"es-co", "es-419"}, {"es-cl", "es-419"}, {"es-pe", "es-419"}, {"es-ve", "es-419"},
    {"es", "es"},        {"fr", "fr-fr"},     {"pt-br", "pt-br"},  {"pt", "pt"},
    {"zh-hk", "yue"},    {"zh", "cmn"},       {"arb", "ar"},       {"no", "nb"},
    {"nn", "nb"},        {"iw", "he"},        {"in", "id"},        {"vi", "vi"},
    {"sr-latn", "sr"},   {"mo", "ro"},
};

/* Languages the engine cannot speak, and whose speakers would understand the most of another. */
static const struct {
    const char *tag, *near;
} neighbours[] = {
    {"fil", "id-ID"},  {"tl", "id-ID"},   {"gl", "pt-PT"}, {"jv", "id-ID"}, {"su", "ms-MY"},
    {"zu", "sw"},      {"xh", "sw"},      {"lo", "th-TH"}, {"km", "th-TH"}, {"mn", "ru-RU"},
    {"yi", "de-DE"},   {"fy", "nl-NL"},   {"fo", "is-IS"}, {"br", "cy-GB"}, {"oc", "ca-ES"},
    {"wuu", "cmn-CN"}, {"nan", "cmn-CN"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void read_line(const char *line, size_t len)
{
    char *tag = installed.tags[installed.count];
    size_t at = 0, n;

    /* " 5  en-us           --/M      English_(America)  gmw/en-US  (en 3)" */
    while (at < len && line[at] == ' ')
        at++;
    if (at == len || !isdigit((unsigned char)line[at]))
        return;
    while (at < len && line[at] != ' ')
        at++;
    while (at < len && line[at] == ' ')
        at++;
    for (n = 0; at < len && line[at] != ' ' && n < TAG_SIZE - 1; at++)
        tag[n++] = (char)tolower((unsigned char)line[at]);
    tag[n] = '\0';
    if (n > 0)
        installed.count++;
}

size_t voices_read(const char *table)
{
    installed.asked = table != NULL;
    installed.count = 0;
    while (table != NULL && *table != '\0' && installed.count < MAX_INSTALLED) {
        size_t len = strcspn(table, "\n");

        read_line(table, len);
        table += len + (table[len] == '\n');
    }
    return installed.count;
}

void voices_ask(void)
{
    struct str table = STR_INIT(VOICES_TABLE_MAX);
    struct error err = {0};

    if (installed.asked)
        return;
    /* Where the engine is missing a flow can still be checked: then every language is believed. */
    if (espeak_voices(&table, &err) != 0)
        log_warn("speech", NULL, "%s", err.text);
    voices_read(str_text(&table));
    str_free(&table);
}

static bool is_installed(const char *tag)
{
    for (size_t i = 0; i < installed.count; i++) {
        if (strcmp(installed.tags[i], tag) == 0)
            return true;
    }
    return installed.count == 0;
}

static bool is_tag(const char *tag)
{
    size_t n = strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    return n >= 2 && n <= 3 && strlen(tag) < sizeof((struct speech_voice *)0)->language &&
           (tag[n] == '\0' || tag[n] == '-') &&
           strspn(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
               strlen(tag);
}

static const char *find_known(const char *tag)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(known[i].tag, tag) == 0 && is_installed(known[i].engine))
            return known[i].engine;
    }
    return installed.count > 0 && is_installed(tag) ? tag : NULL;
}

static const char *nearest_language(const char *tag)
{
    const char *best = "en-US";
    unsigned least = 3;

    for (size_t i = 0; i < COUNT(neighbours); i++) {
        size_t n = strlen(neighbours[i].tag);

        if (strncmp(neighbours[i].tag, tag, n) == 0 && (tag[n] == '\0' || tag[n] == '-'))
            return neighbours[i].near;
    }
    for (size_t i = 0; i < installed.count; i++) {
        unsigned d = str_distance(tag, installed.tags[i]);

        if (d < least) {
            least = d;
            best = installed.tags[i];
        }
    }
    return best;
}

int voices_language(const char *tag, char *out, size_t size, struct error *err)
{
    char lower[TAG_SIZE], shorter[TAG_SIZE], *dash;
    const char *engine;

    voices_ask();
    if (!is_tag(tag))
        return error_set_twilio(err, ERR_INVALID, 13512,
                                "'%.40s' is no language; write one such as 'en-US' or 'de-DE'",
                                tag);
    str_copy(lower, sizeof lower, tag);
    for (char *p = lower; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    str_copy(shorter, sizeof shorter, lower);
    while ((engine = find_known(shorter)) == NULL) {
        dash = strrchr(shorter, '-');
        if (dash == NULL)
            break;
        *dash = '\0';
    }
    if (engine == NULL && installed.count == 0)
        engine = shorter;
    if (engine == NULL)
        return error_set_twilio(err, ERR_MISSING, 13512,
                                "the language '%s' cannot be spoken by what is installed; the "
                                "nearest is '%s'",
                                tag, nearest_language(lower));
    str_copy(out, size, engine);
    return 0;
}

bool voices_is_english(const char *tag)
{
    return strncasecmp(tag, "en", 2) == 0 && (tag[2] == '\0' || tag[2] == '-');
}

/* --- names --- */

struct person {
    char language[sizeof((struct speech_voice *)0)->language];
    char sex;
    char engine[sizeof((struct speech_voice *)0)->espeak]; /* set for the engine's own names */
};

static bool pick_polly(const char *name, struct person *p)
{
    static const char *const suffixes[] = {"", "-Neural", "-Generative", "-Long-Form"};

    for (const struct polly_voice *v = polly_voices; v->name != NULL; v++) {
        size_t n = strlen(v->name);

        if (strncmp(v->name, name, n) != 0)
            continue;
        for (size_t i = 0; i < COUNT(suffixes); i++) {
            if (strcmp(name + n, suffixes[i]) != 0)
                continue;
            str_copy(p->language, sizeof p->language, v->language);
            p->sex = v->sex;
            return true;
        }
    }
    return false;
}

/* "en-US-Chirp3-HD-Kore": language, region, family, voice. */
static bool pick_google(const char *name, struct person *p)
{
    const char *dash = strchr(name, '-'), *end = dash != NULL ? strchr(dash + 1, '-') : NULL;
    const char *last = strrchr(name, '-');

    if (end == NULL || last == end || (size_t)(end - name) >= sizeof p->language)
        return false;
    memcpy(p->language, name, (size_t)(end - name));
    p->language[end - name] = '\0';
    p->sex = google_sex(p->language, last + 1);
    return is_tag(p->language);
}

/* "+m1" to "+m8", "+f1" to "+f5". */
static bool is_variant(const char *v)
{
    return v[0] == '+' && (v[1] == 'm' || v[1] == 'f') && v[2] >= '1' &&
           v[2] <= (v[1] == 'm' ? '8' : '5') && v[3] == '\0';
}

/* "de", "en-us+f3": only what is installed. */
static bool pick_engine(const char *name, struct person *p)
{
    size_t base = strcspn(name, "+");
    char tag[TAG_SIZE];

    voices_ask();
    if (base == 0 || base >= sizeof tag || installed.count == 0)
        return false;
    memcpy(tag, name, base);
    tag[base] = '\0';
    if (!is_installed(tag))
        return false;
    p->sex = 'm';
    if (name[base] == '+') {
        if (!is_variant(name + base))
            return false;
        p->sex = name[base + 1];
    }
    str_copy(p->engine, sizeof p->engine, name);
    str_copy(p->language, sizeof p->language, tag);
    return true;
}

static int unknown_voice(const char *voice, struct error *err)
{
    static const char *const basic[] = {"man", "woman", "alice"};
    char name[40], best[40] = "man";
    unsigned least = 5, d;

    for (size_t i = 0; i < COUNT(basic); i++) {
        if ((d = str_distance(voice, basic[i])) < least) {
            least = d;
            str_copy(best, sizeof best, basic[i]);
        }
    }
    for (const struct polly_voice *v = polly_voices; v->name != NULL; v++) {
        bool bare = strncasecmp(voice, "Polly.", 6) != 0;

        snprintf(name, sizeof name, "Polly.%s", v->name);
        if ((d = str_distance(voice, bare ? v->name : name)) < least) {
            least = d;
            str_copy(best, sizeof best, name);
        }
    }
    if (least < 5)
        return error_set_twilio(err, ERR_MISSING, 13511,
                                "there is no voice '%.60s'; did you mean '%s'?", voice, best);
    return error_set_twilio(err, ERR_MISSING, 13511,
                            "there is no voice '%.60s'; write man, woman, alice, or a name that "
                            "begins with Polly. or Google.",
                            voice);
}

/* "de", "en-gb-scotland", "en-us+f3": what the engine's names look like. */
static bool looks_like_engine(const char *name)
{
    size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyz");
    size_t n = letters + strspn(name + letters, "abcdefghijklmnopqrstuvwxyz0123456789-");

    if (letters < 2 || letters > 3 || (letters == 3 && name[3] != '-' && name[3] != '+') ||
        (n > letters && name[letters] != '-'))
        return false;
    return name[n] == '\0' || is_variant(name + n);
}

static int find_person(const char *voice, struct person *p, bool ask_engine, struct error *err)
{
    bool found;

    memset(p, 0, sizeof *p);
    str_copy(p->language, sizeof p->language, "en-US");
    p->sex = 'f';
    if (strcmp(voice, "woman") == 0 || strcmp(voice, "alice") == 0)
        return 0;
    if (strcmp(voice, "man") == 0) {
        p->sex = 'm';
        return 0;
    }
    if (strncmp(voice, "Polly.", 6) == 0)
        found = pick_polly(voice + 6, p);
    else if (strncmp(voice, "Google.", 7) == 0)
        found = pick_google(voice + 7, p);
    else
        found = ask_engine ? pick_engine(voice, p) : looks_like_engine(voice);
    return found ? 0 : unknown_voice(voice, err);
}

int speech_check_voice(const char *voice, struct error *err)
{
    struct person p;

    return find_person(voice, &p, false, err);
}

int speech_pick(const char *voice, const char *language, struct speech_voice *out,
                struct error *err)
{
    struct person p;
    char engine[TAG_SIZE];
    int rc;

    memset(out, 0, sizeof *out);
    rc = find_person(voice != NULL && *voice != '\0' ? voice : "man", &p, true, err);
    if (rc != 0)
        return rc;
    out->sex = p.sex;
    if (language == NULL || *language == '\0') {
        str_copy(out->language, sizeof out->language, p.language);
        if (p.engine[0] != '\0') {
            str_copy(out->espeak, sizeof out->espeak, p.engine);
            return 0;
        }
        language = p.language;
    }
    rc = voices_language(language, engine, sizeof engine, err);
    if (rc != 0)
        return rc;
    str_copy(out->language, sizeof out->language, language);
    /* The plain voices are men's; f2 is the clearest woman of the variants on a telephone line. */
    snprintf(out->espeak, sizeof out->espeak, "%s%s", engine, p.sex == 'f' ? "+f2" : "");
    return 0;
}
