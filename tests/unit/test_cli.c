/* Commands as somebody calls them who does not know them yet. */
#include "base/disk.h"
#include "cli/calls.h"
#include "cli/cli.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

/* Nothing in the folder that was named: that is not the moment to run other scenarios. */
UNIT(test_runs_only_what_was_asked_for)
{
    char *argv[] = {"test", (char *)unit_folder(), NULL};

    ok_int(cli_test(2, argv), 1);
out:;
}

UNIT(test_refuses_what_it_does_not_know)
{
    char *option[] = {"test", "--nosuch", "x", NULL}, *value[] = {"test", "--jobs", "many", NULL},
         *path[] = {"test", "/nowhere/at/all", NULL};

    ok_int(cli_test(3, option), 2);
    ok_int(cli_test(3, value), 2);
    ok_int(cli_test(2, path), 2);
out:;
}

static bool write_day(const char *day, const char *lines)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/calls", unit_folder());
    disk_make_folders(path, NULL);
    snprintf(path, sizeof path, "%s/calls/%s.jsonl", unit_folder(), day);
    f = fopen(path, "w");
    return f != NULL && fputs(lines, f) >= 0 && fclose(f) == 0;
}

#define RECORD(sid, parent, day, from, to, status)                                                 \
    "{\"sid\":\"CA" sid "\",\"parent_sid\":" parent ",\"start\":\"" day "T10:20:30.400Z\","        \
    "\"from\":\"" from "\",\"to\":\"" to "\",\"status\":\"" status "\",\"duration\":7,"            \
    "\"answered_by\":null,\"quality\":{\"received\":980,\"lost\":20,\"jitter_us\":2250,"           \
    "\"round_trip_us\":41000,\"mos\":412}}\n"

UNIT(calls_lists_the_last_with_those_they_made)
{
    struct str out = STR_INIT(100000);
    struct error err = {0};
    const char *at;

    ok_int(calls_list(unit_folder(), 20, &out, &err), ERR_MISSING);
    ok(write_day("2026-01-01", RECORD("1", "null", "2026-01-01", "+1", "+2", "completed")));
    ok(write_day("2026-01-02",
                 RECORD("2", "null", "2026-01-02", "+3", "+4\\u001b[2J", "busy")
                     RECORD("4", "\"CA3\"", "2026-01-02", "+5", "+7", "no-answer")
                         RECORD("3", "null", "2026-01-02", "+5", "+6", "completed") "{\"torn"));
    ok(write_day("2026-01-03", "{\"sid\":\"CA9\",\"status\":\"completed\",\"queued\":12}\n"));
    ok_rc(calls_list(unit_folder(), 1, &out, &err), &err);
    ok(strstr(str_text(&out), "12 s in queues") != NULL);
    ok(write_day("2026-01-03", ""));
    str_reset(&out);
    ok_rc(calls_list(unit_folder(), 2, &out, &err), &err);
    at = strstr(str_text(&out), "2026-01-02 10:20:30  CA2  +3 → +4\\x1b[2J");
    ok(at != NULL && strchr(str_text(&out), 0x1b) == NULL);
    at = strstr(at, "\n2026-01-02 10:20:30  CA3  +5 → +6");
    ok(at != NULL && strstr(at, "completed       7 s") != NULL);
    ok(strstr(at, "7 s  MOS 4.1, lost 2.0 %, jitter 2.2 ms, round trip 41 ms\n") != NULL);
    at = strstr(at, "\n2026-01-02 10:20:30  CA4    +5 → +7"); /* below the one that made it */
    ok(at != NULL && strstr(at, "no-answer") != NULL);
    ok(strstr(str_text(&out), "CA1") == NULL);
    str_reset(&out);
    ok_rc(calls_list(unit_folder(), 3, &out, &err), &err);
    ok(strncmp(str_text(&out), "2026-01-01 10:20:30  CA1", 24) == 0);
out:
    str_free(&out);
}

UNIT_MAIN(NO_TORTURE(calls_lists_the_last_with_those_they_made),
          NO_TORTURE(test_runs_only_what_was_asked_for),
          NO_TORTURE(test_refuses_what_it_does_not_know))
