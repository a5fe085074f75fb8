/* Dial's record in its modes (twiml-voice.md §5, webhooks.md §3 and §4), and who answered
 * (webhooks.md §5). */
#include "session/runtime.h"
#include "tests/scenarios/recorded.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VOICE "http://app.test/voice"
#define TOLD  "http://app.test/told"
#define DONE  "http://app.test/done"
#define CHILD "http://app.test/child"
#define CALL  "http://app.test/call"

enum { HIS = 450, HERS = 700 };

/* A call into a Dial with `attributes`, to somebody who rings at once. */
static struct rig *dial(const char *attributes, int answers_ms, struct sim_callee **callee)
{
    static char markup[1000];
    struct sim_manner m = {
        .address = "+15550101", .rings_ms = 1000, .answers_ms = answers_ms, .refuses_ms = -1};
    struct rig *r = rig_new("number { '+1555*', voice = '" VOICE "', status_callback = '" CALL
                            "' }\nserver { public_url = 'https://almon.test' }\n");

    if (r == NULL)
        return NULL;
    snprintf(markup, sizeof markup,
             "<Response><Dial action=\"/done\" recordingStatusCallback=\"/told\" timeout=\"5\" %s>"
             "<Number statusCallback=\"/child\">+15550101</Number></Dial></Response>",
             attributes);
    rig_web(r, VOICE, markup);
    rig_web(r, DONE, "<Response><Say>Over.</Say></Response>");
    rig_web(r, TOLD, "");
    rig_web(r, CHILD, "");
    rig_web(r, CALL, "");
    *callee = rig_callee(r, &m);
    rig_call(r, "+15550100", "+15550199");
    return r;
}

/* Both talk for three seconds; then she hangs up. */
static bool talk(struct rig *r, struct sim_callee *callee)
{
    struct sim_caller *her = rig_called(r, callee, 0);

    if (her == NULL)
        return false;
    rig_waits(r, 3100);
    sim_caller_sends_tone(rig_caller(r), HIS);
    sim_caller_sends_tone(her, HERS);
    rig_waits(r, 3000);
    sim_caller_hangup(her);
    return rig_hears(r, "Over.") && rig_settles(r);
}

static bool about(double got, double expected)
{
    if (fabs(got - expected) < 0.3)
        return true;
    fprintf(stderr, "# %.2f, not %.2f\n", got, expected);
    return false;
}

UNIT(from_answer_it_is_the_talk_alone)
{
    static const char *const modes[] = {"record-from-answer", "true"};

    for (size_t i = 0; i < 2; i++) {
        struct sim_callee *callee;
        struct recorded heard;
        char attributes[100];
        const char *sid;
        struct rig *r;

        snprintf(attributes, sizeof attributes, "record=\"%s\"", modes[i]);
        r = dial(attributes, 3000, &callee);
        ok(r != NULL);
        ok(talk(r, callee));
        sid = rig_param(r, TOLD, 0, "RecordingSid");
        ok(recorded_read(r, sid, &heard));
        ok(heard.channels == 1 && about(heard.seconds, 3));
        sid = rig_param(r, TOLD, 0, "RecordingSid");
        ok(recorded_tone(r, sid, 0, HIS) > 0.05);
        sid = rig_param(r, TOLD, 0, "RecordingSid");
        ok(recorded_tone(r, sid, 0, HERS) > 0.05);
        ok_str(rig_param(r, TOLD, 0, "RecordingSource"), "DialVerb");
        ok_str(rig_param(r, TOLD, 0, "RecordingTrack"), "both");
        ok_str(rig_param(r, TOLD, 0, "CallSid"), rig_sid(r)); /* the parent owns it */
    out:
        rig_free(r);
    }
}

UNIT(two_channels_hold_one_side_each)
{
    struct sim_callee *callee;
    struct rig *r = dial("record=\"record-from-answer-dual\"", 3000, &callee);
    char sid[40];

    ok(r != NULL);
    ok(talk(r, callee));
    snprintf(sid, sizeof sid, "%s", rig_param(r, TOLD, 0, "RecordingSid"));
    ok_str(rig_param(r, TOLD, 0, "RecordingChannels"), "2");
    ok(recorded_tone(r, sid, 0, HIS) > 0.05 && recorded_tone(r, sid, 0, HERS) < 0.005);
    ok(recorded_tone(r, sid, 1, HERS) > 0.05 && recorded_tone(r, sid, 1, HIS) < 0.005);
out:
    rig_free(r);
}

UNIT(from_ringing_the_ringing_is_in_it)
{
    static const char *const modes[] = {"record-from-ringing", "record-from-ringing-dual"};

    for (int i = 0; i < 2; i++) {
        struct sim_callee *callee;
        struct recorded heard;
        char attributes[100];
        struct rig *r;

        snprintf(attributes, sizeof attributes, "record=\"%s\"", modes[i]);
        r = dial(attributes, 3000, &callee);
        ok(r != NULL);
        ok(talk(r, callee));
        ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard));
        ok(heard.channels == i + 1 && about(heard.seconds, 5));
        /* What he heard meanwhile, a ringing tone of 440 and 480 Hz. */
        ok(recorded_tone(r, rig_param(r, TOLD, 0, "RecordingSid"), i, 480) > 0.01);
    out:
        rig_free(r);
    }
}

UNIT(ringing_is_recorded_before_the_caller_is_answered)
{
    struct sim_callee *callee;
    struct recorded heard;
    struct rig *r = dial("record=\"record-from-ringing-dual\" answerOnBridge=\"true\" "
                         "ringTone=\"de\"",
                         3000, &callee);

    ok(r != NULL);
    rig_waits(r, 2000);
    ok(!rig_is_answered(r));
    ok(talk(r, callee));
    ok(recorded_read(r, rig_param(r, TOLD, 0, "RecordingSid"), &heard));
    ok(heard.channels == 2);
    ok(recorded_tone(r, rig_param(r, TOLD, 0, "RecordingSid"), 1, 425) > 0.01);
out:
    rig_free(r);
}

UNIT(one_track_is_mono)
{
    static const struct {
        const char *track;
        double his, hers;
    } tracks[] = {{"inbound", 0.05, 0}, {"outbound", 0, 0.05}};

    for (size_t i = 0; i < 2; i++) {
        struct sim_callee *callee;
        struct recorded heard;
        char attributes[100], sid[40];
        struct rig *r;

        snprintf(attributes, sizeof attributes,
                 "record=\"record-from-answer-dual\" recordingTrack=\"%s\"", tracks[i].track);
        r = dial(attributes, 3000, &callee);
        ok(r != NULL);
        ok(talk(r, callee));
        ok_str(rig_param(r, TOLD, 0, "RecordingTrack"), tracks[i].track);
        snprintf(sid, sizeof sid, "%s", rig_param(r, TOLD, 0, "RecordingSid"));
        ok(recorded_read(r, sid, &heard) && heard.channels == 1);
        ok((recorded_tone(r, sid, 0, HIS) > 0.02) == (tracks[i].his > 0));
        ok((recorded_tone(r, sid, 0, HERS) > 0.02) == (tracks[i].hers > 0));
    out:
        rig_free(r);
    }
}

UNIT(the_action_and_the_last_callbacks_tell_of_it)
{
    struct sim_callee *callee;
    struct rig *r = dial("record=\"record-from-answer\"", 3000, &callee);
    char sid[40], url[200];

    ok(r != NULL);
    ok(talk(r, callee));
    snprintf(sid, sizeof sid, "%s", rig_param(r, TOLD, 0, "RecordingSid"));
    snprintf(url, sizeof url, "%s", rig_param(r, TOLD, 0, "RecordingUrl"));
    ok_str(rig_param(r, DONE, 0, "RecordingSid"), sid);
    ok_str(rig_param(r, DONE, 0, "RecordingUrl"), url);
    ok_str(rig_param(r, DONE, 0, "RecordingDuration"), "3");
    ok_str(rig_param(r, DONE, 0, "DialCallStatus"), "completed");
    /* The child's last, and that of the call itself. */
    ok_int(rig_requests(r, CHILD), 1);
    ok_str(rig_param(r, CHILD, 0, "CallStatus"), "completed");
    ok_str(rig_param(r, CHILD, 0, "RecordingSid"), sid);
    ok_str(rig_param(r, CHILD, 0, "RecordingUrl"), url);
    ok_str(rig_param(r, CHILD, 0, "RecordingDuration"), "3");
    ok_int(rig_requests(r, CALL), 1);
    ok_str(rig_param(r, CALL, 0, "RecordingSid"), sid);
    ok_str(rig_param(r, CALL, 0, "RecordingDuration"), "3");
out:
    rig_free(r);
}

UNIT(in_a_conference_the_second_channel_is_the_room)
{
    struct rig *r = rig_new("number { '+1555*', voice = '" VOICE "' }\n"
                            "number { '+1666*', voice = 'http://app.test/other' }\n");
    struct sim_caller *him, *her;
    char sid[40];

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Dial record=\"record-from-answer-dual\" recordingStatusCallback=\"/told\">"
            "<Conference beep=\"false\">room</Conference></Dial></Response>");
    rig_web(r, "http://app.test/other",
            "<Response><Dial><Conference beep=\"false\">room</Conference></Dial></Response>");
    rig_web(r, TOLD, "");
    rig_call(r, "+15550100", "+15550199");
    him = rig_caller(r);
    rig_call(r, "+16660100", "+15550198");
    her = rig_caller(r);
    rig_waits(r, 1000);
    sim_caller_sends_tone(him, HIS);
    sim_caller_sends_tone(her, HERS);
    rig_waits(r, 3000);
    sim_caller_hangup(him);
    sim_caller_hangup(her);
    ok(rig_settles(r));
    ok_int(rig_requests(r, TOLD), 1);
    ok_str(rig_param(r, TOLD, 0, "RecordingSource"), "DialVerb");
    snprintf(sid, sizeof sid, "%s", rig_param(r, TOLD, 0, "RecordingSid"));
    ok(recorded_tone(r, sid, 0, HIS) > 0.05 && recorded_tone(r, sid, 0, HERS) < 0.005);
    ok(recorded_tone(r, sid, 1, HERS) > 0.05 && recorded_tone(r, sid, 1, HIS) < 0.005);
out:
    rig_free(r);
}

UNIT(without_recording_nothing_is_told_of_one)
{
    static const char *const modes[] = {"", "record=\"do-not-record\"", "record=\"false\""};

    for (size_t i = 0; i < 3; i++) {
        struct sim_callee *callee;
        struct rig *r = dial(modes[i], 3000, &callee);

        ok(r != NULL);
        ok(talk(r, callee));
        ok_int(rig_requests(r, TOLD), 0);
        ok(rig_param(r, DONE, 0, "RecordingUrl") == NULL);
        ok(rig_param(r, CHILD, 0, "RecordingUrl") == NULL);
        ok(recorded_files(r, "") == 0);
    out:
        rig_free(r);
    }
}

UNIT(who_does_not_answer_leaves_only_ringing)
{
    struct sim_callee *callee;
    struct rig *r = dial("record=\"record-from-ringing\"", -1, &callee);
    struct recorded heard;

    ok(r != NULL);
    ok(rig_hears(r, "Over."));
    ok_str(rig_param(r, DONE, 0, "DialCallStatus"), "no-answer");
    ok(recorded_read(r, rig_param(r, DONE, 0, "RecordingUrl"), &heard));
    ok(about(heard.seconds, 9)); /* 5 s and Twilio's 5 more, from the ringing at 1 s */
    rig_free(r);
    r = dial("record=\"record-from-answer\"", -1, &callee);
    ok(r != NULL);
    ok(rig_hears(r, "Over."));
    ok(rig_param(r, DONE, 0, "RecordingUrl") == NULL && recorded_files(r, "") == 0);
out:
    rig_free(r);
}

UNIT(a_caller_who_hangs_up_keeps_it)
{
    struct sim_callee *callee;
    struct rig *r = dial("record=\"record-from-answer-dual\"", 3000, &callee);
    struct sim_caller *her;

    ok(r != NULL);
    her = rig_called(r, callee, 0);
    rig_waits(r, 5000);
    ok(her != NULL && !sim_caller_is_over(her));
    rig_hangs_up(r);
    ok(sim_caller_is_over(her) || (rig_waits(r, 0), sim_caller_is_over(her)));
    ok(rig_settles(r));
    ok_int(rig_requests(r, DONE), 1);
    ok_str(rig_param(r, DONE, 0, "DialCallStatus"), "completed");
    ok_str(rig_param(r, DONE, 0, "RecordingDuration"), "2");
    ok_str(rig_param(r, CHILD, 0, "RecordingDuration"), "2");
    ok_str(rig_param(r, CALL, 0, "RecordingDuration"), "2");
    ok_int(rig_requests(r, TOLD), 1);
out:
    rig_free(r);
}

UNIT(a_redirect_from_outside_keeps_it)
{
    struct sim_callee *callee;
    struct rig *r = dial("record=\"record-from-answer\"", 3000, &callee);
    struct error err = {0};
    char sid[40];

    ok(r != NULL);
    rig_web(r, "http://app.test/new", "<Response><Say>New.</Say></Response>");
    rig_waits(r, 5000);
    ok_rc(runtime_redirect(rig_runtime(r), rig_sid(r), "http://app.test/new", &err), &err);
    ok(rig_hears(r, "New."));
    ok(rig_settles(r));
    ok_int(rig_requests(r, DONE), 0);
    ok_str(rig_param(r, TOLD, 0, "RecordingStatus"), "completed");
    snprintf(sid, sizeof sid, "%s", rig_param(r, TOLD, 0, "RecordingSid"));
    ok_str(rig_param(r, CALL, 0, "RecordingSid"), sid);
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(from_answer_it_is_the_talk_alone), NO_TORTURE(two_channels_hold_one_side_each),
          NO_TORTURE(from_ringing_the_ringing_is_in_it),
          NO_TORTURE(ringing_is_recorded_before_the_caller_is_answered),
          NO_TORTURE(one_track_is_mono), NO_TORTURE(the_action_and_the_last_callbacks_tell_of_it),
          NO_TORTURE(in_a_conference_the_second_channel_is_the_room),
          NO_TORTURE(without_recording_nothing_is_told_of_one),
          NO_TORTURE(who_does_not_answer_leaves_only_ringing),
          NO_TORTURE(a_caller_who_hangs_up_keeps_it), NO_TORTURE(a_redirect_from_outside_keeps_it))
