/* Private to runtime/session: what a room consists of. room.c has who comes and goes, room_sound.c
 * what is heard, room_events.c what is told of it, room_act.c what the outside may do.
 *
 * A room has a session of its own (struct session with `room` set): its ConferenceSid is the sid,
 * its journal the room's, the room's voice stands for a channel, and the document that is announced
 * to all runs on it. It lives until the last callback is answered and the recording on disk. */
#ifndef ALMON_SESSION_ROOM_PRIVATE_H
#define ALMON_SESSION_ROOM_PRIVATE_H

#include "media/mixer.h"
#include "session/private.h"

enum room_state { ROOM_INIT, ROOM_IN_PROGRESS, ROOM_COMPLETED };

/* What makes somebody leave: webhooks' ReasonParticipantLeft. */
enum room_leaving {
    LEAVING_HUNG_UP,
    LEAVING_UPDATED, /* redirected or ended from outside */
    LEAVING_KICKED,
    LEAVING_FAILED,
    LEAVING_MODERATOR, /* the room ended with another */
    LEAVING_ENDED      /* the room was ended from outside */
};

/* … and a room end: ReasonConferenceEnded. */
enum room_ending {
    ENDING_API,
    ENDING_LAST_KICKED,
    ENDING_LAST_LEFT,
    ENDING_MODERATOR_KICKED,
    ENDING_MODERATOR_LEFT
};

/* A URL to be heard. */
struct room_sound {
    char *url; /* NULL: the default */
    bool get;
};

struct room_member {
    struct room *room; /* NULL: he is out, and about to be told */
    struct link_node node;
    struct session *session;
    struct request *request;
    struct task tell;
    char *name, *label, *sid; /* the room's name and sid, for who is out already */
    bool muted, starts, ends, beep_enter, beep_exit, held, speaking;
    char coach[SID_SIZE]; /* whom he coaches; "": nobody */
    bool in;              /* his channel is in the mix */
    enum room_stage stage, told;
    bool again; /* the stage is to be told again: its sound is another one */
    struct room_sound wait, hold, announce;
    char *announcing; /* what he hears just now; NULL: nothing */
    int64_t began_wall, updated_wall;
};

struct room_callback; /* one that waits for its turn (room_events.c) */

struct room {
    struct runtime *rt;
    struct session *own;
    char *name, *key; /* key: the account's sid and the name */
    enum room_state state;
    struct list members; /* struct room_member, in the order they came */
    unsigned count;
    char region[8];
    int64_t updated_wall;
    enum room_ending ending;
    char ended_by[SID_SIZE];

    /* callbacks */
    char *callback;
    bool callback_get;
    unsigned callback_events, sequence;
    struct list waiting; /* struct room_callback */
    unsigned waiting_count;

    /* sound */
    struct media_room *media; /* from its beginning until its voice was released */
    enum codec codec;
    bool silent; /* released, or about to be: nothing can be played */
    struct audio *beeps[2];
    unsigned beeping;
    bool announcing;
    char *announce_url;
    bool recorded; /* it was recorded, or could not be: once is enough */
    bool record, trim;
    char *record_callback;
    bool record_get;
    unsigned record_events;
    char *recorded_url; /* eventCallbackUrl; NULL: none */
};

/* --- room.c --- */

/* Somebody's request is over. */
void room_member_cancel(struct room_member *m);
void room_leave(struct room_member *m, enum room_leaving why);
/* It begins, whoever is in it. 0 or an error. */
int room_begin(struct room *r, struct error *err);
/* Everybody leaves. `by`: whose leaving it was, NULL nobody's. */
void room_finish(struct room *r, enum room_ending why, const struct room_member *by);
/* His stage follows from what has changed; he is told when it has. */
void room_look(struct room_member *m);
/* The room's own session looks whether something is left to do; true when not: then it is freed. */
bool room_is_done(struct room *r);
void room_free(struct room *r);
/* The room of that ConferenceSid, or of that name in `account` (NULL: sids only). NULL and an error
 * when there is none under way. */
struct room *room_find(struct runtime *rt, const char *account, const char *room,
                       struct error *err);
/* The member of that CallSid or label. */
struct room_member *room_member_find(struct room *r, const char *who);
struct room_member *room_member_of(const struct session *s);

/* --- room_sound.c --- */

/* The room begins to sound: all its members are in the mix. 0 or an error. */
int room_sound_start(struct room *r, struct error *err);
void room_sound_stop(struct room *r);
void room_sound_free(struct room *r);
int room_sound_join(struct room_member *m, struct error *err);
void room_sound_leave(struct room_member *m);
/* Mute, hold or coaching have changed, of him or of whom others coach. */
void room_sound_modes(struct room *r);
enum room_beep { BEEP_ENTER, BEEP_EXIT };
void room_beep(struct room *r, enum room_beep which);
/* Records from now on, if somebody wished it. */
void room_record(struct room *r);
/* What is announced to all. */
int room_announce(struct room *r, const char *url, bool get, struct error *err);
/* … it was heard, or could not be. */
void room_announced(struct room *r, bool failed);
/* The room's voice stands for a channel (request.c, record.c). */
int room_play(struct room *r, struct audio *audio, unsigned loops, uint32_t request);
void room_play_stop(struct room *r, uint32_t request);
int room_tap(struct room *r, struct tap *tap, int silence_ms, int max_ms, uint32_t request);
void room_tap_stop(struct room *r, uint32_t request);
void room_tap_pause(struct room *r, uint32_t request, enum tap_pause how);

/* --- room_events.c --- */

void room_tell_start(struct room *r);
void room_tell_end(struct room *r, const struct room_member *by);
void room_tell_join(struct room_member *m);
void room_tell_leave(struct room_member *m, enum room_leaving why);
/* "participant-mute" and others of one member, `mask` of enum room_telling. */
void room_tell_member(struct room_member *m, unsigned mask, const char *event);
/* `m` NULL: to all. `failed` NULL: it was heard. */
void room_tell_announcement(struct room *r, struct room_member *m, const char *url,
                            const char *failed);
/* To eventCallbackUrl, if there is one. */
void room_tell_recorded(struct room *r, const struct recording *rec, uint64_t bytes);
/* Sends what waits, as far as there is room; true when nothing waits any more. */
bool room_events_pump(struct room *r);
void room_events_free(struct room *r);
/* Parameters of what the room's own session asks and tells. */
struct webhook_params *room_params(const struct room *r);
const char *room_state_name(enum room_state s);
const char *room_ending_name(enum room_ending e);

#endif
