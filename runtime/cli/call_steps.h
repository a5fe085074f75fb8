/* What `almon call` does by itself: the steps of --press, and when each is due. A pure state
 * machine over times and events, so that it can be tested without a call. */
#ifndef ALMON_CLI_CALL_STEPS_H
#define ALMON_CLI_CALL_STEPS_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

#define STEPS_MAX 64
#define STEPS_QUIET_MS                                                                             \
    1200 /* after a prompt's end, if no other begins: longer than a short Pause */
#define STEPS_SILENCE_MS 700 /* without frames, where prompts are not told */
#define STEPS_TAIL_MS    400 /* frames after a key that may belong to what sounded before */

enum step_kind { STEP_PRESS, STEP_SPEAK };
struct step {
    enum step_kind kind;
    int64_t wait_ms; /* after the step before (or the answer); -1: after the next prompt */
    char digits[65];
};

struct steps {
    struct step list[STEPS_MAX];
    unsigned count, at;
    int64_t since;       /* when the step before was done */
    int64_t quiet_since; /* end of the last prompt, or the last frame */
    bool told;           /* prompts are told by messages */
    bool sounding;       /* between a prompt's begin and end */
    bool heard;          /* something began since the step before */
};

/* Reads "1,w2,3#": digits, `wN` (wait N seconds instead of for a prompt), `s` (speak the file).
 * With `speak` and no `s`, speaking comes first. */
int steps_parse(struct steps *s, const char *press, bool speak, struct error *err);
/* The call was answered. Times are milliseconds of one clock. */
void steps_start(struct steps *s, int64_t now);
void steps_prompt(struct steps *s, bool began, int64_t now);
void steps_frame(struct steps *s, int64_t now);
/* The step that is due now, or NULL. It counts as done. */
const struct step *steps_due(struct steps *s, int64_t now);

#endif
