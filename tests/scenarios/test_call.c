/* A call from offer to end: the answer rules (twiml-voice.md §1.1), the order of verbs, what ends a
 * call and with which status. */
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include "session/runtime.h"
#include <string.h>

#define VOICE  "http://app.test/voice"
#define STATUS "http://app.test/status"
static const char config[] = "number { '+1555*', voice = '" VOICE "', status_callback = '" STATUS
                             "', status_callback_events = "
                             "{'initiated','ringing','answered','completed'} }\n";

UNIT(a_caller_hears_the_menu_and_chooses)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Say>Welcome.</Say><Gather action=\"/menu\" numDigits=\"1\">"
            "<Say>For hours press one.</Say></Gather><Say>Goodbye.</Say></Response>");
    rig_web(r, "http://app.test/menu", "<Response><Say>We are open.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Welcome."));
    ok(rig_hears(r, "For hours press one."));
    rig_press(r, "1");
    ok(rig_hears(r, "We are open."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok_str(rig_param(r, "http://app.test/menu", 0, "Digits"), "1");
    ok_str(rig_param(r, "http://app.test/menu", 0, "CallStatus"), "in-progress");
    ok_str(rig_param(r, VOICE, 0, "CallStatus"), "ringing");
    ok_str(rig_param(r, VOICE, 0, "From"), "+15550199");
    ok_str(rig_param(r, VOICE, 0, "To"), "+15550100");
    ok_str(rig_param(r, VOICE, 0, "Direction"), "inbound");
    ok_str(rig_param(r, VOICE, 0, "ApiVersion"), "2010-04-01");
    ok_str(rig_param(r, VOICE, 0, "CallSid"), rig_sid(r));
    ok(rig_settles(r));
    ok_int(rig_journal(r, "end", "\"status\":\"completed\""), 1);
out:
    rig_free(r);
}

UNIT(status_callbacks_tell_the_calls_life)
{
    static const char *const want[] = {"initiated", "ringing", "in-progress", "completed"};
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, STATUS, "");
    rig_web(r, VOICE, "<Response><Say>Hello.</Say><Pause length=\"61\"/></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_ends(r) == CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_int(rig_requests(r, STATUS), 4);
    for (int i = 0; i < 4; i++) {
        char number[2] = {(char)('0' + i), '\0'};

        ok_str(rig_param(r, STATUS, i, "CallStatus"), want[i]);
        ok_str(rig_param(r, STATUS, i, "SequenceNumber"), number);
        ok_str(rig_param(r, STATUS, i, "CallbackSource"), "call-progress-events");
        ok(strncmp(rig_param(r, STATUS, i, "Timestamp"), "Thu, 01 Jan 2026 00:0", 21) == 0);
    }
    ok(rig_param(r, STATUS, 2, "CallDuration") == NULL);
    ok_str(rig_param(r, STATUS, 3, "Duration"), "2");
out:
    rig_free(r);
}

UNIT(a_leading_pause_lets_it_ring)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Pause length=\"3\"/><Say>Hello.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 2900);
    ok(!rig_is_answered(r));
    rig_waits(r, 200);
    ok(rig_is_answered(r));
    ok(rig_hears(r, "Hello."));
out:
    rig_free(r);
}

UNIT(a_leading_redirect_lets_it_ring)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Redirect method=\"GET\">/two</Redirect></Response>");
    rig_answer(r, &(struct rig_answer){.url = "http://app.test/two",
                                       .body = "<Response><Say>Two.</Say></Response>",
                                       .delay_ms = 1000});
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 500);
    ok_int(rig_requests(r, "http://app.test/two"), 1);
    ok_str(rig_method(r, "http://app.test/two", 0), "GET");
    ok_str(rig_param(r, "http://app.test/two", 0, "CallStatus"), "ringing");
    ok(!rig_is_answered(r));
    ok(rig_hears(r, "Two."));
    ok(rig_is_answered(r));
out:
    rig_free(r);
}

UNIT(reject_never_answers)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Reject reason=\"busy\"/></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_BUSY);
    ok(!rig_is_answered(r));
    ok(rig_settles(r));
    ok_str(rig_param(r, STATUS, -1, "CallStatus"), "busy");
    rig_free(r);
    r = rig_new(config);
    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Reject/></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_REJECTED);
    ok(rig_settles(r));
    ok_str(rig_param(r, STATUS, -1, "CallStatus"), "no-answer");
    ok_str(rig_param(r, STATUS, -1, "CallDuration"), "0");
out:
    rig_free(r);
}

UNIT(reject_after_the_answer_hangs_up)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Say>Hello.</Say><Reject reason=\"busy\"/></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_str(rig_param(r, STATUS, -1, "CallStatus"), "completed");
out:
    rig_free(r);
}

UNIT(an_empty_response_answers_and_hangs_up)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response/>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_str(rig_param(r, STATUS, -1, "CallStatus"), "completed");
out:
    rig_free(r);
}

UNIT(hangup_ends_the_call_at_once)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Hangup/><Say>Never.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok_int(rig_journal(r, "verb", "\"Say\""), 0);
    ok(rig_settles(r));
out:
    rig_free(r);
}

UNIT(a_caller_who_gives_up_while_it_rings_was_not_answered)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Pause length=\"30\"/><Say>Hello.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 1000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_str(rig_param(r, STATUS, -1, "CallStatus"), "no-answer");
    ok(rig_now(r) < 5000);
out:
    rig_free(r);
}

UNIT(a_caller_who_hangs_up_stops_the_prompt)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Say loop=\"0\">Round and round.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears_start(r, "Round and round."));
    rig_waits(r, 1000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "hangup", "\"by\":\"caller\""), 1);
    ok_int(rig_journal(r, "verb_end", "\"hangup\""), 1);
    ok_str(rig_param(r, STATUS, -1, "CallStatus"), "completed");
out:
    rig_free(r);
}

UNIT(a_redirect_loop_ends_with_a_clear_error)
{
    struct rig *r = rig_new("limits { documents_per_call = 7 }\n"
                            "number { '+1555*', voice = '" VOICE "' }\n");

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Redirect>/voice</Redirect></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_ends(r) >= 0);
    ok_int(rig_requests(r, VOICE), 7);
    ok_int(rig_journal(r, "error", "documents_per_call"), 1);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "end", "\"failed\""), 1);
out:
    rig_free(r);
}

UNIT(an_unknown_number_is_refused)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_call(r, "+4930123", "+15550199");
    ok_int(rig_ends(r), CAUSE_UNROUTABLE);
    ok_int(rig_requests(r, VOICE), 0);
out:
    rig_free(r);
}

UNIT(the_longest_call_is_bounded)
{
    struct rig *r = rig_new("limits { call_seconds = 60 }\n"
                            "number { '+1555*', voice = '" VOICE "' }\n");

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Echo/></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_now(r) >= 60000 && rig_now(r) < 60200);
    ok_int(rig_journal(r, "hangup", "\"by\":\"limit\""), 1);
out:
    rig_free(r);
}

UNIT(a_redirect_from_outside_replaces_the_document)
{
    struct rig *r = rig_new(config);
    struct error err = {0};

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Gather timeout=\"60\"><Say>Menu.</Say></Gather></Response>");
    rig_web(r, "http://app.test/new", "<Response><Say>Something else.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Menu."));
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), "http://app.test/new", &err), &err);
    ok(rig_hears(r, "Something else."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(runtime_redirect(rig_runtime(r), rig_sid(r), "http://app.test/new", &err) != 0);
out:
    rig_free(r);
}

UNIT(a_hangup_from_outside_ends_it)
{
    struct rig *r = rig_new(config);
    struct error err = {0};

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Echo/></Response>");
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 1000);
    ok_rc(runtime_hangup(rig_runtime(r), rig_sid(r), &err), &err);
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "hangup", "\"by\":\"operator\""), 1);
out:
    rig_free(r);
}

UNIT(verbs_of_later_versions_are_named_and_left_out)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Pay/><Say>Still here.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Still here."));
    ok_int(rig_journal(r, "warn", "<Pay>"), 1);
out:
    rig_free(r);
}

UNIT(the_same_call_gives_the_same_journal)
{
    char *first = NULL;
    struct rig *r = NULL;

    for (int i = 0; i < 2; i++) {
        r = rig_new(config);
        ok(r != NULL);
        rig_web(r, VOICE,
                "<Response><Gather numDigits=\"2\"><Say>Two keys.</Say></Gather></Response>");
        rig_call(r, "+15550100", "+15550199");
        rig_waits(r, 700);
        rig_press(r, "1");
        rig_waits(r, 1234);
        rig_hangs_up(r);
        ok(rig_settles(r));
        if (first == NULL)
            first = rig_journal_text(r);
        else {
            char *second = rig_journal_text(r);
            bool same = strcmp(first, second) == 0;

            rig_text_free(second);
            ok(same);
        }
        r = rig_free(r);
    }
out:
    rig_text_free(first);
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(a_caller_hears_the_menu_and_chooses),
          NO_TORTURE(status_callbacks_tell_the_calls_life),
          NO_TORTURE(a_leading_pause_lets_it_ring), NO_TORTURE(a_leading_redirect_lets_it_ring),
          NO_TORTURE(reject_never_answers), NO_TORTURE(reject_after_the_answer_hangs_up),
          NO_TORTURE(an_empty_response_answers_and_hangs_up),
          NO_TORTURE(hangup_ends_the_call_at_once),
          NO_TORTURE(a_caller_who_gives_up_while_it_rings_was_not_answered),
          NO_TORTURE(a_caller_who_hangs_up_stops_the_prompt),
          NO_TORTURE(a_redirect_loop_ends_with_a_clear_error),
          NO_TORTURE(an_unknown_number_is_refused), NO_TORTURE(the_longest_call_is_bounded),
          NO_TORTURE(a_redirect_from_outside_replaces_the_document),
          NO_TORTURE(a_hangup_from_outside_ends_it),
          NO_TORTURE(verbs_of_later_versions_are_named_and_left_out),
          NO_TORTURE(the_same_call_gives_the_same_journal))
