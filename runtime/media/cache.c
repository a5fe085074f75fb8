#include "media/cache.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include <string.h>

struct entry {
    struct link_node node; /* in audio_cache.recent, most recent first */
    struct audio *audio;
    size_t bytes;
    char key[];
};

struct audio_cache {
    struct map map; /* key → struct entry */
    struct list recent;
    size_t bytes, max_bytes;
};

int audio_cache_new(struct audio_cache **cp, size_t max_bytes, struct error *err)
{
    struct audio_cache *c = mem_alloc(sizeof *c);

    if (c == NULL)
        return error_nomem(err);
    list_init(&c->recent);
    c->max_bytes = max_bytes;
    *cp = c;
    return 0;
}

static void forget(struct audio_cache *c, struct entry *e)
{
    map_remove(&c->map, e->key);
    list_remove(&e->node);
    c->bytes -= e->bytes;
    audio_unref(e->audio);
    mem_free(e);
}

struct audio_cache *audio_cache_free(struct audio_cache *c)
{
    if (c == NULL)
        return NULL;
    while (!list_empty(&c->recent))
        forget(c, list_entry(list_first(&c->recent), struct entry, node));
    map_free(&c->map);
    mem_free(c);
    return NULL;
}

struct audio *audio_cache_get(struct audio_cache *c, const char *key)
{
    struct entry *e = map_get(&c->map, key);

    if (e == NULL)
        return NULL;
    list_remove(&e->node);
    list_prepend(&c->recent, &e->node);
    return audio_ref(e->audio);
}

void audio_cache_put(struct audio_cache *c, const char *key, struct audio *audio)
{
    size_t len = strlen(key) + 1;
    size_t bytes = sizeof(struct entry) + len + sizeof *audio + audio->bytes;
    struct entry *old = map_get(&c->map, key), *e;

    if (bytes > c->max_bytes / 8 || (e = mem_alloc(sizeof *e + len)) == NULL)
        return;
    memcpy(e->key, key, len);
    e->audio = audio_ref(audio);
    e->bytes = bytes;
    if (old != NULL)
        forget(c, old);
    if (map_set(&c->map, key, e) != 0) {
        audio_unref(e->audio);
        mem_free(e);
        return;
    }
    list_prepend(&c->recent, &e->node);
    c->bytes += bytes;
    while (c->bytes > c->max_bytes)
        forget(c, list_entry(c->recent.head.prev, struct entry, node));
}

size_t audio_cache_bytes(const struct audio_cache *c)
{
    return c->bytes;
}
