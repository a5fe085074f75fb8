/* Hash map from string to pointer. Keys are copied; values belong to the caller. */
#ifndef ALMON_BASE_MAP_H
#define ALMON_BASE_MAP_H

#include <stddef.h>

struct map_entry;
struct map {
    struct map_entry **buckets;
    size_t size, count;
};

#define MAP_INIT                                                                                   \
    (struct map)                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }

/* Frees the entries, not the values. */
void map_free(struct map *m);
/* NULL when absent. */
void *map_get(const struct map *m, const char *key);
/* Adds or replaces. 0 or ERR_NOMEM (then the map is as it was). */
int map_set(struct map *m, const char *key, void *value);
/* Returns the removed value, NULL when absent. */
void *map_remove(struct map *m, const char *key);
/* Calls `each` for every entry, in no order; `each` must not change the map. */
void map_each(const struct map *m, void (*each)(const char *key, void *value, void *arg),
              void *arg);

#endif
