/* A silent WAV file in memory: stands for sound of which only the length is known. */
#ifndef ALMON_SIM_SILENCE_H
#define ALMON_SIM_SILENCE_H

#include <stddef.h>
#include <stdint.h>

/* `frames` of 20 ms (at most an hour); *len bytes, mem_free()d by the caller. NULL when there are
 * none or memory is out. */
void *silence_wav(int64_t frames, size_t *len);

#endif
