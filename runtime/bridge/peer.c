/* The control loop's half of a link: reads its messages, judges its rights, and owns its channels.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/private.h"
#include <inttypes.h>
#include <string.h>

/* --- sending --- */

static bool push_text(struct peer *p, struct wire_text *t)
{
    struct crossing_msg m = {.h = port_on_text, .to = p->port, .ptr = t};

    return crossing_command(p->bridge->hub.crossing, &m, 0) == 0;
}

bool peer_push(struct peer *p)
{
    struct link_node *n;

    while ((n = list_pop(&p->backlog)) != NULL) {
        if (!push_text(p, list_entry(n, struct wire_text, node))) {
            list_prepend(&p->backlog, n);
            return false;
        }
        p->n_backlog--;
    }
    return true;
}

static void drop_backlog(struct peer *p)
{
    struct link_node *n;

    while ((n = list_pop(&p->backlog)) != NULL)
        mem_free(list_entry(n, struct wire_text, node));
    p->n_backlog = 0;
}

void peer_break(struct peer *p, int code, const char *why)
{
    if (p->shut || p->gone) /* gone: the port may be freed already */
        return;
    p->shut = true;
    timer_stop(&p->hello);
    p->shutting.msg =
        (struct crossing_msg){.h = port_on_shut,
                              .to = p->port,
                              .ptr = (void *)(uintptr_t)why, /* static text, only read */
                              .num = {(uint64_t)code}};
    bridge_send(p->bridge, &p->shutting);
}

void peer_queue(struct peer *p, struct wire_text *t)
{
    if (p->shut || p->gone) {
        mem_free(t);
        return;
    }
    if (t == NULL || p->n_backlog >= PEER_BACKLOG_TEXTS) {
        log_error("bridge", NULL, "link of '%s' is closed: %s", p->name,
                  t == NULL ? "no memory for a message" : "its messages back up");
        mem_free(t);
        peer_break(p, LINK_CLOSE_ERROR, "messages back up");
        return;
    }
    if (list_empty(&p->backlog) && push_text(p, t))
        return;
    list_append(&p->backlog, &t->node);
    p->n_backlog++;
    if (!p->bridge->retry.active)
        timer_start(&p->bridge->retry, 1);
}

void peer_send(struct peer *p, const struct wire_msg *m)
{
    if (p->shut || p->gone)
        return;
    if (p->asterisk != NULL)
        asterisk_send(p, m);
    else
        peer_queue(p, wire_format(m));
}

static void send_error(struct peer *p, uint32_t channel, const char *code, const char *text)
{
    peer_send(
        p, &(struct wire_msg){.type = WIRE_ERROR, .channel = channel, .code = code, .text = text});
}

static const char *title(const struct peer *p)
{
    return p->name[0] != '\0' ? p->name : "(no hello yet)";
}

bool peer_may_log(const struct peer *p)
{
    struct bridge *b = p->bridge;

    if (p->name[0] != '\0')
        return true;
    if (!bucket_take(&b->stranger_lines, loop_now(b->control), STRANGER_LINES_PER_S,
                     STRANGER_LINES_BURST)) {
        b->unsaid++;
        return false;
    }
    if (b->unsaid > 0)
        log_warn("bridge", NULL, "%u lines about links without a hello were left out", b->unsaid);
    b->unsaid = 0;
    return true;
}

void peer_shut(struct peer *p, int code, const char *error_code, const char *why)
{
    if (p->shut || p->gone)
        return;
    if (peer_may_log(p))
        log_warn("bridge", NULL, "link of '%s' is closed by us: %s", title(p), why);
    send_error(p, 0, error_code, why);
    peer_break(p, code, error_code);
}

void peer_complain(struct peer *p, uint32_t channel, const char *code, const char *text)
{
    p->bridge->stats.bad_text++;
    if (!bucket_take(&p->bad, loop_now(p->bridge->control), PEER_BAD_PER_S, PEER_BAD_BURST)) {
        peer_shut(p, LINK_CLOSE_POLICY, "too-many-errors", "too many bad messages");
        return;
    }
    if (peer_may_log(p))
        log_warn("bridge", NULL, "gateway '%s': channel %" PRIu32 ": %s: %s", title(p), channel,
                 code, text);
    send_error(p, channel, code, text);
}

/* --- hello --- */

bool same_secret(const char *a, const char *b)
{
    char x[257] = {0}, y[257] = {0};
    volatile unsigned char differ = 0;

    differ |= !str_copy(x, sizeof x, a);
    differ |= !str_copy(y, sizeof y, b);
    for (size_t i = 0; i < sizeof x; i++)
        differ |= (unsigned char)(x[i] ^ y[i]);
    return differ == 0;
}

void peer_become(struct peer *p, const struct config_gateway *g)
{
    timer_stop(&p->hello);
    str_copy(p->name, sizeof p->name, g->name);
    p->max_channels = g->max_channels;
    p->originate = g->originate;
    p->terminate = g->terminate;
    p->known.msg = (struct crossing_msg){.h = port_on_known, .to = p->port};
    bridge_send(p->bridge, &p->known);
}

static void on_hello(struct peer *p, const struct wire_msg *m)
{
    const struct config_gateway *g = config_find_gateway(p->bridge->config, m->gateway);
    bool known =
        same_secret(m->token, g != NULL ? g->token : "") & (g != NULL) && !config_is_asterisk(g);

    if (p->name[0] != '\0') {
        peer_complain(p, 0, "wrong-state", "hello was said already");
        return;
    }
    if (m->version != WIRE_VERSION) {
        peer_shut(p, LINK_CLOSE_POLICY, "version", "this exchange speaks version 1 only");
        return;
    }
    if (!known) {
        if (peer_may_log(p))
            log_warn("bridge", NULL, "a link calls itself '%s' but the name or the token is wrong",
                     m->gateway);
        peer_shut(p, LINK_CLOSE_POLICY, "not-authorised", "unknown gateway name or wrong token");
        return;
    }
    peer_become(p, g);
    p->prompts = m->prompts;
    log_info("bridge", NULL, "gateway '%s' is linked (%s)", p->name,
             m->software != NULL ? m->software : "software unknown");
    peer_send(p, &(struct wire_msg){.type = WIRE_WELCOME,
                                    .version = WIRE_VERSION,
                                    .software = "almon",
                                    .max_channels = (uint32_t)p->max_channels,
                                    .originate = p->originate,
                                    .terminate = p->terminate});
}

static void on_hello_late(void *arg)
{
    peer_shut(arg, LINK_CLOSE_POLICY, "hello", "no hello within 5 seconds");
}

/* --- offers --- */

bool peer_is_full(const struct peer *p)
{
    const struct list *peers = &p->bridge->peers;
    unsigned n = 0;

    for (struct link_node *at = list_first(peers); at != NULL; at = list_next(peers, at)) {
        const struct peer *q = list_entry(at, struct peer, node);

        if (strcmp(q->name, p->name) == 0)
            n += q->n_channels;
    }
    return n >= (unsigned)p->max_channels;
}

static bool takes_calls(const struct peer *p, const char *gateway)
{
    return strcmp(p->name, gateway) == 0 && p->asterisk == NULL && p->terminate && !p->shut &&
           !p->gone;
}

struct peer *peer_of_link(struct bridge *b, const char *gateway, uint64_t id)
{
    for (struct link_node *n = list_first(&b->peers); n != NULL; n = list_next(&b->peers, n)) {
        struct peer *p = list_entry(n, struct peer, node);

        if (p->id == id && takes_calls(p, gateway))
            return p;
    }
    return NULL;
}

struct peer *peer_find(struct bridge *b, const char *gateway)
{
    struct peer *best = NULL;

    for (struct link_node *n = list_first(&b->peers); n != NULL; n = list_next(&b->peers, n)) {
        struct peer *p = list_entry(n, struct peer, node);

        if (takes_calls(p, gateway) && (best == NULL || p->n_channels < best->n_channels))
            best = p;
    }
    return best;
}

static void refuse(struct peer *p, uint32_t channel, enum cause cause, const char *why)
{
    p->bridge->stats.refused++;
    log_warn("bridge", NULL, "gateway '%s': call on channel %" PRIu32 " refused (%s): %s", p->name,
             channel, cause_name(cause), why);
    peer_send(p, &(struct wire_msg){.type = WIRE_HANGUP, .channel = channel, .cause = cause});
}

static void present(struct peer *p, const struct offer *offer, uint32_t number)
{
    struct bridge *b = p->bridge;
    struct error err = {0};
    struct channel *c = channel_new(p, offer, number, false, &err);

    if (c == NULL) {
        refuse(p, number, CAUSE_CONGESTION, err.text);
        return;
    }
    b->h->offered(b->arg, c, offer);
    if (!channel_is_taken(c))
        channel_hangup(c, CAUSE_ERROR);
    else
        channel_ring(c);
}

void peer_offer(struct peer *p, const struct wire_msg *m)
{
    struct bridge *b = p->bridge;
    struct offer offer = {.gateway = p->name,
                          .from = m->from,
                          .to = m->to,
                          .forwarded_from = m->forwarded_from,
                          .caller_name = m->caller_name,
                          .call_token = m->call_token,
                          .params = m->params,
                          .codec = m->codec,
                          .dtmf_events = m->dtmf_events};

    b->stats.offers++;
    if ((m->channel & WIRE_EXCHANGE_BIT) != 0)
        peer_complain(p, m->channel, "bad-channel",
                      "numbers from 2147483648 on belong to the exchange");
    else if (numbers_get(&p->numbers, m->channel) != NULL)
        peer_complain(p, m->channel, "channel-in-use",
                      "this channel carries a call; use another number");
    else if (numbers_ended(&p->numbers, m->channel, loop_now(b->control)))
        peer_complain(p, m->channel, "channel-in-use",
                      "this channel ended less than 5 seconds ago; use another number");
    else if (!p->originate)
        refuse(p, m->channel, CAUSE_REJECTED, "this gateway may not offer calls (originate)");
    else if (b->refusing)
        refuse(p, m->channel, CAUSE_CONGESTION, "no new calls are taken now");
    else if (peer_is_full(p))
        refuse(p, m->channel, CAUSE_CONGESTION, "all its channels are in use (max_channels)");
    else
        present(p, &offer, m->channel);
}

/* --- the other messages --- */

void peer_call(struct peer *p, const struct wire_msg *m)
{
    struct link_node *node = numbers_get(&p->numbers, m->channel);
    char text[80];

    if (node == NULL) {
        if (!numbers_ended(&p->numbers, m->channel, loop_now(p->bridge->control)))
            peer_complain(p, m->channel, "unknown-channel", "no call is on this channel");
        return;
    }
    if (channel_told(channel_of(node), m))
        return;
    snprintf(text, sizeof text, "a %s does not fit this call now", wire_type_name(m->type));
    peer_complain(p, m->channel, "wrong-state", text);
}

static void on_register(struct peer *p, const struct wire_msg *m)
{
    struct error err = {0};
    const char *code = "internal";

    if (identity_register(p, m->identity, &code, &err) == 0) {
        peer_send(p, &(struct wire_msg){.type = WIRE_REGISTERED, .identity = m->identity});
        return;
    }
    /* No mistake of its own, perhaps: a gateway with many phones may know some that almon.lua does
     * not. */
    if (bucket_take(&p->trouble_log, loop_now(p->bridge->control), 1, 10))
        log_warn("bridge", NULL, "gateway '%s': %s", p->name, err.text);
    send_error(p, 0, code, err.text);
}

static void on_error(struct peer *p, const struct wire_msg *m)
{
    if (bucket_take(&p->trouble_log, loop_now(p->bridge->control), 1, 10))
        log_warn("bridge", NULL, "gateway '%s' complains: channel %" PRIu32 ": %s: %s", p->name,
                 m->channel, m->code, m->text);
}

static void dispatch(struct peer *p, const struct wire_msg *m)
{
    switch (m->type) {
    case WIRE_HELLO:
        on_hello(p, m);
        return;
    case WIRE_OFFER:
        peer_offer(p, m);
        return;
    case WIRE_RING:
    case WIRE_ANSWER:
    case WIRE_DTMF:
    case WIRE_HANGUP:
    case WIRE_QUALITY:
    case WIRE_REFER:
    case WIRE_REFER_STATUS:
        peer_call(p, m);
        return;
    case WIRE_MESSAGE:
        peer_text(p, m);
        return;
    case WIRE_MESSAGE_STATUS:
        peer_text_status(p, m);
        return;
    case WIRE_ERROR:
        on_error(p, m);
        return;
    case WIRE_REGISTER:
        on_register(p, m);
        return;
    case WIRE_UNREGISTER:
        identity_unregister(p, m->identity);
        return;
    case WIRE_REGISTERED:
    case WIRE_WELCOME:
    case WIRE_PROMPT:
    case WIRE_TYPE_COUNT:
        peer_complain(p, m->channel, "wrong-state", "only the exchange sends this message");
    }
}

static void read_text(struct peer *p, const struct wire_text *t)
{
    struct error err = {0};
    struct wire_msg m;

    if (!bucket_take(&p->texts, loop_now(p->bridge->control), PEER_TEXTS_PER_S, PEER_TEXTS_BURST)) {
        peer_shut(p, LINK_CLOSE_POLICY, "flood", "more than 5000 messages a second");
        return;
    }
    if (p->asterisk != NULL) {
        asterisk_text(p, t);
        return;
    }
    if (wire_parse(&m, t->data, t->len, &err) != 0)
        peer_complain(p, m.channel, err.code == ERR_NOMEM ? "internal" : "bad-message", err.text);
    else if (p->name[0] == '\0' && m.type != WIRE_HELLO)
        peer_shut(p, LINK_CLOSE_POLICY, "hello", "the first message must be a hello");
    else
        dispatch(p, &m);
    wire_msg_free(&m);
}

/* --- events from the port --- */

void peer_on_text(const struct crossing_msg *m)
{
    struct peer *p = m->to;

    port_text_read(p->port);
    if (!p->shut && !p->gone)
        read_text(p, m->ptr);
    mem_free(m->ptr);
}

void peer_on_trouble(const struct crossing_msg *m)
{
    struct peer *p = m->to;
    uint32_t number = (uint32_t)m->num[1];
    char text[120];

    if (p->shut || p->gone)
        return;
    switch ((enum port_trouble)m->num[0]) {
    case TROUBLE_BATCH:
        snprintf(text, sizeof text, "a batch is cut short or holds no record at byte %" PRIu64,
                 m->num[2]);
        peer_complain(p, 0, "bad-batch", text);
        break;
    case TROUBLE_CHANNEL:
        snprintf(text, sizeof text, "audio for a channel without a call");
        peer_complain(p, number, "unknown-channel", text);
        break;
    case TROUBLE_FRAME:
        snprintf(text, sizeof text,
                 "a frame of %" PRIu64 " bytes is not 20 ms in this call's codec", m->num[2]);
        peer_complain(p, number, "bad-frame", text);
        break;
    case TROUBLE_COUNT:
        break;
    }
}

void peer_on_opened(const struct crossing_msg *m)
{
    struct bridge *b = m->to;
    struct peer *p = b->closing ? NULL : mem_alloc(sizeof *p);
    const struct link_request *request = port_request(m->ptr);

    b->ports++;
    if (p != NULL && request != NULL && (p->asterisk = asterisk_new(p, b->control)) == NULL) {
        mem_free(p);
        p = NULL;
    }
    if (p == NULL) {
        struct pending *reject = port_pending(m->ptr);

        reject->msg = (struct crossing_msg){.h = port_on_release, .to = m->ptr};
        reject->answers = 1;
        bridge_send(b, reject);
        return;
    }
    p->bridge = b;
    p->port = m->ptr;
    p->id = ++b->links_ever;
    list_init(&p->channels);
    list_init(&p->registrations);
    list_init(&p->backlog);
    list_append(&b->peers, &p->node);
    timer_init(&p->hello, b->control, on_hello_late, p);
    timer_start(&p->hello, PEER_HELLO_MS);
    p->admit.msg = (struct crossing_msg){.h = port_on_admit, .to = p->port, .ptr = p};
    p->admit.answers = 1;
    bridge_send(b, &p->admit);
    if (request != NULL)
        asterisk_opened(p, request);
}

void peer_on_closed(const struct crossing_msg *m)
{
    struct peer *p = m->to;
    struct link_node *n;
    bool over = p->asterisk != NULL && asterisk_is_over(p->asterisk, port_was_closed(p->port));

    if (over)
        log_debug("bridge", NULL, "call of '%s' is over: %s", title(p), port_why(p->port));
    else if (peer_may_log(p))
        log_info("bridge", NULL, "link of '%s' is gone: %s; %u calls end", title(p),
                 port_why(p->port), p->n_channels);
    p->gone = true;
    identity_forget(p);
    timer_stop(&p->hello);
    if (p->asterisk != NULL)
        asterisk_closed(p->asterisk);
    drop_backlog(p);
    while ((n = list_first(&p->channels)) != NULL)
        channel_lost(channel_of(n), over ? CAUSE_NORMAL : CAUSE_LINK_LOST);
    /* Pending commands go out in order, so this one comes after all of the channels'. */
    p->release.msg = (struct crossing_msg){.h = port_on_release, .to = p->port};
    p->release.answers = 1;
    bridge_send(p->bridge, &p->release);
}

void peer_on_released(const struct crossing_msg *m)
{
    struct bridge *b = m->ptr;
    struct peer *p = m->to;

    if (p != NULL) {
        list_remove(&p->node);
        numbers_free(&p->numbers);
        asterisk_free(p->asterisk);
        mem_free(p);
    }
    b->ports--;
    bridge_check_closed(b);
}
