/* Conferences. A room is made by who enters first, waits until two are in it of whom one may begin
 * it, and is gone with the last. To the verb that enters it is a request, told of where its caller
 * stands through EVENT_ROOM and over with ROOM_LEFT; cancelling the request, or the end of the
 * verb, takes the caller out. What he hears besides the others (music, announcements) the verb
 * plays on its own call. Source: twiml-voice.md §5.4. */
#ifndef ALMON_SESSION_ROOM_H
#define ALMON_SESSION_ROOM_H

#include "flow/schema.h"
#include <stdbool.h>
#include <stdint.h>

struct activation;

/* Bits of statusCallbackEvent, in the order of <Conference>'s table. */
enum room_telling {
    ROOM_TELLS_START = 1,
    ROOM_TELLS_END = 2,
    ROOM_TELLS_JOIN = 4,
    ROOM_TELLS_LEAVE = 8,
    ROOM_TELLS_MUTE = 16,
    ROOM_TELLS_HOLD = 32,
    ROOM_TELLS_MODIFY = 64,
    ROOM_TELLS_SPEAKER = 128,
    ROOM_TELLS_ANNOUNCEMENT = 256,
};

/* Which room, and as what. All is copied; URLs are relative to the verb's document. */
struct room_entry {
    const char *name; /* of the account's rooms */
    bool muted;
    bool starts, ends; /* it may begin with him; it ends with him */
    bool beep_enter, beep_exit;
    int limit;          /* most members; 0: as configured */
    const char *label;  /* NULL: none */
    const char *coach;  /* CallSid of the one member who hears him; NULL: all do */
    const char *region; /* counts for the first member, as do the callback's four */
    const char *callback;
    enum flow_method callback_method;
    unsigned callback_events; /* enum room_telling */
    bool record, trim;
    const char *record_callback;
    enum flow_method record_method;
    unsigned record_events;   /* as in struct record_options */
    const char *recorded_url; /* eventCallbackUrl: told that a recording has ended; NULL: nobody */
};

enum room_stage {
    ROOM_WAITS,     /* it has not begun: he hears music */
    ROOM_TALKS,     /* he is in it */
    ROOM_HELD,      /* he is in it and put on hold: he hears music */
    ROOM_ANNOUNCES, /* `url` is to be heard by him alone, once, whatever he hears now; then
                       session_room_announced() */
    ROOM_LEFT       /* he was taken out; the request is over */
};
struct room_event {
    enum room_stage stage;
    const char *sid, *name; /* ConferenceSid and FriendlyName */
    /* What is to be heard: NULL the default, "" nothing. While he waits, NULL is the entry's. */
    const char *url;
    enum flow_method method;
};

/* Enters: EVENT_ROOM, several times. 0 when he may not, which was said: the room is full (16020),
 * the label is taken (16025), there is nobody of that CallSid to coach (13240). */
uint32_t session_enter_room(struct activation *a, const struct room_entry *entry);
/* The end of an announcement; `failed`: NULL, or why it could not be heard. */
void session_room_announced(struct activation *a, uint32_t request, const char *failed);
/* He leaves; no event follows. Why: by himself (a key), his time is up, or he could not even be
 * made to wait. */
enum room_exit { ROOM_EXIT_OWN, ROOM_EXIT_FAILED };
void session_leave_room(struct activation *a, uint32_t request, enum room_exit why);

#endif
