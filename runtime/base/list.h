/* Intrusive doubly linked list: the link stands inside the object, nothing is allocated. */
#ifndef ALMON_BASE_LIST_H
#define ALMON_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link_node {
    struct link_node *next, *prev; /* both NULL while in no list */
};

struct list {
    struct link_node head; /* a ring through the head; make it with list_init() */
};

static inline void list_init(struct list *l)
{
    l->head.next = l->head.prev = &l->head;
}

static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline bool list_linked(const struct link_node *n)
{
    return n->next != NULL;
}

static inline void list_insert_before(struct link_node *at, struct link_node *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_append(struct list *l, struct link_node *n)
{
    list_insert_before(&l->head, n);
}

static inline void list_prepend(struct list *l, struct link_node *n)
{
    list_insert_before(l->head.next, n);
}

/* Safe on a node that is in no list. */
static inline void list_remove(struct link_node *n)
{
    if (n->next == NULL)
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = NULL;
}

static inline struct link_node *list_first(const struct list *l)
{
    return list_empty(l) ? NULL : l->head.next;
}

/* The node after `n`, NULL at the end. */
static inline struct link_node *list_next(const struct list *l, const struct link_node *n)
{
    return n->next == &l->head ? NULL : n->next;
}

static inline struct link_node *list_pop(struct list *l)
{
    struct link_node *n = list_first(l);

    if (n != NULL)
        list_remove(n);
    return n;
}

/* Makes `to` and moves everything there, in order; nodes may still be removed as before. */
static inline void list_take_all(struct list *to, struct list *from)
{
    list_init(to);
    if (list_empty(from))
        return;
    to->head = from->head;
    to->head.next->prev = to->head.prev->next = &to->head;
    list_init(from);
}

/* The object of `type` whose field `member` is the node `n`. */
#define list_entry(n, type, member) ((type *)(void *)((char *)(n)-offsetof(type, member)))

#endif
