/* The media side of playing: a short queue, one frame at a time. */
#include "media/channel.h"

#include <string.h>

static void answer_played(struct media_channel *c, const struct play *p, enum play_end how)
{
    struct crossing_msg m = {.h = channel_on_played, .to = c};

    m.num[0] = p->place;
    m.num[1] = how;
    m.num[2] = p->sent;
    crossing_answer(c->media->crossing, &m);
}

static void remove_play(struct media_channel *c, unsigned i)
{
    c->plays--;
    memmove(c->play + i, c->play + i + 1, (c->plays - i) * sizeof *c->play);
}

void player_add(struct media_channel *c, const struct play *p)
{
    /* The control side admits no more than PLAYS_MAX. */
    c->play[c->plays++] = *p;
    wheel_join(c);
}

void player_stop(struct media_channel *c, unsigned places)
{
    unsigned i = 0;

    while (i < c->plays) {
        if (!(places >> c->play[i].place & 1)) {
            i++;
            continue;
        }
        answer_played(c, &c->play[i], PLAY_STOPPED);
        remove_play(c, i);
    }
}

static void count_frame(struct media_channel *c, struct play *p)
{
    struct crossing_msg m = {.h = channel_on_started, .to = c, .num = {p->place}};

    if (p->sent++ == 0)
        crossing_answer(c->media->crossing, &m);
}

static void end_first(struct media_channel *c, enum play_end how)
{
    answer_played(c, &c->play[0], how);
    remove_play(c, 0);
}

/* A frame of a whole piece, NULL when it has none. The last one is copied: once control knows that
 * the play is over, the audio may be gone. */
static const uint8_t *take_whole(struct media_channel *c, struct play *p, uint8_t *room)
{
    size_t size = codec_frame_bytes(c->codec);
    const uint8_t *frame;

    if (p->audio->frames == 0)
        return NULL;
    frame = p->audio->data + p->at * size;
    count_frame(c, p);
    if (++p->at < p->audio->frames)
        return frame;
    p->at = 0;
    if (--p->loops > 0)
        return frame;
    memcpy(room, frame, size);
    end_first(c, PLAY_ENDED);
    return room;
}

/* A frame of a streamed piece, or nothing yet (`waits`); NULL at its end. */
static const uint8_t *take_stream(struct media_channel *c, struct play *p, uint8_t *room,
                                  bool *waits, enum play_end *how)
{
    switch (stream_take(p->stream, room)) {
    case STREAM_FRAME:
        count_frame(c, p);
        /* The last frame ends the play now, not 20 ms later, if that is known already. */
        if (stream_is_over(p->stream))
            end_first(c, PLAY_ENDED);
        return room;
    case STREAM_WAIT:
        *waits = true;
        return NULL;
    case STREAM_END:
        *how = PLAY_ENDED;
        return NULL;
    default:
        *how = PLAY_FAILED;
        return NULL;
    }
}

bool player_take(struct media_channel *c, uint8_t *room, const uint8_t **frame)
{
    bool waits = false;

    *frame = NULL;
    while (c->plays > 0) {
        struct play *p = &c->play[0];
        enum play_end how = PLAY_ENDED;

        *frame = p->stream != NULL ? take_stream(c, p, room, &waits, &how) : take_whole(c, p, room);
        if (*frame != NULL || waits)
            return true;
        end_first(c, how);
    }
    return false;
}
