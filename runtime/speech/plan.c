#include "speech/plan.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "speech/manner.h"
#include "speech/phoneme.h"
#include "speech/say_as.h"
#include "speech/voices.h"
#include <openssl/sha.h>
#include <string.h>

enum {
    MAX_MARKUP = 512 * 1024, /* of one run: 4096 characters written out and escaped */
    MAX_ARENA = 4 << 20,
};

struct builder {
    struct plan *plan;
    const struct utterance *u;
    struct speech_voice base;
    struct str text;                                      /* the run being written */
    char voice[sizeof((struct speech_voice *)0)->espeak]; /* and who speaks it */
    size_t room, spoken; /* places in plan->runs; runs that are spoken */
    bool nomem;
};

/* --- escaping --- */

static void add_escaped(struct str *out, uint32_t c, uint32_t before)
{
    char bytes[UTF8_MAX];

    switch (c) {
    case '&':
        str_add(out, "&amp;");
        break;
    case '<':
        str_add(out, "&lt;");
        break;
    case '>':
        str_add(out, "&gt;");
        break;
    case '[': /* two of them would begin phonemes */
        str_add(out, before == '[' ? " [" : "[");
        break;
    default:
        str_addn(out, bytes, utf8_write(bytes, c));
    }
}

void plan_escape(struct str *out, const char *text)
{
    uint32_t before = out->len > 0 ? (unsigned char)out->data[out->len - 1] : 0;

    while (*text != '\0') {
        uint32_t c = utf8_read(&text);

        if (!utf8_is_speakable(c))
            c = ' ';
        if (c != ' ' || before != ' ')
            add_escaped(out, c, before);
        before = c;
    }
}

size_t plan_characters(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; n++)
        utf8_read(&text);
    return n;
}

/* --- runs --- */

static struct plan_run *add_run(struct builder *b)
{
    struct plan *p = b->plan;

    /* Every break may part two runs, and each piece may have a voice of its own. */
    if (p->runs == NULL) {
        b->room = 2 * b->u->count + 1;
        p->runs = arena_alloc(&p->arena, b->room * sizeof *p->runs);
    }
    if (p->runs == NULL || p->count == b->room) {
        b->nomem = true;
        return NULL;
    }
    return &p->runs[p->count++];
}

/* The last character that is heard, 0 when there is none; a character written as an entity counts
 * as '&'. */
static char last_heard(const struct str *text)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;"};
    size_t n = text->len;

    while (n > 0 && (text->data[n - 1] == ' ' || text->data[n - 1] == '>')) {
        if (text->data[--n] == '>') /* one of our own tags: others are escaped */
            while (n > 0 && text->data[n] != '<')
                n--;
    }
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(entities[i]);

        if (n >= len && memcmp(text->data + n - len, entities[i], len) == 0)
            return '&';
    }
    return n > 0 ? text->data[n - 1] : 0;
}

/* A run that ends before a pause in the middle of a sentence shall not sound like its end. */
static void suspend_voice(struct str *text)
{
    char c = last_heard(text);

    if (c != 0 && strchr(".,;:!?", c) == NULL)
        str_addc(text, ',');
}

/* The engine loses a manner that begins or ends right behind the end of a sentence, which it reads
 * with the spaces that follow; told once more that the sentence is over, it does not. */
static void part_sentence(struct str *text)
{
    char c = last_heard(text);

    if (c != 0 && strchr(".;:!?", c) != NULL)
        str_add(text, "</s>");
}

static void close_run(struct builder *b, bool goes_on)
{
    struct plan_run *r;

    if (b->text.len > 0 && strspn(b->text.data, " ") < b->text.len) {
        if (goes_on)
            suspend_voice(&b->text);
        r = add_run(b);
        if (r != NULL) {
            r->ssml = arena_strdup(&b->plan->arena, str_text(&b->text));
            r->voice = arena_strdup(&b->plan->arena, b->voice);
            b->nomem |= b->text.failed || r->ssml == NULL || r->voice == NULL;
        }
        b->spoken++;
    }
    b->nomem |= b->text.failed;
    str_reset(&b->text);
}

static void add_break(struct builder *b, int ms)
{
    struct plan *p = b->plan;
    struct plan_run *r;

    if (ms <= 0)
        return;
    if (ms > PLAN_MAX_BREAK_MS)
        ms = PLAN_MAX_BREAK_MS;
    if (b->spoken + 1 >= PLAN_MAX_RUNS && b->text.len > 0) {
        str_addf(&b->text, "<break time=\"%dms\"/>", ms);
        return;
    }
    close_run(b, true);
    r = p->count > 0 && p->runs[p->count - 1].ssml == NULL ? &p->runs[p->count - 1] : add_run(b);
    if (r != NULL)
        r->silence_ms += ms;
}

/* --- text --- */

/* Spelled words, one by one. A lone 'A' is an article to the engine, whatever its case. */
static void add_letters(struct str *out, const char *words)
{
    while (*words != '\0') {
        size_t n = strcspn(words, " ");
        char word[8] = "";

        if (n == 1 && *words == 'A') {
            str_add(out, "[['eI]]");
        } else if (n < sizeof word) {
            memcpy(word, words, n);
            plan_escape(out, word);
        } else {
            str_addn(out, words, n); /* the name of a sign: plain letters */
        }
        words += n;
        if (*words == ' ') {
            str_addc(out, ' ');
            words++;
        }
    }
}

static bool is_spelled(const char *as)
{
    return strcmp(as, "characters") == 0 || strcmp(as, "spell-out") == 0;
}

static void add_words(struct builder *b, const struct speech_piece *piece, bool english)
{
    struct str words = STR_INIT(MAX_MARKUP / 4);

    if (piece->phoneme != NULL && english &&
        phoneme_to_engine(&b->text, piece->alphabet, piece->phoneme))
        return;
    if (piece->interpret_as != NULL) {
        say_as(&words, piece->text, piece->interpret_as, piece->format, english);
        if (english && is_spelled(piece->interpret_as))
            add_letters(&b->text, str_text(&words));
        else
            plan_escape(&b->text, str_text(&words));
    } else {
        plan_escape(&b->text, piece->text);
    }
    b->nomem |= words.failed;
    str_free(&words);
}

static void add_text(struct builder *b, const struct speech_piece *piece)
{
    char engine[sizeof b->voice] = "", voice[sizeof b->voice];
    struct manner m;

    /* What cannot be spoken in its own language is read by the voice that is speaking. */
    if (piece->lang != NULL && voices_language(piece->lang, engine, sizeof engine / 2, NULL) == 0)
        snprintf(voice, sizeof voice, "%.40s%s", engine, b->base.sex == 'f' ? "+f2" : "");
    else
        str_copy(voice, sizeof voice, b->base.espeak);
    if (strcmp(voice, b->voice) != 0 && b->spoken + 1 < PLAN_MAX_RUNS) {
        close_run(b, false);
        str_copy(b->voice, sizeof b->voice, voice);
    }
    manner_read(&m, piece);
    if (!manner_is_usual(&m))
        part_sentence(&b->text);
    manner_open(&m, &b->text);
    add_words(b, piece, voices_is_english(piece->lang != NULL ? piece->lang : b->base.language));
    manner_close(&m, &b->text);
    if (!manner_is_usual(&m))
        part_sentence(&b->text);
}

static int check_length(const struct utterance *u, struct error *err)
{
    size_t characters = 0;
    bool something = false;

    for (size_t i = 0; i < u->count; i++) {
        const struct speech_piece *p = &u->pieces[i];

        if (p->kind == PIECE_BREAK) {
            something |= p->break_ms > 0;
            continue;
        }
        characters += plan_characters(p->text);
        something |= strspn(p->text, " \t\r\n") < strlen(p->text);
        if (characters > SPEECH_MAX_TEXT)
            return error_set_twilio(err, ERR_LIMIT, 13521,
                                    "the text to say is longer than %d characters; part it over "
                                    "several Says",
                                    SPEECH_MAX_TEXT);
    }
    if (!something)
        return error_set_twilio(err, ERR_INVALID, 13520,
                                "there is nothing to say; write text between <Say> and </Say>");
    return 0;
}

int plan_make(struct plan *p, const struct utterance *u, struct error *err)
{
    struct builder b = {.plan = p, .u = u, .text = STR_INIT(MAX_MARKUP)};
    int rc = check_length(u, err);

    memset(p, 0, sizeof *p);
    if (rc == 0)
        rc = speech_pick(u->voice, u->language, &b.base, err);
    if (rc != 0)
        return rc;
    arena_init(&p->arena, 2048, MAX_ARENA);
    str_copy(b.voice, sizeof b.voice, b.base.espeak);
    for (size_t i = 0; i < u->count; i++) {
        if (u->pieces[i].kind == PIECE_BREAK)
            add_break(&b, u->pieces[i].break_ms);
        else
            add_text(&b, &u->pieces[i]);
    }
    close_run(&b, false);
    str_free(&b.text);
    if (b.nomem) {
        plan_free(p);
        return error_nomem(err);
    }
    return 0;
}

void plan_free(struct plan *p)
{
    arena_free(&p->arena);
    memset(p, 0, sizeof *p);
}

void plan_key(const struct plan *p, const char *engine, char key[PLAN_KEY_SIZE])
{
    unsigned char hash[SHA256_DIGEST_LENGTH] = {0};

    /* Chained, so that nothing has to be put together in memory first: each step hashes the last
     * hash and one part's own. */
    SHA256((const unsigned char *)engine, strlen(engine), hash);
    for (size_t i = 0; i < p->count; i++) {
        const struct plan_run *r = &p->runs[i];
        unsigned char step[2 * SHA256_DIGEST_LENGTH + 64] = {0};
        unsigned char *tail = step + 2 * SHA256_DIGEST_LENGTH;

        memcpy(step, hash, sizeof hash);
        if (r->ssml != NULL) {
            SHA256((const unsigned char *)r->ssml, strlen(r->ssml), step + sizeof hash);
            str_copy((char *)tail, 64, r->voice);
        } else {
            snprintf((char *)tail, 64, "silence %d", r->silence_ms);
        }
        SHA256(step, sizeof step, hash);
    }
    for (size_t i = 0; i < (PLAN_KEY_SIZE - 1) / 2; i++)
        snprintf(key + 2 * i, 3, "%02x", hash[i]);
}
