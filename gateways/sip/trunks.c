#include "gateways/sip/trunks.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/gateway.h"
#include "gateways/sip/route.h"
#include <stdio.h>
#include <string.h>

enum { EXPIRES_SECONDS = 600 };

struct trunk_state {
    struct link_node node;
    struct trunks *all;
    const struct config_trunk *trunk; /* of the gateway's configuration */
    bool stale;                       /* not yet found in a new one */

    struct enrolment *enrolment;
    unsigned status; /* of the last registration; 0: none yet, or nobody answered */
    bool tried;
    struct sockaddr_storage from;

    struct probe *probe; /* under way */
    struct timer next;
    bool dead;
};

struct trunks {
    struct gateway *g;
    struct list states;
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

/* --- health: OPTIONS now and then --- */

static void on_next(void *arg);

static void on_answered(void *arg, unsigned status)
{
    struct trunk_state *s = arg;
    bool dead = status == 0 || status == 408 || status == 503;

    s->probe = stack_probe_free(s->probe);
    if (dead && !s->dead)
        log_warn("sip", NULL, "trunk %s does not answer (%u%s): no calls go there until it does",
                 s->trunk->name, status,
                 status == 0 ? ": nobody is there, or its name is not known" : "");
    else if (!dead && s->dead)
        log_info("sip", NULL, "trunk %s answers again (%u)", s->trunk->name, status);
    s->dead = dead;
    timer_start(&s->next, (int64_t)s->trunk->probe * 1000);
}

static void on_next(void *arg)
{
    struct trunk_state *s = arg;
    struct gateway *g = s->all->g;
    const struct config_trunk *t = s->trunk;
    char from[ROUTE_TEXT_MAX], domain[ROUTE_TEXT_MAX];

    snprintf(domain, sizeof domain, "sip:%.200s", g->config->sip.domain);
    if (!route_uri("almon", domain, from) ||
        stack_probe(&s->probe, g->stack, t->to, from, t->proxy != NULL ? t->proxy : t->to,
                    on_answered, s) != 0)
        on_answered(s, 0);
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
                                 .expires = EXPIRES_SECONDS};

    if (trunk->to == NULL || trunk->user == NULL || !route_uri(trunk->user, trunk->to, uri))
        return error_set(err, ERR_INVALID, "%s:%d: trunk: register needs to = 'sip:host' and user",
                         g->config->path, trunk->line);
    return enrol(&s->enrolment, g->stack, &c, s, err);
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
    return s->dead ? "it does not answer" : NULL;
}

/* --- life --- */

static void drop(struct trunk_state *s)
{
    list_remove(&s->node);
    timer_stop(&s->next);
    stack_probe_free(s->probe);
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
    timer_init(&s->next, t->g->loop, on_next, s);
    list_append(&t->states, &s->node);
    if (trunk->to != NULL && trunk->probe > 0)
        timer_start(&s->next, 0);
    return trunk->registers ? enrol_trunk(s, err) : 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same(const struct config_trunk *a, const struct config_trunk *b)
{
    return same_text(a->to, b->to) && same_text(a->user, b->user) &&
           same_text(a->password, b->password) && same_text(a->proxy, b->proxy) &&
           a->registers == b->registers && a->probe == b->probe;
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
    *tp = t;
    return trunks_renew(t, err);
}

void trunks_leave(struct trunks *t)
{
    for (struct link_node *n = list_first(&t->states); n != NULL; n = list_next(&t->states, n)) {
        struct trunk_state *s = list_entry(n, struct trunk_state, node);

        timer_stop(&s->next);
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
