/* The jitter buffer beside a model, over many seeds: every packet is numbered in its payload, so
 * that what is heard tells which packets were played, in which order, and how long after they were
 * sent. */
#include "gateways/sip/jitter.h"
#include "gateways/sip/rtp_ear.h"

#include "base/mem.h"
#include "unit.h"
#include <string.h>

#define PACKETS 1500
#define UNITS   160

struct path {
    unsigned seed;
    int loss, twice, jitter_ms; /* percent, percent, most */
    bool spikes;                /* now and then 150 ms for a while */
    int most_ms;                /* of delay that the model allows */
    int least_heard;            /* percent of the packets that arrive */
};

struct arrival {
    int64_t at_us;
    unsigned number;
};

static unsigned draw(unsigned *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* When each packet arrives: sorted by time. */
static unsigned plan(const struct path *p, struct arrival *list)
{
    unsigned seed = p->seed, n = 0, i, k;

    for (i = 0; i < PACKETS; i++) {
        bool lost = (int)(draw(&seed) % 100) < p->loss, twice = (int)(draw(&seed) % 100) < p->twice;
        bool spike = p->spikes && i % 200 >= 190;

        for (k = 0; k < (lost ? 0u : twice ? 2u : 1u); k++) {
            int64_t delay = p->jitter_ms > 0 ? draw(&seed) % (unsigned)(p->jitter_ms * 1000) : 0;
            struct arrival a = {i * INT64_C(20000) + delay + (spike ? 150000 : 0), i};
            unsigned at = n++;

            for (; at > 0 && list[at - 1].at_us > a.at_us; at--)
                list[at] = list[at - 1];
            list[at] = a;
        }
    }
    return n;
}

struct outcome {
    unsigned heard, wrong;
    int64_t longest_us;
    bool was[PACKETS];
};

/* What one tick played: a packet's number stands in each pair of its bytes. */
static void judge(struct outcome *o, const uint8_t *bytes, int *last, int64_t now)
{
    int number = bytes[2] << 8 | bytes[3];

    if (number <= *last || number >= PACKETS || o->was[number]) {
        o->wrong++;
        return;
    }
    o->was[number] = true;
    o->heard++;
    *last = number;
    if (now - number * INT64_C(20000) > o->longest_us)
        o->longest_us = now - number * INT64_C(20000);
}

static void play(struct jitter *j, const struct arrival *list, unsigned n, struct outcome *o)
{
    uint8_t payload[UNITS], out[JITTER_PAYLOAD_MAX];
    struct jitter_item item;
    unsigned at = 0, i, quiet = 0;
    int last = -1;
    int64_t now;

    for (now = 7000; now < PACKETS * INT64_C(20000) + 2000000; now += 20000) {
        for (; at < n && list[at].at_us <= now; at++) {
            for (i = 0; i < UNITS; i += 2) {
                payload[i] = (uint8_t)(list[at].number >> 8);
                payload[i + 1] = (uint8_t)list[at].number;
            }
            jitter_put(j, JITTER_AUDIO, (uint16_t)(65000 + list[at].number),
                       4294960000u + UNITS * list[at].number, UNITS, payload, UNITS,
                       list[at].at_us);
        }
        switch (jitter_get(j, UNITS, &item, out, now)) {
        case JITTER_ITEM:
            judge(o, out, &last, now);
            quiet = 0;
            break;
        case JITTER_EMPTY:
            if (++quiet == 4)
                jitter_pause(j);
            break;
        default:
            break;
        }
    }
}

UNIT(in_order_once_and_soon_whatever_the_network_does)
{
    static const struct path paths[] = {
        {.jitter_ms = 0, .most_ms = 30, .least_heard = 100},
        {.loss = 5, .twice = 5, .jitter_ms = 15, .most_ms = 50, .least_heard = 99},
        {.jitter_ms = 60, .most_ms = 90, .least_heard = 99},
        {.loss = 20, .twice = 30, .jitter_ms = 100, .most_ms = 130, .least_heard = 98},
        {.loss = 90, .jitter_ms = 30, .most_ms = 90, .least_heard = 96},
        {.loss = 1, .jitter_ms = 10, .spikes = true, .most_ms = 200, .least_heard = 98},
    };
    struct arrival *list = mem_alloc(sizeof *list * 2 * PACKETS);
    struct outcome *o = mem_alloc(sizeof *o);
    struct jitter *j = mem_alloc(sizeof *j);
    size_t p;

    ok(list != NULL && o != NULL && j != NULL);
    for (p = 0; p < 40 * sizeof paths / sizeof *paths; p++) {
        struct path path = paths[p % (sizeof paths / sizeof *paths)];
        unsigned n, came = 0, i;

        path.seed = (unsigned)p + 1;
        n = plan(&path, list);
        memset(o, 0, sizeof *o);
        jitter_reset(j, 8000, 200);
        play(j, list, n, o);
        for (i = 0; i < n; i++)
            o->was[list[i].number] = true;
        for (i = 0; i < PACKETS; i++)
            came += o->was[i];
        ok_int(o->wrong, 0);
        ok(o->longest_us <= path.most_ms * INT64_C(1000));
        ok(o->heard * 100 >= came * (unsigned)path.least_heard);
        ok_int(j->blocks_free, JITTER_BLOCKS); /* none leaked */
    }
out:
    mem_free(list);
    mem_free(o);
    mem_free(j);
}

UNIT(the_delay_grows_quickly_and_shrinks_slowly)
{
    struct jitter *j = mem_alloc(sizeof *j);
    uint8_t payload[UNITS] = {0}, out[JITTER_PAYLOAD_MAX];
    struct jitter_item item;
    int64_t now = 0;
    int i;

    ok(j != NULL);
    jitter_reset(j, 8000, 200);
    for (i = 0; i < 2000; i++) {
        int64_t late = i >= 500 && i < 520 && i % 2 == 0 ? 100000 : 0;

        now = i * INT64_C(20000);
        jitter_put(j, JITTER_AUDIO, (uint16_t)i, (uint32_t)i * UNITS, UNITS, payload, UNITS,
                   now + late);
        jitter_get(j, UNITS, &item, out, now + late);
        if (i == 499)
            ok(jitter_delay_ms(j) < 15);
        if (i == 520)
            ok(jitter_delay_ms(j) > 80 && jitter_delay_ms(j) < 110);
        if (i == 620)
            ok(jitter_delay_ms(j) > 50);
    }
    ok(jitter_delay_ms(j) < 15);
out:
    mem_free(j);
}

/* Two tones of 440 Hz, one of them in packets of which one in ten is lost: what is made up must not
 * be worse than silence, and far better than it. */
UNIT(what_is_lost_is_made_up_of_what_was_heard)
{
    struct rtp_ear e;
    struct error err = {0};
    uint8_t frame[FRAME_BYTES_MAX], want[160];
    int16_t heard[160];
    unsigned i, k, silent = 0;
    int64_t power = 0;

    ok_rc(rtp_ear_init(&e, RTP_PCMU, 0, &err), &err);
    for (i = 0; i < 500; i++) {
        for (k = 0; k < 160; k++) /* 400 Hz: 20 samples a cycle */
            want[k] = (k / 10) % 2 == 0 ? 0x20 : 0xa0;
        if (i % 10 != 9)
            rtp_ear_put(&e, JITTER_AUDIO, (uint16_t)i, i * 160, want, 160, i * INT64_C(20000));
        if (rtp_ear_tick(&e, frame, i * INT64_C(20000) + 3000) == 0) {
            silent++;
            continue;
        }
        codec_decode(CODEC_PCMU, frame, 160, heard);
        for (k = 0, power = 0; k < 160; k++)
            power += heard[k] * heard[k] / 160;
        ok(i < 20 || power > 7932 * 7932 / 4);
    }
    ok(silent <= 3);
    ok(e.concealed >= 45 && e.concealed <= 55);
out:
    rtp_ear_free(&e);
}

/* The sample at this place of what is said. */
static uint8_t said(size_t at)
{
    return (uint8_t)(at * 7 + at / 160);
}

/* Packets of `ms` each, sent when they are full: after its delay, what is heard is what was said,
 * nothing left out or put in. */
static bool is_whole(unsigned ms, struct error *err)
{
    struct rtp_ear e;
    uint8_t frame[FRAME_BYTES_MAX], payload[120 * 8];
    size_t units = ms * 8, sent = 0, heard = 0;
    bool same = rtp_ear_init(&e, RTP_PCMU, 0, err) == 0;

    for (int64_t now = 0; same && now < 4000; now++) {
        if (now > 0 && now % ms == 0) {
            for (size_t i = 0; i < units; i++)
                payload[i] = said(sent + i);
            rtp_ear_put(&e, JITTER_AUDIO, (uint16_t)(65500 + now / ms), (uint32_t)sent, payload,
                        units, now * 1000);
            sent += units;
        }
        if (now % 20 != 17 || rtp_ear_tick(&e, frame, now * 1000) == 0)
            continue;
        for (size_t i = 0; i < 160; i++)
            same &= frame[i] == said(heard + i);
        heard += 160;
    }
    same &= heard >= (4000 - 2 * ms - 40) * 8 && e.late == 0 && e.concealed == 0;
    rtp_ear_free(&e);
    return same;
}

/* a=ptime of who speaks is his affair, and need not fit our 20 ms (RFC 3551 §4.2). */
UNIT(packets_of_any_length_are_heard_whole)
{
    static const unsigned lengths[] = {5, 10, 15, 20, 30, 40, 50, 60, 80, 90, 100, 120};
    struct error err = {0};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        bool whole = is_whole(lengths[i], &err);

        ok_rc(err.code, &err);
        if (!whole)
            printf("# packets of %u ms\n", lengths[i]);
        ok(whole);
    }
out:;
}

UNIT_MAIN(CASE(in_order_once_and_soon_whatever_the_network_does),
          CASE(the_delay_grows_quickly_and_shrinks_slowly),
          CASE(what_is_lost_is_made_up_of_what_was_heard),
          CASE(packets_of_any_length_are_heard_whole))
