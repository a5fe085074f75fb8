/* The crossing in virtual time: what is promised is kept, what is not promised is bounded. */
#include "base/crossing.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

#include <string.h>

struct two {
    struct vtime *vtime;
    struct loop *control, *media;
    struct crossing *crossing;
    unsigned commands, answers, events;
    uint64_t sum;
};

static void on_answer(const struct crossing_msg *m)
{
    ((struct two *)m->to)->answers++;
}

static void on_event(const struct crossing_msg *m)
{
    struct two *t = m->to;

    t->events++;
    t->sum = t->sum * 10 + m->num[0];
}

/* Gives the answers back that it was promised (num[0]), after as many events as there is room for
 * (num[1] of them at most). */
static void on_command(const struct crossing_msg *m)
{
    struct two *t = m->to;
    struct crossing_msg event = {.h = on_event, .to = t}, answer = {.h = on_answer, .to = t};
    uint64_t i;

    t->commands++;
    for (i = 0; i < m->num[1]; i++) {
        event.num[0] = i + 1;
        crossing_event(t->crossing, &event);
    }
    for (i = 0; i < m->num[0]; i++)
        crossing_answer(t->crossing, &answer);
}

static int two_open(struct two *t, size_t places, struct error *err)
{
    int rc = vtime_new(&t->vtime, err);

    if (rc == 0)
        rc = loop_new(&t->control, t->vtime, err);
    if (rc == 0)
        rc = loop_new(&t->media, t->vtime, err);
    if (rc == 0)
        rc = crossing_new(&t->crossing, t->control, t->media, places, err);
    return rc;
}

static void two_close(struct two *t)
{
    crossing_free(t->crossing);
    loop_free(t->media);
    loop_free(t->control);
    vtime_free(t->vtime);
}

UNIT(a_flood_of_events_never_takes_the_place_of_an_answer)
{
    struct two t = {0};
    struct error err = {0};
    struct crossing_msg m = {.h = on_command, .to = &t, .num = {3, 100}};

    ok_rc(two_open(&t, 8, &err), &err);
    ok(crossing_command(t.crossing, &m, 3) == 0);
    vtime_run(t.vtime, 1000, NULL, NULL);
    ok_int(t.events, 5);
    ok_int(t.sum, 12345);
    ok_int(t.answers, 3);
    ok_int(crossing_dropped(t.crossing), 95);
    /* All places are free again. */
    ok(crossing_command(t.crossing, &m, 3) == 0);
    vtime_run(t.vtime, 2000, NULL, NULL);
    ok_int(t.events, 10);
    ok_int(t.answers, 6);
out:
    two_close(&t);
}

UNIT(a_command_without_a_place_for_its_answers_is_refused_whole)
{
    struct two t = {0};
    struct error err = {0};
    struct crossing_msg m = {.h = on_command, .to = &t, .num = {2, 0}};

    ok_rc(two_open(&t, 8, &err), &err);
    ok(crossing_reserve(t.crossing, 5) == 0);
    ok(crossing_command(t.crossing, &m, 2) == 0);
    ok_int(crossing_command(t.crossing, &m, 2), ERR_LIMIT);
    ok_int(crossing_reserve(t.crossing, 2), ERR_LIMIT);
    crossing_unreserve(t.crossing, 1);
    ok(crossing_command(t.crossing, &m, 2) == 0);
    vtime_run(t.vtime, 1000, NULL, NULL);
    ok_int(t.commands, 2);
    ok_int(t.answers, 4);
out:
    two_close(&t);
}

UNIT(commands_are_bounded_too)
{
    struct two t = {0};
    struct error err = {0};
    struct crossing_msg m = {.h = on_command, .to = &t};
    int i;

    ok_rc(two_open(&t, 8, &err), &err);
    for (i = 0; i < 8; i++)
        ok(crossing_command(t.crossing, &m, 0) == 0);
    ok_int(crossing_command(t.crossing, &m, 1), ERR_LIMIT);
    ok(crossing_reserve(t.crossing, 8) == 0); /* what the refused one had reserved is free again */
    vtime_run(t.vtime, 1000, NULL, NULL);
    ok_int(t.commands, 8);
out:
    two_close(&t);
}

UNIT_MAIN(CASE(a_flood_of_events_never_takes_the_place_of_an_answer),
          CASE(a_command_without_a_place_for_its_answers_is_refused_whole),
          CASE(commands_are_bounded_too))
