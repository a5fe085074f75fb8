/* The bridge as the control loop sees it: gateways' links come and go, channels are offered on
 * them. README.md beside this file is the protocol's specification, with the exact bytes. */
#ifndef ALMON_BRIDGE_BRIDGE_H
#define ALMON_BRIDGE_BRIDGE_H

#include "base/config.h"
#include "base/error.h"
#include "base/loop.h"
#include "bridge/cause.h"
#include "media/media.h"
#include <stdbool.h>
#include <stdint.h>

struct bridge;
struct channel;

/* A call that a gateway presents. Strings are valid during the call only; NULL when not given. */
struct offer {
    const char *gateway;   /* name of the link's gateway */
    const char *from, *to; /* E.164, client:name, sip:…; already bounded and printable */
    const char *forwarded_from, *caller_name, *call_token;
    /* More webhook parameters the gateway gives (SipCallId, SipHeader_X-Foo, FromCity …): name,
     * value, …, NULL; only names on the specification's list or with its prefixes pass. */
    const char *const *params;
    enum codec codec;
    bool dtmf_events;

    /* Of calls to a gateway only. Their params may have any names: a client's parameters. */
    uint64_t link;               /* of the gateway's links this one; 0: the one with fewest calls */
    const char *trunk;           /* which way it takes from there */
    const char *user, *password; /* for the far end's challenge */
};

/* A text message, either way. Strings are valid during the call only. */
struct bridge_text {
    const char *gateway; /* which hands it over, or which gets it; clients leave it out */
    uint64_t link;       /* which of its links it came over */
    const char *id;      /* whoever sends it chose it: the same once more is the same message */
    const char *from, *to, *body;
    const char *const *params; /* more webhook parameters (FromCity …), as of an offer */
};
/* What became of one; the words are in README.md. */
struct bridge_text_status {
    const char *gateway;
    uint64_t link; /* of the message that this answers */
    const char *id, *status;
    const char *code, *text; /* NULL: none */
};

/* All on the control loop. */
struct bridge_handlers {
    /* A new channel, ringing. The receiver calls channel_bind() before it returns, or
     * channel_hangup(). */
    void (*offered)(void *arg, struct channel *c, const struct offer *offer);
    /* A gateway hands a message over, perhaps not for the first time; it waits for
     * bridge_text_status(). NULL: refused. */
    void (*text)(void *arg, const struct bridge_text *t);
    /* What a gateway says of a message that it was given. May be NULL. */
    void (*text_status)(void *arg, const struct bridge_text_status *s);
};

/* What a channel tells its session. None may be NULL. After `ended` nothing more comes except
 * `played`/`tapped` answers (always exactly one for each request, also after the end). */
struct channel_handlers {
    void (*answered)(void *arg); /* outgoing calls */
    void (*ringing)(void *arg);
    void (*digit)(void *arg, char digit, unsigned duration_ms);
    void (*ended)(void *arg, enum cause cause);
    void (*started)(void *arg, uint32_t request);
    void (*played)(void *arg, uint32_t request, enum play_end how, uint32_t frames);
    void (*tapped)(void *arg, uint32_t request, const struct tap_result *result);
    void (*released)(void *arg); /* the last call; `arg` is not touched afterwards */

    /* These may be NULL. */
    /* Outgoing: before its answer the far end sends sound already. Comes after `ringing`. */
    void (*early)(void *arg);
    /* Outgoing: what the gateway tells of the call besides (SipCallId, SipResponseCode,
     * SipHeader_X-…): name, value, …, NULL, valid during the call only. Comes before the `ringing`,
     * `answered` or `ended` that it came with; later ones add to earlier ones. */
    void (*facts)(void *arg, const char *const *params);
    /* The far end wants the call transferred to `to`; to be answered by channel_refer_answer().
     * NULL declines. */
    void (*referred)(void *arg, const char *to, const char *const *params);
    /* What became of channel_refer(): the SIP status that answered it, and (later, once it was
     * taken) how the transfer ended; 0: not known yet. */
    void (*refer_status)(void *arg, unsigned response, unsigned notify);
};

/* Serves links. `media` must outlive the bridge. `listen` is "host:port" (port 0: any free one), or
 * NULL in virtual time, where links are made with bridge_link_pair(). The configuration says which
 * gateways may link. */
int bridge_new(struct bridge **bp, struct loop *control, struct media *media,
               const struct config *config, const char *listen, const struct bridge_handlers *h,
               void *arg, struct error *err);
/* The port that is listened on. */
int bridge_port(const struct bridge *b);
/* New links are judged by `config` from now on. */
void bridge_set_config(struct bridge *b, const struct config *config);
/* True refuses new offers with CAUSE_CONGESTION (overload, shutdown). */
void bridge_refuse(struct bridge *b, bool on);
/* Ends all channels (cause normal) and links; calls `closed` when the last is gone; then
 * bridge_free() may be called. */
void bridge_close(struct bridge *b, void (*closed)(void *arg), void *arg);
struct bridge *bridge_free(struct bridge *b);

struct bridge_stats {
    uint32_t links, channels, identities;
    uint64_t offers, refused;
    uint64_t bad_text, bad_batch, dropped_batches; /* dropped: records to slow readers */
};
void bridge_stats(const struct bridge *b, struct bridge_stats *out);

/* Virtual time: a link without a network. Gives the gateway's end, on `loop`. */
struct link;
int bridge_link_pair(struct bridge *b, struct loop *loop, struct link **client, struct error *err);

/* The same for an Asterisk; `request` is what its handshake says, allocated with mem_alloc(), and
 * is taken over. */
struct link_request;
int bridge_asterisk_pair(struct bridge *b, struct loop *loop, struct link_request *request,
                         struct link **client, struct error *err);

/* Connects to an Asterisk for its channel WebSocket/INCOMING of that connection id; the call then
 * comes as any other. Only what is wrong at once is an error, the rest is logged. */
int bridge_join(struct bridge *b, const char *gateway, const char *id, const char *from,
                const char *to, struct error *err);

/* Offers a call to a gateway (an outgoing leg); offer->gateway is ignored, the codec must be one it
 * speaks. Bind the channel before returning to the loop. ERR_MISSING when the gateway is not linked
 * or may not be given calls, ERR_LIMIT when it is full or the offer too long for a message,
 * ERR_INVALID when the gateway would not take it (its README has the bounds). */
int bridge_offer(struct bridge *b, const char *gateway, const struct offer *offer,
                 struct channel **cp, struct error *err);

/* Gives a message to a gateway, whose answers come as `text_status`. ERR_MISSING when it is not
 * linked, or may not be given any: later it may be; ERR_INVALID: it cannot be written down. */
int bridge_text(struct bridge *b, const struct bridge_text *t, struct error *err);
/* Whether that one is linked, and may be given messages. */
bool bridge_takes_text(struct bridge *b, const char *gateway);
/* Answers a message of a gateway's. Dropped when it is not linked: it will hand it over again. */
void bridge_text_status(struct bridge *b, const struct bridge_text_status *s);

/* A link that has registered an identity: client:NAME is reached there. */
struct bridge_registered {
    const char *gateway; /* valid until the next message of that link */
    uint64_t link;
};
/* The i-th link (from 0, in the order of registering) that has registered `identity` and may be
 * offered calls; false when there are not so many. */
bool bridge_find_identity(const struct bridge *b, const char *identity, size_t i,
                          struct bridge_registered *out);

/* --- channels --- */

void channel_bind(struct channel *c, const struct channel_handlers *h, void *arg);
enum codec channel_codec(const struct channel *c);
/* Answers; does nothing when it was answered or has ended. */
void channel_answer(struct channel *c);
/* Tells the caller's side that it rings. The bridge does it for every channel that was bound and
 * neither answered nor ended in `offered`. */
void channel_ring(struct channel *c);
bool channel_is_answered(const struct channel *c);
/* Ends the channel: refuses it when it still rings. `ended` does not come for what we ended
 * ourselves; `released` does. */
void channel_hangup(struct channel *c, enum cause cause);
/* Asks the far end to call `to` in our place: `refer_status` tells, unless the gateway cannot, when
 * `ended` or nothing comes. ERR_WRONG_STATE before the answer and after the end. */
int channel_refer(struct channel *c, const char *to);
/* Answers `referred`: a SIP status, 202 takes it; then `notify` (0: not yet) how it ended. */
void channel_refer_answer(struct channel *c, unsigned response, unsigned notify);
/* For joins and rooms (media.h, mixer.h, amd.h); NULL once it ended. */
struct media_channel *channel_media(const struct channel *c);
/* Its keys come as events, not as tones in the sound. */
bool channel_has_events(const struct channel *c);
/* What its gateway told last of how it sounds (wire.h); false: nothing. */
struct wire_quality;
bool channel_quality(const struct channel *c, struct wire_quality *q);
/* Requests are numbers of the caller's own choosing, unique while pending, not 0. `text` is what
 * the audio says, told to gateways that asked for prompts (simulated callers, `almon call`); may be
 * NULL. */
int channel_play(struct channel *c, struct audio *audio, unsigned loops, const char *text,
                 uint32_t request);
void channel_play_stop(struct channel *c, uint32_t request);
void channel_echo(struct channel *c, bool on);
int channel_tap(struct channel *c, struct tap *tap, int silence_ms, int max_ms, uint32_t request);
void channel_tap_stop(struct channel *c, uint32_t request);
void channel_tap_pause(struct channel *c, uint32_t request, enum tap_pause how);
/* Sends digits to the far end as the channel can: events where it speaks them, else tones. At most
 * 1,024; ERR_INVALID for more, and for what is no key. */
int channel_send_digits(struct channel *c, const char *text, uint32_t request);

#endif
