/* Private to runtime/sim: a past call that runs again. */
#ifndef ALMON_SIM_REPLAY_PRIVATE_H
#define ALMON_SIM_REPLAY_PRIVATE_H

#include "sim/party.h"
#include "sim/replay.h"

enum { REPLAY_PATH = 4096 };

struct replay {
    const struct past *past;
    const struct replay_options *o;
    struct sim *sim;
    struct party *parties; /* the caller, then those whom he called */
    size_t n_parties;
    char old_root[REPLAY_PATH];  /* of the files then; "": there were none */
    char root[REPLAY_PATH];      /* of the new call's files */
    char flow[REPLAY_PATH];      /* what the number leads to */
    bool news;                   /* a call or a verb began */
    size_t kv_ops;               /* of the call on the store, so far */
    const struct sim_sent *sent; /* a message instead of a call; NULL: not yet, or a call */
};

/* --- messages (replay_text.c) --- */

enum { REPLAY_PAIRS = 101 };
/* What its gateway gave besides: name, value … NULL; how many. */
size_t replay_text_params(const struct past *p, const char *pairs[REPLAY_PAIRS]);
/* Writes it again and lets its flow run. */
int replay_text(struct replay *r, struct error *err);

/* The party of that call; NULL: none's. */
struct party *replay_party(struct replay *r, const char *sid);
/* What others had done when a call came somewhere (replay_then.c). */
void replay_then(struct replay *r);

/* --- what the call found (replay_world.c) --- */

/* Sets `flow` and `root`, and writes the files that the journals hold. */
int replay_flow(struct replay *r, struct error *err);
/* The configuration, as far as the journals show it. */
void replay_config(const struct replay *r, struct str *out);
/* Web answers and sounds, in the order in which the calls got them. */
int replay_web(struct replay *r, struct error *err);

#endif
