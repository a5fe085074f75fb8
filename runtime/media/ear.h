/* A voice on its way to who takes a frame of it at each of his own ticks: a room, or a tap that
 * hears two sides. One frame is held back while the voice lasts, so that one that comes up to 20 ms
 * late is no gap. */
#ifndef ALMON_MEDIA_EAR_H
#define ALMON_MEDIA_EAR_H

#include "media/audio.h"

#define EAR_FRAMES  6
#define EAR_SAMPLES (FRAME_BYTES_MAX / 2)

/* All zero at first. */
struct ear {
    unsigned first, count;
    bool primed;
    int16_t frames[EAR_FRAMES][EAR_SAMPLES];
};

/* Where to write the next frame. When the speaker's clock is faster than the taker's there is one
 * jump now and then, not a delay for ever. */
int16_t *ear_put(struct ear *e);
/* This tick's frame, good until the next put; NULL when there is none. */
int16_t *ear_take(struct ear *e);
/* The next frame, held back or not; NULL when there is none. */
int16_t *ear_pop(struct ear *e);
void ear_clear(struct ear *e);

#endif
