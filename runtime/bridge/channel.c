/* A channel: one leg as a gateway presents it. */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/channel_inside.h"
#include <inttypes.h>

static const char *const state_names[] = {"offered", "ringing", "answered", "ended"};

/* --- a channel that nobody bound --- */

static void no_word(void *arg)
{
    (void)arg;
}

static void no_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)arg;
    (void)digit;
    (void)duration_ms;
}

static void no_end(void *arg, enum cause cause)
{
    (void)arg;
    (void)cause;
}

static void no_started(void *arg, uint32_t request)
{
    (void)arg;
    (void)request;
}

static void no_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    (void)arg;
    (void)request;
    (void)how;
    (void)frames;
}

static void no_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    (void)arg;
    (void)request;
    (void)result;
}

static const struct channel_handlers nobody = {.answered = no_word,
                                               .ringing = no_word,
                                               .digit = no_digit,
                                               .ended = no_end,
                                               .started = no_started,
                                               .played = no_played,
                                               .tapped = no_tapped,
                                               .released = no_word};

/* --- states --- */

struct channel *channel_of(struct link_node *n)
{
    return list_entry(n, struct channel, node);
}

bool channel_is_taken(const struct channel *c)
{
    return c->bound || c->state == CHANNEL_ENDED;
}

static void enter(struct channel *c, enum channel_state to)
{
    log_debug("bridge", NULL, "channel %" PRIu32 " of '%s': %s -> %s", c->number,
              c->peer != NULL ? c->peer->name : "", state_names[c->state], state_names[to]);
    c->state = to;
}

static void send_word(struct channel *c, enum wire_type type, enum cause cause)
{
    peer_send(c->peer, &(struct wire_msg){.type = type, .channel = c->number, .cause = cause});
}

static void on_detached(void *arg)
{
    struct channel *c = arg;

    media_channel_release(c->media);
}

/* The one way to the end: forgets the number, parts media from the link, lets media go. */
static void finish(struct channel *c)
{
    struct peer *p = c->peer;

    enter(c, CHANNEL_ENDED);
    c->peer = NULL;
    list_remove(&c->node);
    p->n_channels--;
    numbers_end(&p->numbers, c->number, loop_now(c->bridge->control));
    c->detach = (struct pending){
        .msg = {.h = port_on_detach, .to = p->port, .num = {c->number, c->codec}},
        .sent = on_detached,
        .arg = c,
    };
    bridge_send(c->bridge, &c->detach);
    channel_requests_stop(c);
}

void channel_lost(struct channel *c, enum cause cause)
{
    const struct channel_handlers *h = c->h;

    if (c->state == CHANNEL_ENDED)
        return;
    if (!c->peer->gone)
        send_word(c, WIRE_HANGUP, cause);
    finish(c);
    h->ended(c->arg, cause);
}

void channel_hangup(struct channel *c, enum cause cause)
{
    if (c->state == CHANNEL_ENDED)
        return;
    send_word(c, WIRE_HANGUP, cause);
    finish(c);
}

void channel_ring(struct channel *c)
{
    if (c->state != CHANNEL_OFFERED || c->outgoing)
        return;
    send_word(c, WIRE_RING, 0);
    enter(c, CHANNEL_RINGING);
}

void channel_answer(struct channel *c)
{
    if (c->state >= CHANNEL_ANSWERED || c->outgoing)
        return;
    send_word(c, WIRE_ANSWER, 0);
    enter(c, CHANNEL_ANSWERED);
}

bool channel_is_answered(const struct channel *c)
{
    return c->state == CHANNEL_ANSWERED;
}

static void hear_digits(struct channel *c, const struct wire_msg *m)
{
    for (const char *d = m->digits; *d != '\0' && c->state != CHANNEL_ENDED; d++)
        if (*d != 'w' && *d != 'W')
            c->h->digit(c->arg, *d, m->duration_ms);
}

static void hear_facts(struct channel *c, const struct wire_msg *m)
{
    if (c->outgoing && m->params != NULL && m->params[0] != NULL && c->h->facts != NULL)
        c->h->facts(c->arg, m->params);
}

/* It rings; said again once sound comes with it. */
static bool hear_ring(struct channel *c, const struct wire_msg *m)
{
    if (!c->outgoing || c->state > CHANNEL_RINGING ||
        (c->state == CHANNEL_RINGING && (!m->early || c->early)))
        return false;
    hear_facts(c, m);
    if (c->state == CHANNEL_OFFERED) {
        enter(c, CHANNEL_RINGING);
        c->h->ringing(c->arg);
    }
    if (m->early && c->state == CHANNEL_RINGING) {
        c->early = true;
        if (c->h->early != NULL)
            c->h->early(c->arg);
    }
    return true;
}

static bool hear_refer(struct channel *c, const struct wire_msg *m)
{
    if (c->state != CHANNEL_ANSWERED)
        return false;
    if (c->h->referred != NULL)
        c->h->referred(c->arg, m->to, m->params);
    else
        channel_refer_answer(c, 603, 0);
    return true;
}

bool channel_told(struct channel *c, const struct wire_msg *m)
{
    switch (m->type) {
    case WIRE_RING:
        return hear_ring(c, m);
    case WIRE_ANSWER:
        if (!c->outgoing || c->state >= CHANNEL_ANSWERED)
            return false;
        hear_facts(c, m);
        enter(c, CHANNEL_ANSWERED);
        c->h->answered(c->arg);
        return true;
    case WIRE_REFER:
        return hear_refer(c, m);
    case WIRE_REFER_STATUS:
        if (c->h->refer_status != NULL)
            c->h->refer_status(c->arg, m->response, m->notify);
        return true;
    case WIRE_DTMF:
        if (!c->dtmf_events)
            return false; /* its tones are heard: no digit may count twice */
        hear_digits(c, m);
        return true;
    case WIRE_QUALITY:
        c->quality = m->quality;
        c->has_quality = true;
        return true;
    case WIRE_HANGUP:
        hear_facts(c, m);
        finish(c);
        c->h->ended(c->arg, m->cause);
        return true;
    default:
        return false;
    }
}

/* --- what media says --- */

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct channel *c = arg;

    if (c->state != CHANNEL_ENDED)
        c->h->digit(c->arg, digit, duration_ms);
}

static void on_released(void *arg)
{
    struct channel *c = arg;
    struct bridge *b = c->bridge;

    channel_requests_end(c);
    c->h->released(c->arg);
    mem_free(c);
    b->channels--;
    bridge_check_closed(b);
}

static const struct media_handlers media_handlers = {.digit = on_digit,
                                                     .started = channel_requests_started,
                                                     .played = channel_requests_played,
                                                     .tapped = channel_requests_tapped,
                                                     .released = on_released};

/* --- its life --- */

static int join(struct channel *c, struct error *err)
{
    struct peer *p = c->peer;
    struct crossing_msg m = {.h = port_on_attach, .to = p->port, .num = {c->number, c->codec}};
    int rc;

    if (numbers_add(&p->numbers, c->number, &c->node, loop_now(c->bridge->control)) != 0)
        return error_nomem(err);
    rc = media_channel_new(&c->media, c->bridge->media, c->codec, !c->dtmf_events, &media_handlers,
                           c, err);
    if (rc != 0)
        goto out;
    m.ptr = c->media;
    rc = crossing_command(c->bridge->hub.crossing, &m, 0);
    if (rc != 0)
        error_set(err, rc, "the way to the media loop is full");
out:
    if (rc != 0)
        numbers_end(&p->numbers, c->number, loop_now(c->bridge->control));
    return rc;
}

struct channel *channel_new(struct peer *p, const struct offer *offer, uint32_t number,
                            bool outgoing, struct error *err)
{
    struct channel *c = mem_alloc(sizeof *c);

    if (c == NULL) {
        error_nomem(err);
        return NULL;
    }
    c->bridge = p->bridge;
    c->peer = p;
    c->number = number;
    c->codec = offer->codec;
    c->dtmf_events = offer->dtmf_events;
    c->outgoing = outgoing;
    c->h = &nobody;
    channel_requests_init(c);
    if (join(c, err) != 0) {
        if (c->media == NULL) {
            mem_free(c);
        } else { /* it goes when media has let go of it */
            c->state = CHANNEL_ENDED;
            c->bridge->channels++;
            media_channel_release(c->media);
        }
        return NULL;
    }
    p->bridge->channels++;
    p->n_channels++;
    list_append(&p->channels, &c->node);
    return c;
}

void channel_bind(struct channel *c, const struct channel_handlers *h, void *arg)
{
    c->h = h;
    c->arg = arg;
    c->bound = true;
}

int channel_refer(struct channel *c, const char *to)
{
    if (c->state != CHANNEL_ANSWERED)
        return ERR_WRONG_STATE;
    peer_send(c->peer, &(struct wire_msg){.type = WIRE_REFER, .channel = c->number, .to = to});
    return 0;
}

void channel_refer_answer(struct channel *c, unsigned response, unsigned notify)
{
    if (c->state == CHANNEL_ANSWERED)
        peer_send(c->peer, &(struct wire_msg){.type = WIRE_REFER_STATUS,
                                              .channel = c->number,
                                              .response = response,
                                              .notify = notify});
}

struct media_channel *channel_media(const struct channel *c)
{
    return c->state == CHANNEL_ENDED ? NULL : c->media;
}

bool channel_quality(const struct channel *c, struct wire_quality *q)
{
    *q = c->quality;
    return c->has_quality;
}

bool channel_has_events(const struct channel *c)
{
    return c->dtmf_events;
}

enum codec channel_codec(const struct channel *c)
{
    return c->codec;
}
