/* A whole exchange in virtual time for tests: the real session, media, speech and bridge, with the
 * two seams replaced: web answers are written in the test, and the caller is a bridge client over
 * memory queues. A ten-minute call takes milliseconds.
 *
 *   struct rig *rig = rig_new("number { '+1555', voice = 'http://app/voice' }");
 *   rig_web(rig, "http://app/voice", "<Response><Say>Hello</Say></Response>");
 *   rig_call(rig, "+1555", "+1999");
 *   ok(rig_hears(rig, "Hello"));
 */
#ifndef ALMON_TESTS_RIG_H
#define ALMON_TESTS_RIG_H

#include "base/error.h"
#include "bridge/client.h"
#include "http/exchange.h"
#include "sim/sim.h"
#include <stdbool.h>
#include <stdint.h>

struct rig;

/* `config` is the text of almon.lua without account and gateway, which the rig adds. NULL when it
 * could not be made (the reason is printed). */
struct rig *rig_new(const char *config);
struct rig *rig_free(struct rig *r);
/* STATE of this exchange, and the folder of its almon.lua, both emptied by rig_free(). */
const char *rig_folder(const struct rig *r);
/* Writes a file into that folder, making folders as needed. */
void rig_file(struct rig *r, const char *name, const char *text);

/* --- the web application --- */

struct rig_answer {
    const char *url;  /* the whole URL */
    const char *body; /* default "" */
    size_t len;       /* 0: strlen(body) */
    const char *type; /* default "text/xml" */
    int status;       /* default 200 */
    int delay_ms;     /* until the answer */
    enum http_failure failure;
    const char *etag, *cache_control;
};
/* The next answer of that URL; the last one given for a URL repeats. Strings must outlive the rig.
 */
void rig_answer(struct rig *r, const struct rig_answer *a);
void rig_web(struct rig *r, const char *url, const char *markup);
/* How many requests that URL has had. */
int rig_requests(const struct rig *r, const char *url);
/* Value of a form parameter (POST body or query) in the n-th request (0 first, -1 last) of that
 * URL; NULL when there is no such request or parameter. Valid until the next call. */
const char *rig_param(struct rig *r, const char *url, int n, const char *name);
/* Method and virtual milliseconds of that request; "" and -1 when there is none. */
const char *rig_method(const struct rig *r, const char *url, int n);
int64_t rig_request_at(const struct rig *r, const char *url, int n);

/* --- the caller --- */

/* Offers a call and lets everything happen that happens at once. The codec is PCMU, keys are
 * events; rig_call_as() chooses. */
void rig_call(struct rig *r, const char *to, const char *from);
void rig_call_as(struct rig *r, const struct offer *o);
void rig_press(struct rig *r, const char *digits);
void rig_hangs_up(struct rig *r);
/* Speaks (a tone) or is silent from now on, frame by frame; `on` 0 nothing, 1 silence, 2 sound. */
void rig_sends(struct rig *r, int on);
/* Lets `ms` of virtual time pass. */
void rig_waits(struct rig *r, int64_t ms);
/* Waits (a minute at most) until a prompt with this text has ended; false when something else was
 * said to the end, or nothing. */
bool rig_hears(struct rig *r, const char *text);
/* Waits until such a prompt begins. */
bool rig_hears_start(struct rig *r, const char *text);
/* Waits (ten minutes at most) until the call has ended; its cause, or -1. */
int rig_ends(struct rig *r);
bool rig_is_answered(const struct rig *r);
bool rig_is_over(const struct rig *r);
/* Frames with sound heard so far, and those of them within the last `ms`. */
unsigned rig_frames(const struct rig *r);
unsigned rig_frames_within(const struct rig *r, int64_t ms);
/* Digits that were sent to the caller as events. */
const char *rig_digits_heard(const struct rig *r);
/* Prompts for which the speech engine had to run. */
unsigned rig_prompts_made(const struct rig *r);
/* Virtual milliseconds since the start. */
int64_t rig_now(const struct rig *r);

/* --- callees --- */

/* A party that can be called (sim.h). What it then hears and does: sim_caller_… */
struct sim_callee *rig_callee(struct rig *r, const struct sim_manner *m);
/* Waits (a minute at most) for its n-th call, 0 first; NULL when it does not come. */
struct sim_caller *rig_called(struct rig *r, struct sim_callee *c, size_t n);
/* Waits (ten seconds at most) until he hears that tone. */
bool rig_hears_tone(struct rig *r, struct sim_caller *c, int hz);
/* The last one who called. */
struct sim_caller *rig_caller(struct rig *r);
struct sim *rig_sim(struct rig *r);

/* --- what was written down --- */

/* The CallSid of the last call. */
const char *rig_sid(struct rig *r);
/* Lines of its journal with this "e", and how many of them hold `part`. */
int rig_journal(struct rig *r, const char *e, const char *part);
/* The whole journal of this rig so far, one line each, for comparison; rig_text_free() it. */
char *rig_journal_text(struct rig *r);
void rig_text_free(char *text);
/* Lets all run out (callbacks, recordings), then true when no session is left. */
bool rig_settles(struct rig *r);

struct runtime;
struct runtime *rig_runtime(struct rig *r);

#endif
