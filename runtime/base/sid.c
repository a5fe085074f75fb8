#include "base/sid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void rng_init_secure(struct rng *r)
{
    memset(r, 0, sizeof *r);
    r->secure = 1;
}

/* splitmix64, to spread the seed over the whole state. */
void rng_init_seeded(struct rng *r, uint64_t seed)
{
    r->secure = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

/* xoshiro256** of Blackman and Vigna. */
static uint64_t seeded_u64(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Identifiers and tokens that somebody could guess are worse than no program: if the system has no
 * random bytes to give, end. */
static void system_bytes(unsigned char *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);

        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            out += got;
            n -= (size_t)got;
        }
    }
}

void rng_bytes(struct rng *r, void *out, size_t n)
{
    unsigned char *p = out;

    if (r->secure) {
        system_bytes(p, n);
        return;
    }
    while (n > 0) {
        uint64_t x = seeded_u64(r->state);
        size_t part = n < sizeof x ? n : sizeof x;

        memcpy(p, &x, part);
        p += part;
        n -= part;
    }
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t x;

    rng_bytes(r, &x, sizeof x);
    return x;
}

void sid_make(char out[SID_SIZE], const char *prefix, struct rng *r)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[16];

    rng_bytes(r, bytes, sizeof bytes);
    out[0] = prefix[0];
    out[1] = prefix[1];
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 + 2 * i] = hex[bytes[i] >> 4];
        out[3 + 2 * i] = hex[bytes[i] & 15];
    }
    out[SID_SIZE - 1] = '\0';
}

int sid_valid(const char *s, const char *prefix)
{
    if (s == NULL || strlen(s) != SID_SIZE - 1)
        return 0;
    if (prefix != NULL && strncmp(s, prefix, 2) != 0)
        return 0;
    if (s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z')
        return 0;
    return strspn(s + 2, "0123456789abcdef") == SID_SIZE - 3;
}
