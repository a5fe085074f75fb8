/* The crossing between the control loop and the media loop: two bounded queues of small messages,
 * each a function to run on the other side. Nothing else is shared. A command is admitted only with
 * a place reserved for each of its answers, so that an answer is never dropped. */
#ifndef ALMON_BASE_CROSSING_H
#define ALMON_BASE_CROSSING_H

#include "base/error.h"
#include "base/loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crossing_msg;
typedef void crossing_h(const struct crossing_msg *m);
struct crossing_msg {
    crossing_h *h;
    void *to;        /* the object it is for */
    void *ptr;       /* an object that goes along (ownership as the handler says) */
    uint64_t num[3]; /* small values */
};

struct crossing;
/* `places` bounds each direction (rounded up to a power of two). */
int crossing_new(struct crossing **cp, struct loop *control, struct loop *media, size_t places,
                 struct error *err);
struct crossing *crossing_free(struct crossing *c);

/* Control side: runs m->h on the media loop. `answers` is how many events this command will give
 * back with crossing_answer(). ERR_LIMIT when a place is missing: nothing happened. */
int crossing_command(struct crossing *c, const struct crossing_msg *m, unsigned answers);
/* Media side: one of the answers reserved by a command; never fails. */
void crossing_answer(struct crossing *c, const struct crossing_msg *m);
/* Media side: an unasked event; false (and counted) when only reserved places are left. */
bool crossing_event(struct crossing *c, const struct crossing_msg *m);
/* Control side: reserves answers that will come unasked, for as long as an object lives (a
 * channel's end, say). ERR_LIMIT when none is left. */
int crossing_reserve(struct crossing *c, unsigned answers);
/* Control side: gives reserved places back that were never used. */
void crossing_unreserve(struct crossing *c, unsigned answers);
/* Unasked events dropped so far. */
uint64_t crossing_dropped(const struct crossing *c);

#endif
