/* What may be spent in a day stays spent, however often the exchange begins anew (threats.md S7).
 */
#include "session/route.h"

#include "tests/unit/unit.h"
#include <stdio.h>
#include <string.h>

#define ACCOUNT                                                                                    \
    "account { sid = 'AC0123456789abcdef0123456789abcdef', token = 't', max_calls = 50,\n"         \
    "  calls_per_second = 50, caller_ids = { '+15550100' }%s }\n"                                  \
    "gateway { name = 'sip', token = 't' }\n%s"

/* A store, and the routes of an exchange on it. That the store survives is test_store_kv.c's. */
struct desk {
    struct vtime *vtime;
    struct loop *loop;
    struct kv *kv;
    struct config *config;
    struct routes *routes;
    struct arena arena;
    struct route_plan plan;
    struct error err;
};

static void desk_waits(struct desk *d, int64_t ms)
{
    vtime_run(d->vtime, loop_now(d->loop) + ms * 1000, NULL, NULL);
}

/* The exchange begins: what it knows, it has read. */
static bool begin(struct desk *d)
{
    if (routes_new(&d->routes, d->loop, d->kv, &d->err) != 0)
        return false;
    desk_waits(d, 0);
    return true;
}

static bool begin_again(struct desk *d)
{
    d->routes = routes_free(d->routes);
    return begin(d);
}

static bool desk_up(struct desk *d, const char *account, const char *lines)
{
    char text[4000];

    memset(d, 0, sizeof *d);
    arena_init(&d->arena, 1024, 1024 * 1024);
    snprintf(text, sizeof text, ACCOUNT, account, lines);
    return vtime_new(&d->vtime, &d->err) == 0 && loop_new(&d->loop, d->vtime, &d->err) == 0 &&
           kv_open(&d->kv, d->loop, NULL, &d->err) == 0 &&
           config_parse(&d->config, text, strlen(text), "almon.lua", NULL, NULL, &d->err) == 0 &&
           begin(d);
}

static void desk_down(struct desk *d)
{
    d->routes = routes_free(d->routes);
    d->config = config_free(d->config);
    d->kv = kv_close(d->kv);
    d->loop = loop_free(d->loop);
    d->vtime = vtime_free(d->vtime);
    arena_free(&d->arena);
}

static int take(struct desk *d, const char *to)
{
    struct route_request q = {
        .to = to, .from = "+15550100", .account = &d->config->accounts[0], .trunk = NULL};
    int rc = routes_plan(d->routes, d->config, NULL, &q, &d->arena, &d->plan, &d->err);

    return rc != 0 ? rc
                   : routes_take(d->routes, d->config, &d->config->accounts[0], &d->plan.steps[0],
                                 &d->err);
}

static void give(struct desk *d)
{
    routes_give(d->routes, &d->config->accounts[0], &d->plan.steps[0]);
}

/* A call of so many seconds, and what the store has to do afterwards. */
static int calls(struct desk *d, const char *to, int seconds)
{
    int rc = take(d, to);

    if (rc != 0)
        return rc;
    desk_waits(d, (int64_t)seconds * 1000);
    give(d);
    return 0;
}

UNIT(a_restart_gives_no_second_budget_of_calls)
{
    struct desk d;

    ok(desk_up(&d, ", calls_per_day = 3", "route { '*' }\n"));
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok(begin_again(&d));
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok_int(calls(&d, "+4930123456", 5), ERR_LIMIT);
    ok_int(d.err.twilio, 20429);
    ok(begin_again(&d));
    ok(begin_again(&d));
    ok_int(calls(&d, "+4930123456", 5), ERR_LIMIT);
    ok(strstr(d.err.text, "the account has spent its 3 calls of today (calls_per_day in "
                          "almon.lua:1)") != NULL);
    desk_waits(&d, 24 * 3600000);
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok(begin_again(&d)); /* what was spent yesterday is not today's */
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
out:
    desk_down(&d);
}

UNIT(a_restart_gives_no_route_a_second_budget_of_minutes)
{
    struct desk d;

    ok(desk_up(&d, "",
               "route { '+49*', minutes_per_day = 10 }\nroute { '+44*', minutes_per_day = 10 }\n"));
    ok_rc(calls(&d, "+4930123456", 9 * 60), &d.err);
    ok(begin_again(&d));
    ok_rc(calls(&d, "+4930123456", 59), &d.err);
    ok(begin_again(&d));
    ok_rc(calls(&d, "+4930123456", 10), &d.err); /* a second was left, which lets one begin */
    ok(begin_again(&d));
    ok_int(calls(&d, "+4930123456", 5), ERR_LIMIT);
    ok(strstr(d.err.text, "its 10 minutes of today (minutes_per_day in almon.lua:4)") != NULL);
    ok_rc(calls(&d, "+442071234567", 5), &d.err); /* the other way has its own */
out:
    desk_down(&d);
}

/* The exchange is killed while a call runs: another one on its store knows all but the last ten
 * seconds. */
UNIT(a_crash_forgets_seconds_of_the_calls_that_ran)
{
    struct desk d;
    struct routes *killed = NULL;

    ok(desk_up(&d, ", minutes_per_day = 10, calls_per_day = 2", "route { '*' }\n"));
    ok_rc(take(&d, "+4930123456"), &d.err);
    desk_waits(&d, 605000);
    killed = d.routes;
    d.routes = NULL;
    ok(begin(&d));
    ok_int(take(&d, "+4930123456"), ERR_LIMIT);
    ok(strstr(d.err.text, "its 10 minutes of today") != NULL);
out:
    routes_free(killed);
    desk_down(&d);
}

UNIT(a_call_over_midnight_is_kept_as_the_new_days)
{
    struct desk d;

    ok(desk_up(&d, ", calls_per_day = 2", "route { '*' }\n"));
    desk_waits(&d, 24 * 3600000 - 30000);
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok_rc(calls(&d, "+4930123456", 60), &d.err);
    ok(begin_again(&d));
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok_rc(calls(&d, "+4930123456", 5), &d.err);
    ok_int(calls(&d, "+4930123456", 5), ERR_LIMIT);
out:
    desk_down(&d);
}

/* A name longer than a key: two of them that begin alike are two. */
UNIT(routes_with_long_names_are_told_apart)
{
    char name[300], lines[1500];
    struct desk d;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(lines, sizeof lines,
             "route { '+49*', trunk = '%s1', calls_per_day = 1 }\n"
             "route { '+44*', trunk = '%s2', calls_per_day = 1 }\n"
             "trunk { name = '%s1', to = 'sip:a' } trunk { name = '%s2', to = 'sip:b' }\n",
             name, name, name, name);
    ok(desk_up(&d, "", lines));
    ok_rc(calls(&d, "+4930123456", 1), &d.err);
    ok(begin_again(&d));
    ok_rc(calls(&d, "+442071234567", 1), &d.err);
    ok_int(calls(&d, "+4930123456", 1), ERR_LIMIT);
    ok(begin_again(&d));
    ok_int(calls(&d, "+442071234567", 1), ERR_LIMIT);
out:
    desk_down(&d);
}

static int message(struct desk *d)
{
    return routes_take_message(d->routes, d->config, &d->config->accounts[0], "+4930123456",
                               &d->err);
}

UNIT(messages_have_a_budget_of_their_own_that_outlives_restarts)
{
    struct desk d;

    ok(desk_up(&d, ", calls_per_day = 1, messages_per_day = 3", "route { '*' }\n"));
    ok_rc(message(&d), &d.err);
    ok_rc(message(&d), &d.err);
    desk_waits(&d, 0);
    ok(begin_again(&d));
    ok_rc(message(&d), &d.err);
    ok_int(message(&d), ERR_LIMIT);
    ok_int(d.err.twilio, 14107);
    ok(strstr(d.err.text, "its 3 messages of today (messages_per_day in almon.lua:1)") != NULL);
    ok_rc(calls(&d, "+4930123456", 5), &d.err); /* calls are counted apart */
    desk_waits(&d, 24 * 3600000);
    ok_rc(message(&d), &d.err);
out:
    desk_down(&d);
}

UNIT(messages_beyond_a_second_s_worth_wait_for_their_turn)
{
    const struct config_account *account;
    struct desk d;
    int64_t last = 0;

    ok(desk_up(&d, ", messages_per_second = 10", "route { '*' }\n"));
    account = &d.config->accounts[0];
    ok_rc(message(&d), &d.err);
    desk_waits(&d, 5000);
    for (int i = 0; i < 11; i++) /* this second's, and the first of the next */
        ok_int(routes_message_turn(d.routes, account), 0);
    for (int i = 1; i <= 20; i++) {
        last = routes_message_turn(d.routes, account);
        ok_int(last, i * 100);
    }
    desk_waits(&d, last + 1000);
    ok_int(routes_message_turn(d.routes, account), 0);
out:
    desk_down(&d);
}

UNIT_MAIN(CASE(messages_have_a_budget_of_their_own_that_outlives_restarts),
          CASE(messages_beyond_a_second_s_worth_wait_for_their_turn),
          CASE(a_restart_gives_no_second_budget_of_calls),
          CASE(a_restart_gives_no_route_a_second_budget_of_minutes),
          CASE(a_crash_forgets_seconds_of_the_calls_that_ran),
          CASE(a_call_over_midnight_is_kept_as_the_new_days),
          CASE(routes_with_long_names_are_told_apart))
