/* Which addresses a request may reach. Judged at each connect, on the address itself, so that no
 * spelling of a host, no name server and no redirect goes around it. */
#include "base/str.h"
#include "http/exchange.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* An address as 16 bytes; IPv4 is kept as ::ffff:a.b.c.d. */
struct address {
    unsigned char b[16];
};

struct range {
    unsigned char b[16];
    int bits;
};

#define V4(a, b, c, d, bits)                                                                       \
    {                                                                                              \
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, 96 + (bits)                        \
    }

static const struct range private_v4[] = {
    V4(0, 0, 0, 0, 8),       /* this host */
    V4(10, 0, 0, 0, 8),      /* private */
    V4(100, 64, 0, 0, 10),   /* carriers' NAT */
    V4(127, 0, 0, 0, 8),     /* loopback */
    V4(169, 254, 0, 0, 16),  /* link local: metadata services of clouds */
    V4(172, 16, 0, 0, 12),   /* private */
    V4(192, 0, 0, 0, 24),    /* protocol assignments */
    V4(192, 0, 2, 0, 24),    /* documentation */
    V4(192, 88, 99, 0, 24),  /* 6to4 relays */
    V4(192, 168, 0, 0, 16),  /* private */
    V4(198, 18, 0, 0, 15),   /* benchmarks */
    V4(198, 51, 100, 0, 24), /* documentation */
    V4(203, 0, 113, 0, 24),  /* documentation */
    V4(224, 0, 0, 0, 3),     /* multicast, reserved, broadcast */
};

/* Of 2000::/3; all outside of that is private. */
static const struct range private_v6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments, Teredo, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation */
};

static const struct range mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
static const struct range nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};
static const struct range global_v6 = {{0x20}, 3};

static bool in_range(const struct address *a, const unsigned char *b, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    unsigned char mask = (unsigned char)(0xff << (8 - rest));

    if (memcmp(a->b, b, (size_t)whole) != 0)
        return false;
    return rest == 0 || (a->b[whole] & mask) == (b[whole] & mask);
}

static bool in_any(const struct address *a, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (in_range(a, ranges[i].b, ranges[i].bits))
            return true;
    }
    return false;
}

static void from_v4(struct address *out, const void *v4)
{
    memcpy(out->b, mapped.b, 12);
    memcpy(out->b + 12, v4, 4);
}

static bool from_sockaddr(struct address *out, const struct sockaddr *addr)
{
    if (addr->sa_family == AF_INET) {
        from_v4(out, &((const struct sockaddr_in *)(const void *)addr)->sin_addr);
        return true;
    }
    if (addr->sa_family != AF_INET6)
        return false;
    memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
    /* A translator turns these into the IPv4 address at their end. */
    if (in_range(out, nat64.b, nat64.bits))
        from_v4(out, out->b + 12);
    return true;
}

static bool from_text(struct address *out, const char *text)
{
    unsigned char v4[4];

    if (inet_pton(AF_INET, text, v4) == 1) {
        from_v4(out, v4);
        return true;
    }
    return inet_pton(AF_INET6, text, out->b) == 1;
}

static bool is_public(const struct address *a)
{
    if (in_range(a, mapped.b, mapped.bits))
        return !in_any(a, private_v4, sizeof private_v4 / sizeof *private_v4);
    return in_range(a, global_v6.b, global_v6.bits) &&
           !in_any(a, private_v6, sizeof private_v6 / sizeof *private_v6);
}

/* Splits "host:port", "[v6]:port", "host", "v6"; port 0 when there is none. */
static bool split_entry(const char *entry, char host[260], int *port)
{
    const char *start = entry, *end, *colon = strrchr(entry, ':');
    char *stop;
    long n;

    *port = 0;
    if (*entry == '[') {
        start++;
        end = strchr(entry, ']');
        if (end == NULL)
            return false;
        colon = end[1] == ':' ? end + 1 : NULL;
    } else if (colon != NULL && strchr(entry, ':') != colon) {
        colon = NULL; /* IPv6 without brackets */
        end = entry + strlen(entry);
    } else {
        end = colon != NULL ? colon : entry + strlen(entry);
    }
    if (end - start >= 260 || end == start)
        return false;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    if (colon == NULL)
        return true;
    n = strtol(colon + 1, &stop, 10);
    if (*stop != '\0' || n < 1 || n > 65535)
        return false;
    *port = (int)n;
    return true;
}

/* The name that the operator wrote is the name of this hop, or the address he wrote is where it
 * goes. */
static bool entry_fits(const char *entry, const struct address *a, const char *host, int port)
{
    char name[260];
    struct address literal;
    int entry_port;

    if (!split_entry(entry, name, &entry_port) || (entry_port != 0 && entry_port != port))
        return false;
    if (from_text(&literal, name))
        return memcmp(&literal, a, sizeof literal) == 0;
    return strcasecmp(name, host) == 0;
}

static bool cidr_fits(const char *entry, const struct address *a)
{
    const char *slash = strchr(entry, '/');
    struct address net;
    char text[64];
    bool v4;
    long bits;

    if (slash == NULL || slash - entry >= (long)sizeof text)
        return false;
    memcpy(text, entry, (size_t)(slash - entry));
    text[slash - entry] = '\0';
    v4 = strchr(text, ':') == NULL;
    if (!str_to_long(slash + 1, 0, v4 ? 32 : 128, &bits) || !from_text(&net, text))
        return false;
    return in_range(a, net.b, (int)bits + (v4 ? 96 : 0)); /* IPv4 as ::ffff:a.b.c.d */
}

bool http_rule_allows(const struct http_rule *rule, const struct sockaddr *addr, const char *host,
                      int port, int hop)
{
    struct address a;
    size_t len = strlen(host);
    char bare[260];

    if (!from_sockaddr(&a, addr))
        return false;
    if ((rule->trust == HTTP_OPERATOR && hop == 0) || is_public(&a))
        return true;
    if (len >= sizeof bare)
        return false;
    if (host[0] == '[' && len > 2 && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    memcpy(bare, host, len);
    bare[len] = '\0';
    if (rule->own != NULL && entry_fits(rule->own, &a, bare, port))
        return true;
    for (size_t i = 0; i < rule->n_allow; i++) {
        if (cidr_fits(rule->allow[i], &a) || entry_fits(rule->allow[i], &a, bare, port))
            return true;
    }
    return false;
}
