#include "session/queue.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/url.h"
#include "session/queue_inside.h"
#include <stdio.h>
#include <string.h>

enum { QUEUE_NO_MORE = 12400 }; /* the code of a queue that cannot be made */

/* --- queues --- */

static int seconds_between(int64_t from, int64_t to)
{
    return (int)((to - from) / 1000000);
}

static void key_of(const struct config_account *account, const char *name, struct str *out)
{
    str_addf(out, "%s/%s", account->sid, name);
}

static void queue_free(struct queue *q)
{
    struct str key = STR_INIT(512);

    str_addf(&key, "%s/%s", q->account, q->name);
    map_remove(&q->rt->queues, str_text(&key));
    str_free(&key);
    list_remove(&q->in_all);
    mem_free(q->name);
    mem_free(q->account);
    mem_free(q);
}

void queues_free(struct runtime *rt)
{
    struct link_node *n;

    while ((n = list_first(&rt->all_queues)) != NULL)
        queue_free(list_entry(n, struct queue, in_all));
    map_free(&rt->queues);
}

/* Room for one more: of those that nobody uses the oldest goes. */
static bool make_room(struct runtime *rt, int most)
{
    struct link_node *n;

    if (rt->queues.count < (size_t)most)
        return true;
    for (n = list_first(&rt->all_queues); n != NULL; n = list_next(&rt->all_queues, n)) {
        struct queue *q = list_entry(n, struct queue, in_all);

        if (q->users == 0) {
            queue_free(q);
            return true;
        }
    }
    return false;
}

static struct queue *queue_new(struct runtime *rt, const struct config_account *account,
                               const char *name, int max, int most, const char *key)
{
    struct queue *q = make_room(rt, most) ? mem_alloc(sizeof *q) : NULL;

    if (q == NULL)
        return NULL;
    q->rt = rt;
    q->max = max;
    q->name = mem_strdup(name);
    q->account = mem_strdup(account->sid);
    list_init(&q->waiting);
    list_init(&q->takers);
    sid_make(q->sid, "QU", &rt->parts.rng);
    list_append(&rt->all_queues, &q->in_all);
    if (q->name != NULL && q->account != NULL && map_set(&rt->queues, key, q) == 0)
        return q;
    list_remove(&q->in_all);
    mem_free(q->name);
    mem_free(q->account);
    mem_free(q);
    return NULL;
}

/* The queue of that name; made when `make`, or when almon.lua names it. */
static struct queue *queue_find(struct session *s, const char *name, bool make)
{
    const struct config_queue *known = config_find_queue(s->config->config, name);
    struct str key = STR_INIT(512);
    struct queue *q;

    key_of(s->account, name, &key);
    q = map_get(&s->rt->queues, str_text(&key));
    if (q == NULL && (make || known != NULL) && !key.failed)
        q = queue_new(s->rt, s->account, name, known != NULL ? known->max : QUEUE_MEMBERS_MAX,
                      s->config->config->limits.queues, str_text(&key));
    else if (q != NULL && known != NULL)
        q->max = known->max;
    str_free(&key);
    return q;
}

int64_t queue_now(const struct queue *q)
{
    return loop_now(q->rt->parts.loop);
}

/* --- telling: from the loop, never from within another verb's function --- */

struct session *queue_session_of(const struct request *r)
{
    return r->session;
}

static void fill_event(struct queue_event *ev, const struct queued *m, int64_t t)
{
    ev->queue_sid = m->queue->sid;
    /* In virtual time both may be in the first instant, 0. */
    ev->waited = seconds_between(m->since, m->taken_at != 0 || m->joined ? m->taken_at : t);
    ev->seconds = m->joined ? seconds_between(m->joined_at, t) : 0;
}

void queue_free_queued(struct queued *m)
{
    if (m->request != NULL)
        queue_session_of(m->request)->queued_us +=
            (m->taken_at != 0 ? m->taken_at : queue_now(m->queue)) - m->since;
    queue_lay_ghost(m);
    task_cancel(&m->task);
    m->queue->users--;
    mem_free(m);
}

static void taker_free(struct taker *t)
{
    task_cancel(&t->task);
    t->queue->users--;
    mem_free(t->url);
    mem_free(t);
}

static void journal_stage(const struct request *r, const struct queue_event *ev)
{
    static const char *const names[] = {"taken", "returned", "joined", "parted"};

    journal_add(queue_session_of(r), "queue", "{s:i, s:s, s:s, s:s?, s:i, s:s?, s:s}", "request",
                (int)r->id, "stage", names[ev->stage], "queue", ev->queue_sid, "sid", ev->sid,
                "waited", ev->waited, "url", ev->url, "method",
                ev->method == FLOW_GET ? "GET" : "POST");
}

/* The last event of a request: the request is over. */
static void say_last(struct request *r, struct queue_event what)
{
    struct event ev = {.type = EVENT_QUEUE, .queue = what};

    journal_stage(r, &what);
    request_answer(r, &ev);
}

static void say(struct request *r, struct queue_event what)
{
    struct event ev = {.type = EVENT_QUEUE, .request = r->id, .queue = what};

    journal_stage(r, &what);
    session_deliver(queue_session_of(r), r->owner, &ev);
}

static void tell_queued(void *arg)
{
    struct queued *m = arg;
    struct request *r = m->request;
    struct queue_event ev = {0};

    fill_event(&ev, m, queue_now(m->queue));
    if ((m->tell & 1U << QUEUE_PARTED) != 0) {
        ev.stage = QUEUE_PARTED;
        queue_free_queued(m);
        say_last(r, ev);
        return;
    }
    ev.stage = m->taker != NULL || m->ghost != NULL ? QUEUE_TAKEN : QUEUE_RETURNED;
    m->tell = 0;
    if (m->ghost != NULL) {
        ev.sid = m->ghost->sid;
        ev.url = m->ghost->url;
        ev.method = m->ghost->method;
    } else if (m->taker != NULL) {
        ev.sid = queue_session_of(m->taker->request)->sid;
        ev.url = m->taker->url;
        ev.method = m->taker->method;
    }
    say(r, ev);
}

static const char *sid_of(const struct queued *m)
{
    return m->request != NULL ? queue_session_of(m->request)->sid : m->ghost->sid;
}

static void tell_taker(void *arg)
{
    struct taker *t = arg;
    struct request *r = t->request;
    struct queue_event ev = t->parted;

    if ((t->tell & 1U << QUEUE_PARTED) != 0) {
        char sid[SID_SIZE];

        memcpy(sid, t->parted_sid, sizeof sid);
        ev.sid = sid;
        ev.stage = QUEUE_PARTED;
        taker_free(t);
        say_last(r, ev);
        return;
    }
    t->tell = 0;
    if (t->queued == NULL) {
        ev = (struct queue_event){.stage = QUEUE_RETURNED, .queue_sid = t->queue->sid};
    } else {
        fill_event(&ev, t->queued, queue_now(t->queue));
        ev.stage = t->queued->joined ? QUEUE_JOINED : QUEUE_TAKEN;
        ev.sid = sid_of(t->queued);
    }
    say(r, ev);
}

void queue_tell_caller(struct queued *m, enum queue_stage stage)
{
    m->tell |= 1U << stage;
    task_post(&m->task);
}

void queue_tell_taker(struct taker *t, enum queue_stage stage)
{
    t->tell |= 1U << stage;
    task_post(&t->task);
}

/* --- bringing them together --- */

static void match(struct queue *q)
{
    while (!list_empty(&q->waiting) && !list_empty(&q->takers)) {
        struct queued *m = list_entry(list_first(&q->waiting), struct queued, node);
        struct taker *t = list_entry(list_first(&q->takers), struct taker, node);

        list_remove(&m->node);
        list_remove(&t->node);
        q->size--;
        m->taker = t;
        t->queued = m;
        m->taken_at = queue_now(q);
        q->taken++;
        q->waited_us += m->taken_at - m->since;
        queue_tell_caller(m, QUEUE_TAKEN);
        queue_tell_taker(t, QUEUE_TAKEN); /* unless both are joined by then */
    }
}

void queue_part_taker(struct taker *t, struct queued *m)
{
    fill_event(&t->parted, m, queue_now(t->queue));
    str_copy(t->parted_sid, sizeof t->parted_sid, sid_of(m));
    t->queued = NULL;
    queue_tell_taker(t, QUEUE_PARTED);
}

/* --- bringing them together, the second half --- */

void session_queue_ready(struct activation *a, uint32_t request)
{
    struct request *r = request_find(a->session, request);
    struct queued *m = r != NULL && r->kind == REQUEST_QUEUED ? r->queued : NULL;
    struct session *taker;

    if (m != NULL && m->ghost != NULL)
        queue_join_ghost(m, r);
    if (m == NULL || m->taker == NULL || m->joined)
        return;
    taker = queue_session_of(m->taker->request);
    if (taker->channel == NULL || taker->channel_over || a->session->channel == NULL ||
        a->session->channel_over || !session_join_channels(a->session, taker))
        return; /* the end of one of them is on its way */
    a->joins = true;
    m->taker->request->owner->joins = true;
    m->joined = true;
    m->joined_at = queue_now(m->queue);
    queue_tell_taker(m->taker, QUEUE_JOINED);
}

/* --- going --- */

void queue_leave(struct queued *m)
{
    struct queue *q = m->queue;
    struct taker *t = m->taker;

    if (list_linked(&m->node)) {
        list_remove(&m->node);
        q->size--;
    } else if (m->ghost != NULL) {
        queue_part_ghost(m, m->request);
    } else if (t != NULL && m->joined) {
        session_unjoin(queue_session_of(m->request));
        queue_part_taker(t, m);
    } else if (t != NULL) { /* he gets the next one */
        t->queued = NULL;
        list_prepend(&q->takers, &t->node);
        queue_tell_taker(t, QUEUE_RETURNED);
    }
    queue_free_queued(m);
    match(q);
}

void queue_untake(struct taker *t)
{
    struct queue *q = t->queue;
    struct queued *m = t->queued;

    if (m == NULL) { /* he waits, or his caller is gone */
        if (list_linked(&t->node))
            list_remove(&t->node);
    } else if (m->ghost != NULL) {
        queue_part_ghost(m, t->request);
        queue_free_queued(m);
    } else if (m->joined) {
        session_unjoin(queue_session_of(t->request));
        m->taker = NULL;
        queue_tell_caller(m, QUEUE_PARTED);
    } else {
        m->taker = NULL;
        m->taken_at = 0;
        q->taken--;
        list_prepend(&q->waiting, &m->node);
        q->size++;
        queue_tell_caller(m, QUEUE_RETURNED);
    }
    taker_free(t);
    match(q);
}

/* --- from outside --- */

int runtime_dequeue(struct runtime *rt, const char *account, const char *name, const char *sid,
                    const char *url, struct error *err)
{
    struct str key = STR_INIT(512);
    struct queue *q;
    struct link_node *n;

    str_addf(&key, "%s/%s", account, name);
    q = map_get(&rt->queues, str_text(&key));
    str_free(&key);
    for (n = q != NULL ? list_first(&q->waiting) : NULL; n != NULL; n = list_next(&q->waiting, n)) {
        struct session *s = queue_session_of(list_entry(n, struct queued, node)->request);

        if (sid == NULL || strcmp(s->sid, sid) == 0)
            return runtime_redirect(rt, s->sid, url, err);
    }
    return error_set(err, ERR_MISSING, "queue '%s': %s waits in it", name,
                     sid != NULL ? sid : "nobody");
}

void runtime_queues(struct runtime *rt, queue_list_h *each, void *arg)
{
    struct link_node *n, *m;

    for (n = list_first(&rt->all_queues); n != NULL; n = list_next(&rt->all_queues, n)) {
        struct queue *q = list_entry(n, struct queue, in_all);
        struct queue_view view = {
            .sid = q->sid,
            .account = q->account,
            .name = q->name,
            .size = q->size,
            .max = q->max,
            .average = q->taken > 0 ? (int)(q->waited_us / q->taken / 1000000) : 0,
        };

        each(&view, NULL, 0, arg);
        for (m = list_first(&q->waiting); m != NULL; m = list_next(&q->waiting, m)) {
            struct queued *one = list_entry(m, struct queued, node);

            view.position++;
            each(&view, queue_session_of(one->request)->sid,
                 seconds_between(one->since, queue_now(q)), arg);
        }
    }
}

/* --- what verbs ask for --- */

uint32_t session_enqueue(struct activation *a, const char *name, int max, enum queue_refusal *why)
{
    struct session *s = a->session;
    int then = session_found(s, RUNTIME_WAITS);
    struct queue *q = queue_find(s, name, true);
    struct request *r;
    struct queued *m;

    *why = QUEUE_BROKEN;
    if (q == NULL || then == QUEUE_NO_MORE) {
        session_refuse(a, RUNTIME_WAITS, QUEUE_NO_MORE,
                       "there are %d queues already (limits.queues), or memory is out",
                       s->config->config->limits.queues);
        return 0;
    }
    if (then > 0 || (then < 0 && q->size >= (max > 0 && max < q->max ? max : q->max))) {
        *why = QUEUE_FULL;
        session_refuse(a, RUNTIME_WAITS, 14207, "queue '%.64s' is full: %d callers wait in it",
                       name, q->size);
        return 0;
    }
    r = request_new(a, REQUEST_QUEUED);
    m = r != NULL ? mem_alloc(sizeof *m) : NULL;
    if (m == NULL) {
        if (r != NULL)
            request_free(r);
        return 0;
    }
    *why = QUEUE_OPEN;
    m->queue = q;
    q->users++;
    m->request = r;
    m->since = queue_now(q);
    task_init(&m->task, s->rt->parts.loop, tell_queued, m);
    r->queued = m;
    list_append(&q->waiting, &m->node);
    q->size++;
    journal_add(s, "enqueue", "{s:i, s:s, s:s, s:i}", "request", (int)r->id, "name", name, "queue",
                q->sid, "size", q->size);
    match(q);
    return r->id;
}

static void place_now(const struct queued *m, struct queue_place *out)
{
    struct queue *q = m->queue;
    struct link_node *n;

    *out = (struct queue_place){
        .queue_sid = q->sid,
        .waited = seconds_between(m->since, m->taken_at != 0 ? m->taken_at : queue_now(q)),
        .average = q->taken > 0 ? (int)(q->waited_us / q->taken / 1000000) : 0,
        .size = q->size,
        .max = q->max,
    };
    for (n = list_first(&q->waiting); n != NULL; n = list_next(&q->waiting, n)) {
        out->position++;
        if (n == &m->node)
            return;
    }
    out->position = 0; /* taken */
}

bool session_queue_place(struct activation *a, uint32_t request, struct queue_place *out)
{
    struct request *r = request_find(a->session, request);
    struct queued *m = r != NULL && r->kind == REQUEST_QUEUED ? r->queued : NULL;
    const struct runtime_then *then = &a->session->rt->then;

    if (m == NULL)
        return false;
    place_now(m, out);
    if (then->place != NULL)
        then->place(then->arg, a->session->sid, out);
    journal_add(a->session, "place", "{s:i, s:i, s:i, s:i, s:i}", "request", (int)r->id, "position",
                out->position, "size", out->size, "average", out->average, "max", out->max);
    return true;
}

uint32_t session_take(struct activation *a, const char *name, const char *url,
                      enum flow_method method)
{
    struct session *s = a->session;
    int then = session_found(s, RUNTIME_TAKES);
    struct queue *q = then > 0 ? NULL : queue_find(s, name, then == RUNTIME_OPEN);
    struct request *r;
    struct taker *t;

    if (q == NULL) {
        session_refuse(a, RUNTIME_TAKES, 14210,
                       "there is no queue '%.64s': nobody was ever put into it, and almon.lua does "
                       "not name it",
                       name);
        return 0;
    }
    r = request_new(a, REQUEST_TAKER);
    t = r != NULL ? mem_alloc(sizeof *t) : NULL;
    if (t != NULL && url != NULL && *url != '\0')
        t->url = url_resolve(a->document->url, url);
    if (t == NULL || (url != NULL && *url != '\0' && t->url == NULL)) {
        mem_free(t);
        if (r != NULL)
            request_free(r);
        return 0;
    }
    t->queue = q;
    q->users++;
    t->request = r;
    t->method = method;
    task_init(&t->task, s->rt->parts.loop, tell_taker, t);
    r->taker = t;
    list_append(&q->takers, &t->node);
    journal_add(s, "take", "{s:i, s:s, s:s}", "request", (int)r->id, "name", name, "queue", q->sid);
    match(q);
    return r->id;
}

int session_take_seconds(struct activation *a, uint32_t request)
{
    struct request *r = request_find(a->session, request);
    struct queued *m = r != NULL && r->kind == REQUEST_TAKER ? r->taker->queued : NULL;

    return m != NULL && m->joined ? seconds_between(m->joined_at, queue_now(m->queue)) : 0;
}
