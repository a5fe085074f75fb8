#include "gateways/sip/peers.h"

#include "base/mem.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

enum { NETS_MAX = 4096 };

struct net {
    int family;
    uint8_t bytes[16];
    unsigned bits;
    const struct config_trunk *trunk;
};

struct peers {
    struct net *nets;
    size_t n;
};

static int add(struct peers *p, const struct net *net)
{
    struct net *grown;

    if (p->n == NETS_MAX)
        return ERR_LIMIT;
    grown = mem_realloc(p->nets, (p->n + 1) * sizeof *grown);
    if (grown == NULL)
        return ERR_NOMEM;
    p->nets = grown;
    p->nets[p->n++] = *net;
    return 0;
}

static bool parse(const char *text, struct net *net)
{
    char address[64];
    char *slash;
    long bits;

    if (!str_copy(address, sizeof address, text))
        return false;
    slash = strchr(address, '/');
    if (slash != NULL)
        *slash++ = '\0';
    net->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    net->bits = net->family == AF_INET6 ? 128 : 32;
    if (inet_pton(net->family, address, net->bytes) != 1)
        return false;
    if (slash != NULL) {
        if (!str_to_long(slash, 0, (long)net->bits, &bits))
            return false;
        net->bits = (unsigned)bits;
    }
    return true;
}

static const uint8_t *bytes_of(const struct sockaddr_storage *source, int *family)
{
    const uint8_t *v6;

    *family = source->ss_family;
    if (source->ss_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)source)->sin_addr;
    v6 = (const uint8_t *)&((const struct sockaddr_in6 *)source)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)source)->sin6_addr)) {
        *family = AF_INET;
        return v6 + 12;
    }
    return v6;
}

static int add_host(struct peers *p, const struct config_trunk *trunk,
                    const struct sockaddr_storage *source)
{
    struct net net = {.trunk = trunk};
    const uint8_t *bytes = bytes_of(source, &net.family);

    net.bits = net.family == AF_INET ? 32 : 128;
    memcpy(net.bytes, bytes, net.bits / 8);
    return add(p, &net);
}

/* What this machine is called now; nobody else's packets come in under these. */
static int add_self(struct peers *p, const struct config_trunk *trunk)
{
    struct ifaddrs *all;
    int rc = 0;

    if (getifaddrs(&all) != 0)
        return 0;
    for (struct ifaddrs *i = all; i != NULL && rc == 0; i = i->ifa_next) {
        struct sockaddr_storage at = {0};
        int family = i->ifa_addr != NULL ? i->ifa_addr->sa_family : 0;

        if (family != AF_INET && family != AF_INET6)
            continue;
        memcpy(&at, i->ifa_addr,
               family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        rc = add_host(p, trunk, &at);
    }
    freeifaddrs(all);
    return rc;
}

static int add_text(struct peers *p, const struct config *config, const struct config_trunk *t,
                    const char *text, struct error *err)
{
    struct net net = {.trunk = t};
    int rc;

    if (strcmp(text, "self") != 0 && !parse(text, &net))
        return error_set(err, ERR_INVALID,
                         "%s:%d: trunk: '%s' in from is no address and no network; write "
                         "'192.0.2.7' or '10.0.0.0/8', or 'self' for this machine",
                         config->path, t->line, text);
    rc = strcmp(text, "self") == 0 ? add_self(p, t) : add(p, &net);
    return rc == 0 ? 0
                   : error_set(err, rc, "%s:%d: trunk: too many addresses", config->path, t->line);
}

int peers_new(struct peers **pp, const struct config *config, struct error *err)
{
    struct peers *p = mem_alloc(sizeof *p);
    int rc = 0;

    if (p == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < config->n_trunks && rc == 0; i++) {
        const struct config_trunk *t = &config->trunks[i];

        for (size_t j = 0; j < t->n_from && rc == 0; j++)
            rc = add_text(p, config, t, t->from[j], err);
    }
    if (rc != 0)
        peers_free(p);
    else
        *pp = p;
    return rc;
}

struct peers *peers_free(struct peers *p)
{
    if (p == NULL)
        return NULL;
    mem_free(p->nets);
    mem_free(p);
    return NULL;
}

static bool holds(const struct net *net, int family, const uint8_t *bytes)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    if (net->family != family || memcmp(net->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || ((net->bytes[whole] ^ bytes[whole]) & mask) == 0;
}

const struct config_trunk *peers_find(const struct peers *p, const struct sockaddr_storage *source)
{
    const struct net *best = NULL;
    const uint8_t *bytes;
    int family;

    if (source->ss_family != AF_INET && source->ss_family != AF_INET6)
        return NULL;
    bytes = bytes_of(source, &family);
    for (size_t i = 0; i < p->n; i++)
        if (holds(&p->nets[i], family, bytes) && (best == NULL || p->nets[i].bits > best->bits))
            best = &p->nets[i];
    return best != NULL ? best->trunk : NULL;
}

int peers_learn(struct peers *p, const struct config_trunk *trunk,
                const struct sockaddr_storage *source)
{
    return peers_find(p, source) == trunk ? 0 : add_host(p, trunk, source);
}
