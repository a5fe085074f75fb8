/* Who writes to which number: whose cookies those are, for how long, how many; how fast somebody is
 * answered. */
#include "session/pairs.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

struct desk {
    struct vtime *vtime;
    struct loop *loop;
    struct pairs *pairs;
    struct error err;
};

static bool desk_up(struct desk *d)
{
    memset(d, 0, sizeof *d);
    return vtime_new(&d->vtime, &d->err) == 0 && loop_new(&d->loop, d->vtime, &d->err) == 0 &&
           (d->pairs = pairs_new(d->loop)) != NULL;
}

static void desk_down(struct desk *d)
{
    pairs_free(d->pairs);
    loop_free(d->loop);
    vtime_free(d->vtime);
}

static void waits(struct desk *d, int64_t ms)
{
    vtime_run(d->vtime, loop_now(d->loop) + ms * 1000, NULL, NULL);
}

static void keep(struct desk *d, const char *from, const char *line)
{
    struct http_jar jar = {0};

    if (line == NULL || http_jar_add(&jar, line) == 0)
        pairs_keep_cookies(d->pairs, from, "+15550100", &jar);
    http_jar_free(&jar);
}

/* Whether exactly this cookie is there; NULL: none. */
static bool has(struct desk *d, const char *from, const char *line)
{
    struct http_jar jar = {0};
    bool good;

    pairs_give_cookies(d->pairs, from, "+15550100", &jar);
    good = line == NULL ? jar.count == 0 : jar.count == 1 && strcmp(jar.lines[0], line) == 0;
    http_jar_free(&jar);
    return good;
}

UNIT(they_are_the_pair_s_and_kept_for_four_hours)
{
    struct desk d;

    ok(desk_up(&d));
    keep(&d, "+1", "a");
    ok(has(&d, "+1", "a"));
    ok(has(&d, "+2", NULL));
    keep(&d, "+1", "b");
    ok(has(&d, "+1", "b"));
    waits(&d, PAIRS_MS - 1000);
    ok(has(&d, "+1", "b"));
    keep(&d, "+1", "b"); /* another message */
    waits(&d, PAIRS_MS - 1000);
    ok(has(&d, "+1", "b"));
    waits(&d, 1000);
    ok(has(&d, "+1", NULL));
    keep(&d, "+1", "c");
    keep(&d, "+1", NULL); /* the application took it back */
    ok(has(&d, "+1", NULL));
out:
    desk_down(&d);
}

UNIT(of_too_many_pairs_the_quietest_is_forgotten)
{
    struct desk d;
    char from[16];

    ok(desk_up(&d));
    for (int i = 0; i < PAIRS_MOST + 1; i++) {
        snprintf(from, sizeof from, "+%d", i);
        keep(&d, from, "x");
        if (i == 0 || i == 1)
            ok(has(&d, from, "x"));
        if (i == 1)
            keep(&d, "+0", "x"); /* so +1 is the quietest */
    }
    ok(has(&d, "+1", NULL));
    ok(has(&d, "+0", "x"));
    ok(has(&d, from, "x"));
out:
    desk_down(&d);
}

UNIT(who_writes_like_a_machine_is_answered_only_now_and_then)
{
    struct desk d;
    int answered = 0;

    ok(desk_up(&d));
    waits(&d, 1);
    for (int i = 0; i < 100; i++)
        answered += pairs_may_answer(d.pairs, "+1", "+15550100");
    ok_int(answered, PAIRS_BURST);
    ok(pairs_may_answer(d.pairs, "+2", "+15550100"));
    waits(&d, PAIRS_EACH_MS);
    ok(pairs_may_answer(d.pairs, "+1", "+15550100"));
    ok(!pairs_may_answer(d.pairs, "+1", "+15550100"));
out:
    desk_down(&d);
}

UNIT_MAIN(CASE(they_are_the_pair_s_and_kept_for_four_hours),
          CASE(of_too_many_pairs_the_quietest_is_forgotten),
          CASE(who_writes_like_a_machine_is_answered_only_now_and_then), )
