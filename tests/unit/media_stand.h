/* For tests of the media room: a control loop and a media loop in virtual time, one channel on a
 * port that remembers what it was given and when, and handlers that count. */
#ifndef ALMON_TESTS_MEDIA_STAND_H
#define ALMON_TESTS_MEDIA_STAND_H

#include "media/media.h"

#define STAND_FRAMES 4096
#define STAND_EVENTS 64

struct stand_port {
    struct media_port port;
    struct stand *stand;
    unsigned frames, flushes;
    int64_t at[STAND_FRAMES];    /* when each left, microseconds */
    uint8_t first[STAND_FRAMES]; /* its first byte */
    struct media_channel *back;  /* hears what it is sent; NULL: nobody */
};

struct stand {
    struct vtime *vtime;
    struct loop *control;
    struct media *media;
    struct media_channel *channel;
    struct stand_port port;

    char digits[STAND_EVENTS];
    unsigned started, played, tapped, released;
    uint32_t order[STAND_EVENTS]; /* requests of `played` */
    enum play_end how[STAND_EVENTS];
    uint32_t sent[STAND_EVENTS];
    int64_t played_at[STAND_EVENTS], started_at;
    struct tap_result tap;
};

/* All zero before; 0 or an error. */
int stand_open(struct stand *r, enum codec c, bool detect, size_t places, struct error *err);
/* Also when stand_open() failed. */
void stand_close(struct stand *r);
/* Lets `ms` pass. */
void stand_run(struct stand *r, int ms);
/* The channel hears each frame of the audio, 20 ms apart. */
void stand_hear(struct stand *r, const struct audio *a);
/* … or silence records. */
void stand_hear_silence(struct stand *r, int frames);
/* Frames whose first byte is 1, 2, 3 … above `base`. */
struct audio *stand_audio(enum codec c, size_t frames, uint8_t base);
/* How strong a tone is in the samples: its peak, 0 to 1. */
double stand_tone(const int16_t *samples, size_t n, int rate, double hz);
/* All samples of a whole piece; mem_free. */
int16_t *stand_samples(const struct audio *a, size_t *n);

#endif
