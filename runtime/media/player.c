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

static void send_frame(struct media_channel *c, struct play *p, const void *bytes)
{
    struct crossing_msg m = {.h = channel_on_started, .to = c, .num = {p->place}};

    channel_frame(c, bytes);
    if (p->sent++ == 0)
        crossing_answer(c->media->crossing, &m);
}

static void end_first(struct media_channel *c, enum play_end how)
{
    answer_played(c, &c->play[0], how);
    remove_play(c, 0);
}

/* Sends a frame of a whole piece; false when it has none. */
static bool tick_whole(struct media_channel *c, struct play *p)
{
    if (p->audio->frames == 0)
        return false;
    send_frame(c, p, p->audio->data + p->at * codec_frame_bytes(c->codec));
    if (++p->at == p->audio->frames) {
        p->at = 0;
        if (--p->loops == 0)
            end_first(c, PLAY_ENDED);
    }
    return true;
}

/* Sends a frame of a streamed piece, or waits for one; false at its end. */
static bool tick_stream(struct media_channel *c, struct play *p, enum play_end *how)
{
    uint8_t frame[FRAME_BYTES_MAX];

    switch (stream_take(p->stream, frame)) {
    case STREAM_FRAME:
        send_frame(c, p, frame);
        /* The last frame ends the play now, not 20 ms later, if that is known already. */
        if (stream_is_over(p->stream))
            end_first(c, PLAY_ENDED);
        return true;
    case STREAM_WAIT:
        return true;
    case STREAM_END:
        *how = PLAY_ENDED;
        return false;
    default:
        *how = PLAY_FAILED;
        return false;
    }
}

bool player_tick(struct media_channel *c)
{
    while (c->plays > 0) {
        struct play *p = &c->play[0];
        enum play_end how = PLAY_ENDED;

        if (p->stream != NULL ? tick_stream(c, p, &how) : tick_whole(c, p))
            return true;
        end_first(c, how);
    }
    return false;
}
