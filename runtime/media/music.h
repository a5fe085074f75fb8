/* What a waiting caller hears when nobody chose anything else: a quiet loop that is computed, not a
 * file, so that every installation has it and nobody is owed anything for it. */
#ifndef ALMON_MEDIA_MUSIC_H
#define ALMON_MEDIA_MUSIC_H

#include "media/audio.h"

#define MUSIC_SECONDS 24

/* One round, to be played with loops: its end leads into its beginning. Takes a few milliseconds:
 * for workers. ERR_NOMEM. */
int music_hold(struct audio **ap, enum codec c, struct error *err);

#endif
