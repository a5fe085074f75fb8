/* What the engine is to be told for an utterance: runs of text, each spoken by one process, with
 * silences of an exact length between them. A pure function of the utterance (and of what voices
 * are installed), so it is also what a prompt is known by in the caches. */
#ifndef ALMON_SPEECH_PLAN_H
#define ALMON_SPEECH_PLAN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "speech/speech.h"

enum {
    PLAN_MAX_RUNS = 24, /* processes for one utterance; breaks past that are the engine's own */
    PLAN_MAX_BREAK_MS = 10000,
    PLAN_KEY_SIZE = 33,
};

struct plan_run {
    const char *ssml; /* NULL: silence */
    const char *voice;
    int silence_ms;
};

struct plan {
    struct arena arena;
    struct plan_run *runs;
    size_t count;
};

/* 0; 13520 when there is nothing to say, 13521 when there is too much, 13511, 13512; ERR_NOMEM. The
 * caller frees a plan that was made. */
int plan_make(struct plan *p, const struct utterance *u, struct error *err);
void plan_free(struct plan *p);
/* 32 hexadecimal digits that stand for `engine` and all that is in the plan. */
void plan_key(const struct plan *p, const char *engine, char key[PLAN_KEY_SIZE]);

/* Appends text as the engine's markup: invalid UTF-8, control and private characters become spaces,
 * white space is collapsed, XML's characters and the engine's own brackets lose their meaning. */
void plan_escape(struct str *out, const char *text);
/* Code points, as the bound of 4096 counts them; an invalid byte is one. */
size_t plan_characters(const char *text);

#endif
