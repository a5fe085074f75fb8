/* Who is reached as client:NAME, and on which links. A registration lives until it is taken back or
 * its link is gone. */
#include "base/mem.h"
#include "bridge/private.h"
#include <string.h>

struct identity {
    struct list registrations; /* first come first */
    unsigned n;
    char name[];
};

struct registration {
    struct link_node of_identity, of_peer;
    struct identity *identity;
    struct peer *peer;
};

static struct registration *find(const struct identity *id, const struct peer *p)
{
    struct link_node *n = id != NULL ? list_first(&id->registrations) : NULL;

    for (; n != NULL; n = list_next(&id->registrations, n)) {
        struct registration *r = list_entry(n, struct registration, of_identity);

        if (r->peer == p)
            return r;
    }
    return NULL;
}

static struct identity *identity_new(struct bridge *b, const char *name)
{
    size_t len = strlen(name);
    struct identity *id = mem_alloc(sizeof *id + len + 1);

    if (id == NULL || map_set(&b->identities, name, id) != 0) {
        mem_free(id);
        return NULL;
    }
    memcpy(id->name, name, len + 1);
    list_init(&id->registrations);
    return id;
}

static void free_if_empty(struct bridge *b, struct identity *id)
{
    if (id->n == 0)
        mem_free(map_remove(&b->identities, id->name));
}

static void unregister(struct registration *r)
{
    list_remove(&r->of_identity);
    list_remove(&r->of_peer);
    r->identity->n--;
    r->peer->n_registrations--;
    r->peer->bridge->stats.identities--;
    free_if_empty(r->peer->bridge, r->identity);
    mem_free(r);
}

static int add(struct peer *p, const char *name, struct identity *id)
{
    struct bridge *b = p->bridge;
    struct registration *r = mem_alloc(sizeof *r);

    if (r != NULL && id == NULL)
        id = identity_new(b, name);
    if (r == NULL || id == NULL) {
        mem_free(r);
        return ERR_NOMEM;
    }
    r->identity = id;
    r->peer = p;
    list_append(&id->registrations, &r->of_identity);
    list_append(&p->registrations, &r->of_peer);
    id->n++;
    p->n_registrations++;
    b->stats.identities++;
    return 0;
}

int identity_register(struct peer *p, const char *identity, const char **code, struct error *err)
{
    struct identity *id = map_get(&p->bridge->identities, identity);

    if (find(id, p) != NULL)
        return 0;
    *code = "not-authorised";
    if (!p->terminate)
        return error_set(err, ERR_REFUSED, "this gateway takes no calls (terminate)");
    if (!config_may_register(p->bridge->config, p->name, identity))
        return error_set(err, ERR_REFUSED,
                         "'%.100s' may not be registered by this gateway; add it to identities of "
                         "gateway { name = \"%s\" } in almon.lua",
                         identity, p->name);
    *code = "too-many";
    if (p->n_registrations >= PEER_IDENTITIES_MAX)
        return error_set(err, ERR_LIMIT, "at most %d identities are registered on one link",
                         PEER_IDENTITIES_MAX);
    if (id != NULL && id->n >= IDENTITY_LINKS_MAX)
        return error_set(err, ERR_LIMIT, "'%.100s' is registered on %d links already", identity,
                         IDENTITY_LINKS_MAX);
    *code = "internal";
    return add(p, identity, id) == 0 ? 0 : error_nomem(err);
}

void identity_unregister(struct peer *p, const char *identity)
{
    struct registration *r = find(map_get(&p->bridge->identities, identity), p);

    if (r != NULL)
        unregister(r);
}

void identity_forget(struct peer *p)
{
    struct link_node *n;

    while ((n = list_first(&p->registrations)) != NULL)
        unregister(list_entry(n, struct registration, of_peer));
}

bool bridge_find_identity(const struct bridge *b, const char *identity, size_t i,
                          struct bridge_registered *out)
{
    const struct identity *id = map_get(&b->identities, identity);
    struct link_node *n = id != NULL ? list_first(&id->registrations) : NULL;

    for (; n != NULL; n = list_next(&id->registrations, n)) {
        const struct registration *r = list_entry(n, struct registration, of_identity);

        if (r->peer->shut || r->peer->gone || i-- > 0)
            continue;
        out->gateway = r->peer->name;
        out->link = r->peer->id;
        return true;
    }
    return false;
}
