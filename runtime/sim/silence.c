#include "sim/silence.h"

#include "base/mem.h"
#include <string.h>

enum { RATE = 8000, FRAME_BYTES = RATE / 50 * 2, HEADER = 44, MOST_FRAMES = 3600 * 50 };

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

void *silence_wav(int64_t frames, size_t *len)
{
    uint32_t data;
    uint8_t *wav;

    *len = 0;
    if (frames <= 0)
        return NULL;
    data = (uint32_t)(frames < MOST_FRAMES ? frames : MOST_FRAMES) * FRAME_BYTES;
    wav = mem_alloc(HEADER + data);
    if (wav == NULL)
        return NULL;
    memcpy(wav, "RIFF____WAVEfmt ", 16);
    put(wav + 4, HEADER - 8 + data, 4);
    put(wav + 16, 16, 4);
    put(wav + 20, 1, 2); /* PCM */
    put(wav + 22, 1, 2); /* mono */
    put(wav + 24, RATE, 4);
    put(wav + 28, RATE * 2, 4);
    put(wav + 32, 2, 2);
    put(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put(wav + 40, data, 4);
    *len = HEADER + data;
    return wav;
}
