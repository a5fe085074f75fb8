/* What is told of a conference: status callbacks (twiml-voice.md §5.4), in its own journal too. A
 * room may have much to say at once (all leave), so callbacks wait in a row and few are under way
 * at a time: they arrive in order as long as the application answers. */
#include "base/mem.h"
#include "base/url.h"
#include "session/room_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CALLBACKS_UNDER_WAY = 8,
    CALLBACKS_WAITING = 4096,
};

struct room_callback {
    struct link_node node;
    const char *event;
    struct webhook_params *params;
};

const char *room_state_name(enum room_state s)
{
    static const char *const names[] = {"init", "in-progress", "completed"};

    return names[s];
}

static const struct {
    const char *name, *text;
} endings[] = {
    [ENDING_API] = {"conference-ended-via-api", "Conference ended via API"},
    [ENDING_LAST_KICKED] = {"last-participant-kicked", "The last participant was kicked"},
    [ENDING_LAST_LEFT] = {"last-participant-left", "The last participant left"},
    [ENDING_MODERATOR_KICKED] = {"participant-with-end-conference-on-exit-kicked",
                                 "A participant with endConferenceOnExit was kicked"},
    [ENDING_MODERATOR_LEFT] = {"participant-with-end-conference-on-exit-left",
                               "A participant with endConferenceOnExit left"},
};

const char *room_ending_name(enum room_ending e)
{
    return endings[e].name;
}

static const char *leaving_name(enum room_leaving why)
{
    static const char *const names[] = {
        [LEAVING_HUNG_UP] = "participant_hung_up",
        [LEAVING_UPDATED] = "participant_updated_via_api",
        [LEAVING_KICKED] = "participant_updated_via_api",
        [LEAVING_FAILED] = "participant_add_failed",
        [LEAVING_MODERATOR] = "moderator_ended_conference",
        [LEAVING_ENDED] = "conference_ended_via_api",
    };

    return names[why];
}

/* --- sending --- */

static void callback_drop(struct room_callback *c)
{
    list_remove(&c->node);
    webhook_params_free(c->params);
    mem_free(c);
}

bool room_events_pump(struct room *r)
{
    struct link_node *n;

    while (r->own->callbacks_out < CALLBACKS_UNDER_WAY && (n = list_first(&r->waiting)) != NULL) {
        struct room_callback *c = list_entry(n, struct room_callback, node);
        struct webhook_params *params = c->params;

        c->params = NULL;
        callback_send(r->own, c->event, r->callback, r->callback_get, HTTP_DOCUMENT, params);
        callback_drop(c);
        r->waiting_count--;
    }
    return list_empty(&r->waiting);
}

void room_events_free(struct room *r)
{
    struct link_node *n;

    while ((n = list_first(&r->waiting)) != NULL)
        callback_drop(list_entry(n, struct room_callback, node));
}

/* Takes `params` (NULL: memory was out). */
static void queue_up(struct room *r, const char *event, struct webhook_params *params)
{
    struct room_callback *c =
        params != NULL && r->waiting_count < CALLBACKS_WAITING ? mem_alloc(sizeof *c) : NULL;

    if (c == NULL) {
        session_say_problem(r->own, false, 15003, r->callback,
                            params == NULL || r->waiting_count < CALLBACKS_WAITING
                                ? "out of memory: an event of the conference is lost"
                                : "too many events of the conference wait: one is lost");
        webhook_params_free(params);
        return;
    }
    c->event = event;
    c->params = params;
    list_append(&r->waiting, &c->node);
    r->waiting_count++;
    session_settled(r->own);
}

/* --- parameters --- */

struct webhook_params *room_params(const struct room *r)
{
    struct webhook_params *p = webhook_params_new();

    if (p != NULL && (webhook_params_add(p, "ConferenceSid", r->own->sid) != 0 ||
                      webhook_params_add(p, "FriendlyName", r->name) != 0 ||
                      webhook_params_add(p, "AccountSid", r->own->account->sid) != 0 ||
                      webhook_params_add(p, "ApiVersion", "2010-04-01") != 0))
        p = webhook_params_free(p);
    return p;
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static int add_member(struct webhook_params *p, const struct room_member *m)
{
    bool coaches = m->coach[0] != '\0';
    const char *const values[][2] = {
        {"CallSid", m->session->sid},
        {"Muted", truth(m->muted)},
        {"Hold", truth(m->held)},
        {"Coaching", truth(coaches)},
        {"EndConferenceOnExit", truth(m->ends)},
        {"StartConferenceOnEnter", truth(m->starts)},
        {"ParticipantLabel", m->label},
        {"CallSidToCoach", coaches ? m->coach : NULL},
    };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (webhook_params_add(p, values[i][0], values[i][1]) != 0)
            return ERR_NOMEM;
    return 0;
}

/* An event that one of `mask` asked for: its parameters, with `more` (name, value, …, NULL); the
 * journal has all but who speaks. */
static void tell(struct room *r, unsigned mask, const char *event, const struct room_member *m,
                 const char *const *more)
{
    struct webhook_params *p;
    char when[40], number[16];
    int rc;

    if ((r->callback_events & mask) == 0 && mask == ROOM_TELLS_SPEAKER)
        return; /* too many to be kept for nobody */
    journal_add(r->own, "conference", "{s:s, s:s?, s:s?, s:s?}", "event", event, "call",
                m != NULL ? m->session->sid : NULL, "label", m != NULL ? m->label : NULL, "detail",
                more != NULL ? more[1] : NULL);
    if (m != NULL)
        journal_add(m->session, "conference", "{s:s, s:s, s:s, s:s?}", "event", event, "sid",
                    r->own->sid, "name", r->name, "detail", more != NULL ? more[1] : NULL);
    if ((r->callback_events & mask) == 0)
        return;
    params_rfc2822(loop_wall(r->rt->parts.loop), when);
    snprintf(number, sizeof number, "%u", r->sequence++);
    p = room_params(r);
    rc = p == NULL ? ERR_NOMEM : webhook_params_add(p, "StatusCallbackEvent", event);
    rc = rc != 0 ? rc : webhook_params_add(p, "SequenceNumber", number);
    rc = rc != 0 ? rc : webhook_params_add(p, "Timestamp", when);
    rc = rc != 0 || m == NULL ? rc : add_member(p, m);
    for (; rc == 0 && more != NULL && *more != NULL; more += 2)
        rc = webhook_params_add(p, more[0], more[1]);
    queue_up(r, event, rc == 0 ? p : webhook_params_free(p));
}

/* --- the events --- */

void room_tell_start(struct room *r)
{
    tell(r, ROOM_TELLS_START, "conference-start", NULL, NULL);
}

void room_tell_end(struct room *r, const struct room_member *by)
{
    const char *const more[] = {
        "ReasonConferenceEnded",
        endings[r->ending].name,
        "Reason",
        endings[r->ending].text,
        by != NULL ? "CallSidEndingConference" : NULL,
        by != NULL ? by->session->sid : NULL,
        by != NULL && by->label != NULL ? "ParticipantLabelEndingConference" : NULL,
        by != NULL ? by->label : NULL,
        NULL,
    };

    tell(r, ROOM_TELLS_END, "conference-end", NULL, more);
}

void room_tell_join(struct room_member *m)
{
    tell(m->room, ROOM_TELLS_JOIN, "participant-join", m, NULL);
}

void room_tell_leave(struct room_member *m, enum room_leaving why)
{
    const char *const more[] = {"ReasonParticipantLeft", leaving_name(why), "ParticipantCallStatus",
                                call_status_name(m->session->status), NULL};

    tell(m->room, ROOM_TELLS_LEAVE, "participant-leave", m, more);
}

void room_tell_member(struct room_member *m, unsigned mask, const char *event)
{
    m->updated_wall = loop_wall(m->room->rt->parts.loop);
    tell(m->room, mask, event, m, NULL);
}

void room_tell_announcement(struct room *r, struct room_member *m, const char *url,
                            const char *failed)
{
    const char *const more[] = {"AnnounceUrl", url,
                                failed != NULL ? "ReasonAnnouncementFailed" : NULL, failed, NULL};

    tell(r, ROOM_TELLS_ANNOUNCEMENT, failed == NULL ? "announcement-end" : "announcement-fail", m,
         more);
}

/* What eventCallbackUrl was told before there was recordingStatusCallback. */
void room_tell_recorded(struct room *r, const struct recording *rec, uint64_t bytes)
{
    struct webhook_params *p;
    char seconds[16], size[24];
    int rc;

    if (r->recorded_url == NULL)
        return;
    if (!url_is_http(r->recorded_url)) {
        session_say_problem(r->own, false, 13230, r->recorded_url,
                            "eventCallbackUrl is no http URL");
        return;
    }
    snprintf(seconds, sizeof seconds, "%d", rec->seconds);
    snprintf(size, sizeof size, "%" PRIu64, bytes);
    p = room_params(r);
    rc = p == NULL ? ERR_NOMEM : webhook_params_add(p, "EventName", "conference-record-end");
    rc = rc != 0 ? rc : webhook_params_add(p, "RecordingUrl", rec->url);
    rc = rc != 0 ? rc : webhook_params_add(p, "Duration", seconds);
    rc = rc != 0 ? rc : webhook_params_add(p, "RecordingFileSize", size);
    callback_send(r->own, "conference-record-end", r->recorded_url, false, HTTP_DOCUMENT,
                  rc == 0 ? p : webhook_params_free(p));
}
