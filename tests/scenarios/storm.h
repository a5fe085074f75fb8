/* Lots, and the documents that are drawn by them, for the storm over the whole exchange. */
#ifndef ALMON_TESTS_STORM_H
#define ALMON_TESTS_STORM_H

#include "base/sid.h"
#include "base/str.h"
#include "sim/sim.h"

#define STORM_APP "http://app.test"

struct lots {
    struct rng rng;
    struct str document;
};

unsigned lot(struct lots *l, unsigned n);
/* True in `percent` of all cases. */
bool chance(struct lots *l, unsigned percent);
/* A whole document for a request to that URL of STORM_APP: /flow is a flow, the others what is
 * heard while waiting or before both talk. Lives until the next. */
const char *storm_document(struct lots *l, const char *url);

#endif
