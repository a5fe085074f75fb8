/* What is in a recording that a scenario made. */
#ifndef ALMON_TESTS_RECORDED_H
#define ALMON_TESTS_RECORDED_H

#include "tests/scenarios/rig.h"
#include <stddef.h>

struct recorded {
    int channels;
    double seconds;
    double level[2]; /* of each channel, RMS; full scale is 1 */
};
/* `sid`: the recording's, or a RecordingUrl, which ends in it. False when there is no such file. */
bool recorded_read(struct rig *r, const char *sid, struct recorded *out);
/* How much of a channel (0 or 1) is a sine of `hz`: RMS, full scale is 1. */
double recorded_tone(struct rig *r, const char *sid, int channel, int hz);
/* Files below STATE/recordings with that suffix. */
size_t recorded_files(struct rig *r, const char *suffix);

#endif
