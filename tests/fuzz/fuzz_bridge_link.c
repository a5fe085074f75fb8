/* Links of hostile gateways, in virtual time: whole conversations, of a gateway that speaks the
 * bridge's words and of an Asterisk, with sound between the words, breaks of the link, and an
 * exchange that answers, plays, records, dials and hangs up in the midst of it. Oracles: what a
 * channel is told begins once and ends once, each request has one answer, the gateway can read all
 * that it hears, and when the bridge closes nothing is left. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/bridge.h"
#include "bridge/link.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS = 16, REQUESTS = 24, MAX_CHANNELS = 4, LINES = 400 };

static const char *const hello =
    "{\"type\":\"hello\",\"version\":1,\"gateway\":\"gw\",\"token\":\"t\",\"prompts\":true}";

struct request {
    bool open;
    struct tap *tap; /* NULL: a play */
};

struct call {
    struct channel *channel; /* NULL: free, or over */
    bool answered, ended, asked_to_end;
    struct request requests[REQUESTS];
    uint32_t n_requests;
};

struct end {
    struct link *link; /* NULL: gone */
    bool asterisk;
};

struct world {
    struct vtime *vtime;
    struct loop *loop;
    struct media *media;
    struct bridge *bridge;
    struct end gateway, pbx;
    struct call calls[CALLS];
    bool closed;
};

static void must(bool good)
{
    if (!good)
        abort();
}

/* --- what a channel tells --- */

static void on_answered(void *arg)
{
    struct call *c = arg;

    must(!c->ended && !c->asked_to_end && !c->answered);
    c->answered = true;
}

static void on_word(void *arg)
{
    struct call *c = arg;

    must(!c->ended && !c->asked_to_end && !c->answered);
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    struct call *c = arg;

    must(!c->ended && !c->asked_to_end && duration_ms <= 60000);
    must(digit != '\0' && strchr("0123456789*#ABCD", digit) != NULL);
}

static void on_ended(void *arg, enum cause cause)
{
    struct call *c = arg;

    must(!c->ended && !c->asked_to_end && cause_name(cause) != NULL);
    c->ended = true;
}

static void on_started(void *arg, uint32_t request)
{
    struct call *c = arg;

    must(!c->ended && request >= 1 && request <= c->n_requests && c->requests[request - 1].open);
}

static struct request *answered(struct call *c, uint32_t request)
{
    struct request *r = &c->requests[request - 1];

    must(request >= 1 && request <= c->n_requests && r->open);
    r->open = false;
    return r;
}

static void on_played(void *arg, uint32_t request, enum play_end how, uint32_t frames)
{
    must(answered(arg, request)->tap == NULL && how <= PLAY_FAILED && frames < 1000000);
}

static void on_tapped(void *arg, uint32_t request, const struct tap_result *result)
{
    struct request *r = answered(arg, request);

    must(r->tap != NULL && result->lead_silence <= result->frames + result->lost);
    r->tap = tap_free(r->tap);
}

static void on_released(void *arg)
{
    struct call *c = arg;

    must(c->channel != NULL && (c->ended || c->asked_to_end));
    for (uint32_t i = 0; i < c->n_requests; i++)
        must(!c->requests[i].open);
    memset(c, 0, sizeof *c);
}

static void on_facts(void *arg, const char *const *params)
{
    const struct call *c = arg;

    must(!c->ended && params[0] != NULL);
    for (; params[0] != NULL; params += 2)
        must(params[1] != NULL);
}

static void on_referred(void *arg, const char *to, const char *const *params)
{
    struct call *c = arg;

    (void)params;
    must(!c->ended && to != NULL);
    channel_refer_answer(c->channel, strlen(to) % 2 == 0 ? 202 : 603, 0);
}

static void on_refer_status(void *arg, unsigned response, unsigned notify)
{
    const struct call *c = arg;

    must(!c->ended && response <= 699 && notify <= 699);
}

static const struct channel_handlers channel_handlers = {
    .answered = on_answered,
    .ringing = on_word,
    .early = on_word,
    .digit = on_digit,
    .ended = on_ended,
    .started = on_started,
    .played = on_played,
    .tapped = on_tapped,
    .released = on_released,
    .facts = on_facts,
    .referred = on_referred,
    .refer_status = on_refer_status,
};

static struct call *free_call(struct world *w)
{
    for (size_t i = 0; i < CALLS; i++)
        if (w->calls[i].channel == NULL)
            return &w->calls[i];
    return NULL;
}

static void take(struct call *c, struct channel *channel)
{
    *c = (struct call){.channel = channel};
    channel_bind(channel, &channel_handlers, c);
}

static void on_offered(void *arg, struct channel *channel, const struct offer *o)
{
    struct call *c = free_call(arg);

    must(o->from != NULL && o->to != NULL && (unsigned)o->codec < CODEC_COUNT);
    if (c != NULL)
        take(c, channel);
    else
        channel_hangup(channel, CAUSE_CONGESTION);
}

static const struct bridge_handlers bridge_handlers = {.offered = on_offered};

/* --- what the gateway hears --- */

static void on_opened(void *arg)
{
    (void)arg;
}

static void on_text(void *arg, const char *text, size_t len)
{
    const struct end *e = arg;
    struct wire_msg m;

    if (e->asterisk) {
        must(len > 0 && memchr(text, '\n', len) == NULL);
        return;
    }
    must(wire_parse(&m, text, len, NULL) == 0);
    wire_msg_free(&m);
}

static void on_batch(void *arg, const uint8_t *bytes, size_t len)
{
    const struct end *e = arg;
    struct wire_record r;
    size_t at = 0;
    int rc;

    if (e->asterisk)
        return;
    while ((rc = wire_batch_next(bytes, len, &at, &r)) == 1)
        must(r.channel != 0 && r.len <= FRAME_BYTES_MAX);
    must(rc == 0);
}

static void on_link_closed(void *arg, const char *why)
{
    struct end *e = arg;

    must(why != NULL);
    e->link = link_free(e->link);
}

static const struct link_handlers link_handlers = {
    .opened = on_opened, .text = on_text, .batch = on_batch, .closed = on_link_closed};

/* --- what the gateway does --- */

static void say(const struct end *e, const char *text, size_t len)
{
    struct wire_text *t = len <= WIRE_TEXT_MAX && e->link != NULL ? wire_text(text, len) : NULL;

    if (t != NULL)
        link_text(e->link, t);
}

static void knock(struct world *w)
{
    if (w->gateway.link != NULL)
        return;
    must(bridge_link_pair(w->bridge, w->loop, &w->gateway.link, NULL) == 0);
    link_own(w->gateway.link, &link_handlers, &w->gateway);
}

static void knock_as_asterisk(struct world *w)
{
    struct link_request *r = w->pbx.link == NULL ? mem_alloc(sizeof *r) : NULL;

    if (r == NULL)
        return;
    str_copy(r->user, sizeof r->user, "pbx");
    str_copy(r->password, sizeof r->password, "t");
    str_copy(r->path, sizeof r->path, "/media");
    str_copy(r->query, sizeof r->query, "to=+1555\nfrom=+1666\n");
    must(bridge_asterisk_pair(w->bridge, w->loop, r, &w->pbx.link, NULL) == 0);
    link_own(w->pbx.link, &link_handlers, &w->pbx);
}

static void send_sound(const struct end *e, uint8_t channel, uint8_t length)
{
    static const uint16_t lengths[] = {160, 0, 320, 640, 960, 1, 159, 161};
    uint8_t bytes[FRAME_BYTES_MAX];

    memset(bytes, length, sizeof bytes);
    if (e->link == NULL)
        return;
    link_reserve(e->link, 4, sizeof bytes);
    link_frame(e->link, channel - (uint32_t)'0', bytes, lengths[length % 8]);
    link_flush(e->link);
    link_unreserve(e->link, 4, sizeof bytes);
}

/* --- what the exchange does --- */

static void play(struct call *c, bool tones)
{
    struct audio *a = tones ? NULL : audio_new(channel_codec(c->channel), 7);
    uint32_t n = c->n_requests + 1;
    int rc;

    if (n > REQUESTS)
        return;
    c->n_requests = n;
    c->requests[n - 1].open = true;
    rc = tones ? channel_send_digits(c->channel, n % 3 == 0 ? "1w2*#D" : "5", n)
               : channel_play(c->channel, a, n % 4 == 0 ? 1000 : 1, "Hello\n", n);
    audio_unref(a);
    if (rc != 0)
        c->requests[n - 1].open = false;
}

static void tap(struct call *c)
{
    uint32_t n = c->n_requests + 1;
    struct request *r = &c->requests[n - 1];

    if (n > REQUESTS ||
        tap_new_tracks(&r->tap, channel_codec(c->channel), (enum tap_tracks)(n % 4), 10, NULL) != 0)
        return;
    c->n_requests = n;
    r->open = true;
    if (channel_tap(c->channel, r->tap, n % 2 == 0 ? 200 : 0, 1000, n) == 0)
        return;
    r->tap = tap_free(r->tap);
    r->open = false;
}

static void hang_up(struct call *c)
{
    c->asked_to_end = true;
    channel_hangup(c->channel, CAUSE_NORMAL);
}

static void call_out(struct world *w, bool events)
{
    static const char *const params[] = {"Anything", "of it", NULL};
    struct offer o = {.from = "+1", .to = "sip:x@y.test", .params = params, .dtmf_events = events};
    struct call *c = free_call(w);
    struct channel *channel;

    if (c != NULL && bridge_offer(w->bridge, "gw", &o, &channel, NULL) == 0)
        take(c, channel);
}

static void join_pairs(struct world *w, struct call *c)
{
    struct call *other = &w->calls[(size_t)(c - w->calls + 1) % CALLS];

    if (other->channel != NULL && channel_media(other->channel) != NULL &&
        channel_media(c->channel) != NULL)
        media_join(channel_media(c->channel), channel_media(other->channel));
}

static void act(struct world *w, char what, char which)
{
    struct call *c = &w->calls[(uint8_t)which % CALLS];

    if (what == 'O')
        call_out(w, which % 2 == 0);
    if (what == 'O' || c->channel == NULL)
        return;
    switch (what) {
    case 'A':
        channel_answer(c->channel);
        break;
    case 'H':
        hang_up(c);
        break;
    case 'P':
    case 'D':
        play(c, what == 'D');
        break;
    case 'S':
        channel_play_stop(c->channel, c->n_requests / 2);
        break;
    case 'T':
        tap(c);
        break;
    case 'U':
        channel_tap_stop(c->channel, c->n_requests);
        break;
    case 'Q':
        channel_tap_pause(c->channel, c->n_requests, (enum tap_pause)(c->n_requests % 3));
        break;
    case 'E':
        channel_echo(c->channel, true);
        break;
    case 'R':
        channel_refer(c->channel, "sip:a@b.test");
        break;
    case 'J':
        join_pairs(w, c);
        break;
    default:
        break;
    }
}

/* --- a script: one word, message or act a line --- */

static void wait_ms(struct world *w, int64_t ms)
{
    vtime_run(w->vtime, loop_now(w->loop) + ms * 1000, NULL, NULL);
}

static void obey(struct world *w, const char *line, size_t len)
{
    char which = len > 1 ? line[1] : '0';

    switch (line[0]) {
    case '{':
        say(&w->gateway, line, len);
        break;
    case '@':
        say(&w->pbx, line + 1, len - 1);
        break;
    case 'h':
        say(&w->gateway, hello, strlen(hello));
        break;
    case 'k':
        knock(w);
        break;
    case 'K':
        knock_as_asterisk(w);
        break;
    case 'f':
        send_sound(&w->gateway, (uint8_t)which, len > 2 ? (uint8_t)line[2] : 0);
        break;
    case 'F':
        send_sound(&w->pbx, '0', (uint8_t)which);
        break;
    case 'x':
        w->gateway.link = link_free(w->gateway.link);
        break;
    case 'X':
        w->pbx.link = link_free(w->pbx.link);
        break;
    case 'w':
        wait_ms(w, 1 << (uint8_t)which % 12);
        break;
    default:
        act(w, line[0], which);
    }
}

static void no_line(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static void on_closed(void *arg)
{
    ((struct world *)arg)->closed = true;
}

static void tear_down(struct world *w)
{
    struct bridge_stats stats;

    for (size_t i = 0; i < CALLS; i++)
        if (w->calls[i].channel != NULL && !w->calls[i].asked_to_end)
            hang_up(&w->calls[i]);
    wait_ms(w, 100);
    for (size_t i = 0; i < CALLS; i++)
        must(w->calls[i].channel == NULL);
    bridge_stats(w->bridge, &stats);
    must(stats.channels == 0);
    bridge_close(w->bridge, on_closed, w);
    wait_ms(w, 20000);
    must(w->closed);
    w->gateway.link = link_free(w->gateway.link);
    w->pbx.link = link_free(w->pbx.link);
    wait_ms(w, 100);
    bridge_free(w->bridge);
    media_free(w->media);
    loop_free(w->loop);
    vtime_free(w->vtime);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const identities[] = {"a*"};
    static struct config_gateway gateways[] = {{.name = "gw",
                                                .identities = identities,
                                                .n_identities = 1,
                                                .token = "t",
                                                .max_channels = MAX_CHANNELS,
                                                .originate = true,
                                                .terminate = true},
                                               {.name = "pbx",
                                                .token = "t",
                                                .max_channels = 2,
                                                .originate = true,
                                                .terminate = true,
                                                .dialect = "asterisk"}};
    static const struct config config = {.gateways = gateways, .n_gateways = 2};
    static struct world w;
    const char *at = (const char *)data, *end = at + size, *stop;

    log_set_sink(no_line, NULL);
    w = (struct world){.pbx = {.asterisk = true}};
    must(vtime_new(&w.vtime, NULL) == 0 && loop_new(&w.loop, w.vtime, NULL) == 0);
    must(media_new(&w.media, w.loop, w.vtime, 0, NULL) == 0);
    must(bridge_new(&w.bridge, w.loop, w.media, &config, NULL, &bridge_handlers, &w, NULL) == 0);
    for (int lines = 0; at < end && lines < LINES; at = stop + 1, lines++) {
        stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (stop > at)
            obey(&w, at, (size_t)(stop - at));
    }
    wait_ms(&w, 50);
    tear_down(&w);
    return 0;
}
