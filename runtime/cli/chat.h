/* A chat with a flow of messages, for `almon sim`: a line is a text to it, its replies are printed.
 * Virtual time alone: nothing happens between two lines but what a "wait" lets happen. */
#ifndef ALMON_CLI_CHAT_H
#define ALMON_CLI_CHAT_H

#include "sim/sim.h"

/* Until the end of the input. 0, or an error with its message. */
int chat(struct sim *s, const char *from, const char *to, struct error *err);

#endif
