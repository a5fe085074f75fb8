/* Whether frames leave late, by which new calls are refused: a machine that was too busy once must
 * not refuse them for ever. */
#include "media/lateness.h"
#include "media/media.h"
#include "tests/unit/unit.h"

enum { SECOND = 1000000, SLOT = 2000 };

/* So many seconds of slots that each begin `late_us` late; the time afterwards. */
static int64_t slots(struct lateness *l, int64_t from, int seconds, int64_t late_us)
{
    for (int64_t t = from; t < from + (int64_t)seconds * SECOND; t += SLOT)
        lateness_add(l, t, t + late_us);
    return from + (int64_t)seconds * SECOND;
}

static struct media_stats stats_of(struct lateness *l, unsigned playing)
{
    return (struct media_stats){.late_p50_us = atomic_load(&l->p50),
                                .late_p99_us = atomic_load(&l->p99),
                                .late_max_us = atomic_load(&l->worst),
                                .playing = playing};
}

UNIT(late_slots_are_told_and_forgotten_after_ten_seconds)
{
    struct lateness l = {0};
    struct media_stats stats;
    int64_t t = slots(&l, 0, 3, 150000);

    t = slots(&l, t, 1, 100);
    stats = stats_of(&l, 1);
    ok(media_is_late(&stats, 60));
    ok(stats.late_max_us >= 150000 && stats.late_p50_us >= 130000);
    slots(&l, t, 12, 100);
    stats = stats_of(&l, 1);
    ok(!media_is_late(&stats, 60));
    ok(stats.late_max_us <= 110);
out:;
}

/* The last call ends while frames are late: no slot runs any more, and no figure changes. */
UNIT(with_the_last_call_it_is_over)
{
    struct lateness l = {0};
    struct media_stats stats;
    int64_t t = slots(&l, 0, 3, 150000);

    stats = stats_of(&l, 1);
    ok(media_is_late(&stats, 60));
    stats = stats_of(&l, 0);
    ok(!media_is_late(&stats, 60));
    /* … and the next call, a minute later, does not bring it back */
    t = slots(&l, t + 60 * (int64_t)SECOND, 1, 100);
    stats = stats_of(&l, 1);
    ok(!media_is_late(&stats, 60));
    ok(stats.late_max_us == 0);
    slots(&l, t, 2, 100);
    stats = stats_of(&l, 1);
    ok(stats.late_max_us > 0 && stats.late_max_us <= 110);
out:;
}

UNIT_MAIN(CASE(late_slots_are_told_and_forgotten_after_ten_seconds),
          CASE(with_the_last_call_it_is_over))
