/* A channel: what control asks of it, and how that reaches the media loop and comes back. */
#include "media/channel.h"

#include "base/log.h"
#include "base/mem.h"
#include "media/mixer.h"

#define LATE_RETRY_MS 5
#define LOOPS_MAX     1000

/* --- [media]: commands --- */

static void on_play(const struct crossing_msg *m)
{
    struct play p = {.audio = m->ptr, .place = (uint8_t)m->num[0], .loops = (uint32_t)m->num[1]};
    struct media_channel *c = m->to;

    p.stream = (struct stream_play *)(uintptr_t)m->num[2];
    player_add(c, &p);
}

static void on_stop(const struct crossing_msg *m)
{
    player_stop(m->to, (unsigned)m->num[0]);
}

static void on_echo(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;

    c->hears = m->ptr;
    c->echoing = m->num[0];
    if (c->joined == NULL && c->member == NULL)
        line_clear(c);
}

static void on_tap(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;

    hearing_begin(&c->hearing[m->num[0] >> 32], m->ptr, (uint32_t)m->num[0], (int)m->num[1],
                  (int)m->num[2]);
    c->tapping++;
    hear_changed(c);
    if (c->room != NULL)
        room_wake(c->room);
    else if (tap_ear(m->ptr) != NULL)
        wheel_join(c);
}

/* The tap in this place, unless it ended by itself while this was on its way. */
static struct hearing *find_tap(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;
    struct hearing *h = &c->hearing[m->num[0] >> 32];

    return h->tap != NULL && h->request == (uint32_t)m->num[0] ? h : NULL;
}

static void on_tap_stop(const struct crossing_msg *m)
{
    if (find_tap(m) != NULL)
        hear_tap_end(m->to, (unsigned)(m->num[0] >> 32), TAP_STOPPED);
}

static void on_tap_pause(const struct crossing_msg *m)
{
    struct hearing *h = find_tap(m);

    if (h != NULL)
        h->pause = (enum tap_pause)m->num[1];
}

static void on_release(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;
    struct crossing_msg answer = {.h = channel_on_released, .to = c};
    unsigned i;

    if (c->joined != NULL)
        join_end(c->joined);
    if (c->member != NULL)
        member_end(c->member);
    if (c->room != NULL)
        room_end(c->room);
    watch_end(c);
    player_stop(c, ~0u);
    for (i = 0; i < TAPS_MAX; i++)
        hear_tap_end(c, i, TAP_GONE);
    wheel_leave(c);
    c->port = NULL;
    crossing_answer(c->media->crossing, &answer);
}

void media_channel_attach(struct media_channel *c, struct media_port *port, uint32_t number)
{
    c->port = port;
    c->number = number;
    c->heeds = true;
    if (port != NULL)
        hear_changed(c);
    if (port == NULL)
        wheel_leave(c);
    else if (c->plays > 0 || hear_taps_tick(c))
        wheel_join(c);
}

/* [media] Gives a frame to its port. */
static void channel_frame(struct media_channel *c, const void *bytes)
{
    struct media_port *p = c->port;

    if (!p->touched) {
        p->touched = true;
        p->next_touched = c->media->touched;
        c->media->touched = p;
    }
    media_count(&c->media->frames_out);
    p->frame(p, c->number, bytes, codec_frame_bytes(c->codec));
}

/* Two frames as one. */
static void mix_frames(enum codec codec, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    int16_t x[FRAME_BYTES_MAX / 2], y[FRAME_BYTES_MAX / 2];
    size_t n = codec_frame_samples(codec), i;

    codec_decode(codec, a, n, x);
    codec_decode(codec, b, n, y);
    for (i = 0; i < n; i++)
        x[i] = sample_clip(x[i] + y[i]);
    codec_encode(codec, x, n, out);
}

bool channel_tick(struct media_channel *c)
{
    uint8_t room[FRAME_BYTES_MAX], mixed[FRAME_BYTES_MAX];
    const uint8_t *frame, *line = NULL;
    bool playing = player_take(c, room, &frame);

    if (!playing || c->joined != NULL || c->member != NULL)
        line = line_take(c);
    if (frame != NULL && line != NULL) {
        mix_frames(c->codec, frame, line, mixed);
        frame = mixed;
    } else if (line != NULL) {
        frame = line;
    }
    if (frame != NULL)
        channel_frame(c, frame);
    return hear_tap_tick(c, frame) || playing || line != NULL;
}

/* --- [control]: what came back --- */

void channel_on_started(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;

    c->h->started(c->arg, c->sent[m->num[0]].request);
}

void channel_on_played(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;
    struct sent_play sent = c->sent[m->num[0]];

    c->sent[m->num[0]] = (struct sent_play){0};
    if (m->num[2] == 0)
        crossing_unreserve(c->media->crossing, 1); /* it never started */
    stream_close(sent.stream);
    audio_unref(sent.audio);
    c->h->played(c->arg, sent.request, (enum play_end)m->num[1], (uint32_t)m->num[2]);
}

void channel_on_tapped(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;
    struct tap_result r = {.why = (enum tap_end)((uint32_t)m->num[0] >> 1),
                           .heard = m->num[0] & 1,
                           .frames = (uint32_t)(m->num[0] >> 32),
                           .lead_silence = (uint32_t)(m->num[1] >> 32),
                           .tail_silence = (uint32_t)m->num[1],
                           .lost = (uint32_t)m->num[2]};
    struct sent_tap *t = &c->taps[m->num[2] >> 32];
    uint32_t request = t->request;

    *t = (struct sent_tap){0};
    c->h->tapped(c->arg, request, &r);
}

void channel_on_digit(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;

    atomic_fetch_sub_explicit(&c->digits, 1, memory_order_relaxed);
    if (!c->released)
        c->h->digit(c->arg, (char)m->num[0], DETECT_DIGIT_MS);
}

void channel_on_released(const struct crossing_msg *m)
{
    struct media_channel *c = m->to;
    const struct media_handlers *h = c->h;
    void *arg = c->arg;

    list_remove(&c->late);
    c->media->channels--;
    detector_free(c->detector);
    mem_free(c->line);
    mem_free(c->room);
    mem_free(c);
    h->released(arg);
}

/* --- [control]: commands that must reach the media loop, sooner or later --- */

static bool command(struct media_channel *c, crossing_h *h, void *ptr, uint64_t num,
                    unsigned answers)
{
    struct crossing_msg m = {.h = h, .to = c, .ptr = ptr, .num = {num}};

    return crossing_command(c->media->crossing, &m, answers) == 0;
}

static bool push_stops(struct media_channel *c)
{
    unsigned places = 0, i;

    for (i = 0; i < PLAYS_MAX; i++)
        places |= (unsigned)c->sent[i].stop << i;
    if (places == 0)
        return true;
    if (!command(c, on_stop, NULL, places, 0))
        return false;
    for (i = 0; i < PLAYS_MAX; i++)
        c->sent[i].stop = false;
    return true;
}

static bool push_taps(struct media_channel *c)
{
    unsigned i;

    for (i = 0; i < TAPS_MAX; i++) {
        struct sent_tap *t = &c->taps[i];
        struct crossing_msg m = {.h = on_tap_pause, .to = c};

        m.num[0] = (uint64_t)i << 32 | t->request;
        m.num[1] = t->pause;
        if (t->changed && crossing_command(c->media->crossing, &m, 0) != 0)
            return false;
        t->changed = false;
        if (t->stop && !command(c, on_tap_stop, NULL, m.num[0], 0))
            return false;
        t->stop = false;
    }
    return true;
}

static bool push_all(struct media_channel *c)
{
    if (!push_stops(c))
        return false;
    if (!push_taps(c))
        return false;
    if (c->echo_changed && !command(c, on_echo, c->line, c->echo_on, 0))
        return false;
    c->echo_changed = false;
    if (c->part != NULL && !join_command_part(c->media, c->part))
        return false;
    c->part = NULL;
    if (!member_command(c) || !watch_command_stop(c))
        return false;
    if (c->released && !c->release_sent) {
        if (!command(c, on_release, NULL, 0, 0))
            return false;
        c->release_sent = true;
    }
    return true;
}

void channel_push(struct media_channel *c)
{
    struct media *m = c->media;

    if (push_all(c)) {
        list_remove(&c->late);
        return;
    }
    if (!list_linked(&c->late))
        list_append(&m->late, &c->late);
    if (!m->late_timer.active)
        timer_start(&m->late_timer, LATE_RETRY_MS);
}

void channel_push_late(void *arg)
{
    struct media *m = arg;
    struct link_node *n;

    while ((n = list_first(&m->late)) != NULL) {
        struct media_channel *c = list_entry(n, struct media_channel, late);

        channel_push(c);
        if (list_linked(&c->late))
            return; /* still full; the timer runs again */
    }
}

/* --- [control]: what is asked of a channel --- */

int media_channel_new(struct media_channel **cp, struct media *m, enum codec codec, bool detect,
                      const struct media_handlers *h, void *arg, struct error *err)
{
    struct media_channel *c = mem_alloc(sizeof *c);
    int rc;

    if (c == NULL)
        return error_nomem(err);
    *c = (struct media_channel){.media = m, .codec = codec, .h = h, .arg = arg};
    if (detect && (rc = detector_new(&c->detector, codec, err)) != 0) {
        mem_free(c);
        return rc;
    }
    if (crossing_reserve(m->crossing, 1) != 0) { /* for `released` */
        detector_free(c->detector);
        mem_free(c);
        return error_set(err, ERR_LIMIT, "the media loop has no place for one more channel");
    }
    m->channels++;
    *cp = c;
    return 0;
}

void media_channel_release(struct media_channel *c)
{
    media_part(c);
    media_room_leave(c);
    c->released = true;
    channel_push(c);
}

int media_play(struct media_channel *c, struct audio *audio, unsigned loops, uint32_t request)
{
    struct crossing_msg m = {.h = on_play, .to = c, .ptr = audio};
    struct stream_play *stream = NULL;
    unsigned i = 0;
    int rc;

    if (audio->codec != c->codec || loops < 1 || loops > LOOPS_MAX || request == 0 || c->released)
        return ERR_INVALID;
    while (i < PLAYS_MAX && c->sent[i].audio != NULL)
        i++;
    /* With a stop still to be sent, this play would overtake it. */
    if (i == PLAYS_MAX || list_linked(&c->late))
        return ERR_LIMIT;
    if (audio->stream != NULL) {
        rc = stream_open(&stream, audio->stream, c->media->control, loops);
        if (rc != 0)
            return rc;
    }
    m.num[0] = i;
    m.num[1] = loops;
    m.num[2] = (uintptr_t)stream;
    rc = crossing_command(c->media->crossing, &m, 2);
    if (rc != 0) {
        stream_close(stream);
        return rc;
    }
    c->sent[i] = (struct sent_play){audio_ref(audio), stream, request, false};
    return 0;
}

void media_play_stop(struct media_channel *c, uint32_t request)
{
    unsigned i;

    for (i = 0; i < PLAYS_MAX; i++)
        if (c->sent[i].audio != NULL && (request == 0 || c->sent[i].request == request))
            c->sent[i].stop = true;
    channel_push(c);
}

bool channel_make_line(struct media_channel *c)
{
    if (c->line == NULL)
        c->line = mem_alloc(sizeof *c->line + LINE_FRAMES * codec_frame_bytes(c->codec));
    return c->line != NULL;
}

void media_echo(struct media_channel *c, bool on)
{
    if (on && !channel_make_line(c)) {
        log_error("media", NULL, "a channel gets no echo: out of memory");
        return;
    }
    c->echo_on = on;
    c->echo_changed = true;
    channel_push(c);
}

/* A free place, TAPS_MAX when there is none; false when the tap or the request is at work already.
 */
static bool find_tap_place(const struct media_channel *c, const struct tap *tap, uint32_t request,
                           unsigned *place)
{
    unsigned i;

    *place = TAPS_MAX;
    for (i = TAPS_MAX; i-- > 0;) {
        if (c->taps[i].tap == NULL)
            *place = i;
        else if (c->taps[i].tap == tap || c->taps[i].request == request)
            return false;
    }
    return true;
}

int media_tap(struct media_channel *c, struct tap *tap, int silence_ms, int max_ms,
              uint32_t request)
{
    struct crossing_msg m = {.h = on_tap, .to = c, .ptr = tap};
    unsigned place;
    int rc;

    if (tap_codec(tap) != c->codec || silence_ms < 0 || max_ms < 0)
        return ERR_INVALID;
    if (c->room != NULL && tap_ear(tap) != NULL)
        return ERR_INVALID; /* it sends nothing of its own */
    if (c->released || !find_tap_place(c, tap, request, &place))
        return ERR_WRONG_STATE;
    if (place == TAPS_MAX || list_linked(&c->late))
        return ERR_LIMIT;
    m.num[0] = (uint64_t)place << 32 | request;
    m.num[1] = (uint64_t)silence_ms;
    m.num[2] = (uint64_t)max_ms;
    rc = crossing_command(c->media->crossing, &m, 1);
    if (rc != 0)
        return rc;
    c->taps[place] = (struct sent_tap){.tap = tap, .request = request};
    return 0;
}

static struct sent_tap *sent_tap(struct media_channel *c, uint32_t request)
{
    unsigned i;

    for (i = 0; i < TAPS_MAX; i++)
        if (c->taps[i].tap != NULL && c->taps[i].request == request)
            return &c->taps[i];
    return NULL;
}

void media_tap_stop(struct media_channel *c, uint32_t request)
{
    struct sent_tap *t = sent_tap(c, request);

    if (t == NULL)
        return;
    t->stop = true;
    channel_push(c);
}

void media_tap_pause(struct media_channel *c, uint32_t request, enum tap_pause how)
{
    struct sent_tap *t = sent_tap(c, request);

    if (t == NULL)
        return;
    t->pause = how;
    t->changed = true;
    channel_push(c);
}
