/* almon redirect, hangup, record, join: acting on live calls from the command line. */
#include "base/sid.h"
#include "cli/cli.h"
#include "cli/link.h"
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    const char *state, *config;
};

/* Reads the options that both commands have. -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct place *place, void (*usage)(FILE *out))
{
    static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c;

    place->config = "almon.lua";
    while ((c = getopt_long(argc, argv, "s:c:h", options, NULL)) != -1) {
        if (c == 's') {
            place->state = optarg;
        } else if (c == 'c') {
            place->config = optarg;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    return -1;
}

static int act(const struct place *place, json_t *request)
{
    char state[CLI_STATE_SIZE];
    struct error err = {0};

    cli_state(place->state, place->config, state);
    if (cli_ask(state, request, &err) == 0)
        return 0;
    fprintf(stderr, "almon: %s\n", err.text);
    return 1;
}

static bool is_call(const char *sid)
{
    if (sid_valid(sid, "CA"))
        return true;
    fprintf(stderr, "almon: '%s' is no call's SID (CA and 32 hex digits)\n", sid);
    return false;
}

static void hangup_usage(FILE *out)
{
    fprintf(out, "usage: almon hangup SID [--state DIR | --config FILE]\n"
                 "Ends the live call or conference SID.\n");
}

int cli_hangup(int argc, char **argv)
{
    struct place place = {0};
    int status = read_options(argc, argv, &place, hangup_usage);

    if (status >= 0)
        return status;
    if (argc - optind != 1) {
        hangup_usage(stderr);
        return 2;
    }
    if (!sid_valid(argv[optind], "CF") && !is_call(argv[optind]))
        return 2;
    return act(&place, json_pack("{s:s, s:s}", "cmd", "hangup", "sid", argv[optind]));
}

static void redirect_usage(FILE *out)
{
    fprintf(out, "usage: almon redirect SID URL|FILE [--state DIR | --config FILE]\n"
                 "Stops what the live call SID does and goes on with the document at URL or in "
                 "FILE.\n");
}

int cli_redirect(int argc, char **argv)
{
    struct place place = {0};
    int status = read_options(argc, argv, &place, redirect_usage);
    char path[PATH_MAX];
    const char *target;

    if (status >= 0)
        return status;
    if (argc - optind != 2) {
        redirect_usage(stderr);
        return 2;
    }
    if (!is_call(argv[optind]))
        return 2;
    target = argv[optind + 1];
    /* The exchange runs in another folder: a file is named in full. */
    if (strstr(target, "://") == NULL) {
        if (realpath(target, path) == NULL) {
            fprintf(stderr, "almon: %s: no such file, and no URL\n", target);
            return 2;
        }
        target = path;
    }
    return act(&place,
               json_pack("{s:s, s:s, s:s}", "cmd", "redirect", "sid", argv[optind], "url", target));
}

static void record_usage(FILE *out)
{
    fprintf(out, "usage: almon record SID [start|dual|pause|skip|resume|stop] [--state DIR | "
                 "--config FILE]\n"
                 "Records the live call SID until it is stopped or ends, in one channel or two\n"
                 "(dual: first what is heard from the caller), and prints the recording's SID.\n"
                 "SID of a recording, or of a call that has only one: pauses it (silence in the\n"
                 "file; skip: nothing in the file), resumes it, or stops it.\n");
}

int cli_record(int argc, char **argv)
{
    struct place place = {0};
    int status = read_options(argc, argv, &place, record_usage);
    const char *what = "start", *made;
    struct error err = {0};
    char state[CLI_STATE_SIZE];
    json_t *answer;

    if (status >= 0)
        return status;
    if (argc - optind < 1 || argc - optind > 2) {
        record_usage(stderr);
        return 2;
    }
    if (argc - optind == 2)
        what = argv[optind + 1];
    cli_state(place.state, place.config, state);
    answer = cli_ask_for(
        state, json_pack("{s:s, s:s, s:s}", "cmd", "record", "sid", argv[optind], "do", what),
        &err);
    if (answer == NULL) {
        fprintf(stderr, "almon: %s\n", err.text);
        return 1;
    }
    made = json_string_value(json_object_get(answer, "recording"));
    if (made != NULL)
        printf("%s\n", made);
    json_decref(answer);
    return 0;
}

static void join_usage(FILE *out)
{
    fprintf(
        out,
        "usage: almon join GATEWAY ID TO [FROM] [--state DIR | --config FILE]\n"
        "Connects to the Asterisk of gateway{ name = GATEWAY, dialect = \"asterisk\", url = … }\n"
        "for its channel WebSocket/INCOMING with the connection id ID, as a call to TO.\n");
}

int cli_join(int argc, char **argv)
{
    struct place place = {0};
    int status = read_options(argc, argv, &place, join_usage);
    int n;

    if (status >= 0)
        return status;
    n = argc - optind;
    if (n != 3 && n != 4) {
        join_usage(stderr);
        return 2;
    }
    return act(&place,
               json_pack("{s:s, s:s, s:s, s:s, s:s}", "cmd", "join", "gateway", argv[optind],
                         "connection", argv[optind + 1], "to", argv[optind + 2], "from",
                         n == 4 ? argv[optind + 3] : "anonymous"));
}
