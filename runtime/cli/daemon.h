/* What `almon serve` has to do with the system it runs on, and what it can tell at its start that
 * would else be noticed by a caller. */
#ifndef ALMON_CLI_DAEMON_H
#define ALMON_CLI_DAEMON_H

#include "base/config.h"

/* Every webhook, recording and link is an open file: as many as the system lets us have. Says so in
 * the log when these are few. */
void daemon_raise_files(void);
/* Tells systemd (Type=notify) how we are: "READY=1", "STOPPING=1". Nothing happens where no
 * NOTIFY_SOCKET is set. sd_notify(3) is the protocol. */
void daemon_notify(const char *state);
/* A warning in the log for each flow that is a file and not there, and for voices that nobody has.
 * Blocks for as long as the disk takes to say so. */
void daemon_advise(const struct config *config);

#endif
