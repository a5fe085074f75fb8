/* Audio files: loading what is to be played, and turning recordings into mp3. */
#ifndef ALMON_MEDIA_FILE_H
#define ALMON_MEDIA_FILE_H

#include "base/error.h"
#include "base/loop.h"
#include "media/audio.h"

/* Reads an audio file (wav, mp3, ogg, opus, flac, aiff, au, gsm, raw G.711 by `mime` or, where that
 * is NULL, by the path's ending). Up to AUDIO_WHOLE_MS it is held whole; what is longer is streamed
 * from the open file, so that it may be renamed or deleted meanwhile. Blocking: for workers.
 * ERR_MISSING and ERR_IO for the file, ERR_INVALID with Twilio's 13420 for what is in it. */
int audio_load_file_as(struct audio **ap, enum codec c, const char *path, const char *mime,
                       struct error *err);
int audio_load_file(struct audio **ap, enum codec c, const char *path, struct error *err);

/* The same on a worker. The handler is called once from the loop, never from within audio_load();
 * `audio` (a reference, the receiver's) is NULL when it failed. */
struct audio_loader;
typedef void audio_loaded_h(void *arg, struct audio *audio, const struct error *err);
int audio_load(struct audio_loader **lp, struct loop *loop, const char *path, const char *mime,
               enum codec c, audio_loaded_h *h, void *arg, struct error *err);
/* The handler will not be called. Not after it was. */
void audio_load_cancel(struct audio_loader *l);

/* Writes `dst` as mp3, whole or not at all. Blocking: for workers. */
int audio_file_to_mp3(const char *src, const char *dst, struct error *err);

#endif
