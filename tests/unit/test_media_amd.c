/* Who answered: from lengths of speech and silence, and from tones. */
#include "base/mem.h"
#include "media/amd.h"
#include "tests/unit/media_party.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is said, as a script: each letter is 100 ms: 's' speech, '.' silence, 'n' a click of 40 ms,
 * 'b' a beep of 1000 Hz, 'c' and 'f' a fax machine's tones of 1100 and 2100 Hz, '-' silence
 * records. */
static void make_frame(char kind, unsigned at, double noise, int16_t *out)
{
    static const double harmonics[] = {130, 260, 390, 520, 650, 780, 1040, 1300, 2210, 2600};
    static uint32_t seed = 1;
    size_t i, j;

    for (i = 0; i < 160; i++) {
        double t = 2 * 3.14159265358979323846 * (double)(at * 160 + i) / 8000, v = 0;

        if (kind == 's')
            for (j = 0; j < 10; j++)
                v += 0.04 * sin(harmonics[j] * t + (double)(j * j));
        else if (kind == 'b' || kind == 'c' || kind == 'f')
            v = 0.2 * sin((kind == 'b' ? 1000 : kind == 'c' ? 1100 : 2100) * t);
        seed = seed * 1664525 + 1013904223;
        v += ((double)(seed >> 8) / (1 << 24) - 0.5) * 2 *
             (kind == 'n' && at % 5 < 2 ? 0.05 : noise);
        out[i] = (int16_t)lrint(32767 * v);
    }
}

static enum amd_verdict judge(const struct amd_config *config, const char *script, double noise,
                              int *ms)
{
    struct amd a;
    int16_t samples[160];
    unsigned at;

    amd_init(&a, config);
    for (at = 0; at < strlen(script) * 5; at++) {
        enum amd_verdict v;

        make_frame(script[at / 5], at, noise, samples);
        v = amd_frame(&a, script[at / 5] == '-' ? NULL : samples);
        *ms = a.frames * FRAME_MS;
        if (v != AMD_NONE)
            return v;
    }
    return AMD_NONE;
}

#define HELLO     "...sssss"
#define PAUSE     "............" /* 1.2 s */
#define SECONDS_5 ".................................................."
#define SENTENCE  "ssssss.ssssssss.sssss..ssssssss" /* 3.1 s */

UNIT(lengths_of_speech_and_silence_tell_who_answered)
{
    static const struct {
        const char *script;
        enum amd_verdict enable, message_end;
        int ms; /* of `enable`, within 200 */
    } rows[] = {
        {HELLO PAUSE, AMD_HUMAN, AMD_HUMAN, 2000},
        {HELLO "-------------", AMD_HUMAN, AMD_HUMAN, 2000},
        {"..ss...sss..sssss" PAUSE ".", AMD_HUMAN, AMD_HUMAN, 2900},
        {HELLO "....n......................", AMD_HUMAN, AMD_HUMAN, 2000},
        {"..." SENTENCE PAUSE PAUSE, AMD_MACHINE_START, AMD_MACHINE_END_SILENCE, 2700},
        {"..." SENTENCE "....bbbb", AMD_MACHINE_START, AMD_MACHINE_END_BEEP, 2700},
        {"..." SENTENCE PAUSE "...bb", AMD_MACHINE_START, AMD_MACHINE_END_BEEP, 2700},
        {"...ss...bbb", AMD_MACHINE_START, AMD_MACHINE_END_BEEP, 960},
        {SECONDS_5, AMD_UNKNOWN, AMD_UNKNOWN, 5000},
        {"--------------------------------------------------", AMD_UNKNOWN, AMD_UNKNOWN, 5000},
        {"..........ccccc", AMD_FAX, AMD_FAX, 1400},
        {".....ffffffffff", AMD_FAX, AMD_FAX, 900},
    };
    struct amd_config config;
    size_t i;
    int ms;

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        double noise;

        for (noise = 0; noise < 0.02; noise += 0.01) {
            config = amd_defaults(AMD_MESSAGE_END);
            ok_str(amd_verdict_name(judge(&config, rows[i].script, noise, &ms)),
                   amd_verdict_name(rows[i].message_end));
            config = amd_defaults(AMD_ENABLE);
            ok_str(amd_verdict_name(judge(&config, rows[i].script, noise, &ms)),
                   amd_verdict_name(rows[i].enable));
            ok(abs(ms - rows[i].ms) <= 200);
        }
    }
out:;
}

UNIT(each_threshold_moves_its_own_verdict)
{
    struct amd_config config = amd_defaults(AMD_ENABLE);
    char talk[400];
    int ms;

    config.speech_ms = 6000;
    ok_int(judge(&config, "..." SENTENCE PAUSE ".", 0, &ms), AMD_HUMAN);
    config = amd_defaults(AMD_ENABLE);
    config.speech_ms = 1000;
    ok_int(judge(&config, "..ssssssssssssss", 0, &ms), AMD_MACHINE_START);
    config = amd_defaults(AMD_ENABLE);
    config.speech_end_ms = 500;
    ok_int(judge(&config, HELLO PAUSE, 0, &ms), AMD_HUMAN);
    ok(ms <= 1360);
    config.speech_end_ms = 5000;
    ok_int(judge(&config, HELLO PAUSE PAUSE, 0, &ms), AMD_NONE);
    config = amd_defaults(AMD_ENABLE);
    config.silence_ms = 2000;
    ok_int(judge(&config, SECONDS_5, 0, &ms), AMD_UNKNOWN);
    ok_int(ms, 2000);

    /* At the timeout: one that still speaks is a machine, one of whom little is known is nobody. */
    memset(talk, 's', sizeof talk - 1);
    talk[sizeof talk - 1] = '\0';
    config = amd_defaults(AMD_MESSAGE_END);
    for (ms = 9; ms < 399; ms += 10)
        talk[ms] = '.';
    ok_int(judge(&config, talk, 0, &ms), AMD_MACHINE_END_OTHER);
    ok_int(ms, 30000);
    config.timeout_ms = 3000;
    ok_int(judge(&config, ".........................sssss", 0, &ms), AMD_UNKNOWN);
    ok_int(ms, 3000);
out:;
}

/* --- on a channel --- */

static struct {
    unsigned told;
    struct amd_result result;
} answer;

static void on_told(void *arg, const struct amd_result *result)
{
    (void)arg;
    answer.told++;
    answer.result = *result;
}

static struct party p;

UNIT(a_channel_tells_its_verdict_once_at_every_rate)
{
    struct amd_config config = amd_defaults(AMD_MESSAGE_END);
    struct error err = {0};
    int c;

    for (c = 0; c < CODEC_COUNT; c++) {
        enum codec codec = (enum codec)c;

        memset(&answer, 0, sizeof answer);
        ok_rc(party_open(&p, &codec, 1, 0, &err), &err);
        ok_int(media_amd(p.guests[0].channel, &config, on_told, NULL), 0);
        ok_int(media_amd(p.guests[0].channel, &config, on_told, NULL), ERR_WRONG_STATE);
        p.guests[0].quiet = true;
        party_run(&p, 20);
        p.guests[0].quiet = false;
        p.guests[0].hz = 1000; /* a beep */
        party_run(&p, 20);
        ok_int(answer.told, 1);
        ok_int(answer.result.verdict, AMD_MACHINE_END_BEEP);
        ok(answer.result.ms >= 540 && answer.result.ms <= 620);
        party_close(&p);
        ok_int(answer.told, 1);
    }
out:
    party_close(&p);
}

UNIT(a_stopped_or_released_channel_tells_that_there_is_no_verdict)
{
    static const enum codec codecs[] = {CODEC_PCMU, CODEC_PCMU};
    struct amd_config config = amd_defaults(AMD_ENABLE);
    struct error err = {0};

    memset(&answer, 0, sizeof answer);
    ok_rc(party_open(&p, codecs, 2, 0, &err), &err);
    ok_int(media_amd(p.guests[0].channel, &config, on_told, NULL), 0);
    party_run(&p, 10);
    media_amd_stop(p.guests[0].channel);
    ok_int(answer.told, 0);
    party_run(&p, 1);
    ok_int(answer.told, 1);
    ok_int(answer.result.verdict, AMD_NONE);
    media_amd_stop(p.guests[0].channel);
    ok_int(media_amd(p.guests[0].channel, &config, on_told, NULL), 0);
    party_release(&p, 0);
    party_run(&p, 1);
    ok_int(answer.told, 2);
    ok_int(p.guests[0].released, 1);
    config.silence_ms = 1000;
    ok_int(media_amd(p.guests[1].channel, &config, on_told, NULL), ERR_INVALID);
out:
    party_close(&p);
}

UNIT_MAIN(CASE(lengths_of_speech_and_silence_tell_who_answered),
          CASE(each_threshold_moves_its_own_verdict),
          CASE(a_channel_tells_its_verdict_once_at_every_rate),
          CASE(a_stopped_or_released_channel_tells_that_there_is_no_verdict))
