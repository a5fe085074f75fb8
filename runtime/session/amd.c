/* Answering machine detection of a call that this one made (webhooks.md §5): media listens, the
 * verdict goes to the journal, to the call, and to the callback. It holds nothing up. */
#include "media/amd.h"
#include "base/mem.h"
#include "base/url.h"
#include "session/leg.h"
#include "session/private.h"
#include <stdio.h>

/* Beyond the timeout, when the far end sends nothing: then no frame ends it. */
enum { AMD_FRAMES_LATE_MS = 500 };
enum { AMD_LONGEST_MS = 60000, AMD_LONGEST_SILENCE_MS = 10000 }; /* media/amd.h */

/* Lives until media has told, which it does before the channel is released. */
struct detection {
    struct session *session;
    char *callback;
    bool get, over;
    const char *then; /* in a replay: what it was … */
    int then_ms;      /* … and after how long that was clear */
    int64_t began;
    struct timer limit;
};

static void send_verdict(struct detection *d, const char *verdict, int ms)
{
    struct session *s = d->session;
    const char *const values[][2] = {
        {"CallSid", s->sid}, {"AccountSid", s->account->sid}, {"AnsweredBy", verdict}};
    struct webhook_params *p = webhook_params_new();
    char text[16];
    int rc = p == NULL ? ERR_NOMEM : 0;

    snprintf(text, sizeof text, "%d", ms);
    for (size_t i = 0; rc == 0 && i < sizeof values / sizeof *values; i++)
        rc = webhook_params_add(p, values[i][0], values[i][1]);
    rc = rc != 0 ? rc : webhook_params_add(p, "MachineDetectionDuration", text);
    if (rc != 0)
        p = webhook_params_free(p);
    callback_send(s, "amd", d->callback, d->get, HTTP_DOCUMENT, p);
}

static void conclude(struct detection *d, enum amd_verdict v, int ms)
{
    struct session *s = d->session;
    /* Who hangs up before it is clear is neither. */
    const char *name =
        d->then != NULL ? d->then : amd_verdict_name(v != AMD_NONE ? v : AMD_UNKNOWN);

    if (d->over)
        return;
    ms = d->then != NULL ? d->then_ms : ms;
    d->over = true;
    timer_stop(&d->limit);
    s->answered_by = name;
    journal_add(s, "amd", "{s:s, s:i}", "verdict", name, "ms", ms);
    if (d->callback != NULL)
        send_verdict(d, name, ms);
}

static int elapsed_ms(const struct detection *d)
{
    return (int)((loop_now(d->session->rt->parts.loop) - d->began) / 1000);
}

static void on_told(void *arg, const struct amd_result *result)
{
    struct detection *d = arg;

    conclude(d, result->verdict, result->verdict == AMD_NONE ? elapsed_ms(d) : (int)result->ms);
    mem_free(d->callback);
    mem_free(d);
}

static void on_limit(void *arg)
{
    struct detection *d = arg;
    struct media_channel *c =
        d->session->channel != NULL ? channel_media(d->session->channel) : NULL;

    conclude(d, AMD_UNKNOWN, elapsed_ms(d));
    if (c != NULL)
        media_amd_stop(c); /* on_told() follows */
}

static int begin(struct detection *d, const struct leg_detection *o, const char *base)
{
    struct session *s = d->session;
    struct media_channel *c = s->channel != NULL ? channel_media(s->channel) : NULL;
    struct amd_config config = {.mode = o->message_end ? AMD_MESSAGE_END : AMD_ENABLE,
                                .timeout_ms = o->timeout_s * 1000,
                                .speech_ms = o->speech_ms,
                                .speech_end_ms = o->speech_end_ms,
                                .silence_ms = o->silence_ms};

    if (c == NULL)
        return ERR_WRONG_STATE;
    if (d->then != NULL) { /* nobody speaks now: it is clear when it was clear then */
        config.timeout_ms = AMD_LONGEST_MS;
        config.silence_ms = AMD_LONGEST_SILENCE_MS;
    }
    if (o->callback != NULL) {
        d->callback = url_resolve(base, o->callback);
        if (d->callback == NULL)
            return ERR_NOMEM;
    }
    return media_amd(c, &config, on_told, d);
}

void amd_start(struct session *s, const struct leg_detection *o, const char *base)
{
    struct detection *d = o->on ? mem_alloc(sizeof *d) : NULL;
    int64_t limit_ms = (int64_t)o->timeout_s * 1000 + AMD_FRAMES_LATE_MS;
    const struct runtime_then *then = &s->rt->then;

    if (d != NULL) {
        if (then->answered_by != NULL)
            d->then = then->answered_by(then->arg, s->sid, &d->then_ms, &limit_ms);
        d->session = s;
        d->get = o->method == FLOW_GET;
        d->began = loop_now(s->rt->parts.loop);
        timer_init(&d->limit, s->rt->parts.loop, on_limit, d);
        if (begin(d, o, base) == 0) {
            timer_start(&d->limit, limit_ms);
            return;
        }
        mem_free(d->callback);
        mem_free(d);
    }
    if (o->on)
        session_say_problem(s, false, 12400, NULL,
                            "machineDetection could not begin: out of memory, or out of range");
}
