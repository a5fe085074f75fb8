/* Start and Stop of Recording, and recordings told what to do from outside (twiml-voice.md §8.4,
 * webhooks.md §4, rest-api.md §2.2). */
#include "session/runtime.h"
#include "session/session.h"
#include "tests/scenarios/recorded.h"
#include "tests/unit/unit.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VOICE "http://app.test/voice"
#define TOLD  "http://app.test/told"
static const char config[] = "number { '+1555*', voice = '" VOICE "' }\n"
                             "server { public_url = 'https://almon.test' }\n";

static struct rig *call(const char *markup)
{
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    rig_web(r, VOICE, markup);
    rig_web(r, TOLD, "");
    rig_call(r, "+15550100", "+15550199");
    return r;
}

/* --- what is in the file --- */

static bool about(double seconds, double expected)
{
    return fabs(seconds - expected) < 0.15;
}

/* --- beside the document --- */

UNIT(both_sides_are_heard_beside_each_other)
{
    struct rig *r = call("<Response><Start><Recording recordingStatusCallback=\"/told\" "
                         "trim=\"do-not-trim\"/></Start>"
                         "<Say>Good morning.</Say><Pause length=\"3\"/></Response>");
    struct recorded heard;

    ok(r != NULL);
    ok(rig_hears(r, "Good morning."));
    ok_int(rig_requests(r, TOLD), 0); /* completed is the only event by default */
    ok(rig_ends(r) == CAUSE_NORMAL);
    ok(rig_settles(r));
    ok_int(rig_requests(r, TOLD), 1);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "completed");
    ok_str(rig_param(r, TOLD, 0, "RecordingChannels"), "2");
    ok_str(rig_param(r, TOLD, 0, "RecordingTrack"), "both");
    ok_str(rig_param(r, TOLD, 0, "RecordingSource"), "StartCallRecordingTwiML");
    ok_str(rig_param(r, TOLD, 0, "CallSid"), rig_sid(r));
    ok_str(rig_param(r, TOLD, 0, "AccountSid"), SIM_ACCOUNT);
    ok_str(rig_method(r, TOLD, 0), "POST");
    ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard));
    ok_int(heard.channels, 2);
    ok(heard.level[0] < 0.001 && heard.level[1] > 0.005); /* he said nothing, Almon did */
    ok(heard.seconds > 3.3);
    ok_int(atoi(rig_param(r, TOLD, 0, "RecordingDuration")), (int)lround(heard.seconds));
out:
    rig_free(r);
}

UNIT(the_caller_is_the_first_channel)
{
    struct rig *r = call("<Response><Start><Recording recordingStatusCallback=\"/told\"/></Start>"
                         "<Gather timeout=\"4\"/></Response>");
    struct recorded heard;

    ok(r != NULL);
    rig_waits(r, 1000);
    rig_sends(r, 2);
    rig_waits(r, 2000);
    rig_sends(r, 1);
    ok(rig_ends(r) == CAUSE_NORMAL);
    ok(rig_settles(r));
    ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingUrl"), &heard));
    ok_int(heard.channels, 2);
    ok(heard.level[0] > 0.05 && heard.level[1] < 0.001);
    ok(about(heard.seconds, 2.2)); /* the silence before and after is cut */
out:
    rig_free(r);
}

static bool one_track(const char *attributes, const char *track, bool caller, bool almon)
{
    char markup[600];
    struct recorded heard;
    struct rig *r;
    bool good;

    snprintf(markup, sizeof markup,
             "<Response><Start><Recording recordingStatusCallback=\"/told\" trim=\"do-not-trim\" "
             "%s/></Start><Gather timeout=\"2\"/><Play digits=\"1111\"/></Response>",
             attributes);
    r = rig_new(config);
    if (r == NULL)
        return false;
    rig_web(r, VOICE, markup);
    rig_web(r, TOLD, "");
    rig_call_as(r, &(struct offer){.to = "+15550100", .from = "+15550199", .codec = CODEC_PCMU});
    if (caller) {
        rig_sends(r, 2);
        rig_waits(r, 1000);
    }
    rig_sends(r, 1);
    rig_ends(r);
    rig_settles(r);
    good = recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard) && heard.channels == 1 &&
           strcmp(rig_param(r, TOLD, 0, "RecordingChannels"), "1") == 0 &&
           strcmp(rig_param(r, TOLD, 0, "RecordingTrack"), track) == 0 &&
           (heard.level[0] > 0.02) == almon;
    rig_free(r);
    return good;
}

UNIT(one_track_is_recorded_alone)
{
    /* attributes, the callback's word, whether the caller speaks, whether that is in the file */
    ok(one_track("channels=\"mono\"", "both", true, true));
    ok(one_track("channels=\"mono\"", "both", false, true)); /* the tones of Play */
    ok(one_track("track=\"inbound\"", "inbound", true, true));
    ok(one_track("track=\"inbound\" channels=\"dual\"", "inbound", false, false));
    ok(one_track("track=\"outbound\"", "outbound", false, true));
out:;
}

UNIT(it_outlives_the_document)
{
    struct rig *r = call("<Response><Start><Recording recordingStatusCallback=\"/told\" "
                         "trim=\"do-not-trim\"/></Start>"
                         "<Pause length=\"2\"/><Redirect>/next</Redirect></Response>");
    struct error err = {0};
    struct recorded heard;

    ok(r != NULL);
    rig_web(r, "http://app.test/next", "<Response><Pause length=\"60\"/></Response>");
    rig_web(r, "http://app.test/new", "<Response><Pause length=\"2\"/></Response>");
    rig_waits(r, 4000);
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), "http://app.test/new", &err), &err);
    ok(rig_ends(r) == CAUSE_NORMAL);
    ok(rig_settles(r));
    ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard));
    ok(about(heard.seconds, 6));
out:
    rig_free(r);
}

UNIT(a_hangup_ends_and_keeps_it)
{
    struct rig *r = call("<Response><Start><Recording recordingStatusCallback=\"/told\" "
                         "recordingStatusCallbackMethod=\"GET\" trim=\"do-not-trim\" "
                         "recordingStatusCallbackEvent=\"in-progress completed\"/></Start>"
                         "<Pause length=\"60\"/></Response>");
    struct recorded heard;

    ok(r != NULL);
    rig_waits(r, 5000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, TOLD), 2);
    ok_str(rig_method(r, TOLD, 0), "GET");
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "in-progress");
    ok(rig_param(r, TOLD, 0, "RecordingDuration") == NULL);
    ok_str(rig_param(r, TOLD, 1, "RecordingStatus"), "completed");
    ok_str(rig_param(r, TOLD, 1, "RecordingDuration"), "5");
    ok(recorded_read(r, rig_param(r, TOLD, 1, "RecordingSid"), &heard));
    ok(about(heard.seconds, 5));
    ok(recorded_files(r, ".json") == 1 && recorded_files(r, ".part.wav") == 0);
out:
    rig_free(r);
}

/* --- names --- */

UNIT(stop_ends_the_one_it_names)
{
    struct rig *r =
        call("<Response><Start>"
             "<Recording name=\"one\" trim=\"do-not-trim\" recordingStatusCallback=\"/told\"/>"
             "<Recording name=\"two\" trim=\"do-not-trim\" recordingStatusCallback=\"/told2\"/>"
             "</Start><Pause length=\"2\"/><Stop><Recording name=\"one\"/></Stop>"
             "<Pause length=\"3\"/></Response>");
    struct recorded heard;

    ok(r != NULL);
    rig_web(r, "http://app.test/told2", "");
    rig_waits(r, 3000);
    ok_int(rig_requests(r, TOLD), 1);
    ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard));
    ok(about(heard.seconds, 2));
    ok_int(rig_requests(r, "http://app.test/told2"), 0);
    ok(rig_ends(r) == CAUSE_NORMAL);
    ok(rig_settles(r));
    ok(recorded_read(r, rig_param(r, "http://app.test/told2", 0, "RecordingSid"), &heard));
    ok(about(heard.seconds, 5));
    ok_int(rig_journal(r, "warn", ""), 0);
out:
    rig_free(r);
}

UNIT(a_name_is_taken_while_it_runs)
{
    struct rig *r = call("<Response><Start><Recording name=\"a\"/><Recording name=\"a\"/></Start>"
                         "<Stop><Recording name=\"b\"/></Stop>"
                         "<Pause length=\"2\"/><Stop><Recording name=\"a\"/></Stop>"
                         "<Start><Recording name=\"a\"/></Start><Say>Going on.</Say></Response>");

    ok(r != NULL);
    ok(rig_hears(r, "Going on."));
    ok(rig_settles(r));
    ok_int(rig_journal(r, "warn", "a recording named \\\"a\\\" runs already"), 1);
    ok_int(rig_journal(r, "warn", "no recording named \\\"b\\\" runs"), 1);
    ok_int(rig_journal(r, "warn", "14300"), 2);
    ok_int(rig_journal(r, "recording", "in-progress"), 2);
    ok(recorded_files(r, ".wav") == 2);
out:
    rig_free(r);
}

UNIT(three_run_at_once_a_fourth_is_refused)
{
    struct rig *r = call("<Response><Start><Recording/><Recording/></Start>"
                         "<Record playBeep=\"false\" timeout=\"2\" action=\"/next\"/></Response>");

    ok(r != NULL);
    rig_web(r, "http://app.test/next",
            "<Response><Start><Recording/><Recording/></Start><Say>Going on.</Say></Response>");
    rig_sends(r, 1);
    ok(rig_hears(r, "Going on."));
    ok(rig_settles(r));
    /* A verb's own and those beside it count alike; the Record was over. */
    ok_int(rig_journal(r, "warn", "three recordings"), 1);
    ok(recorded_files(r, ".wav") == 4);
out:
    rig_free(r);
}

UNIT(it_does_not_answer_by_itself)
{
    struct rig *r = call("<Response><Start><Recording/></Start><Pause length=\"2\"/>"
                         "<Reject reason=\"busy\"/></Response>");

    ok(r != NULL);
    rig_waits(r, 1000);
    ok(!rig_is_answered(r));
    ok(rig_ends(r) == CAUSE_BUSY);
    ok(rig_settles(r));
out:
    rig_free(r);
}

UNIT(what_runs_beside_and_is_not_there_yet_is_left_out)
{
    struct rig *r = call("<Response><Start><Siprec/></Start><Say>Going on.</Say></Response>");

    ok(r != NULL);
    ok(rig_hears(r, "Going on."));
    ok_int(rig_journal(r, "warn", "<Siprec>"), 1);
out:
    rig_free(r);
}

/* --- from outside --- */

static struct rig *quiet_call(const char *attributes)
{
    static char markup[600];

    snprintf(markup, sizeof markup,
             "<Response><Start><Recording recordingStatusCallback=\"/told\" trim=\"do-not-trim\" "
             "%s/></Start><Gather timeout=\"600\"/></Response>",
             attributes);
    return call(markup);
}

UNIT(a_pause_is_left_out_or_is_silence)
{
    static const double lengths[] = {7, 10};

    for (int silent = 0; silent < 2; silent++) {
        struct rig *r = quiet_call("");
        struct error err = {0};
        struct recorded heard;

        ok(r != NULL);
        rig_sends(r, 2);
        rig_waits(r, 2000);
        ok_rc(runtime_recording_pause(rig_runtime(r), rig_sid(r), silent, &err), &err);
        rig_waits(r, 3000);
        ok_rc(runtime_recording_resume(rig_runtime(r), rig_sid(r), &err), &err);
        rig_waits(r, 5000);
        ok_rc(runtime_recording_stop(rig_runtime(r), rig_sid(r), &err), &err);
        rig_waits(r, 1000);
        ok_int(rig_requests(r, TOLD), 1);
        ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard));
        ok(about(heard.seconds, lengths[silent]));
        ok_int(rig_journal(r, "recording", "paused"), 1);
        ok_int(rig_journal(r, "recording", "in-progress"), 2);
        rig_hangs_up(r);
        ok(rig_settles(r));
    out:
        rig_free(r);
    }
}

UNIT(what_makes_no_sense_is_refused)
{
    struct rig *r = quiet_call("");
    struct runtime *rt = r != NULL ? rig_runtime(r) : NULL;
    struct error err = {0};
    char sid[SID_SIZE];

    ok(r != NULL);
    ok(runtime_recording_resume(rt, rig_sid(r), &err) == ERR_WRONG_STATE);
    ok_rc(runtime_recording_pause(rt, rig_sid(r), false, &err), &err);
    ok(runtime_recording_pause(rt, rig_sid(r), false, &err) == ERR_WRONG_STATE);
    ok(strstr(err.text, "paused already") != NULL);
    ok(runtime_recording_stop(rt, "RE00000000000000000000000000000000", &err) == ERR_MISSING);
    ok(runtime_recording_stop(rt, "CA00000000000000000000000000000000", &err) == ERR_MISSING);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok(runtime_record(rt, rig_sid(r), &(struct record_options){.source = "StartCallRecordingAPI"},
                      sid, &err) == ERR_MISSING);
    ok(runtime_recording_stop(rt, rig_sid(r), &err) == ERR_MISSING);
out:
    rig_free(r);
}

UNIT(a_call_is_recorded_at_somebody_elses_wish)
{
    struct rig *r = call("<Response><Say>Hello.</Say><Pause length=\"60\"/></Response>");
    struct record_options o = {
        .source = "StartCallRecordingAPI", .callback = TOLD, .callback_events = 7, .dual = true};
    struct runtime *rt = r != NULL ? rig_runtime(r) : NULL;
    struct error err = {0};
    char one[SID_SIZE], two[SID_SIZE];

    ok(r != NULL);
    ok(rig_hears(r, "Hello."));
    ok_rc(runtime_record(rt, rig_sid(r), &o, one, &err), &err);
    ok_rc(runtime_record(rt, rig_sid(r), &o, two, &err), &err);
    rig_waits(r, 2000);
    /* Which of the two? */
    ok(runtime_recording_stop(rt, rig_sid(r), &err) == ERR_WRONG_STATE);
    ok_rc(runtime_recording_stop(rt, two, &err), &err);
    rig_waits(r, 100);
    ok_rc(runtime_recording_stop(rt, rig_sid(r), &err), &err);
    rig_waits(r, 100);
    ok_str(rig_param(r, TOLD, 0, "RecordingSource"), "StartCallRecordingAPI");
    ok_str(rig_param(r, TOLD, 2, "RecordingSid"), two);
    ok_str(rig_param(r, TOLD, 2, "RecordingDuration"), "2");
    ok_str(rig_param(r, TOLD, 3, "RecordingSid"), one);
    rig_hangs_up(r);
    ok(rig_settles(r));
out:
    rig_free(r);
}

UNIT(a_paused_length_does_not_count)
{
    struct rig *r = call("<Response><Record playBeep=\"false\" maxLength=\"5\" timeout=\"0\" "
                         "action=\"/told\" trim=\"do-not-trim\"/></Response>");
    struct error err = {0};

    ok(r != NULL);
    rig_sends(r, 0); /* no media: only the clock ends it */
    rig_waits(r, 2000);
    ok_rc(runtime_recording_pause(rig_runtime(r), rig_sid(r), false, &err), &err);
    rig_waits(r, 60000);
    ok_int(rig_requests(r, TOLD), 0);
    ok_rc(runtime_recording_resume(rig_runtime(r), rig_sid(r), &err), &err);
    rig_waits(r, 4500);
    ok_int(rig_requests(r, TOLD), 0);
    rig_waits(r, 1000);
    ok_int(rig_requests(r, TOLD), 1);
out:
    rig_free(r);
}

UNIT(its_facts_are_written_beside_it)
{
    struct rig *r = quiet_call("track=\"outbound\"");
    char pattern[600], text[2000];
    glob_t found = {0};
    FILE *f = NULL;
    size_t n;

    ok(r != NULL);
    rig_waits(r, 2000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    snprintf(pattern, sizeof pattern, "%s/state/recordings/*/*.json", rig_folder(r));
    ok(glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1);
    f = fopen(found.gl_pathv[0], "r");
    ok(f != NULL);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    ok(strstr(text, "\"track\": \"outbound\"") != NULL);
    ok(strstr(text, "\"source\": \"StartCallRecordingTwiML\"") != NULL);
    ok(strstr(text, "\"channels\": 1") != NULL);
    ok(strstr(text, "\"conference_sid\": null") != NULL);
    ok(strstr(text, rig_sid(r)) != NULL);
out:
    if (f != NULL)
        fclose(f);
    globfree(&found);
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(both_sides_are_heard_beside_each_other),
          NO_TORTURE(the_caller_is_the_first_channel), NO_TORTURE(one_track_is_recorded_alone),
          NO_TORTURE(it_outlives_the_document), NO_TORTURE(a_hangup_ends_and_keeps_it),
          NO_TORTURE(stop_ends_the_one_it_names), NO_TORTURE(a_name_is_taken_while_it_runs),
          NO_TORTURE(three_run_at_once_a_fourth_is_refused),
          NO_TORTURE(it_does_not_answer_by_itself),
          NO_TORTURE(what_runs_beside_and_is_not_there_yet_is_left_out),
          NO_TORTURE(a_pause_is_left_out_or_is_silence), NO_TORTURE(what_makes_no_sense_is_refused),
          NO_TORTURE(a_call_is_recorded_at_somebody_elses_wish),
          NO_TORTURE(a_paused_length_does_not_count), NO_TORTURE(its_facts_are_written_beside_it))
