/* Audio that is too long to be held whole: each play of it reads the file anew, on workers, into a
 * bounded ring from which the media loop takes its frames. */
#ifndef ALMON_MEDIA_STREAM_H
#define ALMON_MEDIA_STREAM_H

#include "base/error.h"
#include "base/loop.h"
#include "media/audio.h"

struct audio_stream; /* where the audio comes from: an open file */
struct stream_play;  /* one play of it */

/* Takes `fd` over, also when it fails. `mime` and `name` as in struct reader_source. */
int stream_new(struct audio_stream **sp, int fd, const char *mime, const char *name, enum codec c,
               struct error *err);
/* [control] Plays that are still open keep what they need. NULL is fine. */
void stream_free(struct audio_stream *s);

/* [control] Begins to fill the ring. ERR_NOMEM, ERR_IO. */
int stream_open(struct stream_play **pp, struct audio_stream *s, struct loop *control,
                unsigned loops);
/* [control] The media loop must have let go of it. NULL is fine. */
void stream_close(struct stream_play *p);

enum stream_state { STREAM_FRAME, STREAM_WAIT, STREAM_END, STREAM_FAILED };
/* [media] The next frame, if there is one already. */
enum stream_state stream_take(struct stream_play *p, uint8_t *frame);
/* [media] True when no frame will come any more and all went well. */
bool stream_is_over(const struct stream_play *p);

#endif
