/* <phoneme>: IPA and X-SAMPA to the engine's own phoneme names, for English. */
#ifndef ALMON_SPEECH_PHONEME_H
#define ALMON_SPEECH_PHONEME_H

#include "base/str.h"
#include <stdbool.h>

/* Appends "[[…]]" and returns true; or appends nothing and returns false when the alphabet or one
 * of the signs is unknown to us: then the text inside the element is read. */
bool phoneme_to_engine(struct str *out, const char *alphabet, const char *phonemes);

#endif
