/* Private to media/: what a channel and the loop consist of. Each field belongs to one thread; the
 * threads meet only in the crossing and in atomics. */
#ifndef ALMON_MEDIA_CHANNEL_H
#define ALMON_MEDIA_CHANNEL_H

#include "base/list.h"
#include "media/detect.h"
#include "media/lateness.h"
#include "media/media.h"
#include "media/stream.h"
#include "media/tap.h"
#include <stdatomic.h>

#define SLOT_COUNT  10
#define SLOT_US     2000
#define PLAYS_MAX   8  /* queued on a channel */
#define TAPS_MAX    3  /* at work at once */
#define DIGITS_MAX  64 /* waiting for control, of one channel */
#define LINE_FRAMES 5  /* 100 ms of somebody's voice on its way to a channel */

/* What the control side knows of a play until its `played` came. */
struct sent_play {
    struct audio *audio; /* NULL: this place is free */
    struct stream_play *stream;
    uint32_t request;
    bool stop; /* must be stopped; the command is not sent yet */
};

/* … and of a tap until its `tapped` came. */
struct sent_tap {
    struct tap *tap; /* NULL: this place is free */
    uint32_t request;
    enum tap_pause pause;
    bool changed, stop; /* the pause must be told; it must be stopped */
};

/* A play in the media side's queue. */
struct play {
    const struct audio *audio;
    struct stream_play *stream;
    uint32_t loops;
    uint32_t at;   /* next frame */
    uint32_t sent; /* frames, over all loops */
    uint8_t place; /* in the control side's array */
};

/* Somebody's voice on its way to a channel, in its codec: its own (echo), the other's of a pair, or
 * a room's mix. */
struct line {
    unsigned first, count;
    uint8_t frames[]; /* LINE_FRAMES */
};

struct media_channel {
    /* --- control --- */
    struct media *media;
    const struct media_handlers *h;
    void *arg;
    enum codec codec;
    struct sent_play sent[PLAYS_MAX];
    struct line *line; /* made at first use; told to the media side by commands */
    struct join *join; /* NULL: in no pair */
    struct media_channel *join_other;
    struct join *part;          /* must be parted; not yet told */
    struct member *room_member; /* NULL: in no room */
    struct member *leaving;     /* must leave; not yet told */
    struct sent_tap taps[TAPS_MAX];
    bool echo_on, echo_changed; /* wanted; not yet told */
    bool released, release_sent;
    struct watch *watch;   /* NULL: nobody asks who answered */
    bool watch_stop;       /* must be stopped; not yet told */
    struct link_node late; /* in media->late while a command found no place */

    /* --- both --- */
    atomic_uint digits; /* waiting in the crossing */
    struct detector *detector;

    /* --- media --- */
    struct media_port *port;
    uint32_t number;
    bool in_wheel;
    bool heeds;    /* as the port was told last */
    uint8_t plays; /* how many wait in `play` */
    struct play play[PLAYS_MAX];
    struct line *hears; /* NULL: nothing was ever to be heard */
    bool echoing;
    struct member *member; /* NULL: in no room */
    struct watch *watching;
    struct media_room *room;          /* whose voice this channel is; NULL: an ordinary channel */
    struct join *joined;              /* NULL: in no pair */
    struct hearing hearing[TAPS_MAX]; /* by the place in `taps` */
    uint8_t tapping;                  /* how many are at work */
    struct link_node node;            /* in the slot */
};

struct media {
    struct loop *control, *loop;
    struct crossing *crossing;
    uv_thread_t thread;
    bool threaded;

    /* --- control --- */
    struct list late; /* channels with commands that must still be sent */
    struct timer late_timer;
    uint32_t channels;

    /* --- media --- */
    struct wake *stop;
    struct timer tick;
    int64_t next_slot; /* counted from the loop's time 0; the wheel's slot is the rest by ten */
    bool ticking;
    struct list slots[SLOT_COUNT];
    struct list rooms[SLOT_COUNT]; /* each before the channels of its slot */
    struct media_port *touched;
    struct lateness lateness;

    /* --- written by media, read by control --- */
    atomic_uint_fast64_t frames_out, frames_in, slots_run, digits_dropped;
    atomic_uint playing;
};

/* For numbers that one thread writes: cheaper than an atomic addition. */
static inline void media_count(atomic_uint_fast64_t *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* [media] Puts a channel that is attached into the next slot, unless it is in the wheel already. */
void wheel_join(struct media_channel *c);
void wheel_leave(struct media_channel *c);
/* [media] Sends one frame if there is one; false when there is nothing more to send. */
bool channel_tick(struct media_channel *c);

/* [control] Sends what is wanted of the channel; when the crossing is full, tries again soon. */
void channel_push(struct media_channel *c);
/* [control] Sends the commands that found no place; `arg` is the media. */
void channel_push_late(void *arg);

/* player.c, all [media] */
void player_add(struct media_channel *c, const struct play *p);
/* Stops the plays whose place is in the mask. */
void player_stop(struct media_channel *c, unsigned places);
/* The next frame, NULL while one must be waited for. False when nothing is queued. The frame may
 * stand in `room` (FRAME_BYTES_MAX) and is good until the next command. */
bool player_take(struct media_channel *c, uint8_t *room, const uint8_t **frame);

/* line.c, all [media] */
/* A frame for the channel to send. When its sender's clock is faster than ours there is one jump
 * now and then, not a delay for ever. */
void line_put(struct media_channel *c, const void *bytes);
void line_put_samples(struct media_channel *c, const int16_t *samples);
/* The next frame, good until the next put; NULL when there is none. */
const uint8_t *line_take(struct media_channel *c);
void line_clear(struct media_channel *c);

/* join.c */
/* [media] One frame that `from` spoke; `samples` may be NULL when both have one codec. */
void join_put(struct join *j, struct media_channel *from, const void *bytes,
              const int16_t *samples);
bool join_wants_samples(const struct join *j);
/* [media] Both are on their own again. The memory goes back by join_command_part(). */
void join_end(struct join *j);
/* [control] False when the crossing is full. */
bool join_command_part(struct media *m, struct join *j);

/* mixer.c, all [media] */
/* One frame that a member spoke. */
void member_put(struct member *m, const int16_t *samples);
/* He is in the room no longer; no matter when he is already gone. */
void member_end(struct member *m);
/* The room has no members any more and ticks no more. */
void room_end(struct media_room *r);
/* False when it has nothing more to do. */
bool room_tick(struct media_room *r);
/* media.c, all [media]: the room ticks from the next slot on, or no more. */
void room_wake(struct media_room *r);
void room_sleep(struct media_room *r);
/* room.c, [control]: tells of leaving and of the mode; false when the crossing is full. */
bool member_command(struct media_channel *c);
/* [control] 0, or why it can be joined to nothing now. */
int channel_can_join(const struct media_channel *c);

/* watch.c */
/* [media] One frame that was received (NULL: silence), while `watching`. */
void watch_frame(struct media_channel *c, const int16_t *samples);
/* [media] Told without a verdict, if it is at work. */
void watch_end(struct media_channel *c);
/* [control] False when the crossing is full. */
bool watch_command_stop(struct media_channel *c);

/* [control] Room for what a channel hears; false when out of memory. */
bool channel_make_line(struct media_channel *c);

/* hear.c, all [media] */
/* Tells the port when silence begins to matter, or does no longer: whenever `tapping` or `watching`
 * has changed. */
void hear_changed(struct media_channel *c);
void hear_tap_end(struct media_channel *c, unsigned place, enum tap_end why);
/* At the channel's tick, with the frame that is sent (NULL: none); false when no tap counts ticks.
 */
/* Some tap counts ticks. */
bool hear_taps_tick(const struct media_channel *c);
bool hear_tap_tick(struct media_channel *c, const void *sent);

/* The control side's handlers of what the media side says. */
crossing_h channel_on_started, channel_on_played, channel_on_tapped, channel_on_digit,
    channel_on_released;

#endif
