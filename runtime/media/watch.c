/* Answering machine detection attached to a channel. */
#include "base/mem.h"
#include "media/amd.h"
#include "media/channel.h"
#include "media/convert.h"

/* Made by control, which gets it back with the verdict. */
struct watch {
    struct amd amd;
    struct convert narrow; /* to 8 kHz */
    struct media_channel *channel;
    media_amd_h *told;
    void *arg;
};

/* --- [media] --- */

static void on_told(const struct crossing_msg *m)
{
    struct watch *w = m->ptr;
    struct amd_result result = {(enum amd_verdict)m->num[0], (uint32_t)m->num[1]};
    media_amd_h *told = w->told;
    void *arg = w->arg;

    w->channel->watch = NULL;
    w->channel->watch_stop = false;
    mem_free(w);
    told(arg, &result);
}

static void tell(struct media_channel *c, enum amd_verdict v)
{
    struct watch *w = c->watching;
    struct crossing_msg m = {.h = on_told, .ptr = w};

    m.num[0] = v;
    m.num[1] = (uint64_t)w->amd.frames * FRAME_MS;
    c->watching = NULL;
    hear_changed(c);
    crossing_answer(c->media->crossing, &m);
}

void watch_frame(struct media_channel *c, const int16_t *samples)
{
    struct watch *w = c->watching;
    int16_t narrowed[FRAME_BYTES_MAX / 2];
    enum amd_verdict v;

    if (samples != NULL)
        convert_frame(&w->narrow, samples, narrowed);
    v = amd_frame(&w->amd, samples != NULL ? narrowed : NULL);
    if (v != AMD_NONE)
        tell(c, v);
}

void watch_end(struct media_channel *c)
{
    if (c->watching != NULL)
        tell(c, AMD_NONE);
}

static void on_watch(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;

    c->watching = m->ptr;
    hear_changed(c);
}

static void on_stop(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;

    /* It may have told, and another may be at work, while this was on its way. */
    if (c->watching == m->ptr)
        watch_end(c);
}

/* --- [control] --- */

bool watch_command_stop(struct media_channel *c)
{
    struct crossing_msg m = {.h = on_stop, .to = c, .ptr = c->watch};

    if (!c->watch_stop)
        return true;
    if (crossing_command(c->media->crossing, &m, 0) != 0)
        return false;
    c->watch_stop = false;
    return true;
}

static bool within(int ms, int least, int most)
{
    return ms >= least && ms <= most;
}

int media_amd(struct media_channel *c, const struct amd_config *config, media_amd_h *told,
              void *arg)
{
    struct crossing_msg m = {.h = on_watch, .to = c};
    struct watch *w;
    int rc;

    if (!within(config->timeout_ms, 3000, 60000) || !within(config->speech_ms, 1000, 6000) ||
        !within(config->speech_end_ms, 500, 5000) || !within(config->silence_ms, 2000, 10000))
        return ERR_INVALID;
    if (c->watch != NULL || c->released)
        return ERR_WRONG_STATE;
    if (list_linked(&c->late))
        return ERR_LIMIT;
    w = mem_alloc(sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    amd_init(&w->amd, config);
    convert_init(&w->narrow, c->codec, CODEC_L16_8);
    w->channel = c;
    w->told = told;
    w->arg = arg;
    m.ptr = w;
    rc = crossing_command(c->media->crossing, &m, 1);
    if (rc != 0) {
        mem_free(w);
        return rc;
    }
    c->watch = w;
    return 0;
}

void media_amd_stop(struct media_channel *c)
{
    if (c->watch == NULL)
        return;
    c->watch_stop = true;
    channel_push(c);
}
