/* The options that `almon call` and `almon phone` share: how they reach the exchange, and what is
 * done in a call. */
#ifndef ALMON_CLI_TALK_OPTIONS_H
#define ALMON_CLI_TALK_OPTIONS_H

#include "cli/call_steps.h"
#include "cli/reach.h"
#include "media/audio.h"
#include <stdbool.h>

struct talk_options {
    const char *command; /* "call" or "phone" */
    const char *from, *save, *press;
    enum codec codec;
    int timeout_s; /* 0: none */
    bool json;
    struct reach reach; /* reach_free() */
    struct steps steps; /* what `press` says */
};

enum {
    TALK_FROM = 512,
    TALK_PRESS,
    TALK_SAVE,
    TALK_CODEC,
    TALK_TIMEOUT,
    TALK_JSON,
    TALK_CONFIG,
    TALK_LINK,
    TALK_NAME,
    TALK_TOKEN
};

/* For getopt_long(). */
#define TALK_LONG_OPTIONS                                                                          \
    {"from", required_argument, NULL, TALK_FROM}, {"press", required_argument, NULL, TALK_PRESS},  \
        {"save", required_argument, NULL, TALK_SAVE},                                              \
        {"codec", required_argument, NULL, TALK_CODEC},                                            \
        {"timeout", required_argument, NULL, TALK_TIMEOUT},                                        \
        {"json", no_argument, NULL, TALK_JSON}, {"config", required_argument, NULL, TALK_CONFIG},  \
        {"link", required_argument, NULL, TALK_LINK},                                              \
        {"name", required_argument, NULL, TALK_NAME},                                              \
    {                                                                                              \
        "token", required_argument, NULL, TALK_TOKEN                                               \
    }

/* Takes one of these options; 0, or the exit status. Any other is one that does not exist: getopt
 * has said so. */
int talk_options_take(struct talk_options *o, int option, const char *value);
/* After the last: reads the steps and finds the exchange; `speaks`: there is a file for their `s`.
 * 0, or the exit status. */
int talk_options_ready(struct talk_options *o, bool speaks);
/* Says what is wrong with the command; `fmt` holds one %s. Returns the exit status. */
int talk_options_wrong(const struct talk_options *o, const char *fmt, const char *what);
/* 0, or the exit status. */
int talk_options_whole(const struct talk_options *o, const char *text, long min, long max,
                       const char *fmt, int *out);
/* Says that there is no exchange at the other end. */
void talk_options_not_linked(const struct talk_options *o, const char *why);

#endif
