/* A call to a trunk, or to a SIP address: the servers behind its name are tried one after another
 * while they cannot take the call, or say nothing at all (RFC 3263 §4.3). What a server says of who
 * was called ends the hunt. */
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/call_private.h"
#include "gateways/sip/trunks.h"
#include <string.h>

enum { PATIENCE_MS = 4000 }; /* of an address that is no trunk's */

struct call_hunt {
    struct call *c;
    struct lookup *lookup; /* of a name that no trunk has asked for */
    struct dial dial;
    char user[257], password[257]; /* its own, which outlive the offer */
    size_t next;                   /* of its places; 0: dial.route, then dial.more */
    struct timer silent;
    bool heard; /* of the one that is tried */
};

static const char *route_of(const struct call_hunt *h, size_t i)
{
    return i == 0 ? h->dial.route : h->dial.more[i - 1].route;
}

static bool has_next(const struct call_hunt *h)
{
    return h->next <= h->dial.n_more;
}

/* The next one that can be called at all. */
static int try_next(struct call *c, struct error *err)
{
    struct call_hunt *h = c->hunt;
    int rc = ERR_IO;

    while (rc != 0 && has_next(h)) {
        rc = call_dial(c, &h->dial, route_of(h, h->next++), err);
        if (rc != 0)
            log_warn("sip", NULL, "%s: %s", c->id, err->text);
    }
    h->heard = false;
    if (rc == 0 && c->trunk != NULL)
        timer_start(&h->silent, c->trunk->patience * 1000);
    else if (rc == 0 && has_next(h)) /* the last one may take what time SIP gives it */
        timer_start(&h->silent, PATIENCE_MS);
    return rc;
}

/* Somebody is at work on it now, and may take his time. */
void call_hunt_heard(struct call *c)
{
    if (c->hunt == NULL)
        return;
    c->hunt->heard = true;
    timer_stop(&c->hunt->silent);
}

bool call_hunt_next(struct call *c, unsigned status)
{
    struct call_hunt *h = c->hunt;
    struct error err = {0};

    if (h == NULL || c->answered || c->rang || c->early || (h->heard && status != 503))
        return false;
    timer_stop(&h->silent);
    if (!has_next(h))
        return false;
    log_info("sip", NULL, "%s: %s cannot take it (%u), the next can perhaps", c->id,
             route_of(h, h->next - 1), status);
    c->leg = leg_end(c->leg, status, -1);
    return try_next(c, &err) == 0;
}

static void on_silent(void *arg)
{
    struct call_hunt *h = arg;
    struct call *c = h->c;

    if (c->trunk != NULL)
        trunks_silent(c->g->trunks, c->trunk, route_of(h, h->next - 1));
    if (!call_hunt_next(c, 503))
        call_leg_handlers.ended(c, 503, -1);
}

static void on_found(void *arg, const struct stack_place *places, size_t n, unsigned seconds)
{
    struct call_hunt *h = arg;
    struct call *c = h->c;
    struct dial *d = &h->dial;
    const char *routes[STACK_PLACES_MAX];
    struct error err = {0};

    (void)seconds;
    trunks_sort(c->g->trunks, places, n, routes);
    for (size_t i = 0; i < n && i < REGISTRAR_CONTACTS; i++) {
        str_copy(i == 0 ? d->route : d->more[i - 1].route, sizeof d->route, routes[i]);
        d->n_more = i;
    }
    h->lookup = stack_lookup_free(h->lookup);
    if (n == 0) {
        log_warn("sip", NULL, "%s: DNS knows no server behind %s", c->id, d->route);
        h->next = 1; /* there is none to try */
    }
    if (n == 0 || try_next(c, &err) != 0)
        call_leg_handlers.ended(c, 503, -1);
}

int call_hunt(struct call *c, const struct dial *d, struct error *err)
{
    struct call_hunt *h = mem_alloc(sizeof *h);

    if (h == NULL)
        return error_nomem(err);
    h->c = c;
    h->dial = *d;
    if (d->user != NULL) {
        str_copy(h->user, sizeof h->user, d->user);
        str_copy(h->password, sizeof h->password, d->password != NULL ? d->password : "");
        h->dial.user = h->user;
        h->dial.password = h->password;
    }
    timer_init(&h->silent, c->g->loop, on_silent, h);
    c->hunt = h;
    if (d->n_more == 0 && stack_is_name(d->route) &&
        stack_lookup(&h->lookup, c->g->stack, d->route, on_found, h) == 0)
        return 0;
    return try_next(c, err);
}

void call_hunt_drop(struct call *c)
{
    if (c->hunt == NULL)
        return;
    timer_stop(&c->hunt->silent);
    stack_lookup_free(c->hunt->lookup);
    mem_free(c->hunt);
    c->hunt = NULL;
}
