/* Simulated calls per second: a call of 90 seconds through a menu, its prompts cached, in an
 * exchange that stays; and what making an exchange costs, as each scenario does. Processor time of
 * the whole process. The aim is 1 ms a call. */
#include "base/log.h"
#include "base/mem.h"
#include "sim/sim.h"
#include "verbs/verbs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALLS = 200, EXCHANGES = 50, CALL_MS = 90000 };

#define VOICE "http://app.test/voice"

static const char menu[] =
    "<Response><Gather action=\"/voice\" numDigits=\"1\" timeout=\"10\"><Say>Welcome to the menu. "
    "For sales press one, for support press two, to hear this again press three.</Say></Gather>"
    "<Redirect>/voice</Redirect></Response>";

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

static struct sim *make(const char *folder)
{
    const char *prompts = getenv("ALMON_PROMPTS");
    struct sim_options o = {.config = "number { '*', voice = '" VOICE "' }",
                            .path = "/almon.lua",
                            .folder = folder,
                            .speech = prompts != NULL ? prompts : "build/test-speech",
                            .seed = 1,
                            .verbs = verb_table};
    struct sim *s = NULL;
    struct error err = {0};

    if (sim_new(&s, &o, &err) != 0 ||
        sim_web(s, &(struct sim_answer){.url = VOICE, .body = menu}, &err) != 0) {
        fprintf(stderr, "bench_sim: %s\n", err.text);
        exit(1);
    }
    return s;
}

/* Listens for 15 s at a time and presses a key: six rounds of the menu. */
static void call(struct sim *s)
{
    struct offer o = {
        .from = "+15550199", .to = "+15550100", .codec = CODEC_PCMU, .dtmf_events = true};
    struct sim_caller *c = NULL;
    struct error err = {0};

    if (sim_call(s, &o, &c, &err) != 0) {
        fprintf(stderr, "bench_sim: %s\n", err.text);
        exit(1);
    }
    for (int i = 0; i < 6; i++) {
        sim_run(s, CALL_MS / 6, NULL, NULL);
        sim_caller_press(c, "1");
    }
    sim_caller_hangup(c);
    sim_settles(s);
}

int main(void)
{
    char folder[] = "/tmp/almon-bench-sim-XXXXXX";
    struct sim *s;
    double began, used;

    mem_hook_libraries();
    log_set_sink(quiet, NULL);
    if (mkdtemp(folder) == NULL)
        return 1;
    s = make(folder);
    call(s); /* the prompt is made, or read from the disk */
    began = cpu();
    for (int i = 0; i < CALLS; i++)
        call(s);
    used = cpu() - began;
    printf("figure sim_call_of_90_s %.3f ms floor=- aim=1\n", used * 1000 / CALLS);
    printf("figure sim_calls %.0f /s floor=- aim=1000\n", CALLS / used);
    sim_free(s);
    began = cpu();
    for (int i = 0; i < EXCHANGES; i++) {
        s = make(folder);
        call(s);
        sim_free(s);
    }
    printf("figure sim_exchange_with_one_call %.3f ms floor=%.3f aim=-\n",
           (cpu() - began) * 1000 / EXCHANGES, used * 1000 / CALLS);
    sim_remove_folder(folder);
    return 0;
}
