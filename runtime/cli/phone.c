/* almon phone: a telephone in the terminal, over the real bridge. */
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/handset.h"
#include "cli/reach.h"
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
    OPT_FROM,
    OPT_PLAY,
    OPT_TONE,
    OPT_SAVE,
    OPT_PRESS,
    OPT_CODEC,
    OPT_ONCE,
    OPT_TIMEOUT,
    OPT_JSON,
    OPT_CONFIG,
    OPT_LINK,
    OPT_NAME,
    OPT_TOKEN,
    OPT_HELP
};

static const struct option long_options[] = {
    {"as", required_argument, NULL, OPT_AS},
    {"answer", optional_argument, NULL, OPT_ANSWER},
    {"busy", no_argument, NULL, OPT_BUSY},
    {"reject", no_argument, NULL, OPT_REJECT},
    {"call", required_argument, NULL, OPT_CALL},
    {"from", required_argument, NULL, OPT_FROM},
    {"play", required_argument, NULL, OPT_PLAY},
    {"tone", required_argument, NULL, OPT_TONE},
    {"save", required_argument, NULL, OPT_SAVE},
    {"press", required_argument, NULL, OPT_PRESS},
    {"codec", required_argument, NULL, OPT_CODEC},
    {"once", no_argument, NULL, OPT_ONCE},
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
    struct handset_options phone;
    struct reach reach;
    const char *press;
};

static int wrong(const char *fmt, const char *what)
{
    fprintf(stderr, "almon phone: ");
    fprintf(stderr, fmt, what);
    fprintf(stderr, "\nsee almon phone --help\n");
    return 2;
}

static int take_whole(const char *text, long min, long max, const char *fmt, int *out)
{
    long n;

    if (!str_to_long(text, min, max, &n))
        return wrong(fmt, text);
    *out = (int)n;
    return 0;
}

static int take_answer(struct handset_options *o, const char *seconds)
{
    char *end = NULL;
    double s = seconds != NULL ? strtod(seconds, &end) : 0;

    if (seconds != NULL && (*end != '\0' || end == seconds || !(s >= 0 && s <= 3600)))
        return wrong("--answer=%s is no number of seconds", seconds);
    o->rule = HANDSET_ANSWER;
    o->answer_ms = (int)(s * 1000);
    return 0;
}

static int take_codec(struct handset_options *o, const char *name)
{
    int codec = codec_find(name);

    if (codec < 0)
        return wrong("--codec %s is not known", name);
    o->codec = (enum codec)codec;
    return 0;
}

/* Options that are a text, and where it goes; NULL for others. */
static const char **text_of(struct given *g, int option)
{
    switch (option) {
    case OPT_AS:
        return &g->phone.identity;
    case OPT_CALL:
        return &g->phone.call;
    case OPT_FROM:
        return &g->phone.from;
    case OPT_PLAY:
        return &g->phone.play;
    case OPT_SAVE:
        return &g->phone.save;
    case OPT_PRESS:
        return &g->press;
    case OPT_CONFIG:
        return &g->reach.config;
    case OPT_LINK:
        return &g->reach.link;
    case OPT_NAME:
        return &g->reach.name;
    case OPT_TOKEN:
        return &g->reach.token;
    default:
        return NULL;
    }
}

/* 0, or the exit status (-1: help was printed). */
static int take_option(struct given *g, int option, const char *value)
{
    struct handset_options *o = &g->phone;

    if (text_of(g, option) != NULL) {
        *text_of(g, option) = value;
        return 0;
    }
    switch (option) {
    case OPT_ANSWER:
        return take_answer(o, value);
    case OPT_BUSY:
        o->rule = HANDSET_BUSY;
        return 0;
    case OPT_REJECT:
        o->rule = HANDSET_REJECT;
        return 0;
    case OPT_TONE:
        return take_whole(value, 50, 3400, "--tone %s: 50 to 3400 Hz", &o->tone);
    case OPT_CODEC:
        return take_codec(o, value);
    case OPT_ONCE:
        o->once = true;
        return 0;
    case OPT_TIMEOUT:
        return take_whole(value, 1, 86400, "--timeout %s is no number of seconds", &o->timeout_s);
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_HELP:
        printf("%s%s%s", usage, reach_help, keys);
        return -1;
    default:
        fputs("see almon phone --help\n", stderr);
        return 2;
    }
}

static int take_arguments(struct given *g, int argc, char **argv)
{
    struct handset_options *o = &g->phone;
    struct error err = {0};
    int option, rc = 0;

    optind = 1;
    while (rc == 0 && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        rc = take_option(g, option, optarg);
    if (rc != 0)
        return rc;
    if (optind != argc)
        return wrong("%s is too much", argv[optind]);
    if (o->identity == NULL)
        return wrong("%s", "--as NAME is needed");
    if (strncmp(o->identity, "client:", 7) == 0)
        o->identity += 7;
    o->once = o->once || o->call != NULL;
    if (steps_parse(&o->steps, g->press, false, &err) != 0)
        return wrong("%s", err.text);
    g->reach.identity = o->identity;
    if (reach_find(&g->reach, &err) != 0)
        return wrong("%s", err.text);
    o->link = g->reach.link;
    o->name = g->reach.name;
    o->token = g->reach.token;
    return 0;
}

int cli_phone(int argc, char **argv)
{
    struct given g = {.phone = {.codec = CODEC_PCMU}};
    int rc;

    log_set_levels("warn", NULL);
    rc = take_arguments(&g, argc, argv);
    if (rc == 0)
        rc = handset_run(&g.phone);
    reach_free(&g.reach);
    return rc < 0 ? 0 : rc;
}
