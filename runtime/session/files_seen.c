/* Files of flows that were read a moment ago. At hundreds of calls a second the same few files
 * would be opened hundreds of times a second, each on a worker that sleeps in between: a fifth of
 * what a short call costs. So what was read, or looked at, counts for 50 ms. Not in virtual time,
 * which stands still while a test changes a file. */
#include "base/mem.h"
#include "session/private.h"
#include <stdio.h>
#include <string.h>

enum { SEEN_US = 50000, SEEN_MOST = 64, SEEN_BYTES_MOST = 64 * 1024, KEY_MOST = 1024 };

struct flow_files {
    struct map all;    /* "root|path" → struct seen */
    struct list order; /* the oldest first */
};

struct seen {
    struct flow_seen said;
    struct link_node node;
    int64_t at; /* loop_now() */
    char *key;
};

static void forget(struct flow_files *f, struct seen *s)
{
    if (s->key != NULL)
        map_remove(&f->all, s->key);
    list_remove(&s->node);
    mem_free(s->said.bytes);
    mem_free(s->key);
    mem_free(s);
}

static bool key_of(char key[KEY_MOST], const char *root, const char *path)
{
    return (size_t)snprintf(key, KEY_MOST, "%s|%s", root, path) < KEY_MOST;
}

const struct flow_seen *flow_seen(struct runtime *rt, const char *root, const char *path)
{
    char key[KEY_MOST];
    struct seen *s;

    if (rt->files == NULL || !key_of(key, root, path))
        return NULL;
    s = map_get(&rt->files->all, key);
    if (s == NULL || loop_now(rt->parts.loop) - s->at > SEEN_US)
        return NULL;
    return &s->said;
}

static struct flow_files *files_of(struct runtime *rt)
{
    if (rt->files == NULL && (rt->files = mem_alloc(sizeof *rt->files)) != NULL)
        list_init(&rt->files->order);
    return rt->files;
}

void flow_saw(struct runtime *rt, const char *root, const char *path, const struct flow_seen *said)
{
    char key[KEY_MOST];
    struct flow_files *f;
    struct seen *s;

    if (loop_is_virtual(rt->parts.loop) || said->len > SEEN_BYTES_MOST ||
        !key_of(key, root, path) || (f = files_of(rt)) == NULL)
        return;
    s = map_get(&f->all, key);
    if (s == NULL && f->all.count == SEEN_MOST)
        s = list_entry(list_first(&f->order), struct seen, node);
    if (s != NULL)
        forget(f, s);
    s = mem_alloc(sizeof *s);
    if (s == NULL)
        return;
    s->said = *said;
    s->at = loop_now(rt->parts.loop);
    s->key = mem_strdup(key);
    if (said->bytes != NULL && (s->said.bytes = mem_alloc(said->len + 1)) != NULL)
        memcpy(s->said.bytes, said->bytes, said->len);
    list_append(&f->order, &s->node);
    if (s->key == NULL || (said->bytes != NULL && s->said.bytes == NULL) ||
        map_set(&f->all, key, s) != 0)
        forget(f, s);
}

void flow_files_free(struct flow_files *f)
{
    struct link_node *n;

    if (f == NULL)
        return;
    while ((n = list_first(&f->order)) != NULL)
        forget(f, list_entry(n, struct seen, node));
    map_free(&f->all);
    mem_free(f);
}
