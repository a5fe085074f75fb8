/* A party of a past call that is played again: who called, or who was called. Its inputs (keys, the
 * hang-up, what an operator did to it) come when they came then. */
#ifndef ALMON_SIM_PARTY_H
#define ALMON_SIM_PARTY_H

#include "base/map.h"
#include "sim/past.h"
#include "sim/sim.h"

struct party {
    struct sim *sim;
    const char *old_root, *new_root; /* folders of the flow's files */
    const struct past *past;         /* its own journal; NULL: not known, then it does nothing */
    struct sim_caller *caller;       /* NULL: the call did not come yet */
    int64_t began;                   /* sim_now() when it came */
    struct map verbs;                /* name → when each verb of that name began */
    bool *given;                     /* which inputs */
    size_t asked[3]; /* how often it came to a conference, to a queue, to take somebody … */
    size_t placed;   /* … and was told its place */

    /* of a callee */
    struct sim_callee *callee;
    size_t nth; /* of the calls to that address */
};

int party_init(struct party *p, struct sim *s, const struct past *past, struct error *err);
void party_free(struct party *p);
/* A callee's call may have come. */
void party_look(struct party *p);
/* A verb began in its call. */
void party_verb(struct party *p, const char *name);
/* sim_now() when the next input is due, INT64_MAX when none is known to be; *input is which. */
int64_t party_due(const struct party *p, size_t *input);
/* Gives it, and lets happen what happens at once. */
void party_give(struct party *p, size_t input);
bool party_is_over(const struct party *p);

/* What the child did when it was called, as both journals tell. */
void party_manner(const struct past_child *child, struct sim_manner *out);

#endif
