/* The running exchange on its control loop: everything that sessions share, and what the outside
 * (command line, control socket, later REST) may do with them. */
#ifndef ALMON_SESSION_RUNTIME_H
#define ALMON_SESSION_RUNTIME_H

#include "base/config.h"
#include "base/disk.h"
#include "base/loop.h"
#include "base/sid.h"
#include "bridge/bridge.h"
#include "flow/schema.h"
#include "http/fetch.h"
#include "http/webhook.h"
#include "media/media.h"
#include "session/handler.h"
#include "session/queue.h"
#include "session/verb.h"
#include "speech/speech.h"
#include "store/kv.h"

struct runtime;

/* All made by the caller, which owns them; they must outlive the runtime. */
struct runtime_parts {
    struct loop *loop;
    struct media *media;
    struct disk *disk;
    struct speech *speech;
    struct webhooks *webhooks;
    struct fetcher *fetcher;
    struct audio_cache *audio;           /* decoded Play files */
    const struct verb *const *verbs;     /* verb_table */
    struct rng rng;                      /* seeded in tests */
    uint64_t call_seed;                  /* of what calls draw by lot; 0: another for each */
    const char *state;                   /* folder of journals and recordings */
    bool no_journal_files;               /* journals go only to those who watch them */
    struct kv *kv;                       /* values that flows keep; NULL: none */
    const struct handler_type *handlers; /* flows in Lua (session/handler.h); NULL: none */
};

/* `config` is taken over by the runtime and freed when no call uses it any more. */
int runtime_new(struct runtime **rp, const struct runtime_parts *parts, struct config *config,
                struct error *err);
/* For bridge_new(): the runtime is who channels are offered to. */
const struct bridge_handlers *runtime_bridge_handlers(void);
void runtime_set_bridge(struct runtime *rt, struct bridge *bridge);
/* New calls use `config` (taken over); running ones keep theirs. */
void runtime_set_config(struct runtime *rt, struct config *config);
/* As runtime_parts.call_seed, for calls from now on. */
void runtime_set_call_seed(struct runtime *rt, uint64_t seed);
const struct config *runtime_config(const struct runtime *rt);
/* Refuses new calls, hangs up the running ones, calls `closed` when the last is gone. */
void runtime_close(struct runtime *rt, void (*closed)(void *arg), void *arg);
struct runtime *runtime_free(struct runtime *rt);

struct runtime_stats {
    unsigned sessions,
        rooms; /* live calls and messages; conferences, with those that still have to tell of it */
    unsigned reports; /* messages that were sent and only wait for a delivery report */
    uint64_t calls, messages, completed, failed, documents, warnings, errors;
};
void runtime_stats(const struct runtime *rt, struct runtime_stats *out);

/* --- conferences --- */
/* `room` is a ConferenceSid, or the name of a room of `account` (NULL: ConferenceSids only); `who`
 * a CallSid or label. ERR_MISSING (20404) when there is none such under way. */
struct runtime_room {
    const char *sid, *name, *account, *status, *region; /* region "": none */
    unsigned members;
    int64_t created, updated; /* wall clock, ms */
};
typedef void runtime_room_h(const struct runtime_room *room, void *arg);
/* Those that are not over; `h` must change nothing. */
void runtime_rooms(struct runtime *rt, runtime_room_h *h, void *arg);
struct runtime_member {
    const char *call, *label, *coached; /* coached: CallSid; label, coached NULL: none */
    bool muted, held, speaking, starts, ends;
    int64_t created, updated;
};
typedef void runtime_member_h(const struct runtime_member *member, void *arg);
/* In the order they came. */
int runtime_room_members(struct runtime *rt, const char *account, const char *room,
                         runtime_member_h *h, void *arg, struct error *err);
int runtime_room_end(struct runtime *rt, const char *account, const char *room, struct error *err);
/* All hear this document, who are not on hold: audio, or markup with what a waitUrl may hold. Takes
 * the place of one that is being heard. ERR_WRONG_STATE before the conference has begun. */
int runtime_room_announce(struct runtime *rt, const char *account, const char *room,
                          const char *url, bool get, struct error *err);
int runtime_member_kick(struct runtime *rt, const char *account, const char *room, const char *who,
                        struct error *err);
enum runtime_switch { RUNTIME_AS_IS, RUNTIME_ON, RUNTIME_OFF };
struct runtime_member_change {
    enum runtime_switch muted, held, ends, beep_exit, coaching;
    const char *coach;    /* with coaching on: CallSid; NULL as before */
    const char *hold_url; /* what he hears on hold: NULL the music, or as it is; "" silence */
    bool hold_get;
    const char *wait_url; /* and while he waits; NULL as it is */
    bool wait_get;
    const char *announce_url; /* he alone hears this, once; NULL: nothing */
    bool announce_get;
};
int runtime_member_change(struct runtime *rt, const char *account, const char *room,
                          const char *who, const struct runtime_member_change *change,
                          struct error *err);

/* For replays, in which the others are not there: the call `sid` now stands in its conference as
 * its journal's line `room` says. */
int runtime_room_stage(struct runtime *rt, const char *sid, const char *stage, const char *url,
                       bool get, struct error *err);

/* The same for what another did to it through a queue, as the line `queue` says: who took it was
 * `other`, and what it heard first `url`; or it took `other`, who had waited so many seconds. */
struct runtime_queue_stage {
    const char *stage, *other, *url;
    bool get;
    int waited;
};
int runtime_queue_stage(struct runtime *rt, const char *sid, const struct runtime_queue_stage *what,
                        struct error *err);

/* And for what it finds when it comes, asked of the replay each time. NULL: nobody is asked. */
enum runtime_asked { RUNTIME_ENTERS, RUNTIME_WAITS, RUNTIME_TAKES };
enum {
    RUNTIME_NOT_KNOWN = -1, /* it is as it is now */
    RUNTIME_OPEN = 0,       /* there is a place for it */
    RUNTIME_BEGUN = 1       /* … in a conference that has begun; else why not: Twilio's code */
};
struct runtime_then {
    int (*found)(void *arg, const char *sid, enum runtime_asked what);
    /* Where it stands in its queue; false: not known. */
    bool (*place)(void *arg, const char *sid, struct queue_place *out);
    /* What answered a called party, and after how many ms since the answer; NULL: not known. */
    const char *(*answered_by)(void *arg, const char *sid, int *ms, int64_t *after_ms);
    void *arg;
};
void runtime_set_then(struct runtime *rt, const struct runtime_then *then);

/* --- acting on a live call --- */
/* A new document, from now: a URL or a file. Verbs in progress are stopped. ERR_MISSING when there
 * is no such live call. */
int runtime_redirect(struct runtime *rt, const char *sid, const char *url, struct error *err);
/* A ConferenceSid ends the conference. */
int runtime_hangup(struct runtime *rt, const char *sid, struct error *err);

/* --- queues --- */

struct queue_view {
    const char *sid, *account, *name;
    int size, max, average;
    int position; /* of the member */
};
/* Each queue with `sid` NULL, and after it its members in order. */
typedef void queue_list_h(const struct queue_view *queue, const char *sid, int waited, void *arg);
void runtime_queues(struct runtime *rt, queue_list_h *each, void *arg);
/* Takes a caller (NULL: the first) out of the queue, to another document. */
int runtime_dequeue(struct runtime *rt, const char *account, const char *name, const char *sid,
                    const char *url, struct error *err);

/* --- recordings of live calls --- */
struct record_options;
/* Records a call in progress until it is stopped or the call ends; *sid is the recording's. */
int runtime_record(struct runtime *rt, const char *call_sid, const struct record_options *o,
                   char sid[SID_SIZE], struct error *err);
/* `sid` is that of a recording, or of a call that has just one at work. `silent`: the pause is
 * silence in the file, else nothing of it is there. ERR_MISSING when there is no such live
 * recording, ERR_WRONG_STATE when it is paused already (or is not). */
int runtime_recording_pause(struct runtime *rt, const char *sid, bool silent, struct error *err);
int runtime_recording_resume(struct runtime *rt, const char *sid, struct error *err);
int runtime_recording_stop(struct runtime *rt, const char *sid, struct error *err);

#endif
