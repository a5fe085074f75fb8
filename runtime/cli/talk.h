/* What `almon call` and `almon phone` have in common: saying what happens, the sound and the keys
 * of the one call on the line, and the terminal. */
#ifndef ALMON_CLI_TALK_H
#define ALMON_CLI_TALK_H

#include "base/loop.h"
#include "bridge/client.h"
#include "cli/call_sound.h"
#include "cli/call_steps.h"
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>
#include <uv.h>

/* --- saying what happens --- */

struct teller {
    struct loop *loop;
    int64_t start; /* ms; what the times are counted from */
    bool json;     /* an object a line: at (s), event, detail */
};
int64_t teller_now(const struct teller *t); /* ms of the loop's clock */
/* One line; `detail` may be NULL, and may come from outside. */
void teller_say(struct teller *t, const char *event, const char *detail);

/* --- a call that was answered --- */

enum { TALK_KEYS_MAX = 128 };

struct talk {
    struct teller *teller;
    struct bridge_client *client;
    uint32_t number;
    enum codec codec;
    struct steps steps;
    struct spoken *spoken; /* may be NULL */
    struct saving *saving; /* may be NULL */
    struct timer tick;
    int64_t next_tick, next_key;
    char keys[TALK_KEYS_MAX + 1]; /* waiting to be pressed */
};
/* The owner sets the first four and the sound; before any of the rest. */
void talk_init(struct talk *t);
/* Answered: frames begin, each 20 ms. */
void talk_start(struct talk *t);
/* Over. What it plays and saves stays its owner's. */
void talk_stop(struct talk *t);
/* Keys, one after another; what does not fit any more is dropped. */
void talk_press(struct talk *t, const char *digits);
/* From the client's handlers. */
void talk_audio(struct talk *t, const void *bytes, size_t len);
void talk_prompt(struct talk *t, bool began, const char *text);

/* The end of the command: closes `client` (may be NULL), waits until its last words have left, and
 * frees the sound and the loop. */
void talk_close(struct talk *t, struct bridge_client *client);

/* --- the terminal, and signals --- */

struct terminal {
    void (*key)(void *arg, char key);
    void (*signal)(void *arg); /* SIGINT, SIGTERM; 0x03 as a key besides */
    void *arg;
    uv_signal_t on_int, on_term;
    uv_poll_t poll;
    bool reads, raw;
    struct termios before;
};
void terminal_watch_signals(struct terminal *t, struct loop *loop);
/* Keys from standard input, each at once and unseen when it is a terminal. False when it cannot be
 * read so (a file, nothing). */
bool terminal_watch_keys(struct terminal *t, struct loop *loop);
/* Once for terminal_watch_signals(); the loop must turn after it. */
void terminal_unwatch(struct terminal *t);

#endif
