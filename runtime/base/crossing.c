#include "base/crossing.h"

#include "base/mem.h"
#include "base/ring.h"
#include <stdatomic.h>

/* Every place of the event queue is counted in `held` from the moment it is promised to an answer
 * (control) or taken by an unasked event (media) until control has taken the event out. So one
 * counter that both sides may raise but never past `places` is all the admission there is. */
struct crossing {
    struct ring commands, events;
    struct wake *to_control, *to_media;
    size_t places;
    atomic_size_t held;
    atomic_uint_fast64_t dropped;
};

/* Runs what waits now; the rest, if any came meanwhile, in another turn of the loop. */
static void drain_commands(void *arg)
{
    struct crossing *c = arg;
    struct crossing_msg m;
    size_t n = ring_count(&c->commands);

    while (n-- > 0 && ring_take(&c->commands, &m))
        m.h(&m);
    if (ring_count(&c->commands) > 0)
        wake_send(c->to_media);
}

static void drain_events(void *arg)
{
    struct crossing *c = arg;
    struct crossing_msg m;
    size_t n = ring_count(&c->events);

    while (n-- > 0 && ring_take(&c->events, &m)) {
        crossing_unreserve(c, 1);
        m.h(&m);
    }
    if (ring_count(&c->events) > 0)
        wake_send(c->to_control);
}

int crossing_new(struct crossing **cp, struct loop *control, struct loop *media, size_t places,
                 struct error *err)
{
    struct crossing *c = mem_alloc(sizeof *c);
    int rc;

    if (c == NULL)
        return error_nomem(err);
    if (ring_init(&c->commands, sizeof(struct crossing_msg), places) != 0 ||
        ring_init(&c->events, sizeof(struct crossing_msg), places) != 0) {
        crossing_free(c);
        return error_nomem(err);
    }
    c->places = ring_space(&c->events);
    rc = wake_new(&c->to_control, control, drain_events, c, err);
    if (rc == 0)
        rc = wake_new(&c->to_media, media, drain_commands, c, err);
    if (rc != 0) {
        crossing_free(c);
        return rc;
    }
    *cp = c;
    return 0;
}

struct crossing *crossing_free(struct crossing *c)
{
    if (c == NULL)
        return NULL;
    wake_free(c->to_control);
    wake_free(c->to_media);
    ring_free(&c->commands);
    ring_free(&c->events);
    mem_free(c);
    return NULL;
}

static bool hold(struct crossing *c, size_t n)
{
    size_t held = atomic_load_explicit(&c->held, memory_order_relaxed);

    do {
        if (n > c->places - held)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&c->held, &held, held + n, memory_order_acquire,
                                                    memory_order_relaxed));
    return true;
}

int crossing_reserve(struct crossing *c, unsigned answers)
{
    return hold(c, answers) ? 0 : ERR_LIMIT;
}

void crossing_unreserve(struct crossing *c, unsigned answers)
{
    /* Whoever sees the place free must also see the slot of the queue free: see hold(). */
    atomic_fetch_sub_explicit(&c->held, answers, memory_order_release);
}

int crossing_command(struct crossing *c, const struct crossing_msg *m, unsigned answers)
{
    if (!hold(c, answers))
        return ERR_LIMIT;
    if (!ring_put(&c->commands, m)) {
        crossing_unreserve(c, answers);
        return ERR_LIMIT;
    }
    wake_send(c->to_media);
    return 0;
}

void crossing_answer(struct crossing *c, const struct crossing_msg *m)
{
    /* The place was reserved, so this is never full. */
    (void)ring_put(&c->events, m);
    wake_send(c->to_control);
}

bool crossing_event(struct crossing *c, const struct crossing_msg *m)
{
    if (!hold(c, 1)) {
        atomic_fetch_add_explicit(&c->dropped, 1, memory_order_relaxed);
        return false;
    }
    crossing_answer(c, m);
    return true;
}

uint64_t crossing_dropped(const struct crossing *c)
{
    return atomic_load_explicit(&c->dropped, memory_order_relaxed);
}
