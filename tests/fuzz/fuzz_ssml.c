/* Any bytes as pieces of speech: what the engine is told may hold no tag, entity or phoneme that is
 * not our own, whatever the text, the reading and the manner. And any bytes as what an engine says:
 * WAV. The first byte of each line chooses: a word of a list, a field, or text. */
#include "base/mem.h"
#include "base/str.h"
#include "speech/plan.h"
#include "speech/voices.h"
#include "speech/wav.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char *const readings[] = {
    NULL,   "characters", "spell-out", "cardinal", "number",    "ordinal",   "digits",  "fraction",
    "unit", "date",       "time",      "address",  "expletive", "telephone", "nonsense"};
static const char *const formats[] = {NULL, "mdy", "dmy", "ymd", "md", "dm",
                                      "ym", "my",  "d",   "m",   "y",  "yyyymmdd"};

enum { MAX_PIECES = 64 };

static bool starts(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

static bool is_our_tag(const char *at)
{
    static const char *const tags[] = {"<prosody ",   "</prosody>",     "<emphasis level=\"",
                                       "</emphasis>", "<break time=\"", "</s>"};

    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (starts(at, tags[i]))
            return true;
    }
    return false;
}

static void check_markup(const char *at, bool phonemes)
{
    for (; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < ' ' || c == 0x7f)
            abort();
        if (c == '<' && !is_our_tag(at))
            abort();
        if (c == '&' && !starts(at, "&amp;") && !starts(at, "&lt;") && !starts(at, "&gt;"))
            abort();
        if (c == '[' && at[1] == '[' && !phonemes)
            abort();
    }
}

static void check_plan(const struct plan *p, bool phonemes)
{
    size_t spoken = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct plan_run *r = &p->runs[i];

        if (r->ssml == NULL && r->silence_ms <= 0)
            abort();
        if (r->ssml == NULL)
            continue;
        spoken++;
        check_markup(r->ssml, phonemes);
        if (strspn(r->voice, "abcdefghijklmnopqrstuvwxyz0123456789-+") != strlen(r->voice))
            abort();
    }
    if (spoken > PLAN_MAX_RUNS)
        abort();
}

/* A line is one field of the piece under construction, or ends it. True when the piece is done. */
static bool take_line(struct speech_piece *p, char *line, size_t n)
{
    unsigned pick = n > 1 ? (unsigned char)line[1] : 0;
    char *rest = n > 0 ? line + 1 : line;

    switch (line[0]) {
    case 'r':
        p->rate = rest;
        return false;
    case 'p':
        p->pitch = rest;
        return false;
    case 'v':
        p->volume = rest;
        return false;
    case 'e':
        p->emphasis = rest;
        return false;
    case 'l':
        p->lang = rest;
        return false;
    case 'h':
        p->phoneme = rest;
        return false;
    case 'x':
        p->alphabet = "x-sampa";
        return false;
    case 'a':
        p->interpret_as = readings[pick % (sizeof readings / sizeof *readings)];
        return false;
    case 'f':
        p->format = formats[pick % (sizeof formats / sizeof *formats)];
        return false;
    case 'b':
        p->kind = PIECE_BREAK;
        p->break_ms = atoi(rest);
        return true;
    default:
        p->text = rest;
        return true;
    }
}

static void try_plan(char *bytes)
{
    struct speech_piece pieces[MAX_PIECES] = {{0}};
    struct utterance u = {.pieces = pieces};
    struct error err = {0};
    struct plan plan;
    bool phonemes = false;
    char key[PLAN_KEY_SIZE];

    while (*bytes != '\0' && u.count < MAX_PIECES) {
        size_t n = strcspn(bytes, "\n");
        char *next = bytes + n + (bytes[n] == '\n');
        struct speech_piece *p = &pieces[u.count];

        bytes[n] = '\0';
        if (take_line(p, bytes, n)) {
            phonemes |= p->phoneme != NULL || p->interpret_as != NULL;
            u.count++;
        }
        bytes = next;
    }
    if (plan_make(&plan, &u, &err) == 0) {
        check_plan(&plan, phonemes);
        plan_key(&plan, "1", key);
        plan_free(&plan);
    } else if (err.text[0] == '\0') {
        abort();
    }
}

static void try_wav(const unsigned char *data, size_t size)
{
    int16_t *samples;
    struct wav w;

    if (wav_parse(&w, data, size, NULL) != 0 || (samples = malloc(w.samples * 2 + 1)) == NULL)
        return;
    wav_samples(&w, data, samples);
    free(samples);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text;

    voices_read(" 2 en-us x\n 5 de x\n 5 fr-fr x\n");
    try_wav(data, size);
    text = mem_strndup((const char *)data, size);
    if (text != NULL)
        try_plan(text);
    mem_free(text);
    return 0;
}
