/* Weather over the whole exchange: callers, called parties, operators and networks do what they may
 * at instants drawn by lot, for hours of virtual time, while applications answer with documents
 * drawn by lot. However it goes: each leg begins once and ends once with one final status, nothing
 * is said of it afterwards, and nothing is left: no session, no channel, no memory.
 *
 *   STORM_SECONDS=60 build/plain/scenarios/test_storm_calls   longer (seconds of processor time)
 *   STORM_SEED=7 …                                             begins with this seed */
#include "base/map.h"
#include "base/mem.h"
#include "base/sid.h"
#include "base/str.h"
#include "session/runtime.h"
#include "session/session.h"
#include "tests/scenarios/recorded.h"
#include "tests/unit/unit.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SPELL_MS = 20 * 60 * 1000, /* of virtual time under one seed */
    SPELLS = 3,                /* at least */
    SECONDS = 4,               /* of processor time */
    CALLERS = 8,               /* at once, of their own accord */
    CALLS_MAX = 2000,
    CLIENTS = 8, /* the rest of those that are dialled are not there */
    CALLEES = CLIENTS + 2,
};

#define APP "http://app.test"

struct storm {
    struct rig *rig;
    struct sim *sim;
    struct rng rng;
    struct str document;
    struct sim_caller *calls[CALLS_MAX];
    size_t n_calls;
    struct sim_callee *callees[CALLEES];
};

static unsigned lot(struct storm *s, unsigned n)
{
    return (unsigned)(rng_u64(&s->rng) % n);
}

/* True in `percent` of all cases. */
static bool chance(struct storm *s, unsigned percent)
{
    return lot(s, 100) < percent;
}

/* --- documents --- */

static void add_sound(struct storm *s)
{
    static const char *const sounds[] = {"<Say>One or two.</Say>", "<Say>Sorry.</Say>", "<Pause/>",
                                         "<Pause length=\"3\"/>", "<Play digits=\"1w2\"/>"};

    str_add(&s->document, sounds[lot(s, sizeof sounds / sizeof *sounds)]);
}

static void add_flag(struct storm *s, const char *name)
{
    if (chance(s, 40))
        str_addf(&s->document, " %s=\"%s\"", name, chance(s, 60) ? "true" : "false");
}

static void add_choice(struct storm *s, const char *name, const char *const *choices, unsigned n)
{
    if (chance(s, 40))
        str_addf(&s->document, " %s=\"%s\"", name, choices[lot(s, n)]);
}

static void add_gather(struct storm *s, const char *action)
{
    str_addf(&s->document, "<Gather numDigits=\"%u\" timeout=\"%u\"", 1 + lot(s, 3), 1 + lot(s, 4));
    str_addf(&s->document, " action=\"%s\">", action);
    add_sound(s);
    str_add(&s->document, "</Gather>");
}

static void add_record(struct storm *s)
{
    str_addf(&s->document, "<Record maxLength=\"%u\" timeout=\"%u\"", 4 + lot(s, 5), 1 + lot(s, 3));
    if (chance(s, 50))
        str_add(&s->document, " recordingStatusCallback=\"" APP "/told\"");
    str_add(&s->document, " action=\"" APP "/flow\"/>");
}

static void add_party(struct storm *s)
{
    static const char *const nouns[][2] = {
        {"Number", "+1666555010%u"}, {"Client", "c%u"}, {"Sip", "sip:s%u@example.com"}};
    const char *const *noun = nouns[lot(s, 3)];

    str_addf(&s->document, "<%s", noun[0]);
    if (chance(s, 30))
        str_add(&s->document, " url=\"" APP "/whisper\"");
    if (chance(s, 30))
        str_add(&s->document, " statusCallback=\"" APP "/told\""
                              " statusCallbackEvent=\"initiated ringing answered completed\"");
    if (chance(s, 20) && noun == nouns[0])
        str_add(&s->document, " sendDigits=\"1w2\"");
    if (chance(s, 20) && noun != nouns[1])
        str_add(&s->document, " machineDetection=\"Enable\" amdStatusCallback=\"" APP "/told\"");
    str_addc(&s->document, '>');
    /* One in ten is nobody's address. */
    str_addf(&s->document, noun[1], chance(s, 90) ? lot(s, 10) : 100);
    str_addf(&s->document, "</%s>", noun[0]);
}

static void add_room(struct storm *s)
{
    static const char *const beeps[] = {"true", "false", "onEnter", "onExit"};
    static const char *const waits[] = {APP "/wait", "", APP "/none"};
    static const char *const records[] = {"record-from-start", "do-not-record"};

    str_add(&s->document, "<Conference");
    add_flag(s, "muted");
    add_flag(s, "startConferenceOnEnter");
    add_flag(s, "endConferenceOnExit");
    add_choice(s, "beep", beeps, 4);
    add_choice(s, "waitUrl", waits, 3);
    add_choice(s, "record", records, 2);
    if (chance(s, 30))
        str_addf(&s->document, " maxParticipants=\"%u\"", 1 + lot(s, 4));
    if (chance(s, 50))
        str_add(&s->document, " statusCallback=\"" APP "/told\" statusCallbackEvent=\"start end "
                              "join leave mute hold modify speaker announcement\"");
    str_addf(&s->document, ">room%u</Conference>", lot(s, 3));
}

static void add_dial(struct storm *s)
{
    static const char *const tones[] = {"uk", "us", "de"};
    static const char *const records[] = {"record-from-answer", "record-from-ringing",
                                          "record-from-answer-dual", "record-from-ringing-dual"};
    unsigned kind = lot(s, 4), parties = 1 + lot(s, 3);

    str_addf(&s->document, "<Dial timeout=\"%u\"", 5 + lot(s, 4));
    add_flag(s, "hangupOnStar");
    add_flag(s, "answerOnBridge");
    add_flag(s, "sequential");
    add_choice(s, "ringTone", tones, 3);
    add_choice(s, "record", records, 4);
    if (chance(s, 30))
        str_addf(&s->document, " timeLimit=\"%u\"", 1 + lot(s, 20));
    if (chance(s, 50))
        str_add(&s->document, " action=\"" APP "/flow\"");
    if (chance(s, 30))
        str_add(&s->document, " recordingStatusCallback=\"" APP "/told\"");
    if (chance(s, 30))
        str_add(&s->document, " referUrl=\"" APP "/flow\"");
    str_addc(&s->document, '>');
    if (kind == 0)
        add_room(s);
    else if (kind == 1)
        str_addf(&s->document, "<Queue%s>queue%u</Queue>",
                 chance(s, 40) ? " url=\"" APP "/taken\"" : "", lot(s, 2));
    for (unsigned i = 0; kind > 1 && i < parties; i++)
        add_party(s);
    str_add(&s->document, "</Dial>");
}

static void add_enqueue(struct storm *s)
{
    static const char *const waits[] = {APP "/wait", "", APP "/none"};

    str_add(&s->document, "<Enqueue");
    add_choice(s, "waitUrl", waits, 3);
    if (chance(s, 50))
        str_add(&s->document, " action=\"" APP "/flow\"");
    if (chance(s, 20))
        str_addf(&s->document, " maxQueueSize=\"%u\"", 1 + lot(s, 3));
    str_addf(&s->document, ">queue%u</Enqueue>", lot(s, 2));
}

/* A verb with an action takes over: what follows is not reached. */
static bool goes_elsewhere(const struct storm *s)
{
    const char *text = str_text(&s->document);

    return strstr(text, " action=") != NULL || strstr(text, "<Redirect") != NULL;
}

static void add_flow(struct storm *s)
{
    for (unsigned n = 1 + lot(s, 3); n > 0 && !goes_elsewhere(s); n--) {
        switch (lot(s, 12)) {
        case 0:
            add_gather(s, APP "/flow");
            break;
        case 1:
            add_record(s);
            break;
        case 2:
        case 3:
            add_enqueue(s);
            break;
        case 4:
            str_add(&s->document, "<Redirect>" APP "/flow</Redirect>");
            break;
        case 5:
            str_add(&s->document, chance(s, 50)   ? "<Start><Recording name=\"r\"/></Start>"
                                  : chance(s, 50) ? "<Stop><Recording name=\"r\"/></Stop>"
                                                  : "<Refer><Sip>sip:x@example.com</Sip></Refer>");
            break;
        case 6:
        case 7:
            add_sound(s);
            break;
        default:
            add_dial(s);
        }
    }
}

/* What is heard while waiting, or before both talk. */
static void add_aside(struct storm *s, const char *url)
{
    for (unsigned n = lot(s, 3); n > 0; n--)
        add_sound(s);
    switch (lot(s, 8)) {
    case 0:
        str_add(&s->document, "<Leave/>");
        break;
    case 1:
        str_add(&s->document, "<Hangup/>");
        break;
    case 2:
        add_gather(s, url);
        break;
    case 3:
        str_add(&s->document, "<Pause/><Redirect/>");
        break;
    case 4:
        str_add(&s->document, "<Dial>+16665550101</Dial>"); /* not allowed there */
        break;
    default:
        break;
    }
}

static void answer(struct sim_answer *a, const struct sim_request *rq, void *arg)
{
    struct storm *s = arg;

    str_reset(&s->document);
    str_add(&s->document, "<Response>");
    if (strcmp(rq->url, APP "/flow") == 0)
        add_flow(s);
    else
        add_aside(s, rq->url);
    str_add(&s->document, "</Response>");
    a->body = str_text(&s->document);
    a->len = 0;
    a->delay_ms = chance(s, 50) ? 0 : (int)lot(s, 1500);
    a->status = chance(s, 97) ? 200 : 500;
    a->failure = chance(s, 98) ? HTTP_DONE : HTTP_TIMEOUT;
}

/* --- the exchange --- */

static const char config[] =
    "number { '+1555*', voice = '" APP "/flow', voice_fallback = 'sorry.xml',\n"
    "  status_callback = '" APP "/told', status_callback_events = "
    "{ 'initiated', 'ringing', 'answered', 'completed' } }\n"
    "number { '+1777*', voice = 'storm.lua', voice_fallback = 'sorry.xml' }\n"
    "server { public_url = 'https://almon.test' }\n";

static const char handler[] =
    "local http = require 'http'\n"
    "return function(call)\n"
    "  call:on_hangup(function() http.get('" APP "/told') end)\n"
    "  for i = 1, 4 do\n"
    "    local p = call:dial{ timeout = 5, number = '+1666555010' .. math.random(0, 9) }\n"
    "    if p.dialCallStatus ~= 'completed' then call:say('Sorry.') end\n"
    "    call:run('<Response><Pause/><Redirect>" APP "/flow</Redirect></Response>')\n"
    "  end\n"
    "end\n";

static bool begin(struct storm *s, uint64_t seed)
{
    static const char *const urls[] = {APP "/flow", APP "/wait", APP "/whisper", APP "/taken"};
    struct sim_manner m = {.answers_ms = 1000, .refuses_ms = -1};
    char client[20];
    struct error err = {0};

    *s = (struct storm){.rig = rig_new(config)};
    if (s->rig == NULL)
        return false;
    s->sim = rig_sim(s->rig);
    rng_init_seeded(&s->rng, seed);
    str_init(&s->document, 1 << 16);
    rig_file(s->rig, "storm.lua", handler);
    rig_file(s->rig, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        if (sim_web(s->sim, &(struct sim_answer){.url = urls[i], .ask = answer, .arg = s}, &err) !=
            0)
            return false;
    rig_answer(s->rig, &(struct rig_answer){.url = APP "/told", .body = "", .delay_ms = 300});
    m.address = "+1666*";
    s->callees[CLIENTS] = rig_callee(s->rig, &m);
    m.address = "sip:s*";
    s->callees[CLIENTS + 1] = rig_callee(s->rig, &m);
    m.address = client;
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(client, sizeof client, "client:c%d", i);
        s->callees[i] = rig_callee(s->rig, &m);
    }
    return true;
}

static void end(struct storm *s)
{
    rig_free(s->rig);
    str_free(&s->document);
}

/* --- what people do --- */

static void new_manner(struct storm *s)
{
    struct sim_callee *c = s->callees[lot(s, CALLEES)];
    struct sim_manner m = {.address = sim_callee_address(c),
                           .rings_ms = chance(s, 80) ? (int)lot(s, 2000) : -1,
                           .answers_ms = chance(s, 70) ? (int)lot(s, 6000) : -1,
                           .refuses_ms = chance(s, 40) ? (int)lot(s, 6000) : -1,
                           .cause = (enum cause)lot(s, CAUSE_LINK_LOST),
                           .away = chance(s, 10)};

    rig_callee(s->rig, &m);
}

static unsigned live(const struct storm *s)
{
    unsigned n = 0;

    for (size_t i = 0; i < s->n_calls; i++)
        n += !sim_caller_is_over(s->calls[i]);
    return n;
}

static void new_call(struct storm *s)
{
    static const char *const sip[] = {"SipCallId", "4711", NULL};
    struct offer o = {.to = chance(s, 80) ? "+15550100" : "+17770100",
                      .from = "+15550199",
                      .params = chance(s, 50) ? sip : NULL,
                      .codec = chance(s, 80) ? CODEC_PCMU : (enum codec)lot(s, CODEC_COUNT),
                      .dtmf_events = true};
    struct error err = {0};

    if (s->n_calls == CALLS_MAX || live(s) >= CALLERS)
        return;
    if (sim_call(s->sim, &o, &s->calls[s->n_calls], &err) == 0)
        s->n_calls++;
}

/* Somebody whose call is not over, whoever called whom; NULL when the lot fell on none. */
static struct sim_caller *somebody(struct storm *s)
{
    struct sim_caller *c = NULL, *next;
    size_t n = 0;
    unsigned who = lot(s, 2 * CALLEES);

    if (who < CALLEES) {
        for (size_t i = 0; i < s->n_calls; i++)
            if (!sim_caller_is_over(s->calls[i]) && lot(s, (unsigned)++n) == 0)
                c = s->calls[i];
        return c;
    }
    for (size_t i = 0; (next = sim_callee_call(s->callees[who - CALLEES], i)) != NULL; i++)
        if (!sim_caller_is_over(next) && lot(s, (unsigned)++n) == 0)
            c = next;
    return c;
}

/* What an operator does with recordings. */
static void act_on_recording(struct storm *s, const char *sid)
{
    struct record_options o = {.source = "StartCallRecordingAPI", .dual = chance(s, 50)};
    struct runtime *rt = sim_runtime(s->sim);
    struct error err = {0};
    char made[SID_SIZE];

    switch (lot(s, 4)) {
    case 0:
        runtime_record(rt, sid, &o, made, &err);
        break;
    case 1:
        runtime_recording_pause(rt, sid, chance(s, 50), &err);
        break;
    case 2:
        runtime_recording_resume(rt, sid, &err);
        break;
    default:
        runtime_recording_stop(rt, sid, &err);
    }
}

static void act_on(struct storm *s, struct sim_caller *c)
{
    static const char *const targets[] = {APP "/flow", APP "/none", "sorry.xml", "storm.lua"};
    struct runtime *rt = sim_runtime(s->sim);
    char key[2] = {"0123456789*#"[lot(s, 12)], '\0'};
    struct error err = {0};

    switch (lot(s, 13)) {
    case 0:
        sim_caller_hangup(c);
        break;
    case 1:
        if (*sim_caller_sid(c) != '\0')
            runtime_hangup(rt, sim_caller_sid(c), &err);
        break;
    case 2:
        if (*sim_caller_sid(c) != '\0')
            runtime_redirect(rt, sim_caller_sid(c), targets[lot(s, 4)], &err);
        break;
    case 3:
        sim_caller_sends_tone(c, chance(s, 50) ? 0 : (int)(300 + 50 * lot(s, 8)));
        break;
    case 4:
        sim_caller_sends(c, chance(s, 50) ? SIM_NOTHING : SIM_SILENCE);
        break;
    case 5:
        sim_caller_answer(c);
        break;
    case 6:
        if (sim_caller_is_answered(c))
            sim_caller_refers(c, "sip:carol@example.com", NULL);
        break;
    case 7:
        if (sim_caller_is_answered(c))
            sim_caller_refer_answers(c, chance(s, 70) ? 202 : 603, 100 * lot(s, 6));
        break;
    case 8:
        if (*sim_caller_sid(c) != '\0')
            act_on_recording(s, sim_caller_sid(c));
        break;
    default:
        if (sim_caller_is_answered(c))
            sim_caller_press(c, key);
    }
}

static bool act(struct storm *s)
{
    struct sim_caller *c;
    struct error err = {0};

    switch (lot(s, 8)) {
    case 0:
    case 1:
        new_call(s);
        return true;
    case 2:
        new_manner(s);
        return true;
    case 3:
        return lot(s, 100) != 0 || sim_break_link(s->sim, &err) == 0;
    default:
        c = somebody(s);
        if (c != NULL)
            act_on(s, c);
        return true;
    }
}

/* --- what must hold --- */

struct fate {
    int starts, finals, ends;
};

static bool is_final(const char *status)
{
    static const char *const finals[] = {"completed", "busy", "failed", "no-answer", "canceled"};

    for (size_t i = 0; status != NULL && i < sizeof finals / sizeof *finals; i++)
        if (strcmp(finals[i], status) == 0)
            return true;
    return false;
}

static bool read_line(struct map *fates, const struct sim_line *line)
{
    json_t *j = json_loads(line->text, 0, NULL);
    const char *e = json_string_value(json_object_get(j, "e"));
    struct fate *f = map_get(fates, line->sid);
    bool good = e != NULL;

    if (f == NULL && (f = mem_alloc(sizeof *f)) != NULL && map_set(fates, line->sid, f) != 0)
        good = false;
    if (!good || f == NULL || f->ends > 0) {
        fprintf(stderr, "# %s after its end: %s\n", line->sid, line->text);
        json_decref(j);
        return false;
    }
    f->starts += strcmp(e, "start") == 0;
    f->ends += strcmp(e, "end") == 0;
    f->finals += strcmp(e, "state") == 0 && is_final(json_string_value(json_object_get(j, "new")));
    if (strcmp(e, "end") == 0)
        good = is_final(json_string_value(json_object_get(j, "status")));
    json_decref(j);
    return good;
}

static void look_at_fate(const char *sid, void *value, void *arg)
{
    struct fate *f = value;
    bool *good = arg;
    int starts = sid[0] == 'C' && sid[1] == 'A'; /* a conference's journal is no call's */

    if (f->starts != starts || f->finals != 1 || f->ends != 1) {
        fprintf(stderr, "# %s began %d times, %d final states, ended %d times\n", sid, f->starts,
                f->finals, f->ends);
        *good = false;
    }
    mem_free(f);
}

static bool all_ended_once(struct storm *s)
{
    struct map fates = {0};
    const struct sim_line *line;
    bool good = true;

    for (size_t i = 0; good && (line = sim_line_at(s->sim, i)) != NULL; i++)
        good = read_line(&fates, line);
    map_each(&fates, look_at_fate, &good);
    map_free(&fates);
    return good;
}

/* One record for each call that there was, and one for each recording. */
static bool all_are_recorded(struct storm *s, uint64_t calls)
{
    char path[600], line[65536];
    struct map seen = {0};
    bool good = true;
    uint64_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/state/calls/2026-01-01.jsonl", rig_folder(s->rig));
    f = fopen(path, "r");
    for (; f != NULL && good && fgets(line, sizeof line, f) != NULL; n++) {
        json_t *record = json_loads(line, 0, NULL);
        const char *sid = json_string_value(json_object_get(record, "sid"));

        good = sid != NULL && map_get(&seen, sid) == NULL && map_set(&seen, sid, s) == 0 &&
               is_final(json_string_value(json_object_get(record, "status")));
        if (!good)
            fprintf(stderr, "# record: %s", line);
        json_decref(record);
    }
    if (f != NULL)
        fclose(f);
    map_free(&seen);
    if (n != calls)
        fprintf(stderr, "# %llu calls, but %llu records\n", (unsigned long long)calls,
                (unsigned long long)n);
    return good && n == calls && recorded_files(s->rig, ".part.wav") == 0;
}

static bool nothing_is_left(struct storm *s)
{
    struct bridge_stats bridge;
    struct runtime_stats calls;

    bridge_stats(sim_bridge(s->sim), &bridge);
    runtime_stats(sim_runtime(s->sim), &calls);
    if (bridge.channels == 0 && calls.sessions == 0 && calls.rooms == 0)
        return true;
    fprintf(stderr, "# left: %u sessions, %u rooms, %u channels\n", calls.sessions, calls.rooms,
            bridge.channels);
    return false;
}

static void all_hang_up(struct storm *s)
{
    struct sim_caller *c;

    for (size_t i = 0; i < s->n_calls; i++)
        sim_caller_hangup(s->calls[i]);
    for (size_t k = 0; k < CALLEES; k++)
        for (size_t i = 0; (c = sim_callee_call(s->callees[k], i)) != NULL; i++)
            sim_caller_hangup(c);
}

static bool spell(uint64_t seed, unsigned long *legs)
{
    struct storm s;
    struct runtime_stats stats = {0};
    bool good = begin(&s, seed);

    while (good && sim_now(s.sim) < SPELL_MS && sim_lines(s.sim) < SIM_LINES * 9 / 10) {
        sim_run(s.sim, lot(&s, 3) == 0 ? 0 : (int64_t)lot(&s, 2000), NULL, NULL);
        good = act(&s);
    }
    for (int i = 0; good && i < 5; i++) { /* what a hang-up sets free may call once more */
        all_hang_up(&s);
        sim_settles(s.sim);
    }
    good = good && nothing_is_left(&s) && all_ended_once(&s);
    if (good)
        runtime_stats(sim_runtime(s.sim), &stats);
    good = good && all_are_recorded(&s, stats.calls);
    if (good) {
        *legs += stats.calls;
    }
    end(&s);
    return good;
}

UNIT(calls_end_once_whatever_happens)
{
    const char *seconds = getenv("STORM_SECONDS"), *seed = getenv("STORM_SEED");
    clock_t until = clock() + (seconds != NULL ? atoi(seconds) : SECONDS) * CLOCKS_PER_SEC;
    uint64_t next = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    unsigned long legs = 0, spells = 0;
    long before = 0;
    bool good = true;

    while (good && (spells < SPELLS || clock() < until)) {
        good = spell(next, &legs);
        if (!good)
            fprintf(stderr, "# STORM_SEED=%llu STORM_SECONDS=0\n", (unsigned long long)next);
        if (good && spells == 0)
            before = mem_live(); /* what the first leaves are caches of the process */
        if (good && mem_live() > before) {
            fprintf(stderr, "# seed %llu: %ld blocks left\n", (unsigned long long)next,
                    mem_live() - before);
            good = false;
        }
        spells++;
        next++;
    }
    fprintf(stderr, "# %lu spells of %d minutes, %lu legs\n", spells, SPELL_MS / 60000, legs);
    ok(good);
out:;
}

UNIT_MAIN(NO_TORTURE(calls_end_once_whatever_happens))
