/* Ends that meet something else in the same instant, or find something in their way: what was asked
 * for is still done, once, and the call ends within its bound. */
#include "session/runtime.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#define APP    "http://app.test"
#define VOICE  APP "/voice"
#define DONE   APP "/done"
#define NEXT   APP "/next"
#define TOLD   APP "/told"
#define STATUS APP "/status"
static const char web[] =
    "number { '+1555*', voice = '" VOICE "', status_callback = '" STATUS "',\n"
    "  status_callback_events = { 'initiated', 'ringing', 'answered', "
    "'completed' } }\n"
    "server { public_url = 'https://almon.test' }\n";
static const char file[] = "number { '+1555*', voice = 'flow.xml' }\n"
                           "server { public_url = 'https://almon.test' }\n";

/* A call into a document of the web application's, or into one of a file. */
static struct rig *call(const char *config, const char *markup)
{
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    if (config == web)
        rig_web(r, VOICE, markup);
    else
        rig_file(r, "flow.xml", markup);
    rig_web(r, DONE, "<Response><Say>Thank you.</Say></Response>");
    rig_web(r, NEXT, "<Response><Say>Next.</Say></Response>");
    rig_web(r, TOLD, "");
    rig_web(r, STATUS, "");
    rig_sends(r, 2);
    rig_call(r, "+15550100", "+15550199");
    return r;
}

UNIT(a_message_left_in_lua_within_a_document_survives_the_hangup)
{
    struct rig *r = call(file, "<Response><Lua>call:record{action = '" DONE "'}</Lua></Response>");

    ok(r != NULL);
    rig_waits(r, 3000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, DONE), 1);
    ok_str(rig_param(r, DONE, 0, "Digits"), "hangup");
    ok_int(rig_journal(r, "end", "\"completed\""), 1);
out:
    rig_free(r);
}

UNIT(what_shall_run_after_the_call_runs_after_such_a_message_too)
{
    struct rig *r = call(file, "<Response><Lua>"
                               "call:on_hangup(function() require('http').get('" NEXT "') end)"
                               "call:record{action = '" DONE "'}</Lua></Response>");

    ok(r != NULL);
    rig_waits(r, 3000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, DONE), 1);
    ok_int(rig_requests(r, NEXT), 1);
out:
    rig_free(r);
}

UNIT(a_document_that_lua_leads_to_does_not_come_back)
{
    struct rig *r =
        call(file, "<Response><Lua>call:redirect('&lt;Response>&lt;Say>New.&lt;/Say>&lt;/Response>"
                   "')</Lua><Say>Old.</Say></Response>");

    ok(r != NULL);
    ok(rig_hears(r, "New."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok_int(rig_journal(r, "say", "Old."), 0);
out:
    rig_free(r);
}

/* The answer comes at 1500 ms: one who hung up before is told nothing, one who hangs up then was
 * answered. */
UNIT(an_answer_in_the_instant_of_the_hangup_is_taken_or_dropped_whole)
{
    for (int early = 0; early < 2; early++) {
        struct rig *r = call(web, "<Response><Pause/><Redirect>/late</Redirect></Response>");

        ok(r != NULL);
        rig_answer(r, &(struct rig_answer){.url = APP "/late",
                                           .body = "<Response><Say>Late.</Say></Response>",
                                           .delay_ms = 500});
        rig_waits(r, 1500 - early);
        rig_hangs_up(r);
        ok(rig_settles(r));
        ok_int(rig_journal(r, "end", NULL), 1);
        ok_int(rig_journal(r, "end", early ? "\"no-answer\"" : "\"completed\""), 1);
        ok_int(rig_journal(r, "say", NULL), !early);
        ok_int(rig_journal(r, "played", "\"ended\""), 0);
    out:
        rig_free(r);
    }
}

UNIT(a_key_in_the_instant_of_the_timeout_counts_once_or_not_at_all)
{
    for (int early = 0; early < 2; early++) {
        struct rig *r = call(web, "<Response><Gather action=\"/done\" numDigits=\"1\" "
                                  "timeout=\"2\"/><Say>None.</Say></Response>");

        ok(r != NULL);
        rig_waits(r, 2000 - early);
        rig_press(r, "7");
        if (early)
            ok(rig_hears(r, "Thank you."));
        else
            ok(rig_hears(r, "None."));
        ok_int(rig_requests(r, DONE), early);
        ok_int(rig_ends(r), CAUSE_NORMAL);
        ok(rig_settles(r));
    out:
        rig_free(r);
    }
}

UNIT(callbacks_that_nobody_answers_hold_a_call_no_longer_than_a_webhook_waits)
{
    struct rig *r = rig_new(web);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Pause/><Say>Hello.</Say></Response>");
    rig_answer(r, &(struct rig_answer){.url = STATUS, .delay_ms = 3600 * 1000});
    rig_call(r, "+15550100", "+15550199");
    ok_int(rig_ends(r), CAUSE_NORMAL);
    rig_waits(r, 16000);
    ok_int(rig_journal(r, "end", "\"completed\""), 1);
    ok_int(rig_journal(r, "callback_end", "15003"), 4);
out:
    rig_free(r);
}

/* recordings/ cannot be made: there is a file of that name. */
UNIT(a_disk_that_refuses_a_recording_leaves_the_call_whole)
{
    struct rig *r = rig_new(web);

    ok(r != NULL);
    rig_file(r, "state/recordings", "");
    rig_web(r, VOICE,
            "<Response><Record action=\"/done\" maxLength=\"2\" recordingStatusCallback=\"/told\" "
            "recordingStatusCallbackEvent=\"completed absent\"/></Response>");
    rig_web(r, DONE, "<Response><Say>Thank you.</Say></Response>");
    rig_web(r, TOLD, "");
    rig_web(r, STATUS, "");
    rig_sends(r, 2);
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "Thank you."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_int(rig_requests(r, TOLD), 1);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "absent");
    ok(rig_param(r, DONE, 0, "RecordingUrl") == NULL);
    ok_int(rig_journal(r, "warn", "13600"), 1);
out:
    rig_free(r);
}

UNIT(a_hangup_while_audio_is_fetched_ends_the_fetch)
{
    struct rig *r = rig_new(web);

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Play>/tone.wav</Play><Say>After.</Say></Response>");
    rig_answer(r, &(struct rig_answer){.url = APP "/tone.wav", .delay_ms = 5000});
    rig_web(r, STATUS, "");
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 1000);
    rig_hangs_up(r);
    rig_waits(r, 1000);
    ok_int(rig_journal(r, "end", "\"completed\""), 1);
    rig_waits(r, 6000);
    ok_int(rig_journal(r, "say", NULL), 0);
out:
    rig_free(r);
}

UNIT(a_ringing_call_can_be_redirected)
{
    struct rig *r = call(web, "<Response><Pause length=\"20\"/></Response>");
    struct error err = {0};

    ok(r != NULL);
    rig_waits(r, 1000);
    ok(!rig_is_answered(r));
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), NEXT, &err), &err);
    ok(rig_hears(r, "Next."));
    ok_int(rig_ends(r), CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_int(rig_requests(r, STATUS), 4);
    ok_str(rig_param(r, STATUS, 3, "CallStatus"), "completed");
out:
    rig_free(r);
}

UNIT(a_recording_may_follow_the_one_that_a_redirect_cut_off)
{
    struct rig *r = call(file, "<Response><Record action=\"/done\"/></Response>");
    struct error err = {0};

    ok(r != NULL);
    rig_file(r, "again.xml",
             "<Response><Record action=\"" DONE
             "\" playBeep=\"false\" maxLength=\"2\"/></Response>");
    rig_waits(r, 3000);
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), "again.xml", &err), &err);
    ok(rig_hears(r, "Thank you."));
    ok(rig_ends(r) >= 0);
    ok(rig_settles(r));
    ok_int(rig_journal(r, "recording", "\"completed\""), 2);
    ok_int(rig_journal(r, "warn", "13600"), 0);
out:
    rig_free(r);
}

UNIT(wrong_overrides_of_a_url_are_said)
{
    struct rig *r = call(web, "<Response><Redirect>/next#rc=99</Redirect></Response>");

    ok(r != NULL);
    ok(rig_hears(r, "Next."));
    ok_int(rig_journal(r, "warn", "1124"), 1);
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(a_message_left_in_lua_within_a_document_survives_the_hangup),
          NO_TORTURE(what_shall_run_after_the_call_runs_after_such_a_message_too),
          NO_TORTURE(a_document_that_lua_leads_to_does_not_come_back),
          NO_TORTURE(an_answer_in_the_instant_of_the_hangup_is_taken_or_dropped_whole),
          NO_TORTURE(a_key_in_the_instant_of_the_timeout_counts_once_or_not_at_all),
          NO_TORTURE(callbacks_that_nobody_answers_hold_a_call_no_longer_than_a_webhook_waits),
          NO_TORTURE(a_disk_that_refuses_a_recording_leaves_the_call_whole),
          NO_TORTURE(a_hangup_while_audio_is_fetched_ends_the_fetch),
          NO_TORTURE(a_ringing_call_can_be_redirected),
          NO_TORTURE(a_recording_may_follow_the_one_that_a_redirect_cut_off),
          NO_TORTURE(wrong_overrides_of_a_url_are_said))
