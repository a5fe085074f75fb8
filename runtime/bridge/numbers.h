/* Channel numbers of one link → objects. The numbers are the other side's choice, so their places
 * are mixed with the table's address, and looking one up stays cheap whatever he chooses. A number
 * that ended is remembered for a while: what was under way for it then is no mistake. */
#ifndef ALMON_BRIDGE_NUMBERS_H
#define ALMON_BRIDGE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long an ended number is remembered and may not be used again. */
#define NUMBERS_GRACE_US (5 * 1000000)

struct number_slot;
struct numbers { /* all zero is empty */
    struct number_slot *slots;
    size_t size, used; /* `used` counts the ended ones that are still remembered */
};

void numbers_free(struct numbers *n);
/* The live object of a number, or NULL. Allocates nothing. */
void *numbers_get(const struct numbers *n, uint32_t number);
/* True when the number's object ended less than the grace period ago. `now` is loop_now(). */
bool numbers_ended(const struct numbers *n, uint32_t number, int64_t now);
/* 0 or ERR_NOMEM. The number is not live. */
int numbers_add(struct numbers *n, uint32_t number, void *object, int64_t now);
/* Forgets the object and remembers the number. */
void numbers_end(struct numbers *n, uint32_t number, int64_t now);

#endif
