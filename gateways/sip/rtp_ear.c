#include "gateways/sip/rtp_ear.h"

#include "base/mem.h"
#include <math.h>
#include <string.h>

#define QUEUE_MS       (CODEC_PACKET_MS_MAX + 2 * FRAME_MS)
#define SAMPLES_MAX    (16 * QUEUE_MS) /* at 16 kHz, the widest on this side */
#define MADE_MAX_MS    60              /* then what is made up has faded to nothing */
#define MORE_MS        30              /* too much delay */
#define LESS_MS        (-10)           /* too little */
#define PATIENCE       50              /* ticks until a correction no longer waits for a pause */
#define QUIET_RMS      260             /* as runtime/media has it */
#define NOISE_DB_LEAST 70              /* comfort noise below is plain silence */

int rtp_ear_init(struct rtp_ear *e, enum rtp_codec wire, int max_ms, struct error *err)
{
    memset(e, 0, sizeof *e);
    e->wire = wire;
    e->bridge = rtp_codec_bridge(wire);
    e->frame = codec_frame_bytes(e->bridge);
    e->random = 1;
    jitter_reset(&e->jitter, rtp_codec_clock(wire), max_ms);
    e->queue = mem_alloc(e->frame * (QUEUE_MS / FRAME_MS));
    if (e->queue == NULL)
        return error_nomem(err);
    return transcoder_new(&e->decoder, wire, false, err);
}

void rtp_ear_free(struct rtp_ear *e)
{
    e->decoder = transcoder_free(e->decoder);
    mem_free(e->queue);
    e->queue = NULL;
}

void rtp_ear_put(struct rtp_ear *e, enum jitter_kind kind, uint16_t seq, uint32_t timestamp,
                 const uint8_t *payload, size_t len, int64_t now_us)
{
    uint32_t units = kind == JITTER_AUDIO ? rtp_codec_units(e->wire, payload, len) : 0;

    if (kind == JITTER_AUDIO && units == 0)
        kind = JITTER_OTHER;
    if (kind == JITTER_OTHER)
        len = 0;
    switch (jitter_put(&e->jitter, kind, seq, timestamp, units, payload, len, now_us)) {
    case JITTER_LATE:
        e->late++;
        break;
    case JITTER_TWICE:
        e->duplicate++;
        break;
    default:
        break;
    }
}

static size_t sample_bytes(const struct rtp_ear *e)
{
    return e->frame / codec_frame_samples(e->bridge);
}

static size_t samples_of(const struct rtp_ear *e, uint32_t units)
{
    return (size_t)units * (size_t)codec_rate(e->bridge) / e->jitter.clock;
}

static uint32_t units_waiting(const struct rtp_ear *e)
{
    return (uint32_t)(e->len / sample_bytes(e) * e->jitter.clock / (size_t)codec_rate(e->bridge));
}

static size_t room(const struct rtp_ear *e)
{
    return (e->frame * (QUEUE_MS / FRAME_MS) - e->len) / sample_bytes(e);
}

static void append(struct rtp_ear *e, const int16_t *samples, size_t n)
{
    if (n > room(e))
        n = room(e);
    codec_encode(e->bridge, samples, n, e->queue + e->len);
    e->len += n * sample_bytes(e);
}

/* --- what is lost --- */

/* What was heard last, with the beginning of the frame that is next. */
static void remember(struct rtp_ear *e)
{
    size_t n = codec_frame_samples(e->bridge), part = e->len / sample_bytes(e);
    int16_t samples[3 * 320];

    codec_decode(e->bridge, e->past, 2 * n, samples);
    if (part > n)
        part = n;
    codec_decode(e->bridge, e->queue, part, samples + 2 * n);
    conceal_start(&e->made_up, samples + part, 2 * n, codec_rate(e->bridge));
}

static void make_up(struct rtp_ear *e, uint32_t units)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = samples_of(e, units);

    if (e->made == 0)
        remember(e);
    if (e->made < MADE_MAX_MS && e->has_past)
        conceal_make(&e->made_up, samples, n);
    else
        memset(samples, 0, n * sizeof *samples);
    append(e, samples, n);
    e->made += units * 1000 / e->jitter.clock;
    e->concealed++;
}

/* --- what is there --- */

static void decode(struct rtp_ear *e, const uint8_t *payload, const struct jitter_item *item)
{
    int16_t samples[SAMPLES_MAX];
    size_t n = item->len;

    if (e->decoder == NULL && e->made == 0) {
        n = n < room(e) ? n : room(e);
        memcpy(e->queue + e->len, payload, n);
        e->len += n;
        return;
    }
    if (e->decoder == NULL)
        codec_decode(e->bridge, payload, n, samples);
    else
        n = transcoder_decode(e->decoder, payload, n, samples, SAMPLES_MAX);
    if (e->made > 0 && e->has_past && n > 0)
        conceal_end(&e->made_up, samples, n);
    e->made = 0;
    append(e, samples, n);
}

static void take_comfort(struct rtp_ear *e, const uint8_t *payload, size_t len)
{
    int level = len == 0 ? 127 : payload[0] & 127;
    double rms = level >= NOISE_DB_LEAST ? 0 : 32767 * pow(10, -level / 20.0);

    /* Never so loud that the exchange would take it for speech. */
    if (rms > QUIET_RMS * 0.8)
        rms = QUIET_RMS * 0.8;
    e->noise = (int)(rms * sqrt(3));
    e->comfort = true;
}

/* One more piece into the queue. False when there is only silence now. */
static bool fill(struct rtp_ear *e, int64_t now_us)
{
    uint8_t payload[JITTER_PAYLOAD_MAX];
    struct jitter_item item;
    uint32_t units = e->jitter.clock * FRAME_MS / 1000;

    switch (jitter_get(&e->jitter, units, &item, payload, now_us)) {
    case JITTER_ITEM:
        e->waited = 0;
        if (item.kind == JITTER_COMFORT) {
            take_comfort(e, payload, item.len);
            return false;
        }
        e->comfort = false;
        e->noise = 0;
        decode(e, payload, &item);
        return true;
    case JITTER_LOST:
        make_up(e, item.units);
        return true;
    case JITTER_EMPTY:
        if (e->waited < MADE_MAX_MS) {
            e->waited += FRAME_MS;
            make_up(e, item.units);
            return true;
        }
        jitter_pause(&e->jitter);
        break;
    case JITTER_QUIET:
        break;
    }
    e->waited = e->made = 0;
    return false;
}

static void make_noise(struct rtp_ear *e, void *out)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t i, n = codec_frame_samples(e->bridge);

    for (i = 0; i < n; i++) {
        e->random = e->random * 1664525 + 1013904223;
        samples[i] = (int16_t)((int)(e->random >> 16) % (2 * e->noise + 1) - e->noise);
    }
    codec_encode(e->bridge, samples, n, out);
}

/* --- keeping the delay right --- */

static bool is_quiet(const struct rtp_ear *e, const uint8_t *frame)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t i, n = codec_frame_samples(e->bridge);
    int64_t sum = 0;

    codec_decode(e->bridge, frame, n, samples);
    for (i = 0; i < n; i++)
        sum += samples[i] * samples[i];
    return sum < (int64_t)n * QUIET_RMS * QUIET_RMS;
}

static void consume(struct rtp_ear *e, size_t bytes)
{
    e->len -= bytes;
    memmove(e->queue, e->queue + bytes, e->len);
}

/* Makes one frame of the next two, going over from the one to the other. */
static void shorten(struct rtp_ear *e, uint8_t *out)
{
    int16_t a[FRAME_BYTES_MAX / 2], b[FRAME_BYTES_MAX / 2];
    int i, n = (int)codec_frame_samples(e->bridge);

    codec_decode(e->bridge, e->queue, (size_t)n, a);
    codec_decode(e->bridge, e->queue + e->frame, (size_t)n, b);
    for (i = 0; i < n; i++)
        a[i] = (int16_t)((a[i] * (n - i) + b[i] * i) / n);
    codec_encode(e->bridge, a, (size_t)n, out);
    consume(e, 2 * e->frame);
}

/* Puts a frame made up of what was heard in front of the next one. */
static void lengthen(struct rtp_ear *e, uint8_t *out)
{
    int16_t samples[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(e->bridge);

    remember(e);
    conceal_make(&e->made_up, samples, n);
    codec_encode(e->bridge, samples, n, out);
    codec_decode(e->bridge, e->queue, n, samples);
    conceal_end(&e->made_up, samples, n);
    codec_encode(e->bridge, samples, n, e->queue);
}

/* With a frame in the queue: writes one to `out`, a frame earlier or later when the delay is off.
 */
static void hand_out(struct rtp_ear *e, uint8_t *out, int64_t now_us)
{
    int64_t off = jitter_excess(&e->jitter, units_waiting(e), now_us) * 1000 / e->jitter.clock;
    bool quiet;

    e->off = off > MORE_MS || off < LESS_MS ? e->off + 1 : 0;
    quiet = e->off > 0 && is_quiet(e, e->queue);
    if (off > MORE_MS && (quiet || e->off > PATIENCE)) {
        e->off = 0;
        while (e->len < 2 * e->frame && fill(e, now_us))
            ;
        if (e->len >= 2 * e->frame) {
            shorten(e, out);
            return;
        }
    } else if (off < LESS_MS && quiet) {
        e->off = 0;
        memcpy(out, e->queue, e->frame);
        return;
    } else if (off < LESS_MS && e->off > PATIENCE && e->has_past && e->made == 0) {
        e->off = 0;
        lengthen(e, out);
        return;
    }
    memcpy(out, e->queue, e->frame);
    consume(e, e->frame);
}

size_t rtp_ear_tick(struct rtp_ear *e, void *out, int64_t now_us)
{
    while (e->len < e->frame && fill(e, now_us))
        ;
    if (e->len > 0 && e->len < e->frame) { /* the rest of a packet that is no whole frame */
        static const int16_t zeros[FRAME_BYTES_MAX / 2];

        append(e, zeros, (e->frame - e->len) / sample_bytes(e));
    }
    if (e->len >= e->frame) {
        hand_out(e, out, now_us);
        memcpy(e->past, e->past + e->frame, e->frame);
        memcpy(e->past + e->frame, out, e->frame);
        e->has_past = true;
        return e->frame;
    }
    e->has_past = false;
    if (!e->comfort || e->noise == 0)
        return 0;
    make_noise(e, out);
    return e->frame;
}
