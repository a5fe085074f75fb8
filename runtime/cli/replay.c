/* almon replay SID|FILE: runs a past call again, against the same or a changed flow. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sid.h"
#include "cli/link.h"
#include "cli/prompts.h"
#include "script/script.h"
#include "sim/replay.h"
#include "verbs/verbs.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, OUT_BYTES = 16 << 20 };

struct request {
    const char *call, *flow, *state_option, *config;
    char state[CLI_STATE_SIZE];
    bool as_test;
};

static void usage(FILE *out)
{
    fprintf(out, "usage: almon replay SID|FILE [--flow FILE] [--as-test]\n"
                 "                    [--state DIR | --config FILE]\n"
                 "Runs a past call again in virtual time, from its journal, and prints the first\n"
                 "difference, or \"same\".\n\n"
                 "  --flow FILE   against this flow instead of what the call had then; only what\n"
                 "                caller and web applications notice is compared\n"
                 "  --as-test     prints the call as a scenario for `almon test` instead\n"
                 "  --state DIR   where journals are (default: as almon.lua says, else state)\n\n"
                 "The exit status is 0 when nothing differs, 1 when something does, 2 when the\n"
                 "call could not be run.\n");
}

/* STATE/journal/DAY/SID.jsonl */
static bool find_journal(const struct request *rq, char *out, size_t size)
{
    char folder[PATH_BYTES];
    struct dirent *e;
    bool found = false;
    DIR *d;

    if (!sid_valid(rq->call, NULL)) {
        snprintf(out, size, "%s", rq->call);
        return true;
    }
    snprintf(folder, sizeof folder, "%s/journal", rq->state);
    d = opendir(folder);
    while (!found && d != NULL && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.' &&
            (size_t)snprintf(out, size, "%s/%s/%s.jsonl", folder, e->d_name, rq->call) < size)
            found = access(out, R_OK) == 0;
    if (d != NULL)
        closedir(d);
    if (!found)
        fprintf(stderr,
                "almon replay: there is no journal of %s below %s; --state names another "
                "folder\n",
                rq->call, folder);
    return found;
}

/* Absolute, with its #function. */
static bool find_flow(const char *flow, char *out, size_t size)
{
    char file[PATH_BYTES], whole[PATH_BYTES];
    size_t n = strcspn(flow, "#");

    snprintf(file, sizeof file, "%.*s", (int)n, flow);
    if (realpath(file, whole) == NULL) {
        fprintf(stderr, "almon replay: %s: %s\n", file, strerror(errno));
        return false;
    }
    return (size_t)snprintf(out, size, "%s%s", whole, flow + n) < size;
}

static void drop_log(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static int run(const struct past *past, const struct request *rq)
{
    char folder[PATH_BYTES], flow[PATH_BYTES];
    struct replay_options o = {.folder = folder,
                               .speech = prompts_folder(),
                               .verbs = verb_table,
                               .handlers = &script_handlers};
    struct str out = STR_INIT(OUT_BYTES);
    struct error err = {0};
    int rc;

    if (rq->flow != NULL) {
        if (!find_flow(rq->flow, flow, sizeof flow))
            return 2;
        o.flow = flow;
    }
    if (!prompts_scratch(folder, sizeof folder))
        return 2;
    log_set_sink(drop_log, NULL);
    rc = replay_run(past, &o, &out, &err) == 0 ? (out.len > 0 ? 1 : 0) : 2;
    sim_remove_folder(folder);
    if (rc == 2)
        fprintf(stderr, "almon replay: %s\n", err.text);
    else
        fputs(rc == 0 ? "same\n" : str_text(&out), stdout);
    str_free(&out);
    return rc;
}

static int print_test(const struct past *past)
{
    struct str out = STR_INIT(OUT_BYTES);
    bool good;

    retell(past, &out);
    good = !out.failed && fputs(str_text(&out), stdout) >= 0;
    str_free(&out);
    return good ? 0 : 2;
}

static bool read_options(struct request *rq, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--as-test") == 0)
            rq->as_test = true;
        else if (strcmp(argv[i], "--flow") == 0 && i + 1 < argc)
            rq->flow = argv[++i];
        else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc)
            rq->state_option = argv[++i];
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            rq->config = argv[++i];
        else if (argv[i][0] != '-' && rq->call == NULL)
            rq->call = argv[i];
        else
            return false;
    }
    return rq->call != NULL;
}

int cli_replay(int argc, char **argv)
{
    struct request rq = {.config = "almon.lua"};
    char path[PATH_BYTES];
    struct past *past = NULL;
    struct error err = {0};
    int rc;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    if (!read_options(&rq, argc, argv)) {
        usage(stderr);
        return 2;
    }
    cli_state(rq.state_option, rq.config, rq.state);
    if (!find_journal(&rq, path, sizeof path))
        return 2;
    if (past_read(&past, path, &err) != 0) {
        fprintf(stderr, "almon replay: %s: %s\n", path, err.text);
        return 2;
    }
    if (past->cut)
        fprintf(stderr, "almon replay: this journal was cut at its bound (limits.journal_kb): "
                        "what comes after is not compared rightly\n");
    rc = rq.as_test ? print_test(past) : run(past, &rq);
    past_free(past);
    return rc;
}
