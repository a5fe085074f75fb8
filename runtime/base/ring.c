#include "base/ring.h"

#include "base/error.h"
#include "base/mem.h"
#include <string.h>

int ring_init(struct ring *r, size_t record, size_t count)
{
    size_t size = 1;

    while (size < count)
        size *= 2;
    memset(r, 0, sizeof *r);
    r->slots = mem_alloc(size * record);
    if (r->slots == NULL)
        return ERR_NOMEM;
    r->record = record;
    r->mask = size - 1;
    return 0;
}

void ring_free(struct ring *r)
{
    mem_free(r->slots);
    r->slots = NULL;
}

bool ring_put(struct ring *r, const void *record)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (tail - atomic_load_explicit(&r->head, memory_order_acquire) > r->mask)
        return false;
    memcpy(r->slots + (tail & r->mask) * r->record, record, r->record);
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return true;
}

bool ring_take(struct ring *r, void *record)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head == atomic_load_explicit(&r->tail, memory_order_acquire))
        return false;
    memcpy(record, r->slots + (head & r->mask) * r->record, r->record);
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

/* Reads the head first: from either side the count is then never negative, and never too small for
 * the one who takes nor (in ring_space) too large for the one who puts. */
size_t ring_count(const struct ring *r)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    size_t count = atomic_load_explicit(&r->tail, memory_order_acquire) - head;

    return count > r->mask + 1 ? r->mask + 1 : count;
}

size_t ring_space(const struct ring *r)
{
    return r->mask + 1 - ring_count(r);
}
