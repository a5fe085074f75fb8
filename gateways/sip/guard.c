#include "gateways/sip/guard.h"

#include "base/mem.h"
#include <netinet/in.h>
#include <string.h>

enum { SETS = 2048, WAYS = 4 };

struct bucket {
    uint64_t key; /* 0: free */
    int64_t seen_us;
    double tokens;
};

struct guard {
    unsigned rate;
    uint64_t seed;
    struct bucket buckets[SETS][WAYS];
};

int guard_new(struct guard **gp, unsigned rate, uint64_t seed, struct error *err)
{
    struct guard *g = mem_alloc(sizeof *g);

    if (g == NULL)
        return error_nomem(err);
    g->rate = rate;
    g->seed = seed;
    *gp = g;
    return 0;
}

void guard_set_rate(struct guard *g, unsigned rate)
{
    g->rate = rate;
}

struct guard *guard_free(struct guard *g)
{
    mem_free(g);
    return NULL;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static uint64_t key_of(const struct guard *g, const struct sockaddr_storage *source)
{
    uint64_t half = 0;

    if (source->ss_family == AF_INET6)
        memcpy(&half, &((const struct sockaddr_in6 *)source)->sin6_addr, sizeof half);
    else if (source->ss_family == AF_INET)
        half = ((const struct sockaddr_in *)source)->sin_addr.s_addr;
    half = mix(half ^ g->seed);
    return half != 0 ? half : 1;
}

static struct bucket *find(struct guard *g, const struct sockaddr_storage *source, int64_t now_us)
{
    uint64_t key = key_of(g, source);
    struct bucket *set = g->buckets[key % SETS], *oldest = &set[0];
    double full = 2.0 * g->rate;

    for (int i = 0; i < WAYS; i++) {
        struct bucket *b = &set[i];

        if (b->key == key) {
            b->tokens += (double)(now_us - b->seen_us) / 1e6 * g->rate;
            b->tokens = b->tokens < full ? b->tokens : full;
            b->seen_us = now_us;
            return b;
        }
        if (b->key == 0 || (oldest->key != 0 && b->seen_us < oldest->seen_us))
            oldest = b;
    }
    *oldest = (struct bucket){.key = key, .seen_us = now_us, .tokens = full};
    return oldest;
}

bool guard_admit(struct guard *g, const struct sockaddr_storage *source, int64_t now_us)
{
    struct bucket *b = find(g, source, now_us);

    if (b->tokens < 1)
        return false;
    b->tokens -= 1;
    return true;
}

void guard_charge(struct guard *g, const struct sockaddr_storage *source, unsigned tokens,
                  int64_t now_us)
{
    struct bucket *b = find(g, source, now_us);

    b->tokens = b->tokens > tokens ? b->tokens - tokens : 0;
}
