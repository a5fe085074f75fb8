/* Which voice speaks: Twilio's names, and BCP-47 languages, to what espeak-ng has. The public door
 * is speech_pick() in speech.h. Control thread only: the installed voices are asked for once, at
 * first use. */
#ifndef ALMON_SPEECH_VOICES_H
#define ALMON_SPEECH_VOICES_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

#define VOICES_TABLE_MAX (64 * 1024) /* bytes of what the engine prints */

struct polly_voice {
    const char *name;     /* without "Polly." and without a suffix */
    const char *language; /* BCP-47 */
    char sex;             /* 'm' or 'f' */
};
/* Ended by a NULL name, sorted by name (voice_names.c). */
extern const struct polly_voice polly_voices[];
/* The sex of a Google voice by the last part of its name ("A", "Kore"), by Google's convention for
 * that language; 'f' where none is known. */
char google_sex(const char *language, const char *name);

/* Asks the engine what voices it has, if nobody did: blocks for some milliseconds, so speech_new()
 * does it, and at a reload asks on a worker. */
void voices_ask(void);
/* Reads the table printed by `espeak-ng --voices` in place of asking the program; for tests, and
 * used by voices_ask(). Returns how many it holds. NULL forgets all, so that the next
 * question asks the program again. */
size_t voices_read(const char *table);
/* The engine's voice for a language tag ("es-MX" → "es-419"), written into out; 0, or ERR_MISSING
 * (13512) naming what is near, or ERR_INVALID. */
int voices_language(const char *tag, char *out, size_t size, struct error *err);
/* "en-us" and "EN-gb-x" are English. */
bool voices_is_english(const char *tag);

#endif
