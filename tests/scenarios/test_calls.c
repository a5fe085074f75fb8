/* The records of calls in STATE/calls (session/calls.h): one for each call that has ended, with
 * how it ended. */
#include "session/journal.h"
#include "session/runtime.h"
#include "tests/scenarios/rig.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VOICE "http://app.test/voice"
static const char config[] = "number { '+1555*', voice = '" VOICE "' }\n";

/* All records so far, as an array; NULL when there are none. */
static json_t *records(struct rig *r)
{
    char path[600], line[8192];
    json_t *all = json_array();
    FILE *f;

    snprintf(path, sizeof path, "%s/state/calls/2026-01-01.jsonl", rig_folder(r));
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        json_array_append_new(all, json_loads(line, 0, NULL));
    if (f != NULL)
        fclose(f);
    return all;
}

static const char *text(json_t *all, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(all, i), key));
}

static int number(json_t *all, size_t i, const char *key)
{
    return (int)json_integer_value(json_object_get(json_array_get(all, i), key));
}

static bool is_null(json_t *all, size_t i, const char *key)
{
    return json_is_null(json_object_get(json_array_get(all, i), key));
}

UNIT(a_call_leaves_one_record)
{
    struct rig *r = rig_new(config);
    json_t *all = NULL;

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Pause length=\"2\"/><Gather timeout=\"3\"/>"
            "<Record playBeep=\"false\" timeout=\"2\" action=\"/done\"/></Response>");
    rig_web(r, "http://app.test/done", "<Response/>");
    rig_call_as(r, &(struct offer){.to = "+15550100",
                                   .from = "+15550199",
                                   .forwarded_from = "+15550111",
                                   .caller_name = "ANN",
                                   .codec = CODEC_PCMU});
    rig_ends(r);
    ok(rig_settles(r));
    all = records(r);
    ok_int((int)json_array_size(all), 1);
    ok_str(text(all, 0, "sid"), rig_sid(r));
    ok_str(text(all, 0, "account"), SIM_ACCOUNT);
    ok_str(text(all, 0, "from"), "+15550199");
    ok_str(text(all, 0, "to"), "+15550100");
    ok_str(text(all, 0, "forwarded_from"), "+15550111");
    ok_str(text(all, 0, "caller_name"), "ANN");
    ok_str(text(all, 0, "direction"), "inbound");
    ok_str(text(all, 0, "status"), "completed");
    ok_str(text(all, 0, "start"), "2026-01-01T00:00:00.000Z");
    ok_str(text(all, 0, "answer"), "2026-01-01T00:00:02.000Z");
    ok_str(text(all, 0, "end"), "2026-01-01T00:00:06.980Z");
    ok_int(number(all, 0, "duration"), 5); /* 4.98 s: a begun second counts */
    ok(is_null(all, 0, "parent_sid") && is_null(all, 0, "answered_by"));
    ok_int((int)json_array_size(json_object_get(json_array_get(all, 0), "recordings")), 1);
out:
    json_decref(all);
    rig_free(r);
}

UNIT(every_leg_has_its_own)
{
    static const struct sim_manner bob = {
        .address = "+15550101", .rings_ms = 1000, .answers_ms = 2000, .refuses_ms = -1};
    static const struct sim_manner eve = {.address = "+15550102",
                                          .rings_ms = 1000,
                                          .answers_ms = -1,
                                          .refuses_ms = 1500,
                                          .cause = CAUSE_BUSY};
    struct rig *r = rig_new(config);
    json_t *all = NULL;

    ok(r != NULL);
    rig_web(r, VOICE,
            "<Response><Dial record=\"record-from-answer\"><Number>+15550102</Number>"
            "<Number machineDetection=\"Enable\">+15550101</Number></Dial></Response>");
    ok(rig_callee(r, &bob) != NULL && rig_callee(r, &eve) != NULL);
    rig_call(r, "+15550100", "+15550199");
    rig_waits(r, 5000);
    rig_hangs_up(r);
    ok(rig_settles(r));
    all = records(r);
    ok_int((int)json_array_size(all), 3);
    /* In the order in which they ended. */
    ok_str(text(all, 0, "to"), "+15550102");
    ok_str(text(all, 0, "status"), "busy");
    ok_int(number(all, 0, "duration"), 0);
    ok(is_null(all, 0, "answer"));
    for (size_t i = 1; i < 3; i++) {
        bool child = strcmp(text(all, i, "to"), "+15550101") == 0;

        ok_str(text(all, i, "status"), "completed");
        ok_str(text(all, i, "direction"), child ? "outbound-dial" : "inbound");
        ok((text(all, i, "parent_sid") != NULL) == child);
        ok_str(text(all, i, "answered_by"), child ? "unknown" : NULL);
        ok_int((int)json_array_size(json_object_get(json_array_get(all, i), "recordings")),
               child ? 0 : 1);
        if (child)
            ok_str(text(all, i, "parent_sid"), rig_sid(r));
    }
out:
    json_decref(all);
    rig_free(r);
}

UNIT(who_was_never_answered_has_a_record_too)
{
    struct rig *r = rig_new(config);
    json_t *all = NULL;

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Reject reason=\"busy\"/></Response>");
    rig_call(r, "+15550100", "+15550199");
    ok(rig_settles(r));
    all = records(r);
    ok_int((int)json_array_size(all), 1);
    ok_str(text(all, 0, "status"), "busy");
    ok(is_null(all, 0, "answer"));
out:
    json_decref(all);
    rig_free(r);
}

UNIT(it_says_how_long_the_call_waited_in_queues)
{
    struct rig *r = rig_new("number { '+15550100', voice = '" VOICE "' }\n"
                            "number { '+15550200', voice = 'http://app.test/agent' }\n");
    struct sim_caller *waits;
    json_t *all = NULL;

    ok(r != NULL);
    rig_web(r, VOICE, "<Response><Enqueue>first</Enqueue><Enqueue>second</Enqueue></Response>");
    rig_web(r, "http://app.test/agent",
            "<Response><Dial timeLimit=\"3\"><Queue>first</Queue></Dial></Response>");
    rig_call(r, "+15550100", "+15550199");
    waits = rig_caller(r);
    rig_waits(r, 7400);
    rig_call(r, "+15550200", "+15550198");
    rig_ends(r); /* taken after 7.4 s, bridged for 3 */
    rig_waits(r, 4900);
    sim_caller_hangup(waits);
    ok(rig_settles(r));
    all = records(r);
    ok_int((int)json_array_size(all), 2);
    ok_str(text(all, 0, "from"), "+15550198");
    ok_int(number(all, 0, "queued"), 0); /* who takes does not wait in a queue */
    ok_int(number(all, 1, "queued"), 12);
    ok_int(number(all, 1, "queue_time"), 0); /* Twilio's: until the call was placed */
out:
    json_decref(all);
    rig_free(r);
}

UNIT(a_call_that_a_crash_ended_is_written_at_the_next_start)
{
    static const char journal[] =
        "{\"t\":0,\"e\":\"start\",\"v\":1,\"sid\":\"CA00000000000000000000000000000001\","
        "\"account\":\"" SIM_ACCOUNT "\",\"direction\":\"inbound\",\"from\":\"+15550199\","
        "\"to\":\"+15550100\",\"wall\":1767225600000}\n"
        "{\"t\":4000,\"e\":\"answer\"}\n"
        "{\"t\":61000,\"e\":\"digit\",\"key\":\"1\",\"ms\":100}\n";
    struct rig *r = rig_new(config);
    char state[600];
    json_t *all = NULL;

    ok(r != NULL);
    rig_file(r, "state/journal/2026-01-01/CA00000000000000000000000000000001.jsonl", journal);
    rig_file(r, "state/cache/replies/CA00000000000000000000000000000001-3", "sound");
    snprintf(state, sizeof state, "%s/state", rig_folder(r));
    ok_int(journal_repair(state, 1767225600000), 1);
    all = records(r);
    ok_int((int)json_array_size(all), 1);
    ok_str(text(all, 0, "sid"), "CA00000000000000000000000000000001");
    ok_str(text(all, 0, "status"), "failed");
    ok_str(text(all, 0, "start"), "2026-01-01T00:00:00.000Z");
    ok_str(text(all, 0, "end"), "2026-01-01T00:01:01.000Z");
    json_decref(all);
    ok_int(journal_repair(state, 1767225600000), 0); /* only once */
    all = records(r);
    ok_int((int)json_array_size(all), 1);
    ok_int(replies_repair(state), 1);
    ok_int(replies_repair(state), 0);
out:
    json_decref(all);
    rig_free(r);
}

UNIT_MAIN(NO_TORTURE(a_call_leaves_one_record), NO_TORTURE(every_leg_has_its_own),
          NO_TORTURE(who_was_never_answered_has_a_record_too),
          NO_TORTURE(it_says_how_long_the_call_waited_in_queues),
          NO_TORTURE(a_call_that_a_crash_ended_is_written_at_the_next_start))
