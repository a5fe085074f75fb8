/* Private to media/: what a room and its members consist of. room.c is control's side, mixer.c the
 * media loop's. */
#ifndef ALMON_MEDIA_ROOM_H
#define ALMON_MEDIA_ROOM_H

#include "media/channel.h"
#include "media/convert.h"
#include "media/ear.h"
#include "media/mixer.h"

#define ROOM_SAMPLES   EAR_SAMPLES
#define ROOM_RATES     4 /* indexed by the rate in 8 kHz */
#define SPEAKING_START 5
#define SPEAKING_STOP  50 /* frames */

struct member {
    /* --- control --- */
    struct media_channel *channel;
    struct media_room *room;
    enum room_mode mode;
    struct member *coached;
    struct ear *ear; /* at the room's rate; made when he is first to be heard */
    bool mode_changed, left;
    struct link_node node; /* in room->members */

    /* --- media --- */
    struct media_channel *m_channel;
    struct media_room *m_room; /* NULL: out of it */
    enum room_mode m_mode;
    struct member *m_coached;
    struct ear *m_ear;
    struct convert in, out;
    bool fade_in;        /* his next frame is the first */
    bool mixed;          /* the last frame that he was sent was made for him alone */
    bool speaking;       /* control was told so */
    uint8_t loud, quiet; /* frames in a row */
    const int16_t *now;  /* his frame in this tick */
    struct link_node m_node, talk, coach, speaker; /* in the room's lists */
};

struct media_room {
    /* --- control --- */
    struct media *media;
    struct media_channel *voice;
    unsigned count, limit;
    void (*speaking)(void *arg, struct media_channel *c, bool on);
    void *arg;
    struct list members;

    /* --- media --- */
    struct list m_members; /* all */
    struct list talking;   /* who has frames to be mixed */
    struct list coaches;
    struct list speakers;  /* of whom control was told that they speak */
    struct link_node node; /* in the wheel */
    bool in_wheel;
    uint8_t idle; /* ticks without a sound */
    bool has_tail;
    int32_t tail[ROOM_SAMPLES]; /* the last frames of those who just left, fading */
    unsigned sources;           /* voices in this tick's sum */
    int32_t sum[ROOM_SAMPLES];
    int16_t clipped[ROOM_SAMPLES];
    struct convert out[ROOM_RATES], before[ROOM_RATES]; /* now, and as this tick found it */
    int16_t converted[ROOM_RATES][ROOM_SAMPLES];
    bool is_converted[ROOM_RATES], is_encoded[CODEC_COUNT];
    uint8_t encoded[CODEC_COUNT][FRAME_BYTES_MAX];
};

/* mixer.c, all [media] */
void member_enter(struct member *m, struct media_room *r, struct media_channel *c);
void member_set(struct member *m, enum room_mode mode, struct member *coached, struct ear *ear);
crossing_h member_on_speaking;

#endif
