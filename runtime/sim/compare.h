/* What two runs of a call have in common, and where they part. */
#ifndef ALMON_SIM_COMPARE_H
#define ALMON_SIM_COMPARE_H

#include "base/str.h"
#include "sim/past.h"
#include "sim/sim.h"

struct comparison {
    const struct past *past;
    const struct sim *sim;
    const char *sid;                 /* of the new call */
    const char *old_root, *new_root; /* where the flow's files lie */
    bool changed; /* the flow is another one: only what callers and web applications notice counts
                   */
};

/* Appends the first difference between a past call and a new one. Identities, times and lengths do
 * not count, nor where the files lie. */
void compare_calls(const struct comparison *c, struct str *out);

#endif
