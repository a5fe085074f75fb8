/* Gather: every rule of twiml-voice.md §3.1. */
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define VOICE "http://app.test/voice"
#define GOT   "http://app.test/got"
static const char config[] = "number { '+1555*', voice = '" VOICE "' }\n";

/* A call whose document is one Gather (attributes and children given), then "Nothing.". */
static struct rig *gather(const char *attributes, const char *children)
{
    static char markup[2000];
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    snprintf(markup, sizeof markup,
             "<Response><Gather action=\"/got\" %s>%s</Gather><Say>Nothing.</Say></Response>",
             attributes, children);
    rig_web(r, VOICE, markup);
    rig_web(r, GOT, "<Response><Say>Thank you.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    return r;
}

UNIT(the_finish_key_ends_and_is_no_digit)
{
    struct rig *r = gather("", "<Say>Number?</Say>");

    ok(r != NULL);
    ok(rig_hears(r, "Number?"));
    rig_press(r, "42#");
    ok(rig_hears(r, "Thank you."));
    ok_str(rig_param(r, GOT, 0, "Digits"), "42");
    ok_str(rig_param(r, GOT, 0, "FinishedOnKey"), "#");
    ok_str(rig_method(r, GOT, 0), "POST");
out:
    rig_free(r);
}

UNIT(another_finish_key_makes_the_hash_a_digit)
{
    struct rig *r = gather("finishOnKey=\"*\"", "");

    ok(r != NULL);
    rig_press(r, "4#2*");
    ok(rig_hears(r, "Thank you."));
    ok_str(rig_param(r, GOT, 0, "Digits"), "4#2");
out:
    rig_free(r);
}

UNIT(an_empty_finish_key_makes_every_key_a_digit)
{
    struct rig *r = gather("finishOnKey=\"\" timeout=\"2\"", "");

    ok(r != NULL);
    rig_press(r, "1*#");
    ok(rig_hears(r, "Thank you."));
    ok_str(rig_param(r, GOT, 0, "Digits"), "1*#");
out:
    rig_free(r);
}

UNIT(the_count_ends_at_once)
{
    struct rig *r = gather("numDigits=\"4\"", "");
    int64_t before;

    ok(r != NULL);
    rig_waits(r, 1000);
    rig_press(r, "123");
    rig_waits(r, 1000);
    ok_int(rig_requests(r, GOT), 0);
    before = rig_now(r);
    rig_press(r, "4");
    rig_waits(r, 10);
    ok_int(rig_requests(r, GOT), 1);
    ok(rig_request_at(r, GOT, 0) - before <= 2);
    ok_str(rig_param(r, GOT, 0, "Digits"), "1234");
out:
    rig_free(r);
}

UNIT(the_timeout_begins_when_the_prompts_are_over)
{
    struct rig *r = gather("timeout=\"3\"", "<Pause length=\"10\"/>");

    ok(r != NULL);
    rig_waits(r, 12900);
    ok_int(rig_journal(r, "verb", "\"Say\""), 0);
    rig_waits(r, 200);
    ok_int(rig_journal(r, "verb", "\"Say\""), 1);
    ok(rig_hears(r, "Nothing."));
    ok_int(rig_requests(r, GOT), 0);
out:
    rig_free(r);
}

UNIT(each_key_begins_the_timeout_anew_and_what_came_is_sent)
{
    struct rig *r = gather("timeout=\"2\"", "");

    ok(r != NULL);
    for (int i = 0; i < 4; i++) {
        rig_waits(r, 1900);
        rig_press(r, "7");
    }
    ok_int(rig_requests(r, GOT), 0);
    rig_waits(r, 2100);
    ok_int(rig_requests(r, GOT), 1);
    ok_str(rig_param(r, GOT, 0, "Digits"), "7777");
out:
    rig_free(r);
}

UNIT(a_key_interrupts_the_prompts)
{
    struct rig *r = gather("numDigits=\"2\" timeout=\"2\"",
                           "<Say>One.</Say><Pause length=\"30\"/><Say>Never.</Say>");

    ok(r != NULL);
    ok(rig_hears(r, "One."));
    rig_waits(r, 500);
    rig_press(r, "5");
    rig_waits(r, 2100);
    ok_int(rig_requests(r, GOT), 1); /* the timeout ran from the key, not from the pause's end */
    ok_int(rig_journal(r, "verb_end", "\"stopped\""), 1);
    ok_int(rig_journal(r, "say", "Never"), 0);
out:
    rig_free(r);
}

UNIT(a_key_stops_the_sound_at_once)
{
    struct rig *r = gather("numDigits=\"2\"", "<Say loop=\"0\">For ever and ever and ever.</Say>");

    ok(r != NULL);
    rig_waits(r, 1000);
    ok(rig_frames_within(r, 500) > 20);
    rig_press(r, "5");
    rig_waits(r, 600);
    ok(rig_frames_within(r, 500) == 0);
out:
    rig_free(r);
}

UNIT(without_barge_in_the_prompts_go_on)
{
    struct rig *r = gather("bargeIn=\"false\" timeout=\"2\"",
                           "<Say>One.</Say><Pause length=\"5\"/><Say>Two.</Say>");

    ok(r != NULL);
    ok(rig_hears(r, "One."));
    rig_press(r, "5");
    ok(rig_hears(r, "Two."));
    ok_int(rig_requests(r, GOT), 0);
    rig_waits(r, 2100);
    ok_str(rig_param(r, GOT, 0, "Digits"), "5");
out:
    rig_free(r);
}

UNIT(the_finish_key_alone_is_no_input)
{
    struct rig *r = gather("", "<Say>Number?</Say>");

    ok(r != NULL);
    ok(rig_hears(r, "Number?"));
    rig_press(r, "#");
    ok(rig_hears(r, "Nothing."));
    ok_int(rig_requests(r, GOT), 0);
out:
    rig_free(r);
}

UNIT(keys_are_nothing_to_a_gather_of_speech)
{
    struct rig *r = gather("input=\"speech\" timeout=\"3\"", "");

    ok(r != NULL);
    rig_waits(r, 1000);
    rig_press(r, "5#");
    ok(rig_hears(r, "Nothing."));
    ok_int(rig_requests(r, GOT), 0);
out:
    rig_free(r);
}

/* It is about speech; for keys it is the ordinary time. */
UNIT(an_automatic_timeout_is_five_seconds)
{
    struct rig *r = gather("timeout=\"auto\"", "");

    ok(r != NULL);
    rig_waits(r, 4800);
    ok_int(rig_journal(r, "say", "Nothing"), 0);
    rig_waits(r, 400);
    ok_int(rig_journal(r, "say", "Nothing"), 1);
out:
    rig_free(r);
}

UNIT(no_input_falls_through_without_a_request)
{
    struct rig *r = gather("timeout=\"1\"", "");

    ok(r != NULL);
    ok(rig_hears(r, "Nothing."));
    ok_int(rig_requests(r, GOT), 0);
out:
    rig_free(r);
}

UNIT(no_input_asks_the_action_when_it_is_wanted)
{
    struct rig *r = gather("timeout=\"1\" actionOnEmptyResult=\"true\"", "");

    ok(r != NULL);
    ok(rig_hears(r, "Thank you."));
    ok_str(rig_param(r, GOT, 0, "Digits"), "");
out:
    rig_free(r);
}

UNIT(a_hangup_asks_nothing)
{
    struct rig *r = gather("", "");

    ok(r != NULL);
    rig_press(r, "12");
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, GOT), 0);
out:
    rig_free(r);
}

UNIT(without_action_the_same_document_is_asked_again)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Gather numDigits=\"1\" method=\"GET\"/></Response>");
    rig_web(r, VOICE, "<Response><Say>Again.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    rig_press(r, "9");
    ok(rig_hears(r, "Again."));
    ok_str(rig_param(r, VOICE, 1, "Digits"), "9");
    ok_str(rig_method(r, VOICE, 1), "GET");
out:
    rig_free(r);
}

UNIT(several_plays_sound_in_order)
{
    struct rig *r =
        gather("timeout=\"1\"", "<Say>One.</Say><Pause/><Say>Two.</Say><Say>Three.</Say>");

    ok(r != NULL);
    ok(rig_hears(r, "One."));
    ok(rig_hears(r, "Two."));
    ok(rig_hears(r, "Three."));
    ok(rig_hears(r, "Nothing."));
out:
    rig_free(r);
}

UNIT(a_local_flow_branches_by_the_digits)
{
    struct rig *r = rig_new("number { '+1555*', voice = 'flow/menu.xml' }\n");

    ok(r != NULL);
    rig_file(
        r, "flow/menu.xml",
        "<Response><Gather action=\"go-{Digits}.xml\" numDigits=\"1\"><Say>Menu.</Say></Gather>"
        "</Response>");
    rig_file(r, "flow/go-2.xml", "<Response><Say>Two it is.</Say></Response>");
    rig_file(r, "flow/go-star.xml", "<Response><Say>A star.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Menu."));
    rig_press(r, "2");
    ok(rig_hears(r, "Two it is."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Menu."));
    rig_press(r, "*");
    ok(rig_hears(r, "A star."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    /* A key without a file: the apology, and the journal says which file is missing. */
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Menu."));
    rig_press(r, "7");
    ok(rig_hears(r, "We are sorry. An application error has occurred. Goodbye."));
    ok_int(rig_journal(r, "error", "go-7.xml"), 1);
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(the_finish_key_ends_and_is_no_digit),
          NO_TORTURE(another_finish_key_makes_the_hash_a_digit),
          NO_TORTURE(an_empty_finish_key_makes_every_key_a_digit),
          NO_TORTURE(the_count_ends_at_once),
          NO_TORTURE(the_timeout_begins_when_the_prompts_are_over),
          NO_TORTURE(each_key_begins_the_timeout_anew_and_what_came_is_sent),
          NO_TORTURE(a_key_interrupts_the_prompts), NO_TORTURE(a_key_stops_the_sound_at_once),
          NO_TORTURE(without_barge_in_the_prompts_go_on),
          NO_TORTURE(the_finish_key_alone_is_no_input),
          NO_TORTURE(keys_are_nothing_to_a_gather_of_speech),
          NO_TORTURE(an_automatic_timeout_is_five_seconds),
          NO_TORTURE(no_input_falls_through_without_a_request),
          NO_TORTURE(no_input_asks_the_action_when_it_is_wanted), NO_TORTURE(a_hangup_asks_nothing),
          NO_TORTURE(without_action_the_same_document_is_asked_again),
          NO_TORTURE(several_plays_sound_in_order), NO_TORTURE(a_local_flow_branches_by_the_digits))
