#include "gateways/sip/dtmf.h"

#include <string.h>

#define SAME_MS    30   /* an event that begins so soon after one without end is the same one */
#define FORGET_MS  2000 /* older than the newest by more: not believed */
#define STEP_MS    20
#define TONE_STEPS 5
#define END_STEPS  3
#define ALL_STEPS  10 /* so that 100 ms of tone are followed by 100 ms without */
#define VOLUME     10

void dtmf_in_reset(struct dtmf_in *d, unsigned clock)
{
    memset(d, 0, sizeof *d);
    d->clock = clock;
    d->credit_us = INT64_C(1000000) * DTMF_BURST / DTMF_RATE;
}

static bool is_known(const struct dtmf_in *d, uint32_t begun)
{
    unsigned i;

    for (i = 0; i < d->past_n; i++)
        if (d->past[i] == begun)
            return true;
    return false;
}

static void note(struct dtmf_in *d, uint32_t begun)
{
    d->past[d->past_at] = begun;
    d->past_at = (d->past_at + 1) % DTMF_REMEMBERED;
    if (d->past_n < DTMF_REMEMBERED)
        d->past_n++;
}

/* Some senders move the timestamp with each packet, and all do when a key is held for longer than
 * the duration can say. Only where the end of the key before was not seen. */
static bool goes_on(const struct dtmf_in *d, const struct rtp_packet *p, uint8_t code)
{
    return d->any && code == d->code && !p->marker && (int32_t)(p->timestamp - d->begun) > 0 &&
           (int32_t)(p->timestamp - d->ends) <= (int32_t)(d->clock * SAME_MS / 1000);
}

static bool has_credit(struct dtmf_in *d, int64_t now_us)
{
    const int64_t one = 1000000 / DTMF_RATE, most = one * DTMF_BURST;

    if (d->any)
        d->credit_us += now_us - d->credit_at;
    d->credit_at = now_us;
    if (d->credit_us > most)
        d->credit_us = most;
    if (d->credit_us < one)
        return false;
    d->credit_us -= one;
    return true;
}

/* Whether the packet is about the newest event; then what is known of it grows. */
static bool is_newest(struct dtmf_in *d, const struct rtp_packet *p, const struct rtp_event *e)
{
    uint32_t ends = p->timestamp + e->duration;

    if (!d->any || (p->timestamp != d->begun && !goes_on(d, p, e->code)))
        return false;
    if (p->timestamp != d->begun) {
        note(d, p->timestamp);
        d->begun = p->timestamp;
    }
    if ((int32_t)(ends - d->ends) > 0)
        d->ends = ends;
    return true;
}

enum dtmf_take dtmf_in_packet(struct dtmf_in *d, const struct rtp_packet *p, int64_t now_us,
                              char *key, unsigned *duration_ms)
{
    struct rtp_event e;
    int32_t after = (int32_t)(p->timestamp - d->begun);
    bool good;

    if (!rtp_event_parse(&e, p->payload, p->len) || rtp_event_key(e.code) == 0)
        return DTMF_NOTHING;
    if (is_newest(d, p, &e) || is_known(d, p->timestamp))
        return DTMF_NOTHING;
    if (d->any && after < -(int32_t)(d->clock * FORGET_MS / 1000))
        return DTMF_NOTHING;
    good = has_credit(d, now_us);
    note(d, p->timestamp);
    if (!d->any || after > 0) {
        d->any = true;
        d->begun = p->timestamp;
        d->ends = p->timestamp + e.duration;
        d->code = e.code;
    }
    if (!good)
        return DTMF_TOO_MANY;
    *key = rtp_event_key(e.code);
    *duration_ms = e.duration * 1000u / d->clock;
    if (*duration_ms < DTMF_MIN_MS)
        *duration_ms = DTMF_MIN_MS;
    return DTMF_KEY;
}

bool dtmf_out_add(struct dtmf_out *d, char key)
{
    if (d->count == DTMF_QUEUE || (key != 'w' && key != 'W' && rtp_event_code(key) < 0))
        return false;
    d->queue[(d->first + d->count++) % DTMF_QUEUE] = key;
    return true;
}

bool dtmf_out_busy(const struct dtmf_out *d)
{
    return d->count > 0;
}

static unsigned steps_of(char key)
{
    return key == 'w' ? 500 / STEP_MS : key == 'W' ? 1000 / STEP_MS : ALL_STEPS;
}

bool dtmf_out_take(struct dtmf_out *d, char *key)
{
    if (d->count == 0)
        return false;
    *key = d->queue[d->first];
    d->step = 0;
    d->first = (d->first + 1) % DTMF_QUEUE;
    d->count--;
    return true;
}

bool dtmf_out_step(struct dtmf_out *d, unsigned clock, struct rtp_event *e, bool *begins)
{
    char key = d->queue[d->first];
    unsigned step = d->step;
    int code = rtp_event_code(key);

    if (d->count == 0)
        return false;
    if (++d->step >= steps_of(key))
        dtmf_out_take(d, &key);
    if (code < 0 || step >= TONE_STEPS + END_STEPS)
        return false;
    *begins = step == 0;
    e->code = (uint8_t)code;
    e->end = step >= TONE_STEPS;
    e->volume = VOLUME;
    e->duration = (uint16_t)(clock * STEP_MS / 1000 * (step < TONE_STEPS ? step + 1 : TONE_STEPS));
    return true;
}
