/* How somebody answers, for answering machine detection: not words, but sound with the lengths and
 * the spectrum that tell a human, a machine and a fax apart. */
#include "base/mem.h"
#include "sim/private.h"
#include <math.h>
#include <string.h>

enum { RATE = 8000, LETTER = RATE / 10 };

/* Each letter is 100 ms: 's' speech, '.' silence, 'b' a beep of 1 kHz, 'f' the tone of a fax. */
static const struct {
    const char *who, *script;
} greetings[] = {
    {"human", "..ssssss"},
    {"machine", "..ssssss.ssssssss.sssss..ssssssss.sssssss"},
    {"beep", "..ssssss.ssssssss.sssss..ssssssss.sssssss...bbbb"},
    {"fax", "..ffffffffffffffffffffffffffffff"},
};

const char *sim_greeting_script(const char *who)
{
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++)
        if (strcmp(greetings[i].who, who) == 0)
            return greetings[i].script;
    return NULL;
}

static double sound(char kind, size_t at)
{
    static const double voice[] = {130, 260, 390, 520, 650, 780, 1040, 1300, 2210, 2600};
    double turn = 2 * M_PI * (double)at / RATE, v = 0;

    switch (kind) {
    case 's':
        for (size_t i = 0; i < sizeof voice / sizeof *voice; i++)
            v += 0.04 * sin(voice[i] * turn + (double)(i * i));
        return v;
    case 'b':
        return 0.2 * sin(1000 * turn);
    case 'f':
        return 0.2 * sin(1100 * turn);
    default:
        return 0;
    }
}

int sim_greeting(struct audio **ap, enum codec c, const char *script, struct error *err)
{
    size_t n = strlen(script) * LETTER;
    int16_t *samples = mem_alloc(n * sizeof *samples);
    int rc;

    if (samples == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++)
        samples[i] = (int16_t)lrint(32767 * sound(script[i / LETTER], i));
    rc = audio_from_samples(ap, c, samples, n, RATE, err);
    mem_free(samples);
    return rc;
}
