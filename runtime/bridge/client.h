/* The gateway's side of a link: what `almon call`, the simulated caller, tests and our own gateways
 * use. It speaks the real messages, over a WebSocket (lws client on the given loop) or, in virtual
 * time, over a pair of memory queues. Everything runs on the loop it was made on. */
#ifndef ALMON_BRIDGE_CLIENT_H
#define ALMON_BRIDGE_CLIENT_H

#include "base/error.h"
#include "base/loop.h"
#include "bridge/bridge.h"
#include "media/audio.h"
#include <stdbool.h>
#include <stdint.h>

struct bridge_client;

/* ready, closed, answered and ended must be set; the others may be NULL. A handler must not free
 * the client, except `closed`; post a task for that. */
struct client_handlers {
    void (*ready)(void *arg);                   /* welcome received */
    void (*closed)(void *arg, const char *why); /* the link is gone; no reconnect by itself */
    void (*answered)(void *arg, uint32_t number);
    void (*ended)(void *arg, uint32_t number, enum cause cause);
    /* 20 ms of audio from the exchange; len 0 is silence. */
    void (*audio)(void *arg, uint32_t number, const void *bytes, size_t len);
    void (*digits)(void *arg, uint32_t number, const char *digits);
    /* In virtual time alone: whether records of silence matter from now on; they do until this says
     * otherwise. It may start and stop timers and nothing else. */
    void (*heeds)(void *arg, uint32_t number, bool on);
    /* Prompts, when asked for: a piece of audio with this text began (true) or ended (false). */
    void (*prompt)(void *arg, uint32_t number, bool began, const char *text);
    /* The exchange offers a call to this gateway (outgoing calls). */
    void (*offered)(void *arg, uint32_t number, const struct offer *offer);
    /* Our offer was taken and rings. */
    void (*ringing)(void *arg, uint32_t number);
    /* What client_register() asked for holds now. */
    void (*registered)(void *arg, const char *identity);
    /* The exchange wants our far end to call `to` in its place; to be answered by
     * client_refer_status(). NULL: 501. */
    void (*refer)(void *arg, uint32_t number, const char *to);
    /* What the exchange says to client_refer(). */
    void (*refer_status)(void *arg, uint32_t number, unsigned response, unsigned notify);
    /* The exchange wants this delivered; to be told by client_message_status(). NULL: it is told
     * that it failed. */
    void (*message)(void *arg, const struct bridge_text *t);
    /* What the exchange says to client_message(). */
    void (*message_status)(void *arg, const struct bridge_text_status *s);
    /* The exchange complains; channel 0 when it is about no call. */
    void (*error)(void *arg, uint32_t number, const char *code, const char *text);
};

struct client_options {
    const char *url; /* ws://host:port/ ; NULL with `bridge`: a memory pair, virtual time */
    struct bridge *bridge;
    const char *name, *token; /* the gateway's */
    bool prompts;
    int backlog_ms; /* how much audio may wait to be sent, default 1000 */
};

int client_new(struct bridge_client **cp, struct loop *loop, const struct client_options *o,
               const struct client_handlers *h, void *arg, struct error *err);
/* Closes the link. Handlers are not called any more. */
struct bridge_client *client_free(struct bridge_client *c);
/* Links of freed clients, over all, that are still closing: their loop must turn until there are
 * none before it is freed. */
unsigned client_lingering(void);

/* Offers a call and returns its channel number in *number; offer->gateway is ignored. */
int client_offer(struct bridge_client *c, const struct offer *offer, uint32_t *number,
                 struct error *err);
void client_answer(struct bridge_client *c, uint32_t number);
void client_ringing(struct bridge_client *c, uint32_t number);
/* How the call sounds (wire.h), of which the exchange keeps the last: now and then, and before
 * client_hangup(). */
struct wire_quality;
void client_quality(struct bridge_client *c, uint32_t number, const struct wire_quality *q);
void client_hangup(struct bridge_client *c, uint32_t number, enum cause cause);
/* The same with what the webhooks shall know of the call: SipCallId, SipResponseCode,
 * SipHeader_X-…; name, value, …, NULL. `early`: sound comes before the answer; said once, after or
 * with the first ringing. */
void client_ringing_with(struct bridge_client *c, uint32_t number, bool early,
                         const char *const *params);
void client_answer_with(struct bridge_client *c, uint32_t number, const char *const *params);
void client_hangup_with(struct bridge_client *c, uint32_t number, enum cause cause,
                        const char *const *params);
/* Our far end wants the call transferred to `to`. */
void client_refer(struct bridge_client *c, uint32_t number, const char *to,
                  const char *const *params);
/* How our far end answered a refer: SIP statuses, `notify` 0 until it is known. */
void client_refer_status(struct bridge_client *c, uint32_t number, unsigned response,
                         unsigned notify);
void client_digits(struct bridge_client *c, uint32_t number, const char *digits);
/* Calls to client:`identity` come to this link until it is unregistered or the link is gone:
 * `registered` follows, or `error` with the code "not-authorised" or "too-many". */
void client_register(struct bridge_client *c, const char *identity);
void client_unregister(struct bridge_client *c, const char *identity);
/* Hands a text message over (its gateway does not count): `message_status` follows. */
int client_message(struct bridge_client *c, const struct bridge_text *t, struct error *err);
void client_message_status(struct bridge_client *c, const struct bridge_text_status *s);
/* One frame (or 0 bytes of silence); frames of all channels are batched until client_flush(). */
void client_audio(struct bridge_client *c, uint32_t number, const void *bytes, size_t len);
void client_flush(struct bridge_client *c);

/* How long a gateway waits before it links again, in milliseconds, after so many failures in a row:
 * 0, 500, 1000 … 16000. */
int64_t client_backoff(unsigned failures);

#endif
