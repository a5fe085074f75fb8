/* The seam between the bridge and a network: one link carries texts and batches of audio, both
 * ways, in order of each kind. Two kinds exist: link_ws.c (a WebSocket, either side) and link_mem.c
 * (two ends in one thread, for virtual time). Everything here runs on the loop of the link.
 *
 * What waits to be sent is bounded: audio is dropped from its old end, and counted; texts are never
 * dropped, so a link whose texts back up has to be closed by its owner. */
#ifndef ALMON_BRIDGE_LINK_H
#define ALMON_BRIDGE_LINK_H

#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"
#include "bridge/wire.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_TEXTS_MAX      4096          /* texts waiting to be sent */
#define LINK_TEXT_BYTES_MAX (1024 * 1024) /* and their bytes */
#define LINK_GUESTS_EACH    128           /* connections of one address, see link_known() */
#define LINK_BACKLOG_MS     200           /* audio waiting to be sent, unless told otherwise */

/* WebSocket close codes we use. */
enum {
    LINK_CLOSE_NORMAL = 1000,
    LINK_CLOSE_AWAY = 1001,
    LINK_CLOSE_TOO_BIG = 1009,
    LINK_CLOSE_POLICY = 1008,
    LINK_CLOSE_ERROR = 1011
};

struct link;

/* What the one who connected said in his handshake; only links of a dialect have it. */
struct link_request {
    char user[65], password[257]; /* HTTP Basic; empty when there was none */
    char path[257];
    char query[1024]; /* "name=value" lines, decoded */
    bool ours;        /* nobody connected: we do, to the URL in `path`, as gateway `user` */
};

/* What a link tells its owner. None but `heeds` may be NULL; any may call link_free(). */
struct link_handlers {
    void (*opened)(void *arg); /* the handshake is done; once, before the rest */
    void (*text)(void *arg, const char *text, size_t len);
    void (*batch)(void *arg, const uint8_t *bytes, size_t len);
    /* Only over memory, may be NULL: what link_heeds() said on the other side. Called from within
     * that, so it may start and stop timers and nothing else. */
    void (*heeds)(void *arg, uint32_t channel, bool on);
    /* The link is gone, once; only link_free() may follow. */
    void (*closed)(void *arg, const char *why);
};

/* The owner joins itself to a link before it returns to the loop. */
void link_own(struct link *l, const struct link_handlers *h, void *arg);
/* Takes `t` over. ERR_LIMIT when texts back up: the text is lost, shut or free the link. */
int link_text(struct link *l, struct wire_text *t);
/* Room for `frames` more frames of `bytes` bytes waiting; may allocate, fails silently (then audio
 * is dropped sooner). Called when a channel is made, so that link_frame() need not allocate. */
void link_reserve(struct link *l, size_t frames, size_t bytes);
/* Gives back what was reserved, when its channel has gone: else a link that lives for long would
 * grow with every call it ever had. The ring keeps the size it has. */
void link_unreserve(struct link *l, size_t frames, size_t bytes);
/* Appends a record to the batch; allocates nothing. */
void link_frame(struct link *l, uint32_t channel, const void *audio, size_t len);
/* Sends the batch. */
void link_flush(struct link *l);
/* Records of silence on that channel matter from now on, or do not, so that in virtual time nobody
 * sends by the thousand what nobody counts. Over a network it says nothing. */
void link_heeds(struct link *l, uint32_t channel, bool on);
/* Audio records dropped since the start, since the other side reads too slowly. */
uint64_t link_dropped(const struct link *l);
/* Stops reading (true) or goes on. A few messages may still come after stopping. */
void link_pause(struct link *l, bool on);
/* The owner knows who it is. Until then it is a guest, and of those one address may have
 * LINK_GUESTS_EACH at a server (from accepting on, so that connections which never shake hands
 * count, too): with one more its oldest goes, so that nobody alone takes all the places there are.
 * Only servers count. */
void link_known(struct link *l);
/* Sends what waits, within two seconds, then closes; `closed` follows. Before the link is open
 * there is nobody to say anything to, and `closed` follows soon. */
void link_shut(struct link *l, int code, const char *why);
/* Closes at once; no handler is called any more. Returns NULL. */
struct link *link_free(struct link *l);

/* --- link_mem.c --- */

/* Two ends joined by memory, each with its handlers called on its own loop, both loops of one
 * virtual time. `opened` comes on both. */
int link_mem_pair(struct link **a, struct loop *loop_a, struct link **b, struct loop *loop_b,
                  struct error *err);

/* --- link_ws.c --- */

struct ws_server;
/* Serves WebSockets on a listening socket, which it takes over. `accepted` owns the new link (with
 * link_own()) or frees it. On real loops, from their thread. */
int ws_server_new(struct ws_server **sp, struct loop *loop, int fd,
                  void (*accepted)(void *arg, struct link *l), void *arg, struct error *err);
/* Stops listening, breaks the links that are left (all must have been freed by their owners before)
 * and calls `closed` when all is freed, from the loop. */
void ws_server_close(struct ws_server *s, void (*closed)(void *arg), void *arg);

/* Connects to ws://host:port/path. `opened` or `closed` follows; a bad URL is an error at once. */
int link_ws_connect(struct link **lp, struct loop *loop, const char *url, struct error *err);
/* The same from a server, on its loop, for the dialect whose subprotocol is "media": a bare link.
 */
int ws_server_connect(struct ws_server *s, struct link **lp, const char *url, struct error *err);

/* Contexts of libwebsockets that are not quite gone yet, of the whole program. A loop that had
 * clients must run until it is 0 before it is freed. */
unsigned link_ws_alive(void);

/* Makes it a link whose binary messages are bare audio: one record a message outwards, its header
 * left out, and inwards whatever the other side cut. `request` (may be NULL) is taken over. Before
 * anything is sent. */
void link_make_bare(struct link *l, struct link_request *request);
/* Gives the request to the caller (mem_free); NULL when there is none. */
struct link_request *link_take_request(struct link *l);
bool link_is_bare(const struct link *l);
/* Once closed: true when the other side said so, with a close frame. */
bool link_was_closed(const struct link *l);

/* --- for the kinds of links: the state each begins with, and what waits to be sent --- */

struct link_ops {
    void (*kick)(struct link *l); /* something waits to be sent */
    void (*pause)(struct link *l, bool on);
    void (*heeds)(struct link *l, uint32_t channel, bool on); /* may be NULL */
    void (*known)(struct link *l);                            /* may be NULL */
    void (*shut)(struct link *l, int code, const char *why);
    void (*free)(struct link *l);
};

/* A ring of bytes that holds whole batches, each after its length and the pad of the WebSocket. */
struct link_audio {
    uint8_t *ring;
    size_t size;
    size_t head, tail; /* oldest batch; where the next begins */
    size_t wrap;       /* where the bytes end when tail went round behind head; else `size` */
    size_t sealed;     /* batches complete, from head on */
    size_t open;       /* bytes in the batch being made at `tail`; 0: none */
    size_t last;       /* bytes of the batch made before it, a guess for the next */
    size_t wanted;     /* ring bytes for all that is reserved */
    uint64_t dropped;
    uint64_t gone; /* batches that left the ring, sent or dropped */
};

struct link {
    const struct link_ops *ops;
    const struct link_handlers *h;
    void *arg;
    struct list texts;
    size_t n_texts, text_bytes;
    bool text_is_next; /* what link_next() gave last */
    bool bare, said_bye;
    struct link_request *request;
    struct link_audio audio;
};

void link_init(struct link *l, const struct link_ops *ops);
/* Frees what waits. */
void link_drain(struct link *l);
/* The next message to send, texts first; false when nothing waits. WIRE_PAD bytes before *bytes may
 * be written. It stays until link_sent(). */
bool link_next(struct link *l, uint8_t **bytes, size_t *len, bool *is_text);
void link_sent(struct link *l);

#endif
