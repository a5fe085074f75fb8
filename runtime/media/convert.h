/* Frames from one rate to another (8, 16, 24 kHz), a frame at a time, for voices on their way from
 * one channel to another. A small filter of our own rather than speexdsp: its state is plain memory
 * that can be copied, so a listener may change from one stream to another without a click. */
#ifndef ALMON_MEDIA_CONVERT_H
#define ALMON_MEDIA_CONVERT_H

#include "media/audio.h"

#define CONVERT_PAST 71

struct convert {
    uint8_t from, to; /* times 8 kHz */
    int16_t past[CONVERT_PAST];
};

/* Any thread; the first call of the process makes the tables. */
void convert_init(struct convert *c, enum codec from, enum codec to);
/* One frame; in and out may not overlap. Adds a delay of about 1.5 ms, unless the rates are equal.
 */
void convert_frame(struct convert *c, const int16_t *in, int16_t *out);

#endif
