/* Requests within a call that libre's sessions do not know: which leg they are of, and UPDATE
 * (RFC 3311). Their dialog is the session's own, so that numbers and routes are one. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"

static void on_update(struct leg *l, const struct sip_msg *msg)
{
    struct str answer = STR_INIT(8192);
    const char *body;
    size_t len;
    unsigned status = 488;

    if (!stack_body(msg, &body, &len))
        status = 400;
    else if (len == 0)
        status = 200; /* a session timer's refresh, or a new target */
    else if (l->answered && l->h != NULL)
        status = l->h->offered(l->arg, body, len, &answer);
    else
        status = 491; /* an offer of the INVITE is still unanswered */
    if (answer.failed)
        status = 500;
    if (status == 200)
        sip_dialog_update(sipsess_dialog(l->sess), msg);
    if (status != 200 || answer.len == 0)
        sip_treplyf(NULL, NULL, l->s->sip, msg, false, (uint16_t)status, status_reason(status),
                    STACK_ALLOW "Content-Length: 0\r\n\r\n");
    else
        sip_treplyf(NULL, NULL, l->s->sip, msg, false, 200, "OK",
                    STACK_ALLOW "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%b",
                    answer.len, answer.data, answer.len);
    str_free(&answer);
}

void stack_within(struct stack *s, const struct sip_msg *msg)
{
    struct leg *l = stack_find_leg(s, msg);
    unsigned status = 0;

    s->h->soon(s->arg);
    if (l == NULL || l->over)
        status = 481;
    else if (!sip_dialog_rseq_valid(sipsess_dialog(l->sess), msg))
        status = 500;
    if (status != 0)
        sip_treply(NULL, s->sip, msg, (uint16_t)status, status_reason(status));
    else if (pl_strcmp(&msg->met, "UPDATE") == 0)
        on_update(l, msg);
    else
        stack_on_notify(l, msg);
}
