/* The bridge's wire format: text messages (JSON) and binary batches of audio. Pure functions: no
 * socket, no clock, no state. README.md beside this file says the same for people who write
 * gateways; wire.c holds one table of fields from which both directions work. */
#ifndef ALMON_BRIDGE_WIRE_H
#define ALMON_BRIDGE_WIRE_H

#include "base/error.h"
#include "base/list.h"
#include "bridge/cause.h"
#include "media/audio.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PROTOCOL     "almon.bridge.1" /* the WebSocket subprotocol */
#define WIRE_VERSION      1
#define WIRE_TEXT_MAX     16384 /* bytes of one text message */
#define WIRE_BATCH_MAX    65536 /* bytes of one binary message */
#define WIRE_DEPTH_MAX    4     /* nested objects and arrays of a text message */
#define WIRE_PARAMS_MAX   32    /* parameters of an offer */
#define WIRE_PARAM_BYTES  1024  /* the value of one */
#define WIRE_DIGITS_MAX   64    /* digits in one dtmf message */
#define WIRE_PROMPT_MAX   1024  /* bytes of a prompt's text; longer ones are cut */
#define WIRE_IDENTITY_MAX 249   /* bytes of an identity: "client:" goes before it */
#define WIRE_HEADER       6     /* bytes before the audio of a record */
/* Channel numbers with this bit belong to offers of the exchange, the others to the gateway's. */
#define WIRE_EXCHANGE_BIT 0x80000000u

enum wire_type {
    WIRE_HELLO,
    WIRE_WELCOME,
    WIRE_OFFER,
    WIRE_RING,
    WIRE_ANSWER,
    WIRE_DTMF,
    WIRE_HANGUP,
    WIRE_PROMPT,
    WIRE_MESSAGE,
    WIRE_MESSAGE_STATUS,
    WIRE_ERROR,
    WIRE_REGISTER,
    WIRE_UNREGISTER,
    WIRE_REGISTERED,
    WIRE_QUALITY,
    WIRE_REFER,
    WIRE_REFER_STATUS,
    WIRE_TYPE_COUNT
};
const char *wire_type_name(enum wire_type t);

/* How a call sounds to its gateway, since it was answered. 0 where nothing is known. */
struct wire_quality {
    uint32_t sent, received; /* packets */
    uint32_t lost, late;     /* of those that should have come: never, or too late to be heard */
    uint32_t jitter_us, round_trip_us;
    uint32_t mos;                           /* hundredths, 100 to 500: an estimate */
    uint32_t remote_loss, remote_jitter_us; /* what the far end reports; loss in 1/10000 */
};

/* One message, either way. Strings are NULL when absent. */
struct wire_msg {
    enum wire_type type;
    uint32_t channel; /* 0: none */
    uint32_t version, max_channels, duration_ms;
    bool prompts, originate, terminate;
    bool begin;                /* prompt: begins, else ends */
    bool early;                /* ring: sound comes already */
    uint32_t response, notify; /* SIP statuses of a transfer; 0: none yet */
    bool dtmf_events;
    enum codec codec;
    enum cause cause;
    const char *gateway, *token, *software;
    const char *from, *to, *forwarded_from, *caller_name, *call_token;
    const char *trunk, *user, *password; /* offer, from the exchange */
    const char *identity;
    const char *const *params; /* name, value, …, NULL; or NULL */
    const char *digits;
    const char *id, *body, *status;
    struct wire_quality quality;
    const char *code, *text;
    /* the parser's own: */
    const char *param_list[2 * WIRE_PARAMS_MAX + 1];
    char *copy; /* of the text; the strings stand in it */
};

/* A text on its way: made by wire_format() or wire_text(), freed with mem_free() by whoever sent
 * it. The pad lets a WebSocket library write its header in front without copying. */
#define WIRE_PAD 16
struct wire_text {
    struct link_node node;
    size_t len;
    uint64_t after; /* how many batches of its link go before it */
    char pad[WIRE_PAD];
    char data[];
};

/* Reads one text message. On success the strings belong to *m until wire_msg_free(). On error *err
 * says what is wrong in a sentence fit for the sender, and m->channel is set when that much could
 * be read; nothing needs freeing then, but wire_msg_free() is harmless. */
int wire_parse(struct wire_msg *m, const char *text, size_t len, struct error *err);
void wire_msg_free(struct wire_msg *m);

/* True for the webhook parameters that a gateway may give. */
bool wire_param_allowed(const char *name);

/* Writes the fields that belong to m->type. NULL when out of memory or longer than WIRE_TEXT_MAX.
 */
struct wire_text *wire_format(const struct wire_msg *m);
/* Copies. */
struct wire_text *wire_text(const char *text, size_t len);

/* One record of a batch. `len` 0 is 20 ms of silence. */
struct wire_record {
    uint32_t channel;
    uint16_t len;
    const uint8_t *audio;
};
/* Takes the record at *at (0 for the first) and moves *at behind it: 1, 0 at the end, ERR_INVALID
 * when the batch is cut short or a record is longer than any frame. */
int wire_batch_next(const uint8_t *batch, size_t n, size_t *at, struct wire_record *r);
/* Writes a record's header; the audio follows it. */
void wire_record_head(uint8_t out[WIRE_HEADER], uint32_t channel, size_t len);

#endif
