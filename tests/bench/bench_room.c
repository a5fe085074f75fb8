/* Conferences as calls meet them, with everything around: what it costs that a caller enters a room
 * of many and leaves it, against the same call into a Pause; and how long the application is kept
 * busy when a room of many ends at once. Processor time of the whole exchange in virtual time. */
#include "base/log.h"
#include "base/mem.h"
#include "sim/sim.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMBERS = 250, TIMES = 1000 };

#define APP "http://app.test/"

static const char *const pages[][2] = {
    {APP "room",
     "<Response><Dial><Conference beep=\"false\" waitUrl=\"\" statusCallback=\"/told\" "
     "statusCallbackEvent=\"start end join leave\">Room</Conference></Dial></Response>"},
    {APP "pause", "<Response><Pause length=\"3600\"/></Response>"},
    {APP "told", ""},
};

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void quiet(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static void check(int rc, const struct error *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_room: %s\n", err->text);
    exit(1);
}

static struct sim *make(const char *folder)
{
    struct sim_options o = {.config = "number { '+1555', voice = '" APP "room' }"
                                      "number { '+1666', voice = '" APP "pause' }",
                            .path = "/almon.lua",
                            .folder = folder,
                            .speech = "build/test-speech",
                            .seed = 1,
                            .verbs = verb_table};
    struct sim *s = NULL;
    struct error err = {0};

    check(sim_new(&s, &o, &err), &err);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        check(sim_web(s, &(struct sim_answer){.url = pages[i][0], .body = pages[i][1]}, &err),
              &err);
    return s;
}

static struct sim_caller *call(struct sim *s, const char *to)
{
    struct offer o = {.from = "+15550199", .to = to, .codec = CODEC_PCMU, .dtmf_events = true};
    struct sim_caller *c = NULL;
    struct error err = {0};

    check(sim_call(s, &o, &c, &err), &err);
    sim_run(s, 100, NULL, NULL);
    return c;
}

/* µs of one call that comes and goes. */
static double come_and_go(struct sim *s, const char *to)
{
    double began = cpu();

    for (int i = 0; i < TIMES; i++) {
        sim_caller_hangup(call(s, to));
        sim_run(s, 100, NULL, NULL);
    }
    return (cpu() - began) * 1e6 / TIMES;
}

int main(void)
{
    char folder[] = "/tmp/almon-bench-room-XXXXXX";
    struct error err = {0};
    double plain, room, began;
    struct sim *s;

    mem_hook_libraries();
    log_set_sink(quiet, NULL);
    if (mkdtemp(folder) == NULL)
        return 1;
    s = make(folder);
    plain = come_and_go(s, "+1666");
    for (int i = 0; i < MEMBERS - 1; i++)
        call(s, "+1555");
    room = come_and_go(s, "+1555");
    printf("figure room.call_that_enters_and_leaves %.0f us floor=%.0f aim=-\n", room, plain);
    began = cpu();
    check(runtime_room_end(sim_runtime(s), SIM_ACCOUNT, "Room", &err), &err);
    sim_settles(s);
    printf("figure room.end_for_each_of_%d %.0f us floor=- aim=-\n", MEMBERS - 1,
           (cpu() - began) * 1e6 / (MEMBERS - 1));
    sim_free(s);
    sim_remove_folder(folder);
    return 0;
}
