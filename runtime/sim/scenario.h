/* Scenario files: Lua that reads like what happens, run in virtual time.
 *
 *   scenario("a caller hears the menu", function(t)
 *     t:number("+15550100", { voice = "/voice" })
 *     t:web("/voice", "<Response><Say>Hello</Say></Response>")
 *     local caller = t:call("+15550100")
 *     caller:hears("Hello")
 *     caller:ends("completed")
 *   end)
 *
 * README.md beside this file has every word of the language. Each scenario runs in a Lua state and
 * an exchange of its own, so none sees anything of another. */
#ifndef ALMON_SIM_SCENARIO_H
#define ALMON_SIM_SCENARIO_H

#include "sim/sim.h"

enum { SCENARIO_FILE_BYTES = 1 << 20, SCENARIOS_IN_FILE = 5000 };

struct scenario_result {
    const char *name;
    int line; /* where it begins */
    bool good;
    const char *why; /* what went wrong, with file and line; may be several lines; "" when good */
    int64_t virtual_ms;
    int64_t cpu_us; /* processor time it took */
};

struct scenario_options {
    const char *path;   /* the file */
    const char *filter; /* only scenarios whose name contains it; NULL: all */
    const char *folder; /* scratch, emptied after each scenario */
    const char *speech; /* cache of prompts */
    uint64_t seed;
    const struct verb *const *verbs;
    /* Told of each scenario when it is over. */
    void (*done)(const struct scenario_result *result, void *arg);
    /* Told of each journal line as it is written; may be NULL. */
    void (*line)(const struct sim_line *line, void *arg);
    void *arg;
};

/* Runs them all, one after another. 0, also when some were bad; an error when the file could not be
 * run at all (the message has the line). */
int scenario_run_file(const struct scenario_options *o, struct error *err);

#endif
