/* What a prompt costs: spoken before (from memory, and from disk), and spoken now, beside the floor
 * of a bare espeak-ng process that says the same text to /dev/null. */
#include "base/mem.h"
#include "speech/plan.h"
#include "speech/speech.h"
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CACHED_ROUNDS = 20000, MADE = 60 };

static const char text[] = "For our opening hours, press 1. To leave a message, press 2. %zu";

extern char **environ;

struct bench {
    struct loop *loop;
    struct speech *speech;
    unsigned wanted, answered;
};

static void die(const char *what, const struct error *err)
{
    fprintf(stderr, "bench_speech: %s: %s\n", what, err->text);
    exit(1);
}

static void on_audio(struct audio *audio, const struct error *err, void *arg)
{
    struct bench *b = arg;

    if (audio == NULL)
        die("no audio", err);
    if (++b->answered == b->wanted)
        loop_stop(b->loop);
}

static void ask(struct bench *b, size_t number)
{
    char words[128];
    struct speech_piece piece = {.text = words};
    struct utterance u = {.pieces = &piece, .count = 1, .voice = "woman"};
    struct error err = {0};

    snprintf(words, sizeof words, text, number);
    if (speech_say(b->speech, &u, CODEC_PCMU, on_audio, b, &err) == NULL)
        die("asking", &err);
}

/* Prompts first … first + count - 1, together; microseconds for one. */
static double run(struct bench *b, size_t first, unsigned count)
{
    int64_t start = loop_now(b->loop);

    b->answered = 0;
    b->wanted = count;
    for (unsigned i = 0; i < count; i++)
        ask(b, first + i);
    loop_run(b->loop);
    return (double)(loop_now(b->loop) - start) / count;
}

static double run_singly(struct bench *b, size_t first, unsigned count)
{
    double sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += run(b, first + i, 1);
    return sum / count;
}

static double run_cached(struct bench *b)
{
    char words[128];
    struct speech_piece piece = {.text = words};
    struct utterance u = {.pieces = &piece, .count = 1, .voice = "woman"};
    uint64_t start = uv_hrtime();

    snprintf(words, sizeof words, text, (size_t)0);
    for (int i = 0; i < CACHED_ROUNDS; i++) {
        struct audio *a = speech_cached(b->speech, &u, CODEC_PCMU);

        if (a == NULL) {
            fprintf(stderr, "bench_speech: the prompt is not in memory\n");
            exit(1);
        }
        audio_unref(a);
    }
    return (double)(uv_hrtime() - start) / 1000 / CACHED_ROUNDS;
}

/* The floor: the same program with the same text, its sound thrown away. */
static double run_bare(void)
{
    char words[128];
    char *argv[] = {"espeak-ng", "-z", "-v", "en-us+f2", "--stdout", words, NULL};
    posix_spawn_file_actions_t files;
    uint64_t start = uv_hrtime();
    pid_t pid;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < MADE; i++) {
        snprintf(words, sizeof words, text, i);
        if (posix_spawnp(&pid, argv[0], &files, NULL, argv, environ) != 0 ||
            waitpid(pid, NULL, 0) < 0)
            exit(1);
    }
    posix_spawn_file_actions_destroy(&files);
    return (double)(uv_hrtime() - start) / 1000 / MADE;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

static void start(struct bench *b, const char *folder)
{
    struct error err = {0};

    if (speech_new(&b->speech, b->loop, NULL, folder, &err) != 0)
        die("starting", &err);
}

int main(void)
{
    char folder[] = "/tmp/almon-bench-speech.XXXXXX";
    struct error err = {0};
    struct bench b = {0};
    double bare, singly, together, disk, memory, cached;

    if (mkdtemp(folder) == NULL || loop_new(&b.loop, NULL, &err) != 0)
        die("starting", &err);
    start(&b, folder);
    run(&b, 100000, 1); /* warms the voices' data up */
    bare = run_bare();
    singly = run_singly(&b, 0, MADE);
    together = run(&b, MADE, MADE);
    memory = run(&b, 0, MADE);
    cached = run_cached(&b);
    b.speech = speech_free(b.speech);
    start(&b, folder);
    disk = run_singly(&b, 0, MADE);
    printf("figure prompt_spoken_singly %.0f us floor=%.0f aim=-\n", singly, bare);
    printf("figure prompt_spoken_%d_together %.0f us floor=%.0f aim=-\n", MADE, together, bare);
    printf("figure prompt_from_disk %.0f us floor=%.0f aim=-\n", disk, bare);
    printf("figure prompt_from_memory %.1f us floor=- aim=-\n", memory);
    printf("figure prompt_from_memory_at_once %.1f us floor=- aim=-\n", cached);
    speech_free(b.speech);
    loop_free(b.loop);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
