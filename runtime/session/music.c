/* The music that waiting callers hear by default (media/music.h): computed by a worker at first
 * use, once for all who wait for it, and kept with the decoded files. */
#include "media/music.h"
#include "base/mem.h"
#include "session/private.h"
#include <stdio.h>

struct tune {
    struct work work;
    struct link_node node; /* of runtime.tunes */
    struct runtime *rt;    /* NULL: it is gone */
    enum codec codec;
    struct list waiters; /* struct request */
    struct audio *audio; /* the worker's, until it is done */
    struct error err;
};

static void key_of(enum codec codec, char key[40])
{
    snprintf(key, 40, "music|%s", codec_name(codec));
}

static void compose(struct work *w)
{
    struct tune *t = list_entry(w, struct tune, work);

    if (t->audio == NULL)
        music_hold(&t->audio, t->codec, &t->err);
}

static void tune_free(struct tune *t)
{
    list_remove(&t->node);
    audio_unref(t->audio);
    mem_free(t);
}

static void composed(struct work *w)
{
    struct tune *t = list_entry(w, struct tune, work);
    struct link_node *n;
    char key[40];

    list_remove(&t->node); /* who comes now asks the cache */
    key_of(t->codec, key);
    if (t->rt != NULL && t->audio != NULL)
        audio_cache_put(t->rt->parts.audio, key, t->audio);
    while ((n = list_pop(&t->waiters)) != NULL) {
        struct event ev = {.type = EVENT_AUDIO};

        ev.audio.audio = t->audio;
        ev.audio.err = t->audio == NULL ? &t->err : NULL;
        request_answer(list_entry(n, struct request, music), &ev);
    }
    tune_free(t);
}

static struct tune *find(struct runtime *rt, enum codec codec)
{
    for (struct link_node *n = list_first(&rt->tunes); n != NULL; n = list_next(&rt->tunes, n)) {
        struct tune *t = list_entry(n, struct tune, node);

        if (t->codec == codec)
            return t;
    }
    return NULL;
}

static struct tune *start(struct runtime *rt, enum codec codec)
{
    struct tune *t = mem_alloc(sizeof *t);
    char key[40];

    if (t == NULL)
        return NULL;
    key_of(codec, key);
    t->rt = rt;
    t->codec = codec;
    t->audio = audio_cache_get(rt->parts.audio, key);
    t->work.run = compose;
    t->work.done = composed;
    list_init(&t->waiters);
    list_append(&rt->tunes, &t->node);
    if (work_submit(rt->parts.loop, &t->work) == 0)
        return t;
    tune_free(t);
    return NULL;
}

uint32_t session_music(struct activation *a)
{
    struct runtime *rt = a->session->rt;
    enum codec codec = session_codec(a);
    struct request *r = request_new(a, REQUEST_MUSIC);
    struct tune *t = r == NULL ? NULL : find(rt, codec);

    if (r == NULL)
        return 0;
    if (t == NULL)
        t = start(rt, codec);
    if (t == NULL) {
        session_warn(a, 12400, "no worker could be had: there is no music");
        request_free(r);
        return 0;
    }
    list_append(&t->waiters, &r->music);
    return r->id;
}

void music_forget(struct runtime *rt)
{
    struct link_node *n;

    while ((n = list_pop(&rt->tunes)) != NULL)
        list_entry(n, struct tune, node)->rt = NULL;
}
