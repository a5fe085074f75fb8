/* The media side of what a channel is given to send besides its plays. */
#include "media/channel.h"

#include <string.h>

static uint8_t *line_frame(struct media_channel *c, unsigned i)
{
    return c->hears->frames + (c->hears->first + i) % LINE_FRAMES * codec_frame_bytes(c->codec);
}

static uint8_t *line_place(struct media_channel *c)
{
    struct line *l = c->hears;

    if (l->count == LINE_FRAMES) {
        l->first = (l->first + LINE_FRAMES - 1) % LINE_FRAMES;
        l->count = 1;
    }
    return line_frame(c, l->count++);
}

void line_put(struct media_channel *c, const void *bytes)
{
    if (c->port == NULL)
        return;
    memcpy(line_place(c), bytes, codec_frame_bytes(c->codec));
    wheel_join(c);
}

void line_put_samples(struct media_channel *c, const int16_t *samples)
{
    if (c->port == NULL)
        return;
    codec_encode(c->codec, samples, codec_frame_samples(c->codec), line_place(c));
    wheel_join(c);
}

const uint8_t *line_take(struct media_channel *c)
{
    struct line *l = c->hears;
    const uint8_t *frame;

    if (l == NULL || l->count == 0)
        return NULL;
    frame = line_frame(c, 0);
    l->first = (l->first + 1) % LINE_FRAMES;
    l->count--;
    return frame;
}

void line_clear(struct media_channel *c)
{
    if (c->hears != NULL)
        c->hears->first = c->hears->count = 0;
}
