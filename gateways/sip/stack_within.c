/* Requests within a call that libre's sessions do not know: which leg they are of, and UPDATE
 * (RFC 3311). Their dialog is the session's own, so that numbers and routes are one. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"

static bool may_offer(const struct leg *l)
{
    return l->h != NULL && (l->answered || l->reliable.described);
}

void stack_take_offer(struct leg *l, const struct sip_msg *msg)
{
    struct str answer = STR_INIT(8192);
    const char *body;
    size_t len;
    unsigned status = 200;
    char warning[STACK_WARNING_MAX], timer[STACK_TIMER_MAX] = "";

    if (!stack_body(msg, &body, &len))
        status = 400;
    else if (len > 0 && !may_offer(l))
        status = 491; /* an offer of the INVITE is still unanswered */
    else if (len > 0)
        status = l->h->offered(l->arg, body, len, &answer);
    if (answer.failed)
        status = 500;
    if (status == 200 && len > 0)
        l->agreed = true;
    if (status == 200 && pl_strcmp(&msg->met, "UPDATE") == 0) {
        stack_timer_requested(l, msg, timer);
        stack_reach_back(l, msg);
        sip_dialog_update(sipsess_dialog(l->sess), msg);
    }
    stack_warning(l, status, warning);
    sip_treplyf(NULL, NULL, l->s->sip, msg, false, (uint16_t)status, status_reason(status),
                "%s%s" STACK_ALLOW "%sContent-Length: %zu\r\n\r\n%b", timer, warning,
                answer.len > 0 ? "Content-Type: application/sdp\r\n" : "",
                status == 200 ? answer.len : 0, answer.data, status == 200 ? answer.len : 0);
    str_free(&answer);
}

void stack_within(struct stack *s, const struct sip_msg *msg)
{
    struct sip_dialog *dlg;
    struct leg *l = stack_find_leg(s, msg, &dlg);
    unsigned status = 0;

    s->h->soon(s->arg);
    if (l == NULL || l->over)
        status = 481;
    else if (!sip_dialog_rseq_valid(dlg, msg))
        status = 500;
    if (status != 0)
        sip_treply(NULL, s->sip, msg, (uint16_t)status, status_reason(status));
    else if (pl_strcmp(&msg->met, "UPDATE") == 0)
        stack_take_offer(l, msg);
    else if (pl_strcmp(&msg->met, "PRACK") == 0)
        stack_on_prack(l, msg);
    else
        stack_on_notify(l, msg);
}
