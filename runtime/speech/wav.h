/* Reading the WAV bytes that an engine wrote to a pipe, and the plain header of our own files.
 * Lenient: a program that writes to a pipe cannot know the length when it writes the header, so the
 * length is what is there. */
#ifndef ALMON_SPEECH_WAV_H
#define ALMON_SPEECH_WAV_H

#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

#define WAV_HEADER_BYTES 44

struct wav {
    int rate;
    size_t offset, samples; /* where the samples begin, and how many whole ones there are */
};

/* Only 16-bit linear mono, which is what engines write. 0 or ERR_INVALID with what is wrong. A pure
 * function of the bytes. */
int wav_parse(struct wav *w, const uint8_t *bytes, size_t len, struct error *err);
/* Copies the samples out of the bytes (which may stand at an odd address). */
void wav_samples(const struct wav *w, const uint8_t *bytes, int16_t *out);
/* Writes WAV_HEADER_BYTES bytes. */
void wav_header(uint8_t *out, int rate, size_t samples);

#endif
