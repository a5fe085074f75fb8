/* Documents that are refused: malformed, hostile, too large. Each gives one clear error with
 * Twilio's code and its line. */
#include "base/mem.h"
#include "tests/unit/flow_rig.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

/* The bytes are refused with that code on that line, and the message holds `piece`. */
static bool refuses_bytes(const char *bytes, size_t len, int line, int code, const char *piece)
{
    struct flow_rig r;
    char start[40];
    int rc = flow_rig_parse_bytes(&r, bytes, len);
    bool good = unit_ok(rc < 0 && r.doc == NULL, "refused", __FILE__, __LINE__);

    if (rc == ERR_NOMEM)
        good = unit_ok(r.err.text[0] != '\0', "a message", __FILE__, __LINE__) && false;
    snprintf(start, sizeof start, "%d error %d ", line, code);
    good = good && unit_int(r.err.twilio, code, piece, __FILE__, __LINE__) &&
           unit_ok(flow_rig_said(&r, start, piece), piece, __FILE__, __LINE__) &&
           unit_int(r.errors, 1, "one error", __FILE__, __LINE__) &&
           unit_ok(strstr(r.err.text, piece) != NULL, r.err.text, __FILE__, __LINE__);
    flow_rig_free(&r);
    return good;
}

static bool refuses(const char *markup, int line, int code, const char *piece)
{
    return refuses_bytes(markup, strlen(markup), line, code, piece);
}

UNIT(refused_malformed)
{
    ok(refuses("<Response>\n<Say>x</Response>", 2, 12100, "add </Say>"));
    ok(refuses("<Response>\n<Say>x", 2, 12100, "<Say>"));
    ok(refuses("<Response>\n\n<Say>a & b</Say></Response>", 3, 12100, "&amp;"));
    ok(refuses("<Response><Play>a?x=1&y=2</Play></Response>", 1, 12100, "&amp;"));
    ok(refuses("<Response><Say>&nbsp;</Say></Response>", 1, 12100, "&nbsp;"));
    ok(refuses("<Response>\n<Say loop=1>x</Say></Response>", 2, 12100, "quotes"));
    ok(refuses("<Response><Say loop='1' loop='2'>x</Say></Response>", 1, 12100, "twice"));
    ok(refuses("<Response/>\n<Response/>", 2, 12100, "one root"));
    ok(refuses("\n<?xml version='1.0'?><Response/>", 2, 12100, "very first"));
    ok(refuses("<Response><!-- x </Response>", 1, 12100, "-->"));
    ok(refuses("<Response", 1, 12100, ""));
    ok(refuses("<", 1, 12100, ""));
out:;
}

UNIT(refused_what_is_no_document)
{
    ok(refuses("", 1, 11770, "empty"));
    ok(refuses(" \n\t ", 1, 11770, "empty"));
    ok(refuses("\n{\"say\": 1}", 2, 12100, "begins with"));
    ok(refuses("<!DOCTYPE html><html></html>", 1, 12100, "web page"));
    ok(refuses("<html><body/></html>", 1, 12102, "web page"));
    ok(refuses("\n<response/>", 2, 12102, "<Response>"));
    ok(refuses("<Say>x</Say>", 1, 12102, "<Response>"));
    ok(refuses("<?xml version=\"1.1\"?><Response/>", 1, 12101, "1.0"));
out:;
}

UNIT(refused_encodings)
{
    ok(refuses_bytes("\xff\xfe<\0R\0", 6, 1, 12100, "UTF-8"));
    ok(refuses_bytes("<\0R\0/\0>\0", 8, 1, 12100, "UTF-8"));
    ok(refuses_bytes("<Response>\0</Response>", 22, 1, 12100, "UTF-8"));
    ok(refuses("<?xml version='1.0' encoding='UTF-7'?><Response/>", 1, 12100, "UTF-7"));
    ok(refuses("<?xml version='1.0' encoding='UTF-16'?><Response/>", 1, 12100, "UTF-16"));
    ok(refuses("<?xml\n\tversion='1.0'\tencoding = \"EBCDIC-US\"?><Response/>", 1, 12100,
               "EBCDIC"));
    ok(refuses("<Response>\n<Say>\xff</Say></Response>", 2, 12100, "UTF-8"));
    ok(refuses("<Response><Say>\xc0\xaf</Say></Response>", 1, 12100, "UTF-8"));
    ok(refuses("<Response><Say>\xed\xa0\x80</Say></Response>", 1, 12100, ""));
out:;
}

UNIT(refused_entities)
{
    ok(refuses("<?xml version='1.0'?>\n<!DOCTYPE lolz [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]>\n"
               "<Response><Say>&b;</Say></Response>",
               2, 12100, "document type"));
    ok(refuses("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Response>&e;</Response>", 1,
               12100, "document type"));
    ok(refuses("<!DOCTYPE x SYSTEM 'http://127.0.0.1/x.dtd'><Response/>", 1, 12100,
               "document type"));
    ok(refuses("<!-- <Response/> --><!DOCTYPE x><Response/>", 1, 12100, "document type"));
    ok(refuses("<Response><!ENTITY a 'b'></Response>", 1, 12100, "document type"));
out:;
}

/* `count` times `piece` between `before` and `after`. The caller frees; NULL when memory is out. */
static char *repeat(const char *before, const char *piece, int count, const char *after)
{
    struct str s = STR_INIT(4 * 1024 * 1024);
    char *made;

    str_add(&s, before);
    for (int i = 0; i < count; i++)
        str_add(&s, piece);
    str_add(&s, after);
    made = s.failed ? NULL : mem_strdup(str_text(&s));
    str_free(&s);
    return made;
}

UNIT(refused_beyond_the_bounds)
{
    char *large = repeat("<Response><Say>", "x", DOCUMENT_MAX_BYTES, "</Say></Response>");
    char *deep = repeat("<Response>", "\n<Say>", 10000, "");
    char *many = repeat("<Response>", "<Pause/>", DOCUMENT_MAX_NODES, "</Response>");
    char *mixed =
        repeat("<Response><Say>", "a<break/>", DOCUMENT_MAX_NODES / 2, "</Say></Response>");
    char *wide = repeat("<Response><Say ", " loop='1'", 7000, "/></Response>");
    char *names = repeat("<Response>", "<a:b/>", 1000, "</Response>");

    ok(large != NULL && deep != NULL && many != NULL && wide != NULL && names != NULL);
    ok(refuses(large, 1, 11750, "65536"));
    ok(refuses(many, 1, 12100, "2000"));
    ok(mixed != NULL && refuses(mixed, 1, 12100, "2000")); /* pieces of text count, too */
    ok(refuses(wide, 1, 12100, "64"));
    ok(refuses(names, 1, 12100, ""));
    deep[DOCUMENT_MAX_NODES * 4] = '\0';
    ok(refuses(deep, DOCUMENT_MAX_DEPTH + 1, 12100, "32"));
out:
    mem_free(large);
    mem_free(deep);
    mem_free(many);
    mem_free(mixed);
    mem_free(wide);
    mem_free(names);
}

UNIT(accepted_just_within_the_bounds)
{
    char *many = repeat("<Response>", "<Pause/>", DOCUMENT_MAX_NODES - 1, "</Response>");
    char *deep = repeat("<Response><Say>", "<prosody>", DOCUMENT_MAX_DEPTH - 2, "x");
    char *all = deep == NULL ? NULL : repeat(deep, "</prosody>", 30, "</Say></Response>");
    struct flow_rig a = {0}, b = {0};

    ok(many != NULL && all != NULL);
    ok_rc(flow_rig_parse(&a, many), &a.err);
    ok_rc(flow_rig_parse(&b, all), &b.err);
    ok_int(a.problems + b.problems, 0);
out:
    flow_rig_free(&a);
    flow_rig_free(&b);
    mem_free(many);
    mem_free(deep);
    mem_free(all);
}

/* Everything in the tree, added up. */
static size_t weigh(const struct node *n)
{
    size_t sum = 0;

    for (; n != NULL; n = n->next) {
        sum += 1000 + strlen(n->text) + weigh(n->children);
        for (const char *const *w = n->written; *w != NULL; w++)
            sum += strlen(*w);
    }
    return sum;
}

/* Out of memory libxml2 can call a document that it cut short well-formed. Under torture this holds
 * every allocation to it: whole, or refused. */
UNIT(refused_rather_than_cut_short)
{
    static const char markup[] =
        "<?xml version='1.0' encoding='ISO-8859-1'?><Response><Gather action='/a?b=1&amp;c=2'>"
        "<Say voice='man' language='en-GB'>one &lt;two&#62; \xfc <emphasis>three</emphasis></Say>"
        "<Play>http://app.test/a/rather/long/address.wav</Play></Gather>"
        "<Redirect><![CDATA[http://app.test/again?x=1&y=2]]></Redirect></Response>";
    struct error silent = {0};
    struct flow_rig r;

    if (flow_rig_parse(&r, markup) == 0 && weigh(r.doc->root) != 8125)
        ok_rc(ERR_INVALID, &silent); /* no excuse */
out:
    flow_rig_free(&r);
}

/* Transcoding in several pieces loses nothing. */
UNIT(accepted_long_latin1)
{
    char *markup = repeat("<?xml version='1.0' encoding='ISO-8859-1'?><Response><Message>",
                          "\xe9\xe8", 15000, "</Message></Response>");
    struct flow_rig r = {0};

    ok(markup != NULL);
    ok_rc(flow_rig_parse(&r, markup), &r.err);
    ok_int(strlen(r.doc->root->children->text), 60000);
    ok_int(r.problems, 0);
out:
    flow_rig_free(&r);
    mem_free(markup);
}

UNIT(refused_diagnostics_have_a_bound_too)
{
    char *bad = repeat("<Response>", "<foo/>", 500, "</Response>");
    char *worse = repeat("<Response>", "<foo/>", 500, "\n<Say>");
    struct flow_rig r = {0}, s = {0};

    ok(bad != NULL && worse != NULL);
    ok_rc(flow_rig_parse(&r, bad), &r.err);
    ok_int(r.problems, DOCUMENT_MAX_DIAGS - 1);
    ok(flow_rig_said(&r, "1 warning 12200", "there are more problems"));
    ok(flow_rig_parse(&s, worse) < 0);
    ok_int(s.problems, DOCUMENT_MAX_DIAGS);
    ok(flow_rig_said(&s, "2 error 12100", "<Say>"));
out:
    flow_rig_free(&r);
    flow_rig_free(&s);
    mem_free(bad);
    mem_free(worse);
}

UNIT_MAIN(CASE(refused_malformed), CASE(refused_what_is_no_document), CASE(refused_encodings),
          CASE(refused_entities), CASE(refused_beyond_the_bounds),
          CASE(accepted_just_within_the_bounds), CASE(refused_rather_than_cut_short),
          CASE(accepted_long_latin1), CASE(refused_diagnostics_have_a_bound_too))
