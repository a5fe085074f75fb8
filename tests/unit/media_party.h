/* For tests of pairs and rooms: guests on channels of a media loop in virtual time. Each may speak
 * a tone of his own; what each is sent is kept, and can be searched for tones. */
#ifndef ALMON_TESTS_MEDIA_PARTY_H
#define ALMON_TESTS_MEDIA_PARTY_H

#include "media/media.h"

#define PARTY_GUESTS 12
#define PARTY_FRAMES 128 /* kept of what a guest hears */

struct guest {
    struct media_channel *channel;
    struct media_port port;
    enum codec codec;
    double hz, level;      /* what he speaks; 0: nothing is received of him */
    bool quiet;            /* silence records are received of him instead */
    uint64_t spoken;       /* samples */
    unsigned frames, seen; /* sent to him since party_listen(), and up to the last beat */
    unsigned gaps;         /* beats without a frame */
    int16_t heard[PARTY_FRAMES * FRAME_BYTES_MAX / 2];
    char digits[8];
    unsigned played, tapped, released;
    struct tap_result tap;
};

struct party {
    struct vtime *vtime;
    struct loop *control;
    struct media *media;
    unsigned count;
    struct guest guests[PARTY_GUESTS];
};

/* Guests of these codecs; 0 or an error. `p` is made anew. */
int party_open(struct party *p, const enum codec *codecs, unsigned count, size_t places,
               struct error *err);
/* Also when party_open() failed. */
void party_close(struct party *p);
/* One more guest, heard and sent to at once. */
int party_add(struct party *p, enum codec c, struct error *err);
void party_release(struct party *p, unsigned guest);
/* Lets `frames` times 20 ms pass, with each guest speaking. */
void party_run(struct party *p, int frames);
/* Forgets what was heard until now. */
void party_listen(struct party *p);
/* How strong a tone is in what a guest heard since party_listen(): its peak, 0 to 1. */
double party_tone(const struct party *p, unsigned guest, double hz);
/* The tone of each guest is heard by `guest` (character '1'), or is not ('0'), or either ('.'). */
bool party_hears(const struct party *p, unsigned guest, const char *whom);

#endif
