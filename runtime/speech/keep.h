/* Prompts kept on disk: FOLDER/<key>.wav at the engine's own rate, bounded, the longest unused go
 * first. A file appears under its name whole or not at all. These functions block: for workers. */
#ifndef ALMON_SPEECH_KEEP_H
#define ALMON_SPEECH_KEEP_H

#include "base/error.h"
#include "speech/espeak.h"
#include <stdbool.h>
#include <stdint.h>

/* True when it was there and sound; it then counts as just used. */
bool keep_load(const char *folder, const char *key, struct espeak_sound *out);
/* *bytes is how much the folder grew. */
int keep_save(const char *folder, const char *key, const struct espeak_sound *sound,
              uint64_t *bytes, struct error *err);
/* Counts the folder into *left. When it holds more than `max` bytes the longest unused prompts are
 * removed until a tenth is free, together with what an interrupted keep_save() left behind. */
int keep_sweep(const char *folder, uint64_t max, uint64_t *left, struct error *err);

#endif
