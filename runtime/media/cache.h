/* Decoded audio in memory, by key, least recently used first out. Control thread only. */
#ifndef ALMON_MEDIA_CACHE_H
#define ALMON_MEDIA_CACHE_H

#include "media/audio.h"

struct audio_cache;
int audio_cache_new(struct audio_cache **cp, size_t max_bytes, struct error *err);
struct audio_cache *audio_cache_free(struct audio_cache *c);
/* A reference of your own, or NULL. */
struct audio *audio_cache_get(struct audio_cache *c, const char *key);
/* Keeps a reference of its own; silently does not when memory is out or `audio` is larger than an
 * eighth of the cache. */
void audio_cache_put(struct audio_cache *c, const char *key, struct audio *audio);
size_t audio_cache_bytes(const struct audio_cache *c);

#endif
