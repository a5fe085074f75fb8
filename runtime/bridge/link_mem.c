/* Two ends of a link in one thread. What one end queues is delivered by a task on the other's loop,
 * so that neither side is ever called from within its own call. */
#include "base/mem.h"
#include "bridge/link.h"
#include <string.h>

struct end {
    struct link link;
    struct pair *pair;
    struct end *other;
    struct task deliver; /* hands what the other end queued to this end's owner */
    bool opened, paused, shut, freed, closed;
};

struct pair {
    struct end ends[2];
    unsigned busy; /* deliveries on the stack */
    uint8_t batch[WIRE_BATCH_MAX];
};

static struct end *end_of(struct link *l)
{
    return (struct end *)l; /* its first member */
}

static void free_when_over(struct pair *p)
{
    if (!p->ends[0].freed || !p->ends[1].freed || p->busy > 0)
        return;
    mem_free(p);
}

static void tell_closed(struct end *e, const char *why)
{
    if (e->closed || e->freed)
        return;
    e->closed = true;
    if (!e->other->freed)
        task_post(&e->other->deliver); /* it may wait for this end to have read everything */
    e->link.h->closed(e->link.arg, why);
}

static void hand_over(struct end *e)
{
    struct link *from = &e->other->link;
    uint8_t *bytes;
    size_t len;
    bool is_text;

    while (!e->freed && !e->paused && link_next(from, &bytes, &len, &is_text)) {
        if (is_text) {
            struct wire_text *t = list_entry(list_pop(&from->texts), struct wire_text, node);

            from->n_texts--;
            from->text_bytes -= len;
            e->link.h->text(e->link.arg, t->data, len);
            mem_free(t);
        } else {
            memcpy(e->pair->batch, bytes, len);
            link_sent(from);
            e->link.h->batch(e->link.arg, e->pair->batch, len);
        }
    }
}

static void on_deliver(void *arg)
{
    struct end *e = arg;
    struct pair *p = e->pair;

    p->busy++;
    if (!e->opened && !e->freed) {
        e->opened = true;
        e->link.h->opened(e->link.arg);
    }
    if (!e->closed)
        hand_over(e);
    e->link.said_bye = e->other->shut;
    if (e->other->freed || (e->other->shut && !e->paused))
        tell_closed(e, "the other side closed the link");
    if (e->shut && (e->other->closed || e->other->freed))
        tell_closed(e, "closed");
    p->busy--;
    free_when_over(p);
}

static void mem_kick(struct link *l)
{
    struct end *e = end_of(l);

    if (!e->other->freed && !e->closed)
        task_post(&e->other->deliver);
}

static void mem_pause(struct link *l, bool on)
{
    struct end *e = end_of(l);

    e->paused = on;
    if (!on)
        task_post(&e->deliver);
}

static void mem_heeds(struct link *l, uint32_t channel, bool on)
{
    struct end *other = end_of(l)->other;

    if (!other->freed && !other->closed && other->link.h->heeds != NULL)
        other->link.h->heeds(other->link.arg, channel, on);
}

static void mem_shut(struct link *l, int code, const char *why)
{
    struct end *e = end_of(l);

    (void)code;
    (void)why;
    e->shut = true;
    mem_kick(l);
    if (e->other->freed)
        task_post(&e->deliver);
}

static void mem_link_free(struct link *l)
{
    struct end *e = end_of(l);

    e->freed = true;
    task_cancel(&e->deliver);
    link_drain(l);
    if (!e->other->freed)
        task_post(&e->other->deliver);
    free_when_over(e->pair);
}

static const struct link_ops mem_ops = {.kick = mem_kick,
                                        .pause = mem_pause,
                                        .heeds = mem_heeds,
                                        .shut = mem_shut,
                                        .free = mem_link_free};

int link_mem_pair(struct link **a, struct loop *loop_a, struct link **b, struct loop *loop_b,
                  struct error *err)
{
    struct pair *p = mem_alloc(sizeof *p);

    if (p == NULL)
        return error_nomem(err);
    for (int i = 0; i < 2; i++) {
        struct end *e = &p->ends[i];

        link_init(&e->link, &mem_ops);
        e->pair = p;
        e->other = &p->ends[1 - i];
        task_init(&e->deliver, i == 0 ? loop_a : loop_b, on_deliver, e);
        task_post(&e->deliver);
    }
    *a = &p->ends[0].link;
    *b = &p->ends[1].link;
    return 0;
}
