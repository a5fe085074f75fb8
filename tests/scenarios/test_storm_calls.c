/* Weather over the whole exchange: callers, called parties, operators and networks do what they may
 * at instants drawn by lot, for hours of virtual time, while applications answer with documents
 * drawn by lot. However it goes: each leg begins once and ends once with one final status, nothing
 * is said of it afterwards, and nothing is left: no session, no channel, no memory.
 *
 *   STORM_SECONDS=60 build/plain/scenarios/test_storm_calls   longer (seconds of processor time)
 *   STORM_SEED=7 …                                             begins with this seed */
#include "base/map.h"
#include "base/mem.h"
#include "session/runtime.h"
#include "session/session.h"
#include "tests/scenarios/recorded.h"
#include "tests/scenarios/storm.h"
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

struct storm {
    struct rig *rig;
    struct sim *sim;
    struct lots lots;
    struct sim_caller *calls[CALLS_MAX];
    size_t n_calls;
    struct sim_callee *callees[CALLEES];
};

static unsigned long failed; /* allocations */

static void answer(struct sim_answer *a, const struct sim_request *rq, void *arg)
{
    struct lots *l = arg;

    a->body = storm_document(l, rq->url);
    a->len = 0;
    a->delay_ms = chance(l, 50) ? 0 : (int)lot(l, 1500);
    a->status = chance(l, 97) ? 200 : 500;
    a->failure = chance(l, 98) ? HTTP_DONE : HTTP_TIMEOUT;
}

/* --- the exchange --- */

static const char config[] =
    "number { '+1555*', voice = '" STORM_APP "/flow', voice_fallback = 'sorry.xml',\n"
    "  status_callback = '" STORM_APP "/told', status_callback_events = "
    "{ 'initiated', 'ringing', 'answered', 'completed' } }\n"
    "number { '+1777*', voice = 'storm.lua', voice_fallback = 'sorry.xml' }\n"
    "server { public_url = 'https://almon.test' }\n";

static const char handler[] =
    "local http = require 'http'\n"
    "return function(call)\n"
    "  call:on_hangup(function() http.get('" STORM_APP "/told') end)\n"
    "  for i = 1, 4 do\n"
    "    local p = call:dial{ timeout = 5, number = '+1666555010' .. math.random(0, 9) }\n"
    "    if p.dialCallStatus ~= 'completed' then call:say('Sorry.') end\n"
    "    call:run('<Response><Pause/><Redirect>" STORM_APP "/flow</Redirect></Response>')\n"
    "  end\n"
    "end\n";

static bool begin(struct storm *s, uint64_t seed)
{
    static const char *const urls[] = {STORM_APP "/flow", STORM_APP "/wait", STORM_APP "/whisper",
                                       STORM_APP "/taken"};
    struct sim_manner m = {.answers_ms = 1000, .refuses_ms = -1};
    char client[20];
    struct error err = {0};

    *s = (struct storm){.rig = rig_new(config)};
    if (s->rig == NULL)
        return false;
    s->sim = rig_sim(s->rig);
    rng_init_seeded(&s->lots.rng, seed);
    str_init(&s->lots.document, 1 << 16);
    rig_file(s->rig, "storm.lua", handler);
    rig_file(s->rig, "sorry.xml", "<Response><Say>Sorry.</Say></Response>");
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        if (sim_web(s->sim, &(struct sim_answer){.url = urls[i], .ask = answer, .arg = &s->lots},
                    &err) != 0)
            return false;
    rig_answer(s->rig, &(struct rig_answer){.url = STORM_APP "/told", .body = "", .delay_ms = 300});
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
    str_free(&s->lots.document);
}

/* --- what people do --- */

static void new_manner(struct storm *s)
{
    struct sim_callee *c = s->callees[lot(&s->lots, CALLEES)];
    struct sim_manner m = {.address = sim_callee_address(c),
                           .rings_ms = chance(&s->lots, 80) ? (int)lot(&s->lots, 2000) : -1,
                           .answers_ms = chance(&s->lots, 70) ? (int)lot(&s->lots, 6000) : -1,
                           .refuses_ms = chance(&s->lots, 40) ? (int)lot(&s->lots, 6000) : -1,
                           .cause = (enum cause)lot(&s->lots, CAUSE_LINK_LOST),
                           .away = chance(&s->lots, 10),
                           .early = chance(&s->lots, 20)};

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
    struct offer o = {.to = chance(&s->lots, 80) ? "+15550100" : "+17770100",
                      .from = "+15550199",
                      .params = chance(&s->lots, 50) ? sip : NULL,
                      .codec = chance(&s->lots, 80) ? CODEC_PCMU
                                                    : (enum codec)lot(&s->lots, CODEC_COUNT),
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
    unsigned who = lot(&s->lots, 2 * CALLEES);

    if (who < CALLEES) {
        for (size_t i = 0; i < s->n_calls; i++)
            if (!sim_caller_is_over(s->calls[i]) && lot(&s->lots, (unsigned)++n) == 0)
                c = s->calls[i];
        return c;
    }
    for (size_t i = 0; (next = sim_callee_call(s->callees[who - CALLEES], i)) != NULL; i++)
        if (!sim_caller_is_over(next) && lot(&s->lots, (unsigned)++n) == 0)
            c = next;
    return c;
}

/* What an operator does with recordings. */
static void act_on_recording(struct storm *s, const char *sid)
{
    struct record_options o = {.source = "StartCallRecordingAPI", .dual = chance(&s->lots, 50)};
    struct runtime *rt = sim_runtime(s->sim);
    struct error err = {0};
    char made[SID_SIZE];

    switch (lot(&s->lots, 4)) {
    case 0:
        runtime_record(rt, sid, &o, made, &err);
        break;
    case 1:
        runtime_recording_pause(rt, sid, chance(&s->lots, 50), &err);
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
    static const char *const targets[] = {STORM_APP "/flow", STORM_APP "/none", "sorry.xml",
                                          "storm.lua"};
    struct runtime *rt = sim_runtime(s->sim);
    char key[2] = {"0123456789*#"[lot(&s->lots, 12)], '\0'};
    struct error err = {0};

    switch (lot(&s->lots, 13)) {
    case 0:
        sim_caller_hangup(c);
        break;
    case 1:
        if (*sim_caller_sid(c) != '\0')
            runtime_hangup(rt, sim_caller_sid(c), &err);
        break;
    case 2:
        if (*sim_caller_sid(c) != '\0')
            runtime_redirect(rt, sim_caller_sid(c), targets[lot(&s->lots, 4)], &err);
        break;
    case 3:
        sim_caller_sends_tone(c, chance(&s->lots, 50) ? 0 : (int)(300 + 50 * lot(&s->lots, 8)));
        break;
    case 4:
        sim_caller_sends(c, chance(&s->lots, 50) ? SIM_NOTHING : SIM_SILENCE);
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
            sim_caller_refer_answers(c, chance(&s->lots, 70) ? 202 : 603, 100 * lot(&s->lots, 6));
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

/* What an operator does to a conference or a queue, whether there is one or not. */
static void operate(struct storm *s, const char *sid)
{
    static const char *const rooms[] = {"room0", "room1", "room2"};
    const char *room = rooms[lot(&s->lots, 3)], *queue = chance(&s->lots, 50) ? "queue0" : "queue1";
    struct runtime *rt = sim_runtime(s->sim);
    struct runtime_member_change change = {
        .muted = (enum runtime_switch)lot(&s->lots, 3),
        .held = (enum runtime_switch)lot(&s->lots, 3),
        .ends = (enum runtime_switch)lot(&s->lots, 3),
        .hold_url = chance(&s->lots, 30) ? STORM_APP "/wait" : NULL,
        .announce_url = chance(&s->lots, 30) ? STORM_APP "/wait" : NULL,
    };
    struct error err = {0};

    switch (lot(&s->lots, 6)) {
    case 0:
        runtime_room_end(rt, SIM_ACCOUNT, room, &err);
        break;
    case 1:
        runtime_room_announce(rt, SIM_ACCOUNT, room, STORM_APP "/wait", false, &err);
        break;
    case 2:
        runtime_member_kick(rt, SIM_ACCOUNT, room, sid, &err);
        break;
    case 3:
    case 4:
        runtime_member_change(rt, SIM_ACCOUNT, room, sid, &change, &err);
        break;
    default:
        runtime_dequeue(rt, SIM_ACCOUNT, queue, NULL, STORM_APP "/flow", &err);
    }
}

static bool act(struct storm *s)
{
    struct sim_caller *c;
    struct error err = {0};

    switch (lot(&s->lots, 9)) {
    case 0:
    case 1:
        new_call(s);
        return true;
    case 2:
        new_manner(s);
        return true;
    case 3:
        return lot(&s->lots, 100) != 0 || sim_break_link(s->sim, &err) == 0;
    case 4:
        c = somebody(s);
        operate(s, c != NULL && *sim_caller_sid(c) != '\0' ? sim_caller_sid(c) : "nobody");
        return true;
    default:
        c = somebody(s);
        if (c != NULL)
            act_on(s, c);
        return true;
    }
}

/* --- what must hold --- */

/* At every moment. */
static void look_at_room(const struct runtime_room *room, void *arg)
{
    if (room->members > 0)
        return;
    fprintf(stderr, "# nobody is in %s\n", room->sid);
    *(bool *)arg = false;
}

struct line_of_people {
    int size, seen; /* as it says, and as it lists */
    bool good;
};

static void look_at_queue(const struct queue_view *queue, const char *sid, int waited, void *arg)
{
    struct line_of_people *l = arg;

    if (sid == NULL) {
        l->good = l->good && l->seen == l->size && waited >= 0;
        l->size = queue->size;
        l->seen = 0;
    } else {
        l->seen++;
        l->good = l->good && queue->position == l->seen && waited >= 0;
    }
}

static bool is_in_order(struct storm *s)
{
    struct line_of_people line = {.good = true};
    bool good = true;

    runtime_rooms(sim_runtime(s->sim), look_at_room, &good);
    runtime_queues(sim_runtime(s->sim), look_at_queue, &line);
    if (line.good && line.seen == line.size)
        return good;
    fprintf(stderr, "# a queue of %d lists %d\n", line.size, line.seen);
    return false;
}

static void look_for_people(const struct queue_view *queue, const char *sid, int waited, void *arg)
{
    (void)queue;
    (void)waited;
    *(bool *)arg = *(bool *)arg && sid == NULL;
}

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

    bool queues = true;

    bridge_stats(sim_bridge(s->sim), &bridge);
    runtime_queues(sim_runtime(s->sim), look_for_people, &queues);
    runtime_stats(sim_runtime(s->sim), &calls);
    if (bridge.channels == 0 && calls.sessions == 0 && calls.rooms == 0 && queues)
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

/* In a build where memory can run out (VARIANT=torture) it does so, at a place drawn by lot. */
static void weather(struct storm *s, int64_t ms, bool short_of_memory)
{
    if (short_of_memory)
        mem_fail_at(1 + lot(&s->lots, 2000));
    sim_run(s->sim, ms, NULL, NULL);
    if (short_of_memory && mem_has_failed())
        failed++;
    mem_fail_at(0);
}

static bool spell(uint64_t seed, bool short_of_memory, unsigned long *legs)
{
    struct storm s;
    struct runtime_stats stats = {0};
    bool good = begin(&s, seed);

    while (good && sim_now(s.sim) < SPELL_MS && sim_lines(s.sim) < SIM_LINES * 9 / 10) {
        weather(&s, lot(&s.lots, 3) == 0 ? 0 : (int64_t)lot(&s.lots, 2000), short_of_memory);
        good = act(&s) && is_in_order(&s);
    }
    for (int i = 0; good && i < 5; i++) { /* what a hang-up sets free may call once more */
        all_hang_up(&s);
        sim_settles(s.sim);
    }
    good = good && nothing_is_left(&s) && (short_of_memory || all_ended_once(&s));
    if (good)
        runtime_stats(sim_runtime(s.sim), &stats);
    good = good && (short_of_memory || all_are_recorded(&s, stats.calls));
    if (good)
        *legs += stats.calls;
    end(&s);
    return good;
}

static bool storm(bool short_of_memory)
{
    const char *seconds = getenv("STORM_SECONDS"), *seed = getenv("STORM_SEED");
    clock_t until = clock() + (seconds != NULL ? atoi(seconds) : SECONDS) * CLOCKS_PER_SEC;
    uint64_t next = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    unsigned long legs = 0, spells = 0;
    long before = 0;
    bool good = true;

    while (good && (spells < SPELLS || clock() < until)) {
        good = spell(next, short_of_memory, &legs);
        if (!good)
            fprintf(stderr, "# STORM_SEED=%llu STORM_SECONDS=0\n", (unsigned long long)next);
        if (good && spells == 0)
            before = unit_live(); /* what the first leaves are caches of the process */
        if (good && unit_live() > before) {
            fprintf(stderr, "# seed %llu: %ld blocks left\n", (unsigned long long)next,
                    unit_live() - before);
            good = false;
        }
        spells++;
        next++;
    }
    fprintf(stderr, "# %lu spells of %d minutes, %lu legs\n", spells, SPELL_MS / 60000, legs);
    return good;
}

UNIT(calls_end_once_whatever_happens)
{
    ok(storm(false));
out:;
}

/* Memory runs out again and again: calls may fail, but they end, and nothing is lost. */
#ifdef ALMON_TORTURE
UNIT(calls_end_and_nothing_is_left_though_memory_runs_out)
{
    ok(storm(true));
    fprintf(stderr, "# %lu allocations failed\n", failed);
    ok(failed > 0);
out:;
}

UNIT_MAIN(NO_TORTURE(calls_end_once_whatever_happens),
          NO_TORTURE(calls_end_and_nothing_is_left_though_memory_runs_out))
#else
UNIT_MAIN(NO_TORTURE(calls_end_once_whatever_happens))
#endif
