/* The media thread's side of a tap (the other side is in media.h), and what it knows of silence. */
#ifndef ALMON_MEDIA_TAP_H
#define ALMON_MEDIA_TAP_H

#include "media/ear.h"
#include "media/media.h"

/* A tap at work on a channel. */
struct hearing {
    struct tap *tap; /* NULL: none */
    uint32_t request;
    enum tap_pause pause;
    uint32_t silence_frames, max_frames; /* 0: no bound */
    uint32_t received, quiet;            /* frames, and silent ones in a row until now */
    struct tap_result result;
};

void hearing_begin(struct hearing *h, struct tap *tap, uint32_t request, int silence_ms,
                   int max_ms);
/* One frame: as bytes and as samples, both NULL for silence. True when the tap is over:
 * h->result.why then says why. */
bool hearing_frame(struct hearing *h, const void *bytes, const int16_t *samples, size_t n);
/* What is received, until the channel's tick takes it; NULL for TAP_HEARD. */
struct ear *tap_ear(struct tap *t);
/* The channel's tick, for all but TAP_HEARD: `sent` is the frame that it sends, NULL for none. True
 * when the tap is over, as hearing_frame(). */
bool hearing_tick(struct hearing *h, const void *sent);
/* NULL is silence. */
bool samples_are_silent(const int16_t *samples, size_t n);
enum codec tap_codec(const struct tap *t);

#endif
