/* Session timers (RFC 4028): a call whose far end is gone is found out by who refreshes it, or by
 * who hears no refresh. Ours are UPDATEs. A re-INVITE is sent and answered by libre without a word
 * of timers, which ends them on both sides (§9). */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <string.h>

enum { MIN_SE = 90, MAX_SE = 24 * 60 * 60, GRACE = 32, AGAIN_MAX = 3 };

/* "1800;refresher=uac": 0 when there is none. */
static uint32_t read_interval(const struct sip_msg *msg, char refresher[4])
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
    struct pl value;
    uint32_t n;

    refresher[0] = '\0';
    if (hdr == NULL || re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &value) != 0 ||
        value.p != hdr->val.p || value.l > 9)
        return 0;
    n = pl_u32(&value);
    if (msg_param_decode(&hdr->val, "refresher", &value) == 0 && value.l == 3)
        pl_strcpy(&value, refresher, 4);
    return n < MAX_SE ? n : MAX_SE;
}

bool stack_timer_too_short(const struct sip_msg *msg)
{
    char refresher[4];
    uint32_t n = read_interval(msg, refresher);

    return n > 0 && n < MIN_SE && stack_has_token(msg, SIP_HDR_SUPPORTED, "timer");
}

static void start(struct leg *l);
static void refresh(struct leg *l);

/* Who takes no UPDATE gets one re-INVITE, in which libre says nothing of timers: that ends them,
 * and the far end waits for no refresh. */
static void end_timer(struct leg *l)
{
    struct str offer = STR_INIT(8192);
    struct mbuf *mb = NULL;

    l->timer.seconds = 0;
    if (l->h != NULL && l->h->offered(l->arg, NULL, 0, &offer) == 200 && !offer.failed)
        mb = stack_describe(offer.data, offer.len);
    if (mb != NULL)
        sipsess_modify(l->sess, mb);
    mem_deref(mb);
    str_free(&offer);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    struct leg_timer *t = &l->timer;
    const struct sip_hdr *least = msg != NULL ? sip_msg_hdr(msg, SIP_HDR_MIN_SE) : NULL;
    char refresher[4];
    uint32_t n;

    l->s->h->soon(l->s->arg);
    if (err == 0 && msg->scode < 200)
        return;
    if (err == 0 && (msg->scode == 401 || msg->scode == 407) && !t->proved &&
        sip_auth_authenticate(t->auth, msg) == 0) {
        t->proved = true;
        refresh(l);
    } else if (err == 0 && msg->scode == 422 && least != NULL && pl_u32(&least->val) > t->seconds &&
               pl_u32(&least->val) <= MAX_SE) {
        t->seconds = pl_u32(&least->val);
        refresh(l);
    } else if (err == 0 && msg->scode < 300) {
        n = read_interval(msg, refresher);
        t->seconds = n;
        t->ours = strcmp(refresher, "uas") != 0;
        start(l);
    } else if (err != 0 || msg->scode == 408 || msg->scode == 481) {
        stack_give_up(l, 408);
    } else if (msg->scode == 491 || msg->scode == 500) {
        start(l); /* it will do later */
    } else {
        end_timer(l); /* they know no UPDATE */
    }
}

static void refresh(struct leg *l)
{
    struct leg_timer *t = &l->timer;

    if (t->auth == NULL && sip_auth_alloc(&t->auth, stack_on_challenge, l, false) != 0)
        return;
    t->req = mem_deref(t->req);
    if (sip_drequestf(&t->req, l->s->sip, true, "UPDATE", sipsess_dialog(l->sess), 0, t->auth,
                      stack_print_contact, on_response, l,
                      "Supported: timer\r\n"
                      "Session-Expires: %u;refresher=uac\r\n"
                      "Min-SE: %u\r\n"
                      "Content-Length: 0\r\n\r\n",
                      t->seconds, MIN_SE) != 0)
        stack_give_up(l, 500);
}

static void on_due(void *arg)
{
    struct leg *l = arg;

    if (l->timer.ours && l->timer.no_update) {
        end_timer(l);
    } else if (l->timer.ours) {
        l->timer.proved = false;
        refresh(l);
    } else {
        stack_give_up(l, 408);
    }
}

static void start(struct leg *l)
{
    struct leg_timer *t = &l->timer;
    uint32_t grace = t->seconds / 3 < GRACE ? t->seconds / 3 : GRACE;

    tmr_cancel(&t->tmr);
    if (t->seconds > 0)
        tmr_start(&t->tmr, 1000ull * (t->ours ? t->seconds / 2 : t->seconds - grace), on_due, l);
}

void stack_timer_ask(const struct leg *l, char out[64])
{
    out[0] = '\0';
    if (l->timer.asked > 0)
        re_snprintf(out, 64, "Session-Expires: %u\r\nMin-SE: %u\r\n",
                    l->timer.asked < MIN_SE ? MIN_SE : l->timer.asked, MIN_SE);
}

bool stack_timer_longer(struct leg *l, const struct sip_msg *answer)
{
    struct leg_timer *t = &l->timer;
    const struct sip_hdr *least = sip_msg_hdr(answer, SIP_HDR_MIN_SE);

    if (answer->scode != 422 || least == NULL || t->asked == 0 || pl_u32(&least->val) <= t->asked ||
        pl_u32(&least->val) > MAX_SE || t->again == AGAIN_MAX)
        return false;
    t->asked = pl_u32(&least->val);
    t->again++;
    return true;
}

void stack_timer_agreed(struct leg *l, const struct sip_msg *answer)
{
    char refresher[4];

    l->timer.no_update = sip_msg_hdr(answer, SIP_HDR_ALLOW) != NULL &&
                         !stack_has_token(answer, SIP_HDR_ALLOW, "UPDATE");
    l->timer.seconds = read_interval(answer, refresher);
    l->timer.ours = strcmp(refresher, "uac") == 0;
    start(l);
}

void stack_timer_requested(struct leg *l, const struct sip_msg *msg, struct str *headers)
{
    struct leg_timer *t = &l->timer;
    bool knows = stack_has_token(msg, SIP_HDR_SUPPORTED, "timer") ||
                 stack_has_token(msg, SIP_HDR_REQUIRE, "timer");
    char refresher[4];

    t->seconds = read_interval(msg, refresher);
    t->ours = strcmp(refresher, "uas") == 0 || !knows;
    /* Ours only where the far end takes an UPDATE. */
    if (t->seconds < MIN_SE || (t->ours && !stack_has_token(msg, SIP_HDR_ALLOW, "UPDATE")))
        t->seconds = 0;
    if (t->seconds > 0)
        str_addf(headers, "Session-Expires: %u;refresher=%s\r\n%s", t->seconds,
                 t->ours ? "uas" : "uac", t->ours ? "" : "Require: timer\r\n");
    start(l);
}

void stack_timer_stop(struct leg *l)
{
    tmr_cancel(&l->timer.tmr);
    l->timer.seconds = 0;
    l->timer.req = mem_deref(l->timer.req);
    l->timer.auth = mem_deref(l->timer.auth);
}
