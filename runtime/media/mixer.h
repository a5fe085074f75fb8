/* Rooms: any number of channels, each hearing the sum of all others, mixed every 20 ms at the
 * room's own rate. Who has nothing to add shares one mix, encoded once for each codec, with all who
 * have not; while nobody makes a sound a room costs nothing. All functions are control's; what is
 * said of failing commands in media.h is true here too. */
#ifndef ALMON_MEDIA_MIXER_H
#define ALMON_MEDIA_MIXER_H

#include "media/media.h"

#define ROOM_MEMBERS_DEFAULT 250

struct media_room;

enum room_mode {
    ROOM_TALKER, /* hears all others, is heard by all */
    ROOM_MUTED,  /* hears all others; muted, or there only to listen */
    ROOM_COACH,  /* hears all others, is heard by one */
    ROOM_HOLD    /* hears only what is played to him, is not heard */
};

struct room_config {
    int rate;       /* 8000, 16000 or 24000 */
    unsigned limit; /* members; 0: ROOM_MEMBERS_DEFAULT */
    /* A talker began or ceased to speak: after 100 ms of sound, after a second without. Who leaves
     * while speaking gives no further event. */
    void (*speaking)(void *arg, struct media_channel *c, bool on);
};

/* The room's own voice is a channel too, with the handlers `h` and the argument `arg`: what is
 * played on it all members hear (those on hold excepted), and a tap on it hears the room: all
 * talkers and what is played to all, but no coach. Its codec is linear at the room's rate.
 * `released` is the room's last call. */
int media_room_new(struct media_room **rp, struct media *m, const struct room_config *config,
                   const struct media_handlers *h, void *arg, struct error *err);
struct media_channel *media_room_voice(struct media_room *r);
unsigned media_room_count(const struct media_room *r);
/* All members leave, and the voice is released. Never fails. */
void media_room_release(struct media_room *r);

/* A channel that is in a pair or a room gets ERR_WRONG_STATE; a full room or crossing ERR_LIMIT.
 * `coached` is the member who hears a coach; when he leaves, nobody does. What is played to a
 * member he hears over the room, both at full strength. */
int media_room_join(struct media_room *r, struct media_channel *c, enum room_mode mode,
                    struct media_channel *coached, struct error *err);
/* At once, without a click. */
int media_room_mode(struct media_channel *c, enum room_mode mode, struct media_channel *coached,
                    struct error *err);
/* Nothing when it is in no room. Never fails. */
void media_room_leave(struct media_channel *c);

#endif
