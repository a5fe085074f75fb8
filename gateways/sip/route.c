#include "gateways/sip/route.h"

#include "base/str.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool route_is_number(const char *text)
{
    size_t n;

    if (*text == '+')
        text++;
    n = strspn(text, "0123456789*#");
    return n > 0 && text[n] == '\0';
}

void route_rewrite(const char *const *rules, size_t n, const char *number, char out[ROUTE_TEXT_MAX])
{
    for (size_t i = 0; i < n; i++) {
        const char *colon = strchr(rules[i], ':');
        size_t old = colon != NULL ? (size_t)(colon - rules[i]) : 0;

        if (colon == NULL || strncmp(number, rules[i], old) != 0)
            continue;
        snprintf(out, ROUTE_TEXT_MAX, "%s%s", colon + 1, number + old);
        return;
    }
    str_copy(out, ROUTE_TEXT_MAX, number);
}

/* A user part without its parameters (;phone-context and the like) and the dots and dashes that
 * people write into numbers. */
static void plain_user(const char *user, char out[ROUTE_TEXT_MAX])
{
    char digits[ROUTE_TEXT_MAX];
    size_t n = 0, len = strcspn(user, ";");

    snprintf(out, ROUTE_TEXT_MAX, "%.*s", (int)len, user);
    for (const char *c = out; *c != '\0'; c++)
        if (strchr("-.() ", *c) == NULL)
            digits[n++] = *c;
    digits[n] = '\0';
    if (route_is_number(digits))
        memcpy(out, digits, n + 1);
}

static void name_of(const char *user, const char *host, const struct config_trunk *trunk,
                    char out[ROUTE_TEXT_MAX])
{
    char plain[ROUTE_TEXT_MAX];

    plain_user(user, plain);
    if (route_is_number(plain) && trunk != NULL)
        route_rewrite(trunk->rewrite_in, trunk->n_rewrite_in, plain, out);
    else if (route_is_number(plain))
        str_copy(out, ROUTE_TEXT_MAX, plain);
    else if (snprintf(out, ROUTE_TEXT_MAX, "sip:%s%s%s", plain, *plain != '\0' ? "@" : "", host) >=
             ROUTE_TEXT_MAX)
        str_copy(out, ROUTE_TEXT_MAX, plain);
}

void route_from(const struct stack_request *r, const struct config_trunk *trunk,
                const struct config_phone *phone, char out[ROUTE_TEXT_MAX])
{
    if (phone != NULL && phone->number != NULL)
        str_copy(out, ROUTE_TEXT_MAX, phone->number);
    else if (phone != NULL)
        snprintf(out, ROUTE_TEXT_MAX, "client:%.200s", phone->name);
    else if (r->anonymous)
        str_copy(out, ROUTE_TEXT_MAX, "anonymous");
    else if (r->asserted_user != NULL)
        name_of(r->asserted_user, r->from_host, trunk, out);
    else if (strcasecmp(r->from_user, "anonymous") == 0)
        str_copy(out, ROUTE_TEXT_MAX, "anonymous");
    else
        name_of(r->from_user, r->from_host, trunk, out);
}

void route_to(const struct stack_request *r, const struct config_trunk *trunk,
              char out[ROUTE_TEXT_MAX])
{
    /* Where we have registered, the request is for our name there; To has the number. */
    bool ours = trunk != NULL && trunk->user != NULL && strcmp(r->uri_user, trunk->user) == 0 &&
                *r->to_user != '\0';

    name_of(ours ? r->to_user : r->uri_user, ours ? r->to_host : r->uri_host, trunk, out);
}

bool route_uri(const char *user, const char *address, char out[ROUTE_TEXT_MAX])
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-_.!~*'()&=+$,?/";
    size_t n = 4;

    if (strncmp(address, "sip:", 4) != 0 || strchr(address, '@') != NULL)
        return false;
    memcpy(out, "sip:", 4);
    for (const char *c = user; *c != '\0'; c++) {
        if (n + 4 >= ROUTE_TEXT_MAX)
            return false;
        if (strchr(fine, *c) != NULL)
            out[n++] = *c;
        else
            n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned char)*c);
    }
    return snprintf(out + n, ROUTE_TEXT_MAX - n, "@%s", address + 4) < (int)(ROUTE_TEXT_MAX - n);
}

void route_user(const char *name, char out[ROUTE_TEXT_MAX])
{
    if (strncmp(name, "client:", 7) == 0)
        name += 7;
    else if (strncmp(name, "sip:", 4) == 0)
        name += 4;
    str_copy(out, ROUTE_TEXT_MAX, name);
    out[strcspn(out, "@;>")] = '\0';
    if (*out == '\0')
        str_copy(out, ROUTE_TEXT_MAX, "anonymous");
}

void route_of(const struct sockaddr_storage *a, const char *transport, char out[128])
{
    char ip[INET6_ADDRSTRLEN] = "";
    bool v6 = a->ss_family == AF_INET6;
    const struct sockaddr_in *in = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

    inet_ntop(a->ss_family, v6 ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, ip,
              sizeof ip);
    snprintf(out, 128, "sip:%s%s%s:%u%s%s", v6 ? "[" : "", ip, v6 ? "]" : "",
             ntohs(v6 ? in6->sin6_port : in->sin_port),
             strcmp(transport, "udp") != 0 ? ";transport=" : "",
             strcmp(transport, "udp") != 0 ? transport : "");
}
