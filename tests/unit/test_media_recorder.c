/* Recordings: from the tap to the file. */
#include "media/file.h"
#include "media/recorder.h"
#include "tests/unit/media_stand.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct recording {
    struct stand s;
    struct disk *disk;
    struct recorder *recorder;
    struct audio *tone;
    bool tapping;
    unsigned done;
    struct recorder_result result;
    char why[ERROR_TEXT_MAX];
    char path[300], part[310], wav[310];
};

static void on_recorded(void *arg, const struct recorder_result *result)
{
    struct recording *r = arg;

    r->done++;
    r->result = *result;
    if (result->failed != NULL)
        snprintf(r->why, sizeof r->why, "%s", result->failed->text);
}

static int recording_open_tracks(struct recording *r, enum codec c, enum tap_tracks tracks,
                                 const char *name, struct error *err)
{
    int rc = stand_open(&r->s, c, false, 0, err);

    snprintf(r->path, sizeof r->path, "%s/%s", unit_folder(), name);
    snprintf(r->part, sizeof r->part, "%s.part.wav", r->path);
    snprintf(r->wav, sizeof r->wav, "%s.wav", r->path);
    unlink(r->part); /* of a run before, under torture */
    if (rc == 0)
        rc = disk_new(&r->disk, r->s.control, 1 << 20, err);
    if (rc == 0)
        rc = recorder_new_tracks(&r->recorder, r->disk, r->s.control, c, tracks, r->path, err);
    if (rc == 0)
        rc = audio_from_tone(&r->tone, c, 440, 1000, 0.3, err);
    if (rc == 0 && media_tap(r->s.channel, recorder_tap(r->recorder), 0, 0, 1) == 0)
        r->tapping = true;
    if (rc == 0)
        stand_run(&r->s, 1);
    return rc;
}

static int recording_open(struct recording *r, enum codec c, const char *name, struct error *err)
{
    return recording_open_tracks(r, c, TAP_HEARD, name, err);
}

static void recording_end(struct recording *r, bool trim)
{
    if (r->tapping)
        media_tap_stop(r->s.channel, 1);
    r->tapping = false;
    stand_run(&r->s, 20);
    recorder_end(r->recorder, &r->s.tap, trim, on_recorded, r);
    r->recorder = NULL;
    stand_run(&r->s, 20);
}

static void recording_close(struct recording *r)
{
    if (r->tapping)
        media_tap_stop(r->s.channel, 1);
    if (r->s.control != NULL)
        stand_run(&r->s, 20);
    if (r->recorder != NULL)
        recorder_discard(r->recorder);
    disk_free(r->disk);
    stand_close(&r->s);
    audio_unref(r->tone);
}

/* Frames of a WAV file, -1 when it cannot be read. */
static int frames_of(const char *path)
{
    SF_INFO info = {0};
    SNDFILE *f = sf_open(path, SFM_READ, &info);

    if (f == NULL)
        return -1;
    sf_close(f);
    return (int)(info.frames * 50 / info.samplerate);
}

/* Frames that the header admits to, which is what players believe. */
static int header_frames(const char *path)
{
    FILE *f = fopen(path, "r");
    uint32_t bytes = 0;

    if (f == NULL)
        return -1;
    fseek(f, 40, SEEK_SET);
    if (fread(&bytes, 4, 1, f) != 1)
        bytes = 0;
    fclose(f);
    return (int)(bytes / 320);
}

UNIT(a_recording_becomes_a_wav_file)
{
    struct recording r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    struct stat st;

    ok_rc(recording_open(&r, CODEC_PCMU, "deep/er/plain", &err), &err);
    stand_hear_silence(&r.s, 20);
    stand_hear(&r.s, r.tone);
    stand_hear_silence(&r.s, 30);
    recording_end(&r, false);
    ok_int(r.done, 1);
    ok(r.result.failed == NULL);
    ok_int(r.result.ms, 2000);
    ok_int(r.result.seconds, 2);
    ok(r.result.heard);
    ok(access(r.part, F_OK) != 0);
    ok(stat(r.wav, &st) == 0);
    ok_int(st.st_size, r.result.bytes);
    ok_int(st.st_size, 44 + 2000 * 16);
    ok_int(st.st_mode & 0777, 0600);
    ok_rc(audio_load_file(&a, CODEC_PCMU, r.wav, &err), &err);
    ok_int(a->frames, 100);
out:
    audio_unref(a);
    recording_close(&r);
}

/* The left side is what the caller said, the right side what he heard; trimming keeps them so. */
UNIT(a_dual_recording_has_a_channel_for_each_side)
{
    static int16_t samples[2 * 16000 * 2];
    struct recording r = {0};
    struct error err = {0};
    struct audio *prompt = NULL;
    SF_INFO info = {0};
    SNDFILE *f = NULL;
    int16_t left[2000], right[2000];
    sf_count_t n;
    int i;

    ok_rc(recording_open_tracks(&r, CODEC_L16_8, TAP_DUAL, "dual", &err), &err);
    ok_rc(audio_from_tone(&prompt, CODEC_L16_8, 1000, 1000, 0.2, &err), &err);
    stand_hear_silence(&r.s, 20);
    ok_int(media_play(r.s.channel, prompt, 1, 2), 0);
    stand_hear(&r.s, r.tone);
    stand_hear_silence(&r.s, 20);
    recording_end(&r, true);
    ok_int(r.done, 1);
    ok(r.result.failed == NULL);
    f = sf_open(r.wav, SFM_READ, &info);
    ok(f != NULL);
    ok_int(info.channels, 2);
    ok(r.result.ms >= 1180 && r.result.ms <= 1240); /* a margin of 100 ms at each end */
    n = sf_readf_short(f, samples, 2 * 8000);
    ok_int(n, r.result.ms * 8);
    for (i = 0; i < 2000; i++) {
        left[i] = samples[2 * (i + 3000)];
        right[i] = samples[2 * (i + 3000) + 1];
    }
    ok(stand_tone(left, 2000, 8000, 440) > 0.28 && stand_tone(left, 2000, 8000, 1000) < 0.01);
    ok(stand_tone(right, 2000, 8000, 1000) > 0.18 && stand_tone(right, 2000, 8000, 440) < 0.01);
out:
    if (f != NULL)
        sf_close(f);
    audio_unref(prompt);
    recording_close(&r);
}

UNIT(trimming_cuts_silence_at_both_ends_only)
{
    struct recording r = {0};
    struct error err = {0};
    struct audio *a = NULL;
    int16_t samples[160];

    ok_rc(recording_open(&r, CODEC_L16_8, "trim", &err), &err);
    stand_hear_silence(&r.s, 75);
    stand_hear(&r.s, r.tone);
    stand_hear_silence(&r.s, 40);
    stand_hear(&r.s, r.tone);
    stand_hear_silence(&r.s, 250);
    recording_end(&r, true);
    ok(r.result.failed == NULL);
    ok_int(r.result.ms, 100 + 1000 + 800 + 1000 + 100);
    ok_rc(audio_load_file(&a, CODEC_L16_8, r.wav, &err), &err);
    ok_int(a->frames, 150);
    codec_decode(CODEC_L16_8, a->data + 4 * 320, 160, samples);
    ok(stand_tone(samples, 160, 8000, 450) < 0.001);
    codec_decode(CODEC_L16_8, a->data + 5 * 320, 160, samples);
    ok(stand_tone(samples, 160, 8000, 450) > 0.2);
    codec_decode(CODEC_L16_8, a->data + 144 * 320, 160, samples);
    ok(stand_tone(samples, 160, 8000, 450) > 0.2);
    ok_int(r.result.bytes, 44 + 3000 * 16);
out:
    audio_unref(a);
    recording_close(&r);
}

UNIT(a_silent_recording_is_kept_whole)
{
    struct recording r = {0};
    struct error err = {0};

    ok_rc(recording_open(&r, CODEC_PCMU, "silent", &err), &err);
    stand_hear_silence(&r.s, 15);
    recording_end(&r, true);
    ok(r.result.failed == NULL);
    ok(!r.result.heard);
    ok_int(r.result.ms, 300);
    ok_int(r.result.seconds, 1);
    ok_int(frames_of(r.wav), 15);
out:
    recording_close(&r);
}

/* What a process that dies leaves: at any time the file is playable to the last second, and the
 * next start finds all of it. */
UNIT(a_crash_loses_at_most_a_second)
{
    struct recording r = {0};
    struct error err = {0};
    char copy[320], repaired[320];
    char command[700];
    int i, frames;

    ok_rc(recording_open(&r, CODEC_PCMU, "crash", &err), &err);
    for (i = 0; i < 3; i++)
        stand_hear(&r.s, r.tone);
    stand_hear_silence(&r.s, 33);
    frames = header_frames(r.part);
    ok(frames >= 183 - 50 - 13 && frames <= 183);
    snprintf(copy, sizeof copy, "%s/left/crashed.part.wav", unit_folder());
    snprintf(repaired, sizeof repaired, "%s/left/crashed.wav", unit_folder());
    snprintf(command, sizeof command, "mkdir -p %s/left && cp %s %s", unit_folder(), r.part, copy);
    ok(system(command) == 0);
    snprintf(command, sizeof command, "%s/left", unit_folder());
    ok_int(recorder_repair(command), 1);
    ok(access(copy, F_OK) != 0);
    ok(frames_of(repaired) >= 183 - 13); /* all that was written, also beyond the header */
    unlink(repaired);
out:
    recording_close(&r);
}

UNIT(what_is_left_without_audio_is_removed)
{
    char part[320];
    FILE *f;

    snprintf(part, sizeof part, "%s/empty.part.wav", unit_folder());
    f = fopen(part, "w");
    ok(f != NULL);
    fputs("RIFF", f);
    fclose(f);
    ok_int(recorder_repair(unit_folder()), 0);
    ok(access(part, F_OK) != 0);
    ok_int(recorder_repair("/nowhere/at/all"), 0);
out:;
}

UNIT(a_full_disk_fails_the_recording_and_nothing_else)
{
    struct recording r = {0};
    struct error err = {0};
    struct rlimit old, small;
    int i;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 20000;
    ok_rc(recording_open(&r, CODEC_PCMU, "full", &err), &err);
    setrlimit(RLIMIT_FSIZE, &small);
    for (i = 0; i < 8; i++)
        stand_hear(&r.s, r.tone);
    recording_end(&r, true);
    setrlimit(RLIMIT_FSIZE, &old);
    ok_int(r.done, 1);
    ok(r.result.failed != NULL);
    ok(strstr(r.why, "File too large") != NULL);
    ok_int(r.s.tap.lost, 0); /* the tap was emptied all the same */
    ok(access(r.part, F_OK) == 0);
    ok(access(r.wav, F_OK) != 0);
out:
    setrlimit(RLIMIT_FSIZE, &old);
    recording_close(&r);
    unlink(r.part);
}

UNIT(a_discarded_recording_leaves_nothing)
{
    struct recording r = {0};
    struct error err = {0};

    ok_rc(recording_open(&r, CODEC_PCMA, "discarded", &err), &err);
    stand_hear(&r.s, r.tone);
    ok(access(r.part, F_OK) == 0);
    media_tap_stop(r.s.channel, 1);
    r.tapping = false;
    stand_run(&r.s, 20);
    recorder_discard(r.recorder);
    r.recorder = NULL;
    stand_run(&r.s, 20);
    ok(access(r.part, F_OK) != 0);
    ok_int(r.done, 0);
out:
    recording_close(&r);
}

UNIT_MAIN(CASE(a_recording_becomes_a_wav_file), CASE(a_dual_recording_has_a_channel_for_each_side),
          CASE(trimming_cuts_silence_at_both_ends_only), CASE(a_silent_recording_is_kept_whole),
          CASE(a_crash_loses_at_most_a_second), CASE(what_is_left_without_audio_is_removed),
          CASE(a_full_disk_fails_the_recording_and_nothing_else),
          CASE(a_discarded_recording_leaves_nothing))
