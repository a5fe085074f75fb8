/* Decodes an audio file (wav, mp3, ogg, opus, flac, aiff, au, raw G.711 or GSM) into frames of a
 * channel's codec, a little at a time: mixed down to mono, resampled, encoded. Blocking and as slow
 * as decoding is: for workers. What a file says of itself is not believed: only what could be read
 * counts. */
#ifndef ALMON_MEDIA_READER_H
#define ALMON_MEDIA_READER_H

#include "base/error.h"
#include "media/audio.h"
#include <sys/types.h>

#define READER_HOURS_MAX    4 /* what is longer is cut there */
#define READER_CHANNELS_MAX 8

/* Where the bytes are: an open file, which is read by place and may serve several readers, or
 * memory. Stays the caller's and must outlive the reader. */
struct reader_source {
    int fd; /* -1: bytes */
    const void *bytes;
    size_t size;
    /* What headerless bytes are: a MIME type (audio/ulaw …) or a file's name (x.ulaw …), either
     * may be NULL. Files with a header are known by it. */
    const char *mime, *name;
};

struct reader;

/* Twilio's code 13420 is set for what cannot be decoded. */
int reader_open(struct reader **rp, const struct reader_source *source, enum codec c,
                struct error *err);
struct reader *reader_close(struct reader *r);
/* Up to `max` frames into `frames`; fewer only at the end, the last padded with silence. 0 at the
 * end. */
size_t reader_read(struct reader *r, uint8_t *frames, size_t max);
/* From the start again. */
int reader_rewind(struct reader *r);

#endif
