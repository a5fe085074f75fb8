#include "session/route.h"
#include "session/ledger.h"

#include "base/bucket.h"
#include "base/country.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "session/route_target.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- may it be called --- */

/* True when the account's countries hold how the number begins. */
static bool names_beginning(const struct config_account *a, const char *number)
{
    for (size_t i = 0; i < a->n_countries; i++)
        if (a->countries[i][0] == '+' &&
            strncmp(number, a->countries[i], strlen(a->countries[i])) == 0)
            return true;
    return false;
}

static bool names_country(const struct config_account *a, const char *iso)
{
    for (size_t i = 0; iso != NULL && i < a->n_countries; i++)
        if (strcmp(a->countries[i], iso) == 0)
            return true;
    return false;
}

static int judge_dear(const struct config *c, const struct config_account *a, const char *number,
                      struct error *err)
{
    const char *dear = country_dear(number);

    if (dear == NULL || names_beginning(a, number))
        return 0;
    return error_set_twilio(err, ERR_REFUSED, 13225,
                            "%s is %s and is not called; if you mean it, add its beginning, as "
                            "\"%.6s\", to the countries of the account in %s:%d",
                            number, dear, number, c->path, a->line);
}

static bool is_in_countries(const struct config_account *a, const char *number)
{
    return a->n_countries == 0 || names_beginning(a, number) ||
           names_country(a, country_of(number));
}

/* Nothing that any reading of it makes dear; somewhere that one of them makes allowed. */
static int judge_number(const struct config *c, const struct config_account *a,
                        const struct target *t, struct error *err)
{
    const char *number = t->number[0] != '\0' ? t->number : t->other;
    const char *iso = country_of(number);
    int rc;

    if (*number == '\0')
        return 0;
    rc = judge_dear(c, a, number, err);
    if (rc == 0)
        rc = judge_dear(c, a, t->other, err);
    if (rc != 0 || is_in_countries(a, number) ||
        (t->other[0] != '\0' && is_in_countries(a, t->other)))
        return rc;
    return error_set_twilio(err, ERR_REFUSED, 13227,
                            "%s is in %s, which this account may not call; if it shall, add \"%s\" "
                            "to the countries of the account in %s:%d",
                            number, iso != NULL ? iso : "no country", iso != NULL ? iso : number,
                            c->path, a->line);
}

/* --- who may be shown --- */

/* A block of numbers is the account's own when it is as narrow as blocks that one gets: a pattern
 * for everything that comes in ("*", "+1*") says nothing about who owns it. */
enum { OWN_BLOCK_MIN = 8 }; /* "+" and seven digits */

static bool is_owned(const struct config *c, const struct config_account *a, const char *number)
{
    for (size_t i = 0; i < a->n_caller_ids; i++)
        if (config_pattern_fits(a->caller_ids[i], number))
            return true;
    for (size_t i = 0; i < c->n_numbers; i++) {
        const char *pattern = c->numbers[i].pattern;
        bool narrow = strchr(pattern, '*') == NULL || strlen(pattern) > OWN_BLOCK_MIN;

        if (c->numbers[i].account == a && narrow && config_pattern_fits(pattern, number))
            return true;
    }
    return false;
}

static bool same_number(const char *a, const char *b)
{
    char x[ROUTE_NAME_MAX], y[ROUTE_NAME_MAX];

    if (a == NULL || b == NULL)
        return false;
    return target_number(a, x) && target_number(b, y) ? strcmp(x, y) == 0 : strcmp(a, b) == 0;
}

/* What the call itself brings may be shown on when a carrier vouched for it: not when it came from
 * a client or a SIP address, which say what they like. */
static bool is_of_call(const struct route_request *q, const char *from)
{
    char number[ROUTE_NAME_MAX];

    if (q->from_sip || q->call_from == NULL || strncmp(q->call_from, "client:", 7) == 0 ||
        strncmp(q->call_from, "sip:", 4) == 0)
        return false;
    if (same_number(from, q->call_from))
        return true;
    return target_number(from, number) && same_number(from, q->call_to);
}

static bool is_token(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "+-_.") == n;
}

/* "client:bob", and the address of the call itself. */
static bool is_name(const struct route_request *q, const char *from)
{
    if (strncmp(from, "client:", 7) == 0)
        return from[7] != '\0' && strpbrk(from, " \t\r\n") == NULL;
    return is_token(from) || (q->call_from != NULL && strcmp(from, q->call_from) == 0);
}

/* Whom the called party sees, NULL with *err when that may not be. `rule` is the route's. */
static const char *caller_id(const struct config *c, const struct route_request *q,
                             const struct target *t, const char *rule, char out[ROUTE_NAME_MAX],
                             struct error *err)
{
    const char *from = q->from != NULL ? q->from : q->call_from != NULL ? q->call_from : "";
    bool owned_only = strcmp(rule, "owned") == 0;

    if (*rule == '+')
        return rule;
    if (strlen(from) >= ROUTE_NAME_MAX) {
        error_set_twilio(err, ERR_REFUSED, 13248, "the caller id is longer than %d characters",
                         ROUTE_NAME_MAX - 1);
        return NULL;
    }
    if (!target_number(from, out))
        str_copy(out, ROUTE_NAME_MAX, from);
    if (is_owned(c, q->account, out))
        return out;
    if (!owned_only && (t->kind == TARGET_CLIENT || t->kind == TARGET_SIP) && is_name(q, from))
        return out;
    if (!owned_only && is_of_call(q, from))
        return out;
    error_set_twilio(
        err, ERR_REFUSED, 13214,
        "'%.60s' may not be shown as caller to %.60s: %s; write callerId with a number "
        "of the account's own, or add it to caller_ids of the account in %s:%d",
        from, t->name,
        owned_only ? "the route wants one of the account's own numbers"
                   : "it is neither the account's own nor vouched for by a carrier",
        c->path, q->account->line);
    return NULL;
}

/* --- what is counted --- */

struct route_count {
    unsigned calls;
    struct bucket second; /* of an account */
    struct ledger_entry *today;
    int64_t turn; /* of messages: when the next one after a burst has its turn, loop_now() */
};

struct routes {
    struct loop *loop;
    struct map accounts; /* by sid */
    struct map messages; /* of accounts, by sid */
    struct map lines;    /* by where they lead: they outlive a reload of almon.lua */
    struct ledger *ledger;
};

int routes_new(struct routes **rp, struct loop *loop, struct kv *kv, struct error *err)
{
    struct routes *r = mem_alloc(sizeof *r);

    if (r == NULL)
        return error_nomem(err);
    if (ledger_new(&r->ledger, loop, kv, err) != 0) {
        mem_free(r);
        return ERR_NOMEM;
    }
    r->loop = loop;
    *rp = r;
    return 0;
}

static void free_count(const char *key, void *value, void *arg)
{
    (void)key;
    (void)arg;
    mem_free(value);
}

struct routes *routes_free(struct routes *r)
{
    if (r == NULL)
        return NULL;
    map_each(&r->accounts, free_count, NULL);
    map_each(&r->messages, free_count, NULL);
    map_each(&r->lines, free_count, NULL);
    map_free(&r->accounts);
    map_free(&r->messages);
    map_free(&r->lines);
    ledger_free(r->ledger);
    mem_free(r);
    return NULL;
}

static struct route_count *count_of(struct routes *r, struct map *m, const char *kind,
                                    const char *key)
{
    struct route_count *c = map_get(m, key);

    if (c != NULL)
        return c;
    c = mem_alloc(sizeof *c);
    if (c != NULL)
        c->today = ledger_find(r->ledger, kind, key);
    if (c == NULL || c->today == NULL || map_set(m, key, c) != 0) {
        mem_free(c);
        return NULL;
    }
    return c;
}

static struct route_count *count_of_route(struct routes *r, const struct config_route *route)
{
    struct str key = STR_INIT(64 * 1024);
    struct route_count *c = NULL;

    str_addf(&key, "%s\n%s\n%s", route->gateway, route->trunk != NULL ? route->trunk : "",
             route->patterns[0]);
    if (!key.failed)
        c = count_of(r, &r->lines, "route", str_text(&key));
    str_free(&key);
    return c;
}

/* --- the plan --- */

struct planner {
    struct routes *routes;
    const struct config *config;
    const struct route_request *q;
    struct arena *arena;
    struct route_plan *plan;
    struct target target;
    bool refused; /* a route fitted, but not this caller id */
};

static int add_step(struct planner *p, const struct route_step *step, const char *rule,
                    struct error *err)
{
    char out[ROUTE_NAME_MAX];
    const char *from = caller_id(p->config, p->q, &p->target, rule, out, err);
    struct route_step *at = &p->plan->steps[p->plan->n];

    if (from == NULL) {
        p->refused = true;
        return 0;
    }
    *at = *step;
    at->gateway = arena_strdup(p->arena, step->gateway);
    at->to = arena_strdup(p->arena, p->target.name);
    at->from = arena_strdup(p->arena, from);
    if (at->gateway == NULL || at->to == NULL || at->from == NULL ||
        (step->route >= 0 && step->count == NULL))
        return error_nomem(err);
    p->plan->n++;
    return 0;
}

/* Everywhere that the client is registered, at once. */
static int add_registered(struct planner *p, struct bridge *bridge, struct error *err)
{
    struct bridge_registered found;
    int rc = 0;

    for (size_t i = 0; rc == 0 && p->plan->n < ROUTE_STEPS_MAX &&
                       bridge_find_identity(bridge, p->target.name + 7, i, &found);
         i++) {
        struct route_step step = {.gateway = found.gateway, .link = found.link, .route = -1};

        rc = add_step(p, &step, "keep", err);
    }
    return rc;
}

static size_t route_fits(const struct planner *p, const struct config_route *r)
{
    size_t best = 0;

    if (p->q->trunk != NULL && (r->trunk == NULL || strcmp(r->trunk, p->q->trunk) != 0))
        return 0;
    for (size_t i = 0; i < r->n_patterns; i++) {
        size_t fit = target_fits(&p->target, r->patterns[i]);

        if (fit > best)
            best = fit;
    }
    return best;
}

static int add_way(struct planner *p, size_t route, const char *trunk, unsigned *group,
                   struct error *err)
{
    const struct config_route *r = &p->config->routes[route];

    return add_step(p,
                    &(struct route_step){.gateway = r->gateway,
                                         .trunk = trunk,
                                         .group = (*group)++,
                                         .route = (int)route,
                                         .count = count_of_route(p->routes, r)},
                    r->caller_id, err);
}

/* A route to almon-sip that names no trunk means all of them, in the order of the file: what one
 * cannot take the next may. */
static int add_ways(struct planner *p, size_t route, unsigned *group, struct error *err)
{
    const struct config *c = p->config;
    const struct config_route *r = &c->routes[route];
    bool any = false;
    int rc = 0;

    if (r->trunk != NULL || p->target.kind != TARGET_NUMBER ||
        strcmp(r->gateway, c->sip.gateway) != 0)
        return add_way(p, route, r->trunk, group, err);
    for (size_t i = 0; i < c->n_trunks && rc == 0 && p->plan->n < ROUTE_STEPS_MAX; i++) {
        if (c->trunks[i].to == NULL)
            continue;
        any = true;
        rc = add_way(p, route, c->trunks[i].name, group, err);
    }
    return rc != 0 || any ? rc : add_way(p, route, NULL, group, err);
}

/* The routes that fit, the closest first: each round takes the best of those that come after the
 * one before it in that order. */
static int add_routes(struct planner *p, struct error *err)
{
    size_t last_fit = SIZE_MAX, last = 0;
    bool first = true;
    unsigned group = p->plan->n > 0 ? 1 : 0;

    while (p->plan->n < ROUTE_STEPS_MAX) {
        size_t best = 0, best_fit = 0;
        int rc;

        for (size_t i = 0; i < p->config->n_routes; i++) {
            size_t fit = route_fits(p, &p->config->routes[i]);
            bool later = fit < last_fit || (fit == last_fit && !first && i > last);

            if (fit > best_fit && later) {
                best = i;
                best_fit = fit;
            }
        }
        if (best_fit == 0)
            return 0;
        last_fit = best_fit;
        last = best;
        first = false;
        rc = add_ways(p, best, &group, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The line to add to almon.lua, for people. */
static int say_no_route(const struct planner *p, struct error *err)
{
    const struct target *t = &p->target;
    const char *gateway = p->config->sip.gateway;
    const char *iso = country_of(t->name);
    char pattern[ROUTE_NAME_MAX + 8], prefix[12];

    for (size_t i = 0; i < p->config->n_gateways; i++)
        if (p->config->gateways[i].terminate && config_find_gateway(p->config, gateway) == NULL)
            gateway = p->config->gateways[i].name;
    if (p->q->trunk != NULL)
        return error_set_twilio(err, ERR_REFUSED, 13225,
                                "no route with trunk \"%.60s\" leads to %.100s; write route { "
                                "\"…\", trunk = \"%.60s\" } in %s",
                                p->q->trunk, t->name, p->q->trunk, p->config->path);
    if (t->kind == TARGET_CLIENT)
        return error_set(err, ERR_MISSING,
                         "%.100s is registered by no gateway, and no route leads there", t->name);
    if (t->kind == TARGET_SIP)
        snprintf(pattern, sizeof pattern, "sip:*@%s", t->host);
    else if (iso != NULL)
        snprintf(pattern, sizeof pattern, "%s*", country_prefix(iso, prefix));
    else
        snprintf(pattern, sizeof pattern, "%s", t->name);
    return error_set_twilio(err, ERR_REFUSED, 13225,
                            "no route leads to %.100s; if it shall be called, write route { "
                            "\"%.100s\", gateway = \"%.60s\" } in %s",
                            t->name, pattern, gateway, p->config->path);
}

int routes_plan(struct routes *r, const struct config *config, struct bridge *bridge,
                const struct route_request *q, struct arena *arena, struct route_plan *plan,
                struct error *err)
{
    struct planner p = {.routes = r, .config = config, .q = q, .arena = arena, .plan = plan};
    struct error local = {0};
    int rc = target_read(&p.target, q->to, err);

    plan->n = 0;
    if (rc == 0)
        rc = judge_number(config, q->account, &p.target, err);
    if (rc == 0 && p.target.kind == TARGET_CLIENT && q->trunk == NULL)
        rc = add_registered(&p, bridge, &local);
    if (rc == 0)
        rc = add_routes(&p, &local);
    if (rc == 0 && plan->n == 0 && !p.refused)
        rc = say_no_route(&p, &local);
    else if (rc == 0 && plan->n == 0)
        rc = local.code;
    if (rc != 0 && local.code != 0 && err != NULL)
        *err = local;
    return rc;
}

/* --- the ceilings --- */

/* `line`, `calls`, `minutes`: of account{…} or route{…}, which `what` is. */
static int spend(struct ledger_entry *e, const struct config *config, const char *what, int line,
                 int calls, int minutes, const char *to, struct error *err)
{
    enum budget_state state = ledger_look(e, calls, minutes);

    if (state == BUDGET_OPEN)
        return 0;
    if (state == BUDGET_LOW) {
        log_warn("routes", NULL, "the %s in %s:%d has spent four fifths of what it may today", what,
                 config->path, line);
        return 0;
    }
    error_set_twilio(
        err, ERR_LIMIT, 20429,
        "%.100s is not called: the %s has spent its %d %s of today (%s in %s:%d)", to, what,
        state == BUDGET_CALLS ? calls : minutes, state == BUDGET_CALLS ? "calls" : "minutes",
        state == BUDGET_CALLS ? "calls_per_day" : "minutes_per_day", config->path, line);
    if (ledger_exhausted(e))
        log_error("routes", NULL, "alarm: %s", err->text);
    return ERR_LIMIT;
}

/* What may be spent today. */
static int look_at_budgets(const struct config *config, const struct config_account *account,
                           struct route_count *all, const struct route_step *step,
                           struct error *err)
{
    const struct config_route *route = &config->routes[step->route];
    int rc = spend(all->today, config, "account", account->line, account->calls_per_day,
                   account->minutes_per_day, step->to, err);

    return rc != 0 ? rc
                   : spend(step->count->today, config, "route", route->line, route->calls_per_day,
                           route->minutes_per_day, step->to, err);
}

int routes_take(struct routes *r, const struct config *config, const struct config_account *account,
                struct route_step *step, struct error *err)
{
    const struct config_route *route = step->route >= 0 ? &config->routes[step->route] : NULL;
    struct route_count *all = count_of(r, &r->accounts, "account", account->sid);
    struct route_count *line = step->count;

    if (all == NULL)
        return error_nomem(err);
    if (all->calls >= (unsigned)account->max_calls)
        return error_set_twilio(err, ERR_LIMIT, 10004,
                                "%.100s is not called: the account has its %d outgoing calls at "
                                "once (max_calls in %s:%d)",
                                step->to, account->max_calls, config->path, account->line);
    if (line != NULL && line->calls >= (unsigned)route->limit)
        return error_set_twilio(err, ERR_LIMIT, 10004,
                                "%.100s is not called over the route in %s:%d: it has its %d calls "
                                "(limit)",
                                step->to, config->path, route->line, route->limit);
    if (line != NULL && look_at_budgets(config, account, all, step, err) != 0)
        return ERR_LIMIT;
    if (line != NULL && !bucket_take(&all->second, loop_now(r->loop), account->calls_per_second,
                                     account->calls_per_second))
        return error_set_twilio(err, ERR_LIMIT, 20429,
                                "%.100s is not called: the account has made %d calls within a "
                                "second (calls_per_second in %s:%d)",
                                step->to, account->calls_per_second, config->path, account->line);
    all->calls++;
    step->since = loop_now(r->loop);
    if (line == NULL)
        return 0;
    line->calls++;
    ledger_take(all->today);
    ledger_take(line->today);
    return 0;
}

void routes_give(struct routes *r, const struct config_account *account,
                 const struct route_step *step)
{
    struct route_count *all = map_get(&r->accounts, account->sid);

    all->calls--;
    if (step->count == NULL)
        return;
    step->count->calls--;
    ledger_give(all->today, step->since);
    ledger_give(step->count->today, step->since);
}

/* --- messages --- */

int routes_take_message(struct routes *r, const struct config *config,
                        const struct config_account *account, const char *to, struct error *err)
{
    struct route_count *c = count_of(r, &r->messages, "messages", account->sid);
    enum budget_state state;

    if (c == NULL)
        return error_nomem(err);
    state = ledger_look(c->today, account->messages_per_day, 0);
    if (state == BUDGET_LOW)
        log_warn("routes", NULL,
                 "the account in %s:%d has sent four fifths of the messages that it may today",
                 config->path, account->line);
    if (state == BUDGET_OPEN || state == BUDGET_LOW) {
        ledger_take(c->today);
        ledger_give(c->today, loop_now(r->loop)); /* it takes no minutes */
        return 0;
    }
    error_set_twilio(err, ERR_LIMIT, 14107,
                     "%.100s is not written to: the account has sent its %d messages of today "
                     "(messages_per_day in %s:%d)",
                     to, account->messages_per_day, config->path, account->line);
    if (ledger_exhausted(c->today))
        log_error("routes", NULL, "alarm: %s", err->text);
    return ERR_LIMIT;
}

int64_t routes_message_turn(struct routes *r, const struct config_account *account)
{
    struct route_count *c = map_get(&r->messages, account->sid);
    int64_t now = loop_now(r->loop), second = 1000000, turn;

    if (c == NULL)
        return 0; /* after a restart, none was counted yet */
    turn = c->turn > now - second ? c->turn : now - second;
    c->turn = turn + second / account->messages_per_second;
    return turn > now ? (turn - now + 999) / 1000 : 0;
}

unsigned route_hops(const char *const *params)
{
    long hops;

    for (; params != NULL && params[0] != NULL; params += 2)
        if (strcasecmp(params[0], ROUTE_HOPS) == 0 && str_to_long(params[1], 0, 1000000, &hops))
            return (unsigned)hops;
    return 0;
}

int route_offer(struct bridge *bridge, const struct route_step *step, const struct offer *offer,
                struct channel **cp, struct error *err)
{
    struct offer routed = *offer;

    routed.link = step->link;
    routed.trunk = step->trunk;
    return bridge_offer(bridge, step->gateway, &routed, cp, err);
}
