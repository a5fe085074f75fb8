/* Session timers (RFC 4028): a call whose far end is gone is found out by who refreshes it, or by
 * who hears no refresh. Ours are UPDATEs, and re-INVITEs to who takes none. */
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

/* What they say of UPDATE holds until they say something else. */
static void note_allow(struct leg *l, const struct sip_msg *msg)
{
    if (sip_msg_hdr(msg, SIP_HDR_ALLOW) != NULL)
        l->timer.no_update = !stack_has_token(msg, SIP_HDR_ALLOW, "UPDATE");
}

static void on_due(void *arg);

/* stack_timer_ask() says what stands in it. */
static void reinvite(struct leg *l)
{
    struct leg_timer *t = &l->timer;
    struct str offer = STR_INIT(8192);
    struct mbuf *mb = NULL;

    if (l->h != NULL && l->h->offered(l->arg, NULL, 0, &offer) == 200 && !offer.failed)
        mb = stack_describe(offer.data, offer.len);
    if (mb != NULL)
        sipsess_modify(l->sess, mb);
    mem_deref(mb);
    str_free(&offer);
    t->waiting = true;
    tmr_start(&t->tmr, 1000ull * (t->seconds - t->seconds / 2), on_due, l);
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
        t->no_update = true;
        reinvite(l);
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
    struct leg_timer *t = &l->timer;

    if (!t->ours || t->waiting) {
        stack_give_up(l, 408);
    } else if (t->no_update) {
        reinvite(l);
    } else {
        t->proved = false;
        refresh(l);
    }
}

static void start(struct leg *l)
{
    struct leg_timer *t = &l->timer;
    uint32_t grace = t->seconds / 3 < GRACE ? t->seconds / 3 : GRACE;

    tmr_cancel(&t->tmr);
    t->waiting = false;
    if (t->seconds > 0)
        tmr_start(&t->tmr, 1000ull * (t->ours ? t->seconds / 2 : t->seconds - grace), on_due, l);
}

void stack_timer_ask(const struct leg *l, bool within, char out[STACK_TIMER_MAX])
{
    const struct leg_timer *t = &l->timer;
    uint32_t seconds = within ? t->seconds : t->asked < MIN_SE ? MIN_SE : t->asked;

    out[0] = '\0';
    if (within ? t->seconds > 0 : t->asked > 0)
        re_snprintf(out, STACK_TIMER_MAX, "Session-Expires: %u%s\r\nMin-SE: %u\r\n", seconds,
                    within ? ";refresher=uac" : "", MIN_SE);
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

    note_allow(l, answer);
    l->timer.seconds = read_interval(answer, refresher);
    l->timer.ours = strcmp(refresher, "uac") == 0;
    start(l);
}

/* libre itself sends another one after 401, 407 and 491, and ends the call after 408 and 481. Who
 * refuses otherwise is there, at least. */
void stack_timer_refreshed(struct leg *l, const struct sip_msg *answer)
{
    struct leg_timer *t = &l->timer;
    const struct sip_hdr *least = sip_msg_hdr(answer, SIP_HDR_MIN_SE);

    if (l->over || !t->waiting)
        return;
    if (answer->scode < 300) {
        stack_timer_agreed(l, answer);
    } else if (answer->scode == 422 && least != NULL && pl_u32(&least->val) > t->seconds &&
               pl_u32(&least->val) <= MAX_SE) {
        t->seconds = pl_u32(&least->val);
        t->waiting = false; /* at once, when libre is through with this one */
        tmr_start(&t->tmr, 0, on_due, l);
    } else if (answer->scode != 401 && answer->scode != 407 && answer->scode != 491) {
        start(l);
    }
}

void stack_timer_requested(struct leg *l, const struct sip_msg *msg, char out[STACK_TIMER_MAX])
{
    struct leg_timer *t = &l->timer;
    char refresher[4];
    uint32_t asked = read_interval(msg, refresher);
    bool knows = strcmp(refresher, "uac") == 0 ||
                 stack_has_token(msg, SIP_HDR_SUPPORTED, "timer") ||
                 stack_has_token(msg, SIP_HDR_REQUIRE, "timer");

    note_allow(l, msg);
    /* A change that does not speak of the timer leaves it as it is: our answer says so, since
     * without a word it would end (§9). */
    if (asked > 0 || !l->answered) {
        t->seconds = asked >= MIN_SE ? asked : 0;
        t->ours = strcmp(refresher, "uas") == 0;
    }
    t->ours |= !knows;
    out[0] = '\0';
    if (t->seconds > 0)
        re_snprintf(out, STACK_TIMER_MAX, "Session-Expires: %u;refresher=%s\r\n%s", t->seconds,
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
