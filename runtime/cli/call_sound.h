/* The sound of `almon call` and `almon phone`: the file that the caller speaks, and the file of
 * what he hears. */
#ifndef ALMON_CLI_CALL_SOUND_H
#define ALMON_CLI_CALL_SOUND_H

#include "base/error.h"
#include "media/audio.h"
#include <stdbool.h>

/* --- a file as frames of a codec, in memory --- */

struct spoken;
int spoken_load(struct spoken **sp, const char *path, enum codec c, struct error *err);
/* A sine without end instead of a file. */
int spoken_tone(struct spoken **sp, int hz, enum codec c, struct error *err);
struct spoken *spoken_free(struct spoken *s);
void spoken_start(struct spoken *s);
/* The next frame, or NULL when it is over or has not been started. */
const uint8_t *spoken_next(struct spoken *s);
/* Its length. */
unsigned spoken_ms(const struct spoken *s);

/* --- a WAV file of what was heard, in the call's own time --- */

struct saving;
int saving_open(struct saving **sp, const char *path, enum codec c, struct error *err);
/* A frame came. */
void saving_frame(struct saving *s, const void *bytes, size_t len);
/* 20 ms have passed: writes a frame that came, or silence. */
void saving_tick(struct saving *s);
struct saving *saving_close(struct saving *s);

#endif
