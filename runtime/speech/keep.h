/* Prompts kept on disk: FOLDER/<key>.wav at the engine's own rate, and FOLDER/<key>.<codec> as a
 * channel wants it (bringing it there costs ten times what reading it does); bounded, the longest
 * unused go first. A file appears under its name whole or not at all. These functions block: for
 * workers. */
#ifndef ALMON_SPEECH_KEEP_H
#define ALMON_SPEECH_KEEP_H

#include "base/error.h"
#include "media/audio.h"
#include "speech/espeak.h"
#include <stdbool.h>
#include <stdint.h>

/* True when it was there and sound; it then counts as just used. */
bool keep_load(const char *folder, const char *key, struct espeak_sound *out);
/* The same in a codec. */
bool keep_load_coded(const char *folder, const char *key, enum codec codec, struct audio **ap);
int keep_save_coded(const char *folder, const char *key, const struct audio *audio, uint64_t *bytes,
                    struct error *err);
/* *bytes is how much the folder grew. */
int keep_save(const char *folder, const char *key, const struct espeak_sound *sound,
              uint64_t *bytes, struct error *err);
/* Counts the folder into *left. When it holds more than `max` bytes the longest unused prompts are
 * removed until a tenth is free, together with what an interrupted keep_save() left behind. */
int keep_sweep(const char *folder, uint64_t max, uint64_t *left, struct error *err);

#endif
