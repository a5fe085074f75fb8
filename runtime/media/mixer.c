/* The media loop's side of rooms: one tick takes a frame from each ear, adds them up, and gives
 * each member the sum without himself. */
#include "media/room.h"

#include <string.h>

#define IDLE_TICKS 2 /* a pause shorter than this does not change the room's place in the wheel */

/* --- ears --- */

static size_t room_samples(const struct media_room *r)
{
    return codec_frame_samples(r->voice->codec);
}

static bool is_heard(enum room_mode mode)
{
    return mode == ROOM_TALKER || mode == ROOM_COACH;
}

void member_put(struct member *m, const int16_t *samples)
{
    struct ear *e = m->m_ear;

    if (!is_heard(m->m_mode) || e == NULL)
        return;
    convert_frame(&m->in, samples, ear_put(e));
    if (!list_linked(&m->talk))
        list_append(&m->m_room->talking, &m->talk);
    room_wake(m->m_room);
}

/* From nothing to full over a frame. */
static void fade_in(int16_t *frame, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        frame[i] = (int16_t)(frame[i] * (int32_t)i / (int32_t)n);
}

static void hear_member(struct member *m)
{
    int16_t *frame = ear_take(m->m_ear);

    if (frame == NULL && !m->m_ear->primed) {
        m->loud = 0;
        list_remove(&m->talk);
    }
    if (frame != NULL && m->fade_in) {
        fade_in(frame, room_samples(m->m_room));
        m->fade_in = false;
    }
    m->now = frame;
}

/* He will not be heard any more: what he said last fades over one frame, and the rest is dropped.
 */
static void fade_out(struct member *m)
{
    struct media_room *r = m->m_room;
    int32_t n = (int32_t)room_samples(r), i;
    const int16_t *frame;

    if (m->m_mode == ROOM_TALKER && m->m_ear != NULL && m->m_ear->count > 0) {
        frame = ear_pop(m->m_ear);
        if (!r->has_tail)
            memset(r->tail, 0, sizeof r->tail);
        for (i = 0; i < n; i++)
            r->tail[i] += frame[i] * (n - 1 - i) / n;
        r->has_tail = true;
        room_wake(r);
    }
    list_remove(&m->talk);
    m->now = NULL;
}

/* --- coming and going --- */

void member_enter(struct member *m, struct media_room *r, struct media_channel *c)
{
    m->m_channel = c;
    m->m_room = r;
    m->m_mode = ROOM_HOLD; /* until the command that follows */
    c->member = m;
    list_append(&r->m_members, &m->m_node);
}

static void tell_speaking(struct member *m, bool on)
{
    struct crossing_msg event = {.h = member_on_speaking, .to = m, .num = {on}};

    /* Without a place it is told at the next frame. */
    if (!crossing_event(m->m_channel->media->crossing, &event))
        return;
    m->speaking = on;
    if (on)
        list_append(&m->m_room->speakers, &m->speaker);
    else
        list_remove(&m->speaker);
}

void member_set(struct member *m, enum room_mode mode, struct member *coached, struct ear *ear)
{
    if (m->m_room == NULL)
        return; /* the channel or the room is gone */
    if (m->m_mode != mode && is_heard(m->m_mode))
        fade_out(m);
    if (m->m_mode != mode && is_heard(mode)) {
        memset(m->in.past, 0, sizeof m->in.past);
        ear_clear(ear);
        m->fade_in = true;
    }
    if (mode == ROOM_HOLD)
        line_clear(m->m_channel);
    m->m_mode = mode;
    m->m_ear = ear;
    m->m_coached = coached;
    if (mode != ROOM_COACH)
        list_remove(&m->coach);
    else if (!list_linked(&m->coach))
        list_append(&m->m_room->coaches, &m->coach);
}

void member_end(struct member *m)
{
    struct link_node *n;
    struct media_room *r = m->m_room;

    if (r == NULL)
        return;
    fade_out(m);
    list_remove(&m->coach);
    list_remove(&m->speaker);
    list_remove(&m->m_node);
    for (n = list_first(&r->coaches); n != NULL; n = list_next(&r->coaches, n)) {
        struct member *coach = list_entry(n, struct member, coach);

        if (coach->m_coached == m)
            coach->m_coached = NULL;
    }
    line_clear(m->m_channel);
    m->m_channel->member = NULL;
    m->m_room = NULL;
}

void room_end(struct media_room *r)
{
    struct link_node *n;

    while ((n = list_first(&r->m_members)) != NULL)
        member_end(list_entry(n, struct member, m_node));
    room_sleep(r);
}

/* --- a tick --- */

static void add(struct media_room *r, const int16_t *samples, int sign)
{
    size_t n = room_samples(r), i;

    if (sign > 0)
        for (i = 0; i < n; i++)
            r->sum[i] += samples[i];
    else
        for (i = 0; i < n; i++)
            r->sum[i] -= samples[i];
}

static void hear_talkers(struct media_room *r)
{
    struct link_node *n, *next;

    for (n = list_first(&r->talking); n != NULL; n = next) {
        struct member *m = list_entry(n, struct member, talk);

        next = list_next(&r->talking, n);
        hear_member(m);
        if (m->now == NULL || m->m_mode != ROOM_TALKER)
            continue;
        add(r, m->now, 1);
        r->sources++;
        m->loud = samples_are_silent(m->now, room_samples(r)) ? 0 : m->loud + (m->loud < 255);
        if (m->loud >= SPEAKING_START && !m->speaking)
            tell_speaking(m, true);
    }
}

static void hear_voice(struct media_room *r)
{
    uint8_t room[FRAME_BYTES_MAX];
    int16_t samples[ROOM_SAMPLES];
    const uint8_t *frame;

    player_take(r->voice, room, &frame);
    if (frame == NULL)
        return;
    codec_decode(r->voice->codec, frame, room_samples(r), samples);
    add(r, samples, 1);
    r->sources++;
}

static void hear_tail(struct media_room *r)
{
    size_t n = room_samples(r), i;

    if (!r->has_tail)
        return;
    for (i = 0; i < n; i++)
        r->sum[i] += r->tail[i];
    r->has_tail = false;
    r->sources++;
}

static void watch_speakers(struct media_room *r)
{
    struct link_node *n, *next;

    for (n = list_first(&r->speakers); n != NULL; n = next) {
        struct member *m = list_entry(n, struct member, speaker);

        next = list_next(&r->speakers, n);
        m->quiet = m->now != NULL && m->loud > 0 ? 0 : m->quiet + (m->quiet < 255);
        if (m->quiet >= SPEAKING_STOP || m->m_mode != ROOM_TALKER) {
            m->loud = m->quiet = 0;
            tell_speaking(m, false);
        }
    }
}

/* The sum for all who add nothing to it, at a rate. */
static const int16_t *shared_samples(struct media_room *r, enum codec c)
{
    int rate = codec_rate(c) / 8000;

    if (!r->is_converted[rate]) {
        r->before[rate] = r->out[rate];
        convert_frame(&r->out[rate], r->clipped, r->converted[rate]);
        r->is_converted[rate] = true;
    }
    return r->converted[rate];
}

static const uint8_t *shared_frame(struct media_room *r, enum codec c)
{
    if (!r->is_encoded[c]) {
        codec_encode(c, shared_samples(r, c), codec_frame_samples(c), r->encoded[c]);
        r->is_encoded[c] = true;
    }
    return r->encoded[c];
}

/* Adds what coaches say to him alone; how many of them. */
static unsigned add_coaches(struct media_room *r, struct member *m, int sign)
{
    struct link_node *n;
    unsigned found = 0;

    for (n = list_first(&r->coaches); n != NULL; n = list_next(&r->coaches, n)) {
        struct member *coach = list_entry(n, struct member, coach);

        if (coach->m_coached != m || coach->now == NULL)
            continue;
        add(r, coach->now, sign);
        found++;
    }
    return found;
}

static void clip_sum(const struct media_room *r, const int16_t *without, int16_t *out)
{
    size_t n = room_samples(r), i;

    if (without == NULL)
        for (i = 0; i < n; i++)
            out[i] = sample_clip(r->sum[i]);
    else
        for (i = 0; i < n; i++)
            out[i] = sample_clip(r->sum[i] - without[i]);
}

/* A mix for one member. His converter goes on from where the shared one was, so that he hears no
 * seam when he begins to speak. */
static void send_own(struct media_room *r, struct member *m)
{
    int16_t mix[ROOM_SAMPLES], converted[ROOM_SAMPLES];
    enum codec codec = m->m_channel->codec;

    clip_sum(r, m->m_mode == ROOM_TALKER ? m->now : NULL, mix);
    if (m->out.from == m->out.to) {
        line_put_samples(m->m_channel, mix);
        return;
    }
    shared_samples(r, codec);
    if (!m->mixed)
        m->out = r->before[m->out.to];
    convert_frame(&m->out, mix, converted);
    line_put_samples(m->m_channel, converted);
}

static void send_member(struct media_room *r, struct member *m)
{
    bool speaks = m->now != NULL && m->m_mode == ROOM_TALKER;
    unsigned coaches = 0;

    if (m->m_mode == ROOM_HOLD || m->m_channel->port == NULL)
        return;
    if (!list_empty(&r->coaches))
        coaches = add_coaches(r, m, 1);
    if (r->sources + coaches <= speaks) {
        m->mixed = false;
        return; /* nobody but himself */
    }
    if (speaks || coaches > 0) {
        send_own(r, m);
        m->mixed = true;
    } else {
        line_put(m->m_channel, shared_frame(r, m->m_channel->codec));
        m->mixed = false;
    }
    if (coaches > 0)
        add_coaches(r, m, -1);
}

/* What was heard is a tap's or nobody's. */
static void tell_voice(struct media_room *r)
{
    enum codec c = r->voice->codec;

    if (r->voice->tapping == 0)
        return;
    if (r->sources > 0)
        media_channel_input(r->voice, shared_frame(r, c), codec_frame_bytes(c));
    else
        media_channel_input(r->voice, NULL, 0);
}

bool room_tick(struct media_room *r)
{
    struct link_node *n;

    r->sources = 0;
    memset(r->sum, 0, room_samples(r) * sizeof *r->sum);
    memset(r->is_converted, 0, sizeof r->is_converted);
    memset(r->is_encoded, 0, sizeof r->is_encoded);
    hear_talkers(r);
    hear_voice(r);
    hear_tail(r);
    watch_speakers(r);
    if (r->sources > 0)
        clip_sum(r, NULL, r->clipped);
    if (r->sources > 0 || !list_empty(&r->coaches))
        for (n = list_first(&r->m_members); n != NULL; n = list_next(&r->m_members, n))
            send_member(r, list_entry(n, struct member, m_node));
    tell_voice(r);
    r->idle = r->sources > 0 || !list_empty(&r->talking) ? 0 : r->idle + (r->idle < 255);
    return r->idle < IDLE_TICKS || r->voice->plays > 0 || r->voice->tapping > 0 ||
           !list_empty(&r->speakers);
}
