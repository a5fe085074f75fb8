/* The default engine: espeak-ng, run as a program of its own, one fresh process for each run of
 * text. A process that stays up gives other samples for the same text and cannot mark where one
 * ends (and is under another licence); a fresh one costs some milliseconds and always gives the
 * same samples. These functions block: they are for workers (espeak_version at start-up excepted).
 */
#ifndef ALMON_SPEECH_ESPEAK_H
#define ALMON_SPEECH_ESPEAK_H

#include "base/error.h"
#include "base/str.h"
#include <stddef.h>
#include <stdint.h>

enum {
    ESPEAK_STALL_MS = 5000,      /* without a byte of output: killed */
    ESPEAK_TOTAL_MS = 30000,     /* one process, all in all */
    ESPEAK_MAX_BYTES = 40 << 20, /* one process's audio: 15 minutes */
};

/* What one run became: `samples` is mem_free()d by the caller. */
struct espeak_sound {
    int16_t *samples;
    size_t count;
    int rate;
};

/* Speaks `ssml` (made by plan.h: escaped already) with the voice `voice` ("en-us+f3"). The text
 * goes in on standard input, so no text ever becomes an option or a shell word. 0, ERR_MISSING when
 * the program is not installed, ERR_TIMEOUT, ERR_IO, ERR_NOMEM, ERR_LIMIT. */
int espeak_speak(struct espeak_sound *out, const char *voice, const char *ssml, struct error *err);
/* "1.51", for the cache's keys. ERR_MISSING with how to install it. */
int espeak_version(char *out, size_t size, struct error *err);
/* Another bound than ESPEAK_STALL_MS, for tests; 0 is that one again. */
void espeak_set_patience(int stall_ms);
/* What `espeak-ng --voices` prints, appended to `out`. */
int espeak_voices(struct str *out, struct error *err);

#endif
