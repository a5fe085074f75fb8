#include "session/ledger.h"

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The namespaces of flows begin with an account's sid: this is none of theirs. */
#define LEDGER_SPACE "almon budgets"
#define DAY_MS       86400000

enum { ENTRY_KEY_SIZE = KV_KEY_MAX + 1, ENTRY_KEY_HASHED = KV_KEY_MAX - 20 };

struct ledger {
    struct loop *loop;
    struct kv *kv;         /* NULL: nothing is kept */
    struct kv_op *reading; /* what was spent before, page by page */
    char after[ENTRY_KEY_SIZE];
    struct map by_key;
    struct list all;
    struct timer every;
};

struct ledger_entry {
    struct ledger *ledger;
    struct link_node node;
    struct budget today;
    bool bounded;          /* it has a maximum */
    bool changed;          /* since the last writing began */
    struct kv_op *writing; /* NULL: none is under way */
    char key[ENTRY_KEY_SIZE];
};

/* --- entries --- */

/* Names are as long as people write them; keys are not. */
static void key_of(const char *kind, const char *name, char out[ENTRY_KEY_SIZE])
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    if (snprintf(out, ENTRY_KEY_SIZE, "%s %s", kind, name) < ENTRY_KEY_SIZE)
        return;
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    snprintf(out + ENTRY_KEY_HASHED, ENTRY_KEY_SIZE - ENTRY_KEY_HASHED, " %016" PRIx64, hash);
}

static struct ledger_entry *entry_of(struct ledger *l, const char *key)
{
    struct ledger_entry *e = map_get(&l->by_key, key);

    if (e != NULL)
        return e;
    e = mem_alloc(sizeof *e);
    if (e == NULL || map_set(&l->by_key, key, e) != 0) {
        mem_free(e);
        return NULL;
    }
    e->ledger = l;
    str_copy(e->key, sizeof e->key, key);
    list_append(&l->all, &e->node);
    return e;
}

struct ledger_entry *ledger_find(struct ledger *l, const char *kind, const char *name)
{
    char key[ENTRY_KEY_SIZE];

    key_of(kind, name, key);
    return entry_of(l, key);
}

/* --- writing --- */

static void on_written(void *arg, const struct kv_answer *answer);

/* The store is asked; false when it cannot be. */
static bool submit(struct ledger_entry *e, kv_h *h)
{
    const struct ledger *l = e->ledger;
    int64_t wall = loop_wall(l->loop);
    struct error err = {0};
    char text[80];
    int n;

    budget_turn(&e->today, wall);
    n = snprintf(text, sizeof text, "%" PRId64 " %u %" PRId64, wall / DAY_MS, e->today.calls,
                 budget_used_us(&e->today, loop_now(l->loop)) / 1000);
    e->changed = false;
    e->writing =
        kv_set(l->kv, LEDGER_SPACE, e->key, text, (size_t)n, DAY_MS - wall % DAY_MS, h, e, &err);
    if (e->writing == NULL)
        log_error("routes", NULL, "what the %s has spent cannot be kept: %s", e->key, err.text);
    return e->writing != NULL;
}

static void on_written(void *arg, const struct kv_answer *answer)
{
    struct ledger_entry *e = arg;

    e->writing = NULL;
    if (answer->err != NULL)
        log_error("routes", NULL, "what the %s has spent cannot be kept: %s", e->key,
                  answer->err->text);
    else if (e->changed)
        submit(e, on_written);
}

/* One at a time for each entry: what changes meanwhile is written together. */
static void entry_changed(struct ledger_entry *e)
{
    if (!e->bounded || e->ledger->kv == NULL)
        return;
    e->changed = true;
    if (e->writing == NULL && e->ledger->reading == NULL)
        submit(e, on_written);
    if (e->today.running > 0 && !e->ledger->every.active)
        timer_start(&e->ledger->every, LEDGER_EVERY_MS);
}

/* Calls that run spend. */
static void on_every(void *arg)
{
    struct ledger *l = arg;

    for (struct link_node *n = list_first(&l->all); n != NULL; n = list_next(&l->all, n)) {
        struct ledger_entry *e = list_entry(n, struct ledger_entry, node);

        if (e->today.running > 0)
            entry_changed(e);
    }
}

/* --- reading --- */

static void read_page(struct ledger *l);

static void add_before(struct ledger *l, const struct kv_pair *pair)
{
    struct ledger_entry *e;
    int64_t day, ms;
    unsigned calls;

    if (sscanf(pair->value, "%" SCNd64 " %u %" SCNd64, &day, &calls, &ms) != 3 || ms < 0)
        return;
    e = entry_of(l, pair->key);
    if (e != NULL)
        budget_add(&e->today, loop_wall(l->loop), day, calls, ms * 1000);
    else
        log_error("routes", NULL, "out of memory: what the %s has spent is forgotten", pair->key);
}

static void on_page(void *arg, const struct kv_answer *answer)
{
    struct ledger *l = arg;

    l->reading = NULL;
    if (answer->err != NULL)
        log_error("routes", NULL, "what was spent today cannot be read, and counts as nothing: %s",
                  answer->err->text);
    for (size_t i = 0; answer->err == NULL && i < answer->count; i++)
        add_before(l, &answer->pairs[i]);
    if (answer->err == NULL && answer->more) {
        str_copy(l->after, sizeof l->after, answer->pairs[answer->count - 1].key);
        read_page(l);
        return;
    }
    for (struct link_node *n = list_first(&l->all); n != NULL; n = list_next(&l->all, n)) {
        struct ledger_entry *e = list_entry(n, struct ledger_entry, node);

        if (e->changed)
            entry_changed(e);
    }
}

static void read_page(struct ledger *l)
{
    struct error err = {0};

    l->reading = kv_list(l->kv, LEDGER_SPACE, "", l->after, KV_LIST_MAX, on_page, l, &err);
    if (l->reading == NULL)
        log_error("routes", NULL, "what was spent today cannot be read, and counts as nothing: %s",
                  err.text);
}

/* --- the ledger --- */

int ledger_new(struct ledger **lp, struct loop *loop, struct kv *kv, struct error *err)
{
    struct ledger *l = mem_alloc(sizeof *l);

    if (l == NULL)
        return error_nomem(err);
    l->loop = loop;
    l->kv = kv;
    list_init(&l->all);
    timer_init(&l->every, loop, on_every, l);
    if (kv != NULL)
        read_page(l);
    *lp = l;
    return 0;
}

struct ledger *ledger_free(struct ledger *l)
{
    struct link_node *n;

    if (l == NULL)
        return NULL;
    while ((n = list_first(&l->all)) != NULL) {
        struct ledger_entry *e = list_entry(n, struct ledger_entry, node);

        if (e->writing != NULL)
            kv_forget(e->writing);
        if (e->changed && l->reading == NULL && submit(e, NULL))
            kv_forget(e->writing);
        list_remove(&e->node);
        mem_free(e);
    }
    if (l->reading != NULL)
        kv_forget(l->reading);
    timer_stop(&l->every);
    map_free(&l->by_key);
    mem_free(l);
    return NULL;
}

enum budget_state ledger_look(struct ledger_entry *e, int max_calls, int max_minutes)
{
    const struct ledger *l = e->ledger;

    e->bounded = max_calls > 0 || max_minutes > 0;
    return budget_look(&e->today, loop_now(l->loop), loop_wall(l->loop), max_calls, max_minutes);
}

void ledger_take(struct ledger_entry *e)
{
    budget_take(&e->today, loop_now(e->ledger->loop));
    entry_changed(e);
}

void ledger_give(struct ledger_entry *e, int64_t since_us)
{
    budget_give(&e->today, loop_now(e->ledger->loop), since_us);
    entry_changed(e);
}

bool ledger_exhausted(struct ledger_entry *e)
{
    bool first = !e->today.exhausted;

    e->today.exhausted = true;
    return first;
}
