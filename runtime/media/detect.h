/* Digits heard in the audio: spandsp's detector at 8 kHz, with a small filter in front for wider
 * channels. Made on the control thread, used on the media thread, freed on the control thread. */
#ifndef ALMON_MEDIA_DETECT_H
#define ALMON_MEDIA_DETECT_H

#include "base/error.h"
#include "media/audio.h"

/* What a digit's duration is said to be: it is told when it is recognised, not when the key is let
 * go, and this is the shortest tone that the standards let count. */
#define DETECT_DIGIT_MS 40

struct detector;

int detector_new(struct detector **dp, enum codec c, struct error *err);
struct detector *detector_free(struct detector *d);
/* One frame; NULL for silence. Writes the digits that were recognised (most often none) and returns
 * how many; at most `max`. Allocates nothing. */
size_t detector_frame(struct detector *d, const int16_t *samples, char *digits, size_t max);

#endif
