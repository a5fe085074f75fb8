/* What a gateway tells of a call that a Dial made (its Call-ID, the network's answer, headers)
 * reaches the Dial's action (twiml-voice.md §5.1). */
#include "sim/private.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#define APP "http://app.test"
#define BOB "+15550101"

static const char config[] = "number { '+15550100', voice = '" APP "/voice' }\n"
                             "server { public_url = 'https://almon.test' }\n";

/* Somebody who rings until the test says what becomes of it. */
static struct rig *dialling(struct sim_caller **bob)
{
    struct sim_manner manner = {.address = BOB, .answers_ms = -1, .refuses_ms = -1};
    struct rig *r = rig_new(config);
    struct sim_callee *callee;

    if (r == NULL)
        return NULL;
    rig_web(r, APP "/voice",
            "<Response><Dial action=\"" APP "/after\"><Number>" BOB "</Number></Dial></Response>");
    rig_web(r, APP "/after", "<Response/>");
    callee = rig_callee(r, &manner);
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 1000);
    *bob = callee != NULL ? rig_called(r, callee, 0) : NULL;
    return r;
}

UNIT(the_action_is_told_what_the_network_answered)
{
    static const char *const rings[] = {"SipCallId", "4711", NULL};
    static const char *const ends[] = {"SipResponseCode", "486", "SipHeader_X-Why", "lunch", NULL};
    struct sim_caller *bob = NULL;
    struct rig *r = dialling(&bob);

    ok(r != NULL && bob != NULL);
    client_ringing_with(rig_sim(r)->client, bob->number, true, rings);
    rig_waits(r, 100);
    client_hangup_with(rig_sim(r)->client, bob->number, CAUSE_BUSY, ends);
    ok(rig_settles(r));
    ok_str(rig_param(r, APP "/after", 0, "DialCallStatus"), "busy");
    ok_str(rig_param(r, APP "/after", 0, "DialSipCallId"), "4711");
    ok_str(rig_param(r, APP "/after", 0, "DialSipResponseCode"), "486");
    ok_str(rig_param(r, APP "/after", 0, "DialSipHeader_X-Why"), "lunch");
out:
    rig_free(r);
}

UNIT(what_is_told_later_takes_the_place_of_what_was_told_before)
{
    static const char *const rings[] = {"SipResponseCode", "183", NULL};
    static const char *const answers[] = {"SipResponseCode", "200", NULL};
    struct sim_caller *bob = NULL;
    struct rig *r = dialling(&bob);

    ok(r != NULL && bob != NULL);
    client_ringing_with(rig_sim(r)->client, bob->number, true, rings);
    rig_waits(r, 100);
    client_answer_with(rig_sim(r)->client, bob->number, answers);
    rig_waits(r, 2000);
    rig_hangs_up(r); /* the caller does, and the action is told all the same */
    ok(rig_settles(r));
    ok_str(rig_param(r, APP "/after", 0, "DialCallStatus"), "completed");
    ok_str(rig_param(r, APP "/after", 0, "DialCallDuration"), "2");
    ok_str(rig_param(r, APP "/after", 0, "DialSipResponseCode"), "200");
out:
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(the_action_is_told_what_the_network_answered),
          NO_TORTURE(what_is_told_later_takes_the_place_of_what_was_told_before))
