/* almon call: a caller in a process of its own, over the real bridge. */
#include "base/log.h"
#include "base/str.h"
#include "cli/caller.h"
#include "cli/cli.h"
#include "cli/reach.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

enum {
    OPT_FROM = 256,
    OPT_PRESS,
    OPT_SPEAK,
    OPT_SAVE,
    OPT_INTERACTIVE,
    OPT_CODEC,
    OPT_TIMEOUT,
    OPT_JSON,
    OPT_CONFIG,
    OPT_LINK,
    OPT_NAME,
    OPT_TOKEN,
    OPT_HELP
};

static const struct option long_options[] = {
    {"from", required_argument, NULL, OPT_FROM},
    {"press", required_argument, NULL, OPT_PRESS},
    {"speak", required_argument, NULL, OPT_SPEAK},
    {"save", required_argument, NULL, OPT_SAVE},
    {"interactive", no_argument, NULL, OPT_INTERACTIVE},
    {"codec", required_argument, NULL, OPT_CODEC},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"json", no_argument, NULL, OPT_JSON},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"link", required_argument, NULL, OPT_LINK},
    {"name", required_argument, NULL, OPT_NAME},
    {"token", required_argument, NULL, OPT_TOKEN},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

struct given {
    struct call_options call;
    const char *press;
    struct reach reach;
};

static int wrong(const char *fmt, const char *what)
{
    fprintf(stderr, fmt, what);
    fprintf(stderr, "\nsee almon call --help\n");
    return 2;
}

static int set_codec(struct given *g, const char *name)
{
    int codec = codec_find(name);

    if (codec < 0)
        return wrong("almon call: --codec %s is not known", name);
    g->call.codec = (enum codec)codec;
    return 0;
}

static int set_timeout(struct given *g, const char *seconds)
{
    long n;

    if (!str_to_long(seconds, 1, 86400, &n))
        return wrong("almon call: --timeout %s is no number of seconds", seconds);
    g->call.timeout_s = (int)n;
    return 0;
}

/* 0, or the exit status (-1: help was printed). */
static int take_option(struct given *g, int option, const char *value)
{
    struct call_options *o = &g->call;

    switch (option) {
    case OPT_FROM:
        o->from = value;
        return 0;
    case OPT_PRESS:
        g->press = value;
        return 0;
    case OPT_SPEAK:
        o->speak = value;
        return 0;
    case OPT_SAVE:
        o->save = value;
        return 0;
    case OPT_INTERACTIVE:
        o->interactive = true;
        return 0;
    case OPT_CODEC:
        return set_codec(g, value);
    case OPT_TIMEOUT:
        return set_timeout(g, value);
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_CONFIG:
        g->reach.config = value;
        return 0;
    case OPT_LINK:
        g->reach.link = value;
        return 0;
    case OPT_NAME:
        g->reach.name = value;
        return 0;
    case OPT_TOKEN:
        g->reach.token = value;
        return 0;
    case OPT_HELP:
        printf("%s%s%s", usage, reach_help, statuses);
        return -1;
    default:
        fputs("see almon call --help\n", stderr);
        return 2;
    }
}

static int take_arguments(struct given *g, int argc, char **argv)
{
    struct error err = {0};
    int option, rc = 0;

    optind = 1;
    while (rc == 0 && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        rc = take_option(g, option, optarg);
    if (rc != 0)
        return rc;
    if (optind != argc - 1)
        return wrong("almon call: %s", "one NUMBER is needed");
    g->call.number = argv[optind];
    if (steps_parse(&g->call.steps, g->press, g->call.speak != NULL, &err) != 0)
        return wrong("almon call: %s", err.text);
    if (reach_find(&g->reach, &err) != 0)
        return wrong("almon call: %s", err.text);
    g->call.link = g->reach.link;
    g->call.name = g->reach.name;
    g->call.token = g->reach.token;
    return 0;
}

int cli_call(int argc, char **argv)
{
    struct given g = {.call = {.from = "+15550199", .codec = CODEC_PCMU, .timeout_s = 120}};
    int rc;

    log_set_levels("warn", NULL);
    rc = take_arguments(&g, argc, argv);
    if (rc == 0)
        rc = caller_run(&g.call);
    reach_free(&g.reach);
    return rc < 0 ? 0 : rc;
}
