/* A channel: one leg as a gateway presents it. */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/private.h"
#include <inttypes.h>
#include <string.h>

enum channel_state {
    CHANNEL_OFFERED, /* one side told the other */
    CHANNEL_RINGING,
    CHANNEL_ANSWERED,
    CHANNEL_ENDED /* told to whom it concerns; what is under way comes back, then `released` */
};
static const char *const state_names[] = {"offered", "ringing", "answered", "ended"};

/* A play whose text the gateway wants to know. */
struct prompt {
    uint32_t request; /* 0: free */
    bool begun;
    char *text;
};

/* Digits sent as a message; the answer comes when they have been dialled over there. */
struct dialling {
    uint32_t request;
    uint32_t ms;
    bool stopped;
    char *rest; /* what one message does not hold, sent when the part before has been dialled */
};

struct channel {
    struct bridge *bridge;
    struct peer *peer;     /* NULL once it ended */
    struct link_node node; /* in peer->channels */
    uint32_t number;
    enum codec codec;
    bool dtmf_events, outgoing, bound, early;
    enum channel_state state;
    struct media_channel *media;
    const struct channel_handlers *h;
    void *arg;
    struct pending detach;
    struct prompt prompts[BRIDGE_PLAYS_MAX];
    struct dialling diallings[BRIDGE_PLAYS_MAX]; /* first come first */
    unsigned n_diallings;
    struct timer dialled;
    struct wire_quality quality;
    bool has_quality;
};

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
    for (unsigned i = 0; i < c->n_diallings; i++)
        c->diallings[i].stopped = true;
    if (c->n_diallings > 0)
        timer_start(&c->dialled, 0);
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

static struct prompt *prompt_find(struct channel *c, uint32_t request)
{
    for (int i = 0; i < BRIDGE_PLAYS_MAX; i++)
        if (c->prompts[i].request == request)
            return &c->prompts[i];
    return NULL;
}

static void say_prompt(struct channel *c, const struct prompt *p, bool begin)
{
    if (c->peer != NULL)
        peer_send(c->peer,
                  &(struct wire_msg){
                      .type = WIRE_PROMPT, .channel = c->number, .begin = begin, .text = p->text});
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct channel *c = arg;

    if (c->state != CHANNEL_ENDED)
        c->h->digit(c->arg, digit, duration_ms);
}

static void on_started(void *arg, uint32_t request)
{
    struct channel *c = arg;
    struct prompt *p = prompt_find(c, request);

    if (p != NULL) {
        p->begun = true;
        say_prompt(c, p, true);
    }
    if (c->state != CHANNEL_ENDED)
        c->h->started(c->arg, request);
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    struct channel *c = arg;
    struct prompt *p = prompt_find(c, request);

    if (p != NULL) {
        if (p->begun)
            say_prompt(c, p, false);
        mem_free(p->text);
        *p = (struct prompt){0};
    }
    c->h->played(c->arg, request, how, frames);
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct channel *c = arg;

    c->h->tapped(c->arg, request, result);
}

static uint32_t dialling_ms(const char *digits)
{
    uint32_t ms = 0;

    for (; *digits != '\0'; digits++)
        ms += *digits == 'w' ? 500 : *digits == 'W' ? 1000 : 200;
    return ms;
}

/* Sends as much of the rest as one message holds, and waits until that has been dialled. */
static void send_rest(struct channel *c, struct dialling *d)
{
    char part[WIRE_DIGITS_MAX + 1];
    size_t n = strnlen(d->rest, WIRE_DIGITS_MAX);

    memcpy(part, d->rest, n);
    part[n] = '\0';
    memmove(d->rest, d->rest + n, strlen(d->rest + n) + 1);
    if (d->rest[0] == '\0') {
        mem_free(d->rest);
        d->rest = NULL;
    }
    peer_send(c->peer, &(struct wire_msg){.type = WIRE_DTMF, .channel = c->number, .digits = part});
    timer_start(&c->dialled, dialling_ms(part));
}

static void answer_dialling(struct channel *c)
{
    struct dialling d = c->diallings[0];

    mem_free(d.rest);
    c->n_diallings--;
    memmove(c->diallings, c->diallings + 1, c->n_diallings * sizeof *c->diallings);
    if (c->n_diallings > 0)
        timer_start(&c->dialled, c->diallings[0].stopped || c->diallings[0].rest != NULL
                                     ? 0
                                     : c->diallings[0].ms);
    c->h->played(c->arg, d.request, d.stopped ? PLAY_STOPPED : PLAY_ENDED,
                 d.stopped ? 0 : d.ms / FRAME_MS);
}

static void on_dialled(void *arg)
{
    struct channel *c = arg;

    if (c->diallings[0].rest != NULL && !c->diallings[0].stopped)
        send_rest(c, &c->diallings[0]);
    else
        answer_dialling(c);
}

static void on_released(void *arg)
{
    struct channel *c = arg;
    struct bridge *b = c->bridge;

    while (c->n_diallings > 0)
        answer_dialling(c);
    timer_stop(&c->dialled);
    c->h->released(c->arg);
    for (int i = 0; i < BRIDGE_PLAYS_MAX; i++)
        mem_free(c->prompts[i].text);
    mem_free(c);
    b->channels--;
    bridge_check_closed(b);
}

static const struct media_handlers media_handlers = {.digit = on_digit,
                                                     .started = on_started,
                                                     .played = on_played,
                                                     .tapped = on_tapped,
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
    timer_init(&c->dialled, p->bridge->control, on_dialled, c);
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

/* --- requests --- */

/* Copies a prompt's text as a message may carry it: cut between characters, control characters as
 * spaces. */
static char *clean_text(const char *text)
{
    size_t n = strlen(text);
    char *copy;

    if (n > WIRE_PROMPT_MAX)
        for (n = WIRE_PROMPT_MAX; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
            ;
    copy = mem_strndup(text, n);
    for (char *p = copy; p != NULL && *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return copy;
}

int channel_play(struct channel *c, struct audio *audio, unsigned loops, const char *text,
                 uint32_t request)
{
    struct prompt *p;
    int rc;

    if (c->state == CHANNEL_ENDED)
        return ERR_WRONG_STATE;
    rc = media_play(c->media, audio, loops, request);
    p = prompt_find(c, 0);
    if (rc != 0 || !c->peer->prompts || p == NULL)
        return rc;
    p->request = request;
    p->text = text != NULL ? clean_text(text) : NULL;
    return 0;
}

void channel_play_stop(struct channel *c, uint32_t request)
{
    if (c->state == CHANNEL_ENDED)
        return; /* all is being stopped already */
    for (unsigned i = 0; i < c->n_diallings; i++)
        if (request == 0 || c->diallings[i].request == request)
            c->diallings[i].stopped = true;
    if (c->n_diallings > 0 && c->diallings[0].stopped)
        timer_start(&c->dialled, 0);
    media_play_stop(c->media, request);
}

void channel_echo(struct channel *c, bool on)
{
    if (c->state != CHANNEL_ENDED)
        media_echo(c->media, on);
}

int channel_tap(struct channel *c, struct tap *tap, int silence_ms, int max_ms, uint32_t request)
{
    return c->state == CHANNEL_ENDED ? ERR_WRONG_STATE
                                     : media_tap(c->media, tap, silence_ms, max_ms, request);
}

void channel_tap_stop(struct channel *c, uint32_t request)
{
    if (c->state != CHANNEL_ENDED)
        media_tap_stop(c->media, request);
}

void channel_tap_pause(struct channel *c, uint32_t request, enum tap_pause how)
{
    if (c->state != CHANNEL_ENDED)
        media_tap_pause(c->media, request, how);
}

/* More than one message holds waits its turn, and so does what comes behind that: a gateway need
 * not keep more than one message's digits. */
static int send_digits_as_message(struct channel *c, const char *digits, uint32_t request)
{
    struct dialling *last = c->n_diallings > 0 ? &c->diallings[c->n_diallings - 1] : NULL;
    struct dialling d = {.request = request, .ms = dialling_ms(digits)};

    if (c->n_diallings == BRIDGE_PLAYS_MAX)
        return ERR_LIMIT;
    if (strlen(digits) > WIRE_DIGITS_MAX || (last != NULL && last->rest != NULL)) {
        d.rest = mem_strdup(digits);
        if (d.rest == NULL)
            return ERR_NOMEM;
    } else {
        peer_send(c->peer,
                  &(struct wire_msg){.type = WIRE_DTMF, .channel = c->number, .digits = digits});
    }
    c->diallings[c->n_diallings] = d;
    if (c->n_diallings++ == 0)
        timer_start(&c->dialled, d.rest != NULL ? 0 : d.ms);
    return 0;
}

/* A to D stand for themselves in either case; w and W are two pauses. */
static bool read_digits(const char *digits, char out[BRIDGE_DIGITS_MAX + 1])
{
    size_t n = 0;

    for (; *digits != '\0'; digits++) {
        if (n == BRIDGE_DIGITS_MAX || strchr("0123456789ABCDabcd*#wW", *digits) == NULL)
            return false;
        out[n++] = *digits >= 'a' && *digits <= 'd' ? (char)(*digits - 'a' + 'A') : *digits;
    }
    out[n] = '\0';
    return n > 0;
}

int channel_send_digits(struct channel *c, const char *text, uint32_t request)
{
    char digits[BRIDGE_DIGITS_MAX + 1];
    struct audio *tones;
    int rc;

    if (c->state == CHANNEL_ENDED)
        return ERR_WRONG_STATE;
    if (!read_digits(text, digits))
        return ERR_INVALID;
    if (c->dtmf_events && c->peer->asterisk == NULL) /* it has no word for them */
        return send_digits_as_message(c, digits, request);
    rc = audio_from_digits(&tones, c->codec, digits, NULL);
    if (rc != 0)
        return rc;
    rc = media_play(c->media, tones, 1, request);
    audio_unref(tones);
    return rc;
}
