/* Who answered: a human or a machine, from the lengths of speech and silence, and from tones.
 *
 * A short greeting followed by silence is a human; one as long as `speech_ms` is a machine; a fax
 * machine is known by its tone before any speech. The state machine is pure: a frame in, a verdict
 * out, all time counted in frames. Below it, the same attached to a channel. */
#ifndef ALMON_MEDIA_AMD_H
#define ALMON_MEDIA_AMD_H

#include "media/media.h"

enum amd_verdict {
    AMD_NONE, /* not yet; as a result: stopped, or the channel was released */
    AMD_HUMAN,
    AMD_MACHINE_START,       /* AMD_ENABLE: as soon as the greeting is too long for a human */
    AMD_MACHINE_END_BEEP,    /* AMD_MESSAGE_END: now is the time to speak */
    AMD_MACHINE_END_SILENCE, /* … it fell silent, and a second later there was no beep */
    AMD_MACHINE_END_OTHER,   /* … it still spoke at the timeout */
    AMD_FAX,
    AMD_UNKNOWN /* nothing was said, or the timeout came before anything was clear */
};
/* As AnsweredBy has it: "human", "machine_start" …; "" for AMD_NONE. */
const char *amd_verdict_name(enum amd_verdict v);

enum amd_mode { AMD_ENABLE, AMD_MESSAGE_END };

struct amd_config {
    enum amd_mode mode;
    int timeout_ms;    /* 3000 to 60000 */
    int speech_ms;     /* SpeechThreshold, 1000 to 6000 */
    int speech_end_ms; /* SpeechEndThreshold, 500 to 5000 */
    int silence_ms;    /* SilenceTimeout, 2000 to 10000 */
};
/* The reference's defaults. */
struct amd_config amd_defaults(enum amd_mode mode);

enum amd_state { AMD_WAITING, AMD_SPEECH, AMD_GREETING };

struct amd {
    struct amd_config config;
    enum amd_state state;
    int frames;      /* since the start */
    int began, last; /* frames at which speech began and was last heard */
    int quiet;       /* frames in a row without speech */
    int loud;        /* … and with it */
    float floor;     /* the noise, RMS */
    int tone_frames; /* of one tone, in a row */
    float tone_hz;
};

void amd_init(struct amd *a, const struct amd_config *config);
/* One frame of 160 samples at 8 kHz; NULL for silence. After a verdict it must not be called again.
 */
enum amd_verdict amd_frame(struct amd *a, const int16_t *samples);

struct amd_result {
    enum amd_verdict verdict;
    uint32_t ms; /* MachineDetectionDuration: since the start, as frames came */
};
typedef void media_amd_h(void *arg, const struct amd_result *result);

/* [control] Watches what the channel hears. `told` is called once, whatever happens. Counted are
 * the frames and silence records received: who gets neither needs a timer of his own. ERR_INVALID
 * for thresholds out of their range, ERR_WRONG_STATE while one is at work, ERR_NOMEM, ERR_LIMIT. */
int media_amd(struct media_channel *c, const struct amd_config *config, media_amd_h *told,
              void *arg);
void media_amd_stop(struct media_channel *c);

#endif
