#include "gateways/sip/peers.h"

#include "base/mem.h"
#include "base/str.h"
#include <arpa/inet.h>
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

int peers_new(struct peers **pp, const struct config *config, struct error *err)
{
    struct peers *p = mem_alloc(sizeof *p);
    int rc = 0;

    if (p == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < config->n_trunks && rc == 0; i++) {
        const struct config_trunk *t = &config->trunks[i];

        for (size_t j = 0; j < t->n_from && rc == 0; j++) {
            struct net net = {.trunk = t};

            if (!parse(t->from[j], &net))
                rc = error_set(err, ERR_INVALID,
                               "%s:%d: trunk: '%s' in from is no address and no network; write "
                               "'192.0.2.7' or '10.0.0.0/8'",
                               config->path, t->line, t->from[j]);
            else if ((rc = add(p, &net)) != 0)
                rc = error_set(err, rc, "%s:%d: trunk: too many addresses", config->path, t->line);
        }
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
    struct net net = {.trunk = trunk};
    const uint8_t *bytes;

    if (peers_find(p, source) == trunk)
        return 0;
    bytes = bytes_of(source, &net.family);
    net.bits = net.family == AF_INET ? 32 : 128;
    memcpy(net.bytes, bytes, net.bits / 8);
    return add(p, &net);
}
