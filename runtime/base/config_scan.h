/* Calls in a source of Lua: every `name{…}` with the lines of its keys, and `name(…)`, `name"…"`
 * without. For the configuration, since Lua knows the line of a call only, and for what looks at
 * flows without running them (script/look.c). */
#ifndef ALMON_BASE_CONFIG_SCAN_H
#define ALMON_BASE_CONFIG_SCAN_H

#include "base/arena.h"
#include <stddef.h>

struct scan_key {
    struct scan_key *next;
    const char *name; /* in the source, not terminated; NULL: a value without a key */
    size_t len;
    int index; /* of a value without a key: 1, 2 … */
    int line;
};

struct scan_call {
    const char *name;
    size_t len;
    int line;
    struct scan_key *keys;
    struct scan_call *next;
};

struct scan {
    struct scan_call **calls; /* by rising line */
    size_t n;
};

/* Reads any bytes; what is no Lua simply yields no calls. 0 or ERR_NOMEM. All belongs to `arena`,
 * and points into `text`. */
int config_scan(struct scan *s, struct arena *arena, const char *text, size_t len);
/* The line of `key` (or of the value `index`, when `key` is NULL) in the call of `name` at `line`;
 * `line` itself when it is not found there. */
int config_scan_line(const struct scan *s, const char *name, int line, const char *key, int index);

#endif
