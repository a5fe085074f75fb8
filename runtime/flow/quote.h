/* Foreign text inside our messages: cut short, on one line, nothing that a terminal would obey. */
#ifndef ALMON_FLOW_QUOTE_H
#define ALMON_FLOW_QUOTE_H

#include <stddef.h>

enum { QUOTE_SIZE = 64 };

/* Writes at most 40 bytes of `s` into `out`, "…" when there were more, '?' for control characters
 * and for bytes that are no UTF-8. Returns `out`. */
const char *quote(char out[QUOTE_SIZE], const char *s, size_t n);

#endif
