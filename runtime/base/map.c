#include "base/map.h"

#include "base/error.h"
#include "base/mem.h"
#include <stdint.h>
#include <string.h>

struct map_entry {
    struct map_entry *next;
    void *value;
    uint64_t hash;
    char key[];
};

/* FNV-1a. Not seeded: a run in virtual time must visit entries in the same order each time. */
static uint64_t hash_of(const char *key)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    return h ^ (h >> 32);
}

/* The place that points at the entry of `key`, or at the NULL where it would stand. */
static struct map_entry **place_of(const struct map *m, const char *key, uint64_t hash)
{
    struct map_entry **at = &m->buckets[hash & (m->size - 1)];

    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
        at = &(*at)->next;
    return at;
}

void map_free(struct map *m)
{
    for (size_t i = 0; i < m->size; i++) {
        struct map_entry *e = m->buckets[i], *next;

        for (; e != NULL; e = next) {
            next = e->next;
            mem_free(e);
        }
    }
    mem_free(m->buckets);
    *m = MAP_INIT;
}

void *map_get(const struct map *m, const char *key)
{
    struct map_entry *e;

    if (m->count == 0)
        return NULL;
    e = *place_of(m, key, hash_of(key));
    return e == NULL ? NULL : e->value;
}

/* Doubles the buckets. A map that cannot grow is only slower, unless it has no bucket at all. */
static void grow(struct map *m)
{
    size_t size = m->size == 0 ? 8 : m->size * 2;
    struct map_entry **buckets = mem_alloc(size * sizeof *buckets);

    if (buckets == NULL)
        return;
    for (size_t i = 0; i < m->size; i++) {
        struct map_entry *e = m->buckets[i], *next;

        for (; e != NULL; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (size - 1)];
            buckets[e->hash & (size - 1)] = e;
        }
    }
    mem_free(m->buckets);
    m->buckets = buckets;
    m->size = size;
}

int map_set(struct map *m, const char *key, void *value)
{
    uint64_t hash = hash_of(key);
    size_t len = strlen(key) + 1;
    struct map_entry **at, *e;

    if (m->count >= m->size - m->size / 4)
        grow(m);
    if (m->size == 0)
        return ERR_NOMEM;
    at = place_of(m, key, hash);
    if (*at != NULL) {
        (*at)->value = value;
        return 0;
    }
    e = mem_alloc(sizeof *e + len);
    if (e == NULL)
        return ERR_NOMEM;
    e->value = value;
    e->hash = hash;
    memcpy(e->key, key, len);
    *at = e;
    m->count++;
    return 0;
}

void *map_remove(struct map *m, const char *key)
{
    struct map_entry **at, *e;
    void *value;

    if (m->count == 0)
        return NULL;
    at = place_of(m, key, hash_of(key));
    e = *at;
    if (e == NULL)
        return NULL;
    value = e->value;
    *at = e->next;
    m->count--;
    mem_free(e);
    return value;
}

void map_each(const struct map *m, void (*each)(const char *key, void *value, void *arg), void *arg)
{
    for (size_t i = 0; i < m->size; i++)
        for (struct map_entry *e = m->buckets[i]; e != NULL; e = e->next)
            each(e->key, e->value, arg);
}
