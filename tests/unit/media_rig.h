/* For tests of the media room: a control loop and a media loop in virtual time, one channel on a
 * port that remembers what it was given and when, and handlers that count. */
#ifndef ALMON_TESTS_MEDIA_RIG_H
#define ALMON_TESTS_MEDIA_RIG_H

#include "media/media.h"

#define RIG_FRAMES 4096
#define RIG_EVENTS 64

struct rig_port {
    struct media_port port;
    struct rig *rig;
    unsigned frames, flushes;
    int64_t at[RIG_FRAMES];     /* when each left, microseconds */
    uint8_t first[RIG_FRAMES];  /* its first byte */
    struct media_channel *back; /* hears what it is sent; NULL: nobody */
};

struct rig {
    struct vtime *vtime;
    struct loop *control;
    struct media *media;
    struct media_channel *channel;
    struct rig_port port;

    char digits[RIG_EVENTS];
    unsigned started, played, tapped, released;
    uint32_t order[RIG_EVENTS]; /* requests of `played` */
    enum play_end how[RIG_EVENTS];
    uint32_t sent[RIG_EVENTS];
    int64_t played_at[RIG_EVENTS], started_at;
    struct tap_result tap;
};

/* All zero before; 0 or an error. */
int rig_open(struct rig *r, enum codec c, bool detect, size_t places, struct error *err);
/* Also when rig_open() failed. */
void rig_close(struct rig *r);
/* Lets `ms` pass. */
void rig_run(struct rig *r, int ms);
/* The channel hears each frame of the audio, 20 ms apart. */
void rig_hear(struct rig *r, const struct audio *a);
/* … or silence records. */
void rig_hear_silence(struct rig *r, int frames);
/* Frames whose first byte is 1, 2, 3 … above `base`. */
struct audio *rig_audio(enum codec c, size_t frames, uint8_t base);
/* How strong a tone is in the samples: its peak, 0 to 1. */
double rig_tone(const int16_t *samples, size_t n, int rate, double hz);
/* All samples of a whole piece; mem_free. */
int16_t *rig_samples(const struct audio *a, size_t *n);

#endif
