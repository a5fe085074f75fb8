/* What is heard in place of lost packets: the last pitch cycle of what came before, over and over,
 * fading to nothing in CONCEAL_MS. For speech at 8 or 16 kHz. Pure. (spandsp has such a thing too,
 * but for 8 kHz alone, and it copies between ranges that overlap.) */
#ifndef ALMON_SIP_RTP_CONCEAL_H
#define ALMON_SIP_RTP_CONCEAL_H

#include <stddef.h>
#include <stdint.h>

#define CONCEAL_MS      60
#define CONCEAL_PAST_MS 40        /* that it wants to see */
#define CONCEAL_CYCLE   (16 * 15) /* samples: 15 ms at 16 kHz, a voice of 66 Hz */

struct conceal {
    int rate;
    int cycle_len, at; /* samples; the next one */
    int made;          /* samples so far */
    int16_t cycle[CONCEAL_CYCLE];
};

/* `past` is what was heard last, CONCEAL_PAST_MS of it. */
void conceal_start(struct conceal *c, const int16_t *past, size_t n, int rate);
void conceal_make(struct conceal *c, int16_t *out, size_t n);
/* What is real again begins as what was made up would have gone on. */
void conceal_end(struct conceal *c, int16_t *samples, size_t n);

#endif
