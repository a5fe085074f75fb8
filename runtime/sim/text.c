/* The far end of text messages: each number that texts has an inbox, and its network says what
 * became of what the exchange sent there. */
#include "base/mem.h"
#include "base/str.h"
#include "sim/private.h"
#include <stdio.h>
#include <string.h>

struct sim_inbox {
    struct sim *sim;
    char *number;
    struct sim_delivery how;
    struct sim_row texts; /* struct received * */
    struct sim_row sent;  /* struct sim_sent * */
};

struct received {
    struct sim_text text;
    struct sim_inbox *inbox;
    struct sim_delivery how;
    struct timer told; /* what became of it */
    char *media[SIM_MEDIA + 1];
};

/* --- numbers --- */

static struct sim_inbox *inbox_free(struct sim_inbox *b)
{
    mem_free(b->number);
    mem_free(b);
    return NULL;
}

struct sim_inbox *sim_inbox(struct sim *s, const char *number)
{
    struct sim_inbox **all = s->inboxes.items, *b;

    for (size_t i = 0; i < s->inboxes.count; i++)
        if (strcmp(all[i]->number, number) == 0)
            return all[i];
    b = mem_alloc(sizeof *b);
    if (b == NULL)
        return NULL;
    b->sim = s;
    b->number = mem_strdup(number);
    b->how = (struct sim_delivery){.status = SIM_DELIVERED};
    all = b->number != NULL ? sim_row_add(&s->inboxes, sizeof *all, SIM_INBOXES) : NULL;
    if (all == NULL)
        return inbox_free(b);
    *all = b;
    return b;
}

const char *sim_inbox_number(const struct sim_inbox *b)
{
    return b->number;
}

/* --- what it gets --- */

static void say_status(const struct received *r, const char *status)
{
    struct bridge_text_status s = {.id = r->text.id, .status = status};

    if (r->how.code[0] != '\0' && strcmp(status, "sent") != 0)
        s.code = r->how.code;
    client_message_status(r->inbox->sim->client, &s);
}

static void on_told(void *arg)
{
    const struct received *r = arg;

    if (r->how.status != SIM_UNTOLD)
        say_status(r, sim_delivery_names[r->how.status]);
}

static struct received *received_free(struct received *r)
{
    timer_stop(&r->told);
    for (size_t i = 0; i < SIM_MEDIA; i++)
        mem_free(r->media[i]);
    mem_free(r->text.id);
    mem_free(r->text.from);
    mem_free(r->text.body);
    mem_free(r);
    return NULL;
}

/* MediaUrl0, MediaUrl1 … */
static void keep_media(struct received *r, const char *const *params)
{
    size_t n = 0;

    for (; params != NULL && *params != NULL && n < SIM_MEDIA; params += 2)
        if (strncmp(*params, "MediaUrl", 8) == 0)
            r->media[n++] = mem_strdup(params[1]);
    r->text.media = (const char *const *)r->media;
}

static struct received *received_new(struct sim_inbox *b, const struct bridge_text *t)
{
    struct received *r = mem_alloc(sizeof *r), **at;

    if (r == NULL)
        return NULL;
    r->inbox = b;
    r->how = b->how;
    timer_init(&r->told, b->sim->far, on_told, r);
    r->text = (struct sim_text){.id = mem_strdup(t->id),
                                .from = mem_strdup(t->from),
                                .body = mem_strdup(t->body),
                                .to = b->number,
                                .at = sim_now(b->sim)};
    at = r->text.id != NULL && r->text.from != NULL && r->text.body != NULL
             ? sim_row_add(&b->texts, sizeof *at, SIM_TEXTS)
             : NULL;
    if (at == NULL)
        return received_free(r);
    *at = r;
    keep_media(r, t->params);
    return r;
}

static struct received *received_before(const struct sim_inbox *b, const char *id)
{
    struct received **all = b->texts.items;

    for (size_t i = b->texts.count; i > 0; i--)
        if (strcmp(all[i - 1]->text.id, id) == 0)
            return all[i - 1];
    return NULL;
}

const char *const sim_delivery_names[] = {"nothing",     "sent",   "delivered",
                                          "undelivered", "failed", NULL};

/* What the exchange says twice, because it did not hear our answer, came once. */
void sim_text_comes(void *arg, const struct bridge_text *t)
{
    struct sim *s = arg;
    struct sim_inbox *b = sim_inbox(s, t->to);
    struct received *r = b != NULL ? received_before(b, t->id) : NULL;

    bool known = r != NULL;

    if (r == NULL && b != NULL)
        r = received_new(b, t);
    if (r != NULL && !known && s->on_text != NULL)
        s->on_text(&r->text, s->on_text_arg);
    if (r == NULL) {
        client_message_status(s->client, &(struct bridge_text_status){
                                             .id = t->id, .status = "failed", .code = "error"});
        return;
    }
    if (r->how.status != SIM_UNTOLD && r->how.status != SIM_FAILED)
        say_status(r, "sent");
    if (r->how.status != SIM_SENT)
        timer_start(&r->told, r->how.after_ms);
}

void sim_watch_texts(struct sim *s, void (*h)(const struct sim_text *t, void *arg), void *arg)
{
    s->on_text = h;
    s->on_text_arg = arg;
}

void sim_inbox_delivers(struct sim_inbox *b, const struct sim_delivery *how)
{
    b->how = *how;
}

const struct sim_text *sim_inbox_at(const struct sim_inbox *b, size_t i)
{
    struct received *const *all = b->texts.items;

    return i < b->texts.count ? &all[i]->text : NULL;
}

/* --- what it sends --- */

static struct sim_sent *sent_free(struct sim_sent *t)
{
    mem_free(t->id);
    mem_free(t->to);
    mem_free(t->why);
    mem_free(t);
    return NULL;
}

static struct sim_sent *sent_new(struct sim_inbox *b, const char *to, const char *id)
{
    struct sim_sent *t = mem_alloc(sizeof *t), **at;
    char own[40];

    if (t == NULL)
        return NULL;
    snprintf(own, sizeof own, "text-%zu", ++b->sim->texts_sent);
    t->id = mem_strdup(id != NULL ? id : own);
    t->to = mem_strdup(to);
    at = t->id != NULL && t->to != NULL ? sim_row_add(&b->sent, sizeof *at, SIM_TEXTS) : NULL;
    if (at == NULL)
        return sent_free(t);
    *at = t;
    return t;
}

int sim_text(struct sim_inbox *b, const struct bridge_text *t, const struct sim_sent **sent,
             struct error *err)
{
    struct sim_sent *made = sent_new(b, t->to, t->id);
    struct bridge_text out = *t;
    int rc;

    if (made == NULL)
        return error_set(err, ERR_LIMIT, "more than %d texts from one number, or memory is out",
                         SIM_TEXTS);
    out.id = made->id;
    out.from = b->number;
    rc = client_message(b->sim->client, &out, err);
    if (rc == 0)
        *sent = made;
    return rc;
}

const struct sim_sent *sim_sent_at(const struct sim_inbox *b, size_t i)
{
    struct sim_sent *const *all = b->sent.items;

    return i < b->sent.count ? all[i] : NULL;
}

/* The answer to one: the last of that id which has none yet. */
void sim_text_status(void *arg, const struct bridge_text_status *s)
{
    struct sim *sim = arg;
    struct sim_inbox **all = sim->inboxes.items;

    for (size_t i = 0; i < sim->inboxes.count; i++) {
        struct sim_sent **sent = all[i]->sent.items;

        for (size_t k = 0; k < all[i]->sent.count; k++) {
            if (strcmp(sent[k]->id, s->id) != 0 || sent[k]->status[0] != '\0')
                continue;
            str_copy(sent[k]->status, sizeof sent[k]->status, s->status);
            str_copy(sent[k]->code, sizeof sent[k]->code, s->code != NULL ? s->code : "");
            sent[k]->why = mem_strdup(s->text != NULL ? s->text : "");
            return;
        }
    }
}

/* Sessions begin in the order of the messages. */
void sim_text_begins(struct sim *s, const char *sid, const char *from, const char *to)
{
    struct sim_inbox *b = from != NULL && to != NULL ? sim_inbox(s, from) : NULL;
    struct sim_sent **sent = b != NULL ? b->sent.items : NULL;

    for (size_t i = 0; sent != NULL && i < b->sent.count; i++)
        if (sent[i]->sid[0] == '\0' && strcmp(sent[i]->to, to) == 0 &&
            strcmp(sent[i]->status, "failed") != 0) {
            str_copy(sent[i]->sid, sizeof sent[i]->sid, sid);
            return;
        }
}

void sim_texts_free(struct sim *s)
{
    struct sim_inbox **all = s->inboxes.items;

    for (size_t i = 0; i < s->inboxes.count; i++) {
        struct received **texts = all[i]->texts.items;
        struct sim_sent **sent = all[i]->sent.items;

        for (size_t k = 0; k < all[i]->texts.count; k++)
            received_free(texts[k]);
        for (size_t k = 0; k < all[i]->sent.count; k++)
            sent_free(sent[k]);
        mem_free(texts);
        mem_free(sent);
        inbox_free(all[i]);
    }
    mem_free(all);
}
