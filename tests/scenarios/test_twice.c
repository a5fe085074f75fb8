/* The scenarios in Lua, run twice: the journals must be the same to the byte. */
#include "tests/unit/unit.h"

#include "base/log.h"
#include "base/str.h"
#include "sim/scenario.h"
#include "verbs/verbs.h"
#include <glob.h>
#include <stdio.h>
#include <string.h>

enum { JOURNALS_BYTES = 64 << 20 };

static void quiet(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static void on_done(const struct scenario_result *r, void *arg)
{
    str_addf(arg, "== %s: %s %lld\n", r->name, r->good ? "good" : r->why, (long long)r->virtual_ms);
}

static void on_line(const struct sim_line *line, void *arg)
{
    str_addf(arg, "%s %s\n", line->sid, line->text);
}

static int run_all(const glob_t *files, uint64_t seed, struct str *journals, struct error *err)
{
    char folder[300];
    struct scenario_options o = {.folder = folder,
                                 .speech = "build/test-speech",
                                 .seed = seed,
                                 .verbs = verb_table,
                                 .done = on_done,
                                 .line = on_line,
                                 .arg = journals};
    int rc = 0;

    snprintf(folder, sizeof folder, "%s/run", unit_folder());
    for (size_t i = 0; rc == 0 && i < files->gl_pathc; i++) {
        o.path = files->gl_pathv[i];
        rc = scenario_run_file(&o, err);
    }
    return rc;
}

UNIT(two_runs_give_identical_journals)
{
    struct str one = STR_INIT(JOURNALS_BYTES), two = STR_INIT(JOURNALS_BYTES);
    struct error err = {0};
    glob_t files = {0};

    log_set_sink(quiet, NULL);
    ok(glob("tests/scenarios/*_test.lua", 0, NULL, &files) == 0);
    ok_rc(run_all(&files, 1, &one, &err), &err);
    ok_rc(run_all(&files, 1, &two, &err), &err);
    ok(!one.failed && !two.failed && one.len > 10000);
    ok(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
    str_reset(&two);
    ok_rc(run_all(&files, 2, &two, &err), &err);
    ok(strcmp(str_text(&one), str_text(&two)) != 0); /* another seed, other calls */
out:
    log_set_sink(NULL, NULL);
    globfree(&files);
    str_free(&one);
    str_free(&two);
}

UNIT_MAIN(NO_TORTURE(two_runs_give_identical_journals))
