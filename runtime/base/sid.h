/* Random numbers and Twilio-shaped identifiers. */
#ifndef ALMON_BASE_SID_H
#define ALMON_BASE_SID_H

#include <stddef.h>
#include <stdint.h>

#define SID_SIZE 35 /* two letters, 32 lower-case hex digits, NUL */

struct rng {
    uint64_t state[4];
    int secure; /* 1: bytes come from getrandom(2); 0: a seeded sequence that repeats */
};

void rng_init_secure(struct rng *r);
void rng_init_seeded(struct rng *r, uint64_t seed);
void rng_bytes(struct rng *r, void *out, size_t n);
uint64_t rng_u64(struct rng *r);

/* Writes e.g. "CA0123…" for prefix "CA". 128 random bits. */
void sid_make(char out[SID_SIZE], const char *prefix, struct rng *r);
/* 1 when `s` is a SID with that prefix (two letters, or NULL for any). */
int sid_valid(const char *s, const char *prefix);

#endif
