#include "session/budget.h"

#define DAY_MS    86400000
#define MINUTE_US 60000000LL

int64_t budget_used_us(const struct budget *b, int64_t now_us)
{
    return b->spent_us + b->running * now_us - b->sum_of_begins;
}

/* A call over midnight counts whole on the new day. */
void budget_turn(struct budget *b, int64_t wall_ms)
{
    if (b->day == wall_ms / DAY_MS)
        return;
    b->day = wall_ms / DAY_MS;
    b->calls = 0;
    b->spent_us = 0;
    b->warned = b->exhausted = false;
}

static bool is_low(int64_t used, int64_t max)
{
    return max > 0 && used * 5 >= max * 4;
}

enum budget_state budget_look(struct budget *b, int64_t now_us, int64_t wall_ms, int max_calls,
                              int max_minutes)
{
    int64_t used;

    budget_turn(b, wall_ms);
    used = budget_used_us(b, now_us);
    if (max_calls > 0 && b->calls >= (unsigned)max_calls)
        return BUDGET_CALLS;
    if (max_minutes > 0 && used >= max_minutes * MINUTE_US)
        return BUDGET_MINUTES;
    if (b->warned || !(is_low(b->calls, max_calls) || is_low(used, max_minutes * MINUTE_US)))
        return BUDGET_OPEN;
    b->warned = true;
    return BUDGET_LOW;
}

void budget_take(struct budget *b, int64_t now_us)
{
    b->calls++;
    b->running++;
    b->sum_of_begins += now_us;
}

void budget_give(struct budget *b, int64_t now_us, int64_t since_us)
{
    b->running--;
    b->sum_of_begins -= since_us;
    b->spent_us += now_us - since_us;
}

void budget_add(struct budget *b, int64_t wall_ms, int64_t day, unsigned calls, int64_t spent_us)
{
    budget_turn(b, wall_ms);
    if (day != b->day)
        return;
    b->calls += calls;
    b->spent_us += spent_us;
}
