/* A recording on its way to the disk: a tap, emptied every 250 ms on the disk thread into
 * PATH.part.wav (16-bit samples at the channel's rate), whose header is rewritten each second, so
 * that a crash loses at most a second. At the end it is trimmed if asked, and renamed to PATH.wav;
 * it is on the disk itself before `done` is called.
 *
 *   recorder_new(&r, disk, loop, codec, path, &err);
 *   media_tap(channel, recorder_tap(r), silence_ms, max_ms, request);
 *   … the tap's answer comes …
 *   recorder_end(r, &result, trim, done, arg);      … and `done` is called
 */
#ifndef ALMON_MEDIA_RECORDER_H
#define ALMON_MEDIA_RECORDER_H

#include "base/disk.h"
#include "media/media.h"

/* Trimming leaves this much of the silence, so that no word loses its soft beginning. */
#define RECORDER_MARGIN_MS 100

struct recorder;

struct recorder_result {
    /* NULL: PATH.wav is there. Else the disk refused (full, broken): what could be written stays in
     * PATH.part.wav and is finished at the next start. */
    const struct error *failed;
    uint32_t ms;
    /* Whole seconds, rounded to the nearest; 1 at least when there is any audio. */
    uint32_t seconds;
    uint64_t bytes; /* of the file; 0: not a single frame came, and there is none */
    bool heard;     /* any sound above silence */
};
typedef void recorder_done_h(void *arg, const struct recorder_result *result);

/* `path` is without suffix; its folder is made when missing. The file is made with the first
 * audio. */
int recorder_new(struct recorder **rp, struct disk *disk, struct loop *loop, enum codec codec,
                 const char *path, struct error *err);
/* … of what is sent too, in one channel or in two. */
int recorder_new_tracks(struct recorder **rp, struct disk *disk, struct loop *loop,
                        enum codec codec, enum tap_tracks tracks, const char *path,
                        struct error *err);
/* To be given to the channel; stays the recorder's. */
struct tap *recorder_tap(struct recorder *r);
/* The tap has ended. `trim` cuts the silence at both ends (of a recording in which nothing was
 * heard nothing is cut). `done` is called once from the loop; then the recorder is gone. */
void recorder_end(struct recorder *r, const struct tap_result *result, bool trim,
                  recorder_done_h *done, void *arg);
/* Instead of recorder_end(): the recording never was. The tap must have ended or never begun. */
void recorder_discard(struct recorder *r);

/* Finishes the .part.wav files that a crash left in a folder and the folders in it: repairs the
 * header, renames, says so in the log. Blocking: at start. Returns how many it finished. */
int recorder_repair(const char *folder);

#endif
