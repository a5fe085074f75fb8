/* The tones of the telephone network and of a conference, as audio to be played (media_play() with
 * loops repeats a whole cadence). */
#ifndef ALMON_MEDIA_TONES_H
#define ALMON_MEDIA_TONES_H

#include "media/audio.h"

/* One period of a country's ringback: a value of Dial's ringTone ("us", "de", "us-old" …); NULL is
 * "us". ERR_INVALID for a country we do not know. */
int tones_ringback(struct audio **ap, enum codec c, const char *country, struct error *err);

/* What a conference plays when somebody comes (one tone) or goes (two lower ones). */
int tones_enter(struct audio **ap, enum codec c, struct error *err);
int tones_exit(struct audio **ap, enum codec c, struct error *err);

#endif
