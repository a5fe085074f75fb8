#include "gateways/sip/trunks.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sid.h"
#include "gateways/sip/gateway.h"
#include "gateways/sip/route.h"
#include "gateways/sip/weigh.h"
#include <stdio.h>
#include <string.h>

enum {
    EXPIRES_SECONDS = 600,
    FORGIVE_MS = 60000, /* one that was silent, and is not asked by OPTIONS */
    AGAIN_SECONDS = 30, /* until DNS is asked again after it had no answer, or we register again */
};

/* One of the servers of a trunk. */
struct place {
    struct trunk_state *of; /* NULL: free */
    struct stack_place at;
    struct probe *probe; /* under way */
    struct timer next;
    bool dead;
};

struct trunk_state {
    struct link_node node;
    struct trunks *all;
    const struct config_trunk *trunk; /* of the gateway's configuration */
    bool stale;                       /* not yet found in a new one */

    struct enrolment *enrolment;
    unsigned status; /* of the last registration; 0: none yet, or nobody answered */
    bool tried;
    struct timer enrol; /* once more, after it could not even be sent */
    bool unsent;        /* that was said */
    struct sockaddr_storage from;

    /* The address of almon.lua, or, where that is a name, what DNS says of it. */
    struct place places[TRUNK_PLACES];
    struct lookup *lookup;
    struct timer ask; /* DNS */
    bool nowhere;     /* that was said */
};

struct trunks {
    struct gateway *g;
    struct list states;
    struct rng rng;
};

static struct trunk_state *find(const struct trunks *t, const char *name)
{
    for (struct link_node *n = list_first(&t->states); n != NULL; n = list_next(&t->states, n)) {
        struct trunk_state *s = list_entry(n, struct trunk_state, node);

        if (strcmp(s->trunk->name, name) == 0)
            return s;
    }
    return NULL;
}

static const char *address_of(const struct config_trunk *t)
{
    return t->proxy != NULL ? t->proxy : t->to;
}

/* --- health: OPTIONS now and then --- */

static size_t count_places(const struct trunk_state *s, bool alive)
{
    size_t n = 0;

    for (size_t i = 0; i < TRUNK_PLACES; i++)
        n += s->places[i].of != NULL && !(alive && s->places[i].dead);
    return n;
}

static void set_dead(struct place *p, bool dead, const char *why)
{
    struct trunk_state *s = p->of;
    const char *name = s->trunk->name;
    bool changed = dead != p->dead;

    p->dead = dead;
    if (!changed)
        return;
    if (!dead)
        log_info("sip", NULL, "trunk %s answers again (%s) at %s", name, why, p->at.route);
    else if (count_places(s, true) > 0)
        log_warn("sip", NULL, "trunk %s does not answer at %s (%s): its others get its calls", name,
                 p->at.route, why);
    else
        log_warn("sip", NULL, "trunk %s does not answer (%s): no calls go there until it does",
                 name, why);
}

static void on_answered(void *arg, unsigned status)
{
    struct place *p = arg;
    char why[24];

    p->probe = stack_probe_free(p->probe);
    if (status == 0)
        str_copy(why, sizeof why, "nobody is there");
    else
        snprintf(why, sizeof why, "%u", status);
    set_dead(p, status == 0 || status == 408 || status == 503, why);
    timer_start(&p->next, (int64_t)p->of->trunk->probe * 1000);
}

static void on_next(void *arg)
{
    struct place *p = arg;
    struct gateway *g = p->of->all->g;
    const struct config_trunk *t = p->of->trunk;
    char from[ROUTE_TEXT_MAX], domain[ROUTE_TEXT_MAX];

    if (t->probe == 0) {
        p->dead = false;
        return;
    }
    snprintf(domain, sizeof domain, "sip:%.200s", g->config->sip.domain);
    if (!route_uri("almon", domain, from) ||
        stack_probe(&p->probe, g->stack, t->to, from, p->at.route, on_answered, p) != 0)
        on_answered(p, 0);
}

void trunks_silent(struct trunks *t, const struct config_trunk *trunk, const char *route)
{
    struct trunk_state *s = find(t, trunk->name);

    for (size_t i = 0; s != NULL && i < TRUNK_PLACES; i++) {
        struct place *p = &s->places[i];

        if (p->of == NULL || strcmp(p->at.route, route) != 0)
            continue;
        set_dead(p, true, "a call was not heard");
        if (p->probe == NULL)
            timer_start(&p->next, s->trunk->probe > 0 ? s->trunk->probe * 1000 : FORGIVE_MS);
    }
}

/* --- where it is --- */

static void drop_place(struct place *p)
{
    if (p->of == NULL)
        return;
    timer_stop(&p->next);
    stack_probe_free(p->probe);
    *p = (struct place){0};
}

static void add_place(struct trunk_state *s, const struct stack_place *at)
{
    struct place *p = s->places;

    while (p < s->places + TRUNK_PLACES && p->of != NULL)
        p++;
    if (p == s->places + TRUNK_PLACES)
        return;
    *p = (struct place){.of = s, .at = *at};
    timer_init(&p->next, s->all->g->loop, on_next, p);
    if (s->trunk->probe > 0)
        timer_start(&p->next, 0);
}

/* Those that are still there keep what is known of them. */
static void set_places(struct trunk_state *s, const struct stack_place *places, size_t n)
{
    bool known[STACK_PLACES_MAX] = {false};

    for (size_t i = 0; i < TRUNK_PLACES; i++) {
        struct place *p = &s->places[i];
        size_t k = 0;

        while (p->of != NULL && k < n && strcmp(places[k].route, p->at.route) != 0)
            k++;
        if (p->of != NULL && k < n) {
            p->at = places[k];
            known[k] = true;
        } else {
            drop_place(p);
        }
    }
    for (size_t k = 0; k < n; k++)
        if (!known[k])
            add_place(s, &places[k]);
}

/* A name that leads nowhere now may do so again: what is known of it stays. */
static void on_found(void *arg, const struct stack_place *places, size_t n, unsigned seconds)
{
    struct trunk_state *s = arg;

    if (n == 0 && !s->nowhere)
        log_warn("sip", NULL, "trunk %s: DNS has no address for %s; asked again every %u s",
                 s->trunk->name, address_of(s->trunk), seconds);
    s->nowhere = n == 0;
    if (n > 0)
        set_places(s, places, n);
    s->lookup = stack_lookup_free(s->lookup);
    timer_start(&s->ask, (int64_t)seconds * 1000);
}

static void on_ask(void *arg)
{
    struct trunk_state *s = arg;

    if (stack_lookup(&s->lookup, s->all->g->stack, address_of(s->trunk), on_found, s) != 0)
        on_found(s, NULL, 0, AGAIN_SECONDS);
}

static void find_places(struct trunk_state *s)
{
    struct stack_place as_is = {0};

    if (s->trunk->to == NULL)
        return;
    if (stack_is_name(address_of(s->trunk))) {
        on_ask(s);
        return;
    }
    str_copy(as_is.route, sizeof as_is.route, address_of(s->trunk));
    add_place(s, &as_is);
}

size_t trunks_places(struct trunks *t, const struct config_trunk *trunk,
                     const char *routes[TRUNK_PLACES])
{
    struct trunk_state *s = find(t, trunk->name);
    struct weighed w[TRUNK_PLACES];
    size_t n = 0;

    for (size_t i = 0; s != NULL && i < TRUNK_PLACES; i++)
        if (s->places[i].of != NULL && !s->places[i].dead)
            w[n++] = (struct weighed){s->places[i].at.priority, s->places[i].at.weight, i};
    weigh(w, n, &t->rng);
    for (size_t i = 0; i < n; i++)
        routes[i] = s->places[w[i].which].at.route;
    return n;
}

void trunks_sort(struct trunks *t, const struct stack_place *places, size_t n,
                 const char *routes[STACK_PLACES_MAX])
{
    struct weighed w[STACK_PLACES_MAX];

    for (size_t i = 0; i < n; i++)
        w[i] = (struct weighed){places[i].priority, places[i].weight, i};
    weigh(w, n, &t->rng);
    for (size_t i = 0; i < n; i++)
        routes[i] = places[w[i].which].route;
}

/* --- registration --- */

static int enrol_trunk(struct trunk_state *s, struct error *err)
{
    char uri[ROUTE_TEXT_MAX];
    struct gateway *g = s->all->g;
    const struct config_trunk *trunk = s->trunk;
    struct enrolment_config c = {.registrar = trunk->to,
                                 .uri = uri,
                                 .route = trunk->proxy,
                                 .contact = trunk->user,
                                 .user = trunk->user,
                                 .password = trunk->password,
                                 .expires = EXPIRES_SECONDS,
                                 .keep_alive = (unsigned)trunk->keep_alive};

    if (trunk->to == NULL || trunk->user == NULL || !route_uri(trunk->user, trunk->to, uri))
        return error_set(err, ERR_INVALID, "%s:%d: trunk: register needs to = 'sip:host' and user",
                         g->config->path, trunk->line);
    return enrol(&s->enrolment, g->stack, &c, s, err);
}

/* No network yet is the usual reason when not even the first packet leaves: phones and other trunks
 * are served meanwhile. What is wrong in almon.lua is an error. */
static int register_trunk(struct trunk_state *s, struct error *err)
{
    struct error why = {0};
    int rc = enrol_trunk(s, &why);

    if (rc != ERR_IO) {
        if (rc != 0)
            error_set(err, rc, "%s", why.text);
        return rc;
    }
    if (!s->unsent)
        log_warn("sip", NULL, "trunk %s: %s; tried again every %d s", s->trunk->name, why.text,
                 AGAIN_SECONDS);
    s->unsent = true;
    timer_start(&s->enrol, AGAIN_SECONDS * 1000);
    return 0;
}

static void on_enrol(void *arg)
{
    struct trunk_state *s = arg;
    struct error err = {0};

    if (register_trunk(s, &err) != 0)
        log_warn("sip", NULL, "trunk %s: %s", s->trunk->name, err.text);
}

void trunks_enrolled(struct trunks *t, void *enrolment_arg, unsigned status,
                     const struct sockaddr_storage *from)
{
    struct trunk_state *s = enrolment_arg;

    if (status == 200 && s->status != 200)
        log_info("sip", NULL, "trunk %s: registration 200", s->trunk->name);
    else if (s->status != status || !s->tried)
        log_warn("sip", NULL, "trunk %s: registration %u%s", s->trunk->name, status,
                 status == 0 ? ": nobody answered, or its name is not known"
                 : status == 401 || status == 403 || status == 407
                     ? ": look at user and password of this trunk in almon.lua"
                     : "");
    s->status = status;
    s->tried = true;
    if (status != 200)
        return;
    s->from = *from;
    peers_learn(t->g->peers, s->trunk, from);
}

const char *trunks_fault(const struct trunks *t, const struct config_trunk *trunk)
{
    const struct trunk_state *s = find(t, trunk->name);

    if (s == NULL)
        return NULL;
    if (trunk->registers && s->status != 200)
        return "it has not taken our registration";
    if (count_places(s, false) == 0)
        return "its name leads nowhere yet";
    return count_places(s, true) == 0 ? "it does not answer" : NULL;
}

/* --- life --- */

static void drop(struct trunk_state *s)
{
    list_remove(&s->node);
    timer_stop(&s->ask);
    timer_stop(&s->enrol);
    stack_lookup_free(s->lookup);
    for (size_t i = 0; i < TRUNK_PLACES; i++)
        drop_place(&s->places[i]);
    enrolment_free(s->enrolment);
    mem_free(s);
}

static int add(struct trunks *t, const struct config_trunk *trunk, struct error *err)
{
    struct trunk_state *s = mem_alloc(sizeof *s);

    if (s == NULL)
        return error_nomem(err);
    s->all = t;
    s->trunk = trunk;
    timer_init(&s->ask, t->g->loop, on_ask, s);
    timer_init(&s->enrol, t->g->loop, on_enrol, s);
    list_append(&t->states, &s->node);
    find_places(s);
    return trunk->registers ? register_trunk(s, err) : 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same(const struct config_trunk *a, const struct config_trunk *b)
{
    return same_text(a->to, b->to) && same_text(a->user, b->user) &&
           same_text(a->password, b->password) && same_text(a->proxy, b->proxy) &&
           a->registers == b->registers && a->probe == b->probe && a->keep_alive == b->keep_alive;
}

int trunks_renew(struct trunks *t, struct error *err)
{
    const struct config *c = t->g->config;
    struct link_node *n, *next;
    int rc = 0;

    for (n = list_first(&t->states); n != NULL; n = list_next(&t->states, n))
        list_entry(n, struct trunk_state, node)->stale = true;
    for (size_t i = 0; i < c->n_trunks; i++) {
        struct trunk_state *s = find(t, c->trunks[i].name);

        if (s == NULL || !is_same(s->trunk, &c->trunks[i]))
            continue;
        s->stale = false;
        s->trunk = &c->trunks[i];
        if (s->status == 200)
            peers_learn(t->g->peers, s->trunk, &s->from);
    }
    for (n = list_first(&t->states); n != NULL; n = next) {
        struct trunk_state *s = list_entry(n, struct trunk_state, node);

        next = list_next(&t->states, n);
        if (s->stale)
            drop(s);
    }
    for (size_t i = 0; i < c->n_trunks && rc == 0; i++)
        if (find(t, c->trunks[i].name) == NULL)
            rc = add(t, &c->trunks[i], err);
    return rc;
}

int trunks_new(struct trunks **tp, struct gateway *g, struct error *err)
{
    struct trunks *t = mem_alloc(sizeof *t);

    if (t == NULL)
        return error_nomem(err);
    t->g = g;
    list_init(&t->states);
    rng_init_secure(&t->rng);
    *tp = t;
    return trunks_renew(t, err);
}

void trunks_leave(struct trunks *t)
{
    for (struct link_node *n = list_first(&t->states); n != NULL; n = list_next(&t->states, n)) {
        struct trunk_state *s = list_entry(n, struct trunk_state, node);

        timer_stop(&s->ask);
        timer_stop(&s->enrol);
        for (size_t i = 0; i < TRUNK_PLACES; i++)
            drop_place(&s->places[i]);
        s->enrolment = enrolment_free(s->enrolment);
    }
}

struct trunks *trunks_free(struct trunks *t)
{
    struct link_node *n;

    if (t == NULL)
        return NULL;
    while ((n = list_first(&t->states)) != NULL)
        drop(list_entry(n, struct trunk_state, node));
    mem_free(t);
    return NULL;
}
