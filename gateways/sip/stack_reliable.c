/* Provisional answers that are acknowledged (100rel, PRACK, RFC 3262), both ways.
 *
 * libre's session knows them not, and has no dialog with who answers before he has answered: a
 * PRACK of ours goes by a dialog of its own, forked from the session's (sip_dialog_fork()). Both
 * count their requests, so the session's count is moved on with each of ours. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <string.h>

enum { GIVE_UP_MS = 64 * SIP_T1 };

/* --- ours: of a call that came in --- */

bool stack_is_reliable(const struct leg *l, bool described)
{
    const struct leg_reliable *r = &l->reliable;

    return r->required || (r->supported && described);
}

static int send_again(struct leg *l)
{
    struct leg_reliable *r = &l->reliable;

    return sipsess_progress(l->sess, r->status, status_reason(r->status), r->sdp,
                            "Require: 100rel\r\nRSeq: %u\r\n" STACK_ALLOW, r->rseq);
}

static void on_silence(void *arg)
{
    struct leg *l = arg;
    struct leg_reliable *r = &l->reliable;

    r->waited_ms += r->wait_ms;
    r->wait_ms *= 2;
    if (r->waited_ms >= GIVE_UP_MS) {
        stack_give_up(l, 504);
        return;
    }
    send_again(l);
    tmr_start(&r->tmr, r->wait_ms, on_silence, l);
}

int stack_progress(struct leg *l, uint16_t status, struct mbuf *sdp)
{
    struct leg_reliable *r = &l->reliable;
    int e;

    if (r->waiting) {
        /* The next may not be sent before this one is acknowledged. One without a description says
         * nothing new. */
        if (sdp != NULL && r->next == NULL)
            r->next = mem_ref(sdp);
        return 0;
    }
    r->status = status;
    r->rseq = r->rseq == 0 ? 1u + rand_u16() : r->rseq + 1;
    r->sdp = mem_deref(r->sdp);
    r->sdp = mem_ref(sdp);
    e = l->sess == NULL ? stack_open_session(l, status, sdp) : send_again(l);
    if (e != 0)
        return e;
    r->waiting = true;
    r->wait_ms = SIP_T1;
    r->waited_ms = 0;
    tmr_start(&r->tmr, r->wait_ms, on_silence, l);
    return 0;
}

bool stack_hold_answer(struct leg *l, struct mbuf *sdp)
{
    struct leg_reliable *r = &l->reliable;

    if (!r->waiting || (r->sdp == NULL && r->next == NULL)) {
        tmr_cancel(&r->tmr);
        r->waiting = false;
        return false;
    }
    r->answer = mem_deref(r->answer);
    r->answer = mem_ref(sdp);
    r->next = mem_deref(r->next);
    return true;
}

static void acknowledged(struct leg *l)
{
    struct leg_reliable *r = &l->reliable;
    struct mbuf *answer = r->answer, *next = r->next;

    tmr_cancel(&r->tmr);
    r->waiting = false;
    r->described |= r->sdp != NULL;
    r->answer = NULL;
    r->next = NULL;
    if (answer != NULL)
        stack_answer(l, answer);
    else if (next != NULL)
        stack_progress(l, 183, next);
    mem_deref(answer);
    mem_deref(next);
}

void stack_on_prack(struct leg *l, const struct sip_msg *msg)
{
    struct leg_reliable *r = &l->reliable;
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RACK);
    struct pl rseq, cseq, method;

    if (!r->waiting || hdr == NULL ||
        re_regex(hdr->val.p, hdr->val.l, "[0-9]+[ \t]+[0-9]+[ \t]+[A-Z]+", &rseq, NULL, &cseq, NULL,
                 &method) != 0 ||
        pl_u32(&rseq) != r->rseq || pl_u32(&cseq) != l->msg->cseq.num ||
        pl_strcmp(&method, "INVITE") != 0) {
        sip_treply(NULL, l->s->sip, msg, 481, status_reason(481));
        return;
    }
    r->described |= r->sdp != NULL;
    stack_take_offer(l, msg);
    acknowledged(l);
}

/* --- theirs: of a call that we placed --- */

static int no_send(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb,
                   void *arg)
{
    (void)tp;
    (void)src;
    (void)dst;
    (void)mb;
    (void)arg;
    return ECANCELED;
}

static int send_prack(struct leg_early *e);

static void on_prack_response(int err, const struct sip_msg *msg, void *arg)
{
    struct leg_early *e = arg;

    if (err == 0 && (msg->scode == 401 || msg->scode == 407) && !e->proved) {
        e->proved = true;
        if (sip_auth_authenticate(e->leg->reliable.auth, msg) == 0)
            send_prack(e);
    }
}

static int send_prack(struct leg_early *e)
{
    struct leg *l = e->leg;
    struct leg_reliable *r = &l->reliable;

    if (r->auth == NULL && sip_auth_alloc(&r->auth, stack_on_challenge, l, false) != 0)
        return ENOMEM;
    /* Nothing is sent here: it uses up the number that PRACK takes. */
    sip_drequestf(NULL, l->s->sip, false, "PRACK", sipsess_dialog(l->sess), 0, NULL, no_send, NULL,
                  NULL, "\r\n");
    e->req = mem_deref(e->req);
    return sip_drequestf(&e->req, l->s->sip, true, "PRACK", e->dlg, 0, r->auth, NULL,
                         on_prack_response, e, "RAck: %u %u INVITE\r\nContent-Length: 0\r\n\r\n",
                         e->rseq, e->cseq);
}

static void early_destructor(void *arg)
{
    struct leg_early *e = arg;

    mem_deref(e->req);
    mem_deref(e->dlg);
}

static struct leg_early *find_early(struct leg *l, const struct sip_msg *msg)
{
    struct leg_reliable *r = &l->reliable;
    struct leg_early *e = NULL;

    for (size_t i = 0; i < r->n_early; i++)
        if (pl_strcmp(&msg->to.tag, r->early[i]->tag) == 0)
            return r->early[i];
    if (r->n_early == LEG_EARLY_MAX)
        return NULL;
    e = mem_zalloc(sizeof *e, early_destructor);
    if (e == NULL || pl_strcpy(&msg->to.tag, e->tag, sizeof e->tag) != 0 ||
        sip_dialog_fork(&e->dlg, sipsess_dialog(l->sess), msg) != 0)
        return mem_deref(e);
    e->leg = l;
    r->early[r->n_early++] = e;
    return e;
}

bool stack_acknowledge(struct leg *l, const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);
    struct leg_early *e;
    const char *body;
    size_t len;

    if (hdr == NULL || !pl_isset(&msg->to.tag) || !stack_has_token(msg, SIP_HDR_REQUIRE, "100rel"))
        return true;
    stack_reach_back(l, msg);
    e = find_early(l, msg);
    /* In order and once: what was lost comes again. */
    if (e == NULL || (e->rseq != 0 && pl_u32(&hdr->val) != e->rseq + 1))
        return false;
    e->rseq = pl_u32(&hdr->val);
    e->cseq = msg->cseq.num;
    e->proved = false;
    send_prack(e);
    if (stack_body(msg, &body, &len) && len > 0 &&
        msg_ctype_cmp(&msg->ctyp, "application", "sdp")) {
        mem_deref(l->reliable.sdp);
        l->reliable.sdp = stack_describe(body, len);
        l->reliable.described = l->reliable.sdp != NULL;
    }
    return true;
}

void stack_drop_reliable(struct leg *l)
{
    struct leg_reliable *r = &l->reliable;

    tmr_cancel(&r->tmr);
    for (size_t i = 0; i < r->n_early; i++)
        mem_deref(r->early[i]);
    r->n_early = 0;
    r->auth = mem_deref(r->auth);
    r->sdp = mem_deref(r->sdp);
    r->next = mem_deref(r->next);
    r->answer = mem_deref(r->answer);
}
