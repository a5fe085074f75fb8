/* Documents parsed and checked per second beside libxml2's bare parse of the same bytes, and the
 * worst that 64 kB can cost. */
#include "base/mem.h"
#include "base/str.h"
#include "flow/document.h"
#include "verbs/verbs.h"
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The floor tells nobody of what is wrong: hostile documents would fill the terminal. */
#define FLOOR_FLAGS (XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

enum { ROUNDS = 9, DOCUMENTS = 4000 };

/* 300 bytes, as an application answers. */
static const char menu[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\n"
                           "  <Gather numDigits=\"1\" timeout=\"5\" action=\"/menu\">\n"
                           "    <Say voice=\"woman\">Press one for sales, two for support, three "
                           "to hear this again.</Say>\n"
                           "  </Gather>\n  <Say>We did not hear anything.</Say>\n"
                           "  <Redirect>https://app.test/voice</Redirect>\n</Response>\n";

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void ignore(const struct diag *d, void *arg)
{
    (void)d;
    ++*(int *)arg;
}

static void parse(const char *bytes, size_t len)
{
    int problems = 0;
    struct document_source source = {
        .bytes = bytes, .len = len, .url = "http://app.test/", .report = ignore, .arg = &problems};
    struct document *doc = NULL;

    document_parse(&doc, &verb_schemas, &source, NULL);
    document_unref(doc);
}

static void parse_bare(const char *bytes, size_t len)
{
    xmlFreeDoc(xmlReadMemory(bytes, (int)len, NULL, NULL, FLOOR_FLAGS));
}

static xmlParserCtxtPtr reused;

static void parse_reused(const char *bytes, size_t len)
{
    xmlFreeDoc(xmlCtxtReadMemory(reused, bytes, (int)len, NULL, NULL, FLOOR_FLAGS));
}

/* Seconds for one document. */
static double time_one(void (*how)(const char *, size_t), const char *bytes, size_t len, int times)
{
    double start = now();

    for (int i = 0; i < times; i++)
        how(bytes, len);
    return (now() - start) / times;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

static void measure_menu(void)
{
    double ours[ROUNDS], bare[ROUNDS], again[ROUNDS], us, floor, best;
    size_t len = sizeof menu - 1;

    for (int i = 0; i < ROUNDS; i++) { /* in turn, so that a busy machine hurts all alike */
        ours[i] = time_one(parse, menu, len, DOCUMENTS);
        bare[i] = time_one(parse_bare, menu, len, DOCUMENTS);
        again[i] = time_one(parse_reused, menu, len, DOCUMENTS);
    }
    us = median(ours) * 1e6;
    floor = median(bare) * 1e6;
    best = median(again) * 1e6;
    printf("figure document_bytes %zu B\n", len);
    printf("figure documents_per_second %.0f /s floor=%.0f aim=%.0f\n", 1e6 / us, 1e6 / floor,
           0.5e6 / floor);
    printf("figure document_parsed_and_checked %.2f us floor=%.2f aim=%.2f\n", us, floor,
           2 * floor);
    printf("figure document_beside_a_reused_context %.2f us floor=%.2f aim=%.2f\n", us, best,
           2 * best);
}

/* --- the worst --- */

struct hostile {
    const char *name, *before, *piece, *after;
    size_t most; /* bytes; 0: as many as fit */
};

#define TEN(s) s s s s s s s s s s
#define NAME95 TEN("abcdefghi") "abcde"

static const struct hostile hostiles[] = {
    {"attributes", "<Response><Say ", "a='' ", "/></Response>", 0},
    {"siblings", "<Response>", "<Pause/>", "</Response>", 15980},
    {"too_many_siblings", "<Response>", "<a/>", "</Response>", 0},
    {"unknown_elements", "<Response>", "<Recordings/>", "</Response>", 25900},
    {"bad_values", "<Response>", "<Gather timeout='x' finishOnKey='xx' input='x y z'/>",
     "</Response>", 0},
    {"unknown_attributes", "<Response>",
     "<Gather numdigit='1' timout='1' acton='1' finishonkeys='1' hint='1'/>", "</Response>", 0},
    {"largest_args", "<Response><Dial>", "<Conference>a</Conference>", "</Dial></Response>", 51000},
    {"depth", "<Response>", "<Say>", "", 0},
    {"entities", "<Response><Say>", "&lt;", "</Say></Response>", 0},
    {"text", "<Response><Say>", "x ", "</Say></Response>", 0},
    {"mixed", "<Response><Say>", "a<break/>", "</Say></Response>", 8900},
    {"comments", "<Response><Say>", "a<!---->", "</Say></Response>", 0},
    {"namespaces", "<Response ", "xmlns:a='b' ", "/>", 0},
    {"prefixes", "<Response>", "<a:b/>", "</Response>", 12000},
    {"quotes", "<Response><Say voice='", "&amp;", "'/></Response>", 0},
    {"long_names", "<Response>", "<" NAME95 "/>", "</Response>", 0},
    {"references", "<Response><Say>", "&#65;", "</Say></Response>", 0},
    {"stray_text", "<Response>", "x\n<Pause/>", "</Response>", 15900},
    {"blanks", "<Response>", "\n", "</Response>", 0},
    {"instructions", "<Response>", "<?a b?>", "</Response>", 0},
    {"brackets", "", "<", "", 0},
};

static char *build(const struct hostile *h, size_t *len)
{
    size_t room = DOCUMENT_MAX_BYTES - strlen(h->before) - strlen(h->after), n = strlen(h->piece);
    struct str s = STR_INIT(DOCUMENT_MAX_BYTES);

    room = h->most > 0 && h->most < room ? h->most : room;
    str_add(&s, h->before);
    for (; room >= n; room -= n)
        str_add(&s, h->piece);
    str_add(&s, h->after);
    *len = s.len;
    return str_take(&s);
}

static void measure_hostile(void)
{
    double worst = 0, bare = 0, rounds[ROUNDS], ms;
    const char *name = "";
    size_t len;
    char *bytes;

    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        bytes = build(&hostiles[i], &len);
        if (bytes == NULL)
            exit(1);
        for (int r = 0; r < ROUNDS; r++)
            rounds[r] = time_one(parse, bytes, len, 5);
        ms = median(rounds) * 1e3;
        printf("figure hostile_%s %.3f ms\n", hostiles[i].name, ms);
        if (ms > worst) {
            worst = ms;
            bare = time_one(parse_bare, bytes, len, 5) * 1e3;
            name = hostiles[i].name;
        }
        mem_free(bytes);
    }
    printf("figure document_worst_case %.3f ms floor=%.3f aim=2 (%s)\n", worst, bare, name);
}

int main(void)
{
    mem_hook_libraries();
    reused = xmlNewParserCtxt();
    measure_menu();
    measure_hostile();
    xmlFreeParserCtxt(reused);
    return 0;
}
