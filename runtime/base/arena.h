/* Memory that is freed all at once: what belongs to one document or one activation. */
#ifndef ALMON_BASE_ARENA_H
#define ALMON_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t chunk_size; /* bytes of an ordinary chunk */
    size_t used, max;  /* bytes handed out, and the most that may be */
};

/* Nothing is allocated until the first use. */
void arena_init(struct arena *a, size_t chunk_size, size_t max);
void arena_free(struct arena *a);
/* `size` zeroed bytes, aligned for any object; NULL when memory or the maximum is out. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);

#endif
