/* Requests: what verbs wait for. Each is one small object on the session's list; cancelling it
 * where it runs and freeing it are the same step, so a late answer finds nothing to move. */
#include "base/mem.h"
#include "base/url.h"
#include "media/tones.h"
#include "session/room_private.h"
#include <string.h>

uint32_t request_number(struct session *s)
{
    if (++s->last_request == 0)
        s->last_request = 1;
    return s->last_request;
}

struct request *request_new(struct activation *a, enum request_kind kind)
{
    struct session *s = a->session;
    struct request *r = mem_alloc(sizeof *r);

    if (r == NULL) {
        session_warn(a, 12400, "out of memory");
        return NULL;
    }
    r->session = s;
    r->owner = a;
    r->kind = kind;
    r->id = request_number(s);
    list_append(&s->requests, &r->node);
    return r;
}

struct request *request_find(struct session *s, uint32_t id)
{
    struct link_node *n;

    for (n = list_first(&s->requests); n != NULL; n = list_next(&s->requests, n)) {
        struct request *r = list_entry(n, struct request, node);

        if (r->id == id)
            return r;
    }
    return NULL;
}

void request_free(struct request *r)
{
    list_remove(&r->node);
    mem_free(r);
}

void request_cancel(struct request *r)
{
    switch (r->kind) {
    case REQUEST_SAY:
        speech_cancel(r->say);
        break;
    case REQUEST_LOAD:
        load_cancel(r->load);
        break;
    case REQUEST_TIMER:
    case REQUEST_REFER:
        timer_stop(&r->timer);
        break;
    case REQUEST_PLAY:
        if (r->session->room != NULL)
            room_play_stop(r->session->room, r->id);
        else if (r->session->channel != NULL && !r->session->channel_over)
            channel_play_stop(r->session->channel, r->id);
        break;
    case REQUEST_RECORD:
        /* A recording outlives its verb: it is finished, saved and reported, but moves nothing. */
        r->verb_gone = true;
        recording_stop(r->recording);
        return;
    case REQUEST_ROOM:
        room_member_cancel(r->member);
        break;
    case REQUEST_MUSIC:
        list_remove(&r->music);
        break;
    case REQUEST_LEG:
        leg_cancel(r->leg);
        break;
    case REQUEST_QUEUED:
        queue_leave(r->queued);
        break;
    case REQUEST_TAKER:
        queue_untake(r->taker);
        break;
    case REQUEST_CHILDREN:
        break;
    }
    request_free(r);
}

void request_cancel_all(struct activation *a)
{
    struct session *s = a->session;
    struct link_node *n, *next;

    for (n = list_first(&s->requests); n != NULL; n = next) {
        struct request *r = list_entry(n, struct request, node);

        next = list_next(&s->requests, n);
        if (r->owner == a && !r->verb_gone)
            request_cancel(r);
    }
}

void request_answer(struct request *r, struct event *ev)
{
    struct session *s = r->session;
    struct activation *a = r->owner;
    bool gone = r->verb_gone;

    ev->request = r->id;
    request_free(r);
    if (!gone)
        session_deliver(s, a, ev);
}

/* --- what verbs ask for --- */

void session_cancel(struct activation *a, uint32_t request)
{
    struct request *r = request == 0 ? NULL : request_find(a->session, request);

    if (r == NULL || r->owner != a)
        return;
    if (r->kind == REQUEST_CHILDREN)
        activation_pop_above(a, "stopped"); /* the children are all that stands above their verb */
    request_cancel(r);
}

static void audio_ready(struct audio *audio, const struct error *err, void *arg)
{
    struct event ev = {.type = EVENT_AUDIO};

    ev.audio.audio = audio;
    ev.audio.err = err;
    request_answer(arg, &ev);
}

static void journal_say(struct activation *a, const struct request *r, const struct utterance *u)
{
    struct str text = STR_INIT(4 * SPEECH_MAX_TEXT);

    speech_text(u, &text);
    journal_add(a->session, "say", "{s:i, s:s, s:s?, s:s?}", "request", (int)r->id, "text",
                str_text(&text), "voice", u->voice, "language", u->language);
    str_free(&text);
}

uint32_t session_say(struct activation *a, const struct utterance *u)
{
    struct request *r = request_new(a, REQUEST_SAY);
    struct error err = {0};

    if (r == NULL)
        return 0;
    journal_say(a, r, u);
    r->say = speech_say(a->session->rt->parts.speech, u, session_codec(a), audio_ready, r, &err);
    if (r->say == NULL) {
        session_warn(a, err.twilio != 0 ? err.twilio : 13520, "%s", err.text);
        request_free(r);
        return 0;
    }
    return r->id;
}

uint32_t session_load(struct activation *a, const char *url)
{
    struct request *r = request_new(a, REQUEST_LOAD);
    struct error err = {0};
    char *absolute;

    if (r == NULL)
        return 0;
    r->load = load_start(a->session, a->document, url, session_codec(a), audio_ready, r, &err);
    if (r->load == NULL) {
        session_warn(a, err.twilio != 0 ? err.twilio : 13420, "%s", err.text);
        request_free(r);
        return 0;
    }
    absolute = url_resolve(a->document->url, url);
    journal_add(a->session, "load", "{s:i, s:s}", "request", (int)r->id, "url",
                absolute != NULL ? absolute : url);
    mem_free(absolute);
    return r->id;
}

struct audio *session_beep(struct activation *a)
{
    enum { BEEP_HZ = 1000, BEEP_MS = 300 };
    struct audio *audio = NULL;
    struct error err = {0};

    if (audio_from_tone(&audio, session_codec(a), BEEP_HZ, BEEP_MS, 0.4, &err) != 0)
        session_warn(a, 12400, "%s", err.text);
    return audio;
}

static int play(struct session *s, struct audio *audio, unsigned loops, const char *text,
                uint32_t request)
{
    if (s->room != NULL)
        return room_play(s->room, audio, loops, request);
    return channel_play(s->channel, audio, loops, text, request);
}

uint32_t session_play(struct activation *a, struct audio *audio, unsigned loops, const char *text)
{
    struct session *s = a->session;
    struct request *r;

    if (s->room == NULL && (s->channel == NULL || s->channel_over))
        return 0;
    r = request_new(a, REQUEST_PLAY);
    if (r == NULL)
        return 0;
    if (play(s, audio, loops, text, r->id) != 0) {
        session_warn(a, 12400, "too much waits to be played on this channel already");
        request_free(r);
        return 0;
    }
    journal_add(s, "play", "{s:i, s:s?, s:I, s:i}", "request", (int)r->id, "text", text, "frames",
                (json_int_t)audio->frames, "loops", (int)loops);
    return r->id;
}

uint32_t session_ring(struct activation *a, const char *country)
{
    enum { RING_FOR_EVER = 1000 };
    struct audio *tone = NULL;
    struct error err = {0};
    uint32_t id;

    if (tones_ringback(&tone, session_codec(a), country, &err) != 0) {
        session_warn(a, 13220, "%s", err.text);
        return 0;
    }
    id = session_play(a, tone, RING_FOR_EVER, NULL);
    audio_unref(tone);
    return id;
}

uint32_t session_send_digits(struct activation *a, const char *digits)
{
    struct session *s = a->session;
    struct request *r;

    if (s->channel == NULL || s->channel_over)
        return 0;
    r = request_new(a, REQUEST_PLAY);
    if (r == NULL)
        return 0;
    if (channel_send_digits(s->channel, digits, r->id) != 0) {
        session_warn(a, 13430, "the digits \"%s\" could not be sent", digits);
        request_free(r);
        return 0;
    }
    journal_add(s, "digits", "{s:i, s:s}", "request", (int)r->id, "digits", digits);
    return r->id;
}

void session_echo(struct activation *a, bool on)
{
    if (a->session->channel == NULL || a->session->channel_over)
        return;
    a->echo = on;
    channel_echo(a->session->channel, on);
}

static void timer_fired(void *arg)
{
    struct event ev = {.type = EVENT_TIMER};

    request_answer(arg, &ev);
}

uint32_t session_timer(struct activation *a, int64_t ms)
{
    struct request *r = request_new(a, REQUEST_TIMER);

    if (r == NULL)
        return 0;
    timer_init(&r->timer, a->session->rt->parts.loop, timer_fired, r);
    timer_start(&r->timer, ms);
    return r->id;
}

/* --- the channel's answers --- */

void request_started(struct session *s, uint32_t id)
{
    struct request *r = request_find(s, id);
    struct event ev = {.type = EVENT_STARTED, .request = id};

    if (r != NULL && r->kind == REQUEST_PLAY)
        session_deliver(s, r->owner, &ev);
}

void request_played(struct session *s, uint32_t id, enum play_end how, uint32_t frames)
{
    static const char *const names[] = {"ended", "stopped", "failed"};
    struct request *r = request_find(s, id);
    struct event ev = {.type = EVENT_PLAYED};

    journal_add(s, "played", "{s:i, s:s, s:i}", "request", (int)id, "how", names[how], "frames",
                (int)frames);
    if (r == NULL || r->kind != REQUEST_PLAY)
        return;
    ev.played.how = how;
    ev.played.frames = frames;
    request_answer(r, &ev);
}
