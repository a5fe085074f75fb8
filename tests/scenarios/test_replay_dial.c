/* A past call that called others runs again: they do what they did then, as their own journals say.
 */
#include "base/str.h"
#include "script/script.h"
#include "sim/past.h"
#include "sim/replay.h"
#include "sim/scenario.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <string.h>

#define APP "http://app.test"
#define BOB "+15550101"
#define EVE "+15550102"

static struct past *journal_of(struct rig *r, const char *sid)
{
    struct str text = STR_INIT(1 << 22);
    struct past *past = NULL;
    const struct sim_line *line;
    struct error err = {0};

    for (size_t i = 0; (line = sim_line_at(rig_sim(r), i)) != NULL; i++)
        if (strcmp(line->sid, sid) == 0)
            str_addf(&text, "%s\n", line->text);
    if (past_parse(&past, str_text(&text), text.len, &err) != 0)
        fprintf(stderr, "# %s\n", err.text);
    str_free(&text);
    return past;
}

/* The last call with those that it made. */
static struct past *whole_past(struct rig *r, bool with_children)
{
    struct past *past = journal_of(r, rig_sid(r)), *child;

    for (size_t i = 0; with_children && past != NULL && i < past->n_children; i++) {
        child = journal_of(r, past->children[i].sid);
        if (child != NULL && !past_adopt(past, child))
            past_free(child);
    }
    return past;
}

/* "" when it goes as it went, else the first difference. */
static const char *difference(const struct past *past, const char *flow)
{
    static char told[4000];
    char folder[300];
    const struct replay_options o = {.folder = folder,
                                     .flow = flow,
                                     .speech = "build/test-speech",
                                     .verbs = verb_table,
                                     .handlers = &script_handlers};
    struct str out = STR_INIT(1 << 20);
    struct error err = {0};

    if (past == NULL)
        return "no journal";
    snprintf(folder, sizeof folder, "%s/replay", unit_folder());
    snprintf(told, sizeof told, "%s",
             replay_run(past, &o, &out, &err) != 0 ? err.text : str_text(&out));
    str_free(&out);
    return told;
}

static void on_done(const struct scenario_result *result, void *arg)
{
    *(bool *)arg = result->good;
    if (!result->good)
        fprintf(stderr, "# %s\n", result->why);
}

/* The scenario that the call was made into runs, and goes well. */
static bool goes_as_test(struct rig *r, const struct str *test)
{
    char folder[300], path[400];
    bool good = false;
    struct error err = {0};
    struct scenario_options o = {.path = path,
                                 .folder = folder,
                                 .speech = "build/test-speech",
                                 .seed = 1,
                                 .verbs = verb_table,
                                 .done = on_done,
                                 .arg = &good};

    rig_file(r, "told_test.lua", str_text(test));
    snprintf(path, sizeof path, "%s/told_test.lua", rig_folder(r));
    snprintf(folder, sizeof folder, "%s/scenario", unit_folder());
    if (scenario_run_file(&o, &err) != 0)
        fprintf(stderr, "# %s\n", err.text);
    if (!good)
        fprintf(stderr, "%s", str_text(test));
    return good;
}

/* Bob is busy; Eve takes the screened call, and ends it. */
static bool screened_call(struct rig *r)
{
    struct sim_callee *eve;
    struct sim_caller *call;
    struct sim_manner m = {.address = BOB, .rings_ms = 300, .answers_ms = -1, .refuses_ms = 2000};

    rig_web(r, APP "/voice",
            "<Response><Dial sequential=\"true\" action=\"" APP "/after\"><Number>" BOB
            "</Number><Number url=\"" APP "/whisper\">" EVE "</Number></Dial></Response>");
    rig_web(r, APP "/whisper",
            "<Response><Gather numDigits=\"1\" action=\"" APP
            "/accept\"><Say>One or two.</Say></Gather><Hangup/></Response>");
    rig_web(r, APP "/accept", "<Response/>");
    rig_web(r, APP "/after", "<Response><Say>Sorry.</Say></Response>");
    m.cause = CAUSE_BUSY;
    rig_callee(r, &m);
    m = (struct sim_manner){.address = EVE, .rings_ms = 700, .answers_ms = 3100, .refuses_ms = -1};
    eve = rig_callee(r, &m);
    rig_call(r, "+15550100", "+15550199");
    call = rig_called(r, eve, 0);
    if (call == NULL)
        return false;
    rig_waits(r, 5500);
    sim_caller_press(call, "1");
    rig_waits(r, 4321);
    if (rig_requests(r, APP "/accept") != 1)
        return false;
    sim_caller_hangup(call);
    return rig_hears(r, "Sorry.") && rig_ends(r) == CAUSE_NORMAL && rig_settles(r);
}

UNIT(those_who_were_called_do_what_they_did)
{
    struct rig *r = rig_new("number { '+1555*', voice = '" APP "/voice' }");
    struct past *past = NULL;
    struct str test = STR_INIT(1 << 16);

    ok(r != NULL && screened_call(r));
    past = whole_past(r, true);
    ok(past != NULL && past->n_children == 2);
    ok_str(difference(past, NULL), "");
    retell(past, &test);
    ok(strstr(str_text(&test), "callee2:press(\"1\")") != NULL);
    ok(strstr(str_text(&test), "callee2:hangs_up()") != NULL);
    ok(goes_as_test(r, &test));
out:
    past_free(past);
    str_free(&test);
    rig_free(r);
}

/* Bob transfers the caller, whom the flow then sends to a third. */
static bool transferred_call(struct rig *r)
{
    static const char *const sip[] = {"SipCallId", "4711", NULL};
    struct sim_manner m = {.address = BOB, .rings_ms = 300, .answers_ms = 1200, .refuses_ms = -1};
    struct sim_callee *bob = rig_callee(r, &m);
    struct sim_caller *call;

    rig_web(r, APP "/voice",
            "<Response><Dial referUrl=\"" APP "/refer\">" BOB "</Dial></Response>");
    rig_web(r, APP "/refer",
            "<Response><Refer action=\"" APP "/after\"><Sip>sip:dan@example.com</Sip></Refer>"
            "</Response>");
    rig_web(r, APP "/after", "<Response><Say>Sorry.</Say></Response>");
    rig_call_as(r, &(struct offer){.to = "+15550100",
                                   .from = "+15550199",
                                   .codec = CODEC_PCMU,
                                   .dtmf_events = true,
                                   .params = sip});
    call = rig_called(r, bob, 0);
    rig_waits(r, 3333);
    if (call == NULL)
        return false;
    sim_caller_refers(call, "sip:carol@example.com", NULL);
    rig_waits(r, 100);
    sim_caller_refer_answers(rig_caller(r), 202, 0);
    rig_waits(r, 4444);
    sim_caller_refer_answers(rig_caller(r), 202, 486);
    return rig_hears(r, "Sorry.") && rig_ends(r) == CAUSE_NORMAL && rig_settles(r);
}

UNIT(transfers_end_as_they_did)
{
    struct rig *r = rig_new("number { '+1555*', voice = '" APP "/voice' }");
    struct past *past = NULL;
    struct str test = STR_INIT(1 << 16);

    ok(r != NULL && transferred_call(r));
    ok_str(rig_param(r, APP "/after", 0, "ReferCallStatus"), "busy");
    past = whole_past(r, true);
    ok_str(difference(past, NULL), "");
    retell(past, &test);
    ok(strstr(str_text(&test), "callee1:refers(\"sip:carol@example.com\")") != NULL);
    ok(strstr(str_text(&test), "caller:refer_status(202, 486)") != NULL);
    ok(goes_as_test(r, &test));
out:
    past_free(past);
    str_free(&test);
    rig_free(r);
}

UNIT(another_flow_differs_where_it_does)
{
    struct rig *r = rig_new("number { '+1555*', voice = '" APP "/voice' }");
    struct past *past = NULL;
    char flow[300];

    ok(r != NULL && screened_call(r));
    past = whole_past(r, true);
    rig_file(r, "flow.xml", "<Response><Dial>" BOB "</Dial><Say>Sorry.</Say></Response>");
    snprintf(flow, sizeof flow, "%s/flow.xml", rig_folder(r));
    ok(strstr(difference(past, flow), "to=" EVE) != NULL); /* whom nobody calls any more */
out:
    past_free(past);
    rig_free(r);
}

UNIT(the_caller_s_journal_alone_tells_who_answered_when)
{
    struct rig *r = rig_new("number { '+1555*', voice = '" APP "/voice' }");
    struct sim_manner m = {.address = BOB, .rings_ms = 500, .answers_ms = 2500, .refuses_ms = -1};
    struct past *past = NULL;

    ok(r != NULL);
    rig_web(r, APP "/voice", "<Response><Dial timeLimit=\"5\">" BOB "</Dial></Response>");
    rig_callee(r, &m);
    rig_call(r, "+15550100", "+15550199");
    ok(rig_ends(r) == CAUSE_NORMAL && rig_settles(r));
    past = whole_past(r, false);
    ok(past != NULL && past->n_children == 1 && past->children[0].past == NULL);
    ok_str(difference(past, NULL), "");
out:
    past_free(past);
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(those_who_were_called_do_what_they_did), NO_TORTURE(transfers_end_as_they_did),
          NO_TORTURE(another_flow_differs_where_it_does),
          NO_TORTURE(the_caller_s_journal_alone_tells_who_answered_when))
