/* The gateway's side of a link. */
#include "bridge/client.h"
#include "base/mem.h"
#include "base/str.h"
#include "bridge/link.h"
#include "bridge/numbers.h"
#include "bridge/wire.h"
#include <stdio.h>
#include <string.h>

struct leg {
    uint32_t number;
    size_t frame_bytes;
    struct link_node node;
};

struct bridge_client {
    struct loop *loop;
    struct link *link; /* NULL once it is gone */
    const struct client_handlers *h;
    void *arg;
    char *name, *token;
    bool prompts, welcome;
    int backlog_ms;
    uint32_t next;
    struct numbers numbers;
    struct list legs;
};

/* --- sending --- */

static void on_closed(void *arg, const char *why);

static int send_message(struct bridge_client *c, const struct wire_msg *m)
{
    struct wire_text *t;
    int rc;

    if (c->link == NULL)
        return ERR_WRONG_STATE;
    t = wire_format(m);
    if (t == NULL)
        return ERR_NOMEM;
    rc = link_text(c->link, t);
    return rc;
}

/* A message about a call that cannot be sent would leave the two sides at odds: the link goes. */
static void tell(struct bridge_client *c, const struct wire_msg *m)
{
    if (c->link != NULL && send_message(c, m) != 0)
        link_shut(c->link, LINK_CLOSE_ERROR, "messages back up");
}

/* --- legs --- */

static struct leg *leg_find(struct bridge_client *c, uint32_t number)
{
    return numbers_get(&c->numbers, number);
}

static int leg_add(struct bridge_client *c, uint32_t number, enum codec codec)
{
    struct leg *l = mem_alloc(sizeof *l);

    if (l == NULL || numbers_add(&c->numbers, number, l, loop_now(c->loop)) != 0) {
        mem_free(l);
        return ERR_NOMEM;
    }
    l->number = number;
    l->frame_bytes = codec_frame_bytes(codec);
    list_append(&c->legs, &l->node);
    link_reserve(c->link, (size_t)c->backlog_ms / FRAME_MS, l->frame_bytes);
    return 0;
}

static void leg_end(struct bridge_client *c, struct leg *l)
{
    numbers_end(&c->numbers, l->number, loop_now(c->loop));
    if (c->link != NULL)
        link_unreserve(c->link, (size_t)c->backlog_ms / FRAME_MS, l->frame_bytes);
    list_remove(&l->node);
    mem_free(l);
}

/* --- what the exchange says --- */

static void on_offer(struct bridge_client *c, const struct wire_msg *m)
{
    struct offer offer = {.gateway = c->name,
                          .from = m->from,
                          .to = m->to,
                          .forwarded_from = m->forwarded_from,
                          .caller_name = m->caller_name,
                          .call_token = m->call_token,
                          .params = m->params,
                          .trunk = m->trunk,
                          .user = m->user,
                          .password = m->password,
                          .codec = m->codec,
                          .dtmf_events = m->dtmf_events};

    if ((m->channel & WIRE_EXCHANGE_BIT) == 0 || leg_find(c, m->channel) != NULL)
        return;
    if (c->h->offered == NULL || leg_add(c, m->channel, m->codec) != 0) {
        tell(c, &(struct wire_msg){
                    .type = WIRE_HANGUP, .channel = m->channel, .cause = CAUSE_CONGESTION});
        return;
    }
    c->h->offered(c->arg, m->channel, &offer);
}

static void on_call(struct bridge_client *c, const struct wire_msg *m)
{
    struct leg *l = leg_find(c, m->channel);

    if (l == NULL)
        return; /* it ended here while this was under way */
    switch (m->type) {
    case WIRE_ANSWER:
        c->h->answered(c->arg, m->channel);
        break;
    case WIRE_HANGUP:
        leg_end(c, l);
        c->h->ended(c->arg, m->channel, m->cause);
        break;
    case WIRE_DTMF:
        if (c->h->digits != NULL)
            c->h->digits(c->arg, m->channel, m->digits);
        break;
    case WIRE_PROMPT:
        if (c->h->prompt != NULL)
            c->h->prompt(c->arg, m->channel, m->begin, m->text != NULL ? m->text : "");
        break;
    case WIRE_REFER:
        if (c->h->refer != NULL)
            c->h->refer(c->arg, m->channel, m->to);
        else
            client_refer_status(c, m->channel, 501, 0);
        break;
    case WIRE_REFER_STATUS:
        if (c->h->refer_status != NULL)
            c->h->refer_status(c->arg, m->channel, m->response, m->notify);
        break;
    case WIRE_RING:
        if (c->h->ringing != NULL)
            c->h->ringing(c->arg, m->channel);
        break;
    default:
        break;
    }
}

static void on_message(struct bridge_client *c, const struct wire_msg *m)
{
    if (c->h->message != NULL)
        c->h->message(
            c->arg,
            &(struct bridge_text){
                .id = m->id, .from = m->from, .to = m->to, .body = m->body, .params = m->params});
    else
        client_message_status(c, &(struct bridge_text_status){.id = m->id,
                                                              .status = "failed",
                                                              .code = "not-supported",
                                                              .text = "this gateway takes calls"});
}

static void on_message_status(struct bridge_client *c, const struct wire_msg *m)
{
    if (c->h->message_status != NULL)
        c->h->message_status(
            c->arg, &(struct bridge_text_status){
                        .id = m->id, .status = m->status, .code = m->code, .text = m->text});
}

static void on_welcome(struct bridge_client *c)
{
    c->welcome = true;
    c->h->ready(c->arg);
}

static void on_error(struct bridge_client *c, const struct wire_msg *m)
{
    if (c->h->error != NULL)
        c->h->error(c->arg, m->channel, m->code, m->text);
}

static void on_text(void *arg, const char *text, size_t len)
{
    struct bridge_client *c = arg;
    struct wire_msg m;
    struct error err = {0};

    if (wire_parse(&m, text, len, &err) != 0) {
        on_error(c, &(struct wire_msg){.code = "bad-message", .text = err.text});
        return;
    }
    switch (m.type) {
    case WIRE_WELCOME:
        on_welcome(c);
        break;
    case WIRE_OFFER:
        on_offer(c, &m);
        break;
    case WIRE_ERROR:
        on_error(c, &m);
        break;
    case WIRE_REGISTERED:
        if (c->h->registered != NULL)
            c->h->registered(c->arg, m.identity);
        break;
    case WIRE_MESSAGE:
        on_message(c, &m);
        break;
    case WIRE_MESSAGE_STATUS:
        on_message_status(c, &m);
        break;
    default:
        on_call(c, &m);
        break;
    }
    wire_msg_free(&m);
}

static void on_batch(void *arg, const uint8_t *bytes, size_t len)
{
    struct bridge_client *c = arg;
    struct wire_record r;
    size_t at = 0;

    while (c->link != NULL && wire_batch_next(bytes, len, &at, &r) > 0) {
        struct leg *l = leg_find(c, r.channel);

        if (l != NULL && (r.len == 0 || r.len == l->frame_bytes) && c->h->audio != NULL)
            c->h->audio(c->arg, r.channel, r.audio, r.len);
    }
}

static void on_heeds(void *arg, uint32_t number, bool on)
{
    struct bridge_client *c = arg;

    if (c->h->heeds != NULL)
        c->h->heeds(c->arg, number, on);
}

static void on_opened(void *arg)
{
    struct bridge_client *c = arg;

    tell(c, &(struct wire_msg){.type = WIRE_HELLO,
                               .version = WIRE_VERSION,
                               .gateway = c->name,
                               .token = c->token,
                               .software = "almon",
                               .prompts = c->prompts});
}

static void on_closed(void *arg, const char *why)
{
    struct bridge_client *c = arg;
    struct link_node *n;
    char reason[200];

    str_copy(reason, sizeof reason, why); /* it is the link's */
    c->link = link_free(c->link);
    while ((n = list_first(&c->legs)) != NULL) {
        struct leg *l = list_entry(n, struct leg, node);
        uint32_t number = l->number;

        leg_end(c, l);
        c->h->ended(c->arg, number, CAUSE_LINK_LOST);
    }
    c->h->closed(c->arg, reason);
}

static const struct link_handlers link_handlers = {.opened = on_opened,
                                                   .text = on_text,
                                                   .batch = on_batch,
                                                   .heeds = on_heeds,
                                                   .closed = on_closed};

/* --- its life --- */

int client_new(struct bridge_client **cp, struct loop *loop, const struct client_options *o,
               const struct client_handlers *h, void *arg, struct error *err)
{
    struct bridge_client *c = mem_alloc(sizeof *c);
    int rc;

    if (c == NULL)
        return error_nomem(err);
    c->loop = loop;
    c->h = h;
    c->arg = arg;
    c->prompts = o->prompts;
    c->backlog_ms = o->backlog_ms > 0 ? o->backlog_ms : 1000;
    c->name = mem_strdup(o->name);
    c->token = mem_strdup(o->token);
    list_init(&c->legs);
    if (c->name == NULL || c->token == NULL)
        rc = error_nomem(err);
    else if (o->url != NULL)
        rc = link_ws_connect(&c->link, loop, o->url, err);
    else
        rc = bridge_link_pair(o->bridge, loop, &c->link, err);
    if (rc != 0) {
        client_free(c);
        return rc;
    }
    link_own(c->link, &link_handlers, c);
    *cp = c;
    return 0;
}

struct bridge_client *client_free(struct bridge_client *c)
{
    struct link_node *n;

    if (c == NULL)
        return NULL;
    c->link = link_free(c->link);
    while ((n = list_first(&c->legs)) != NULL)
        leg_end(c, list_entry(n, struct leg, node));
    numbers_free(&c->numbers);
    mem_free(c->name);
    mem_free(c->token);
    mem_free(c);
    return NULL;
}

unsigned client_lingering(void)
{
    return link_ws_alive();
}

/* --- what the gateway does --- */

static uint32_t free_number(struct bridge_client *c)
{
    do
        c->next = (c->next + 1) & ~WIRE_EXCHANGE_BIT;
    while (c->next == 0 || leg_find(c, c->next) != NULL ||
           numbers_ended(&c->numbers, c->next, loop_now(c->loop)));
    return c->next;
}

int client_offer(struct bridge_client *c, const struct offer *offer, uint32_t *number,
                 struct error *err)
{
    struct wire_msg m = {.type = WIRE_OFFER,
                         .from = offer->from,
                         .to = offer->to,
                         .forwarded_from = offer->forwarded_from,
                         .caller_name = offer->caller_name,
                         .call_token = offer->call_token,
                         .params = offer->params,
                         .codec = offer->codec,
                         .dtmf_events = offer->dtmf_events};
    int rc;

    if (!c->welcome || c->link == NULL)
        return error_set(err, ERR_WRONG_STATE, "the exchange is not linked");
    m.channel = free_number(c);
    if (leg_add(c, m.channel, offer->codec) != 0)
        return error_nomem(err);
    rc = send_message(c, &m);
    if (rc != 0) {
        leg_end(c, leg_find(c, m.channel));
        return error_set(err, rc, "the offer cannot be sent: %s",
                         rc == ERR_LIMIT ? "messages back up"
                                         : "out of memory, or a field is not UTF-8 or too long");
    }
    *number = m.channel;
    return 0;
}

static void tell_leg(struct bridge_client *c, struct wire_msg *m, uint32_t number)
{
    m->channel = number;
    if (leg_find(c, number) != NULL)
        tell(c, m);
}

void client_answer_with(struct bridge_client *c, uint32_t number, const char *const *params)
{
    tell_leg(c, &(struct wire_msg){.type = WIRE_ANSWER, .params = params}, number);
}

void client_answer(struct bridge_client *c, uint32_t number)
{
    client_answer_with(c, number, NULL);
}

void client_ringing_with(struct bridge_client *c, uint32_t number, bool early,
                         const char *const *params)
{
    tell_leg(c, &(struct wire_msg){.type = WIRE_RING, .early = early, .params = params}, number);
}

void client_ringing(struct bridge_client *c, uint32_t number)
{
    client_ringing_with(c, number, false, NULL);
}

void client_hangup_with(struct bridge_client *c, uint32_t number, enum cause cause,
                        const char *const *params)
{
    struct leg *l = leg_find(c, number);

    tell_leg(c, &(struct wire_msg){.type = WIRE_HANGUP, .cause = cause, .params = params}, number);
    if (l != NULL)
        leg_end(c, l);
}

void client_quality(struct bridge_client *c, uint32_t number, const struct wire_quality *q)
{
    tell_leg(c, &(struct wire_msg){.type = WIRE_QUALITY, .quality = *q}, number);
}

void client_hangup(struct bridge_client *c, uint32_t number, enum cause cause)
{
    client_hangup_with(c, number, cause, NULL);
}

void client_refer(struct bridge_client *c, uint32_t number, const char *to,
                  const char *const *params)
{
    tell_leg(c, &(struct wire_msg){.type = WIRE_REFER, .to = to, .params = params}, number);
}

void client_refer_status(struct bridge_client *c, uint32_t number, unsigned response,
                         unsigned notify)
{
    tell_leg(c,
             &(struct wire_msg){.type = WIRE_REFER_STATUS, .response = response, .notify = notify},
             number);
}

void client_digits(struct bridge_client *c, uint32_t number, const char *digits)
{
    tell_leg(c, &(struct wire_msg){.type = WIRE_DTMF, .digits = digits}, number);
}

void client_register(struct bridge_client *c, const char *identity)
{
    tell(c, &(struct wire_msg){.type = WIRE_REGISTER, .identity = identity});
}

void client_unregister(struct bridge_client *c, const char *identity)
{
    tell(c, &(struct wire_msg){.type = WIRE_UNREGISTER, .identity = identity});
}

int client_message(struct bridge_client *c, const struct bridge_text *t, struct error *err)
{
    struct wire_msg m = {.type = WIRE_MESSAGE,
                         .id = t->id,
                         .from = t->from,
                         .to = t->to,
                         .body = t->body,
                         .params = t->params};
    int rc;

    if (!c->welcome || c->link == NULL)
        return error_set(err, ERR_WRONG_STATE, "the exchange is not linked");
    rc = send_message(c, &m);
    if (rc == 0)
        return 0;
    return error_set(err, rc, "the message cannot be sent: %s",
                     rc == ERR_LIMIT ? "messages back up"
                                     : "out of memory, or a field is not UTF-8 or too long");
}

void client_message_status(struct bridge_client *c, const struct bridge_text_status *s)
{
    tell(c, &(struct wire_msg){.type = WIRE_MESSAGE_STATUS,
                               .id = s->id,
                               .status = s->status,
                               .code = s->code,
                               .text = s->text});
}

void client_audio(struct bridge_client *c, uint32_t number, const void *bytes, size_t len)
{
    if (c->link != NULL)
        link_frame(c->link, number, bytes, len);
}

void client_flush(struct bridge_client *c)
{
    if (c->link != NULL)
        link_flush(c->link);
}

int64_t client_backoff(unsigned failures)
{
    unsigned doublings = failures < 6 ? failures : 6;

    return failures == 0 ? 0 : INT64_C(250) << doublings;
}
