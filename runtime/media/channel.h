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
#define DIGITS_MAX  64 /* waiting for control, of one channel */
#define ECHO_FRAMES 5

/* What the control side knows of a play until its `played` came. */
struct sent_play {
    struct audio *audio; /* NULL: this place is free */
    struct stream_play *stream;
    uint32_t request;
    bool stop; /* must be stopped; the command is not sent yet */
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

/* Frames on their way back to who spoke them. */
struct echo {
    unsigned first, count;
    uint8_t frames[]; /* ECHO_FRAMES */
};

struct media_channel {
    /* --- control --- */
    struct media *media;
    const struct media_handlers *h;
    void *arg;
    enum codec codec;
    struct sent_play sent[PLAYS_MAX];
    struct echo *echo; /* made at first use; told to the media side by a command */
    uint32_t tap_request;
    bool tapped, tap_stop;      /* a tap is at work; must be stopped */
    bool echo_on, echo_changed; /* wanted; not yet told */
    bool released, release_sent;
    struct link_node late; /* in media->late while a command found no place */

    /* --- both --- */
    atomic_uint digits; /* waiting in the crossing */
    struct detector *detector;

    /* --- media --- */
    struct media_port *port;
    uint32_t number;
    bool in_wheel;
    uint8_t plays; /* how many wait in `play` */
    struct play play[PLAYS_MAX];
    struct echo *echoing; /* NULL: off */
    struct hearing hearing;
    struct link_node node; /* in the slot */
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
/* [media] Gives a frame to the channel's port. */
void channel_frame(struct media_channel *c, const void *bytes);

/* [control] Sends the commands that found no place; `arg` is the media. */
void channel_push_late(void *arg);

/* player.c, all [media] */
void player_add(struct media_channel *c, const struct play *p);
/* Stops the plays whose place is in the mask. */
void player_stop(struct media_channel *c, unsigned places);
/* Sends the next frame; false when nothing is queued. */
bool player_tick(struct media_channel *c);

/* hear.c, all [media] */
void hear_echo(struct media_channel *c, struct echo *echo);
bool hear_echo_tick(struct media_channel *c);
void hear_tap_end(struct media_channel *c, enum tap_end why);

/* The control side's handlers of what the media side says. */
crossing_h channel_on_started, channel_on_played, channel_on_tapped, channel_on_digit,
    channel_on_released;

#endif
