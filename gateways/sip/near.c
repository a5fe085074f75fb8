#include "gateways/sip/near.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_near4(uint32_t a)
{
    return a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 ||
           a >> 16 == 0xa9fe;
}

/* The host, as it stands in brackets or without. */
static void host_of(const char *text, char host[64])
{
    size_t n;

    if (strncmp(text, "sip:", 4) == 0)
        text += 4;
    if (*text == '[') {
        text++;
        n = strcspn(text, "]");
    } else { /* without brackets more than one colon is an address of its own */
        n = strcspn(text, ";");
        if (memchr(text, ':', n) != NULL && strchr(strchr(text, ':') + 1, ':') == NULL)
            n = strcspn(text, ":");
    }
    snprintf(host, 64, "%.*s", (int)(n < 64 ? n : 63), text);
}

bool is_near(const char *text)
{
    char host[64];
    struct in_addr four;
    struct in6_addr six;

    host_of(text, host);
    if (inet_pton(AF_INET, host, &four) == 1)
        return is_near4(ntohl(four.s_addr));
    if (inet_pton(AF_INET6, host, &six) != 1)
        return false;
    return (six.s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_LINKLOCAL(&six) ||
           IN6_IS_ADDR_LOOPBACK(&six);
}

bool is_six(const char *text)
{
    char host[64];
    struct in6_addr six;

    host_of(text, host);
    return inet_pton(AF_INET6, host, &six) == 1;
}
