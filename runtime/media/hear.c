/* The media side of hearing: digits, taps, and who else hears it. */
#include "media/channel.h"

#include <string.h>

/* --- who minds silence --- */

void hear_changed(struct media_channel *c)
{
    bool heeds = c->detector != NULL || c->tapping > 0 || c->watching != NULL;

    if (c->port == NULL || c->port->heeds == NULL || c->heeds == heeds)
        return;
    c->heeds = heeds;
    c->port->heeds(c->port, c->number, heeds);
}

/* --- taps --- */

void hear_tap_end(struct media_channel *c, unsigned place, enum tap_end why)
{
    struct hearing *h = &c->hearing[place];
    struct tap_result *r = &h->result;
    struct crossing_msg m = {.h = channel_on_tapped, .to = c};

    if (h->tap == NULL)
        return;
    m.num[0] = (uint64_t)r->frames << 32 | (uint64_t)why << 1 | r->heard;
    m.num[1] = (uint64_t)r->lead_silence << 32 | r->tail_silence;
    m.num[2] = (uint64_t)place << 32 | r->lost;
    h->tap = NULL;
    c->tapping--;
    hear_changed(c);
    crossing_answer(c->media->crossing, &m);
}

/* --- digits --- */

static void detect(struct media_channel *c, const int16_t *samples)
{
    struct crossing_msg m = {.h = channel_on_digit, .to = c};
    char digits[8];
    size_t n = detector_frame(c->detector, samples, digits, sizeof digits), i;

    for (i = 0; i < n; i++) {
        if (atomic_load_explicit(&c->digits, memory_order_relaxed) >= DIGITS_MAX) {
            media_count(&c->media->digits_dropped);
            return;
        }
        m.num[0] = (uint64_t)digits[i];
        if (crossing_event(c->media->crossing, &m))
            atomic_fetch_add_explicit(&c->digits, 1, memory_order_relaxed);
        else
            media_count(&c->media->digits_dropped);
    }
}

/* --- a frame --- */

static bool wants_samples(const struct media_channel *c)
{
    return c->detector != NULL || c->tapping > 0 || c->member != NULL || c->watching != NULL ||
           (c->joined != NULL && join_wants_samples(c->joined));
}

/* Who speaks to somebody does not hear himself; while something is played, that is what he is to
 * hear instead of his echo. */
static void pass_on(struct media_channel *c, const void *audio, const int16_t *samples)
{
    if (c->joined != NULL)
        join_put(c->joined, c, audio, samples);
    else if (c->member != NULL)
        member_put(c->member, samples);
    else if (c->echoing && c->plays == 0)
        line_put(c, audio);
}

static void tap_input(struct media_channel *c, const void *audio, const int16_t *samples, size_t n)
{
    unsigned i;

    for (i = 0; i < TAPS_MAX; i++) {
        struct hearing *h = &c->hearing[i];
        struct ear *ear = h->tap != NULL ? tap_ear(h->tap) : NULL;

        if (ear != NULL && samples != NULL)
            memcpy(ear_put(ear), samples, n * sizeof *samples);
        else if (h->tap != NULL && ear == NULL && hearing_frame(h, audio, samples, n))
            hear_tap_end(c, i, h->result.why);
    }
}

bool hear_taps_tick(const struct media_channel *c)
{
    unsigned i;

    for (i = 0; c->tapping > 0 && i < TAPS_MAX; i++)
        if (c->hearing[i].tap != NULL && tap_ear(c->hearing[i].tap) != NULL)
            return true;
    return false;
}

bool hear_tap_tick(struct media_channel *c, const void *sent)
{
    unsigned i;

    if (!hear_taps_tick(c))
        return false;
    for (i = 0; i < TAPS_MAX; i++) {
        struct hearing *h = &c->hearing[i];

        if (h->tap != NULL && tap_ear(h->tap) != NULL && hearing_tick(h, sent))
            hear_tap_end(c, i, h->result.why);
    }
    return true;
}

bool media_channel_input(struct media_channel *c, const void *audio, size_t len)
{
    size_t n = codec_frame_samples(c->codec);
    int16_t decoded[FRAME_BYTES_MAX / 2], *samples = NULL;

    if (len != 0 && len != codec_frame_bytes(c->codec))
        return false;
    media_count(&c->media->frames_in);
    if (len == 0)
        audio = NULL;
    if (audio != NULL && wants_samples(c)) {
        codec_decode(c->codec, audio, n, decoded);
        samples = decoded;
    }
    if (c->detector != NULL)
        detect(c, samples);
    if (c->watching != NULL)
        watch_frame(c, samples);
    if (c->tapping > 0)
        tap_input(c, audio, samples, n);
    if (audio != NULL)
        pass_on(c, audio, samples);
    return true;
}
