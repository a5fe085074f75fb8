/* The media loop's half of a link. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/private.h"
#include <string.h>

#define PAUSE_CHECK_MS  2
#define BACKLOG_FRAMES  (LINK_BACKLOG_MS / FRAME_MS)
#define TROUBLE_EACH_US 1000000

struct port {
    struct media_port media; /* first: the tick's view */
    struct hub *hub;
    struct link *link; /* NULL once closed, and before a client's is made */
    struct link_request *request;
    bool bare;       /* of one call: channel 1 */
    bool on_hold;    /* the other side wants no audio now */
    bool was_closed; /* by the other side */
    size_t frame, n_part;
    uint8_t part[FRAME_BYTES_MAX]; /* of a frame, when he cuts otherwise than we */
    struct peer *peer;             /* NULL before control admitted it */
    struct numbers numbers;
    atomic_uint unread; /* texts on their way to control */
    bool paused;
    struct list held; /* texts that could not go to control yet */
    unsigned n_held;
    struct timer resume;
    int64_t trouble[TROUBLE_COUNT]; /* when each kind was told last */
    bool told[TROUBLE_COUNT];
    uint64_t dropped; /* records, as counted in the hub */
    char why[120];
    struct pending pending; /* control's */
};

struct pending *port_pending(struct port *p)
{
    return &p->pending;
}

const char *port_why(const struct port *p)
{
    return p->why;
}

const struct link_request *port_request(const struct port *p)
{
    return p->request;
}

bool port_was_closed(const struct port *p)
{
    return p->was_closed;
}

void port_text_read(struct port *p)
{
    atomic_fetch_sub_explicit(&p->unread, 1, memory_order_relaxed);
}

/* --- outwards: the tick --- */

static void on_frame(struct media_port *mp, uint32_t number, const void *audio, size_t len)
{
    struct port *p = (struct port *)mp;

    if (p->link != NULL && !p->on_hold)
        link_frame(p->link, number, audio, len);
}

static void on_flush(struct media_port *mp)
{
    struct port *p = (struct port *)mp;

    uint64_t dropped;

    if (p->link == NULL)
        return;
    link_flush(p->link);
    if (p->link == NULL)
        return;
    dropped = link_dropped(p->link);
    atomic_fetch_add_explicit(&p->hub->dropped, dropped - p->dropped, memory_order_relaxed);
    p->dropped = dropped;
}

static void on_heeds(struct media_port *mp, uint32_t number, bool on)
{
    struct port *p = (struct port *)mp;

    if (p->link != NULL)
        link_heeds(p->link, number, on);
}

/* --- inwards: texts --- */

static void port_closed(void *arg, const char *why);

/* Passes a text on; false when control has enough to read for now. */
static bool pass(struct port *p, struct wire_text *t)
{
    struct crossing_msg m = {.h = peer_on_text, .to = p->peer, .ptr = t};

    if (atomic_load_explicit(&p->unread, memory_order_relaxed) >= PORT_TEXTS_UNREAD)
        return false;
    atomic_fetch_add_explicit(&p->unread, 1, memory_order_relaxed);
    if (crossing_event(p->hub->crossing, &m))
        return true;
    port_text_read(p);
    return false;
}

static void drop_held(struct port *p)
{
    struct link_node *n;

    while ((n = list_pop(&p->held)) != NULL)
        mem_free(list_entry(n, struct wire_text, node));
    p->n_held = 0;
}

static void on_resume(void *arg)
{
    struct port *p = arg;
    struct link_node *n;

    while ((n = list_pop(&p->held)) != NULL) {
        if (!pass(p, list_entry(n, struct wire_text, node))) {
            list_prepend(&p->held, n);
            timer_start(&p->resume, PAUSE_CHECK_MS);
            return;
        }
        p->n_held--;
    }
    p->paused = false;
    link_pause(p->link, false);
}

static void port_text(void *arg, const char *text, size_t len)
{
    struct port *p = arg;
    struct wire_text *t = wire_text(text, len);

    if (t == NULL || p->n_held >= PORT_TEXTS_HELD) {
        mem_free(t);
        link_shut(p->link, LINK_CLOSE_POLICY, "too many messages at once");
        return;
    }
    if (list_empty(&p->held) && pass(p, t))
        return;
    list_append(&p->held, &t->node);
    p->n_held++;
    if (!p->paused) {
        p->paused = true;
        link_pause(p->link, true);
        timer_start(&p->resume, PAUSE_CHECK_MS);
    }
}

/* --- inwards: audio --- */

/* At most one of each kind a second crosses over. */
static void trouble(struct port *p, enum port_trouble kind, uint32_t number, size_t len)
{
    struct crossing_msg m = {
        .h = peer_on_trouble, .to = p->peer, .num = {(uint64_t)kind, number, len}};
    int64_t now = loop_now(p->hub->loop);

    if (p->told[kind] && now - p->trouble[kind] < TROUBLE_EACH_US)
        return;
    p->told[kind] = true;
    p->trouble[kind] = now;
    crossing_event(p->hub->crossing, &m);
}

static void port_batch(void *arg, const uint8_t *bytes, size_t len)
{
    struct port *p = arg;
    struct wire_record r;
    size_t at = 0;
    int rc;

    while ((rc = wire_batch_next(bytes, len, &at, &r)) > 0) {
        struct media_channel *c = numbers_get(&p->numbers, r.channel);

        if (c != NULL) {
            if (!media_channel_input(c, r.audio, r.len))
                trouble(p, TROUBLE_FRAME, r.channel, r.len);
        } else if (!numbers_ended(&p->numbers, r.channel, loop_now(p->hub->loop))) {
            trouble(p, TROUBLE_CHANNEL, r.channel, r.len);
        }
    }
    if (rc < 0)
        atomic_fetch_add_explicit(&p->hub->bad_batch, 1, memory_order_relaxed);
    if (rc < 0)
        trouble(p, TROUBLE_BATCH, 0, at);
}

/* Bare audio, of the one call there is. Before MEDIA_START was read, and after the end, there is
 * none: that is no mistake. */
static void port_sound(void *arg, const uint8_t *bytes, size_t len)
{
    struct port *p = arg;
    struct media_channel *c = numbers_get(&p->numbers, BARE_CHANNEL);

    while (c != NULL && len > 0) {
        size_t n = p->frame - p->n_part;

        if (p->n_part == 0 && len >= p->frame) {
            media_channel_input(c, bytes, n);
        } else {
            n = n < len ? n : len;
            memcpy(p->part + p->n_part, bytes, n);
            p->n_part += n;
            if (p->n_part == p->frame) {
                media_channel_input(c, p->part, p->frame);
                p->n_part = 0;
            }
        }
        bytes += n;
        len -= n;
    }
}

/* --- its life --- */

static void say_closed(struct port *p)
{
    struct crossing_msg m = {.h = peer_on_closed, .to = p->peer};

    crossing_answer(p->hub->crossing, &m);
}

static void port_closed(void *arg, const char *why)
{
    struct port *p = arg;

    str_copy(p->why, sizeof p->why, why);
    p->was_closed = p->link != NULL && link_was_closed(p->link);
    timer_stop(&p->resume);
    drop_held(p);
    p->link = link_free(p->link);
    if (p->peer != NULL)
        say_closed(p);
}

static void port_opened(void *arg)
{
    (void)arg; /* a server's links are open when they are made, and a client's need not say so */
}

static const struct link_handlers link_handlers = {
    .opened = port_opened, .text = port_text, .batch = port_batch, .closed = port_closed};
static const struct link_handlers bare_handlers = {
    .opened = port_opened, .text = port_text, .batch = port_sound, .closed = port_closed};

static void port_free(struct port *p)
{
    timer_stop(&p->resume);
    drop_held(p);
    link_free(p->link);
    numbers_free(&p->numbers);
    mem_free(p->request);
    if (p->bare)
        p->hub->bare--;
    else
        p->hub->ports--;
    mem_free(p);
}

static struct port *port_new(struct hub *hub, bool bare)
{
    bool room = bare ? hub->bare < BRIDGE_BARE_MAX : hub->ports < BRIDGE_LINKS_MAX;
    struct port *p = room ? mem_alloc(sizeof *p) : NULL;

    if (p == NULL)
        return NULL;
    if (bare)
        hub->bare++;
    else
        hub->ports++;
    p->bare = bare;
    p->media.frame = on_frame;
    p->media.flush = on_flush;
    p->media.heeds = on_heeds;
    p->hub = hub;
    list_init(&p->held);
    timer_init(&p->resume, hub->loop, on_resume, p);
    return p;
}

static void port_own(struct port *p, struct link *l)
{
    p->link = l;
    link_own(l, p->bare ? &bare_handlers : &link_handlers, p);
}

static bool tell_opened(struct port *p)
{
    struct crossing_msg m = {.h = peer_on_opened, .to = p->hub->bridge, .ptr = p};

    return crossing_event(p->hub->crossing, &m);
}

void port_accept(void *arg, struct link *l)
{
    struct port *p = port_new(arg, link_is_bare(l));

    if (p == NULL) {
        link_free(l);
        return;
    }
    p->request = link_take_request(l);
    port_own(p, l);
    link_pause(l, true);
    if ((p->bare && p->request == NULL) || !tell_opened(p))
        port_free(p);
}

void hub_on_join(const struct crossing_msg *m)
{
    struct hub *hub = m->to;
    struct port *p = port_new(hub, true);

    if (p == NULL) {
        log_warn("bridge", NULL, "cannot connect to %s: there are %d such links already",
                 ((struct link_request *)m->ptr)->path, BRIDGE_BARE_MAX);
        mem_free(m->ptr);
        return;
    }
    p->request = m->ptr;
    if (!tell_opened(p))
        port_free(p);
}

/* The link that is ours to make: only now, so that its first words find a peer. */
static void connect_link(struct port *p)
{
    struct error err = {0};
    struct link *l;

    if (ws_server_connect(p->hub->server, &l, p->request->path, &err) == 0)
        port_own(p, l);
    else
        str_copy(p->why, sizeof p->why, err.text);
}

void port_on_admit(const struct crossing_msg *m)
{
    struct port *p = m->to;

    p->peer = m->ptr;
    if (p->request != NULL && p->request->ours && p->hub->server != NULL)
        connect_link(p);
    if (p->link == NULL)
        say_closed(p);
    else
        link_pause(p->link, false);
}

void port_on_known(const struct crossing_msg *m)
{
    struct port *p = m->to;

    if (p->link != NULL)
        link_known(p->link);
}

void port_on_text(const struct crossing_msg *m)
{
    struct port *p = m->to;

    if (p->link == NULL) {
        mem_free(m->ptr);
        return;
    }
    if (link_text(p->link, m->ptr) != 0)
        port_closed(p, "it reads too slowly: its messages back up");
}

void port_on_attach(const struct crossing_msg *m)
{
    struct port *p = m->to;
    uint32_t number = (uint32_t)m->num[0];

    if (p->link == NULL)
        return; /* control hears of the end in a moment */
    if (numbers_add(&p->numbers, number, m->ptr, loop_now(p->hub->loop)) != 0) {
        port_closed(p, "out of memory");
        return;
    }
    p->frame = codec_frame_bytes((enum codec)m->num[1]);
    link_reserve(p->link, BACKLOG_FRAMES, codec_frame_bytes((enum codec)m->num[1]));
    media_channel_attach(m->ptr, &p->media, number);
}

void port_on_detach(const struct crossing_msg *m)
{
    struct port *p = m->to;
    struct media_channel *c = numbers_get(&p->numbers, (uint32_t)m->num[0]);

    if (c == NULL)
        return;
    media_channel_attach(c, NULL, 0);
    if (p->link != NULL)
        link_unreserve(p->link, BACKLOG_FRAMES, codec_frame_bytes((enum codec)m->num[1]));
    numbers_end(&p->numbers, (uint32_t)m->num[0], loop_now(p->hub->loop));
}

void port_on_hold(const struct crossing_msg *m)
{
    ((struct port *)m->to)->on_hold = m->num[0] != 0;
}

void port_on_shut(const struct crossing_msg *m)
{
    struct port *p = m->to;

    if (p->link != NULL)
        link_shut(p->link, (int)m->num[0], m->ptr);
}

void port_on_release(const struct crossing_msg *m)
{
    struct port *p = m->to;
    struct crossing_msg answer = {.h = peer_on_released, .to = p->peer, .ptr = p->hub->bridge};
    struct crossing *crossing = p->hub->crossing;

    port_free(p);
    crossing_answer(crossing, &answer);
}
