/* What the commands share that speak to a running `almon serve`: where its state lies, and one
 * blocking connection to its control socket (web/control.h). */
#ifndef ALMON_CLI_LINK_H
#define ALMON_CLI_LINK_H

#include "base/error.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { CLI_STATE_SIZE = 512 };
/* `option` (--state) when given, else what the configuration at `config_path` says, else "state".
 */
void cli_state(const char *option, const char *config_path, char out[CLI_STATE_SIZE]);

struct cli_link {
    FILE *in; /* NULL: closed */
    int fd;
};
int cli_link_open(struct cli_link *l, const char *state, struct error *err);
/* Takes `request` over. */
int cli_link_send(struct cli_link *l, json_t *request, struct error *err);
/* The next line as JSON, a new reference; NULL with *err set at the end. */
json_t *cli_link_read(struct cli_link *l, struct error *err);
/* True when something is there to be read, or comes within `ms`. Ask before the first read only:
 * the stream reads ahead. */
bool cli_link_wait(struct cli_link *l, int ms);
void cli_link_close(struct cli_link *l);

/* One request and its verdict: 0, or the error that came back. */
int cli_ask(const char *state, json_t *request, struct error *err);
/* … and what came with a good one: a new reference, NULL with *err set. */
json_t *cli_ask_for(const char *state, json_t *request, struct error *err);

#endif
