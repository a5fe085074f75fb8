/* Every call and message of every scenario runs again from its journal, and nothing differs: what
 * the language of scenarios can have happen, a replay can have happen again.
 *
 *   REPLAY_FILES=tests/scenarios/queue_test.lua build/plain/scenarios/test_replay_all   only these
 * files
 *
 * Each difference is printed. What a journal cannot tell is listed below, with the reason. */
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "script/script.h"
#include "sim/past.h"
#include "sim/replay.h"
#include "sim/scenario.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECONDS = 15 }; /* of processor time; all take six */

static const char *const not_told[] = {
    /* Which of two things of one instant was the first, when they befell two calls. */
    "somebody's answer to his place in a queue: the caller loses the link",
    "the caller presses the star as the callee hangs up",
    /* Routes that were tried and led nowhere. */
    "a gateway that is not there, and a full route, are passed over",
    /* Whether its receiver had sent STOP before, and how often he was answered, stands in no
     * journal of the message. */
    "two machines that answer each other come to an end",
    "after STOP nothing is sent",
    "a second STOP is obeyed",
    "START opens the way again",
    "what waits for its gateway is not sent after STOP",
};

/* --- the journals of one scenario --- */

struct journals {
    struct map by_sid; /* sid → struct str, its lines */
    const char *file;
    int calls, differ;
};

static void keep_line(const struct sim_line *line, void *arg)
{
    struct journals *j = arg;
    struct str *text = map_get(&j->by_sid, line->sid);

    if (text == NULL) {
        text = mem_alloc(sizeof *text);
        if (text == NULL)
            return;
        str_init(text, 1 << 24);
        if (map_set(&j->by_sid, line->sid, text) != 0) {
            mem_free(text);
            return;
        }
    }
    str_addf(text, "%s\n", line->text);
}

static void drop(const char *sid, void *value, void *arg)
{
    struct str *text = value;

    (void)sid;
    (void)arg;
    str_free(text);
    mem_free(text);
}

static struct past *past_of(const struct journals *j, const char *sid)
{
    const struct str *text = map_get(&j->by_sid, sid);
    struct past *p = NULL;
    struct error err = {0};

    if (text != NULL && past_parse(&p, text->data, text->len, &err) != 0)
        fprintf(stderr, "# %s: %s\n", sid, err.text);
    return p;
}

/* --- one call --- */

/* Where all is slow (sanitizers) a part of the calls must do. */
static bool is_late(void)
{
    return clock() > (clock_t)SECONDS * CLOCKS_PER_SEC;
}

static void retold(const struct scenario_result *result, void *arg)
{
    if (!result->good)
        str_addf(arg, "as a scenario: %s\n", result->why);
}

/* The message as a scenario, which is run. */
static void run_as_test(const struct past *past, struct str *out)
{
    struct str text = STR_INIT(1 << 20);
    char folder[300], path[400];
    struct error err = {0};
    const struct scenario_options o = {.path = path,
                                       .folder = folder,
                                       .speech = "build/test-speech",
                                       .seed = 77,
                                       .verbs = verb_table,
                                       .done = retold,
                                       .arg = out};
    size_t before = out->len;
    FILE *f;

    retell(past, &text);
    snprintf(folder, sizeof folder, "%s/retold", unit_folder());
    snprintf(path, sizeof path, "%s/retold_test.lua", unit_folder());
    f = fopen(path, "w");
    if (f == NULL || fputs(str_text(&text), f) < 0 || fclose(f) != 0)
        str_add(out, "it cannot be written down\n");
    else if (scenario_run_file(&o, &err) != 0)
        str_addf(out, "%s\n", err.text);
    if (out->len > before)
        str_add(out, str_text(&text));
    str_free(&text);
}

static void replay_call(const char *sid, void *value, void *arg)
{
    struct journals *j = arg;
    char folder[300];
    const struct replay_options o = {.folder = folder,
                                     .speech = "build/test-speech",
                                     .verbs = verb_table,
                                     .handlers = &script_handlers};
    struct past *past, *child;
    struct str out = STR_INIT(1 << 20);
    struct error err = {0};

    (void)value;
    if (strncmp(sid, "CF", 2) == 0 || (past = past_of(j, sid)) == NULL)
        return;
    for (size_t i = 0; i < past->n_children; i++)
        if ((child = past_of(j, past->children[i].sid)) != NULL && !past_adopt(past, child))
            past_free(child);
    snprintf(folder, sizeof folder, "%s/replay", unit_folder());
    if (past->parent == NULL && !past->cut && !is_late()) {
        j->calls++;
        if (replay_run(past, &o, &out, &err) != 0)
            str_addf(&out, "%s\n", err.text);
        if (past->message)
            run_as_test(past, &out);
        if (out.len > 0) {
            j->differ++;
            fprintf(stderr, "# %s: %s\n%s", j->file, sid, str_text(&out));
        }
        sim_remove_folder(folder);
    }
    str_free(&out);
    past_free(past);
}

static bool is_told(const char *scenario)
{
    for (size_t i = 0; i < sizeof not_told / sizeof *not_told; i++)
        if (strncmp(scenario, not_told[i], strlen(not_told[i])) == 0)
            return false;
    return true;
}

static void replay_scenario(const struct scenario_result *result, void *arg)
{
    struct journals *j = arg;
    int before = j->differ;

    if (is_told(result->name))
        map_each(&j->by_sid, replay_call, j);
    if (j->differ > before)
        fprintf(stderr, "# in: %s\n\n", result->name);
    map_each(&j->by_sid, drop, NULL);
    map_free(&j->by_sid);
}

/* --- all files --- */

static bool replay_file(const char *path, struct journals *j)
{
    char folder[300];
    struct error err = {0};
    const struct scenario_options o = {.path = path,
                                       .folder = folder,
                                       .speech = "build/test-speech",
                                       .seed = 1,
                                       .verbs = verb_table,
                                       .done = replay_scenario,
                                       .line = keep_line,
                                       .arg = j};

    j->file = path;
    snprintf(folder, sizeof folder, "%s/scenario", unit_folder());
    if (scenario_run_file(&o, &err) == 0)
        return true;
    fprintf(stderr, "# %s\n", err.text);
    return false;
}

static bool replay_files(const char *pattern, int least)
{
    struct journals j = {.calls = 0};
    glob_t files = {0};
    bool good = glob(pattern, 0, NULL, &files) == 0;

    for (size_t i = 0; good && i < files.gl_pathc; i++)
        good = replay_file(files.gl_pathv[i], &j);
    globfree(&files);
    if (j.differ > 0)
        fprintf(stderr, "# %s: %d of %d calls differ\n", pattern, j.differ, j.calls);
    return good && j.calls >= least && j.differ == 0;
}

UNIT(every_call_of_the_scenarios_goes_as_it_went)
{
    const char *one = getenv("REPLAY_FILES");

    ok(replay_files(one != NULL ? one : "tests/scenarios/*_test.lua", 1));
out:;
}

UNIT(every_call_of_the_ready_made_flows_goes_as_it_went)
{
    ok(getenv("REPLAY_FILES") != NULL || replay_files("scripts/*/*_test.lua", 0));
out:;
}

UNIT_MAIN(NO_TORTURE(every_call_of_the_scenarios_goes_as_it_went),
          NO_TORTURE(every_call_of_the_ready_made_flows_goes_as_it_went))
