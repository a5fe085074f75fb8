/* What is heard in a room: the mix, its beeps, what is announced to all, and its recording. */
#include "base/log.h"
#include "base/mem.h"
#include "media/tones.h"
#include "session/room_private.h"
#include <stdio.h>
#include <string.h>

enum {
    BEEPS_AT_ONCE = 4,       /* waiting to be heard; of more come at once the rest is silent */
    BEEP_NUMBERS = 1u << 31, /* their requests, which nobody has to be told of */
};

/* --- the room's voice stands for a channel --- */

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)arg; /* nobody presses keys on a voice */
    (void)digit;
    (void)duration_ms;
}

static void on_started(void *arg, uint32_t request)
{
    struct room *r = arg;

    if ((request & BEEP_NUMBERS) == 0)
        request_started(r->own, request);
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct room *r = arg;

    if ((request & BEEP_NUMBERS) == 0)
        request_played(r->own, request, how, frames);
    else
        r->beeping--;
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct room *r = arg;

    record_tapped(r->own, request, result);
}

static void on_released(void *arg)
{
    struct room *r = arg;

    r->media = NULL;
    session_settled(r->own);
}

static const struct media_handlers voice_events = {
    .digit = on_digit,
    .started = on_started,
    .played = on_played,
    .tapped = on_tapped,
    .released = on_released,
};

int room_play(struct room *r, struct audio *audio, unsigned loops, uint32_t request)
{
    if (r->media == NULL || r->silent)
        return ERR_WRONG_STATE;
    return media_play(media_room_voice(r->media), audio, loops, request);
}

void room_play_stop(struct room *r, uint32_t request)
{
    if (r->media != NULL && !r->silent)
        media_play_stop(media_room_voice(r->media), request);
}

int room_tap(struct room *r, struct tap *tap, int silence_ms, int max_ms, uint32_t request)
{
    if (r->media == NULL || r->silent)
        return ERR_WRONG_STATE;
    return media_tap(media_room_voice(r->media), tap, silence_ms, max_ms, request);
}

void room_tap_stop(struct room *r, uint32_t request)
{
    if (r->media != NULL && !r->silent)
        media_tap_stop(media_room_voice(r->media), request);
}

void room_tap_pause(struct room *r, uint32_t request, enum tap_pause how)
{
    if (r->media != NULL && !r->silent)
        media_tap_pause(media_room_voice(r->media), request, how);
}

/* --- members in the mix --- */

static struct media_channel *media_of(const struct room_member *m)
{
    const struct session *s = m->session;

    return s->channel != NULL && !s->channel_over ? channel_media(s->channel) : NULL;
}

static void on_speaking(void *arg, struct media_channel *c, bool on)
{
    struct room *r = arg;

    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n)) {
        struct room_member *m = list_entry(n, struct room_member, node);

        if (media_of(m) != c)
            continue;
        m->speaking = on;
        room_tell_member(m, ROOM_TELLS_SPEAKER,
                         on ? "participant-speech-start" : "participant-speech-stop");
        return;
    }
}

static struct room_member *coached_by(const struct room_member *m)
{
    struct room_member *other = m->coach[0] != '\0' ? room_member_find(m->room, m->coach) : NULL;

    return other != NULL && other->in && other != m ? other : NULL;
}

static enum room_mode mode_of(const struct room_member *m)
{
    if (m->held)
        return ROOM_HOLD;
    if (m->muted || (m->coach[0] != '\0' && coached_by(m) == NULL))
        return ROOM_MUTED; /* a coach without anybody to coach is heard by nobody */
    return m->coach[0] != '\0' ? ROOM_COACH : ROOM_TALKER;
}

/* The channel a coach's mode needs, NULL for all others. */
static struct media_channel *coached_channel(const struct room_member *m, enum room_mode mode)
{
    return mode == ROOM_COACH ? media_of(coached_by(m)) : NULL;
}

static void set_mode(struct room_member *m)
{
    enum room_mode mode = mode_of(m);
    struct media_channel *c = media_of(m);
    struct error err = {0};

    if (!m->in || c == NULL)
        return;
    if (media_room_mode(c, mode, coached_channel(m, mode), &err) != 0)
        session_say_problem(m->room->own, false, 12400, m->session->sid, err.text);
}

void room_sound_modes(struct room *r)
{
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n))
        set_mode(list_entry(n, struct room_member, node));
}

/* The call `of` is here, or gone: who coaches it is heard, or not. */
static void look_at_coaches(struct room *r, const char *of)
{
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n)) {
        struct room_member *m = list_entry(n, struct room_member, node);

        if (strcmp(m->coach, of) == 0)
            set_mode(m);
    }
}

int room_sound_join(struct room_member *m, struct error *err)
{
    struct media_channel *c = media_of(m);
    enum room_mode mode = mode_of(m);
    int rc;

    if (c == NULL)
        return error_set(err, ERR_WRONG_STATE, "the call is over");
    if (m->room->media == NULL || m->room->silent)
        return error_set(err, ERR_WRONG_STATE, "the conference is ending");
    rc = media_room_join(m->room->media, c, mode, coached_channel(m, mode), err);
    if (rc != 0)
        return rc;
    m->in = true;
    look_at_coaches(m->room, m->session->sid);
    return 0;
}

void room_sound_leave(struct room_member *m)
{
    struct media_channel *c = media_of(m);

    if (!m->in)
        return;
    m->in = m->speaking = false;
    if (c != NULL)
        media_room_leave(c);
    look_at_coaches(m->room, m->session->sid);
}

/* --- from the beginning to the end --- */

/* The best that any of the first members can hear. */
static int best_rate(const struct room *r)
{
    int best = 8000;

    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n)) {
        const struct session *s = list_entry(n, struct room_member, node)->session;
        int rate = s->channel != NULL ? codec_rate(channel_codec(s->channel)) : 0;

        best = rate > best ? rate : best;
    }
    return best;
}

static int join_all(struct room *r, struct error *err)
{
    int rc = 0;

    for (struct link_node *n = list_first(&r->members); n != NULL && rc == 0;
         n = list_next(&r->members, n))
        rc = room_sound_join(list_entry(n, struct room_member, node), err);
    return rc;
}

int room_sound_start(struct room *r, struct error *err)
{
    struct room_config config = {.rate = best_rate(r),
                                 .limit = (unsigned)r->own->config->config->limits.room_members,
                                 .speaking = on_speaking};
    int rc;

    if (r->media != NULL)
        return error_set(err, ERR_WRONG_STATE, "the conference could not begin a moment ago");
    rc = media_room_new(&r->media, r->rt->parts.media, &config, &voice_events, r, err);
    if (rc != 0)
        return rc;
    r->silent = false;
    r->codec = config.rate == 24000   ? CODEC_L16_24
               : config.rate == 16000 ? CODEC_L16_16
                                      : CODEC_L16_8;
    rc = join_all(r, err);
    if (rc != 0)
        room_sound_stop(r);
    return rc;
}

void room_sound_stop(struct room *r)
{
    if (r->media == NULL || r->silent)
        return;
    r->silent = true;
    for (struct link_node *n = list_first(&r->members); n != NULL; n = list_next(&r->members, n))
        list_entry(n, struct room_member, node)->in = false;
    media_room_release(r->media); /* gives `tapped` and `released` */
}

void room_sound_free(struct room *r)
{
    audio_unref(r->beeps[BEEP_ENTER]);
    audio_unref(r->beeps[BEEP_EXIT]);
    mem_free(r->announce_url);
}

/* --- beeps --- */

/* A courtesy: none while something is announced, and not a train of them when many come at once. */
void room_beep(struct room *r, enum room_beep which)
{
    struct error err = {0};
    int rc = 0;

    if (r->state != ROOM_IN_PROGRESS || r->announcing || r->beeping >= BEEPS_AT_ONCE)
        return;
    if (r->beeps[which] == NULL)
        rc = (which == BEEP_ENTER ? tones_enter : tones_exit)(&r->beeps[which], r->codec, &err);
    if (rc == 0 && room_play(r, r->beeps[which], 1, request_number(r->own) | BEEP_NUMBERS) == 0)
        r->beeping++;
}

/* --- what is announced to all --- */

int room_announce(struct room *r, const char *url, bool get, struct error *err)
{
    struct activation *a;
    char *copy;
    int rc;

    if (r->state != ROOM_IN_PROGRESS)
        return error_set(err, ERR_WRONG_STATE, "conference %s has not begun: nobody would hear it",
                         r->own->sid);
    copy = mem_strdup(url);
    if (copy == NULL)
        return error_nomem(err);
    if (r->announcing) {
        activation_unwind(r->own, false);
        room_tell_announcement(r, NULL, r->announce_url, "another one took its place");
    }
    mem_free(r->announce_url);
    r->announce_url = copy;
    r->announcing = false;
    a = activation_new(r->own, ACTIVATION_DOCUMENT);
    if (a == NULL)
        return error_nomem(err);
    a->guest = true;
    a->use = USE_ROOM_WAIT;
    r->own->documents = 0; /* its bound is one for each announcement */
    rc = fetch_document(a, url, get, HTTP_OPERATOR, NULL, err);
    if (rc != 0)
        activation_unwind(r->own, false);
    r->announcing = rc == 0;
    return rc;
}

void room_announced(struct room *r, bool failed)
{
    if (!r->announcing)
        return;
    r->announcing = false;
    room_tell_announcement(r, NULL, r->announce_url,
                           failed ? "the document could not be had" : NULL);
}

/* --- its recording --- */

void room_record(struct room *r)
{
    struct record_options options = {
        .trim = r->trim,
        .track = RECORD_BOTH,
        .callback = r->record_callback,
        .callback_method = r->record_get ? FLOW_GET : FLOW_POST,
        .callback_events = r->record_events,
        .source = "Conference",
    };
    struct error err = {0};

    if (!r->record || r->recorded || r->state != ROOM_IN_PROGRESS)
        return;
    r->recorded = true;
    if (record_room(r->own, &options, &err) != 0)
        session_say_problem(r->own, false, 13600, NULL, err.text);
}
