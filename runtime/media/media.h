/* The media loop: every channel's audio. Control calls the functions marked [control]; they only
 * put a command into the crossing and return at once. The bridge's links live on the media thread
 * and use the functions marked [media].
 *
 * The tick is a wheel of ten slots of 2 ms with the channels spread over them; a channel that has
 * nothing to play costs nothing. The tick and the input of a frame allocate nothing and take no
 * lock; the media loop frees nothing. */
#ifndef ALMON_MEDIA_MEDIA_H
#define ALMON_MEDIA_MEDIA_H

#include "base/crossing.h"
#include "base/error.h"
#include "base/loop.h"
#include "media/audio.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct media;
struct media_channel;
struct tap;

/* --- the loop --- */

/* [control] With `vtime` NULL: makes a real loop on a thread of its own. Else a second virtual
 * loop in this thread. `places` bounds the crossing (0: 65536 real, 4096 virtual). */
int media_new(struct media **mp, struct loop *control, struct vtime *vtime, size_t places,
              struct error *err);
/* [control] After all channels are released. Stops and joins the thread. */
struct media *media_free(struct media *m);
struct crossing *media_crossing(struct media *m);
/* The media loop itself, for links ([media] thread only). */
struct loop *media_loop(struct media *m);

struct media_stats {
    uint64_t frames_out, frames_in; /* since the start */
    uint64_t slots;                 /* ticks */
    uint64_t digits_dropped;        /* found 64 of their channel waiting, or a full crossing */
    uint32_t late_p50_us, late_p99_us, late_max_us; /* how late slots began, last ten seconds */
    uint32_t channels;                              /* rooms have one each */
    uint32_t playing;                               /* channels and rooms in the wheel */
};
/* [control] A recent copy; never blocks. */
void media_stats(struct media *m, struct media_stats *out);
/* Whether frames leave more than `ms` late. Never while nothing plays: then no slot runs, and the
 * figures are those of another time. */
bool media_is_late(const struct media_stats *stats, int ms);

/* --- what a link is to the tick --- */

/* [media] The tick appends frames to a port, and flushes each port it touched once at the end of
 * the slot. Implemented by the bridge's links and by tests. */
struct media_port {
    /* One frame of `len` bytes for the channel number `number` of this link. */
    void (*frame)(struct media_port *p, uint32_t number, const void *audio, size_t len);
    void (*flush)(struct media_port *p);
    /* NULL where records come anyway. Whether silence received for this channel matters to anybody
     * from now on; it does until this says otherwise. */
    void (*heeds)(struct media_port *p, uint32_t number, bool on);
    struct media_port *next_touched; /* the tick's own */
    bool touched;
};

/* --- channels --- */

enum play_end { PLAY_ENDED, PLAY_STOPPED, PLAY_FAILED };
enum tap_end { TAP_STOPPED, TAP_SILENCE, TAP_MAX, TAP_GONE };

struct tap_result {
    enum tap_end why;
    uint32_t frames;       /* written into the tap */
    uint32_t lead_silence; /* silent frames at the start */
    uint32_t tail_silence; /* silent frames at the end */
    uint32_t lost;         /* frames that found the tap full */
    bool heard;            /* any sound above the threshold */
};

/* All called on the control loop. None may be NULL. */
struct media_handlers {
    void (*digit)(void *arg, char digit, unsigned duration_ms); /* tones heard in the audio */
    void (*started)(void *arg, uint32_t request);               /* the first frame of a play left */
    void (*played)(void *arg, uint32_t request, enum play_end how, uint32_t frames);
    void (*tapped)(void *arg, uint32_t request, const struct tap_result *result);
    void (*released)(void *arg); /* the last call: the channel is gone */
};

/* [control] `detect` asks for tone detection (not for channels with dtmf events). The channel does
 * nothing until the bridge attached it to a port. */
int media_channel_new(struct media_channel **cp, struct media *m, enum codec codec, bool detect,
                      const struct media_handlers *h, void *arg, struct error *err);
/* [control] Ends everything on the channel (each play and tap still gives its answer, then
 * `released` comes); the pointer must not be used for new commands afterwards, and whoever feeds it
 * frames on the media thread must have been told to stop by a command sent before. Never fails. */
void media_channel_release(struct media_channel *c);

/* [control] Plays after what is queued already (at most 8 at once, else ERR_LIMIT). `loops` 1 to
 * 1000. Borrows a reference: `audio` may be unref'd by the caller at once. Gives `started` at most
 * once and `played` exactly once for `request`. The audio must be in the channel's codec. */
int media_play(struct media_channel *c, struct audio *audio, unsigned loops, uint32_t request);
/* [control] Stops one play (at once when it sounds); 0 stops all. */
void media_play_stop(struct media_channel *c, uint32_t request);
/* [control] Sends back what is heard. */
void media_echo(struct media_channel *c, bool on);
/* [control] Copies what the tap wants (see tap_new_tracks) into `tap` until stopped, `silence_ms`
 * of silence were received in a row (0: never) or `max_ms` were received. Up to 3 at once,
 * each with a tap and a request of its own (else ERR_WRONG_STATE). Gives `tapped` exactly once; the
 * tap must live until then. */
int media_tap(struct media_channel *c, struct tap *tap, int silence_ms, int max_ms,
              uint32_t request);
void media_tap_stop(struct media_channel *c, uint32_t request);
/* [control] While paused a tap takes nothing and its `max_ms` stands still, or it takes silence; in
 * neither case does silence end it. */
enum tap_pause { TAP_RUNS, TAP_SKIPS, TAP_SILENT };
void media_tap_pause(struct media_channel *c, uint32_t request, enum tap_pause how);

/* [control] A pair: what one says the other hears, whatever their codecs, until either is parted or
 * released. What is played to one of them meanwhile is heard by him alone, over the other's voice
 * (both at full strength). While joined a channel has no echo. ERR_INVALID, ERR_NOMEM, ERR_LIMIT,
 * ERR_WRONG_STATE when one of them is in a pair already. */
int media_join(struct media_channel *a, struct media_channel *b);
/* [control] At once: what was on its way is not heard any more. Nothing when it is in no pair. */
void media_part(struct media_channel *c);

/* [media] The bridge joins a channel to its link and number; NULL port parts them. */
void media_channel_attach(struct media_channel *c, struct media_port *port, uint32_t number);
/* [media] One frame heard: codec_frame_bytes() bytes, or 0 for 20 ms of silence. Other lengths are
 * refused (false). */
bool media_channel_input(struct media_channel *c, const void *audio, size_t len);

/* --- taps: a bounded ring of frames between the media loop and the disk thread --- */

/* What a tap hears of a channel. All but the first take a frame every 20 ms of the channel's own
 * clock, be there sound or not; a room's voice can be tapped by the first alone. */
enum tap_tracks {
    TAP_HEARD, /* what is received; no record, no frame */
    TAP_SENT,  /* what is sent: plays, and the other of a pair or a room */
    TAP_BOTH,  /* both in one */
    TAP_DUAL   /* both beside each other: two channels, first what is received */
};

/* `frames` the ring holds. */
int tap_new_tracks(struct tap **tp, enum codec codec, enum tap_tracks tracks, size_t frames,
                   struct error *err);
/* TAP_HEARD. */
int tap_new(struct tap **tp, enum codec codec, size_t frames, struct error *err);
/* 2 for TAP_DUAL, else 1. */
unsigned tap_channels(const struct tap *t);
struct tap *tap_free(struct tap *t);
/* Disk thread: takes up to `max` frames as samples; returns how many frames. `samples` has room for
 * max × codec_frame_samples() × tap_channels(); two channels stand by turns, sample for sample. */
size_t tap_take(struct tap *t, int16_t *samples, size_t max);

#endif
