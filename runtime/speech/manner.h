/* SSML's manners of speaking (prosody, emphasis) as numbers, and as the engine's markup. */
#ifndef ALMON_SPEECH_MANNER_H
#define ALMON_SPEECH_MANNER_H

#include "base/str.h"
#include "speech/speech.h"
#include <stdbool.h>

struct manner {
    int rate, pitch, volume; /* per cent of the usual; 100 is as usual */
    const char *emphasis;    /* of the engine's three words, or NULL */
};

void manner_read(struct manner *m, const struct speech_piece *piece);
bool manner_is_usual(const struct manner *m);
/* The tags before and after the text; nothing for what is as usual. */
void manner_open(const struct manner *m, struct str *out);
void manner_close(const struct manner *m, struct str *out);

#endif
