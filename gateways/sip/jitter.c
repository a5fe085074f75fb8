#include "gateways/sip/jitter.h"

#include <string.h>

#define NO_BLOCK      0xff
#define FAR           3000            /* a step in the sequence numbers that is no reordering */
#define LATE_MAX      4               /* in a row */
#define WINDOW_US     (2000 * 1000)   /* the least transit time holds for one to two of these */
#define BREAK_SECONDS 1               /* a step in the timestamps against the clock */
#define NEVER         (INT64_MAX / 4) /* a transit time that none can be below */

static void free_all(struct jitter *j)
{
    int i;

    j->filled = 0;
    for (i = 0; i < JITTER_BLOCKS; i++)
        j->next_block[i] = (uint8_t)(i + 1 < JITTER_BLOCKS ? i + 1 : NO_BLOCK);
    j->free_block = 0;
    j->blocks_free = JITTER_BLOCKS;
}

void jitter_restart(struct jitter *j)
{
    free_all(j);
    j->playing = j->mute = j->met = j->is_odd = false;
    j->held = 0;
    j->least[0] = j->least[1] = NEVER;
    j->window_end = INT64_MIN;
}

void jitter_reset(struct jitter *j, unsigned clock, int max_ms)
{
    memset(j, 0, sizeof *j);
    j->clock = clock;
    if (max_ms <= 0 || max_ms > JITTER_MAX_MS)
        max_ms = JITTER_MAX_MS;
    j->max = (int64_t)clock * max_ms / 1000;
    j->spread = (int64_t)clock * 20 / 1000 * 256;
    jitter_restart(j);
}

static struct jitter_slot *slot_of(struct jitter *j, int64_t seq)
{
    return &j->slots[(uint64_t)seq % JITTER_SLOTS];
}

static uint64_t bit_of(int64_t seq)
{
    return UINT64_C(1) << (uint64_t)seq % JITTER_SLOTS;
}

static bool is_filled(const struct jitter *j, int64_t seq)
{
    return (j->filled & bit_of(seq)) != 0;
}

/* The first packet that waits. */
static bool find_head(const struct jitter *j, int64_t *seq)
{
    unsigned from = (unsigned)((uint64_t)(j->last + 1) % JITTER_SLOTS);
    uint64_t turned = from == 0 ? j->filled : j->filled >> from | j->filled << (64 - from);

    if (turned == 0)
        return false;
    *seq = j->last + 1 + __builtin_ctzll(turned);
    return true;
}

static void store(struct jitter *j, struct jitter_slot *s, const uint8_t *payload, size_t len)
{
    size_t at;
    uint8_t *link = &s->block;

    s->len = (uint16_t)len;
    for (at = 0; at < len; at += JITTER_BLOCK) {
        uint8_t b = j->free_block;

        j->free_block = j->next_block[b];
        j->blocks_free--;
        memcpy(j->blocks[b], payload + at, len - at < JITTER_BLOCK ? len - at : JITTER_BLOCK);
        *link = b;
        link = &j->next_block[b];
    }
    *link = NO_BLOCK;
}

/* Takes the packet out; `out` may be NULL. */
static void take(struct jitter *j, int64_t seq, uint8_t *out)
{
    struct jitter_slot *s = slot_of(j, seq);
    size_t at = 0;
    uint8_t b = s->block;

    while (b != NO_BLOCK) {
        uint8_t next = j->next_block[b];
        size_t n = s->len - at < JITTER_BLOCK ? s->len - at : JITTER_BLOCK;

        if (out != NULL)
            memcpy(out + at, j->blocks[b], n);
        at += n;
        j->next_block[b] = j->free_block;
        j->free_block = b;
        j->blocks_free++;
        b = next;
    }
    j->filled &= ~bit_of(seq);
    j->last = seq;
}

static int64_t least_transit(const struct jitter *j)
{
    return j->least[0] < j->least[1] ? j->least[0] : j->least[1];
}

static int64_t target(const struct jitter *j)
{
    int64_t t = j->spread / 256 + (int64_t)j->clock * JITTER_MIN_MS / 1000;

    return t > j->max ? j->max : t;
}

double jitter_delay_ms(const struct jitter *j)
{
    return j->clock == 0 ? 0 : (double)target(j) * 1000 / j->clock;
}

static int64_t units_of(const struct jitter *j, int64_t now_us)
{
    return now_us / 1000000 * j->clock + now_us % 1000000 * j->clock / 1000000;
}

/* Follows the transit time of a packet: its least value, and how far the others are above it. */
static void measure(struct jitter *j, int64_t timestamp, int64_t now_us)
{
    int64_t spread;

    j->transit = units_of(j, now_us) - timestamp;
    if (now_us >= j->window_end) {
        j->least[1] = j->window_end == INT64_MIN ? NEVER : j->least[0];
        j->least[0] = NEVER;
        j->window_end = now_us + WINDOW_US;
    }
    if (j->transit < j->least[0])
        j->least[0] = j->transit;
    spread = j->transit - least_transit(j);
    spread = (spread > j->max ? j->max : spread) * 256;
    if (spread > j->spread)
        j->spread += (spread - j->spread + 1) / 2;
    else
        j->spread -= (j->spread - spread) / 256;
}

/* The sequence number in full. False when the packet is to be dropped: far off, and alone so far.
 */
static bool extend_seq(struct jitter *j, uint16_t seq, int64_t *full)
{
    int16_t step = (int16_t)(uint16_t)(seq - (uint16_t)j->newest);

    if (step > -FAR && step < FAR) {
        j->is_odd = false;
        *full = j->newest + step;
        return true;
    }
    if (j->is_odd && seq == j->odd) {
        jitter_restart(j);
        return true;
    }
    j->is_odd = true;
    j->odd = (uint16_t)(seq + 1);
    return false;
}

static int64_t extend_stamp(const struct jitter *j, uint32_t timestamp)
{
    return j->stamp + (int32_t)(timestamp - (uint32_t)j->stamp);
}

/* Whether a packet from before the last one is a copy: what was taken still stands in its slot. */
static bool was_taken(struct jitter *j, int64_t seq, int64_t stamp)
{
    return j->last - seq < JITTER_SLOTS && slot_of(j, seq)->timestamp == stamp;
}

/* Several late ones in a row, and nothing else between: the far end counts from an earlier number.
 */
static bool begins_earlier(struct jitter *j, uint16_t seq)
{
    j->late_run = j->late_run > 0 && seq == j->late_next ? j->late_run + 1 : 1;
    j->late_next = (uint16_t)(seq + 1);
    return j->late_run == LATE_MAX;
}

static void begin(struct jitter *j, uint16_t seq, uint32_t timestamp)
{
    jitter_restart(j);
    j->met = true;
    j->newest = seq + INT64_C(0x10000);
    j->last = j->newest - 1;
    j->stamp = timestamp;
    j->newest_end = timestamp;
}

/* Makes room for the packet: by number, and for its bytes. The oldest go. */
static void make_room(struct jitter *j, int64_t seq, size_t len)
{
    size_t blocks = (len + JITTER_BLOCK - 1) / JITTER_BLOCK;
    int64_t head;

    while ((seq - j->last > JITTER_SLOTS || j->blocks_free < blocks) && find_head(j, &head) &&
           head < seq)
        take(j, head, NULL);
    if (seq - j->last > JITTER_SLOTS)
        j->last = seq - JITTER_SLOTS;
}

static bool breaks(const struct jitter *j, int64_t stamp, int64_t now_us)
{
    int64_t step = units_of(j, now_us) - stamp - j->transit;
    int64_t most = (int64_t)j->clock * BREAK_SECONDS;

    return step > most || step < -most;
}

/* Where the packet belongs, in full numbers; begins a new stream where it must. False: nowhere. */
static bool place(struct jitter *j, enum jitter_kind kind, uint16_t seq, uint32_t timestamp,
                  int64_t now_us, int64_t *full)
{
    if (j->met && !extend_seq(j, seq, full))
        return false;
    /* A digit's packets all bear the time at which it began: they tell nothing of the path. */
    if (!j->met || (kind != JITTER_OTHER && breaks(j, extend_stamp(j, timestamp), now_us))) {
        begin(j, seq, timestamp);
        *full = j->newest;
    } else if (*full <= j->last && !was_taken(j, *full, extend_stamp(j, timestamp)) &&
               begins_earlier(j, seq)) {
        begin(j, seq, timestamp);
        *full = j->newest;
    }
    return true;
}

enum jitter_put jitter_put(struct jitter *j, enum jitter_kind kind, uint16_t seq,
                           uint32_t timestamp, uint32_t units, const void *payload, size_t len,
                           int64_t now_us)
{
    int64_t full, stamp;
    struct jitter_slot *s;

    if (len > JITTER_PAYLOAD_MAX || !place(j, kind, seq, timestamp, now_us, &full))
        return JITTER_DROPPED;
    stamp = extend_stamp(j, timestamp);
    if (kind != JITTER_OTHER) {
        measure(j, stamp, now_us);
        j->stamp = stamp;
    } else if (j->least[0] == NEVER) {
        j->transit = units_of(j, now_us) - stamp;
    }
    if (full <= j->last) /* what was taken still stands in its slot */
        return j->last - full < JITTER_SLOTS && slot_of(j, full)->timestamp == stamp ? JITTER_TWICE
                                                                                     : JITTER_LATE;
    j->late_run = 0;
    if (full - j->last <= JITTER_SLOTS && is_filled(j, full))
        return JITTER_TWICE;
    make_room(j, full, len);
    if (j->blocks_free * (size_t)JITTER_BLOCK < len)
        return JITTER_DROPPED;
    s = slot_of(j, full);
    *s = (struct jitter_slot){.timestamp = stamp, .units = units, .kind = (uint8_t)kind};
    store(j, s, payload, len);
    j->filled |= bit_of(full);
    if (full > j->newest)
        j->newest = full;
    if (kind == JITTER_AUDIO && stamp + units > j->newest_end)
        j->newest_end = stamp + units;
    return JITTER_TAKEN;
}

void jitter_pause(struct jitter *j)
{
    j->playing = false;
    j->held = 0;
}

/* Drops what would be heard later than the bound allows. True when something was too late. */
static bool bound(struct jitter *j)
{
    int64_t head;

    if (j->newest_end - j->position <= j->max)
        return false;
    j->position = j->newest_end - target(j);
    while (find_head(j, &head)) {
        struct jitter_slot *s = slot_of(j, head);

        if (s->kind == JITTER_AUDIO && s->timestamp + s->units > j->position) {
            if (s->timestamp < j->position)
                j->position = s->timestamp;
            break;
        }
        take(j, head, NULL);
    }
    return true;
}

/* The first that waits, digits taken out of the way. False when nothing is left. */
static bool find_audio(struct jitter *j, int64_t *head)
{
    while (find_head(j, head)) {
        if (slot_of(j, *head)->kind != JITTER_OTHER)
            return true;
        if (*head != j->last + 1)
            return true; /* what is before it may still come */
        take(j, *head, NULL);
        j->mute = true;
    }
    return false;
}

/* Nothing plays: does the first packet start it? */
static bool starts(struct jitter *j, int64_t head, int64_t now_us)
{
    struct jitter_slot *s = slot_of(j, head);

    if (units_of(j, now_us) - s->timestamp < least_transit(j) + target(j))
        return false;
    j->position = s->timestamp;
    j->last = head - 1;
    j->playing = s->kind == JITTER_AUDIO;
    return true;
}

static enum jitter_get give(struct jitter *j, int64_t head, struct jitter_item *item, uint8_t *out)
{
    struct jitter_slot *s = slot_of(j, head);

    j->mute = false;
    item->kind = (enum jitter_kind)s->kind;
    item->units = s->units;
    item->len = s->len;
    j->position = s->timestamp + s->units;
    j->held = 0;
    take(j, head, out);
    if (item->kind != JITTER_AUDIO)
        jitter_pause(j);
    return JITTER_ITEM;
}

/* The next packet is later than what is wanted now. */
static enum jitter_get gap(struct jitter *j, int64_t head, uint32_t units, struct jitter_item *item,
                           uint8_t *out)
{
    int64_t missing = slot_of(j, head)->timestamp - j->position;

    if (head == j->last + 1 || missing > (int64_t)j->clock * BREAK_SECONDS) {
        jitter_pause(j); /* none is lost: the far end was silent */
        return JITTER_QUIET;
    }
    if (j->held >= missing) /* made up already while waiting */
        return give(j, head, item, out);
    missing -= j->held;
    j->position += j->held;
    j->held = 0;
    item->units = missing < units ? (uint32_t)missing : units;
    j->position += item->units;
    return JITTER_LOST;
}

static enum jitter_get nothing(struct jitter *j, uint32_t units, struct jitter_item *item)
{
    if (j->mute)
        jitter_pause(j);
    if (!j->playing)
        return JITTER_QUIET;
    j->held += units;
    item->units = units;
    return JITTER_EMPTY;
}

enum jitter_get jitter_get(struct jitter *j, uint32_t units, struct jitter_item *item, uint8_t *out,
                           int64_t now_us)
{
    int64_t head;

    if (!find_audio(j, &head))
        return nothing(j, units, item);
    if (j->playing && slot_of(j, head)->kind == JITTER_OTHER)
        return nothing(j, units, item);
    if (!j->playing && !starts(j, head, now_us))
        return JITTER_QUIET;
    if (j->playing && bound(j) && !find_audio(j, &head))
        return nothing(j, units, item);
    if (slot_of(j, head)->kind == JITTER_OTHER) {
        take(j, head, NULL); /* what was before it did not come in time */
        return JITTER_QUIET;
    }
    if (slot_of(j, head)->timestamp <= j->position)
        return give(j, head, item, out);
    return gap(j, head, units, item, out);
}

int64_t jitter_excess(const struct jitter *j, uint32_t ahead, int64_t now_us)
{
    if (!j->playing || least_transit(j) == NEVER)
        return 0;
    return units_of(j, now_us) - (j->position - ahead) - j->held - least_transit(j) - target(j);
}
