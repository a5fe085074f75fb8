#include "bridge/numbers.h"
#include "base/error.h"
#include "base/mem.h"

struct number_slot {
    uint32_t number; /* 0: never used */
    void *object;    /* NULL: ended */
    int64_t until;   /* when an ended number is forgotten */
};

static size_t place_of(const struct numbers *n, uint32_t number)
{
    uint64_t x = number ^ (uint64_t)(uintptr_t)n->slots;

    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return (size_t)x & (n->size - 1);
}

/* The slot of `number`, or the empty one where it would stand; there is always an empty one. */
static struct number_slot *find(const struct numbers *n, uint32_t number)
{
    size_t i = place_of(n, number);

    while (n->slots[i].number != 0 && n->slots[i].number != number)
        i = (i + 1) & (n->size - 1);
    return &n->slots[i];
}

void numbers_free(struct numbers *n)
{
    mem_free(n->slots);
    *n = (struct numbers){0};
}

void *numbers_get(const struct numbers *n, uint32_t number)
{
    return n->size == 0 || number == 0 ? NULL : find(n, number)->object;
}

bool numbers_ended(const struct numbers *n, uint32_t number, int64_t now)
{
    struct number_slot *s;

    if (n->size == 0 || number == 0)
        return false;
    s = find(n, number);
    return s->number != 0 && s->object == NULL && now < s->until;
}

/* Moves what is still wanted into a table with at least half of it empty. */
static int rebuild(struct numbers *n, int64_t now)
{
    struct numbers bigger = {0};
    size_t keep = 1;

    for (size_t i = 0; i < n->size; i++)
        keep += n->slots[i].object != NULL || (n->slots[i].number != 0 && now < n->slots[i].until);
    for (bigger.size = 16; bigger.size < keep * 4; bigger.size *= 2)
        ;
    bigger.slots = mem_alloc(bigger.size * sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < n->size; i++) {
        if (n->slots[i].object == NULL && (n->slots[i].number == 0 || now >= n->slots[i].until))
            continue;
        *find(&bigger, n->slots[i].number) = n->slots[i];
        bigger.used++;
    }
    mem_free(n->slots);
    *n = bigger;
    return 0;
}

int numbers_add(struct numbers *n, uint32_t number, void *object, int64_t now)
{
    struct number_slot *s;

    if ((n->used + 1) * 2 > n->size && rebuild(n, now) != 0)
        return ERR_NOMEM;
    s = find(n, number);
    if (s->number == 0)
        n->used++;
    *s = (struct number_slot){.number = number, .object = object};
    return 0;
}

void numbers_end(struct numbers *n, uint32_t number, int64_t now)
{
    struct number_slot *s;

    if (numbers_get(n, number) == NULL)
        return;
    s = find(n, number);
    s->object = NULL;
    s->until = now + NUMBERS_GRACE_US;
}
