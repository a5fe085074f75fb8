/* Conferences while memory runs out at every place in turn, and while everybody comes, goes and is
 * changed at random: whatever happens, no room without members stays, no member without a room. */
#include "base/mem.h"
#include "base/sid.h"
#include "sim/sim.h"
#include "tests/unit/unit.h"
#include "verbs/verbs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APP "http://app.test/"

static const char *const pages[][2] = {
    {APP "first", "<Response><Dial action=\"/after\"><Conference waitUrl=\"/wait\" "
                  "statusCallback=\"/told\" statusCallbackEvent=\"start end join leave mute hold "
                  "modify speaker announcement\" record=\"record-from-start\" participantLabel="
                  "\"a\" recordingStatusCallback=\"/told\">Room</Conference></Dial></Response>"},
    {APP "second", "<Response><Dial><Conference endConferenceOnExit=\"true\">Room</Conference>"
                   "</Dial><Redirect>/after</Redirect></Response>"},
    {APP "wait", "<Response><Pause length=\"1\"/><Redirect/></Response>"},
    {APP "announce", "<Response><Play digits=\"1\"/><Pause length=\"1\"/></Response>"},
    {APP "after", "<Response><Hangup/></Response>"},
    {APP "told", ""},
    {APP "host", "<Response><Dial><Conference beep=\"false\" endConferenceOnExit=\"true\" "
                 "statusCallback=\"/told\" statusCallbackEvent=\"leave end\">Room</Conference>"
                 "</Dial></Response>"},
    {APP "guest", "<Response><Dial><Conference>Room</Conference></Dial></Response>"},
};

static int open_exchange(struct sim **sp, struct error *err)
{
    static char folder[300], path[320];
    struct sim_options o = {
        .config = "number { '+15551', voice = '" APP "first' }"
                  "number { '+15552', voice = '" APP "second' }"
                  "number { '+15553', voice = '" APP "host' }"
                  "number { '+15554', voice = '" APP "guest' }",
        .folder = folder,
        .path = path,
        .speech = "build/test-speech",
        .seed = 1,
        .verbs = verb_table,
    };
    int rc;

    snprintf(folder, sizeof folder, "%s/sim", unit_folder());
    snprintf(path, sizeof path, "%s/almon.lua", folder);
    rc = sim_new(sp, &o, err);
    for (size_t i = 0; rc == 0 && i < sizeof pages / sizeof *pages; i++)
        rc = sim_web(*sp, &(struct sim_answer){.url = pages[i][0], .body = pages[i][1]}, err);
    return rc;
}

static int call(struct sim *s, const char *to, struct sim_caller **cp, struct error *err)
{
    const struct offer offer = {
        .from = "+15550199", .to = to, .codec = CODEC_PCMU, .dtmf_events = true};
    int rc = sim_call(s, &offer, cp, err);

    if (rc == 0)
        sim_run(s, 100, NULL, NULL);
    return rc;
}

/* What the operator does may fail for want of memory; what counts is that all ends well. */
static void act(struct sim *s, struct error *err)
{
    struct runtime *rt = sim_runtime(s);
    static const struct runtime_member_change changes[] = {
        {.held = RUNTIME_ON, .hold_url = APP "wait"},
        {.held = RUNTIME_OFF, .muted = RUNTIME_ON, .announce_url = APP "announce"},
        {.muted = RUNTIME_OFF, .ends = RUNTIME_ON},
    };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        runtime_member_change(rt, SIM_ACCOUNT, "Room", "a", &changes[i], err);
        sim_run(s, 500, NULL, NULL);
    }
    runtime_room_announce(rt, SIM_ACCOUNT, "Room", APP "announce", false, err);
    sim_run(s, 3000, NULL, NULL);
}

UNIT(a_conference_ends_and_nothing_stays_behind)
{
    struct sim *s = NULL;
    struct sim_caller *ann, *bob;
    struct error err = {0};
    struct runtime_stats stats;

    ok_rc(open_exchange(&s, &err), &err);
    ok_rc(call(s, "+15551", &ann, &err), &err);
    sim_caller_sends(ann, SIM_TONE);
    ok_rc(call(s, "+15552", &bob, &err), &err);
    act(s, &err);
    sim_caller_hangup(bob);
    sim_run(s, 1000, NULL, NULL);
    sim_caller_hangup(ann);
    ok(sim_settles(s));
    runtime_stats(sim_runtime(s), &stats);
    ok_int(stats.rooms, 0);
    ok_int(stats.sessions, 0);
out:
    sim_free(s);
}

/* --- the sound --- */

/* The sample rate in the header of the only recording of this exchange; 0 when there is none. */
static unsigned recorded_rate(void)
{
    unsigned char head[28];
    unsigned rate = 0;
    char folder[400], path[800];
    struct dirent *e;
    DIR *d;
    FILE *f;

    snprintf(folder, sizeof folder, "%s/sim/state/recordings/" SIM_ACCOUNT, unit_folder());
    d = opendir(folder);
    while (d != NULL && rate == 0 && (e = readdir(d)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        f = strstr(path, ".wav") != NULL ? fopen(path, "rb") : NULL;
        if (f != NULL && fread(head, 1, sizeof head, f) == sizeof head)
            rate = head[24] | (unsigned)head[25] << 8;
        if (f != NULL)
            fclose(f);
    }
    if (d != NULL)
        closedir(d);
    return rate;
}

/* One caller of wide band among others is enough. */
UNIT(a_room_sounds_as_well_as_its_best_caller)
{
    static const enum codec codecs[] = {CODEC_PCMA, CODEC_L16_16};
    struct sim *s = NULL;
    struct sim_caller *callers[2];
    struct error err = {0};

    ok_rc(open_exchange(&s, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        const struct offer offer = {.from = "+15550199",
                                    .to = i == 0 ? "+15551" : "+15552",
                                    .codec = codecs[i],
                                    .dtmf_events = true};

        ok_rc(sim_call(s, &offer, &callers[i], &err), &err);
        sim_caller_sends(callers[i], SIM_TONE);
        sim_run(s, 500, NULL, NULL);
    }
    sim_run(s, 2000, NULL, NULL);
    sim_caller_hangup(callers[1]);
    sim_settles(s);
    ok_int(recorded_rate(), 16000);
out:
    sim_free(s);
}

/* --- many --- */

enum { MANY = 250 };

static void count_calls(const struct runtime_room *r, void *arg)
{
    unsigned *n = arg;

    *n += r->members;
}

/* All leave at once when the one does who may end it: nobody's leaving is lost, and the application
 * hears of all in order. */
UNIT(of_many_who_leave_at_once_every_one_is_told)
{
    struct sim *s = NULL;
    struct sim_caller *host, *guest;
    struct error err = {0};
    const struct sim_request *rq;
    unsigned members = 0, told = 0;

    ok_rc(open_exchange(&s, &err), &err);
    ok_rc(call(s, "+15553", &host, &err), &err);
    sim_run(s, 1000, NULL, NULL);
    for (int i = 1; i < MANY; i++)
        ok_rc(call(s, "+15554", &guest, &err), &err);
    runtime_rooms(sim_runtime(s), count_calls, &members);
    ok_int(members, MANY);
    sim_caller_hangup(host);
    ok(sim_settles(s));
    for (size_t i = 0; (rq = sim_request_at(s, i)) != NULL; i++) {
        char number[40];

        if (strcmp(rq->url, APP "told") != 0)
            continue;
        snprintf(number, sizeof number, "SequenceNumber=%u&", told++);
        ok(strstr(rq->form, number) != NULL);
        ok(strstr(rq->form, told <= MANY ? "participant-leave" : "conference-end") != NULL);
    }
    ok_int(told, MANY + 1);
out:
    sim_free(s);
}

/* --- everything at random --- */

enum { PEOPLE = 12, STEPS = 1500 };

struct storm {
    struct sim *sim;
    struct rng rng;
    struct sim_caller *callers[PEOPLE]; /* NULL: not in a call */
};

static unsigned lot(struct storm *s, unsigned n)
{
    return (unsigned)(rng_u64(&s->rng) % n);
}

static const char *sid_of(struct storm *s)
{
    const struct sim_caller *c = s->callers[lot(s, PEOPLE)];

    return c != NULL ? sim_caller_sid(c) : "a";
}

static void come_or_go(struct storm *s)
{
    unsigned i = lot(s, PEOPLE);
    struct offer offer = {.from = "+15550199",
                          .to = lot(s, 3) == 0 ? "+15552" : "+15551",
                          .codec = lot(s, 2) == 0 ? CODEC_PCMU : CODEC_L16_16,
                          .dtmf_events = true};

    if (s->callers[i] == NULL || sim_caller_is_over(s->callers[i])) {
        if (sim_call(s->sim, &offer, &s->callers[i], NULL) != 0)
            s->callers[i] = NULL;
        else
            sim_caller_sends(s->callers[i], lot(s, 2) == 0 ? SIM_TONE : SIM_SILENCE);
    } else {
        sim_caller_hangup(s->callers[i]);
    }
}

static void change(struct storm *s)
{
    static const char *const urls[] = {NULL, APP "wait", "", APP "nothing"};
    struct runtime_member_change c = {
        .muted = lot(s, 3),
        .held = lot(s, 3),
        .ends = lot(s, 3),
        .coaching = lot(s, 3),
        .beep_exit = lot(s, 3),
        .hold_url = urls[lot(s, 4)],
        .wait_url = urls[lot(s, 4)],
        .announce_url = lot(s, 4) == 0 ? APP "announce" : NULL,
    };

    if (lot(s, 2) == 0)
        c.coach = sid_of(s);
    runtime_member_change(sim_runtime(s->sim), SIM_ACCOUNT, "Room", sid_of(s), &c, NULL);
}

static void operate(struct storm *s)
{
    struct runtime *rt = sim_runtime(s->sim);

    switch (lot(s, 6)) {
    case 0:
        runtime_redirect(rt, sid_of(s), lot(s, 2) == 0 ? APP "first" : APP "second", NULL);
        break;
    case 1:
        runtime_hangup(rt, sid_of(s), NULL);
        break;
    case 2:
        runtime_member_kick(rt, SIM_ACCOUNT, "Room", sid_of(s), NULL);
        break;
    case 3:
        runtime_room_announce(rt, SIM_ACCOUNT, "Room",
                              lot(s, 2) == 0 ? APP "announce" : APP "nothing", false, NULL);
        break;
    default:
        if (lot(s, 5) == 0)
            runtime_room_end(rt, SIM_ACCOUNT, "Room", NULL);
    }
}

static void count_members(const struct runtime_room *r, void *arg)
{
    unsigned *empty = arg;

    *empty += r->members == 0;
}

static bool storm_over(uint64_t seed)
{
    struct storm s = {0};
    struct runtime_stats stats = {0};
    struct error err = {0};
    unsigned empty = 0;
    bool good = open_exchange(&s.sim, &err) == 0;

    rng_init_seeded(&s.rng, seed);
    for (int i = 0; good && i < STEPS; i++) {
        unsigned what = lot(&s, 10);

        if (what < 5)
            come_or_go(&s);
        else if (what < 8)
            change(&s);
        else
            operate(&s);
        if (lot(&s, 3) > 0)
            sim_run(s.sim, lot(&s, 2) == 0 ? 0 : (int64_t)lot(&s, 3000), NULL, NULL);
        runtime_rooms(sim_runtime(s.sim), count_members, &empty);
        good = empty == 0;
    }
    for (int i = 0; good && i < PEOPLE; i++)
        if (s.callers[i] != NULL)
            sim_caller_hangup(s.callers[i]);
    good = good && sim_settles(s.sim);
    if (s.sim != NULL)
        runtime_stats(sim_runtime(s.sim), &stats);
    good = good && stats.rooms == 0 && stats.sessions == 0;
    if (!good)
        fprintf(stderr, "# seed %llu: %u rooms, %u calls are left, %u rooms were empty%s%s\n",
                (unsigned long long)seed, stats.rooms, stats.sessions, empty,
                err.text[0] != '\0' ? ": " : "", err.text);
    sim_free(s.sim);
    return good;
}

UNIT(who_comes_and_goes_at_random_leaves_nothing)
{
    long before = 0;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        ok(storm_over(seed));
        if (seed == 1)
            before = mem_live(); /* caches of the process */
        ok(mem_live() <= before);
    }
out:;
}

UNIT_MAIN(CASE(a_conference_ends_and_nothing_stays_behind),
          NO_TORTURE(a_room_sounds_as_well_as_its_best_caller),
          NO_TORTURE(of_many_who_leave_at_once_every_one_is_told),
          NO_TORTURE(who_comes_and_goes_at_random_leaves_nothing))
