/* The order in which the servers behind a name are tried (RFC 2782). */
#include "gateways/sip/weigh.h"
#include "tests/unit/unit.h"

UNIT(a_lower_priority_comes_first_whatever_the_weights)
{
    struct rng rng;

    rng_init_seeded(&rng, 1);
    for (int i = 0; i < 200; i++) {
        struct weighed w[] = {{30, 0, 0}, {10, 1, 1}, {20, 60000, 2}};

        weigh(w, 3, &rng);
        ok(w[0].which == 1 && w[1].which == 2 && w[2].which == 0);
    }
out:;
}

UNIT(among_equals_the_heavier_comes_first_as_often_as_it_is_heavier)
{
    struct rng rng;
    int first[3] = {0};

    rng_init_seeded(&rng, 2);
    for (int i = 0; i < 10000; i++) {
        struct weighed w[] = {{5, 60, 0}, {5, 30, 1}, {5, 10, 2}};

        weigh(w, 3, &rng);
        first[w[0].which]++;
        ok(w[0].which != w[1].which && w[1].which != w[2].which && w[0].which != w[2].which);
    }
    ok(first[0] > 5500 && first[0] < 6500);
    ok(first[1] > 2600 && first[1] < 3400);
    ok(first[2] > 700 && first[2] < 1300);
out:;
}

UNIT(weight_0_is_rare_but_not_never)
{
    struct rng rng;
    int first = 0;

    rng_init_seeded(&rng, 3);
    for (int i = 0; i < 10000; i++) {
        struct weighed w[] = {{5, 0, 0}, {5, 99, 1}};

        weigh(w, 2, &rng);
        first += w[0].which == 0;
    }
    ok(first > 20 && first < 300);
out:;
}

UNIT_MAIN(CASE(a_lower_priority_comes_first_whatever_the_weights),
          CASE(among_equals_the_heavier_comes_first_as_often_as_it_is_heavier),
          CASE(weight_0_is_rare_but_not_never))
