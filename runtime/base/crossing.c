#include "base/crossing.h"

#include "base/mem.h"
#include "base/ring.h"
#include <stdatomic.h>

struct crossing {
    struct ring commands, events;
    struct wake *to_media, *to_control;
    /* Places among the events that nobody holds: neither a message that waits nor a promise. Each
     * side takes from it before it puts, so that the ring itself is never found full. */
    atomic_size_t places;
    atomic_uint_fast64_t dropped;
};

/* Runs what waits now; what comes meanwhile has sent a wake of its own. */
static void drain(struct ring *ring, atomic_size_t *places)
{
    struct crossing_msg m;

    for (size_t n = ring_count(ring); n > 0 && ring_take(ring, &m); n--) {
        if (places != NULL)
            atomic_fetch_add(places, 1);
        m.h(&m);
    }
}

static void on_commands(void *arg)
{
    struct crossing *c = arg;

    drain(&c->commands, NULL);
}

static void on_events(void *arg)
{
    struct crossing *c = arg;

    drain(&c->events, &c->places);
}

int crossing_new(struct crossing **cp, struct loop *control, struct loop *media, size_t places,
                 struct error *err)
{
    struct crossing *c = mem_alloc(sizeof *c);
    int rc = ERR_NOMEM;

    if (c == NULL)
        return error_nomem(err);
    if (ring_init(&c->commands, sizeof(struct crossing_msg), places) != 0 ||
        ring_init(&c->events, sizeof(struct crossing_msg), places) != 0)
        error_nomem(err);
    else if ((rc = wake_new(&c->to_media, media, on_commands, c, err)) == 0)
        rc = wake_new(&c->to_control, control, on_events, c, err);
    if (rc != 0) {
        crossing_free(c);
        return rc;
    }
    atomic_store(&c->places, ring_space(&c->events));
    *cp = c;
    return 0;
}

struct crossing *crossing_free(struct crossing *c)
{
    if (c == NULL)
        return NULL;
    wake_free(c->to_media);
    wake_free(c->to_control);
    ring_free(&c->commands);
    ring_free(&c->events);
    mem_free(c);
    return NULL;
}

static bool take_places(struct crossing *c, size_t n)
{
    size_t have = atomic_load(&c->places);

    while (have >= n)
        if (atomic_compare_exchange_weak(&c->places, &have, have - n))
            return true;
    return false;
}

int crossing_command(struct crossing *c, const struct crossing_msg *m, unsigned answers)
{
    if (!take_places(c, answers))
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
    ring_put(&c->events, m);
    wake_send(c->to_control);
}

bool crossing_event(struct crossing *c, const struct crossing_msg *m)
{
    if (!take_places(c, 1)) {
        atomic_fetch_add(&c->dropped, 1);
        return false;
    }
    crossing_answer(c, m);
    return true;
}

int crossing_reserve(struct crossing *c, unsigned answers)
{
    return take_places(c, answers) ? 0 : ERR_LIMIT;
}

void crossing_unreserve(struct crossing *c, unsigned answers)
{
    atomic_fetch_add(&c->places, answers);
}

uint64_t crossing_dropped(const struct crossing *c)
{
    return atomic_load(&c->dropped);
}
