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
const struct config *runtime_config(const struct runtime *rt);
/* Refuses new calls, hangs up the running ones, calls `closed` when the last is gone. */
void runtime_close(struct runtime *rt, void (*closed)(void *arg), void *arg);
struct runtime *runtime_free(struct runtime *rt);

struct runtime_stats {
    unsigned sessions;
    uint64_t calls, completed, failed, documents, warnings, errors;
};
void runtime_stats(const struct runtime *rt, struct runtime_stats *out);

/* --- acting on a live call --- */
/* A new document, from now: a URL or a file. Verbs in progress are stopped. ERR_MISSING when there
 * is no such live call. */
int runtime_redirect(struct runtime *rt, const char *sid, const char *url, struct error *err);
int runtime_hangup(struct runtime *rt, const char *sid, struct error *err);

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
