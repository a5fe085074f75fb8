/* Many scenario files at once, each in a worker process of its own, so that a crash or a loop
 * without end costs one file and nothing else. A worker is this same program with other arguments;
 * it writes one JSON object a line for each scenario to its standard output. */
#ifndef ALMON_SIM_SUITE_H
#define ALMON_SIM_SUITE_H

#include "sim/scenario.h"
#include <jansson.h>

enum {
    SUITE_FILES = 10000,
    SUITE_JOBS = 64,
    SUITE_OUTPUT_BYTES = 64 << 20, /* of one worker */
};

struct suite_options {
    const char *const *files;
    size_t n_files;
    const char *const *worker; /* program and arguments, NULL-ended; the file is put after them */
    int jobs;                  /* workers at once */
    int seconds;               /* most of one file */
    /* Told of each file in the order of `files`: its results, an array of what suite_result() made
     * (and of {"reached": facts} for coverage);
     * and what else went wrong, "" when nothing. */
    void (*file)(const char *path, const json_t *results, const char *problem, void *arg);
    void *arg;
};

/* Runs all. 0, or an error when no worker can be started. */
int suite_run(const struct suite_options *o, struct error *err);

/* In the worker: one scenario's line. */
void suite_result(const struct scenario_result *r);

#endif
