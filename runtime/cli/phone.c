/* almon phone: a telephone in the terminal, over the real bridge. */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/handset.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: almon phone --as NAME [options]\n"
    "\n"
    "A telephone of a running `almon serve`: flows reach it as client:NAME. It rings, answers by\n"
    "hand or by itself, plays and saves sound, presses keys, shows what it is told, and calls.\n"
    "Its gateway{…} in almon.lua must allow the name: identities = \"NAME\", or \"*\".\n"
    "\n"
    "  --as NAME         who it is\n"
    "  --answer[=N]      answers by itself, after N seconds (default at once)\n"
    "  --busy, --reject  refuses each call so\n"
    "  --call TO         calls a number of the exchange, +15550100 or any name a number{…} has;\n"
    "                    leaves when that call is over\n"
    "  --from WHO        who calls then (default client:NAME)\n"
    "  --play FILE       what it plays from the answer on, once\n"
    "  --tone HZ         a tone instead, until the end\n"
    "  --save FILE.wav   what it hears, from the answer on; FILE-2.wav of the second call …\n"
    "  --press STEPS     keys in each call, as `almon call --press`\n"
    "  --codec NAME      of calls that it makes: PCMU (default), PCMA, L16/8000, L16/16000, "
    "L16/24000\n"
    "  --once            leaves after one call\n"
    "  --timeout N       leaves after N seconds\n"
    "  --json            one JSON object a line instead of text\n";

static const char keys[] =
    "\n"
    "Keys, in the terminal or on standard input: a answers, r rejects, b is busy, h hangs up, q\n"
    "leaves, 0-9 * # A-D are pressed; without a call, whom to call, and Enter.\n"
    "Exit status: that of `almon call` for the call of --call or --once; 3 no link to the "
    "exchange\n"
    "or no registration; 20 --timeout passed.\n";

enum {
    OPT_AS = 256,
    OPT_ANSWER,
    OPT_BUSY,
    OPT_REJECT,
    OPT_CALL,
    OPT_PLAY,
    OPT_TONE,
    OPT_ONCE,
    OPT_HELP
};

static const struct option long_options[] = {
    TALK_LONG_OPTIONS,
    {"as", required_argument, NULL, OPT_AS},
    {"answer", optional_argument, NULL, OPT_ANSWER},
    {"busy", no_argument, NULL, OPT_BUSY},
    {"reject", no_argument, NULL, OPT_REJECT},
    {"call", required_argument, NULL, OPT_CALL},
    {"play", required_argument, NULL, OPT_PLAY},
    {"tone", required_argument, NULL, OPT_TONE},
    {"once", no_argument, NULL, OPT_ONCE},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

static int take_answer(struct handset_options *o, const char *seconds)
{
    char *end = NULL;
    double s = seconds != NULL ? strtod(seconds, &end) : 0;

    if (seconds != NULL && (*end != '\0' || end == seconds || !(s >= 0 && s <= 3600)))
        return talk_options_wrong(&o->talk, "--answer=%s is no number of seconds", seconds);
    o->rule = HANDSET_ANSWER;
    o->answer_ms = (int)(s * 1000);
    return 0;
}

/* 0, or the exit status (-1: help was printed). */
static int take_option(struct handset_options *o, int option, const char *value)
{
    switch (option) {
    case OPT_AS:
        o->identity = value;
        return 0;
    case OPT_CALL:
        o->call = value;
        return 0;
    case OPT_PLAY:
        o->play = value;
        return 0;
    case OPT_ANSWER:
        return take_answer(o, value);
    case OPT_BUSY:
        o->rule = HANDSET_BUSY;
        return 0;
    case OPT_REJECT:
        o->rule = HANDSET_REJECT;
        return 0;
    case OPT_TONE:
        return talk_options_whole(&o->talk, value, 50, 3400, "--tone %s: 50 to 3400 Hz", &o->tone);
    case OPT_ONCE:
        o->once = true;
        return 0;
    case OPT_HELP:
        printf("%s%s%s", usage, reach_help, keys);
        return -1;
    default:
        return talk_options_take(&o->talk, option, value);
    }
}

static int take_arguments(struct handset_options *o, int argc, char **argv)
{
    int option, rc = 0;

    optind = 1;
    while (rc == 0 && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        rc = take_option(o, option, optarg);
    if (rc != 0)
        return rc;
    if (optind != argc)
        return talk_options_wrong(&o->talk, "%s is too much", argv[optind]);
    if (o->identity == NULL)
        return talk_options_wrong(&o->talk, "%s", "--as NAME is needed");
    if (strncmp(o->identity, "client:", 7) == 0)
        o->identity += 7;
    o->once = o->once || o->call != NULL;
    o->talk.reach.identity = o->identity;
    return talk_options_ready(&o->talk, false);
}

int cli_phone(int argc, char **argv)
{
    struct handset_options o = {.talk = {.command = "phone", .codec = CODEC_PCMU}};
    int rc;

    log_set_levels("warn", NULL);
    rc = take_arguments(&o, argc, argv);
    if (rc == 0)
        rc = handset_run(&o);
    reach_free(&o.talk.reach);
    return rc < 0 ? 0 : rc;
}
