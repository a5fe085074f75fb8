/* What an account or a route may spend in a day (of UTC): calls, and minutes on the line, ringing
 * included, since that is when a carrier begins to count. Calls that still run count as far as they
 * are, so that nothing new begins once it is spent; those that run go on. ledger.h keeps them. */
#ifndef ALMON_SESSION_BUDGET_H
#define ALMON_SESSION_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    int64_t day; /* of 1970 */
    unsigned calls, running;
    int64_t spent_us;       /* by calls that are over */
    int64_t sum_of_begins;  /* of those that run, loop_now() */
    bool warned, exhausted; /* that was said */
};

enum budget_state {
    BUDGET_OPEN,
    BUDGET_LOW,     /* four fifths are gone: said once a day */
    BUDGET_CALLS,   /* calls are spent */
    BUDGET_MINUTES, /* minutes are */
};

/* `now_us` is loop_now(), `wall_ms` loop_wall(); a maximum of 0 is none. */
enum budget_state budget_look(struct budget *b, int64_t now_us, int64_t wall_ms, int max_calls,
                              int max_minutes);
/* A call begins; ends, which began at `since_us`. */
void budget_take(struct budget *b, int64_t now_us);
void budget_give(struct budget *b, int64_t now_us, int64_t since_us);
/* Begins anew on a new day. */
void budget_turn(struct budget *b, int64_t wall_ms);
/* Minutes on the line today, in microseconds. */
int64_t budget_used_us(const struct budget *b, int64_t now_us);
/* What was spent earlier on that `day` of 1970, if it is today. */
void budget_add(struct budget *b, int64_t wall_ms, int64_t day, unsigned calls, int64_t spent_us);

#endif
