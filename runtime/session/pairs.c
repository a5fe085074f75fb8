#include "session/pairs.h"

#include "base/bucket.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include <stdio.h>

enum { PAIR_BYTES = 520 }; /* two addresses of the bridge */

struct pair {
    struct link_node in_order; /* the one used last is first */
    int64_t used;              /* loop_now() */
    struct http_jar jar;
    struct bucket answers;
    char key[PAIR_BYTES];
};
#define PAIR_OF(node) ((struct pair *)((char *)(node)-offsetof(struct pair, in_order)))

struct pairs {
    struct loop *loop;
    struct map by_key;
    struct list order;
};

struct pairs *pairs_new(struct loop *loop)
{
    struct pairs *c = mem_alloc(sizeof *c);

    if (c == NULL)
        return NULL;
    c->loop = loop;
    list_init(&c->order);
    return c;
}

static void forget(struct pairs *c, struct pair *p)
{
    map_remove(&c->by_key, p->key);
    list_remove(&p->in_order);
    http_jar_free(&p->jar);
    mem_free(p);
}

struct pairs *pairs_free(struct pairs *c)
{
    if (c == NULL)
        return NULL;
    while (!list_empty(&c->order))
        forget(c, PAIR_OF(list_first(&c->order)));
    map_free(&c->by_key);
    mem_free(c);
    return NULL;
}

static void forget_old(struct pairs *c)
{
    int64_t oldest = loop_now(c->loop) - (int64_t)PAIRS_MS * 1000;

    while (!list_empty(&c->order) && PAIR_OF(c->order.head.prev)->used <= oldest)
        forget(c, PAIR_OF(c->order.head.prev));
}

static struct pair *find(struct pairs *c, const char *from, const char *to, char key[PAIR_BYTES])
{
    snprintf(key, PAIR_BYTES, "%s\n%s", from, to);
    forget_old(c);
    return map_get(&c->by_key, key);
}

void pairs_give_cookies(struct pairs *c, const char *from, const char *to, struct http_jar *jar)
{
    char key[PAIR_BYTES];
    const struct pair *p = find(c, from, to, key);

    for (size_t i = 0; p != NULL && i < p->jar.count; i++)
        if (http_jar_add(jar, p->jar.lines[i]) != 0) {
            http_jar_free(jar); /* all or none */
            return;
        }
}

static struct pair *make(struct pairs *c, const char *key)
{
    struct pair *p = mem_alloc(sizeof *p);

    if (p == NULL)
        return NULL;
    if (c->by_key.count >= PAIRS_MOST)
        forget(c, PAIR_OF(c->order.head.prev));
    snprintf(p->key, sizeof p->key, "%s", key);
    if (map_set(&c->by_key, key, p) == 0)
        return p;
    mem_free(p);
    return NULL;
}

static void use(struct pairs *c, struct pair *p)
{
    p->used = loop_now(c->loop);
    list_remove(&p->in_order);
    list_prepend(&c->order, &p->in_order);
}

void pairs_keep_cookies(struct pairs *c, const char *from, const char *to, struct http_jar *jar)
{
    char key[PAIR_BYTES];
    struct pair *p = find(c, from, to, key);

    if (p == NULL && jar->count > 0)
        p = make(c, key);
    if (p == NULL) {
        http_jar_free(jar);
        return;
    }
    http_jar_free(&p->jar);
    p->jar = *jar;
    *jar = (struct http_jar){0};
    use(c, p);
}

bool pairs_may_answer(struct pairs *c, const char *from, const char *to)
{
    char key[PAIR_BYTES];
    struct pair *p = find(c, from, to, key);

    if (p == NULL && (p = make(c, key)) == NULL)
        return true; /* without memory much else will not be either */
    use(c, p);
    return bucket_take(&p->answers, loop_now(c->loop), 1000.0 / PAIRS_EACH_MS, PAIRS_BURST);
}
