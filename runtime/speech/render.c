#include "speech/render.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum {
    USUAL_RATE = 22050, /* of a plan without a word */
    QUIET = 60,         /* the engine's fading is below this, of 32768 */
};

struct mix {
    struct espeak_sound *out;
    size_t room;
    struct error *err;
};

static size_t samples_of(const struct mix *m, int ms)
{
    return (size_t)((int64_t)m->out->rate * ms / 1000);
}

/* Adds `n` samples, silence when `from` is NULL. */
static int add(struct mix *m, const int16_t *from, size_t n)
{
    struct espeak_sound *out = m->out;

    if (out->count + n > (size_t)out->rate * RENDER_MAX_SECONDS)
        return error_set(m->err, ERR_LIMIT,
                         "speech: this would last longer than %d minutes; shorten the text",
                         RENDER_MAX_SECONDS / 60);
    if (out->count + n > m->room) {
        size_t room = 2 * m->room > out->count + n ? 2 * m->room : out->count + n;
        int16_t *grown = mem_realloc(out->samples, room * sizeof *grown);

        if (grown == NULL)
            return error_nomem(m->err);
        out->samples = grown;
        m->room = room;
    }
    if (from != NULL)
        memcpy(out->samples + out->count, from, n * sizeof *from);
    else
        memset(out->samples + out->count, 0, n * sizeof *from);
    out->count += n;
    return 0;
}

/* The part of a sound from its first to its last audible sample. */
static void find_voice(const struct espeak_sound *s, size_t *start, size_t *end)
{
    *start = 0;
    *end = s->count;
    while (*start < *end && abs(s->samples[*start]) <= QUIET)
        ++*start;
    while (*end > *start && abs(s->samples[*end - 1]) <= QUIET)
        --*end;
}

static int add_voice(struct mix *m, const struct plan_run *run, bool joined)
{
    struct espeak_sound s;
    size_t start, end, edge;
    int rc = espeak_speak(&s, run->voice, run->ssml, m->err);

    if (rc == 0 && s.count > 0) {
        if (m->out->count == 0)
            m->out->rate = s.rate;
        if (s.rate != m->out->rate)
            rc = error_set(m->err, ERR_IO, "speech: the engine changed its rate from %d to %d",
                           m->out->rate, s.rate);
        find_voice(&s, &start, &end);
        edge = samples_of(m, RENDER_EDGE_MS);
        start -= start < edge ? start : edge;
        end += s.count - end < edge ? s.count - end : edge;
        if (rc == 0 && joined)
            rc = add(m, NULL, samples_of(m, RENDER_JOINT_MS));
        if (rc == 0)
            rc = add(m, s.samples + start, end - start);
    }
    mem_free(s.samples);
    return rc;
}

static int add_pause(struct mix *m, const struct plan *plan, size_t i)
{
    int ms = plan->runs[i].silence_ms;

    ms -= i > 0 ? RENDER_EDGE_MS : 0;
    ms -= i + 1 < plan->count ? RENDER_EDGE_MS : 0;
    return ms > 0 ? add(m, NULL, samples_of(m, ms)) : 0;
}

int render(struct espeak_sound *out, const struct plan *plan, struct error *err)
{
    struct mix m = {.out = out, .err = err};
    int rc = 0;

    *out = (struct espeak_sound){.rate = USUAL_RATE};
    for (size_t i = 0; rc == 0 && i < plan->count; i++) {
        bool joined = i > 0 && plan->runs[i - 1].ssml != NULL;

        rc = plan->runs[i].ssml == NULL ? add_pause(&m, plan, i)
                                        : add_voice(&m, &plan->runs[i], joined);
    }
    if (rc == 0 && plan->count > 0 && plan->runs[plan->count - 1].ssml != NULL)
        rc = add(&m, NULL, samples_of(&m, RENDER_TAIL_MS - RENDER_EDGE_MS));
    if (rc != 0) {
        mem_free(out->samples);
        *out = (struct espeak_sound){0};
    }
    return rc;
}
