#include "gateways/sip/rtp_private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const struct sockaddr_in *v4(const struct sockaddr_storage *a)
{
    return (const struct sockaddr_in *)(const void *)a;
}

static const struct sockaddr_in6 *v6(const struct sockaddr_storage *a)
{
    return (const struct sockaddr_in6 *)(const void *)a;
}

bool address_is_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return v4(a)->sin_addr.s_addr == v4(b)->sin_addr.s_addr;
    return a->ss_family == AF_INET6 &&
           memcmp(&v6(a)->sin6_addr, &v6(b)->sin6_addr, sizeof v6(a)->sin6_addr) == 0;
}

unsigned address_port(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET    ? ntohs(v4(a)->sin_port)
           : a->ss_family == AF_INET6 ? ntohs(v6(a)->sin6_port)
                                      : 0;
}

void address_set_port(struct sockaddr_storage *a, unsigned port)
{
    if (a->ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)a)->sin_port = htons((uint16_t)port);
    else if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)a)->sin6_port = htons((uint16_t)port);
}

bool address_is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    return address_is_same_ip(a, b) && address_port(a) == address_port(b);
}

bool address_is_empty(const struct sockaddr_storage *a)
{
    if (address_port(a) == 0)
        return true;
    if (a->ss_family == AF_INET)
        return v4(a)->sin_addr.s_addr == INADDR_ANY;
    return IN6_IS_ADDR_UNSPECIFIED(&v6(a)->sin6_addr);
}

socklen_t address_size(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}
