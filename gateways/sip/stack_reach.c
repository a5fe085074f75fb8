/* How others reach us where a router with NAT forwards its ports to us: the world is told the
 * router's address, neighbours are told our own. And how we reach them where they are behind one.
 */
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
    bool six = is_six(s->external);

    if (s->external[0] == '\0' || s->ports[tp] == 0 || six != is_six(far) ||
        (is_near(far) && !is_near(s->external)))
        str_ncpy(out, STACK_CONTACT, STACK_CONTACT_MAX);
    else
        re_snprintf(out, STACK_CONTACT_MAX, "sip:" STACK_CONTACT "@%s%s%s:%u%s", six ? "[" : "",
                    s->external, six ? "]" : "", s->ports[tp], sip_transp_param(tp));
}

void leg_behind_nat(struct leg *l)
{
    l->behind_nat = true;
}

void stack_reach_back(struct leg *l, const struct sip_msg *msg)
{
    struct sip_hdr *contact = (struct sip_hdr *)sip_msg_hdr(msg, SIP_HDR_CONTACT);
    struct sip_addr addr;
    struct pl params, found;

    if (!l->behind_nat || contact == NULL || sip_msg_hdr(msg, SIP_HDR_RECORD_ROUTE) != NULL ||
        sip_addr_decode(&addr, &contact->val) != 0 || pl_strcasecmp(&addr.uri.scheme, "sip") != 0)
        return;
    params = addr.uri.params;
    /* That would lead elsewhere again. */
    if (msg_param_decode(&params, "maddr", &found) == 0 ||
        msg_param_decode(&params, "transport", &found) == 0)
        params.l = 0;
    if (re_snprintf(l->target, sizeof l->target, "<sip:%r%s%J%s%r>", &addr.uri.user,
                    addr.uri.user.l > 0 ? "@" : "", &msg->src, sip_transp_param(msg->tp),
                    &params) > 0)
        pl_set_str(&contact->val, l->target);
}
