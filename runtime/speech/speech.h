/* Text to speech: pieces of text in, audio in a channel's codec out. The default engine is
 * espeak-ng as a program of its own; what it said is kept on disk and in memory, so that a repeated
 * prompt costs nothing. */
#ifndef ALMON_SPEECH_SPEECH_H
#define ALMON_SPEECH_SPEECH_H

#include "base/config.h"
#include "base/error.h"
#include "base/loop.h"
#include "media/audio.h"

enum { SPEECH_MAX_TEXT = 4096 }; /* characters; more is 13521 */

enum piece_kind { PIECE_TEXT, PIECE_BREAK };

/* A run of text with one manner of speaking: SSML flattened (verbs/ssml.c does it). NULL or 0 means
 * "as usual". Strings as the SSML says them ("x-slow", "80%", "+6dB", "telephone"). */
struct speech_piece {
    enum piece_kind kind;
    const char *text;
    int break_ms;
    const char *lang;
    const char *rate, *pitch, *volume;
    const char *emphasis; /* strong, moderate, reduced */
    const char *interpret_as, *format;
    const char *alphabet, *phoneme; /* `text` is then what is read where the engine cannot */
};

struct utterance {
    const struct speech_piece *pieces;
    size_t count;
    const char
        *voice; /* "man", "woman", "alice", "Polly.Joanna", "Google.de-DE-…", an espeak name */
    const char *language; /* BCP-47; NULL: the voice's own, else the default */
};

typedef void speech_h(struct audio *audio, const struct error *err, void *arg);

struct speech;
struct speech_request;
/* `folder` keeps the disk cache. Fails with a clear error when espeak-ng is not installed. */
int speech_new(struct speech **sp, struct loop *loop, const struct config *config,
               const char *folder, struct error *err);
void speech_set_config(struct speech *s, const struct config *config);
struct speech *speech_free(struct speech *s);

/* `h` is called exactly once on the loop unless cancelled, never from within: with audio (a
 * reference lent: audio_ref() to keep it) or with audio NULL and *err (13520, 13521, 13511 …). All
 * is copied. NULL with *err when it cannot be asked. */
struct speech_request *speech_say(struct speech *s, const struct utterance *u, enum codec codec,
                                  speech_h *h, void *arg, struct error *err);
void speech_cancel(struct speech_request *r);
/* At once from memory, or NULL when it must be made. The caller owns the reference. */
struct audio *speech_cached(struct speech *s, const struct utterance *u, enum codec codec);

/* What an utterance says, as plain text, for transcripts: appended to `out`. */
struct str;
void speech_text(const struct utterance *u, struct str *out);

struct speech_stats {
    uint64_t asked, from_memory, from_disk, made, failed;
};
void speech_stats(const struct speech *s, struct speech_stats *out);

/* Which voice speaks: 0, or negative with *err (13511, 13512) saying what is near. Asks the engine
 * once what is installed. */
struct speech_voice {
    char espeak[48];   /* what the engine is told: "en-us+f3" */
    char language[16]; /* "en-US" */
    char sex;          /* 'm' or 'f' */
};
int speech_pick(const char *voice, const char *language, struct speech_voice *out,
                struct error *err);
/* Whether a voice's name is one that could be known: for the checker, so no engine is asked and
 * nothing depends on what is installed. 0, or 13511 with what is near. */
int speech_check_voice(const char *voice, struct error *err);

#endif
