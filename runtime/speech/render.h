/* A plan becomes sound: each run spoken by a process of its own, the engine's own silence around it
 * cut off, and put together with silences of exactly the length that was asked for. Blocks: for
 * workers. */
#ifndef ALMON_SPEECH_RENDER_H
#define ALMON_SPEECH_RENDER_H

#include "speech/espeak.h"
#include "speech/plan.h"

enum {
    RENDER_TAIL_MS = 150, /* after the last word: two Says do not run into each other */
    RENDER_EDGE_MS =
        5, /* left around every run, so that no cut clicks; part of a pause beside it */
    RENDER_JOINT_MS = 80, /* where the voice changes without a pause */
    RENDER_MAX_SECONDS = 900,
};

/* The caller frees out->samples with mem_free(). 0, ERR_LIMIT when it lasts too long, or what the
 * engine says. */
int render(struct espeak_sound *out, const struct plan *plan, struct error *err);

#endif
