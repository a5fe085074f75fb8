/* A channel from within: private to channel.c (its life and states) and channel_requests.c (what it
 * is asked to play, dial and record). */
#ifndef ALMON_BRIDGE_CHANNEL_INSIDE_H
#define ALMON_BRIDGE_CHANNEL_INSIDE_H

#include "bridge/private.h"

enum channel_state {
    CHANNEL_OFFERED, /* one side told the other */
    CHANNEL_RINGING,
    CHANNEL_ANSWERED,
    CHANNEL_ENDED /* told to whom it concerns; what is under way comes back, then `released` */
};

/* A play whose text the gateway wants to know. */
struct prompt {
    uint32_t request; /* 0: free */
    bool begun;
    char *text;
};

/* Digits sent as a message; the answer comes when they have been dialled over there. */
struct dialling {
    uint32_t request;
    uint32_t ms;
    bool stopped;
    char *rest; /* what one message does not hold, sent when the part before has been dialled */
};

struct channel {
    struct bridge *bridge;
    struct peer *peer;     /* NULL once it ended */
    struct link_node node; /* in peer->channels */
    uint32_t number;
    enum codec codec;
    bool dtmf_events, outgoing, bound, early;
    enum channel_state state;
    struct media_channel *media;
    const struct channel_handlers *h;
    void *arg;
    struct pending detach;
    struct prompt prompts[BRIDGE_PLAYS_MAX];
    struct dialling diallings[BRIDGE_PLAYS_MAX]; /* first come first */
    unsigned n_diallings;
    struct timer dialled;
    struct wire_quality quality;
    bool has_quality;
};

/* --- channel_requests.c --- */

/* Before the first request. */
void channel_requests_init(struct channel *c);
/* The channel has ended: what is being dialled is answered as stopped, from the loop. */
void channel_requests_stop(struct channel *c);
/* Media has let go of it: answers what is still owed, and frees what requests held. */
void channel_requests_end(struct channel *c);

/* For struct media_handlers. */
void channel_requests_started(void *channel, uint32_t request);
void channel_requests_played(void *channel, uint32_t request, enum play_end how, uint32_t frames);
void channel_requests_tapped(void *channel, uint32_t request, const struct tap_result *result);

#endif
