/* The words of Asterisk's WebSocket channel (chan_websocket), as pure functions: what it says
 * becomes an event, what we tell it a text. Both of its formats: plain text and JSON. Source: the
 * reference page asterisk-websocket.md (Asterisk f0c1c1a7b7, channels/chan_websocket.c).
 * What the dialect does with them stands in asterisk_peer.c; gateways/asterisk/README.md is the
 * page for people who have an Asterisk. */
#ifndef ALMON_BRIDGE_ASTERISK_H
#define ALMON_BRIDGE_ASTERISK_H

#include "base/error.h"
#include "bridge/wire.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASTERISK_PROTOCOL "media" /* the WebSocket subprotocol */
/* Asterisk drops a longer command with no more than a line in its log. */
#define ASTERISK_COMMAND_MAX 128
#define ASTERISK_NUMBER_MAX  256 /* bytes of from, to, … as in the bridge's own messages */

enum asterisk_kind {
    ASTERISK_START,    /* MEDIA_START: the call, its codec and its variables */
    ASTERISK_DIGIT,    /* DTMF_END */
    ASTERISK_XOFF,     /* its queue is 18 s long: send no more */
    ASTERISK_XON,      /* below 16 s again */
    ASTERISK_STATUS,   /* the answer to GET_STATUS */
    ASTERISK_BUFFERED, /* what was sent before STOP_MEDIA_BUFFERING left its queue */
    ASTERISK_MARKED,   /* what was sent before MARK_MEDIA left its queue */
    ASTERISK_ERROR,    /* it did not like a command */
    ASTERISK_OTHER     /* an event that we have no use for, or of a later version */
};

/* One event. Strings are NULL when absent; they stand in `copy`. */
struct asterisk_event {
    enum asterisk_kind kind;
    bool json;
    const char *channel_id, *format;
    const char *id;   /* correlation_id of BUFFERED and MARKED */
    const char *text; /* of ERROR */
    char digit;
    uint32_t frame_bytes;  /* START: optimal_frame_size */
    uint32_t queue_length; /* STATUS: frames */
    /* START: what the dial plan says of the call, checked. The channel's variables ALMON_TO,
     * ALMON_FROM, ALMON_CALLER_NAME, ALMON_FORWARDED_FROM; else `to` and `from` of v(…) in the
     * string that was dialled. JSON only: plain text carries no variables. */
    const char *to, *from, *caller_name, *forwarded_from;
    const char *params[2 * WIRE_PARAMS_MAX + 1]; /* name, value, …, NULL: as an offer's */
    char *copy;
};

/* Reads one text. On success asterisk_event_free() must follow; on error, where *err says in a
 * sentence what is wrong, it may. */
int asterisk_parse(struct asterisk_event *e, const char *text, size_t len, struct error *err);
void asterisk_event_free(struct asterisk_event *e);

/* The codec of that name on our side, or -1. */
int asterisk_codec(const char *format);

/* A command, in the format of the link; `id` (letters and digits) may be NULL. NULL when out of
 * memory. */
struct wire_text *asterisk_command(const char *command, const char *id, bool json);

/* The value of `name` in "name=value" pairs parted by `sep`, percent-decoded when `decode`: true
 * when it is there, fits and is printable. */
bool asterisk_pair(const char *pairs, size_t len, char sep, bool decode, const char *name,
                   char *out, size_t size);

#endif
