/* Audio: codecs, frames, and pieces of audio ready to be played. A frame is always 20 ms. */
#ifndef ALMON_MEDIA_AUDIO_H
#define ALMON_MEDIA_AUDIO_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MS        20
#define FRAME_BYTES_MAX 960 /* linear 16-bit at 24 kHz */

/* The codecs of a channel. Linear is signed 16-bit little-endian, mono. */
enum codec { CODEC_PCMU, CODEC_PCMA, CODEC_L16_8, CODEC_L16_16, CODEC_L16_24, CODEC_COUNT };

/* "PCMU", "PCMA", "L16/8000", "L16/16000", "L16/24000". */
const char *codec_name(enum codec c);
/* -1 when unknown. Case matters not. */
int codec_find(const char *name);
int codec_rate(enum codec c);             /* samples a second */
size_t codec_frame_samples(enum codec c); /* samples a frame */
size_t codec_frame_bytes(enum codec c);   /* bytes a frame */

/* Samples ↔ bytes of the codec; `n` samples. */
void codec_decode(enum codec c, const void *bytes, size_t n, int16_t *samples);
void codec_encode(enum codec c, const int16_t *samples, size_t n, void *bytes);
/* The bytes of one frame of silence. */
void codec_silence(enum codec c, void *bytes);

/* A sum of samples, held within what a sample can be. */
static inline int16_t sample_clip(int32_t v)
{
    return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* A piece of audio in one codec, a whole number of frames (the last padded with silence).
 * Reference counted on the control thread only: the media loop borrows it while it plays and says
 * when it is done. */
struct audio {
    unsigned refs;
    enum codec codec;
    size_t frames;
    size_t bytes;
    struct audio_stream
        *stream; /* non-NULL: longer than AUDIO_WHOLE_MS, see stream.h; data empty */
    uint8_t data[];
};
#define AUDIO_WHOLE_MS 60000

struct audio *audio_ref(struct audio *a);
struct audio *audio_unref(struct audio *a);
/* Room for `frames` frames, zero. NULL when out of memory. */
struct audio *audio_new(enum codec c, size_t frames);
/* From samples at any rate (resampled by speexdsp). May block for a while: for workers.
 * 0, ERR_NOMEM, ERR_INVALID. */
int audio_from_samples(struct audio **ap, enum codec c, const int16_t *samples, size_t n, int rate,
                       struct error *err);
/* DTMF as tones: "0-9A-D*#", 'w' 0.5 s and 'W' 1 s of pause; 100 ms tone, 100 ms gap. */
int audio_from_digits(struct audio **ap, enum codec c, const char *digits, struct error *err);
/* A sine, for beeps and tests. `level` is the peak, 0 to 1. */
int audio_from_tone(struct audio **ap, enum codec c, double hz, int ms, double level,
                    struct error *err);

#endif
