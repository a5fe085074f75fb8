/* A buffer of packets on their way from the network to the ear: brings them into order, and decides
 * when each is due. Pure: the time comes with each call; nothing is allocated.
 *
 * Positions are RTP timestamps, extended to 64 bits. The delay it aims at follows the spread of
 * the packets' transit times (fast up, slowly down), between JITTER_MIN_MS and the maximum.
 *
 * While audio flows it is playing: each item follows the one before. When there is nothing more to
 * play (silence suppressed, a pause, a break in the stream) it waits, and the next packet starts
 * it anew with the delay that is right then: clocks that drift and paths that change are caught up
 * with there, and between (jitter_excess()). */
#ifndef ALMON_SIP_JITTER_H
#define ALMON_SIP_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JITTER_SLOTS       64 /* packets, by sequence number */
#define JITTER_BLOCKS      48 /* of payload: 480 ms of G.711 */
#define JITTER_BLOCK       80
#define JITTER_PAYLOAD_MAX 1280
#define JITTER_MIN_MS      5
#define JITTER_MAX_MS      200

enum jitter_kind {
    JITTER_AUDIO,
    JITTER_COMFORT, /* comfort noise: from here on silence */
    JITTER_OTHER,   /* takes a sequence number, is no audio: a digit */
};

struct jitter_slot {
    int64_t timestamp;
    uint32_t units; /* how much audio */
    uint16_t len;
    uint8_t kind, block; /* the first of its blocks */
};

struct jitter {
    unsigned clock;
    int64_t max; /* all spans in units of the clock */
    bool playing;
    bool mute;          /* the last one taken was a digit: no audio goes beside it */
    bool met;           /* a packet came since the last reset */
    int64_t last;       /* sequence number, extended, of the last taken packet */
    int64_t newest;     /* the highest that came */
    int64_t newest_end; /* where its audio ends */
    int64_t position;   /* what is played next */
    int64_t held;       /* made up while nothing was there, not yet known to be lost */
    int64_t stamp;      /* the last timestamp seen, extended */
    int64_t transit, least[2], window_end;
    int64_t spread; /* of transit times, the estimate, times 256 */
    uint16_t odd;   /* the sequence number after one that was far off */
    bool is_odd;
    uint16_t late_next; /* after the last late one, and how many were late in a row */
    unsigned late_run;
    uint64_t filled; /* slots in use, by bit */
    struct jitter_slot slots[JITTER_SLOTS];
    uint8_t next_block[JITTER_BLOCKS], free_block, blocks_free;
    uint8_t blocks[JITTER_BLOCKS][JITTER_BLOCK];
};

void jitter_reset(struct jitter *j, unsigned clock, int max_ms);
/* Another stream comes on the same path: what waits is dropped, the delay stays. */
void jitter_restart(struct jitter *j);

enum jitter_put { JITTER_TAKEN, JITTER_LATE, JITTER_TWICE, JITTER_DROPPED };
/* `units` is how much audio the payload holds (0 for what is none). A break in the numbers or the
 * timestamps begins a new stream: then what waited is dropped. */
enum jitter_put jitter_put(struct jitter *j, enum jitter_kind kind, uint16_t seq,
                           uint32_t timestamp, uint32_t units, const void *payload, size_t len,
                           int64_t now_us);

struct jitter_item {
    enum jitter_kind kind; /* audio or comfort noise */
    uint32_t units;
    size_t len;
};
enum jitter_get {
    JITTER_ITEM,  /* *item and its payload */
    JITTER_LOST,  /* make something up for item->units: the packet is lost */
    JITTER_EMPTY, /* make something up for item->units: it may still come */
    JITTER_QUIET, /* silence: nothing plays */
};
/* What is next, `units` of it wanted. The payload is copied to `out` (JITTER_PAYLOAD_MAX bytes). */
enum jitter_get jitter_get(struct jitter *j, uint32_t units, struct jitter_item *item, uint8_t *out,
                           int64_t now_us);
/* The stream paused: what comes next starts anew. */
void jitter_pause(struct jitter *j);

/* How much more (or, negative, less) delay there is than wanted, `ahead` units having been taken
 * and not been heard yet. 0 while nothing plays. */
int64_t jitter_excess(const struct jitter *j, uint32_t ahead, int64_t now_us);
/* The delay it aims at, in milliseconds. */
double jitter_delay_ms(const struct jitter *j);

#endif
