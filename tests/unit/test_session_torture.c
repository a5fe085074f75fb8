/* Whole calls while memory runs out at every place in turn: the call may fail, but it ends, nothing
 * is lost, and the exchange takes the next one. Run plainly it is one ordinary call. */
#include "sim/sim.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include <stdio.h>
#include <string.h>

#define VOICE "http://app.test/voice"

static const char *const pages[][2] = {
    {VOICE, "<Response><Start><Recording name=\"a\" recordingStatusCallback=\"/told\"/></Start>"
            "<Pause/><Gather numDigits=\"2\" timeout=\"2\" action=\"/got\">"
            "<Pause length=\"1\"/></Gather><Stop><Recording "
            "name=\"a\"/></Stop><Redirect>/got</Redirect></Response>"},
    {"http://app.test/got", "<Response><Play digits=\"1w2\"/><Record timeout=\"1\" maxLength=\"4\" "
                            "action=\"/done\" recordingStatusCallback=\"/told\"/></Response>"},
    {"http://app.test/told", ""},
    {"http://app.test/done", "<Response><Redirect>/broken</Redirect></Response>"},
    {"http://app.test/broken", "<Response><Say></Response>"},
    {"http://app.test/fallback", "<Response><Foo/><Hangup/></Response>"},
};

static const char *const dial_pages[][2] = {
    {VOICE, "<Response><Dial timeout=\"5\" record=\"record-from-answer-dual\" referUrl=\"/refer\" "
            "recordingStatusCallback=\"/told\" action=\"/got\"><Number statusCallback=\"/told\" "
            "machineDetection=\"Enable\" amdStatusCallback=\"/told\">+15550101</Number></Dial>"
            "</Response>"},
    {"http://app.test/refer", "<Response><Refer action=\"/got\"><Sip>sip:dan@example.com</Sip>"
                              "</Refer></Response>"},
    {"http://app.test/told", ""},
    {"http://app.test/got", "<Response><Hangup/></Response>"},
    {"http://app.test/fallback", "<Response><Hangup/></Response>"},
};

static bool is_over(void *arg)
{
    return sim_caller_is_over(arg);
}

static int one_call(struct sim *s, struct error *err)
{
    static const struct offer offer = {
        .from = "+15550199", .to = "+15550100", .codec = CODEC_PCMU, .dtmf_events = true};
    struct sim_caller *caller;
    int rc = sim_call(s, &offer, &caller, err);

    if (rc != 0)
        return rc;
    sim_run(s, 1500, is_over, caller);
    sim_caller_press(caller, "1");
    sim_caller_sends(caller, SIM_TONE);
    sim_run(s, 4000, is_over, caller);
    sim_caller_sends(caller, SIM_SILENCE);
    sim_run(s, 120 * 1000, is_over, caller);
    if (!sim_caller_is_over(caller))
        return error_set(err, ERR_WRONG_STATE, "the call does not end");
    return 0;
}

/* To somebody who answers, and transfers the caller. */
static int one_dial(struct sim *s, struct error *err)
{
    static const char *const sip[] = {"SipCallId", "4711", NULL};
    static const struct offer offer = {.from = "+15550199",
                                       .to = "+15550100",
                                       .codec = CODEC_PCMU,
                                       .dtmf_events = true,
                                       .params = sip};
    static const struct sim_manner manner = {
        .address = "+15550101", .rings_ms = 100, .answers_ms = 500, .refuses_ms = -1};
    struct sim_caller *caller, *callee;
    struct sim_callee *bob;
    size_t calls = 0;
    int rc = sim_add_callee(s, &manner, &bob, err);

    if (rc != 0)
        return rc;
    while (sim_callee_call(bob, calls) != NULL)
        calls++;
    rc = sim_call(s, &offer, &caller, err);
    if (rc != 0)
        return rc;
    sim_run(s, 1500, is_over, caller);
    callee = sim_callee_call(bob, calls);
    if (callee != NULL && sim_caller_is_answered(callee))
        sim_caller_refers(callee, "sip:carol@example.com", NULL);
    sim_run(s, 100, is_over, caller);
    sim_caller_refer_answers(caller, 202, 200);
    sim_run(s, 200 * 1000, is_over, caller);
    if (!sim_caller_is_over(caller))
        return error_set(err, ERR_WRONG_STATE, "the call does not end");
    return 0;
}

/* Twice: the second call is an ordinary one. */
static void two_calls(const char *const (*web)[2], size_t n,
                      int (*one)(struct sim *s, struct error *err))
{
    struct sim_options o = {
        .config =
            "number { '+1555*', voice = '" VOICE "', status_callback = 'http://app.test/told',"
            " voice_fallback = 'http://app.test/fallback' }",
        .speech = "build/test-speech",
        .seed = 1,
        .verbs = verb_table,
    };
    char folder[300], path[320];
    struct sim *s = NULL;
    struct error err = {0};

    snprintf(folder, sizeof folder, "%s/sim", unit_folder());
    snprintf(path, sizeof path, "%s/almon.lua", folder);
    o.folder = folder;
    o.path = path;
    ok_rc(sim_new(&s, &o, &err), &err);
    for (size_t i = 0; i < n; i++)
        ok_rc(sim_web(s, &(struct sim_answer){.url = web[i][0], .body = web[i][1]}, &err), &err);
    for (int i = 0; i < 2; i++) {
        ok_rc(one(s, &err), &err);
        ok(sim_settles(s));
    }
out:
    sim_free(s);
    sim_remove_folder(folder);
}

UNIT(a_call_ends_and_nothing_stays_behind)
{
    two_calls(pages, sizeof pages / sizeof *pages, one_call);
}

UNIT(a_call_that_makes_another_ends_and_nothing_stays_behind)
{
    two_calls(dial_pages, sizeof dial_pages / sizeof *dial_pages, one_dial);
}

UNIT_MAIN(CASE(a_call_ends_and_nothing_stays_behind),
          CASE(a_call_that_makes_another_ends_and_nothing_stays_behind))
