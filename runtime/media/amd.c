#include "media/amd.h"

#include <math.h>
#include <stddef.h>

#define SAMPLES      160
#define SPEECH_RMS   260.0f /* less is silence on any line */
#define SPEECH_RATIO 2.5f   /* speech stands this far above the noise */
#define FLOOR_FIRST  1000.0f
#define FLOOR_LEAST  20.0f
#define FLOOR_RISE   1.02f /* a frame: by a factor of 2.7 a second */
#define SPEECH_START 3     /* frames: less is a click */
#define BEEP_GRACE   50    /* frames after the silence that ends a greeting */

/* Tones: a frame in a window, in bins of 50 Hz. */
#define BIN_HZ      50
#define BIN_FIRST   7 /* 350 Hz: below it are the voices' own pitches */
#define BIN_LAST    50
#define TONE_PART   0.85f /* of the frame's power that one tone must be */
#define TONE_DRIFT  30.0f /* Hz, from the first frame of it */
#define BEEP_FRAMES 8
#define FAX_FRAMES  20
#define FAX_DRIFT   40.0f
#define CNG_HZ      1100.0f
#define CED_HZ      2100.0f

const char *amd_verdict_name(enum amd_verdict v)
{
    static const char *const names[] = {"",
                                        "human",
                                        "machine_start",
                                        "machine_end_beep",
                                        "machine_end_silence",
                                        "machine_end_other",
                                        "fax",
                                        "unknown"};

    return names[v];
}

struct amd_config amd_defaults(enum amd_mode mode)
{
    return (struct amd_config){mode, 30000, 2400, 1200, 5000};
}

void amd_init(struct amd *a, const struct amd_config *config)
{
    *a = (struct amd){.config = *config, .floor = FLOOR_FIRST};
}

/* --- what a frame is --- */

static float rms(const int16_t *x)
{
    float sum = 0;
    int i;

    for (i = 0; i < SAMPLES; i++)
        sum += (float)x[i] * x[i];
    return sqrtf(sum / SAMPLES);
}

/* The power of each bin (Goertzel), and that of all the frame by the same measure. */
static float spectrum(const int16_t *x, float *power)
{
    const float turn = 2 * 3.14159265f / SAMPLES;
    float w[SAMPLES], all = 0;
    int bin, i;

    for (i = 0; i < SAMPLES; i++) {
        w[i] = x[i] * (0.5f - 0.5f * cosf(turn * (float)i));
        all += w[i] * w[i];
    }
    for (bin = BIN_FIRST - 1; bin <= BIN_LAST + 1; bin++) {
        float c = 2 * cosf(turn * (float)bin), s1 = 0, s2 = 0;

        for (i = 0; i < SAMPLES; i++) {
            float s = w[i] + c * s1 - s2;

            s2 = s1;
            s1 = s;
        }
        power[bin] = s1 * s1 + s2 * s2 - c * s1 * s2;
    }
    return all * SAMPLES / 2;
}

/* The frequency of the one tone that the frame is; 0 when it is none. */
static float find_tone(const int16_t *x)
{
    float power[BIN_LAST + 2], all = spectrum(x, power), near;
    int bin, top = BIN_FIRST;

    for (bin = BIN_FIRST; bin <= BIN_LAST; bin++)
        if (power[bin] > power[top])
            top = bin;
    near = power[top - 1] + power[top] + power[top + 1];
    if (near < TONE_PART * all)
        return 0;
    return BIN_HZ * ((float)top + (power[top + 1] - power[top - 1]) / near);
}

static void follow_tone(struct amd *a, float hz)
{
    if (hz > 0 && a->tone_frames > 0 && fabsf(hz - a->tone_hz) <= TONE_DRIFT) {
        a->tone_frames++;
        return;
    }
    a->tone_frames = hz > 0;
    a->tone_hz = hz;
}

/* The noise is the least that was lately heard. */
static bool is_speech(struct amd *a, float level)
{
    bool speech = level > SPEECH_RMS && level > SPEECH_RATIO * a->floor;

    if (level < a->floor)
        a->floor = level > FLOOR_LEAST ? level : FLOOR_LEAST;
    else
        a->floor = fminf(a->floor * FLOOR_RISE, level);
    return speech;
}

/* --- the state machine --- */

static int frames_of(int ms)
{
    return ms / FRAME_MS;
}

static enum amd_verdict hear_tone(const struct amd *a)
{
    bool fax = fabsf(a->tone_hz - CNG_HZ) < FAX_DRIFT || fabsf(a->tone_hz - CED_HZ) < FAX_DRIFT;

    if (fax && a->state == AMD_WAITING)
        return a->tone_frames >= FAX_FRAMES ? AMD_FAX : AMD_NONE;
    if (a->tone_frames < BEEP_FRAMES)
        return AMD_NONE;
    return a->config.mode == AMD_ENABLE ? AMD_MACHINE_START : AMD_MACHINE_END_BEEP;
}

static enum amd_verdict after_speech(struct amd *a)
{
    if (a->state == AMD_SPEECH && a->quiet >= frames_of(a->config.speech_end_ms))
        return AMD_HUMAN;
    if (a->state == AMD_GREETING && a->quiet >= frames_of(a->config.speech_end_ms) + BEEP_GRACE)
        return AMD_MACHINE_END_SILENCE;
    if (a->state == AMD_WAITING && a->frames >= frames_of(a->config.silence_ms))
        return AMD_UNKNOWN;
    return AMD_NONE;
}

static enum amd_verdict hear_speech(struct amd *a)
{
    if (a->state == AMD_WAITING && a->loud >= SPEECH_START) {
        a->state = AMD_SPEECH;
        a->began = a->frames - a->loud;
    }
    if (a->state != AMD_SPEECH || a->last - a->began < frames_of(a->config.speech_ms))
        return AMD_NONE;
    if (a->config.mode == AMD_ENABLE)
        return AMD_MACHINE_START;
    a->state = AMD_GREETING;
    return AMD_NONE;
}

static enum amd_verdict at_timeout(const struct amd *a)
{
    return a->state == AMD_GREETING ? AMD_MACHINE_END_OTHER : AMD_UNKNOWN;
}

enum amd_verdict amd_frame(struct amd *a, const int16_t *samples)
{
    float level = samples != NULL ? rms(samples) : 0;
    float hz = level > SPEECH_RMS ? find_tone(samples) : 0;
    bool speech = is_speech(a, level) && hz == 0;
    enum amd_verdict v = AMD_NONE;

    a->frames++;
    follow_tone(a, hz);
    a->loud = speech ? a->loud + 1 : 0;
    if (speech) {
        /* A click in the silence is not the greeting going on. */
        if (a->loud >= SPEECH_START) {
            a->quiet = 0;
            a->last = a->frames;
        }
        v = hear_speech(a);
    } else if (hz > 0) {
        v = hear_tone(a);
    }
    if (v == AMD_NONE && a->loud < SPEECH_START) {
        a->quiet++;
        /* What may be the beginning of a beep is not silence. */
        if (hz == 0)
            v = after_speech(a);
    }
    if (v == AMD_NONE && a->frames >= frames_of(a->config.timeout_ms))
        v = at_timeout(a);
    return v;
}
