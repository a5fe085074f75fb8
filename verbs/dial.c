/* Dial: calls somebody and joins both; the simple things that it may call. */
#include "verbs/dial.h"
#include "verbs/verbs.h"

#include <string.h>

static const char *const dial_ring_tones[] = {
    "at", "au", "bg", "br", "be", "ch", "cl", "cn", "cz",     "de", "dk", "ee", "es", "fi",
    "fr", "gr", "hu", "il", "in", "it", "lt", "jp", "mx",     "my", "nl", "no", "nz", "ph",
    "pl", "pt", "ru", "se", "sg", "th", "uk", "us", "us-old", "tw", "ve", "za", NULL};
static const char *const dial_events[] = {"call-progress-event", NULL};

static const struct attr dial_attrs[] = {
    {.name = "action",
     .type = ATTR_URL,
     .offset = offsetof(struct dial_args, action),
     .text = "Where to go on afterwards; the next verb when absent."},
    {.name = "method",
     .type = ATTR_METHOD,
     .def = "POST",
     .code = 13210,
     .offset = offsetof(struct dial_args, method),
     .text = "How the action is requested."},
    {.name = "timeout",
     .type = ATTR_INT,
     .def = "30",
     .min = 5,
     .max = 600,
     .code = 13212,
     .offset = offsetof(struct dial_args, timeout),
     .text = "Seconds of ringing."},
    {.name = "timeLimit",
     .type = ATTR_INT,
     .def = "14400",
     .min = 1,
     .max = 86400,
     .code = 13216,
     .offset = offsetof(struct dial_args, time_limit),
     .text = "Most seconds that both may talk."},
    {.name = "callerId",
     .type = ATTR_STR,
     .code = 13214,
     .offset = offsetof(struct dial_args, caller_id),
     .text = "Number shown to the called party; the caller's own when absent."},
    {.name = "callReason",
     .type = ATTR_STR,
     .offset = offsetof(struct dial_args, call_reason),
     .text = "Accepted for compatibility."},
    {.name = "hangupOnStar",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13213,
     .offset = offsetof(struct dial_args, hangup_on_star),
     .text = "Whether the caller's * ends the new call."},
    {.name = "answerOnBridge",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13219,
     .offset = offsetof(struct dial_args, answer_on_bridge),
     .text = "Whether the caller hears ringing until the called party answers."},
    {.name = "ringTone",
     .type = ATTR_CHOICE,
     .choices = dial_ring_tones,
     .code = 13220,
     .offset = offsetof(struct dial_args, ring_tone),
     .text = "Country whose ringing tone is heard."},
    {.name = "sequential",
     .type = ATTR_BOOL,
     .def = "false",
     .code = 13218,
     .offset = offsetof(struct dial_args, sequential),
     .text = "Whether the parties are called one after another."},
    {.name = "record",
     .type = ATTR_CHOICE,
     .choices = verb_dial_records,
     .def = "do-not-record",
     .code = 13217,
     .offset = offsetof(struct dial_args, record),
     .text = "Whether and from when the call is recorded."},
    {.name = "recordingTrack",
     .type = ATTR_CHOICE,
     .choices = verb_recorded_tracks,
     .def = "both",
     .code = 13622,
     .offset = offsetof(struct dial_args, recording_track),
     .text = "Whose voice is recorded."},
    {.name = "recordingStatusCallback",
     .type = ATTR_URL,
     .code = 13256,
     .offset = offsetof(struct dial_args, recording_status_callback),
     .text = "Told what becomes of the recording."},
    {.name = "recordingStatusCallbackMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct dial_args, recording_status_callback_method),
     .text = "How that callback is requested."},
    {.name = "recordingStatusCallbackEvent",
     .type = ATTR_LIST,
     .choices = verb_recording_events,
     .def = "completed",
     .offset = offsetof(struct dial_args, recording_status_callback_event),
     .text = "What that callback is told."},
    {.name = "trim",
     .type = ATTR_CHOICE,
     .choices = verb_trims,
     .def = "do-not-trim",
     .offset = offsetof(struct dial_args, trim),
     .text = "Whether silence at both ends is cut off."},
    {.name = "recordingConfigurationId",
     .type = ATTR_STR,
     .offset = offsetof(struct dial_args, recording_configuration_id),
     .text = "Accepted for compatibility."},
    {.name = "referUrl",
     .type = ATTR_URL,
     .offset = offsetof(struct dial_args, refer_url),
     .text = "Asked what to do when the called party transfers the call."},
    {.name = "referMethod",
     .type = ATTR_METHOD,
     .def = "POST",
     .offset = offsetof(struct dial_args, refer_method),
     .text = "How referUrl is requested."},
    {.name = "events",
     .type = ATTR_CHOICE,
     .choices = dial_events,
     .open = true,
     .offset = offsetof(struct dial_args, events),
     .text = "Accepted for compatibility."},
    {.name = "passports",
     .type = ATTR_STR,
     .offset = offsetof(struct dial_args, passports),
     .text = "Accepted for compatibility."},
    {0},
};

enum { DIAL_MAX_PARTIES = 10 };

static bool dial_is_alone(const struct node *n)
{
    const char *name = n->schema->name;

    return strcmp(name, "Conference") == 0 || strcmp(name, "Queue") == 0 ||
           strcmp(name, "Application") == 0;
}

static void dial_check_parties(const struct node *n, struct checker *c)
{
    const struct node *party;
    int count = *n->text != '\0', alone = 0;

    for (party = n->children; party != NULL; party = party->next) {
        count++;
        alone += dial_is_alone(party);
    }
    if (count == 0)
        checker_report(c, n, false, 13223,
                       "<Dial> has nobody to call: write a number between the tags, or a noun such "
                       "as <Number>, <Client>, <Sip> or <Conference>");
    if (alone > 0 && count > 1)
        checker_report(c, n, false, 13000,
                       "<Conference>, <Queue> and <Application> stand alone in a <Dial>: move the "
                       "others to a <Dial> of their own");
    else if (count > DIAL_MAX_PARTIES)
        checker_report(c, n, false, 13250, "<Dial> calls at most %d parties: there are %d",
                       DIAL_MAX_PARTIES, count);
}

static void dial_check(const struct node *n, struct checker *c)
{
    const struct dial_args *args = n->args;

    dial_check_parties(n, c);
    if (args->action != NULL)
        checker_unreachable(c, n, "has an action, which takes over");
}

/* --- which noun --- */

static const struct {
    const char *element;
    const struct dial_noun *noun;
} dial_nouns[] = {
    {"Number", &dial_parties},        {"Client", &dial_parties}, {"Sip", &dial_parties},
    {"Conference", &dial_conference}, {"Queue", &dial_queue},    {"Application", &dial_application},
};

static const struct dial_noun *dial_noun_of(const struct node *n)
{
    for (size_t i = 0; i < sizeof dial_nouns / sizeof *dial_nouns; i++)
        if (strcmp(dial_nouns[i].element, n->schema->name) == 0)
            return dial_nouns[i].noun;
    return NULL;
}

/* The first noun that works decides; parties may be many, the others stand alone. */
static void dial_choose(struct activation *a, struct dial *d)
{
    const struct node *dial = activation_node(a), *n;

    if (*dial->text != '\0')
        d->noun = &dial_parties;
    for (n = dial->children; n != NULL && d->noun == NULL; n = n->next) {
        d->noun = n->schema != NULL ? dial_noun_of(n) : NULL;
        d->node = n;
        if (d->noun == NULL && n->schema != NULL)
            session_warn(a, 13750, "<%s> is not in this version of Almon: it is left out",
                         n->schema->name);
    }
}

const char *dial_ring_tone(const struct dial *d)
{
    return d->args->ring_tone >= 0 ? dial_ring_tones[d->args->ring_tone] : NULL;
}

/* --- recording --- */

/* From when on, and in how many channels: enum verb_dial_record. */
static bool dial_records_at(const struct dial *d, enum dial_stage stage)
{
    switch ((enum verb_dial_record)d->args->record) {
    case VERB_RECORD_FROM_RINGING:
    case VERB_RECORD_FROM_RINGING_DUAL:
        return true; /* who is answered without ringing is recorded, too */
    case VERB_RECORD_FROM_ANSWER:
    case VERB_RECORD_FROM_ANSWER_DUAL:
    case VERB_RECORD_TRUE:
        return stage == DIAL_ANSWERED;
    default:
        return false;
    }
}

void dial_reached(struct activation *a, struct dial *d, enum dial_stage stage)
{
    const struct dial_args *args = d->args;
    bool dual = args->record == VERB_RECORD_FROM_ANSWER_DUAL ||
                args->record == VERB_RECORD_FROM_RINGING_DUAL;
    /* One track is always in one channel (§5). */
    struct record_options o = {.trim = args->trim == VERB_TRIM_SILENCE,
                               .track = args->recording_track == 1   ? RECORD_INBOUND
                                        : args->recording_track == 2 ? RECORD_OUTBOUND
                                                                     : RECORD_BOTH,
                               .dual = dual && args->recording_track == 0,
                               .callback = args->recording_status_callback,
                               .callback_method = args->recording_status_callback_method,
                               .callback_events = args->recording_status_callback_event,
                               .source = "DialVerb"};

    if (d->recording != 0 || d->outcome != NULL || !dial_records_at(d, stage))
        return;
    d->recording = session_record(a, &o);
    if (d->recording != 0)
        session_record_told(a, d->recording);
}

/* --- the end --- */

static enum verb_result dial_go(struct activation *a, struct dial *d)
{
    session_go_param(a, "DialCallStatus", d->outcome);
    return session_go_if(a, d->args->action, d->args->method);
}

enum verb_result dial_finish(struct activation *a, struct dial *d, const char *status)
{
    d->outcome = status;
    if (d->recording == 0)
        return dial_go(a, d);
    session_record_stop(a, d->recording); /* its URL is good when the action is told */
    return VERB_WAIT;
}

static enum verb_result dial_recorded(struct activation *a, struct dial *d,
                                      const struct recording *rec)
{
    char seconds[16];

    d->recording = 0;
    if (rec != NULL) {
        snprintf(seconds, sizeof seconds, "%d", rec->seconds);
        session_go_param(a, "RecordingUrl", rec->url);
        session_go_param(a, "RecordingSid", rec->sid);
        session_go_param(a, "RecordingDuration", seconds);
    }
    return d->outcome != NULL ? dial_go(a, d) : VERB_WAIT;
}

static enum verb_result dial_start(struct activation *a, const void *args, void *state)
{
    struct dial *d = state;

    d->args = args;
    dial_choose(a, d);
    if (d->noun == NULL)
        return dial_finish(a, d, "failed");
    d->state = arena_alloc(activation_arena(a), d->noun->state_size);
    if (d->state == NULL) {
        session_warn(a, 12400, "out of memory: <Dial> is left out");
        d->noun = NULL;
        return VERB_ERROR;
    }
    memset(d->state, 0, d->noun->state_size);
    return d->noun->start(a, d);
}

static enum verb_result dial_on_event(struct activation *a, void *state, const struct event *ev)
{
    struct dial *d = state;

    if (ev->type == EVENT_RECORDED && ev->request == d->recording)
        return dial_recorded(a, d, ev->recorded.recording);
    if (d->outcome != NULL)
        return VERB_WAIT;
    return d->noun->on_event(a, d, ev);
}

static void dial_stop(struct activation *a, void *state)
{
    struct dial *d = state;

    if (d->noun != NULL && d->noun->stop != NULL)
        d->noun->stop(a, d);
}

const struct verb verb_dial = {
    .schema =
        {
            .name = "Dial",
            .parents = verb_in_response,
            .flags = SCHEMA_VOICE | SCHEMA_TEXT,
            .attrs = dial_attrs,
            .args_size = sizeof(struct dial_args),
            .nested_code = 13215,
            .check = dial_check,
            .text = "Calls somebody and joins both calls.",
        },
    .flags = VERB_KEEPS_RINGING,
    .state_size = sizeof(struct dial),
    .start = dial_start,
    .on_event = dial_on_event,
    .stop = dial_stop,
};
