/* Private to bridge/: the exchange's side of links.
 *
 * A link has two halves. Its `port` lives on the media loop: it owns the link, moves audio between
 * it and the channels, and passes texts on unread. Its `peer` lives on the control loop: it reads
 * the texts and owns the channels. They meet only in the crossing. */
#ifndef ALMON_BRIDGE_PRIVATE_H
#define ALMON_BRIDGE_PRIVATE_H

#include "base/bucket.h"
#include "base/crossing.h"
#include "base/list.h"
#include "base/map.h"
#include "bridge/bridge.h"
#include "bridge/link.h"
#include "bridge/numbers.h"
#include "bridge/wire.h"
#include <stdatomic.h>

#define BRIDGE_LINKS_MAX     256
#define BRIDGE_BARE_MAX      700  /* links of one call each, besides */
#define BARE_CHANNEL         1    /* the number of the call on a bare link */
#define BRIDGE_PLAYS_MAX     8    /* requests of one kind pending on a channel */
#define BRIDGE_DIGITS_MAX    1024 /* digits of one request */
#define PEER_HELLO_MS        5000 /* from connection to hello */
#define PEER_TEXTS_PER_S     5000
#define PEER_TEXTS_BURST     10000
#define PEER_BAD_PER_S       1 /* bad messages forgiven */
#define PEER_BAD_BURST       50
#define STRANGER_LINES_PER_S 1 /* in the log, about links that said no hello, all together */
#define STRANGER_LINES_BURST 20
#define PEER_BACKLOG_TEXTS   4096  /* texts that found no place in the crossing */
#define PEER_IDENTITIES_MAX  10000 /* registered on one link */
#define IDENTITY_LINKS_MAX   10    /* that have registered the same one */
#define PORT_TEXTS_UNREAD    64    /* texts of one link that control has not read yet */
#define PORT_TEXTS_HELD      256   /* texts that came although we stopped reading */

/* --- commands that must reach the media loop, even if the crossing is full just now --- */

struct pending {
    struct link_node node;
    struct crossing_msg msg;
    unsigned answers;
    void (*sent)(void *arg); /* may be NULL */
    void *arg;
};

/* --- port.c: the media loop's half --- */

enum port_trouble { TROUBLE_BATCH, TROUBLE_CHANNEL, TROUBLE_FRAME, TROUBLE_COUNT };

struct port; /* freed by port_on_release(), on the media loop */
struct hub {
    struct crossing *crossing;
    struct loop *loop; /* the media loop */
    struct bridge *bridge;
    struct ws_server *server; /* [media] NULL in virtual time */
    unsigned ports, bare;     /* [media] links; of one call each */
    atomic_uint_fast64_t dropped, bad_batch;
};

/* [media] A new link: tells control with peer_on_opened(), to = bridge, ptr = port. */
void port_accept(void *hub, struct link *l);

/* Commands to the hub. */
crossing_h hub_on_join; /* ptr = link_request with `ours`, taken over */

/* Commands to a port; `to` is the port. */
crossing_h port_on_admit;   /* ptr = peer; reading begins; its one answer is peer_on_closed */
crossing_h port_on_known;   /* it said who it is */
crossing_h port_on_text;    /* ptr = wire_text, taken over */
crossing_h port_on_attach;  /* ptr = media_channel, num = number, codec */
crossing_h port_on_detach;  /* num = number, codec */
crossing_h port_on_hold;    /* num = 1: sends no audio; 0: goes on */
crossing_h port_on_shut;    /* num = close code, ptr = why (static text) */
crossing_h port_on_release; /* frees; its one answer is peer_on_released with to = ptr */

/* The pending of a port that control did not admit. */
struct pending *port_pending(struct port *p);
/* [control] One text of this port was read. */
void port_text_read(struct port *p);
/* [control] What its handshake said, for as long as the port lives; NULL for the bridge's own
 * protocol. */
const struct link_request *port_request(const struct port *p);
/* [control] True when the other side closed it in good order; after peer_on_closed only. */
bool port_was_closed(const struct port *p);
/* [control] Why it was closed; after peer_on_closed only. */
const char *port_why(const struct port *p);

/* --- bridge.c --- */

struct bridge {
    struct loop *control;
    struct media *media;
    const struct config *config;
    const struct bridge_handlers *h;
    void *arg;
    struct hub hub;
    int port_number;
    bool refusing, closing, listening;
    unsigned ports; /* not yet released */
    unsigned channels;
    struct list peers;
    uint64_t links_ever;
    struct map identities; /* identity.c: name → who has registered it */
    struct list pendings;
    struct timer retry;
    struct task closed_task;
    void (*closed)(void *arg);
    void *closed_arg;
    struct pending stop;
    struct bridge_stats stats;
    struct bucket stranger_lines;
    unsigned unsaid; /* lines that it left out */
};

/* Sends a command now, or as soon as there is a place. `p` stays until it is sent. */
void bridge_send(struct bridge *b, struct pending *p);
/* Calls the closer back when nothing is left. */
void bridge_check_closed(struct bridge *b);

/* --- peer.c: the control loop's half --- */

struct asterisk;
struct peer {
    struct bridge *bridge;
    struct port *port;
    struct link_node node; /* in bridge->peers */
    char name[65];         /* empty before its hello */
    int max_channels;
    bool originate, terminate, prompts;
    struct asterisk *asterisk; /* a link of that dialect; NULL: our own protocol */
    bool shut, gone;           /* we closed it; the link is closed */
    uint64_t id;
    struct list channels;
    unsigned n_channels;
    struct list registrations;
    unsigned n_registrations;
    uint32_t next_number;
    struct numbers numbers;
    struct timer hello;
    struct bucket texts, bad;
    struct bucket trouble_log;
    struct list backlog; /* texts for the port that found no place */
    unsigned n_backlog;
    struct pending admit, known, shutting, release;
};

/* Events from ports; `to` is the bridge, then the peer. */
crossing_h peer_on_opened;   /* ptr = port */
crossing_h peer_on_text;     /* ptr = wire_text, taken over */
crossing_h peer_on_trouble;  /* num = enum port_trouble, channel, length */
crossing_h peer_on_closed;   /* the answer to admit */
crossing_h peer_on_released; /* the answer to release; to = peer, or NULL, ptr = bridge */

/* Sends a message; a link that cannot take it is closed. */
void peer_send(struct peer *p, const struct wire_msg *m);
/* Queues a text, which it takes over; NULL (memory is out) closes the link. */
void peer_queue(struct peer *p, struct wire_text *t);
/* Closes the link without a word. */
void peer_break(struct peer *p, int code, const char *why);
/* A mistake of the gateway's: one line here, one error there; too many end the link. */
void peer_complain(struct peer *p, uint32_t channel, const char *code, const char *text);
/* False when the log has had enough lines about links that nobody knows; about others never. */
bool peer_may_log(const struct peer *p);
/* Takes its rights from the configuration: it is that gateway from now on. */
void peer_become(struct peer *p, const struct config_gateway *g);
/* Takes the same time wherever two secrets differ, and whatever their lengths. */
bool same_secret(const char *a, const char *b);
/* An offer, or a message about a call. */
void peer_offer(struct peer *p, const struct wire_msg *m);
void peer_call(struct peer *p, const struct wire_msg *m);
/* texts.c */
void peer_text(struct peer *p, const struct wire_msg *m);
void peer_text_status(struct peer *p, const struct wire_msg *m);
/* Sends what waits in the backlog; false when the crossing is still full. */
bool peer_push(struct peer *p);
/* Says `why` in an error message and closes the link. */
void peer_shut(struct peer *p, int code, const char *error_code, const char *why);
/* The linked peer of that gateway which may be offered calls, or NULL. */
struct peer *peer_find(struct bridge *b, const char *gateway);
/* The link with this id, when it belongs to that gateway and may be offered calls; or NULL. */
struct peer *peer_of_link(struct bridge *b, const char *gateway, uint64_t id);
/* True when one more channel would be too many for the gateway. */
bool peer_is_full(const struct peer *p);

/* --- identity.c --- */

/* What a register message asks for. *code is that of the error message. */
int identity_register(struct peer *p, const char *identity, const char **code, struct error *err);
void identity_unregister(struct peer *p, const char *identity);
/* All of the link's, at its end. */
void identity_forget(struct peer *p);

/* --- asterisk_peer.c: the control loop's half of a link in Asterisk's dialect --- */

struct asterisk *asterisk_new(struct peer *p, struct loop *control);
/* Judges who it is. */
void asterisk_opened(struct peer *p, const struct link_request *r);
void asterisk_text(struct peer *p, const struct wire_text *t);
/* What the bridge would say, in its words, as far as it has some. */
void asterisk_send(struct peer *p, const struct wire_msg *m);
/* True when a link that is gone now went because its call was over; `was_closed` by Asterisk. */
bool asterisk_is_over(const struct asterisk *a, bool was_closed);
/* The link is gone: its timers stop. */
void asterisk_closed(struct asterisk *a);
void asterisk_free(struct asterisk *a);

/* --- channel.c --- */

/* Makes a channel on a peer; `number` is free. NULL when memory or places are out. */
struct channel *channel_new(struct peer *p, const struct offer *offer, uint32_t number,
                            bool outgoing, struct error *err);
/* What the gateway said about it. False: not in this state. */
bool channel_told(struct channel *c, const struct wire_msg *m);
/* Ends it because its link did, or the gateway hung up. */
void channel_lost(struct channel *c, enum cause cause);
struct channel *channel_of(struct link_node *n);
/* True once somebody bound it or ended it. */
bool channel_is_taken(const struct channel *c);

#endif
