/* A whole exchange in virtual time: the real session, media, speech and bridge, with the two seams
 * replaced. Web answers are written down before, or given by a function; callers are bridge clients
 * over memory queues, as many as wanted. The clock moves only inside sim_run() and only when
 * everybody waits, so that a ten-minute call takes milliseconds and gives the same result each
 * time.
 *
 *   struct sim_options o = {.config = "number { '+1555', voice = 'http://app/voice' }", …};
 *   sim_new(&sim, &o, &err);
 *   sim_web(sim, &(struct sim_answer){.url = "http://app/voice", .body = "<Response/>"}, &err);
 *   sim_call(sim, &offer, &caller, &err);
 *   sim_run(sim, 1000, NULL, NULL);
 *
 * Everything belongs to one thread. */
#ifndef ALMON_SIM_SIM_H
#define ALMON_SIM_SIM_H

#include "base/error.h"
#include "base/sid.h"
#include "bridge/bridge.h"
#include "http/exchange.h"
#include "session/runtime.h"
#include <stdbool.h>
#include <stdint.h>

struct sim;
struct sim_caller;

enum {
    SIM_ANSWERS = 10000,        /* web answers written down */
    SIM_REQUESTS = 100000,      /* remembered; more are refused */
    SIM_CALLERS = 10000,        /* of one exchange, with the calls to callees */
    SIM_CALLEES = 1000,         /* parties that can be called */
    SIM_TONES = 32,             /* tones one caller listens for, and tones in one exchange */
    SIM_HEARD = 10000,          /* prompts one caller remembers */
    SIM_FRAMES = 1000000,       /* frames of sound whose time he remembers */
    SIM_INBOXES = 1000,         /* numbers that text */
    SIM_TEXTS = 10000,          /* texts from and to each of them */
    SIM_MEDIA = 10,             /* files with one */
    SIM_LINES = 100000,         /* journal lines kept */
    SIM_CONFIG_BYTES = 1 << 20, /* of the configuration */
};

#define SIM_ACCOUNT "AC00000000000000000000000000000001"

struct sim_options {
    const char *config;  /* text of almon.lua without account and gateway, which are added; without
                            any route{…} all numbers and SIP addresses may be called */
    const char *path;    /* where almon.lua would lie: relative names start from its folder */
    const char *folder;  /* scratch, made when missing; STATE is FOLDER/state */
    const char *speech;  /* folder of the prompts' cache, shared by many exchanges */
    const char *account; /* its sid; NULL: SIM_ACCOUNT */
    const char *token;   /* and its token, by which requests are signed; NULL: "12345" */
    bool network;        /* requests go out to real servers, and the clock waits for them */
    uint64_t seed;       /* of everything that is drawn by lot … */
    uint64_t call_seed;  /* … but by the calls' own flows; 0: also by them */
    int64_t wall;        /* the time at the start, ms since 1970; 0: 2026-01-01T00:00:00Z */
    const struct verb *const *verbs;     /* verb_table */
    const struct handler_type *handlers; /* script_handlers; NULL: no flows in Lua */
    /* Told each mistake of the configuration; may be NULL. */
    config_report_h *report;
    void *report_arg;
};

int sim_new(struct sim **sp, const struct sim_options *o, struct error *err);
/* Ends what still runs. The folder stays: sim_remove_folder(). Accepts NULL, returns NULL. */
struct sim *sim_free(struct sim *s);
void sim_remove_folder(const char *folder);

/* The configuration for calls from now on. */
int sim_configure(struct sim *s, const char *config, struct error *err);
struct runtime *sim_runtime(struct sim *s);
struct bridge *sim_bridge(struct sim *s);
/* For calls from now on: what they draw by lot (as sim_options.call_seed), and the time of day. */
void sim_set_call_seed(struct sim *s, uint64_t seed);
void sim_set_wall(struct sim *s, int64_t wall_ms);
void sim_speech_stats(const struct sim *s, struct speech_stats *out);

/* --- time --- */

/* Milliseconds since the start. */
int64_t sim_now(const struct sim *s);
/* Lets at most `ms` pass, less when `stop` (may be NULL) says so; 0 lets happen what happens at
 * once. */
void sim_run(struct sim *s, int64_t ms, bool (*stop)(void *arg), void *arg);
/* The link of all callers and callees breaks, which ends their calls, and is made anew. */
int sim_break_link(struct sim *s, struct error *err);
/* Runs all out (callbacks, recordings), a minute at most; true when no session is left. */
bool sim_settles(struct sim *s);

/* --- the store --- */

/* What the flows of that folder keep under this key from now on; `value` NULL: nothing. */
int sim_keep(struct sim *s, const char *folder, const char *key, const char *value, size_t len,
             struct error *err);

/* --- the web --- */

struct sim_request {
    char *url;     /* without the query of a GET */
    char *method;  /* GET or POST */
    char *form;    /* body, or the query of a GET */
    int64_t at;    /* sim_now() */
    bool expected; /* a scenario's expect_request took it */
};

struct sim_answer {
    const char *url;  /* whole */
    const char *body; /* default "" */
    size_t len;       /* 0: strlen(body) */
    const char *type; /* default text/xml */
    int status;       /* default 200 */
    int delay_ms;     /* until the answer */
    enum http_failure failure;
    const char *etag, *cache_control;
    const char *moved; /* where redirects led to; NULL: they led nowhere */
    /* Asked for the rest of the answer when a request comes; may be NULL. The strings it sets must
     * live until it is called again. It must not run the clock. */
    void (*ask)(struct sim_answer *answer, const struct sim_request *request, void *arg);
    void *arg;
};

/* "connect", "timeout" … as scenarios call failures; HTTP_DONE when there is none of that name. */
const char *sim_failure_name(enum http_failure f);
enum http_failure sim_failure_find(const char *name);
/* The next answer of that URL; the last one given for a URL repeats. A URL without an answer is
 * like a host that does not exist. All is copied. */
int sim_web(struct sim *s, const struct sim_answer *a, struct error *err);
/* In order of time; NULL behind the last. */
struct sim_request *sim_request_at(struct sim *s, size_t i);
/* Decodes the next parameter of a form: name and value into `name` and `value` (both emptied
 * first); false at the end. `*form` moves on. */
bool sim_form_next(const char **form, struct str *name, struct str *value);

/* --- callers --- */

struct sim_heard {
    char *text;
    int64_t began, ended; /* ended -1: still sounds */
};

/* Offers a call. The caller belongs to the exchange. */
int sim_call(struct sim *s, const struct offer *offer, struct sim_caller **cp, struct error *err);
void sim_caller_press(struct sim_caller *c, const char *digits);
void sim_caller_hangup(struct sim_caller *c);
/* As a hang-up, for this reason. */
void sim_caller_refuse(struct sim_caller *c, enum cause cause);

enum sim_sends { SIM_NOTHING, SIM_SILENCE, SIM_TONE };
/* What an answered caller sends from now on, frame by frame; silence at first. */
void sim_caller_sends(struct sim_caller *c, enum sim_sends what);
/* Sends this sine from now on; 0: silence. Multiples of 50 Hz are told apart best. */
void sim_caller_sends_tone(struct sim_caller *c, int hz);
/* Sends this audio (in the channel's codec; a reference is taken), then what he sent before. */
void sim_caller_plays(struct sim_caller *c, struct audio *audio);
bool sim_caller_is_playing(const struct sim_caller *c);
/* What somebody says who answers, for sim_caller_plays(): letters of 100 ms each: 's' speech, '.'
 * silence, 'b' a beep, 'f' a fax's tone. */
int sim_greeting(struct audio **ap, enum codec c, const char *script, struct error *err);
/* That of a "human", a "machine", one with a "beep", or a "fax"; else NULL. */
const char *sim_greeting_script(const char *who);

bool sim_caller_is_answered(const struct sim_caller *c);
bool sim_caller_is_over(const struct sim_caller *c);
/* Why the call ended, as the bridge said; meaningless before. */
enum cause sim_caller_cause(const struct sim_caller *c);
enum codec sim_caller_codec(const struct sim_caller *c);
/* His number and the one he called; of a callee, his own and the caller's. */
const char *sim_caller_from(const struct sim_caller *c);
const char *sim_caller_to(const struct sim_caller *c);
/* CallSid and CallStatus by the journal; "" when no session was made. */
const char *sim_caller_sid(const struct sim_caller *c);
const char *sim_caller_status(const struct sim_caller *c);
/* The prompts he heard. Audio that says nothing (a beep, a file) is not among them. */
size_t sim_caller_heard(const struct sim_caller *c);
const struct sim_heard *sim_caller_heard_at(const struct sim_caller *c, size_t i);
/* Frames of sound, and those within the last `ms`. */
size_t sim_caller_frames(const struct sim_caller *c);
size_t sim_caller_frames_within(const struct sim_caller *c, int64_t ms);
/* Digits that he was sent as events. */
const char *sim_caller_digits(const struct sim_caller *c);

/* Transfers over SIP: whereto the exchange asked him to go last (NULL: it did not), and how his
 * telephone answers that (SIP statuses; `notify` 0: not known yet). */
const char *sim_caller_referred_to(const struct sim_caller *c);
void sim_caller_refer_answers(struct sim_caller *c, unsigned response, unsigned notify);
/* He asks to be transferred; what the exchange answered, 0: nothing yet. */
struct sim_refer {
    unsigned response, notify;
};
void sim_caller_refers(struct sim_caller *c, const char *to, const char *const *params);
struct sim_refer sim_caller_refer(const struct sim_caller *c);

/* A tone that he listens for. */
struct sim_tone {
    int hz;
    size_t frames; /* frames with it */
    size_t run;    /* of them the last, without one between that lacks it */
    int64_t last;  /* when the last of them came; -1: never */
};
/* Begins to listen for it at the first call; NULL when there are SIM_TONES already. */
const struct sim_tone *sim_caller_tone(struct sim_caller *c, int hz);
/* He hears it now, and has for the last `frames` frames. */
bool sim_caller_hears_tone(struct sim_caller *c, int hz, size_t frames);
/* The n-th tone that somebody in this exchange sent so far; 0 behind the last. */
int sim_tone_at(const struct sim *s, size_t n);

/* --- callees --- */

struct sim_callee;

/* What a party does when it is called. Times count from the offer, in ms; -1: not by itself. */
struct sim_manner {
    const char *address; /* "+15550101", "client:bob", "sip:bob@example.com"; numbers and SIP
                            addresses may end in * */
    int rings_ms, answers_ms, refuses_ms;
    enum cause cause; /* of its refusal */
    bool away;        /* a client that is not registered */
    bool early;       /* he is heard from his ringing on */
};
/* From now on calls to that address are this party's; the longest address that fits counts, and one
 * that nobody has is unroutable. A client is registered. Given again, it is the same party with
 * other manners. */
int sim_add_callee(struct sim *s, const struct sim_manner *m, struct sim_callee **cp,
                   struct error *err);
/* What it does at the call after those that have a manner of their own; the last given holds for
 * all that follow. Its address and `away` do not count. */
int sim_callee_then(struct sim_callee *c, const struct sim_manner *m, struct error *err);
const char *sim_callee_address(const struct sim_callee *c);
/* Each call to it is an ordinary caller. In their order; NULL behind the last. */
struct sim_caller *sim_callee_call(const struct sim_callee *c, size_t i);
/* What the exchange offered; NULL for one who called himself. */
const struct offer *sim_caller_offer(const struct sim_caller *c);
/* Nothing when it did that before, or the call is over. */
void sim_caller_answer(struct sim_caller *c);

/* --- text messages --- */

/* A number that texts, whether it calls or not. */
struct sim_inbox;
/* One that it got from the exchange. */
struct sim_text {
    char *id, *from, *body;
    const char *to;
    const char *const *media; /* URLs, NULL-ended */
    int64_t at;
};
/* One that it sent. */
struct sim_sent {
    char *id, *to;
    char sid[SID_SIZE]; /* "" while no session was made */
    char status[16];    /* what the exchange said: "" nothing yet */
    char code[33];
    char *why; /* NULL: nothing */
};
/* What its network says of texts to it. */
enum sim_delivered { SIM_UNTOLD, SIM_SENT, SIM_DELIVERED, SIM_UNDELIVERED, SIM_FAILED };
extern const char *const sim_delivery_names[]; /* NULL-ended; "nothing" for SIM_UNTOLD */
struct sim_delivery {
    enum sim_delivered status;
    char code[33]; /* "": none */
    int after_ms;
};

/* Made when there is none of that number; NULL: too many, or memory is out. */
struct sim_inbox *sim_inbox(struct sim *s, const char *number);
const char *sim_inbox_number(const struct sim_inbox *b);
/* Told of each text that anybody gets, after it was kept. One at a time; NULL is nobody. */
void sim_watch_texts(struct sim *s, void (*h)(const struct sim_text *t, void *arg), void *arg);
/* In their order; NULL behind the last. */
const struct sim_text *sim_inbox_at(const struct sim_inbox *b, size_t i);
/* Of texts from now on; at first they are sent and delivered at once. */
void sim_inbox_delivers(struct sim_inbox *b, const struct sim_delivery *how);
/* Sends one; t->from does not count, t->id NULL is one of its own. */
int sim_text(struct sim_inbox *b, const struct bridge_text *t, const struct sim_sent **sent,
             struct error *err);
const struct sim_sent *sim_sent_at(const struct sim_inbox *b, size_t i);

/* --- journals --- */

struct sim_line {
    char *sid, *text;
};
/* All lines of all calls, in order. */
size_t sim_lines(const struct sim *s);
const struct sim_line *sim_line_at(const struct sim *s, size_t i);
/* Told of each line as it is written, after it was kept. One at a time; NULL is nobody. */
void sim_watch(struct sim *s, void (*h)(const struct sim_line *line, void *arg), void *arg);

#endif
