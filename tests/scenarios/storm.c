#include "tests/scenarios/storm.h"

#include <string.h>

unsigned lot(struct lots *l, unsigned n)
{
    return (unsigned)(rng_u64(&l->rng) % n);
}

bool chance(struct lots *l, unsigned percent)
{
    return lot(l, 100) < percent;
}

static void add_sound(struct lots *l)
{
    static const char *const sounds[] = {"<Say>One or two.</Say>", "<Say>Sorry.</Say>", "<Pause/>",
                                         "<Pause length=\"3\"/>", "<Play digits=\"1w2\"/>"};

    str_add(&l->document, sounds[lot(l, sizeof sounds / sizeof *sounds)]);
}

/* One in thirty is a URL that cannot even be asked for. */
static void add_url(struct lots *l, const char *name, const char *url)
{
    str_addf(&l->document, " %s=\"%s\"", name, lot(l, 30) == 0 ? "ftp://app.test/" : url);
}

static void add_flag(struct lots *l, const char *name)
{
    if (chance(l, 40))
        str_addf(&l->document, " %s=\"%s\"", name, chance(l, 60) ? "true" : "false");
}

static void add_choice(struct lots *l, const char *name, const char *const *choices, unsigned n)
{
    if (chance(l, 40))
        str_addf(&l->document, " %s=\"%s\"", name, choices[lot(l, n)]);
}

static void add_gather(struct lots *l, const char *action)
{
    str_addf(&l->document, "<Gather numDigits=\"%u\" timeout=\"%u\"", 1 + lot(l, 3), 1 + lot(l, 4));
    add_url(l, "action", action);
    str_addc(&l->document, '>');
    add_sound(l);
    str_add(&l->document, "</Gather>");
}

static void add_record(struct lots *l)
{
    str_addf(&l->document, "<Record maxLength=\"%u\" timeout=\"%u\"", 4 + lot(l, 5), 1 + lot(l, 3));
    if (chance(l, 50))
        add_url(l, "recordingStatusCallback", STORM_APP "/told");
    add_url(l, "action", STORM_APP "/flow");
    str_add(&l->document, "/>");
}

static void add_party(struct lots *l)
{
    static const char *const nouns[][2] = {
        {"Number", "+1666555010%u"}, {"Client", "c%u"}, {"Sip", "sip:s%u@example.com"}};
    const char *const *noun = nouns[lot(l, 3)];

    str_addf(&l->document, "<%s", noun[0]);
    if (chance(l, 30))
        add_url(l, "url", STORM_APP "/whisper");
    if (chance(l, 30)) {
        add_url(l, "statusCallback", STORM_APP "/told");
        str_add(&l->document, " statusCallbackEvent=\"initiated ringing answered completed\"");
    }
    if (chance(l, 20) && noun == nouns[0])
        str_add(&l->document, " sendDigits=\"1w2\"");
    if (chance(l, 20) && noun != nouns[1]) {
        str_add(&l->document, " machineDetection=\"Enable\"");
        add_url(l, "amdStatusCallback", STORM_APP "/told");
    }
    str_addc(&l->document, '>');
    /* One in ten is nobody's address. */
    str_addf(&l->document, noun[1], chance(l, 90) ? lot(l, 10) : 100);
    str_addf(&l->document, "</%s>", noun[0]);
}

static void add_room(struct lots *l)
{
    static const char *const beeps[] = {"true", "false", "onEnter", "onExit"};
    static const char *const waits[] = {STORM_APP "/wait", "", STORM_APP "/none", "ftp://x"};
    static const char *const records[] = {"record-from-start", "do-not-record"};

    str_add(&l->document, "<Conference");
    add_flag(l, "muted");
    add_flag(l, "startConferenceOnEnter");
    add_flag(l, "endConferenceOnExit");
    add_choice(l, "beep", beeps, 4);
    add_choice(l, "waitUrl", waits, 4);
    add_choice(l, "record", records, 2);
    if (chance(l, 30))
        str_addf(&l->document, " maxParticipants=\"%u\"", 1 + lot(l, 4));
    if (chance(l, 50)) {
        add_url(l, "statusCallback", STORM_APP "/told");
        str_add(&l->document, " statusCallbackEvent=\"start end join leave mute hold modify "
                              "speaker announcement\"");
    }
    str_addf(&l->document, ">room%u</Conference>", lot(l, 3));
}

static void add_queue(struct lots *l)
{
    str_add(&l->document, "<Queue");
    if (chance(l, 40))
        add_url(l, "url", STORM_APP "/taken");
    str_addf(&l->document, ">queue%u</Queue>", lot(l, 2));
}

static void add_dial(struct lots *l)
{
    static const char *const tones[] = {"uk", "us", "de"};
    static const char *const records[] = {"record-from-answer", "record-from-ringing",
                                          "record-from-answer-dual", "record-from-ringing-dual"};
    unsigned kind = lot(l, 4), parties = 1 + lot(l, 3);

    str_addf(&l->document, "<Dial timeout=\"%u\"", 5 + lot(l, 4));
    add_flag(l, "hangupOnStar");
    add_flag(l, "answerOnBridge");
    add_flag(l, "sequential");
    add_choice(l, "ringTone", tones, 3);
    add_choice(l, "record", records, 4);
    if (chance(l, 30))
        str_addf(&l->document, " timeLimit=\"%u\"", 1 + lot(l, 20));
    if (chance(l, 50))
        add_url(l, "action", STORM_APP "/flow");
    if (chance(l, 30))
        add_url(l, "recordingStatusCallback", STORM_APP "/told");
    if (chance(l, 30))
        add_url(l, "referUrl", STORM_APP "/flow");
    str_addc(&l->document, '>');
    if (kind == 0)
        add_room(l);
    else if (kind == 1)
        add_queue(l);
    for (unsigned i = 0; kind > 1 && i < parties; i++)
        add_party(l);
    str_add(&l->document, "</Dial>");
}

static void add_enqueue(struct lots *l)
{
    static const char *const waits[] = {STORM_APP "/wait", "", STORM_APP "/none", "ftp://x"};

    str_add(&l->document, "<Enqueue");
    add_choice(l, "waitUrl", waits, 4);
    if (chance(l, 50))
        add_url(l, "action", STORM_APP "/flow");
    if (chance(l, 20))
        str_addf(&l->document, " maxQueueSize=\"%u\"", 1 + lot(l, 3));
    str_addf(&l->document, ">queue%u</Enqueue>", lot(l, 2));
}

/* A verb with an action takes over: what follows is not reached. */
static bool goes_elsewhere(const struct lots *l)
{
    const char *text = str_text(&l->document);

    return strstr(text, " action=") != NULL || strstr(text, "<Redirect") != NULL;
}

static void add_flow(struct lots *l)
{
    for (unsigned n = 1 + lot(l, 3); n > 0 && !goes_elsewhere(l); n--) {
        switch (lot(l, 12)) {
        case 0:
            add_gather(l, STORM_APP "/flow");
            break;
        case 1:
            add_record(l);
            break;
        case 2:
        case 3:
            add_enqueue(l);
            break;
        case 4:
            str_add(&l->document, "<Redirect>" STORM_APP "/flow</Redirect>");
            break;
        case 5:
            str_add(&l->document, chance(l, 50)   ? "<Start><Recording name=\"r\"/></Start>"
                                  : chance(l, 50) ? "<Stop><Recording name=\"r\"/></Stop>"
                                                  : "<Refer><Sip>sip:x@example.com</Sip></Refer>");
            break;
        case 6:
        case 7:
            add_sound(l);
            break;
        default:
            add_dial(l);
        }
    }
}

/* What is heard while waiting, or before both talk. */
static void add_aside(struct lots *l, const char *url)
{
    for (unsigned n = lot(l, 3); n > 0; n--)
        add_sound(l);
    switch (lot(l, 8)) {
    case 0:
        str_add(&l->document, "<Leave/>");
        break;
    case 1:
        str_add(&l->document, "<Hangup/>");
        break;
    case 2:
        add_gather(l, url);
        break;
    case 3:
        str_add(&l->document, "<Pause/><Redirect/>");
        break;
    case 4:
        str_add(&l->document, "<Dial>+16665550101</Dial>"); /* not allowed there */
        break;
    default:
        break;
    }
}

const char *storm_document(struct lots *l, const char *url)
{
    str_reset(&l->document);
    str_add(&l->document, "<Response>");
    if (strcmp(url, STORM_APP "/flow") == 0)
        add_flow(l);
    else
        add_aside(l, url);
    str_add(&l->document, "</Response>");
    return str_text(&l->document);
}
