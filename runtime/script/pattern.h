/* Lua's patterns with a bound on the work: Lua's own matcher can take minutes for one call, and no
 * hook runs meanwhile. The same semantics as Lua 5.4 (§6.4.1 of its manual). A pure function of its
 * input; knows nothing of Lua. */
#ifndef ALMON_SCRIPT_PATTERN_H
#define ALMON_SCRIPT_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PATTERN_CAPTURES = 32,
    PATTERN_DEPTH = 200, /* of nested repetitions and captures */
    PATTERN_POSITION = -2,
    PATTERN_OPEN = -1,
};

struct pattern_capture {
    const char *at;
    ptrdiff_t len; /* or PATTERN_POSITION: only where it is */
};

struct pattern {
    const char *text, *text_end; /* what is searched */
    const char *pattern_end;     /* a NUL stands there */
    uint64_t steps;              /* left */
    bool out_of_steps;
    const char *mistake; /* in the pattern; NULL: none */
    int depth, captures;
    struct pattern_capture capture[PATTERN_CAPTURES];
};

void pattern_init(struct pattern *p, const char *text, size_t text_len, const char *pattern,
                  size_t pattern_len, uint64_t steps);
/* Matches `pattern` at exactly `at`; its end, or NULL. Also NULL on a mistake or without steps. */
const char *pattern_match(struct pattern *p, const char *at, const char *pattern);
/* The first match at or after `at`; its start, with *end set. '^' anchors when `anchored`. */
const char *pattern_search(struct pattern *p, const char *at, const char *pattern, bool anchored,
                           const char **end);

#endif
