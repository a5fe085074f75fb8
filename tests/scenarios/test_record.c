/* Record: beep, the ways it ends, its action and callbacks (twiml-voice.md §4, webhooks.md §4). */
#include "session/runtime.h"
#include "tests/scenarios/recorded.h"
#include "tests/unit/unit.h"

#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VOICE "http://app.test/voice"
#define DONE  "http://app.test/done"
#define TOLD  "http://app.test/told"
static const char config[] = "number { '+1555*', voice = '" VOICE "' }\n"
                             "server { public_url = 'https://almon.test' }\n";

static struct rig *record(const char *attributes)
{
    static char markup[2000];
    struct rig *r = rig_new(config);

    if (r == NULL)
        return NULL;
    snprintf(markup, sizeof markup,
             "<Response><Record action=\"/done\" %s/><Say>Never.</Say></Response>", attributes);
    rig_web(r, VOICE, markup);
    rig_web(r, DONE, "<Response><Say>Thank you.</Say></Response>");
    rig_web(r, TOLD, "");
    rig_call(r, "+15550100", "+15550199");
    return r;
}

/* Seconds of the recording's wav file, -1 when there is none. */
static double seconds_on_disk(struct rig *r)
{
    char path[600];
    const char *url = rig_param(r, DONE, -1, "RecordingUrl");
    SF_INFO info = {0};
    SNDFILE *f;

    if (url == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/state/recordings/AC00000000000000000000000000000001%s.wav",
             rig_folder(r), strrchr(url, '/'));
    f = sf_open(path, SFM_READ, &info);
    if (f == NULL)
        return -1;
    sf_close(f);
    return (double)info.frames / info.samplerate;
}

UNIT(a_key_ends_it_and_the_action_knows)
{
    struct rig *r = record("");
    const char *url;
    double seconds;

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 300 + 4000);
    rig_press(r, "#");
    ok(rig_hears(r, "Thank you."));
    ok_str(rig_param(r, DONE, 0, "Digits"), "#");
    ok_str(rig_param(r, DONE, 0, "RecordingDuration"), "4");
    url = rig_param(r, DONE, 0, "RecordingUrl");
    ok(strncmp(url,
               "https://almon.test/2010-04-01/Accounts/AC00000000000000000000000000000001/"
               "Recordings/RE",
               87) == 0);
    seconds = seconds_on_disk(r);
    ok(seconds > 3.8 && seconds < 4.2);
    ok_int(rig_journal(r, "say", "Never"), 0);
out:
    rig_free(r);
}

UNIT(it_begins_with_a_beep)
{
    struct rig *r = record("");

    ok(r != NULL);
    rig_waits(r, 1000);
    ok_int(rig_frames(r), 15);
    rig_free(r);
    r = record("playBeep=\"false\"");
    ok(r != NULL);
    rig_waits(r, 1000);
    ok_int(rig_frames(r), 0);
out:
    rig_free(r);
}

UNIT(silence_ends_it_after_the_timeout)
{
    struct rig *r = record("timeout=\"3\" playBeep=\"false\" trim=\"trim-silence\"");
    double seconds;

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 2000);
    rig_sends(r, 1);
    rig_waits(r, 2800);
    ok_int(rig_requests(r, DONE), 0);
    rig_waits(r, 400);
    ok_int(rig_requests(r, DONE), 1);
    ok(rig_param(r, DONE, 0, "Digits") == NULL);
    seconds = seconds_on_disk(r);
    ok(seconds > 1.9 && seconds < 2.4);
out:
    rig_free(r);
}

UNIT(without_trimming_the_silence_stays)
{
    struct rig *r = record("timeout=\"3\" playBeep=\"false\" trim=\"do-not-trim\"");
    double seconds;

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 2000);
    rig_sends(r, 1);
    rig_waits(r, 3400);
    seconds = seconds_on_disk(r);
    ok(seconds > 4.8 && seconds < 5.2);
out:
    rig_free(r);
}

UNIT(no_media_is_no_silence)
{
    struct rig *r = record("timeout=\"3\" maxLength=\"20\" playBeep=\"false\"");

    ok(r != NULL);
    rig_sends(r, 0);
    rig_waits(r, 15000);
    ok_int(rig_requests(r, DONE), 0);
    rig_waits(r, 9000);
    ok_int(rig_requests(r, DONE), 1);
out:
    rig_free(r);
}

UNIT(a_timeout_of_zero_never_ends_it)
{
    struct rig *r = record("timeout=\"0\" maxLength=\"30\" playBeep=\"false\"");

    ok(r != NULL);
    rig_sends(r, 1);
    rig_waits(r, 29000);
    ok_int(rig_requests(r, DONE), 0);
    rig_waits(r, 1200);
    ok_int(rig_requests(r, DONE), 1);
out:
    rig_free(r);
}

UNIT(the_longest_length_ends_it)
{
    struct rig *r = record("maxLength=\"5\" playBeep=\"false\"");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 5300);
    ok_str(rig_param(r, DONE, 0, "RecordingDuration"), "5");
out:
    rig_free(r);
}

UNIT(only_its_own_keys_end_it)
{
    struct rig *r = record("finishOnKey=\"19\" playBeep=\"false\"");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 1000);
    rig_press(r, "5#*");
    rig_waits(r, 1000);
    ok_int(rig_requests(r, DONE), 0);
    rig_press(r, "9");
    rig_waits(r, 100);
    ok_str(rig_param(r, DONE, 0, "Digits"), "9");
out:
    rig_free(r);
}

UNIT(the_first_key_is_the_one_that_ended_it)
{
    struct rig *r = record("");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 2000);
    rig_press(r, "#7");
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, DONE), 1);
    ok_str(rig_param(r, DONE, 0, "Digits"), "#");
out:
    rig_free(r);
}

UNIT(a_hangup_still_saves_it_and_asks_the_action)
{
    struct rig *r = record("");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 3000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, DONE), 1);
    ok_str(rig_param(r, DONE, 0, "Digits"), "hangup");
    ok_str(rig_param(r, DONE, 0, "CallStatus"), "completed");
    ok(seconds_on_disk(r) > 2.5);
    ok_int(rig_journal(r, "say", "Thank"), 0);
out:
    rig_free(r);
}

UNIT(callbacks_tell_its_life)
{
    struct rig *r = record("recordingStatusCallback=\"/told\" "
                           "recordingStatusCallbackEvent=\"in-progress completed\"");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 3000);
    rig_press(r, "1");
    ok(rig_hears(r, "Thank you."));
    ok_int(rig_requests(r, TOLD), 2);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "in-progress");
    ok_str(rig_param(r, TOLD, 1, "RecordingStatus"), "completed");
    ok_str(rig_param(r, TOLD, 1, "RecordingChannels"), "1");
    ok_str(rig_param(r, TOLD, 1, "RecordingSource"), "RecordVerb");
    ok_str(rig_param(r, TOLD, 1, "RecordingDuration"), "3");
    ok_str(rig_param(r, TOLD, 1, "CallSid"), rig_sid(r));
    ok_str(rig_param(r, TOLD, 1, "RecordingTrack"), "inbound");
    ok(strstr(rig_param(r, TOLD, 1, "RecordingStartTime"), " 2026 00:00:0") != NULL);
out:
    rig_free(r);
}

UNIT(without_any_media_there_is_no_recording)
{
    struct rig *r = rig_new(config);

    ok(r != NULL);
    rig_web(
        r, VOICE,
        "<Response><Record action=\"/done\" playBeep=\"false\" recordingStatusCallback=\"/told\" "
        "recordingStatusCallbackEvent=\"completed absent\"/></Response>");
    rig_web(r, DONE, "<Response/>");
    rig_web(r, TOLD, "");
    rig_sends(r, 0);
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 5000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    ok_int(rig_requests(r, TOLD), 1);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "absent");
    ok(rig_param(r, TOLD, 0, "RecordingDuration") == NULL);
    ok_str(rig_param(r, DONE, 0, "Digits"), "hangup");
    ok(rig_param(r, DONE, 0, "RecordingUrl") == NULL);
    ok(recorded_files(r, ".wav") == 0);
out:
    rig_free(r);
}

UNIT(its_methods_are_obeyed)
{
    struct rig *r = record("method=\"GET\" recordingStatusCallback=\"/told\" "
                           "recordingStatusCallbackMethod=\"GET\"");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 2000);
    rig_press(r, "1");
    ok(rig_hears(r, "Thank you."));
    ok(rig_settles(r));
    ok_str(rig_method(r, DONE, 0), "GET");
    ok_str(rig_param(r, DONE, 0, "Digits"), "1");
    ok_str(rig_method(r, TOLD, 0), "GET");
out:
    rig_free(r);
}

UNIT(what_shall_be_transcribed_lasts_two_minutes)
{
    struct rig *r = record("transcribe=\"true\" playBeep=\"false\"");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 119000);
    ok_int(rig_requests(r, DONE), 0);
    rig_waits(r, 2000);
    ok_str(rig_param(r, DONE, 0, "RecordingDuration"), "120");
out:
    rig_free(r);
}

UNIT(completed_is_the_only_event_by_default)
{
    struct rig *r = record("recordingStatusCallback=\"/told\"");

    ok(r != NULL);
    rig_sends(r, 2);
    rig_waits(r, 3000);
    rig_press(r, "1");
    ok(rig_hears(r, "Thank you."));
    ok_int(rig_requests(r, TOLD), 1);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "completed");
out:
    rig_free(r);
}

UNIT(a_redirect_from_outside_keeps_what_was_recorded)
{
    struct rig *r = record("recordingStatusCallback=\"/told\"");
    struct error err = {0};

    ok(r != NULL);
    rig_web(r, "http://app.test/new", "<Response><Say>Something else.</Say></Response>");
    rig_sends(r, 2);
    rig_waits(r, 3000);
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), "http://app.test/new", &err), &err);
    ok(rig_hears(r, "Something else."));
    ok_int(rig_requests(r, DONE), 0);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "completed");
    ok(rig_ends(r) == CAUSE_NORMAL);
    ok(rig_settles(r));
out:
    rig_free(r);
}

UNIT(a_silent_caller_can_fall_through)
{
    struct rig *r = rig_new("number { '+1555*', voice = '" VOICE "' }\n"
                            "recordings { empty_falls_through = true }\n");

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Record action=\"/done\" timeout=\"2\"/>"
            "<Say>I heard nothing.</Say></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_hears(r, "I heard nothing."));
    ok_int(rig_requests(r, DONE), 0);
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(a_key_ends_it_and_the_action_knows), NO_TORTURE(it_begins_with_a_beep),
          NO_TORTURE(silence_ends_it_after_the_timeout),
          NO_TORTURE(without_trimming_the_silence_stays), NO_TORTURE(no_media_is_no_silence),
          NO_TORTURE(a_timeout_of_zero_never_ends_it), NO_TORTURE(the_longest_length_ends_it),
          NO_TORTURE(only_its_own_keys_end_it), NO_TORTURE(the_first_key_is_the_one_that_ended_it),
          NO_TORTURE(a_hangup_still_saves_it_and_asks_the_action),
          NO_TORTURE(callbacks_tell_its_life), NO_TORTURE(without_any_media_there_is_no_recording),
          NO_TORTURE(its_methods_are_obeyed),
          NO_TORTURE(what_shall_be_transcribed_lasts_two_minutes),
          NO_TORTURE(completed_is_the_only_event_by_default),
          NO_TORTURE(a_redirect_from_outside_keeps_what_was_recorded),
          NO_TORTURE(a_silent_caller_can_fall_through))
