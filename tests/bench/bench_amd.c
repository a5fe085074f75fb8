/* How often answering machine detection is right, on greetings spoken by espeak-ng in several
 * voices: short ones as humans say them, long ones as machines have them, with and without a beep,
 * each on a clean line and with noise; and what it costs a channel. */
#include "media/amd.h"
#include "tests/bench/floor.h"

#include <math.h>
#include <sndfile.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RATE     8000
#define TAIL     (8 * RATE) /* of silence after what was said */
#define LEAD     (RATE / 2)
#define SECONDS  40
#define ROOM     (SECONDS * RATE)
#define VOICES   8
#define NOISES   4
#define HUMANS   10
#define MACHINES 6
#define SPEECH   0.1 /* the greeting's RMS while it lasts: -20 dB of full scale */

extern char **environ;

static const char *const voices[VOICES] = {"en-us", "en-us+f2", "en-us+m3", "en-gb",
                                           "de",    "fr+f1",    "es+m2",    "it+f4"};
/* RMS: none, then 25, 15 and 8 dB below the speech. */
static const double noises[NOISES] = {0, 0.0056, 0.018, 0.04};
static const char *const humans[HUMANS] = {
    "Hello?",        "Hello.",        "Yes?",        "Hi.",          "Good morning.",
    "Hello, Peter.", "Smith, hello.", "Yes, hello?", "Who is this?", "Peter Smith speaking."};
static const char *const machines[MACHINES] = {
    "Hello, you have reached the mailbox of Peter Smith. I cannot take your call right now. Please "
    "leave a message after the tone.",
    "Hi, this is Anna. I am not here at the moment. Leave me a message and I will call you back.",
    "The person you are calling is not available. Please record your message after the beep. When "
    "you have finished recording, you may hang up.",
    "Thank you for calling. Our office is closed. We are open Monday to Friday from nine to five. "
    "Please call again, or leave your name and number.",
    "Welcome to the voice mail of number five five five, one two three four. Please speak now.",
    "We are sorry. Nobody can answer your call. Please try again later, or leave a message after "
    "the signal."};

static int16_t sound[ROOM];
static uint32_t seed = 1;

static void die(const char *what)
{
    fprintf(stderr, "bench_amd: %s\n", what);
    exit(1);
}

/* Speaks into `file`, a WAV. */
static void speak(const char *voice, const char *words, const char *file)
{
    char *argv[] = {"espeak-ng", "-v", (char *)voice, "-w", (char *)file, (char *)words, NULL};
    pid_t pid;
    int status;

    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        die("espeak-ng is missing or failed");
}

/* The words as samples at 8 kHz in `sound`, after a lead of silence; where they end. */
static size_t record(const char *voice, const char *words, const char *file)
{
    static int16_t raw[SECONDS * 24000];
    SF_INFO info = {0};
    struct audio *a;
    SNDFILE *f;
    double sum = 0;
    size_t n, i;

    speak(voice, words, file);
    f = sf_open(file, SFM_READ, &info);
    if (f == NULL || info.channels != 1)
        die("cannot read what espeak-ng wrote");
    n = (size_t)sf_readf_short(f, raw, SECONDS * 24000 / 2);
    sf_close(f);
    if (audio_from_samples(&a, CODEC_L16_8, raw, n, info.samplerate, NULL) != 0)
        die("cannot resample");
    n = a->frames * 160;
    if (LEAD + n + TAIL > ROOM)
        die("a greeting is too long");
    memset(sound, 0, sizeof sound);
    codec_decode(CODEC_L16_8, a->data, n, sound + LEAD);
    audio_unref(a);
    while (n > 0 && abs(sound[LEAD + n - 1]) < 200)
        n--; /* espeak-ng adds silence */
    for (i = 0; i < n; i++)
        sum += (double)sound[LEAD + i] * sound[LEAD + i];
    for (i = 0; i < n; i++) {
        double v = sound[LEAD + i] * SPEECH * 32767 / sqrt(sum / (double)n);

        sound[LEAD + i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
    }
    return LEAD + n;
}

static void add_beep(size_t at, double hz, int ms)
{
    int i;

    for (i = 0; i < ms * RATE / 1000; i++)
        sound[at + (size_t)i] = (int16_t)lrint(0.2 * 32767 * sin(2 * 3.14159265 * hz * i / RATE));
}

static double noise(void)
{
    seed = seed * 1664525 + 1013904223;
    return ((double)(seed >> 8) / (1 << 24) - 0.5) * 2 * 1.7320508; /* RMS 1 */
}

/* As a channel hears it: with noise, through µ-law. */
static enum amd_verdict judge(enum amd_mode mode, double level)
{
    struct amd_config config = amd_defaults(mode);
    enum amd_verdict v = AMD_NONE;
    struct amd a;
    size_t at;

    amd_init(&a, &config);
    for (at = 0; at + 160 <= ROOM && v == AMD_NONE; at += 160) {
        int16_t frame[160];
        uint8_t bytes[160];
        int i;

        for (i = 0; i < 160; i++)
            frame[i] = sample_clip(sound[at + (size_t)i] + (int32_t)lrint(noise() * level * 32767));
        codec_encode(CODEC_PCMU, frame, 160, bytes);
        codec_decode(CODEC_PCMU, bytes, 160, frame);
        v = amd_frame(&a, frame);
    }
    return v;
}

struct score {
    unsigned right, all;
};

static void count(struct score *s, enum amd_verdict got, enum amd_verdict want)
{
    s->all++;
    s->right += got == want;
}

static void show(const char *what, const struct score *s)
{
    printf("figure amd.%s %.1f %% (%u of %u)\n", what, 100.0 * s->right / s->all, s->right, s->all);
}

/* Each greeting in each voice at each noise. */
static void bench_accuracy(const char *file)
{
    static const double beeps[MACHINES] = {1000, 440, 1400, 850, 1200, 620};
    struct score human[NOISES] = {0}, machine[NOISES] = {0}, beep[NOISES] = {0},
                 quiet[NOISES] = {0};
    static const char *const lines[NOISES] = {"clean", "noise_25db", "noise_15db", "noise_8db"};
    char name[64];
    unsigned v, i, n;

    for (v = 0; v < VOICES; v++) {
        for (i = 0; i < HUMANS; i++) {
            record(voices[v], humans[i], file);
            for (n = 0; n < NOISES; n++) {
                count(&human[n], judge(AMD_ENABLE, noises[n]), AMD_HUMAN);
                count(&human[n], judge(AMD_MESSAGE_END, noises[n]), AMD_HUMAN);
            }
        }
        for (i = 0; i < MACHINES; i++) {
            size_t end = record(voices[v], machines[i], file);

            for (n = 0; n < NOISES; n++) {
                count(&machine[n], judge(AMD_ENABLE, noises[n]), AMD_MACHINE_START);
                count(&quiet[n], judge(AMD_MESSAGE_END, noises[n]), AMD_MACHINE_END_SILENCE);
            }
            add_beep(end + (400 + 250 * i) * RATE / 1000, beeps[i], 200 + 100 * (int)i);
            for (n = 0; n < NOISES; n++)
                count(&beep[n], judge(AMD_MESSAGE_END, noises[n]), AMD_MACHINE_END_BEEP);
        }
    }
    for (n = 0; n < NOISES; n++) {
        snprintf(name, sizeof name, "human.%s", lines[n]);
        show(name, &human[n]);
        snprintf(name, sizeof name, "machine_start.%s", lines[n]);
        show(name, &machine[n]);
        snprintf(name, sizeof name, "machine_end_silence.%s", lines[n]);
        show(name, &quiet[n]);
        snprintf(name, sizeof name, "machine_end_beep.%s", lines[n]);
        show(name, &beep[n]);
    }
}

/* The last greeting over and over; the floor is decoding the same frames. */
static void bench_cost(void)
{
    struct amd_config config = amd_defaults(AMD_MESSAGE_END);
    struct amd a;
    int16_t decoded[160];
    uint8_t bytes[160] = {0};
    volatile int16_t sink = 0;
    double from = floor_cpu_now(), cost;
    size_t i, frames = 50 * 60;

    amd_init(&a, &config);
    for (i = 0; i < frames; i++)
        if (amd_frame(&a, sound + i % (3 * 50) * 160) != AMD_NONE)
            amd_init(&a, &config);
    cost = (floor_cpu_now() - from) / 60;
    from = floor_cpu_now();
    for (i = 0; i < frames; i++) {
        codec_decode(CODEC_PCMU, bytes, 160, decoded);
        sink = decoded[i % 160];
    }
    (void)sink;
    printf("figure amd.cost %.0f us/channel-second floor=%.0f\n", cost,
           (floor_cpu_now() - from) / 60);
}

int main(void)
{
    char file[] = "/tmp/bench_amd_XXXXXX";
    int fd = mkstemp(file);

    if (fd < 0)
        die("no temporary file");
    close(fd);
    bench_accuracy(file);
    bench_cost();
    unlink(file);
    return 0;
}
