/* almon call: a caller in a process of its own, over the real bridge. */
#include "base/log.h"
#include "cli/caller.h"
#include "cli/cli.h"
#include <getopt.h>
#include <stdio.h>

static const char usage[] =
    "usage: almon call [options] NUMBER\n"
    "\n"
    "Calls NUMBER through the bridge of a running `almon serve`, and prints what happens.\n"
    "\n"
    "  --from NUMBER     who calls (default +15550199)\n"
    "  --press STEPS     keys, separated by commas: digits are pressed when the prompt has ended\n"
    "                    and no other followed for 1.2 s; wN before them waits N seconds instead\n"
    "                    (from the step before, or the answer); s speaks the file.\n"
    "                    '1,w2,3#': 1 after the first prompt, 3 and # two seconds later\n"
    "  --speak FILE      what the caller says, once, after the first prompt (or at s in --press)\n"
    "  --save FILE.wav   what the caller hears, from the answer on\n"
    "  --interactive     press keys in the terminal; h or Ctrl-C hangs up\n"
    "  --codec NAME      PCMU (default), PCMA, L16/8000, L16/16000, L16/24000\n"
    "  --timeout N       hang up after N seconds (default 120)\n"
    "  --json            one JSON object a line instead of text\n";

static const char statuses[] =
    "\n"
    "Exit status: 0 answered and ended normally; 1 something here failed; 2 wrong usage; 3 no "
    "link\n"
    "to the exchange; 10 ended before the answer; 11 busy; 12 rejected; 13 no answer; 14 "
    "canceled;\n"
    "15 unroutable; 16 congestion; 17 error; 18 link lost; 20 --timeout passed.\n";

enum { OPT_SPEAK = 256, OPT_INTERACTIVE, OPT_HELP };

static const struct option long_options[] = {
    TALK_LONG_OPTIONS,
    {"speak", required_argument, NULL, OPT_SPEAK},
    {"interactive", no_argument, NULL, OPT_INTERACTIVE},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/* 0, or the exit status (-1: help was printed). */
static int take_option(struct call_options *o, int option, const char *value)
{
    switch (option) {
    case OPT_SPEAK:
        o->speak = value;
        return 0;
    case OPT_INTERACTIVE:
        o->interactive = true;
        return 0;
    case OPT_HELP:
        printf("%s%s%s", usage, reach_help, statuses);
        return -1;
    default:
        return talk_options_take(&o->talk, option, value);
    }
}

static int take_arguments(struct call_options *o, int argc, char **argv)
{
    int option, rc = 0;

    optind = 1;
    while (rc == 0 && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        rc = take_option(o, option, optarg);
    if (rc != 0)
        return rc;
    if (optind != argc - 1)
        return talk_options_wrong(&o->talk, "%s", "one NUMBER is needed");
    o->number = argv[optind];
    return talk_options_ready(&o->talk, o->speak != NULL);
}

int cli_call(int argc, char **argv)
{
    struct call_options o = {
        .talk = {.command = "call", .from = "+15550199", .codec = CODEC_PCMU, .timeout_s = 120}};
    int rc;

    log_set_levels("warn", NULL);
    rc = take_arguments(&o, argc, argv);
    if (rc == 0)
        rc = caller_run(&o);
    reach_free(&o.talk.reach);
    return rc < 0 ? 0 : rc;
}
