/* The command line: `almon COMMAND …`. */
#include "base/mem.h"
#include "cli/cli.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *text;
} commands[] = {
    {"serve", cli_serve, "[--config FILE] [--state DIR]", "Runs the exchange."},
    {"check", cli_check, "FILE...", "Prints every problem of documents, and how to mend it."},
    {"help", cli_help, "[VERB | COMMAND | almon.lua]",
     "Prints the reference of a verb, or lists them all."},
    {"call", cli_call, "NUMBER [options]", "Calls a number of a running exchange."},
    {"phone", cli_phone, "--as NAME [options]", "A telephone of a running exchange: client:NAME."},
    {"calls", cli_calls, "[-n COUNT]", "Lists the calls that ended last."},
    {"messages", cli_messages, "[-n COUNT]",
     "Lists the last text messages, and what became of each."},
    {"text", cli_text, "NUMBER TEXT...", "Writes to a number of a running exchange."},
    {"trace", cli_trace, "SID [-f]", "Prints what happened in a call; -f follows a live one."},
    {"redirect", cli_redirect, "SID URL|FILE", "Gives a live call a new document."},
    {"record", cli_record, "SID [pause|resume|stop...]", "Records a live call."},
    {"hangup", cli_hangup, "SID", "Ends a live call."},
    {"room", cli_room, "[ROOM end|mute|hold|kick|...]", "Lists conferences, or acts on one."},
    {"join", cli_join, "GATEWAY ID TO [FROM]", "Takes a call that waits in an Asterisk."},
    {"graph", cli_graph, "FLOW [--mermaid]", "Draws where a call can go."},
    {"replay", cli_replay, "SID|FILE [--flow FILE]",
     "Runs a past call again and shows what differs."},
    {"sim", cli_sim, "FLOW [--real | --virtual]", "Calls a flow in the terminal, without a phone."},
    {"test", cli_test, "[PATH...]", "Runs scenarios in virtual time."},
};

static void usage(FILE *out)
{
    fprintf(out, "almon: your call and message flows, on your own machine\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  almon %-8s %-30s %s\n", commands[i].name, commands[i].usage,
                commands[i].text);
    fprintf(out, "\nEach command tells more with --help.\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

/* `almon help call` is `almon call --help`; verbs begin with a capital. */
static int run(const struct command *c, int argc, char **argv)
{
    const struct command *about = c->run == cli_help && argc == 2 ? find_command(argv[1]) : NULL;
    char option[] = "--help", *ask[] = {argv[argc - 1], option, NULL};

    return about != NULL ? about->run(2, ask) : c->run(argc, argv);
}

int main(int argc, char **argv)
{
    const struct command *c = argc >= 2 ? find_command(argv[1]) : NULL;

    mem_hook_libraries();
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error to handle, not the end */
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        usage(stdout);
        return 0;
    }
    if (c != NULL)
        return run(c, argc - 1, argv + 1);
    if (argc >= 2)
        fprintf(stderr, "almon: no command '%s'\n\n", argv[1]);
    usage(stderr);
    return 2;
}
