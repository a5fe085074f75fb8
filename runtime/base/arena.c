#include "base/arena.h"

#include "base/mem.h"
#include <stdalign.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a, size_t chunk_size, size_t max)
{
    *a = (struct arena){.chunk_size = chunk_size, .max = max};
}

void arena_free(struct arena *a)
{
    struct arena_chunk *c = a->chunks, *next;

    for (; c != NULL; c = next) {
        next = c->next;
        mem_free(c);
    }
    arena_init(a, a->chunk_size, a->max);
}

/* A chunk with room for `size`. One made for a single large object goes behind the first, whose
 * room is still wanted. */
static struct arena_chunk *chunk_for(struct arena *a, size_t size)
{
    struct arena_chunk *c = a->chunks;
    size_t room = size > a->chunk_size ? size : a->chunk_size;

    if (c != NULL && size <= c->size - c->used)
        return c;
    c = mem_alloc(sizeof *c + room);
    if (c == NULL)
        return NULL;
    c->size = room;
    if (size > a->chunk_size && a->chunks != NULL) {
        c->next = a->chunks->next;
        a->chunks->next = c;
    } else {
        c->next = a->chunks;
        a->chunks = c;
    }
    return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_chunk *c;
    void *p;

    if (size > a->max)
        return NULL;
    size = size == 0 ? align : (size + align - 1) / align * align;
    if (size > a->max - a->used)
        return NULL;
    c = chunk_for(a, size);
    if (c == NULL)
        return NULL;
    p = c->bytes + c->used;
    c->used += size;
    a->used += size;
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *p = arena_alloc(a, len + 1);

    if (p != NULL)
        memcpy(p, s, len);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}
