#include "base/arena.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/sid.h"
#include "tests/unit/unit.h"
#include <jansson.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

UNIT(mem_gives_zeroed_and_copies)
{
    unsigned char *p = mem_alloc(100), *q;
    char *s = mem_strndup("hello", 3), *t = mem_strdup(NULL), *u = mem_strndup("hi", 50);

    ok(p != NULL && s != NULL && u != NULL);
    for (int i = 0; i < 100; i++)
        ok_int(p[i], 0);
    ok_str(s, "hel");
    ok_str(u, "hi");
    ok(t == NULL);
    q = mem_realloc(p, 0);
    ok(q != NULL);
    p = q;
    mem_free(NULL);
out:
    mem_free(p);
    mem_free(s);
    mem_free(u);
}

#ifdef ALMON_TORTURE
UNIT(mem_fails_the_nth_and_counts_the_living)
{
    long before = mem_live();
    void *a, *b, *c;

    mem_fail_at(2);
    a = mem_alloc(1);
    ok(!mem_has_failed());
    b = mem_alloc(1);
    ok(b == NULL && mem_has_failed());
    c = mem_alloc(1);
    mem_fail_at(0);
    ok(a != NULL && c != NULL);
    ok_int(mem_live(), before + 2);
    mem_free(a);
    mem_free(c);
    ok_int(mem_live(), before);
out:;
}

UNIT(mem_counts_what_the_libraries_use)
{
    long before = mem_live();
    json_t *json = json_array();
    xmlChar *text = xmlStrdup((const xmlChar *)"x");

    ok(mem_live() >= before + 2);
    mem_fail_at(1);
    ok(json_array() == NULL);
    mem_fail_at(1);
    ok(xmlStrdup((const xmlChar *)"y") == NULL);
out:
    mem_fail_at(0);
    json_decref(json);
    xmlFree(text);
}
#endif

UNIT(errors_keep_the_message_and_cut_it)
{
    struct error err = {0};
    char longer[1000];

    ok_int(error_set(&err, ERR_IO, "%s: %d", "file", 7), ERR_IO);
    ok_str(err.text, "file: 7");
    ok_int(error_set_twilio(&err, ERR_INVALID, 12100, "bad"), ERR_INVALID);
    ok_int(err.twilio, 12100);
    ok_int(error_nomem(&err), ERR_NOMEM);
    ok_str(err.text, "out of memory");
    ok_int(err.twilio, 0);
    memset(longer, 'x', sizeof longer);
    error_set(&err, ERR_LIMIT, "%.*s", (int)sizeof longer, longer);
    ok_int(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_clear(&err);
    ok(err.code == 0 && err.text[0] == '\0');
    ok_int(error_set(NULL, ERR_WRONG_STATE, "x"), ERR_WRONG_STATE);
    error_clear(NULL);
out:;
}

UNIT(lists_link_and_unlink)
{
    struct thing {
        int n;
        struct link_node node;
    } a = {.n = 1}, b = {.n = 2}, c = {.n = 3};
    struct list l;

    list_init(&l);
    ok(list_empty(&l) && list_pop(&l) == NULL);
    list_append(&l, &b.node);
    list_append(&l, &c.node);
    list_prepend(&l, &a.node);
    list_remove(&b.node);
    list_remove(&b.node);
    ok(!list_linked(&b.node) && list_linked(&a.node));
    ok_int(list_entry(list_next(&l, list_first(&l)), struct thing, node)->n, 3);
    ok(list_next(&l, &c.node) == NULL);
    ok(list_pop(&l) == &a.node && list_pop(&l) == &c.node && list_empty(&l));
out:;
}

static void add_up(const char *key, void *value, void *arg)
{
    (void)key;
    *(long *)arg += *(int *)value;
}

UNIT(map_sets_replaces_and_removes)
{
    enum { KEYS = 500 };
    static int values[KEYS];
    struct map m = MAP_INIT;
    char key[16];
    long sum = 0;

    ok(map_get(&m, "x") == NULL && map_remove(&m, "x") == NULL);
    for (int i = 0; i < KEYS; i++) {
        values[i] = i;
        snprintf(key, sizeof key, "key%d", i);
        ok_int(map_set(&m, key, &values[i]), 0);
    }
    ok_int(m.count, KEYS);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%d", i);
        ok(map_get(&m, key) == &values[i]);
    }
    ok_int(map_set(&m, "key7", &values[0]), 0);
    ok(map_get(&m, "key7") == &values[0]);
    ok_int(m.count, KEYS);
    ok(map_remove(&m, "key7") == &values[0] && map_get(&m, "key7") == NULL);
    ok(map_remove(&m, "key499") == &values[499]);
    ok_int(m.count, KEYS - 2);
    map_each(&m, add_up, &sum);
    ok_int(sum, 499L * 500 / 2 - 7 - 499);
out:
    map_free(&m);
}

UNIT(map_is_as_it_was_when_memory_is_out)
{
    struct map m = MAP_INIT;
    int x = 1;
    size_t before = 0;

    for (int i = 0; i < 40; i++) {
        char key[16];
        int rc;

        snprintf(key, sizeof key, "%d", i);
        before = m.count;
        rc = map_set(&m, key, &x);
        if (rc != 0) {
            unit_int(rc, ERR_NOMEM, "rc", __FILE__, __LINE__);
            unit_int((long long)m.count, (long long)before, "count", __FILE__, __LINE__);
        }
        ok_int(rc, 0);
        ok(map_get(&m, key) == &x);
    }
out:
    map_free(&m);
}

UNIT(arena_aligns_zeroes_and_bounds)
{
    struct arena a;
    unsigned char *p, *q, *big;
    char *s;

    arena_init(&a, 256, 4096);
    p = arena_alloc(&a, 1);
    big = arena_alloc(&a, 1000);
    q = arena_alloc(&a, 1);
    ok(p != NULL && big != NULL && q != NULL);
    ok_int((uintptr_t)p % 16 + (uintptr_t)q % 16 + (uintptr_t)big % 16, 0);
    ok_int(q - p, 16); /* a large object does not waste the rest of a chunk */
    for (int i = 0; i < 1000; i++)
        ok_int(big[i], 0);
    s = arena_strndup(&a, "hello", 2);
    ok(s != NULL);
    ok_str(s, "he");
    s = arena_strdup(&a, "hello");
    ok(s != NULL);
    ok_str(s, "hello");
    ok(arena_alloc(&a, 4097) == NULL && arena_alloc(&a, SIZE_MAX) == NULL);
    while (arena_alloc(&a, 100) != NULL)
        ok(a.used <= a.max);
    ok(a.used > 4096 - 112);
    arena_free(&a);
    ok(a.used == 0 && arena_alloc(&a, 4096) != NULL);
out:
    arena_free(&a);
}

UNIT(ring_keeps_order_and_refuses_when_full)
{
    struct ring r;
    uint64_t x = 0;

    if (ring_init(&r, sizeof x, 5) != 0)
        return;
    ok_int(ring_space(&r), 8);
    for (uint64_t round = 0; round < 5; round++) {
        for (uint64_t i = 0; i < 8; i++) {
            x = round * 100 + i;
            ok(ring_put(&r, &x));
        }
        ok(!ring_put(&r, &x));
        ok_int(ring_count(&r), 8);
        for (uint64_t i = 0; i < 8; i++)
            ok(ring_take(&r, &x) && x == round * 100 + i);
        ok(!ring_take(&r, &x));
    }
    ok_int(ring_count(&r), 0);
out:
    ring_free(&r);
}

enum { RECORDS = 200000 };

static void *put_all(void *arg)
{
    for (uint64_t i = 0; i < RECORDS;) {
        uint64_t record[3] = {i, ~i, i * 3};

        i += ring_put(arg, record);
    }
    return NULL;
}

UNIT(ring_carries_between_threads)
{
    uint64_t record[3], next = 0;
    pthread_t thread;
    struct ring r;
    bool good = true;

    if (ring_init(&r, sizeof record, 64) != 0)
        return;
    ok_int(pthread_create(&thread, NULL, put_all, &r), 0);
    while (next < RECORDS) {
        if (!ring_take(&r, record))
            continue;
        good = good && record[0] == next && record[1] == ~next && record[2] == next * 3;
        next++;
    }
    pthread_join(thread, NULL);
    ok(good);
out:
    ring_free(&r);
}

UNIT(sids_have_twilios_shape)
{
    char a[SID_SIZE], b[SID_SIZE];
    struct rng r, s;

    rng_init_secure(&r);
    sid_make(a, "CA", &r);
    sid_make(b, "CA", &r);
    ok(sid_valid(a, "CA") && sid_valid(a, NULL) && !sid_valid(a, "SM"));
    ok(strcmp(a, b) != 0);
    rng_init_seeded(&r, 42);
    rng_init_seeded(&s, 42);
    sid_make(a, "RE", &r);
    sid_make(b, "RE", &s);
    ok_str(a, b);
    rng_init_seeded(&s, 43);
    ok(rng_u64(&r) != rng_u64(&s));
    ok(!sid_valid(NULL, NULL) && !sid_valid("", NULL) && !sid_valid("CA12", "CA"));
    ok(!sid_valid("CA0123456789abcdef0123456789abcdeF", "CA"));
    ok(!sid_valid("C10123456789abcdef0123456789abcdef", NULL));
    ok(!sid_valid("CA0123456789abcdef0123456789abcdef0", "CA"));
    ok(sid_valid("CA0123456789abcdef0123456789abcdef", "CA"));
out:;
}

#ifdef ALMON_TORTURE
#define OF_TORTURE                                                                                 \
    NO_TORTURE(mem_fails_the_nth_and_counts_the_living),                                           \
        NO_TORTURE(mem_counts_what_the_libraries_use),
#else
#define OF_TORTURE
#endif

UNIT_MAIN(OF_TORTURE CASE(mem_gives_zeroed_and_copies), CASE(errors_keep_the_message_and_cut_it),
          CASE(lists_link_and_unlink), CASE(map_sets_replaces_and_removes),
          CASE(map_is_as_it_was_when_memory_is_out), CASE(arena_aligns_zeroes_and_bounds),
          CASE(ring_keeps_order_and_refuses_when_full), NO_TORTURE(ring_carries_between_threads),
          CASE(sids_have_twilios_shape))
