/* Private to runtime/session. A recording of a call or of a room: SID, state, callbacks and file.
 * The sound goes from the media loop through a tap to the disk (media/recorder.h); here is what the
 * application sees. The file is STATE/recordings/AC…/RE….wav, its facts beside it in RE….json.
 *
 * record.c makes those of calls; a room fills a place of its own:
 *
 *   recording_start(&rec, &place, &options, base, NULL, &err);
 *   … place.tap gave a request number away; its answer comes: recording_tapped(rec, result);
 *   … the file is on disk: place.over(arg, rec), after which it is gone. */
#ifndef ALMON_SESSION_RECORDING_H
#define ALMON_SESSION_RECORDING_H

#include "session/private.h"

/* Where it is recorded. Copied; what it points to lives until `over`. */
struct recording_place {
    struct runtime *rt;
    const struct config *config;
    const struct config_account *account;
    const char *sid; /* a CallSid, or a room's ConferenceSid */
    bool is_room;
    enum codec codec;
    void *arg;
    /* The tap: as channel_tap(), channel_tap_stop() (nothing when the sound is over already),
     * channel_tap_pause(). */
    int (*tap)(void *arg, struct tap *tap, int silence_ms, int max_ms, uint32_t request);
    void (*tap_stop)(void *arg, uint32_t request);
    void (*tap_pause)(void *arg, uint32_t request, enum tap_pause how);
    /* What callbacks carry besides the recording's own: a new one, NULL when memory is out. */
    struct webhook_params *(*params)(void *arg);
    /* Sends a callback, taking `params` (may be NULL: memory is out). */
    void (*send)(void *arg, const char *url, bool get, struct webhook_params *params);
    /* A line for the journal; a problem for journal and log. */
    void (*note)(void *arg, const struct session_recording *rec, const char *state);
    void (*problem)(void *arg, int code, const char *where, const char *text);
    /* The last: on disk, or failed. `rec` is freed afterwards. */
    void (*over)(void *arg, struct session_recording *rec);
};

enum recording_state {
    RECORDING_RUNS,
    RECORDING_PAUSED,
    RECORDING_STOPPED, /* the tap was told */
    RECORDING_ENDING,  /* it has ended; the file is being finished */
    RECORDING_OVER
};

struct session_recording {
    struct recording told; /* what verbs get */
    struct recording_place place;
    struct link_node node; /* the place's own use */
    enum recording_state state;
    struct record_options options; /* its strings copied */
    uint32_t tap;                  /* the tap's number */
    uint32_t request;              /* the verb's, 0: none; the place's own use */
    char *name;                    /* by which <Stop> knows it, NULL none */
    char *url, *path, *base;       /* path: without suffix; base: what callbacks are relative to */
    char *callback;
    unsigned channels;
    struct recorder *recorder;
    int64_t began_wall;
    struct timer limit; /* the channel sends nothing: then no frame ends it */
    int64_t limit_left; /* µs, while paused */
    bool good;          /* the file is there (from `over` on), */
    uint64_t bytes;     /* that long */
    struct tap_result result;
    struct session *tellers[2]; /* whose last status callback waits for it (record.c) */
};

/* `tap` is the number to tap with, `base` the URL that a relative callback is resolved against. In
 * `*recp` from before the first callback on. 0 or an error. */
int recording_start(struct session_recording **recp, const struct recording_place *place,
                    const struct record_options *o, uint32_t tap, const char *base,
                    const char *name, struct error *err);
/* The tap has ended. */
void recording_tapped(struct session_recording *rec, const struct tap_result *result);
/* Nothing when it is ending already. */
void recording_stop(struct session_recording *rec);
/* `silent`: the pause is silence in the file, else it is left out. ERR_WRONG_STATE when it does not
 * run, or is not paused. */
int recording_pause(struct session_recording *rec, bool silent, struct error *err);
int recording_resume(struct session_recording *rec, struct error *err);

#endif
