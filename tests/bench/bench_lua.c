/* What a handler in Lua costs a call, in processor time and memory, beside the same flow as markup:
 * from files, and from a web application (in memory: without curl and sockets). A menu of two keys,
 * in virtual time. */
#include "base/log.h"
#include "base/mem.h"
#include "script/script.h"
#include "sim/sim.h"
#include "verbs/verbs.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 1000, HELD = 500, ROUNDS = 5 };

static const char *const files[][2] = {
    {"menu.xml",
     "<Response><Gather numDigits=\"1\" action=\"more.xml\"><Pause/></Gather></Response>"},
    {"more.xml", "<Response><Gather numDigits=\"1\" action=\"last.xml\"/></Response>"},
    {"last.xml", "<Response><Pause length=\"60\"/></Response>"},
    {"menu.lua", "return function(call)\n"
                 "  local one = call:gather{numDigits = 1, pause = 1}\n"
                 "  local two = call:gather{numDigits = 1}\n"
                 "  if one.digits .. two.digits == '12' then call:pause(60) end\n"
                 "end\n"},
    {"std.lua", "local json, phone = require 'json', require 'phone'\n"
                "local flow = require 'menu'\n"
                "return function(call)\n"
                "  local one = call:gather{numDigits = 1, pause = 1}\n"
                "  local two = call:gather{numDigits = 1}\n"
                "  if one.digits .. two.digits == '12' then call:pause(60) end\n"
                "end\n"},
};

static const struct flow {
    const char *to, *text;
} flows[] = {
    {"+1", "markup_from_files"},
    {"+2", "markup_from_the_web"},
    {"+3", "lua"},
    {"+4", "lua_with_three_modules"},
};

static void die(const char *what)
{
    fprintf(stderr, "bench_lua: %s\n", what);
    exit(1);
}

/* Of the thread of the loops: the kernel's work for journals, on other threads, varies widely. */
static double cpu_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static struct sim *open_sim(const char *folder)
{
    char path[300], file[400];
    struct sim_options o = {
        .config = "number { '+1', voice = 'menu.xml' }\n"
                  "number { '+2', voice = 'http://app.test/menu.xml' }\n"
                  "number { '+3', voice = 'menu.lua' }\n"
                  "number { '+4', voice = 'std.lua' }\n",
        .folder = folder,
        .path = path,
        .speech = "build/test-speech",
        .seed = 1,
        .verbs = verb_table,
        .handlers = &script_handlers,
    };
    struct error err = {0};
    struct sim *s;
    FILE *f;

    snprintf(path, sizeof path, "%s/almon.lua", folder);
    if (sim_new(&s, &o, &err) != 0)
        die(err.text);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(file, sizeof file, "http://app.test/%s", files[i][0]);
        if (sim_web(s, &(struct sim_answer){.url = file, .body = files[i][1]}, &err) != 0)
            die(err.text);
        snprintf(file, sizeof file, "%s/%s", folder, files[i][0]);
        f = fopen(file, "w");
        if (f == NULL || fputs(files[i][1], f) < 0 || fclose(f) != 0)
            die(file);
    }
    return s;
}

/* A call up to the last Pause, where it stays. */
static struct sim_caller *call(struct sim *s, const char *to)
{
    struct offer offer = {.from = "+15550199", .to = to, .codec = CODEC_PCMU, .dtmf_events = true};
    struct sim_caller *c;
    struct error err = {0};

    if (sim_call(s, &offer, &c, &err) != 0)
        die(err.text);
    sim_run(s, 40, NULL, NULL);
    sim_caller_press(c, "1");
    sim_run(s, 40, NULL, NULL);
    sim_caller_press(c, "2");
    sim_run(s, 40, NULL, NULL);
    if (sim_caller_is_over(c))
        die("the call ended early");
    return c;
}

/* Microseconds of one call, whole. */
static double time_of(const char *folder, const struct flow *flow)
{
    struct sim *s = open_sim(folder);
    double began = cpu_us(), us;

    for (int i = 0; i < CALLS / ROUNDS; i++) {
        sim_caller_hangup(call(s, flow->to));
        sim_run(s, 20, NULL, NULL);
    }
    us = (cpu_us() - began) / (CALLS / ROUNDS);
    sim_free(s);
    sim_remove_folder(folder);
    return us;
}

/* Bytes of one call that waits in its last Pause, journal lines and all that the exchange keeps of
 * callers included; those are the same for all flows. */
static double memory_of(const char *folder, const struct flow *flow)
{
    struct sim *s = open_sim(folder);
    size_t before;
    double bytes;

    call(s, flow->to);
    before = mallinfo2().uordblks;
    for (int i = 0; i < HELD; i++)
        call(s, flow->to);
    bytes = (double)(mallinfo2().uordblks - before) / HELD;
    sim_free(s);
    sim_remove_folder(folder);
    return bytes;
}

static void quiet(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

int main(void)
{
    char folder[] = "/tmp/almon-bench-XXXXXX", inner[300];
    double least, us, markup = 0, bytes, first = 0;

    mem_hook_libraries();
    log_set_sink(quiet, NULL);
    if (mkdtemp(folder) == NULL)
        die(folder);
    snprintf(inner, sizeof inner, "%s/sim", folder);
    /* A menu of two keys; the floor is the same flow as markup from files. */
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
        least = 0;
        for (int round = 0; round < ROUNDS; round++) {
            us = time_of(inner, &flows[i]);
            least = round == 0 || us < least ? us : least;
        }
        bytes = memory_of(inner, &flows[i]);
        if (i == 0) {
            markup = least;
            first = bytes;
        }
        printf("figure call_%s %.0f us floor=%.0f aim=-\n", flows[i].text, least, markup);
        printf("figure call_memory_%s %.0f B floor=%.0f aim=-\n", flows[i].text, bytes, first);
    }
    rmdir(folder);
    return 0;
}
