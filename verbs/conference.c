/* Conference: a room in which callers hear each other. */
#include "verbs/dial.h"
#include "verbs/verbs.h"

#include <string.h>
#include <strings.h>

static const char *const conference_beeps[] = {"true", "false", "onEnter", "onExit", NULL};
enum conference_beep { BEEP_BOTH, BEEP_NONE, BEEP_ENTER, BEEP_EXIT };
static const char *const conference_buffers[] = {"large", "medium", "small", "off", NULL};
static const char *const conference_records[] = {"do-not-record", "record-from-start", NULL};
enum conference_record { DO_NOT_RECORD, RECORD_FROM_START };
static const char *const conference_regions[] = {"us1", "us2", "ie1", "sg1", "br1",
                                                 "au1", "jp1", "de1", NULL};
static const char *const conference_events[] = {
    "start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement", NULL};

struct conference_args {
    bool muted;
    int beep;
    bool start_conference_on_enter;
    bool end_conference_on_exit;
    const char *wait_url;
    enum flow_method wait_method;
    int max_participants;
    const char *participant_label;
    int jitter_buffer_size;
    int record;
    int trim;
    int region;
    const char *coach;
    const char *status_callback;
    enum flow_method status_callback_method;
    unsigned status_callback_event;
    const char *recording_status_callback;
    enum flow_method recording_status_callback_method;
    unsigned recording_status_callback_event;
    const char *recording_configuration_id;
    const char *event_callback_url;
};

static const struct attr conference_attrs[] = {
    {.name = "muted",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13230,
     .offset = offsetof(struct conference_args, muted),
     .text = "Whether the caller only listens."},
    {.name = "beep",
     .type = ATTR_CHOICE,
     .choices = conference_beeps,
     .def = "true",
     .code = 13235,
     .offset = offsetof(struct conference_args, beep),
     .text = "When a beep is heard."},
    {.name = "startConferenceOnEnter",
     .type = ATTR_BOOL,
     .def = "true",
     .code = 13232,
     .offset = offsetof(struct conference_args, start_conference_on_enter),
     .text = "Whether the conference may begin with this caller."},
    {.name = "endConferenceOnExit",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13231,
     .offset = offsetof(struct conference_args, end_conference_on_exit),
     .text = "Whether it ends when this caller leaves."},
    {.name = "waitUrl",
     .type = ATTR_URL,
     .code = 13233,
     .offset = offsetof(struct conference_args, wait_url),
     .text = "What is heard before it begins; empty means silence."},
    {.name = "waitMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13234,
     .offset = offsetof(struct conference_args, wait_method),
     .text = "How waitUrl is requested."},
    {.name = "maxParticipants",
     .type = ATTR_INT,
     .def = "250",
     .min = 1,
     .max = 250,
     .offset = offsetof(struct conference_args, max_participants),
     .text = "Most callers in it."},
    {.name = "participantLabel",
     .type = ATTR_STR,
     .offset = offsetof(struct conference_args, participant_label),
     .text = "Name of this caller in it."},
    {.name = "jitterBufferSize",
     .type = ATTR_CHOICE,
     .choices = conference_buffers,
     .def = "large",
     .offset = offsetof(struct conference_args, jitter_buffer_size),
     .text = "Accepted for compatibility: the gateway's own adapts."},
    {.name = "record",
     .type = ATTR_CHOICE,
     .choices = conference_records,
     .def = "do-not-record",
     .offset = offsetof(struct conference_args, record),
     .text = "Whether it is recorded."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .def = "trim-silence",
     .code = 13239,
     .offset = offsetof(struct conference_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "region",
     .type = ATTR_CHOICE,
     .choices = conference_regions,
     .offset = offsetof(struct conference_args, region),
     .text = "Accepted for compatibility."},
    {.name = "coach",
     .type = ATTR_STR,
     .code = 13240,
     .offset = offsetof(struct conference_args, coach),
     .text = "Call that alone hears this caller."},
    {.name = "statusCallback",
     .type = ATTR_URL,
     .offset = offsetof(struct conference_args, status_callback),
     .text = "Told what happens in it."},
    {.name = "statusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conference_args, status_callback_method),
     .text = "How that callback is requested."},
    {.name = "statusCallbackEvent",
     .type = ATTR_LIST,
     .choices = conference_events,
     .offset = offsetof(struct conference_args, status_callback_event),
     .text = "What that callback is told."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .code = 13256,
     .offset = offsetof(struct conference_args, recording_status_callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct conference_args, recording_status_callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .def = "completed",
     .offset = offsetof(struct conference_args, recording_status_callback_event),
     .text = "What that callback is told."},
    {.name = "recordingConfigurationId",
     .type = ATTR_STR,
     .offset = offsetof(struct conference_args, recording_configuration_id),
     .text = "Accepted for compatibility."},
    {.name = "eventCallbackUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct conference_args, event_callback_url),
     .text = "Told when the recording has ended; deprecated: use recordingStatusCallback."},
    {0},
};

static const char *const conference_parents[] = {"Dial", NULL};

enum { CONFERENCE_MAX_NAME = 128 };

static bool label_is_good(const char *label)
{
    return strlen(label) <= CONFERENCE_MAX_NAME && strchr(label, '/') == NULL;
}

static void conference_check(const struct node *n, struct checker *c)
{
    const struct conference_args *args = n->args;
    const char *label = args->participant_label;

    if (*n->text == '\0' || strlen(n->text) > CONFERENCE_MAX_NAME)
        checker_report(c, n, false, 13237,
                       "<Conference> needs a name of 1 to %d characters between the tags",
                       CONFERENCE_MAX_NAME);
    if (label != NULL && !label_is_good(label))
        checker_report(c, n, false, 16025,
                       "participantLabel has at most %d characters and no slash",
                       CONFERENCE_MAX_NAME);
}

const struct verb verb_conference = {
    .schema =
        {
            .name = "Conference",
            .parents = conference_parents,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = conference_attrs,
            .args_size = sizeof(struct conference_args),
            .check = conference_check,
            .text = "A room in which all callers hear each other; its name is the text.",
        },
};

/* --- what it does: to enter, and to play what he hears besides the others --- */

enum conference_sound {
    SOUND_NONE,
    SOUND_WAIT,    /* until it begins */
    SOUND_HOLD,    /* while he is on hold */
    SOUND_ANNOUNCE /* for him alone */
};

struct conference {
    const struct conference_args *args;
    const char *sid, *name; /* of the room */
    uint32_t room, sound;   /* requests: to be in it, and what is fetched or plays */
    enum room_stage stage;
    enum conference_sound what;
    const char *url, *announce; /* of the music (NULL: ours), and of the announcement */
    enum flow_method method, announce_method;
    bool established; /* he has heard what he was to hear while waiting */
    bool talked;      /* he was in it after it had begun */
};

/* A file of sound is repeated for ever; whatever else the URL gives is a document. */
static bool is_sound_file(const char *url)
{
    static const char *const endings[] = {".wav",  ".mp3", ".ogg", ".opus", ".flac", ".ulaw",
                                          ".aiff", ".aif", ".au",  ".gsm",  NULL};
    size_t n = strcspn(url, "?#");

    for (const char *const *e = endings; *e != NULL; e++) {
        size_t len = strlen(*e);

        if (n > len && strncasecmp(url + n - len, *e, len) == 0)
            return true;
    }
    return false;
}

/* --- sound --- */

static void stop_sound(struct activation *a, struct conference *c)
{
    session_cancel(a, c->sound);
    c->sound = 0;
    c->what = SOUND_NONE;
}

/* False when it could not even begin. */
static bool begin_sound(struct activation *a, struct conference *c, enum conference_sound what)
{
    const char *url = what == SOUND_ANNOUNCE ? c->announce : c->url;
    enum flow_method method = what == SOUND_ANNOUNCE ? c->announce_method : c->method;

    stop_sound(a, c);
    c->what = what;
    if (url != NULL && *url == '\0')
        return true;
    if (url == NULL) {
        c->sound = session_music(a);
    } else if (is_sound_file(url)) {
        c->sound = session_load(a, url);
    } else {
        session_go_param(a, "ConferenceSid", c->sid);
        session_go_param(a, "FriendlyName", c->name);
        c->sound = session_run_document(a, url, method, USE_ROOM_WAIT);
    }
    return c->sound != 0;
}

/* What he hears when nothing is announced. */
static bool resume(struct activation *a, struct conference *c)
{
    if (c->stage == ROOM_TALKS)
        stop_sound(a, c);
    else
        return begin_sound(a, c, c->stage == ROOM_HELD ? SOUND_HOLD : SOUND_WAIT);
    return true;
}

static enum verb_result finish(struct activation *a, struct dial *d, const char *status)
{
    const struct conference *c = d->state;

    session_go_param(a, "DialBridged", c->talked ? "true" : "false");
    return dial_finish(a, d, status);
}

static enum verb_result leave(struct activation *a, struct dial *d, enum room_exit why)
{
    struct conference *c = d->state;

    stop_sound(a, c);
    session_leave_room(a, c->room, why);
    c->room = 0;
    return finish(a, d, why == ROOM_EXIT_FAILED ? "failed" : "answered");
}

/* The call is over; the room knows by whom. */
static enum verb_result hung_up(struct activation *a, struct dial *d)
{
    struct conference *c = d->state;

    stop_sound(a, c);
    session_cancel(a, c->room);
    c->room = 0;
    return finish(a, d, "answered");
}

static enum verb_result announced(struct activation *a, struct conference *c, const char *failed)
{
    session_room_announced(a, c->room, failed);
    c->announce = NULL;
    resume(a, c);
    return VERB_WAIT;
}

/* What was to be heard could not be had. */
static enum verb_result sound_failed(struct activation *a, struct dial *d)
{
    struct conference *c = d->state;

    c->sound = 0;
    if (c->what == SOUND_ANNOUNCE)
        return announced(a, c, "it could not be had");
    /* Who cannot be made to wait as his flow wishes is not in the conference (twiml-voice.md §5.4);
     * our own music is no reason. */
    if (c->what == SOUND_WAIT && c->url != NULL && !c->established)
        return leave(a, d, ROOM_EXIT_FAILED);
    c->what = SOUND_NONE;
    return VERB_WAIT;
}

static enum verb_result sound_loaded(struct activation *a, struct dial *d, const struct event *ev)
{
    enum { FOR_EVER = 1000 };
    struct conference *c = d->state;

    c->sound = 0;
    if (ev->audio.audio == NULL) {
        session_warn(a, ev->audio.err->twilio, "%s", ev->audio.err->text);
        return sound_failed(a, d);
    }
    c->established = true;
    c->sound = session_play(a, ev->audio.audio, c->what == SOUND_ANNOUNCE ? 1 : FOR_EVER, NULL);
    return c->sound != 0 ? VERB_WAIT : sound_failed(a, d);
}

/* The music was played a thousand times, or the document is at its end: then there is silence. */
static enum verb_result sound_over(struct activation *a, struct conference *c)
{
    c->sound = 0;
    c->established = true;
    return c->what == SOUND_ANNOUNCE ? announced(a, c, NULL) : VERB_WAIT;
}

/* --- where he stands --- */

static const char *keep(struct activation *a, const char *before, const char *text)
{
    if (text != NULL && before != NULL && strcmp(before, text) == 0)
        return before;
    return text != NULL ? arena_strdup(activation_arena(a), text) : NULL;
}

static enum verb_result stage_changed(struct activation *a, struct dial *d,
                                      const struct room_event *room)
{
    struct conference *c = d->state;

    c->sid = keep(a, c->sid, room->sid);
    c->name = keep(a, c->name, room->name);
    if (room->stage == ROOM_LEFT) {
        c->room = 0;
        stop_sound(a, c);
        return finish(a, d, "answered");
    }
    if (room->stage == ROOM_ANNOUNCES) {
        c->announce = keep(a, c->announce, room->url);
        c->announce_method = room->method;
        return c->announce != NULL && begin_sound(a, c, SOUND_ANNOUNCE) ? VERB_WAIT
                                                                        : sound_failed(a, d);
    }
    c->stage = room->stage;
    if (room->stage == ROOM_TALKS) {
        c->talked = true;
        dial_reached(a, d, DIAL_ANSWERED);
    }
    c->url = keep(a, c->url, room->url);
    c->method = room->method;
    if (room->stage == ROOM_WAITS && room->url == NULL && c->args->wait_url != NULL) {
        c->url = c->args->wait_url;
        c->method = c->args->wait_method;
    }
    if (c->what == SOUND_ANNOUNCE || resume(a, c))
        return VERB_WAIT; /* an announcement is heard to its end */
    return sound_failed(a, d);
}

static enum verb_result conference_start(struct activation *a, struct dial *d)
{
    struct conference *c = d->state;
    const struct conference_args *args = d->node->args;
    struct room_entry entry = {
        .name = d->node->text,
        .muted = args->muted,
        .starts = args->start_conference_on_enter,
        .ends = args->end_conference_on_exit,
        .beep_enter = args->beep == BEEP_BOTH || args->beep == BEEP_ENTER,
        .beep_exit = args->beep == BEEP_BOTH || args->beep == BEEP_EXIT,
        .limit = node_has(d->node, "maxParticipants") ? args->max_participants : 0,
        .label = args->participant_label,
        .coach = args->coach,
        .region = args->region >= 0 ? conference_regions[args->region] : NULL,
        .callback = args->status_callback,
        .callback_method = args->status_callback_method,
        .callback_events = args->status_callback_event,
        .record = args->record == RECORD_FROM_START,
        .trim = args->trim == VERB_TRIM_SILENCE,
        .record_callback = args->recording_status_callback,
        .record_method = args->recording_status_callback_method,
        .record_events = args->recording_status_callback_event,
        .recorded_url = args->event_callback_url,
    };

    c->args = args;
    session_pick_up(a);
    if (*entry.name == '\0' || strlen(entry.name) > CONFERENCE_MAX_NAME)
        return finish(a, d, "failed"); /* the checker has said so */
    if (entry.label != NULL && !label_is_good(entry.label))
        entry.label = NULL; /* that too */
    c->room = session_enter_room(a, &entry);
    if (c->room == 0)
        return finish(a, d, "failed");
    dial_reached(a, d, DIAL_RINGING);
    return session_timer(a, (int64_t)d->args->time_limit * 1000) != 0 ? VERB_WAIT : VERB_ERROR;
}

static enum verb_result conference_on_event(struct activation *a, struct dial *d,
                                            const struct event *ev)
{
    struct conference *c = d->state;

    switch (ev->type) {
    case EVENT_ROOM:
        return stage_changed(a, d, ev->room);
    case EVENT_AUDIO:
        return sound_loaded(a, d, ev);
    case EVENT_PLAYED:
        return sound_over(a, c);
    case EVENT_CHILDREN:
        return ev->children == CHILDREN_FAILED ? sound_failed(a, d) : sound_over(a, c);
    case EVENT_STARTED:
        return VERB_WAIT;
    case EVENT_TIMER:
        return leave(a, d, ROOM_EXIT_OWN);
    case EVENT_DIGIT:
        return ev->digit.key == '*' && d->args->hangup_on_star ? leave(a, d, ROOM_EXIT_OWN)
                                                               : VERB_PASS;
    case EVENT_HANGUP:
        return hung_up(a, d);
    default:
        return VERB_PASS;
    }
}

const struct dial_noun dial_conference = {
    .state_size = sizeof(struct conference),
    .start = conference_start,
    .on_event = conference_on_event,
};
