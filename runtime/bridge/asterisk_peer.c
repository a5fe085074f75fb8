/* The control loop's half of a link in the dialect of Asterisk's WebSocket channel: one link is one
 * call, and arrives at the session as any other channel. Its audio goes between media and the link
 * as it is (port.c). What is said here, and in gateways/asterisk/README.md, follows the reference
 * page asterisk-websocket.md. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/asterisk.h"
#include "bridge/private.h"
#include <string.h>

#define START_MS 5000 /* from connection to MEDIA_START */
#define BYE_MS   1000 /* for the last words to leave its queue; then for it to hang up */
#define LOOK_MS  5000 /* how often its queue is asked for */
/* Frames that may stand in its queue. It plays in real time, so what stands there stays there, and
 * the caller hears all later by so much: better a gap. */
#define QUEUE_MAX 25
#define BYE_MARK  "bye"

enum asterisk_state {
    ASTERISK_CONNECTED, /* MEDIA_START has not come */
    ASTERISK_CALLING,   /* a call is on it */
    ASTERISK_LEAVING,   /* it plays the last words */
    ASTERISK_OVER       /* HANGUP is said; it closes the link, or we do */
};

struct asterisk {
    struct peer *peer;
    enum asterisk_state state;
    bool json, answered;
    bool buffering;          /* our frames are not a whole number of its frames */
    char to[257], from[257]; /* what the handshake said */
    struct timer late, look;
    struct pending hold;
    bool hold_waits;
};

/* --- saying --- */

static void say(struct asterisk *a, const char *command, const char *id)
{
    peer_queue(a->peer, asterisk_command(command, id, a->json));
}

static void start_buffering(struct asterisk *a)
{
    if (a->buffering)
        say(a, "START_MEDIA_BUFFERING", NULL);
}

/* What it has not played yet is forgotten, and so is its buffering mode. */
static void flush(struct asterisk *a)
{
    say(a, "FLUSH_MEDIA", NULL);
    start_buffering(a);
}

static void hang_up(struct asterisk *a)
{
    a->state = ASTERISK_OVER;
    say(a, "HANGUP", NULL);
    timer_start(&a->late, BYE_MS);
}

/* HANGUP is obeyed at once, so that what still stands in its queue would not be heard: a mark goes
 * before it. Asterisk before November 2025 does not know marks; then the time decides. */
static void leave(struct asterisk *a)
{
    timer_stop(&a->look);
    if (a->state >= ASTERISK_LEAVING)
        return;
    if (!a->answered) {
        hang_up(a);
        return;
    }
    a->state = ASTERISK_LEAVING;
    say(a, a->buffering ? "STOP_MEDIA_BUFFERING" : "MARK_MEDIA", BYE_MARK);
    timer_start(&a->late, BYE_MS);
}

void asterisk_send(struct peer *p, const struct wire_msg *m)
{
    struct asterisk *a = p->asterisk;

    if (m->type == WIRE_HANGUP) {
        leave(a);
    } else if (m->type == WIRE_ANSWER) {
        a->answered = true;
        say(a, "ANSWER", NULL);
        timer_start(&a->look, LOOK_MS);
    } /* it has no words for the rest */
}

/* --- hearing --- */

static void on_hold_sent(void *arg)
{
    ((struct asterisk *)arg)->hold_waits = false;
}

/* Whether the media loop may send audio. */
static void hold(struct asterisk *a, bool on)
{
    a->hold.msg.num[0] = on;
    if (a->hold_waits)
        return;
    a->hold.msg.h = port_on_hold;
    a->hold.msg.to = a->peer->port;
    a->hold.sent = on_hold_sent;
    a->hold.arg = a;
    a->hold_waits = true;
    bridge_send(a->peer->bridge, &a->hold);
}

/* ws://almon:8081/+15550100: the end of the path, when it looks like a number. */
static void number_from_path(char *to, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash != NULL ? slash + 1 : path;
    const char *digits = last[0] == '+' ? last + 1 : last;

    if (digits[0] != '\0' && strspn(digits, "0123456789") == strlen(digits))
        str_copy(to, size, last);
}

static void refuse(struct asterisk *a, const char *why)
{
    log_warn("bridge", NULL, "a call of Asterisk '%s' is refused: %s", a->peer->name, why);
    hang_up(a);
}

static void on_start(struct asterisk *a, const struct asterisk_event *e)
{
    const char *to = e->to != NULL ? e->to : a->to;
    const char *from = e->from != NULL ? e->from : a->from;
    int codec = asterisk_codec(e->format);
    struct wire_msg offer = {.type = WIRE_OFFER,
                             .channel = BARE_CHANNEL,
                             .from = from[0] != '\0' ? from : "anonymous",
                             .to = to,
                             .codec = (enum codec)codec,
                             .dtmf_events = true,
                             .caller_name = e->caller_name,
                             .forwarded_from = e->forwarded_from,
                             .params = e->params[0] != NULL ? e->params : NULL};

    if (a->state != ASTERISK_CONNECTED) {
        peer_complain(a->peer, BARE_CHANNEL, "wrong-state", "MEDIA_START came already");
        return;
    }
    timer_stop(&a->late);
    a->json = e->json;
    a->state = ASTERISK_CALLING;
    if (codec < 0) {
        refuse(a, "its codec is none of ours; dial with c(ulaw), c(alaw), c(slin), c(slin16) or "
                  "c(slin24)");
        return;
    }
    if (to[0] == '\0') {
        refuse(a, "it does not say which number was called; put Set(__ALMON_TO=${EXTEN}) before "
                  "the Dial with f(json), or v(to=${URIENCODE(${EXTEN})}) into it");
        return;
    }
    a->buffering = e->frame_bytes > 0 && codec_frame_bytes((enum codec)codec) % e->frame_bytes != 0;
    start_buffering(a);
    peer_offer(a->peer, &offer);
}

static void on_digit(struct asterisk *a, char digit)
{
    char digits[2] = {digit, '\0'};

    peer_call(a->peer,
              &(struct wire_msg){.type = WIRE_DTMF, .channel = BARE_CHANNEL, .digits = digits});
}

/* 18 s wait to be heard: more would be dropped, and these are of no use to anybody. */
static void on_xoff(struct asterisk *a)
{
    log_warn("bridge", NULL, "Asterisk '%s' has no room for more audio (MEDIA_XOFF): it is flushed",
             a->peer->name);
    hold(a, true);
    flush(a);
}

static void on_error(struct asterisk *a, const char *text)
{
    if (bucket_take(&a->peer->trouble_log, loop_now(a->peer->bridge->control), 1, 10))
        log_warn("bridge", NULL, "Asterisk '%s' complains: %.200s", a->peer->name,
                 text != NULL ? text : "");
}

static void dispatch(struct asterisk *a, const struct asterisk_event *e)
{
    switch (e->kind) {
    case ASTERISK_START:
        on_start(a, e);
        return;
    case ASTERISK_DIGIT:
        on_digit(a, e->digit);
        return;
    case ASTERISK_XOFF:
        on_xoff(a);
        return;
    case ASTERISK_XON:
        hold(a, false);
        return;
    case ASTERISK_STATUS:
        if (e->queue_length > QUEUE_MAX && a->state == ASTERISK_CALLING)
            flush(a);
        return;
    case ASTERISK_BUFFERED:
    case ASTERISK_MARKED:
        if (a->state == ASTERISK_LEAVING && e->id != NULL && strcmp(e->id, BYE_MARK) == 0)
            hang_up(a);
        return;
    case ASTERISK_ERROR:
        on_error(a, e->text);
        return;
    case ASTERISK_OTHER:
        return;
    }
}

void asterisk_text(struct peer *p, const struct wire_text *t)
{
    struct asterisk_event e;
    struct error err = {0};

    if (asterisk_parse(&e, t->data, t->len, &err) != 0)
        peer_complain(p, 0, "bad-message", err.text);
    else
        dispatch(p->asterisk, &e);
    asterisk_event_free(&e);
}

/* --- time --- */

static void on_late(void *arg)
{
    struct asterisk *a = arg;

    switch (a->state) {
    case ASTERISK_CONNECTED:
        peer_shut(a->peer, LINK_CLOSE_POLICY, "hello", "no MEDIA_START within 5 seconds");
        return;
    case ASTERISK_LEAVING:
        hang_up(a);
        return;
    case ASTERISK_CALLING:
    case ASTERISK_OVER:
        peer_break(a->peer, LINK_CLOSE_NORMAL, "the call is over");
    }
}

static void on_look(void *arg)
{
    struct asterisk *a = arg;

    say(a, "GET_STATUS", NULL);
    timer_start(&a->look, LOOK_MS);
}

/* --- its life --- */

struct asterisk *asterisk_new(struct peer *p, struct loop *control)
{
    struct asterisk *a = mem_alloc(sizeof *a);

    if (a == NULL)
        return NULL;
    a->peer = p;
    timer_init(&a->late, control, on_late, a);
    timer_init(&a->look, control, on_look, a);
    return a;
}

void asterisk_opened(struct peer *p, const struct link_request *r)
{
    struct asterisk *a = p->asterisk;
    const struct config_gateway *g = config_find_gateway(p->bridge->config, r->user);
    bool proven = same_secret(r->password, g != NULL ? g->token : "") | r->ours;

    timer_stop(&p->hello);
    if (g == NULL || !proven || !config_is_asterisk(g)) {
        if (peer_may_log(p))
            log_warn(
                "bridge", NULL,
                "an Asterisk was refused: set username and password in its websocket_client.conf "
                "to name and token of a gateway with dialect = \"asterisk\"");
        peer_break(p, LINK_CLOSE_POLICY, "not-authorised");
        return;
    }
    peer_become(p, g);
    number_from_path(a->to, sizeof a->to, r->path);
    asterisk_pair(r->query, strlen(r->query), '\n', false, "to", a->to, sizeof a->to);
    asterisk_pair(r->query, strlen(r->query), '\n', false, "from", a->from, sizeof a->from);
    timer_start(&a->late, START_MS);
}

bool asterisk_is_over(const struct asterisk *a, bool was_closed)
{
    return a->state == ASTERISK_OVER || (was_closed && a->state != ASTERISK_CONNECTED);
}

void asterisk_closed(struct asterisk *a)
{
    timer_stop(&a->late);
    timer_stop(&a->look);
}

void asterisk_free(struct asterisk *a)
{
    if (a != NULL)
        asterisk_closed(a);
    mem_free(a);
}
