/* Requests within a call that libre's sessions do not know: transfers (RFC 3515) in both
 * directions, and UPDATE (RFC 3311) from the far end. Their dialog is the session's own, so that
 * CSeq numbers and routes are one. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <string.h>

enum { FRAGMENT_MAX = 512 };

/* --- we ask the far end --- */

static void on_refer_response(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    unsigned status = err != 0 || msg == NULL ? 408 : msg->scode;

    l->s->h->soon(l->s->arg);
    if (status < 200)
        return;
    if ((status == 401 || status == 407) && l->refer_tries++ == 0 &&
        sip_auth_authenticate(l->refer_auth, msg) == 0 && leg_refer(l, l->refer_to))
        return;
    if (l->h != NULL && l->h->refer_answered != NULL)
        l->h->refer_answered(l->arg, status);
}

/* Contact and what follows are for us to write: the address is known only now. */
static int add_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst,
                       struct mbuf *mb, void *arg)
{
    struct leg *l = arg;
    struct sip_contact contact;

    (void)dst;
    sip_contact_set(&contact, l->contact, src, tp);
    return mbuf_printf(mb, "%H", sip_contact_print, &contact);
}

bool leg_refer(struct leg *l, const char *target)
{
    if (l->over || !l->answered || l->sess == NULL)
        return false;
    if (l->refer_to != target)
        str_ncpy(l->refer_to, target, sizeof l->refer_to);
    if (l->refer_auth == NULL && sip_auth_alloc(&l->refer_auth, stack_on_challenge, l, false) != 0)
        return false;
    l->refer_req = mem_deref(l->refer_req);
    return sip_drequestf(&l->refer_req, l->s->sip, true, "REFER", sipsess_dialog(l->sess), 0,
                         l->refer_auth, add_contact, on_refer_response, l,
                         "Refer-To: <%s>\r\n" STACK_ALLOW "Content-Length: 0\r\n\r\n",
                         l->refer_to) == 0;
}

/* "SIP/2.0 200 OK": the status; 0 when it is none. */
static unsigned fragment_status(const struct sip_msg *msg)
{
    const char *body;
    size_t len;
    struct pl line, status;

    if (!stack_body(msg, &body, &len) || len > FRAGMENT_MAX)
        return 0;
    line.p = body;
    line.l = len;
    if (re_regex(line.p, line.l, "SIP/2.0 [0-9]3", &status) != 0)
        return 0;
    return pl_u32(&status);
}

static void on_notify(struct leg *l, const struct sip_msg *msg)
{
    unsigned status = fragment_status(msg);

    sip_treply(NULL, l->s->sip, msg, status != 0 ? 200 : 400,
               status_reason(status != 0 ? 200 : 400));
    if (status >= 200 && l->h != NULL && l->h->refer_notified != NULL)
        l->h->refer_notified(l->arg, status);
}

/* --- the far end asks us --- */

static void on_refer_lost(void *arg)
{
    (void)arg; /* REFER cannot be cancelled */
}

void stack_referred(struct leg *l, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
    struct sip_addr addr;
    char target[STACK_TEXT_MAX];
    unsigned status = 400;

    if (hdr == NULL || sip_addr_decode(&addr, &hdr->val) != 0 ||
        pl_strcpy(&addr.auri, target, sizeof target) != 0)
        status = 400;
    else if (l->refer_st != NULL || !l->answered)
        status = 491; /* one at a time */
    else if (l->h == NULL || l->h->referred == NULL)
        status = 603;
    else if (sip_strans_alloc(&l->refer_st, l->s->sip, msg, on_refer_lost, l) == 0) {
        l->refer_msg = mem_ref((void *)msg);
        l->h->referred(l->arg, target);
        return;
    }
    sip_treply(NULL, l->s->sip, msg, (uint16_t)status, status_reason(status));
}

static void on_notify_response(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;

    (void)err;
    (void)msg;
    l->s->h->soon(l->s->arg);
}

static void notify(struct leg *l, unsigned status)
{
    const char *reason = status_reason(status);

    if (l->sess == NULL)
        return;
    l->notify_req = mem_deref(l->notify_req);
    sip_drequestf(&l->notify_req, l->s->sip, true, "NOTIFY", sipsess_dialog(l->sess), 0, NULL,
                  add_contact, on_notify_response, l,
                  "Event: refer\r\n"
                  "Subscription-State: %s\r\n"
                  "Content-Type: message/sipfrag;version=2.0\r\n"
                  "Content-Length: %zu\r\n\r\n"
                  "SIP/2.0 %u %s\r\n",
                  status < 200 ? "active;expires=120" : "terminated;reason=noresource",
                  strlen("SIP/2.0 xxx \r\n") + strlen(reason), status, reason);
}

void leg_refer_answer(struct leg *l, unsigned response, unsigned final)
{
    if (l->over)
        return;
    if (l->refer_st != NULL) {
        sip_treply(&l->refer_st, l->s->sip, l->refer_msg, (uint16_t)response,
                   status_reason(response));
        l->refer_st = NULL; /* a transaction that has its final answer lives on by itself */
        l->refer_msg = mem_deref(l->refer_msg);
        l->refer_taken = response < 300;
        if (l->refer_taken && final == 0)
            notify(l, 100);
    }
    if (final != 0 && l->refer_taken) {
        l->refer_taken = false;
        notify(l, final);
    }
}

/* --- UPDATE --- */

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

/* --- who it is for --- */

bool stack_within_call(struct stack *s, const struct sip_msg *msg)
{
    bool update = pl_strcmp(&msg->met, "UPDATE") == 0;

    if (!update && pl_strcmp(&msg->met, "NOTIFY") != 0)
        return false;
    for (struct le *le = list_head(&s->legs); le != NULL; le = le->next) {
        struct leg *l = le->data;

        if (l->over || l->sess == NULL || !sip_dialog_cmp(sipsess_dialog(l->sess), msg))
            continue;
        if (!sip_dialog_rseq_valid(sipsess_dialog(l->sess), msg))
            sip_treply(NULL, s->sip, msg, 500, "Old CSeq");
        else if (update)
            on_update(l, msg);
        else
            on_notify(l, msg);
        return true;
    }
    return false;
}
