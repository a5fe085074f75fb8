#include "media/ear.h"

#include <stddef.h>

int16_t *ear_put(struct ear *e)
{
    if (e->count == EAR_FRAMES) {
        e->first = (e->first + EAR_FRAMES - 1) % EAR_FRAMES;
        e->count = 1;
    }
    return e->frames[(e->first + e->count++) % EAR_FRAMES];
}

int16_t *ear_pop(struct ear *e)
{
    int16_t *frame = e->frames[e->first];

    if (e->count == 0)
        return NULL;
    e->first = (e->first + 1) % EAR_FRAMES;
    e->count--;
    return frame;
}

int16_t *ear_take(struct ear *e)
{
    if (e->primed)
        e->primed = e->count > 0;
    else if (e->count > 0) {
        e->primed = true;
        return NULL;
    }
    return ear_pop(e);
}

void ear_clear(struct ear *e)
{
    e->first = e->count = 0;
    e->primed = false;
}
