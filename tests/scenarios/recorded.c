#include "tests/scenarios/recorded.h"

#include <glob.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>

static SNDFILE *open_it(struct rig *r, const char *sid, SF_INFO *info)
{
    char path[600];

    if (sid == NULL)
        return NULL;
    sid = strrchr(sid, '/') != NULL ? strrchr(sid, '/') + 1 : sid;
    snprintf(path, sizeof path, "%s/state/recordings/" SIM_ACCOUNT "/%s.wav", rig_folder(r), sid);
    *info = (SF_INFO){0};
    return sf_open(path, SFM_READ, info);
}

bool recorded_read(struct rig *r, const char *sid, struct recorded *out)
{
    double sum[2] = {0};
    short frame[2];
    SF_INFO info;
    SNDFILE *f = open_it(r, sid, &info);

    *out = (struct recorded){0};
    if (f == NULL)
        return false;
    while (sf_readf_short(f, frame, 1) == 1)
        for (int c = 0; c < info.channels; c++)
            sum[c] += (double)frame[c] * frame[c];
    sf_close(f);
    out->channels = info.channels;
    out->seconds = (double)info.frames / info.samplerate;
    for (int c = 0; c < info.channels; c++)
        out->level[c] = sqrt(sum[c] / (double)info.frames) / 32768;
    return true;
}

double recorded_tone(struct rig *r, const char *sid, int channel, int hz)
{
    double re = 0, im = 0, power = 0;
    short frame[2];
    sf_count_t n = 0;
    SF_INFO info;
    SNDFILE *f = open_it(r, sid, &info);

    if (f == NULL)
        return -1;
    /* In windows of 100 ms, so that a tone that pauses keeps its power. */
    for (; sf_readf_short(f, frame, 1) == 1; n++) {
        double turn = 2 * M_PI * hz * (double)n / info.samplerate;

        re += frame[channel] * cos(turn);
        im += frame[channel] * sin(turn);
        if ((n + 1) % (info.samplerate / 10) == 0) {
            power += (re * re + im * im) / (info.samplerate / 10.0);
            re = im = 0;
        }
    }
    sf_close(f);
    return n > 0 ? sqrt(2 * power / (double)n) / 32768 : 0;
}

size_t recorded_files(struct rig *r, const char *suffix)
{
    char pattern[600];
    glob_t found = {0};
    size_t n;

    snprintf(pattern, sizeof pattern, "%s/state/recordings/*/*%s", rig_folder(r), suffix);
    n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return n;
}
