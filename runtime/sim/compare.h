/* What two runs of a call have in common, and where they part. */
#ifndef ALMON_SIM_COMPARE_H
#define ALMON_SIM_COMPARE_H

#include "base/str.h"
#include "sim/past.h"
#include "sim/sim.h"

/* Appends the first difference between the past call and the (only) call of `sim`. Identities,
 * times and lengths do not count, nor where the files lie (`old_root`, `new_root`). `changed`: the
 * flow is another one, so only what caller and web applications notice is compared. */
void compare_calls(const struct past *past, const char *old_root, const struct sim *sim,
                   const char *new_root, bool changed, struct str *out);

#endif
