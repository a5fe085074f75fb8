#include "gateways/sip/registrar.h"

#include "base/map.h"
#include "base/mem.h"
#include <string.h>

struct phone {
    struct registrar_contact contacts[REGISTRAR_CONTACTS];
    size_t n;
};

struct registrar {
    struct map phones;
};

int registrar_new(struct registrar **rp, struct error *err)
{
    struct registrar *r = mem_alloc(sizeof *r);

    if (r == NULL)
        return error_nomem(err);
    *rp = r;
    return 0;
}

static void free_phone(const char *key, void *value, void *arg)
{
    (void)key;
    (void)arg;
    mem_free(value);
}

struct registrar *registrar_free(struct registrar *r)
{
    if (r == NULL)
        return NULL;
    map_each(&r->phones, free_phone, NULL);
    map_free(&r->phones);
    mem_free(r);
    return NULL;
}

static void expire(struct phone *p, int64_t now_us)
{
    for (size_t i = 0; i < p->n;)
        if (p->contacts[i].until_us <= now_us)
            p->contacts[i] = p->contacts[--p->n];
        else
            i++;
}

static struct phone *find(struct registrar *r, const char *user, int64_t now_us)
{
    struct phone *p = map_get(&r->phones, user);

    if (p != NULL)
        expire(p, now_us);
    return p;
}

static int add_phone(struct registrar *r, const char *user, struct phone **pp)
{
    struct phone *p = mem_alloc(sizeof *p);

    if (p == NULL || map_set(&r->phones, user, p) != 0) {
        mem_free(p);
        return ERR_NOMEM;
    }
    *pp = p;
    return 0;
}

int registrar_set(struct registrar *r, const char *user, const char *uri, const char *route,
                  long seconds, int64_t now_us)
{
    struct phone *p = find(r, user, now_us);
    struct registrar_contact *c = NULL;

    if (p == NULL && (seconds <= 0 || add_phone(r, user, &p) != 0))
        return seconds <= 0 ? 0 : ERR_NOMEM;
    for (size_t i = 0; i < p->n && c == NULL; i++)
        if (strcmp(p->contacts[i].uri, uri) == 0)
            c = &p->contacts[i];
    if (seconds <= 0) {
        if (c != NULL)
            *c = p->contacts[--p->n];
        return 0;
    }
    if (c == NULL) {
        if (p->n == REGISTRAR_CONTACTS)
            return ERR_LIMIT;
        c = &p->contacts[p->n];
        *c = (struct registrar_contact){0};
        if (!str_copy(c->uri, sizeof c->uri, uri))
            return ERR_LIMIT;
        p->n++;
    }
    str_copy(c->route, sizeof c->route, route);
    c->since_us = now_us;
    c->until_us = now_us + seconds * INT64_C(1000000);
    return 0;
}

void registrar_clear(struct registrar *r, const char *user)
{
    mem_free(map_remove(&r->phones, user));
}

const struct registrar_contact *registrar_find(struct registrar *r, const char *user,
                                               int64_t now_us)
{
    const struct phone *p = find(r, user, now_us);
    const struct registrar_contact *newest = NULL;

    for (size_t i = 0; p != NULL && i < p->n; i++)
        if (newest == NULL || p->contacts[i].since_us > newest->since_us)
            newest = &p->contacts[i];
    return newest;
}

const struct registrar_contact *registrar_at(struct registrar *r, const char *user, size_t i,
                                             int64_t now_us)
{
    const struct phone *p = find(r, user, now_us);

    return p != NULL && i < p->n ? &p->contacts[i] : NULL;
}

void registrar_write(struct registrar *r, const char *user, int64_t now_us, struct str *out)
{
    const struct phone *p = find(r, user, now_us);

    for (size_t i = 0; p != NULL && i < p->n; i++)
        str_addf(out, "Contact: <%s>;expires=%lld\r\n", p->contacts[i].uri,
                 (long long)((p->contacts[i].until_us - now_us + 999999) / 1000000));
}
