/* Timers in the order in which they are due: a pairing heap (Fredman et al. 1986) whose links lie
 * in the timers themselves, so that nothing is allocated and nothing can fail. Adding is O(1),
 * taking the first or removing any O(log n) amortised. Timers of the same moment keep their order.
 *
 * Its one user is stack_tmr.c, whose timers are libre's: `struct due` therefore has their shape. */
#ifndef ALMON_SIP_DUE_H
#define ALMON_SIP_DUE_H

#include <stdint.h>

struct due {
    struct due *child, *next, *prev; /* prev: the sibling before it, or its parent */
    uintptr_t order;                 /* among those of one moment */
    void (*h)(void *arg);            /* NULL: not in a heap */
    void *arg;
    uint64_t at;
};

struct due_heap {
    struct due *first; /* NULL: empty */
    uintptr_t added;
};

/* Adds `d`, whose `h`, `arg` and `at` are set and which is in no heap. The heap borrows it. */
void due_add(struct due_heap *heap, struct due *d);
/* Takes `d`, which is in the heap, out of it; its `h` is NULL afterwards. */
void due_remove(struct due_heap *heap, struct due *d);

#endif
