#include "media/tones.h"

#include "base/mem.h"
#include <math.h>
#include <string.h>
#include <strings.h>

#define SINGLE_PEAK 0.15 /* about -16 dBm0, as the networks send it */
#define DOUBLE_PEAK 0.1  /* of each of two */
#define BEEP_PEAK   0.2
#define EDGE_MS     4 /* a tone that begins or ends abruptly clicks */
#define PARTS       4

/* Sounds and pauses by turns, of one or two tones. */
struct cadence {
    uint16_t low, high; /* Hz; high 0: one tone */
    uint16_t ms[PARTS]; /* sound, pause, sound, pause; 0: no such part */
};

/* By ITU-T E.180 and its list of the countries' tones. A tone that a country modulates (400 × 25
 * Hz, say) is written as the pair of tones which that is. */
static const struct {
    const char *country;
    struct cadence ring;
} tones[] = {
    {"at", {420, 0, {1000, 5000}}},
    {"au", {400, 450, {400, 200, 400, 2000}}},
    {"be", {425, 0, {1000, 3000}}},
    {"bg", {425, 0, {1000, 4000}}},
    {"br", {425, 0, {1000, 4000}}},
    {"ch", {425, 0, {1000, 4000}}},
    {"cl", {400, 0, {1000, 3000}}},
    {"cn", {450, 0, {1000, 4000}}},
    {"cz", {425, 0, {1000, 4000}}},
    {"de", {425, 0, {1000, 4000}}},
    {"dk", {425, 0, {1000, 4000}}},
    {"ee", {425, 0, {1000, 4000}}},
    {"es", {425, 0, {1500, 3000}}},
    {"fi", {425, 0, {1000, 4000}}},
    {"fr", {440, 0, {1500, 3500}}},
    {"gr", {425, 0, {1000, 4000}}},
    {"hu", {425, 0, {1250, 3750}}},
    {"il", {400, 0, {1000, 3000}}},
    {"in", {375, 425, {400, 200, 400, 2000}}},
    {"it", {425, 0, {1000, 4000}}},
    {"jp", {384, 416, {1000, 2000}}},
    {"lt", {425, 0, {1000, 4000}}},
    {"mx", {425, 0, {1000, 4000}}},
    {"my", {425, 0, {400, 200, 400, 2000}}},
    {"nl", {425, 0, {1000, 4000}}},
    {"no", {425, 0, {1000, 4000}}},
    {"nz", {400, 450, {400, 200, 400, 2000}}},
    {"ph", {425, 480, {1000, 4000}}},
    {"pl", {425, 0, {1000, 4000}}},
    {"pt", {425, 0, {1000, 5000}}},
    {"ru", {425, 0, {800, 3200}}},
    {"se", {425, 0, {1000, 5000}}},
    {"sg", {401, 449, {400, 200, 400, 2000}}},
    {"th", {375, 425, {1000, 4000}}},
    {"tw", {440, 480, {1000, 2000}}},
    {"uk", {400, 450, {400, 200, 400, 2000}}},
    {"us", {440, 480, {2000, 4000}}},
    {"us-old", {380, 460, {2000, 4000}}},
    {"ve", {425, 0, {1000, 4000}}},
    {"za", {383, 417, {400, 200, 400, 2000}}},
};

static void write_tone(int16_t *out, int ms, int rate, double low, double high, double peak)
{
    const double turn = 2 * 3.14159265358979323846 / rate;
    int n = ms * rate / 1000, edge = EDGE_MS * rate / 1000, i;

    for (i = 0; i < n; i++) {
        int from_end = i < n - 1 - i ? i : n - 1 - i;
        double gain = from_end < edge ? (double)from_end / edge : 1;

        out[i] = (int16_t)lrint(32767 * peak * gain *
                                (sin(turn * low * i) + (high > 0 ? sin(turn * high * i) : 0)));
    }
}

/* One period, which is whole frames in every country, so that it can be repeated without a seam. */
static int from_cadence(struct audio **ap, enum codec c, const struct cadence *t, double peak,
                        struct error *err)
{
    int period = t->ms[0] + t->ms[1] + t->ms[2] + t->ms[3], rate = codec_rate(c), i, rc;
    size_t n = (size_t)period * (size_t)rate / 1000;
    int16_t *samples, *at;

    samples = at = mem_alloc(n * sizeof *samples);
    if (samples == NULL)
        return error_nomem(err);
    for (i = 0; i < PARTS; i++) {
        if (i % 2 == 0)
            write_tone(at, t->ms[i], rate, t->low, t->high, peak);
        at += t->ms[i] * rate / 1000;
    }
    rc = audio_from_samples(ap, c, samples, n, rate, err);
    mem_free(samples);
    return rc;
}

int tones_ringback(struct audio **ap, enum codec c, const char *country, struct error *err)
{
    size_t i;

    if (country == NULL)
        country = "us";
    for (i = 0; i < sizeof tones / sizeof *tones; i++) {
        const struct cadence *t = &tones[i].ring;

        if (strcasecmp(tones[i].country, country) == 0)
            return from_cadence(ap, c, t, t->high > 0 ? DOUBLE_PEAK : SINGLE_PEAK, err);
    }
    return error_set_twilio(
        err, ERR_INVALID, 13226,
        "no tones are known for the country \"%.20s\"; take one of at, au, be … "
        "za, in two letters, or us-old",
        country);
}

int tones_enter(struct audio **ap, enum codec c, struct error *err)
{
    static const struct cadence t = {880, 0, {200, 0}};

    return from_cadence(ap, c, &t, BEEP_PEAK, err);
}

int tones_exit(struct audio **ap, enum codec c, struct error *err)
{
    static const struct cadence t = {587, 0, {120, 40, 120, 0}};

    return from_cadence(ap, c, &t, BEEP_PEAK, err);
}
