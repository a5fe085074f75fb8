/* Text messages on links: handed over by gateways, and given to them. */
#include "bridge/private.h"
#include <string.h>

/* --- from gateways --- */

static void refuse_text(struct peer *p, const char *id, const char *code, const char *text)
{
    peer_send(
        p,
        &(struct wire_msg){
            .type = WIRE_MESSAGE_STATUS, .id = id, .status = "failed", .code = code, .text = text});
}

void peer_text(struct peer *p, const struct wire_msg *m)
{
    struct bridge *b = p->bridge;

    if (!p->originate)
        refuse_text(p, m->id, "not-authorised",
                    "this gateway may not hand messages over (originate)");
    else if (b->h->text == NULL)
        refuse_text(p, m->id, "not-supported", "this exchange takes no messages");
    else if (b->refusing)
        refuse_text(p, m->id, "congestion", "no messages are taken now: hand it over again later");
    else
        b->h->text(b->arg, &(struct bridge_text){.gateway = p->name,
                                                 .link = p->id,
                                                 .id = m->id,
                                                 .from = m->from,
                                                 .to = m->to,
                                                 .body = m->body,
                                                 .params = m->params});
}

void peer_text_status(struct peer *p, const struct wire_msg *m)
{
    struct bridge *b = p->bridge;

    if (b->h->text_status != NULL)
        b->h->text_status(b->arg, &(struct bridge_text_status){.gateway = p->name,
                                                               .id = m->id,
                                                               .status = m->status,
                                                               .code = m->code,
                                                               .text = m->text});
}

/* --- to gateways --- */

bool bridge_takes_text(struct bridge *b, const char *gateway)
{
    return peer_find(b, gateway) != NULL;
}

int bridge_text(struct bridge *b, const struct bridge_text *t, struct error *err)
{
    struct peer *p = peer_find(b, t->gateway);
    struct wire_text *text;

    if (p == NULL)
        return error_set(err, ERR_MISSING,
                         "gateway '%s' is not linked, or may not be given messages", t->gateway);
    text = wire_format(&(struct wire_msg){.type = WIRE_MESSAGE,
                                          .id = t->id,
                                          .from = t->from,
                                          .to = t->to,
                                          .body = t->body,
                                          .params = t->params});
    if (text == NULL)
        return error_set(err, ERR_INVALID, "out of memory, or a field is not UTF-8 or too long");
    peer_queue(p, text);
    return 0;
}

/* The link that the message came over; when that is gone, another one of the same gateway. */
static struct peer *peer_answered(struct bridge *b, const struct bridge_text_status *s)
{
    struct peer *other = NULL;

    for (struct link_node *n = list_first(&b->peers); n != NULL; n = list_next(&b->peers, n)) {
        struct peer *p = list_entry(n, struct peer, node);

        if (strcmp(p->name, s->gateway) != 0 || p->asterisk != NULL || p->shut || p->gone)
            continue;
        other = p;
        if (p->id == s->link)
            break;
    }
    return other;
}

void bridge_text_status(struct bridge *b, const struct bridge_text_status *s)
{
    struct peer *p = peer_answered(b, s);

    if (p != NULL)
        peer_send(p, &(struct wire_msg){.type = WIRE_MESSAGE_STATUS,
                                        .id = s->id,
                                        .status = s->status,
                                        .code = s->code,
                                        .text = s->text});
}
