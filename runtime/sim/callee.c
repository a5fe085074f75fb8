/* Parties that the exchange calls. Each call to one is a caller like any other: only how it began
 * differs. */
#include "base/mem.h"
#include "sim/private.h"
#include <string.h>

struct sim_callee {
    char *address;
    bool away;
    struct sim_row manners; /* struct sim_manner, one for each call; the last for all that follow */
    size_t first;           /* which call the first of them is for */
    struct sim_row calls;   /* struct sim_caller *, the exchange's */
};

/* A session that offers a call, until the offer has arrived here. */
struct sim_child {
    char sid[SID_SIZE];
    char status[16];
    char *to;
    bool met; /* its call is known, or it ended without */
};

/* --- who is at an address --- */

static bool fits(const char *pattern, const char *address)
{
    size_t n = strlen(pattern);

    if (n > 0 && pattern[n - 1] == '*')
        return strncmp(pattern, address, n - 1) == 0;
    return strcmp(pattern, address) == 0;
}

static struct sim_callee *callee_at(struct sim *s, const char *address)
{
    struct sim_callee **all = s->callees.items, *best = NULL;

    for (size_t i = 0; i < s->callees.count; i++)
        if (fits(all[i]->address, address) &&
            (best == NULL || strlen(all[i]->address) > strlen(best->address)))
            best = all[i];
    return best;
}

static struct sim_callee *callee_named(struct sim *s, const char *address)
{
    struct sim_callee **all = s->callees.items;

    for (size_t i = 0; i < s->callees.count; i++)
        if (strcmp(all[i]->address, address) == 0)
            return all[i];
    return NULL;
}

static struct sim_callee *callee_free(struct sim_callee *c)
{
    mem_free(c->address);
    mem_free(c->manners.items);
    mem_free(c->calls.items);
    mem_free(c);
    return NULL;
}

static struct sim_callee *callee_new(struct sim *s, const char *address)
{
    struct sim_callee *c = mem_alloc(sizeof *c), **at;

    if (c == NULL)
        return NULL;
    c->address = mem_strdup(address);
    at = c->address != NULL ? sim_row_add(&s->callees, sizeof *at, SIM_CALLEES) : NULL;
    if (at == NULL)
        return callee_free(c);
    *at = c;
    return c;
}

#define CLIENT "client:"

static void register_client(struct sim *s, const struct sim_callee *c)
{
    const char *identity = c->address + strlen(CLIENT);

    if (strncmp(c->address, CLIENT, strlen(CLIENT)) != 0)
        return;
    if (c->away)
        client_unregister(s->client, identity);
    else
        client_register(s->client, identity);
}

void sim_callees_register(struct sim *s)
{
    struct sim_callee **all = s->callees.items;

    for (size_t i = 0; i < s->callees.count; i++)
        register_client(s, all[i]);
}

int sim_callee_then(struct sim_callee *c, const struct sim_manner *m, struct error *err)
{
    struct sim_manner *at = sim_row_add(&c->manners, sizeof *at, SIM_CALLERS);

    if (at == NULL)
        return error_set(err, ERR_LIMIT, "more than %d calls to one callee, or out of memory",
                         SIM_CALLERS);
    *at = *m;
    at->address = c->address;
    return 0;
}

int sim_add_callee(struct sim *s, const struct sim_manner *m, struct sim_callee **cp,
                   struct error *err)
{
    struct sim_callee *c = callee_named(s, m->address);
    int rc;

    if (c == NULL && (c = callee_new(s, m->address)) == NULL)
        return error_set(err, ERR_LIMIT, "more than %d callees in one exchange, or out of memory",
                         SIM_CALLEES);
    c->manners.count = 0;
    c->first = c->calls.count;
    c->away = m->away;
    rc = sim_callee_then(c, m, err);
    register_client(s, c);
    if (rc == 0)
        *cp = c;
    return rc;
}

static const struct sim_manner *next_manner(const struct sim_callee *c)
{
    const struct sim_manner *all = c->manners.items;
    size_t n = c->calls.count - c->first;

    return n < c->manners.count ? &all[n] : &all[c->manners.count - 1];
}

const char *sim_callee_address(const struct sim_callee *c)
{
    return c->address;
}

struct sim_caller *sim_callee_call(const struct sim_callee *c, size_t i)
{
    return i < c->calls.count ? ((struct sim_caller **)c->calls.items)[i] : NULL;
}

void sim_callees_free(struct sim *s)
{
    struct sim_callee **all = s->callees.items;
    struct sim_child *children = s->children.items;

    for (size_t i = 0; i < s->callees.count; i++)
        callee_free(all[i]);
    mem_free(all);
    for (size_t i = 0; i < s->children.count; i++)
        mem_free(children[i].to);
    mem_free(children);
}

/* --- which session offered it --- */

/* The offer and the journal's line about its session come in no fixed order, but both in the order
 * in which the calls are made. */
static struct sim_child *child_unmet(struct sim *s, const char *to)
{
    struct sim_child *all = s->children.items, *any = NULL;

    for (size_t i = 0; i < s->children.count; i++) {
        if (!all[i].met && strcmp(all[i].to, to) == 0)
            return &all[i];
        if (!all[i].met && any == NULL)
            any = &all[i];
    }
    return any; /* a route may rewrite the number */
}

static struct sim_caller *call_unmet(struct sim *s, const char *to)
{
    struct sim_caller **all = s->callers.items;

    for (size_t i = 0; i < s->callers.count; i++)
        if (all[i]->offer != NULL && all[i]->sid[0] == '\0' && strcmp(all[i]->offer->to, to) == 0)
            return all[i];
    return NULL;
}

void sim_callee_begins(struct sim *s, const char *sid, const char *to)
{
    struct sim_caller *c = call_unmet(s, to != NULL ? to : "");
    struct sim_child *child;
    char *copy;

    if (c != NULL) {
        str_copy(c->sid, sizeof c->sid, sid);
        return;
    }
    copy = mem_strdup(to != NULL ? to : "");
    child = copy != NULL ? sim_row_add(&s->children, sizeof *child, SIM_CALLERS) : NULL;
    if (child == NULL) {
        mem_free(copy);
        return;
    }
    child->to = copy;
    str_copy(child->sid, sizeof child->sid, sid);
}

static bool is_final(const char *status)
{
    static const char *const live[] = {"queued", "initiated", "ringing", "in-progress"};

    for (size_t i = 0; i < sizeof live / sizeof *live; i++)
        if (strcmp(status, live[i]) == 0)
            return false;
    return true;
}

void sim_callee_becomes(struct sim *s, const char *sid, const char *status)
{
    struct sim_child *all = s->children.items;

    for (size_t i = s->children.count; i > 0; i--)
        if (strcmp(all[i - 1].sid, sid) == 0) {
            str_copy(all[i - 1].status, sizeof all[i - 1].status, status);
            all[i - 1].met = all[i - 1].met || is_final(status);
            return;
        }
}

/* The way before failed: the same session offers its call once more. */
static struct sim_child *child_again(struct sim *s, const char *to)
{
    struct sim_child *all = s->children.items;

    for (size_t i = s->children.count; i > 0; i--)
        if (all[i - 1].met && !is_final(all[i - 1].status) && strcmp(all[i - 1].to, to) == 0)
            return &all[i - 1];
    return NULL;
}

static void meet_session(struct sim_caller *c)
{
    struct sim_child *child = child_unmet(c->sim, c->offer->to);

    if (child == NULL)
        child = child_again(c->sim, c->offer->to);
    if (child == NULL)
        return;
    child->met = true;
    str_copy(c->sid, sizeof c->sid, child->sid);
    str_copy(c->status, sizeof c->status, child->status);
}

/* --- an offer --- */

static bool copy_params(struct arena *arena, struct offer *o, const char *const *params)
{
    const char **copy;
    size_t n = 0;

    while (params != NULL && params[n] != NULL)
        n++;
    copy = arena_alloc(arena, (n + 1) * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < n; i++)
        if ((copy[i] = arena_strdup(arena, params[i])) == NULL)
            return false;
    o->params = copy;
    return copy != NULL;
}

static bool fill_offer(struct sim_caller *c, struct offer *o, const struct offer *offer)
{
    const char **texts[] = {&o->gateway,        &o->from,        &o->to,
                            &o->forwarded_from, &o->caller_name, &o->call_token,
                            &o->trunk,          &o->user,        &o->password};

    *o = *offer;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i] != NULL && (*texts[i] = arena_strdup(&c->strings, *texts[i])) == NULL)
            return false;
    c->offer = o;
    return copy_params(&c->strings, o, offer->params);
}

static bool copy_offer(struct sim_caller *c, const struct offer *offer)
{
    struct offer *o = arena_alloc(&c->strings, sizeof *o);

    return o != NULL && fill_offer(c, o, offer);
}

static struct sim_caller *call_new(struct sim_callee *callee, struct sim *s, uint32_t number,
                                   const struct offer *offer)
{
    struct sim_caller *c = callee->manners.count > 0 ? sim_caller_new(s, offer->codec) : NULL;
    const struct sim_manner *manner = c != NULL ? next_manner(callee) : NULL;
    struct sim_caller **at;

    if (c == NULL || !copy_offer(c, offer) ||
        (at = sim_row_add(&callee->calls, sizeof *at, SIM_CALLERS)) == NULL)
        return sim_caller_free(c);
    if (sim_caller_keep(c, NULL) != 0) {
        callee->calls.count--;
        return sim_caller_free(c);
    }
    *at = c;
    c->number = number;
    c->manner = *manner;
    c->offered_at = sim_now(s);
    return c;
}

void sim_callee_offered(void *arg, uint32_t number, const struct offer *offer)
{
    struct sim *s = arg;
    struct sim_callee *callee = callee_at(s, offer->to);
    struct sim_caller *c;

    if (callee == NULL) {
        client_hangup(s->client, number, CAUSE_UNROUTABLE);
        return;
    }
    c = call_new(callee, s, number, offer);
    if (c == NULL) {
        client_hangup(s->client, number, CAUSE_ERROR);
        return;
    }
    meet_session(c);
    sim_callee_acts(c);
}

/* --- what it does --- */

const struct offer *sim_caller_offer(const struct sim_caller *c)
{
    return c->offer;
}

static void ring(struct sim_caller *c)
{
    if (c->offer == NULL || c->rung || c->answered || c->over)
        return;
    c->rung = true;
    client_ringing_with(c->sim->client, c->number, c->manner.early, NULL);
    if (c->manner.early)
        sim_caller_begin_early(c);
}

void sim_caller_answer(struct sim_caller *c)
{
    if (c->offer == NULL || c->answered || c->over)
        return;
    client_answer(c->sim->client, c->number);
    sim_caller_begin(c);
}

/* The earlier of two times, of which -1 is never. */
static int earlier(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

void sim_callee_acts(void *arg)
{
    struct sim_caller *c = arg;
    const struct sim_manner *m = &c->manner;
    int past = (int)(sim_now(c->sim) - c->offered_at), next = -1;

    if (m->rings_ms > past)
        next = m->rings_ms;
    else if (m->rings_ms >= 0)
        ring(c);
    if (m->answers_ms > past)
        next = earlier(next, m->answers_ms);
    else if (m->answers_ms >= 0)
        sim_caller_answer(c);
    if (m->refuses_ms > past)
        next = earlier(next, m->refuses_ms);
    else if (m->refuses_ms >= 0 && !c->answered)
        sim_caller_refuse(c, m->cause);
    if (next >= 0 && !c->over && !c->answered)
        timer_start(&c->plan, next - past);
}
