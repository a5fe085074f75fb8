/* One line of a journal (session/journal.h) as one readable line of a timeline. */
#ifndef ALMON_CLI_TIMELINE_H
#define ALMON_CLI_TIMELINE_H

#include "base/str.h"
#include <jansson.h>

/* Adds e.g. "   1.240  digit       5, 90 ms" without a newline. Control characters are escaped:
 * what a caller or a web server sent must not steer the reader's terminal. */
void timeline_add(struct str *out, json_t *line);
/* Adds a text of somebody else's, escaped so. */
void timeline_text(struct str *out, const char *text);

#endif
