/* SSML inside Say: from markup to pieces of speech, and what the checker says of it. */
#include "base/str.h"
#include "flow/document.h"
#include "unit.h"
#include "verbs/ssml.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <string.h>

struct said {
    struct str out;
    int codes[8];
    int n_codes;
};

static void on_diag(const struct diag *d, void *arg)
{
    struct said *s = arg;

    if (s->n_codes < 8)
        s->codes[s->n_codes++] = d->code;
}

static void describe(struct str *out, const struct speech_piece *p)
{
    const char *const fields[][2] = {
        {"lang", p->lang},     {"rate", p->rate},         {"pitch", p->pitch},
        {"volume", p->volume}, {"emphasis", p->emphasis}, {"as", p->interpret_as},
        {"format", p->format}, {"alphabet", p->alphabet}, {"ph", p->phoneme},
    };

    if (p->kind == PIECE_BREAK) {
        str_addf(out, "(%d)", p->break_ms);
        return;
    }
    str_addf(out, "[%s", p->text);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i][1] != NULL)
            str_addf(out, " %s=%s", fields[i][0], fields[i][1]);
    }
    str_add(out, "]");
}

/* Parses <Response><Say>…</Say></Response> and writes its pieces down. */
static int flatten(struct said *s, const char *inside, struct error *err)
{
    struct str xml = STR_INIT(DOCUMENT_MAX_BYTES);
    struct document_source src = {.url = "test.xml", .report = on_diag, .arg = s};
    struct document *doc = NULL;
    struct speech_piece *pieces = NULL;
    struct arena arena;
    size_t count = 0;
    int rc;

    arena_init(&arena, 1024, 4 << 20);
    str_reset(&s->out);
    s->n_codes = 0;
    str_addf(&xml, "<Response><Say>%s</Say></Response>", inside);
    src.bytes = str_text(&xml);
    src.len = xml.len;
    rc = xml.failed ? error_nomem(err) : document_parse(&doc, &verb_schemas, &src, err);
    if (rc == 0)
        rc = ssml_flatten(doc->root->children, &arena, &pieces, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++)
        describe(&s->out, &pieces[i]);
    if (rc == 0 && s->out.failed)
        rc = error_nomem(err);
    document_unref(doc);
    arena_free(&arena);
    str_free(&xml);
    return rc;
}

static const struct {
    const char *markup, *pieces;
    int warning; /* 0: none */
} rows[] = {
    {"Hello", "[Hello]", 0},
    {"a<emphasis>b</emphasis> <emphasis level='strong'>c</emphasis>",
     "[a][b emphasis=moderate][ ][c emphasis=strong]", 0},
    {"a<break/>b", "[a](400)[b]", 0},
    {"a<break strength='x-strong'/>b", "[a](1000)[b]", 0},
    {"a<break strength='none'/>b", "[a][b]", 0},
    {"a<break time='1.5s'/>b", "[a](1500)[b]", 0},
    {"a<break time='250ms' strength='strong'/>b", "[a](250)[b]", 0},
    {"a<break time='99s'/>b", "[a](10000)[b]", 0},
    {"a<break time='-3s'/>b", "[a][b]", 0},
    {"a<break time='soon'/>b", "[a](400)[b]", 12200},
    {"a<break strength='loud'/>b", "[a](400)[b]", 12200},
    {"<break time='1s'/>", "(1000)", 0},
    {"<prosody rate='slow' pitch='+5%'>a<prosody rate='fast' volume='-3dB'>b</prosody>c</prosody>",
     "[a rate=slow pitch=+5%][b rate=fast pitch=+5% volume=-3dB][c rate=slow pitch=+5%]", 0},
    {"<prosody rate='soonish'>a</prosody>", "[a rate=soonish]", 12200},
    {"<prosody volume='+6'>a</prosody>", "[a volume=+6]", 12200},
    {"<lang xml:lang='de-DE'>Guten <emphasis>Tag</emphasis></lang>!",
     "[Guten  lang=de-DE][Tag lang=de-DE emphasis=moderate][!]", 0},
    {"<say-as interpret-as='date' format='mdy'>1/2/24</say-as>", "[1/2/24 as=date format=mdy]", 0},
    {"<say-as interpret-as='dote'>1</say-as>", "[1]", 12200},
    {"<sub alias='World Wide Web'>WWW</sub>", "[World Wide Web]", 0},
    {"<sub>WWW</sub>", "[WWW]", 0},
    {"<w role='amazon:VB'>read</w>", "[read]", 0},
    {"<phoneme alphabet='x-sampa' ph='t@'>to</phoneme>", "[to alphabet=x-sampa ph=t@]", 0},
    {"<phoneme ph='t'></phoneme>", "[t alphabet=ipa ph=t]", 0},
    {"<p>One</p><p>Two</p>", "[One](600)[Two]", 0},
    {"<p>One</p><break time='2s'/><p>Two</p>", "[One](2000)[Two]", 0},
    {"Zero <p>One</p> two", "[Zero ](600)[One](600)[ two]", 0},
    {"<s>One</s><s>Two?</s>", "[One][.][ ][Two?][ ]", 0},
    {"<p><s>One</s> <s>Two</s></p>", "[One][.][ ][ ][Two][.][ ]", 0},
};

UNIT(markup_becomes_pieces_with_their_manners)
{
    struct said s = {.out = STR_INIT(8192)};
    struct error err = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ok_rc(flatten(&s, rows[i].markup, &err), &err);
        ok_str(str_text(&s.out), rows[i].pieces);
        ok_int(s.n_codes, rows[i].warning != 0);
        ok(rows[i].warning == 0 || s.codes[0] == rows[i].warning);
    }
out:
    str_free(&s.out);
}

/* The nesting of twiml-voice §1.2, a few of each kind. */
static const struct {
    const char *markup;
    bool fine;
} nestings[] = {
    {"<s><lang xml:lang='de-DE'>a</lang></s>", true},
    {"<prosody rate='slow'><p><s>a</s></p></prosody>", true},
    {"<w><prosody rate='slow'>a</prosody></w>", true},
    {"<p><p>a</p></p>", false},
    {"<s><p>a</p></s>", false},
    {"<s><s>a</s></s>", false},
    {"<emphasis><s>a</s></emphasis>", false},
    {"<w><lang xml:lang='de-DE'>a</lang></w>", false},
    {"<w><w>a</w></w>", false},
    {"<sub alias='x'><emphasis>a</emphasis></sub>", false},
    {"<say-as interpret-as='date'><break/></say-as>", false},
    {"<blink>a</blink>", false},
};

UNIT(misplaced_elements_are_warned_of)
{
    struct said s = {.out = STR_INIT(8192)};
    struct error err = {0};

    for (size_t i = 0; i < sizeof nestings / sizeof *nestings; i++) {
        int rc = flatten(&s, nestings[i].markup, &err);

        ok(rc == 0 || err.twilio == 13520);
        if ((s.n_codes == 0) != nestings[i].fine)
            fprintf(stderr, "%s\n", nestings[i].markup);
        ok((s.n_codes == 0) == nestings[i].fine);
    }
out:
    str_free(&s.out);
}

UNIT(an_empty_say_and_one_too_long_are_told_apart)
{
    struct said s = {.out = STR_INIT(32768)};
    struct str text = STR_INIT(32768);
    struct error err = {0};

    ok(flatten(&s, "", &err) != 0);
    ok_int(err.twilio, 13520);
    ok(flatten(&s, " \n <emphasis> </emphasis>", &err) != 0);
    ok_int(err.twilio, 13520);
    for (int i = 0; i < SPEECH_MAX_TEXT; i++)
        str_add(&text, "\xc3\xa4"); /* characters count, not bytes */
    ok_rc(flatten(&s, str_text(&text), &err), &err);
    str_add(&text, "<emphasis>x</emphasis>");
    ok(flatten(&s, str_text(&text), &err) != 0);
    ok_int(err.twilio, 13521);
out:
    str_free(&text);
    str_free(&s.out);
}

UNIT_MAIN(CASE(markup_becomes_pieces_with_their_manners), CASE(misplaced_elements_are_warned_of),
          CASE(an_empty_say_and_one_too_long_are_told_apart))
