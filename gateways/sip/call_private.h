/* Private to the files of a call: call.c (its life), call_fork.c and call_hunt.c (who is called),
 * call_sound.c (frames and digits), call_sdp.c (what both sides agree on), call_tell.c (what the
 * exchange and the log are told). */
#ifndef ALMON_SIP_CALL_PRIVATE_H
#define ALMON_SIP_CALL_PRIVATE_H

#include "bridge/wire.h"
#include "gateways/sip/gateway.h"
#include "gateways/sip/sdp.h"
#include "gateways/sip/secure.h"

enum {
    PARAMS_MAX = 28,
    SDP_TEXT_MAX = 8192,
    QUALITY_FRAMES = 500, /* how often, in frames of 20 ms, the exchange is told how it sounds */
    QUALITY_FIRST = 50,
};

/* How the digits of this call come: the first way that is heard is the one that counts, so that a
 * phone which sends them twice presses once. */
enum digit_way { DIGITS_ANY, DIGITS_RTP, DIGITS_INFO };

struct call {
    struct gateway *g;
    struct leg *leg;        /* NULL while several ring */
    struct call_fork *fork; /* those; NULL: none */
    struct call_hunt *hunt; /* for a server that takes it; NULL: none */
    struct rtp *rtp;
    uint32_t number; /* of the channel */
    bool on_bridge, came_in, answered;
    bool rang, early;      /* early: sound flows before the answer */
    char *progress;        /* the description that we gave for that, which the answer repeats */
    unsigned final_status; /* of a call that we placed */
    unsigned refer_status;
    enum codec codec;            /* of the channel */
    enum codec wire_codec;       /* what rtp speaks */
    const struct config *config; /* under which it began, whose are: */
    const struct config_trunk *trunk;
    const struct config_phone *phone;
    struct sdp remote;
    struct secure secure;
    int choice;       /* of the remote's codecs; -1: it has said nothing yet */
    bool we_offered;  /* the description in force was our offer, theirs the answer */
    uint64_t session; /* of our descriptions */
    unsigned version;
    enum digit_way digits;
    bool events; /* digits go to the exchange as messages; else as tones in the audio: */
    char pending[33];
    struct audio *tone; /* of the digit that is being sent */
    size_t tone_at;     /* its next frame */
    unsigned frames;    /* that went to the exchange */
    char local_ip[48];
    const char *far_sees; /* our address in its descriptions */
    char id[80];          /* for the log */
    struct link_node node;
    struct call *next; /* in its bucket */
};

/* --- call.c --- */

/* `status`: how an unanswered call from SIP is refused. */
void call_free(struct call *c, unsigned status, enum cause cause, const char *why);

extern const struct leg_handlers call_leg_handlers;
/* Calls `d` by way of `route`. */
int call_dial(struct call *c, const struct dial *d, const char *route, struct error *err);

/* --- call_fork.c --- */

/* Calls all places of `d`; `first` is how the first one is called. */
int call_fork(struct call *c, const struct dial *d, const struct leg_call *first,
              struct error *err);
/* Those that still ring are cancelled. */
void call_fork_drop(struct call *c);

/* --- call_hunt.c --- */

/* Calls the servers of `d`, one after another; where it has but a name, those that DNS says. */
int call_hunt(struct call *c, const struct dial *d, struct error *err);
void call_hunt_heard(struct call *c);
/* The one that was tried has ended with `status`: true when the next is tried. */
bool call_hunt_next(struct call *c, unsigned status);
void call_hunt_drop(struct call *c);

/* --- call_tell.c --- */

/* Parameters for the exchange: name, value, …, NULL in `list`; some of the texts are here. */
struct call_params {
    const char *list[2 * PARAMS_MAX + 1];
    char names[STACK_HEADERS_MAX][80], status[8];
    size_t n;
};

void call_add_param(struct call_params *p, const char *name, const char *value);
/* The text, or "?" when it is no UTF-8, which the bridge demands. */
const char *call_utf8(const char *text);
/* Of a call that we placed: its Call-ID, how it was answered (0: not yet), headers of the answer.
 */
const char *const *call_facts(const struct call *c, unsigned status, struct call_params *p);
void call_log_figures(const struct call *c, const char *why);
/* How it sounds, for the journal. */
void call_tell_quality(const struct call *c);

/* --- call_sound.c --- */

extern const struct rtp_handlers call_rtp_handlers;
/* A digit that came this way. */
void call_press(struct call *c, enum digit_way way, char digit);

/* --- call_sdp.c --- */

/* What trunk or phone says of encryption; a call to any other address has the defaults. */
void call_set_terms(struct call *c, bool tls, const char *far);
/* What a channel's codec can be on the wire: bits of enum rtp_codec. */
unsigned call_codecs(enum codec codec);
/* Our description, offer or answer. False: it cannot be written, which the log says. */
bool call_describe(struct call *c, struct str *out);
/* Reads theirs, an offer or the answer to ours; 200, or 488. */
unsigned call_take_description(struct call *c, const char *sdp, size_t len, unsigned codecs,
                               bool answered);
/* Both sides have agreed: sound may flow. */
int call_start_sound(struct call *c);

#endif
