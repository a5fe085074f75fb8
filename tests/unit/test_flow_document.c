/* Documents: the tree that comes out, and the problems that are told, with the real tables. */
#include "base/mem.h"
#include "tests/unit/flow_rig.h"
#include "tests/unit/unit.h"
#include <stdlib.h>
#include <string.h>

/* The markup parses without a problem into this tree (see flow_rig_tree). */
static bool makes(const char *markup, const char *tree)
{
    struct str out = STR_INIT(4096);
    struct flow_rig r;
    bool good = unit_rc(flow_rig_parse(&r, markup), &r.err, markup, __FILE__, __LINE__);

    flow_rig_tree(&r, &out);
    good = good && unit_str(str_text(&out), tree, __FILE__, __LINE__) &&
           unit_str(str_text(&r.said), "", __FILE__, __LINE__);
    flow_rig_free(&r);
    str_free(&out);
    return good;
}

UNIT(document_builds_the_tree)
{
    ok(makes("<Response/>", "Response"));
    ok(makes("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\n  <Say>hello</Say>\n"
             "  <!-- a comment --><Hangup/>\n</Response>\n",
             "Response(Say(\"hello\") Hangup)"));
    ok(makes("<Response><Gather><Say>a</Say><Play>b.wav</Play><Pause/></Gather></Response>",
             "Response(Gather(Say(\"a\") Play'b.wav' Pause))"));
    ok(makes("\xef\xbb\xbf<Response><Say>gr\xc3\xbc\xc3\x9f</Say></Response>",
             "Response(Say(\"gr\xc3\xbc\xc3\x9f\"))"));
    ok(makes(
        "<?xml version='1.0' encoding='iso-8859-1'?><Response><Say>gr\xfc\xdf</Say></Response>",
        "Response(Say(\"gr\xc3\xbc\xc3\x9f\"))"));
    ok(makes("<Response><Message>hi<!-- --> there</Message></Response>",
             "Response(Message'hi there')"));
    ok(makes("<Response><Message><Body>hi</Body><Media>a.png</Media></Message></Response>",
             "Response(Message(Body'hi' Media'a.png'))"));
out:;
}

UNIT(document_trims_text_but_not_between_ssml)
{
    ok(makes("<Response><Redirect>\n   http://a/?x=1&amp;y=2\n </Redirect></Response>",
             "Response(Redirect'http://a/?x=1&y=2')"));
    ok(makes("<Response><Play><![CDATA[ http://a/?x=1&y=2 ]]></Play></Response>",
             "Response(Play'http://a/?x=1&y=2')"));
    ok(makes("<Response><Say><emphasis>big</emphasis> <emphasis>world</emphasis></Say></Response>",
             "Response(Say(emphasis(\"big\") \" \" emphasis(\"world\")))"));
    ok(makes("<Response><Dial> 415 <Number>1</Number> 555 </Dial></Response>",
             "Response(Dial'415  555'(Number'1'))"));
out:;
}

UNIT(document_keeps_lines_and_what_was_written)
{
    struct flow_rig r;
    const struct node *gather, *say;

    ok_rc(flow_rig_parse(&r, "<Response>\n\n<Gather numDigits='1'\n  action='/a?b=1&amp;c=2'>\n"
                             "<!--\n\n--><Say\n>x</Say></Gather></Response>"),
          &r.err);
    gather = r.doc->root->children;
    say = gather->children;
    ok_int(gather->line, 3);
    ok_int(say->line, 7);
    ok(say->parent == gather && gather->parent == r.doc->root);
    ok(node_has(gather, "numDigits") && !node_has(gather, "timeout"));
    ok_str(gather->written[2], "action");
    ok_str(gather->written[3], "/a?b=1&c=2");
    ok_str(r.doc->url, "http://app.test/voice");
out:
    flow_rig_free(&r);
}

UNIT(document_is_shared_by_counting)
{
    struct flow_rig r;
    struct document *again = NULL;

    ok_rc(flow_rig_parse(&r, "<Response><Say>x</Say></Response>"), &r.err);
    again = document_ref(r.doc);
    r.doc = document_unref(r.doc);
    ok(r.doc == NULL);
    ok_str(again->root->schema->name, "Response");
    ok(document_unref(NULL) == NULL);
out:
    document_unref(again);
    flow_rig_free(&r);
}

/* --- problems that leave the rest in force --- */

/* The markup is accepted; it is told `start` … `piece`, and nothing else. */
static bool warns(const char *markup, const char *start, const char *piece)
{
    struct flow_rig r;
    bool good = unit_rc(flow_rig_parse(&r, markup), &r.err, markup, __FILE__, __LINE__);

    good = good && unit_ok(flow_rig_said(&r, start, piece), piece, __FILE__, __LINE__) &&
           unit_int(r.problems, 1, markup, __FILE__, __LINE__);
    flow_rig_free(&r);
    return good;
}

UNIT(document_suggests_the_nearest_name)
{
    ok(warns("<Response>\n<say>x</say></Response>", "2 warning 12200 <say>",
             "did you mean <Say>?"));
    ok(warns("<Response><Gathr/></Response>", "1 warning 12200 <Gathr>", "<Gather>"));
    ok(warns("<Response><Gather>\n<Gather/></Gather></Response>", "2 warning 13320 <Gather>",
             "only in <Response>"));
    ok(warns("<Response>\n\n<Gather\nnumdigits='1'/></Response>", "4 warning 12200 <Gather>",
             "did you mean numDigits?"));
    ok(warns("<Response><Hangup now='1'/></Response>", "1 warning 12200 <Hangup>",
             "has no attributes"));
    ok(warns("<Response><Frobnicate><Say>x</Say></Frobnicate></Response>",
             "1 warning 12200 <Frobnicate>", "is not known"));
out:;
}

UNIT(document_tells_bad_values_with_their_codes)
{
    ok(warns("<Response><Pause length='x'/></Response>", "1 warning 13910 length", "1 is used"));
    ok(warns("<Response><Pause length='1000000000'/></Response>", "1 warning 13910",
             "3600 is used"));
    ok(warns("<Response><Say loop='-1'>x</Say></Response>", "1 warning 13510", "0 to 1000"));
    ok(warns("<Response><Say voice='bob'>x</Say></Response>", "1 warning 13511", "Polly."));
    ok(warns("<Response><Say language='english'>x</Say></Response>", "1 warning 13512", "en-US"));
    ok(warns("<Response><Say> </Say></Response>", "1 warning 13520", "no text"));
    ok(warns("<Response><Play loop='x'>a</Play></Response>", "1 warning 13410", "loop"));
    ok(warns("<Response><Play digits='12x'/></Response>", "1 warning 134", ""));
    ok(warns("<Response><Play/></Response>", "1 warning 13420", "URL"));
    ok(warns("<Response><Gather timeout='-1'/></Response>", "1 warning 13313", "timeout"));
    ok(warns("<Response><Gather finishOnKey='12'/></Response>", "1 warning 13310", "one of"));
    ok(warns("<Response><Gather method='PUT'/></Response>", "1 warning 13312", "GET or POST"));
    ok(warns("<Response><Gather input='dtmf voice'/></Response>", "1 warning 13326", "input"));
    ok(warns("<Response><Record maxLength='1'/></Response>", "1 warning 13612", "maxLength"));
    ok(warns("<Response><Record trim='yes'/></Response>", "1 warning 13699", "do-not-trim"));
    ok(warns("<Response><Reject reason='later'/></Response>", "1 warning 13810", "rejected, busy"));
    ok(warns("<Response><Redirect method='x'>a</Redirect></Response>", "1 warning 13710", ""));
    ok(warns("<Response><Dial timeout='x'>1</Dial></Response>", "1 warning 13212", ""));
    ok(warns("<Response><Dial><Conference beep='x'>a</Conference></Dial></Response>",
             "1 warning 13235", ""));
out:;
}

UNIT(document_tells_what_stands_in_the_wrong_place)
{
    ok(warns("<Response>\nhello\n<Say>x</Say></Response>", "2 warning 12200 text", "\"hello\""));
    ok(warns("<Response>\r\r\rhello\r\r</Response>", "1 warning 12200 text", "\"hello\""));
    ok(warns("<Response>\r\n\r\nhello\r\n</Response>", "3 warning 12200 text", "\"hello\""));
    ok(warns("<Response><Number>1</Number></Response>", "1 warning 12200 <Number>", "<Dial>"));
    ok(warns("<Response><Dial>1<Say>x</Say></Dial></Response>", "1 warning 13215 <Say>", ""));
    ok(warns("<Response><Message>x</Message><Say>y</Say></Response>", "1 warning 14110 <Say>", ""));
    ok(warns("<Response><Say>x</Say><Message>y</Message></Response>", "1 warning 12200 <Message>",
             "<Sms>"));
    ok(warns("<Response><Gather><Play digits='1'/></Gather></Response>", "1 warning 13320", ""));
    ok(warns("<Response><Dial><Number>1</Number><Conference>a</Conference></Dial></Response>",
             "1 warning 13000", ""));
out:;
}

UNIT(document_tells_what_is_never_reached)
{
    ok(warns("<Response><Hangup/>\n<Say>x</Say><Say>y</Say></Response>", "2 warning 12200 <Say>",
             "<Hangup> on line 1"));
    ok(warns("<Response><Redirect>a</Redirect><Pause/></Response>", "1 warning 12200 <Pause>", ""));
    ok(warns("<Response><Record/><Pause/></Response>", "1 warning 12200 <Pause>", "action"));
    ok(warns("<Response><Gather actionOnEmptyResult='true'/><Pause/></Response>",
             "1 warning 12200 <Pause>", "actionOnEmptyResult"));
    ok(warns("<Response><Dial action='a'>1</Dial><Pause/></Response>", "1 warning 12200 <Pause>",
             ""));
    ok(makes("<Response><Gather action='a'/><Pause/></Response>", "Response(Gather Pause)"));
    ok(makes("<Response><Dial>1</Dial><Pause/></Response>", "Response(Dial'1' Pause)"));
    ok(makes("<Response><Pause/><Redirect/></Response>", "Response(Pause Redirect)"));
out:;
}

UNIT(document_leaves_out_what_it_does_not_know)
{
    struct str tree = STR_INIT(4096);
    struct flow_rig r;

    ok_rc(flow_rig_parse(&r, "<Response><Foo><Say>never</Say></Foo>"
                             "<Say>say <b>this</b> too</Say><Gather>x<Dial>1</Dial></Gather>"
                             "</Response>"),
          &r.err);
    flow_rig_tree(&r, &tree);
    ok_str(str_text(&tree), "Response(Say(\"say \" \"this\" \" too\") Gather)");
    ok_int(r.problems, 4);
out:
    flow_rig_free(&r);
    str_free(&tree);
}

UNIT(document_ignores_foreign_namespaces)
{
    ok(makes("<Response xmlns='urn:x' xmlns:i='urn:y' i:schema='z'><Say>x</Say></Response>",
             "Response(Say(\"x\"))"));
    ok(makes("<Response><Say><lang xml:lang='fr-FR'>oui</lang></Say></Response>",
             "Response(Say(lang(\"oui\")))"));
    ok(warns("<Response><a:Say>x</a:Say></Response>", "1 warning 12200 <a:Say>", ""));
out:;
}

UNIT(document_misses_what_is_required)
{
    struct flow_rig r;

    ok_rc(flow_rig_parse(&r, "<Response><Connect>\n<ConversationRelay/></Connect></Response>"),
          &r.err);
    ok(flow_rig_said(&r, "2 error 12200 <ConversationRelay>", "url"));
    ok_int(r.errors, 1);
out:
    flow_rig_free(&r);
}

UNIT(document_reports_in_the_order_of_lines)
{
    struct flow_rig r;
    int line, before = 0;
    char *rest;

    ok_rc(flow_rig_parse(&r, "<Response>\n<Say/>\n<Pause length='x'/>\n<Say/>\n<foo/>\n<Hangup/>\n"
                             "<Say>x</Say></Response>"),
          &r.err);
    ok_int(r.problems, 5);
    for (const char *at = str_text(&r.said); *at != '\0'; at = strchr(rest, '\n') + 1) {
        line = (int)strtol(at, &rest, 10);
        ok(line > before);
        before = line;
    }
out:
    flow_rig_free(&r);
}

UNIT(document_guesses_its_kind)
{
    static const char voice[] = "<?xml version='1.0'?><Response><Redirect/><Say/></Response>";
    static const char message[] = "<Response><!--x--><Redirect/><Message>x</Message></Response>";
    static const char lua[] = "<Response><Lua>if a <b then call() end</Lua><Message/></Response>";
    static const char src[] = "<Response><Lua src='x.lua'/><Message>x</Message></Response>";

    ok_int(document_guess(voice, sizeof voice - 1), DOCUMENT_VOICE);
    ok_int(document_guess(message, sizeof message - 1), DOCUMENT_MESSAGE);
    ok_int(document_guess(lua, sizeof lua - 1), DOCUMENT_MESSAGE);
    ok_int(document_guess(src, sizeof src - 1), DOCUMENT_MESSAGE);
    ok_int(document_guess(lua, sizeof lua - 20), DOCUMENT_VOICE);
    ok_int(document_guess("<Lua", 4), DOCUMENT_VOICE);
    ok_int(document_guess("", 0), DOCUMENT_VOICE);
    ok_int(document_guess("<", 1), DOCUMENT_VOICE);
    ok_int(document_guess("<Messag", 7), DOCUMENT_VOICE);
out:;
}

UNIT_MAIN(CASE(document_builds_the_tree), CASE(document_trims_text_but_not_between_ssml),
          CASE(document_keeps_lines_and_what_was_written), CASE(document_is_shared_by_counting),
          CASE(document_suggests_the_nearest_name),
          CASE(document_tells_bad_values_with_their_codes),
          CASE(document_tells_what_stands_in_the_wrong_place),
          CASE(document_tells_what_is_never_reached),
          CASE(document_leaves_out_what_it_does_not_know),
          CASE(document_ignores_foreign_namespaces), CASE(document_misses_what_is_required),
          CASE(document_reports_in_the_order_of_lines), CASE(document_guesses_its_kind))
