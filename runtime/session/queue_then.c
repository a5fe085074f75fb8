/* Queues in a replay: the other of the two, who took the call or was taken by it, is not there;
 * what he did comes from the journal (runtime_queue_stage). */
#include "base/mem.h"
#include "base/str.h"
#include "session/queue_inside.h"
#include <string.h>

void queue_lay_ghost(struct queued *m)
{
    if (m->ghost != NULL)
        mem_free(m->ghost->url);
    mem_free(m->ghost);
    m->ghost = NULL;
}

void queue_join_ghost(struct queued *m, const struct request *r)
{
    if (m->joined)
        return;
    m->joined = true;
    m->joined_at = queue_now(m->queue);
    journal_add(queue_session_of(r), "join", "{s:s}", "sid", m->ghost->sid);
}

void queue_part_ghost(const struct queued *m, const struct request *r)
{
    if (m->joined)
        journal_add(queue_session_of(r), "part", "{s:s}", "sid", m->ghost->sid);
}

static bool raise_ghost(struct queued *m, const struct runtime_queue_stage *what)
{
    queue_lay_ghost(m);
    m->ghost = mem_alloc(sizeof *m->ghost);
    if (m->ghost == NULL)
        return false;
    str_copy(m->ghost->sid, sizeof m->ghost->sid, what->other != NULL ? what->other : "");
    m->ghost->method = what->get ? FLOW_GET : FLOW_POST;
    m->ghost->url = mem_strdup(what->url);
    return what->url == NULL || m->ghost->url != NULL;
}

static bool queued_stage(struct queued *m, const struct runtime_queue_stage *what)
{
    struct queue *q = m->queue;

    if (strcmp(what->stage, "taken") == 0 && list_linked(&m->node)) {
        if (!raise_ghost(m, what))
            return false;
        list_remove(&m->node);
        q->size--;
        m->taken_at = queue_now(q);
        queue_tell_caller(m, QUEUE_TAKEN);
    } else if (strcmp(what->stage, "returned") == 0 && m->ghost != NULL) {
        queue_lay_ghost(m);
        m->taken_at = 0;
        list_prepend(&q->waiting, &m->node);
        q->size++;
        queue_tell_caller(m, QUEUE_RETURNED);
    } else if (strcmp(what->stage, "parted") == 0 && m->ghost != NULL) {
        queue_part_ghost(m, m->request);
        queue_tell_caller(m, QUEUE_PARTED);
    }
    return true;
}

static bool taker_meets(struct taker *t, const struct runtime_queue_stage *what)
{
    struct queued *m = mem_alloc(sizeof *m);

    if (m == NULL || !raise_ghost(m, what)) {
        if (m != NULL)
            queue_lay_ghost(m);
        mem_free(m);
        return false;
    }
    m->queue = t->queue;
    m->queue->users++;
    list_remove(&t->node);
    t->queued = m;
    return true;
}

static bool taker_stage(struct taker *t, const struct runtime_queue_stage *what)
{
    struct queued *m = t->queued;
    bool joined = strcmp(what->stage, "joined") == 0;

    if (joined || strcmp(what->stage, "taken") == 0) {
        if (m == NULL && list_linked(&t->node) && !taker_meets(t, what))
            return false;
        m = t->queued;
        if (m == NULL || m->ghost == NULL || m->joined)
            return true;
        m->taken_at = queue_now(t->queue);
        m->since = m->taken_at - (int64_t)what->waited * 1000000;
        if (joined)
            queue_join_ghost(m, t->request);
        queue_tell_taker(t, joined ? QUEUE_JOINED : QUEUE_TAKEN);
    } else if (m == NULL || m->ghost == NULL) {
        return true;
    } else if (strcmp(what->stage, "parted") == 0) {
        queue_part_ghost(m, t->request);
        queue_part_taker(t, m);
        queue_free_queued(m);
    } else if (strcmp(what->stage, "returned") == 0 && !m->joined) {
        queue_free_queued(m);
        t->queued = NULL;
        list_prepend(&t->queue->takers, &t->node);
        queue_tell_taker(t, QUEUE_RETURNED);
    }
    return true;
}

int runtime_queue_stage(struct runtime *rt, const char *sid, const struct runtime_queue_stage *what,
                        struct error *err)
{
    struct session *s = map_get(&rt->by_sid, sid);
    struct link_node *n;

    for (n = s != NULL ? list_first(&s->requests) : NULL; n != NULL;
         n = list_next(&s->requests, n)) {
        struct request *r = list_entry(n, struct request, node);

        if (r->kind == REQUEST_QUEUED)
            return queued_stage(r->queued, what) ? 0 : error_nomem(err);
        if (r->kind == REQUEST_TAKER)
            return taker_stage(r->taker, what) ? 0 : error_nomem(err);
    }
    return error_set(err, ERR_MISSING, "call %s is in no queue", sid);
}
