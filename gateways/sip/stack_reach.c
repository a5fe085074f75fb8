/* How others reach us where a router with NAT forwards its ports to us: the world is told the
 * router's address, neighbours are told our own. */
#include "gateways/sip/near.h"
#include "gateways/sip/stack_private.h"
#include <string.h>

enum sip_transp stack_transport_of(const char *route)
{
    if (strstr(route, "transport=tls") != NULL)
        return SIP_TRANSP_TLS;
    return strstr(route, "transport=tcp") != NULL ? SIP_TRANSP_TCP : SIP_TRANSP_UDP;
}

void stack_contact(const struct stack *s, enum sip_transp tp, const char *far,
                   char out[STACK_CONTACT_MAX])
{
    bool six = strchr(s->external, ':') != NULL;

    if (s->external[0] == '\0' || s->ports[tp] == 0 || (is_near(far) && !is_near(s->external)))
        str_ncpy(out, STACK_CONTACT, STACK_CONTACT_MAX);
    else
        re_snprintf(out, STACK_CONTACT_MAX, "sip:" STACK_CONTACT "@%s%s%s:%u%s", six ? "[" : "",
                    s->external, six ? "]" : "", s->ports[tp], sip_transp_param(tp));
}
