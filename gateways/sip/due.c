#include "gateways/sip/due.h"
#include <stdbool.h>
#include <stddef.h>

/* The difference, so that a counter that wraps does no harm. */
static bool is_before(const struct due *a, const struct due *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    return (intptr_t)(a->order - b->order) < 0;
}

/* Two heaps become one; both may be NULL. */
static struct due *meld(struct due *a, struct due *b)
{
    struct due *other;

    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (is_before(b, a)) {
        other = a;
        a = b;
    } else {
        other = b;
    }
    other->prev = a;
    other->next = a->child;
    if (a->child != NULL)
        a->child->prev = other;
    a->child = other;
    return a;
}

/* Siblings become one heap: in pairs from the left, then the pairs from the right. Without
 * recursion, for there may be as many as there are timers. */
static struct due *meld_siblings(struct due *list)
{
    struct due *pairs = NULL, *all = NULL;

    while (list != NULL) {
        struct due *a = list, *b = a->next, *pair;

        list = b != NULL ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b != NULL)
            b->next = b->prev = NULL;
        pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        struct due *pair = pairs;

        pairs = pair->next;
        pair->next = NULL;
        all = meld(all, pair);
    }
    return all;
}

void due_add(struct due_heap *heap, struct due *d)
{
    d->child = d->next = d->prev = NULL;
    d->order = heap->added++;
    heap->first = meld(heap->first, d);
}

static void cut(struct due *d)
{
    if (d->prev->child == d)
        d->prev->child = d->next;
    else
        d->prev->next = d->next;
    if (d->next != NULL)
        d->next->prev = d->prev;
}

void due_remove(struct due_heap *heap, struct due *d)
{
    struct due *below = meld_siblings(d->child);

    if (d == heap->first) {
        heap->first = below;
    } else {
        cut(d);
        heap->first = meld(heap->first, below);
    }
    d->child = d->next = d->prev = NULL;
    d->h = NULL;
}
