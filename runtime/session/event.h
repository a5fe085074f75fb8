/* What verbs are told. An answer carries the number of the request it answers and goes to the verb
 * that made it; unasked events (request 0) go to the top activation and downwards until a verb
 * wants them. */
#ifndef ALMON_SESSION_EVENT_H
#define ALMON_SESSION_EVENT_H

#include "media/media.h"
#include "session/leg.h"
#include "session/queue.h"
#include "session/room.h"
#include <stdint.h>

struct audio;
struct error;

enum event_type {
    /* answers */
    EVENT_AUDIO,    /* session_say(), _load(), _music(): audio, or error */
    EVENT_STARTED,  /* session_play(): the first frame left (the request goes on) */
    EVENT_PLAYED,   /* session_play(): it ended */
    EVENT_TIMER,    /* session_timer() */
    EVENT_RECORDED, /* session_record(): recording ended, the file is on disk */
    EVENT_CHILDREN, /* session_run_children(), _script(), _document(): the last of it is done */
    EVENT_LEG,      /* session_dial(): several times; the last with LEG_ENDED */
    EVENT_ROOM,     /* session_enter_room(): several times; the last with ROOM_LEFT */
    EVENT_QUEUE,    /* session_enqueue(), session_take(): several times; last QUEUE_PARTED */
    EVENT_REFER,    /* session_refer(): it is known how the transfer ended */
    /* unasked */
    EVENT_DIGIT,    /* a key */
    EVENT_HANGUP,   /* the far end is gone; the session ends after every verb was told */
    EVENT_REDIRECT, /* another document takes over from outside: all verbs are stopped next, and
                       their answers mean nothing */
};

enum children_end {
    CHILDREN_DONE,
    CHILDREN_LEFT,  /* by <Leave> */
    CHILDREN_FAILED /* a document of its own could not be had, which was said */
};

struct event {
    enum event_type type;
    uint32_t request; /* 0: unasked */
    union {
        struct {
            struct audio *audio;     /* lent */
            const struct error *err; /* set when audio is NULL */
        } audio;
        struct {
            enum play_end how;
            uint32_t frames;
        } played;
        struct {
            char key;
            unsigned duration_ms;
        } digit;
        struct {
            const struct recording *recording; /* NULL when it failed */
            enum tap_end why;
        } recorded;
        enum children_end children;
        struct leg_event leg;
        struct {
            unsigned response; /* SIP status that answered it; 0: none came */
            unsigned notify;   /* how the new call ended; 0: that was not told */
        } refer;
        const struct room_event *room; /* lent */
        struct queue_event queue;
    };
};

#endif
