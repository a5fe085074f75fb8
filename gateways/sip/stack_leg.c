/* Legs: dialogs of calls, over libre's sessions. A call that comes in is only a transaction until
 * it rings or is answered, so that one that is refused costs no dialog and hears no 180. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

/* Its session may live on for a BYE, and keeps the leg for the challenge of that. */
static void leg_destructor(void *arg)
{
    struct leg *l = arg;

    mem_deref(l->msg);
}

static struct leg *let_go(struct leg *l)
{
    hash_unlink(&l->le);
    stack_drop_refers(l);
    stack_drop_reliable(l);
    stack_timer_stop(l);
    l->sess = mem_deref(l->sess);
    l->st = mem_deref(l->st);
    mem_deref(l);
    return NULL;
}

static struct sip_dialog *dialog_of(const struct leg *l, const struct sip_msg *msg)
{
    if (sip_dialog_cmp(sipsess_dialog(l->sess), msg))
        return sipsess_dialog(l->sess);
    for (size_t i = 0; !l->answered && i < l->reliable.n_early; i++)
        if (sip_dialog_cmp(l->reliable.early[i]->dlg, msg))
            return l->reliable.early[i]->dlg;
    return NULL;
}

static bool is_dialog_of(struct le *le, void *arg)
{
    return dialog_of(le->data, arg) != NULL;
}

struct leg *stack_find_leg(struct stack *s, const struct sip_msg *msg, struct sip_dialog **dlg)
{
    struct leg *l =
        list_ledata(hash_lookup(s->legs, hash_joaat_pl(&msg->callid), is_dialog_of, (void *)msg));

    *dlg = l != NULL ? dialog_of(l, msg) : NULL;
    return l;
}

/* Once it has a session. */
static void list_leg(struct leg *l)
{
    hash_append(l->s->legs, hash_joaat_str(sip_dialog_callid(sipsess_dialog(l->sess))), &l->le, l);
}

/* After `ended` nothing more comes. The handler may end the leg. */
static void tell_ended(struct leg *l, unsigned status, int q850)
{
    const struct leg_handlers *h = l->h;

    l->over = true;
    l->h = NULL;
    l->s->h->soon(l->s->arg);
    if (h != NULL)
        h->ended(l->arg, status, q850);
}

struct mbuf *stack_describe(const char *sdp, size_t len)
{
    struct mbuf *mb = mbuf_alloc(len > 0 ? len : 1);

    if (mb != NULL && mbuf_write_mem(mb, (const uint8_t *)sdp, len) != 0)
        mb = mem_deref(mb);
    if (mb != NULL)
        mb->pos = 0;
    return mb;
}

/* --- what libre's session tells --- */

static int on_offer(struct mbuf **descp, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    struct str answer = STR_INIT(8192);
    const char *body;
    size_t len;
    unsigned status;

    l->s->h->soon(l->s->arg);
    if (l->h == NULL || !stack_body(msg, &body, &len))
        return EPROTO;
    status = l->h->offered(l->arg, len > 0 ? body : NULL, len, &answer);
    *descp = status == 200 && !answer.failed ? stack_describe(answer.data, answer.len) : NULL;
    str_free(&answer);
    if (*descp == NULL)
        return EPROTO;
    if (l->s->says)
        stack_timer_requested(l, msg, l->agreement);
    else
        stack_timer_stop(l);
    stack_reach_back(l, msg);
    return 0;
}

static int on_answer(const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    const char *body;
    size_t len;

    l->s->h->soon(l->s->arg);
    if (l->h == NULL || !stack_body(msg, &body, &len))
        return EPROTO;
    if (!l->came_in && l->behind_nat) { /* before the ACK goes there */
        stack_reach_back(l, msg);
        sip_dialog_update(sipsess_dialog(l->sess), msg);
    }
    /* What was said reliably before the answer need not be said again; some say it unreliably, and
     * then not again. */
    if (len == 0 && l->agreed)
        return 0;
    if (len == 0 && !l->came_in && l->reliable.sdp != NULL) {
        body = (const char *)mbuf_buf(l->reliable.sdp);
        len = mbuf_get_left(l->reliable.sdp);
    }
    l->agreed = l->h->agreed(l->arg, body, len);
    return l->agreed ? 0 : EPROTO;
}

static void on_progress(const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    const char *body;
    size_t len;

    l->s->h->soon(l->s->arg);
    if (l->h != NULL && l->h->heard != NULL)
        l->h->heard(l->arg);
    if (msg->scode < 180 || l->h == NULL || !stack_acknowledge(l, msg))
        return;
    stack_keep_reply(l, msg);
    l->h->ringing(l->arg, msg->scode);
    if (!stack_body(msg, &body, &len) || len == 0 ||
        !msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
        return;
    if (!l->reliable.described) {
        mem_deref(l->reliable.sdp);
        l->reliable.sdp = stack_describe(body, len);
    }
    l->h->early(l->arg, body, len);
}

static void on_established(const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;

    l->s->h->soon(l->s->arg);
    if (l->came_in || l->answered)
        return;
    stack_keep_reply(l, msg);
    l->answered = true;
    stack_timer_agreed(l, msg);
    if (l->h != NULL)
        l->h->answered(l->arg);
}

void leg_warn(struct leg *l, unsigned code, const char *text)
{
    if (l == NULL)
        return;
    l->warning = code;
    l->warning_text = text;
}

void stack_warning(const struct leg *l, unsigned status, char out[STACK_WARNING_MAX])
{
    out[0] = '\0';
    if (status == 488 && l->warning != 0)
        re_snprintf(out, STACK_WARNING_MAX, "Warning: %u %s \"%s\"\r\n", l->warning, l->s->domain,
                    l->warning_text);
}

static void on_info(struct sip *sip, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    unsigned ms;
    char digit;

    l->s->h->soon(l->s->arg);
    if (!stack_parse_digit(msg, &digit, &ms)) {
        sip_treplyf(NULL, NULL, sip, msg, false, 415, status_reason(415),
                    "Accept: application/dtmf-relay, application/dtmf\r\n"
                    "Content-Length: 0\r\n\r\n");
        return;
    }
    sip_treply(NULL, sip, msg, 200, "OK");
    if (l->h != NULL)
        l->h->digit(l->arg, digit, ms);
}

static void on_close(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    unsigned status = 500;

    if (msg != NULL && !l->came_in && !l->answered) {
        stack_keep_reply(l, msg);
        if (l->h != NULL && l->h->heard != NULL)
            l->h->heard(l->arg);
    }
    if (msg != NULL && msg->scode >= 300)
        status = msg->scode;
    else if (err == EPROTO)
        status = 488; /* what they described cannot be */
    else if (!l->came_in && !l->answered && err != ENOMEM)
        status = 503; /* not even 100 came, or no connection can be made: nobody is there */
    else if (err == ECONNRESET)
        status = l->answered ? 200 : 487;
    else if (err == ETIMEDOUT)
        status = 408;
    tell_ended(l, status, stack_q850(msg));
}

int stack_on_challenge(char **user, char **password, const char *realm, void *arg)
{
    struct leg *l = arg;

    (void)realm;
    /* Only who we called gets an answer; all our requests to him go by his route. */
    if (l->came_in || l->user[0] == '\0')
        return EAUTH;
    return str_dup(user, l->user) | str_dup(password, l->password);
}

int stack_print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst,
                        struct mbuf *mb, void *arg)
{
    const struct leg *l = arg; /* NULL: of a request that may outlive its leg */
    struct sip_contact contact;

    (void)dst;
    sip_contact_set(&contact, l != NULL ? l->contact : STACK_CONTACT, src, tp);
    return mbuf_printf(mb, "%H", sip_contact_print, &contact);
}

/* --- calls that come in --- */

static void on_cancel(void *arg)
{
    struct leg *l = arg;

    sip_treply(&l->st, l->s->sip, l->msg, 487, status_reason(487));
    tell_ended(l, 487, -1);
}

void stack_invited(struct stack *s, const struct sip_msg *msg, struct stack_request *r)
{
    const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
    struct sip_addr addr;
    struct leg *l;

    if (contact == NULL || sip_addr_decode(&addr, &contact->val) != 0) {
        sip_reply(s->sip, msg, 400, status_reason(400));
        return;
    }
    l = mem_zalloc(sizeof *l, leg_destructor);
    if (l == NULL) {
        sip_replyf(s->sip, msg, 503, status_reason(503), "%sContent-Length: 0\r\n\r\n",
                   stack_refusal(503));
        return;
    }
    l->s = s;
    l->came_in = true;
    l->msg = mem_ref((void *)msg);
    str_ncpy(l->local_ip, r->local_ip, sizeof l->local_ip);
    l->reliable.required = stack_has_token(msg, SIP_HDR_REQUIRE, "100rel");
    l->reliable.supported = stack_has_token(msg, SIP_HDR_SUPPORTED, "100rel");
    stack_contact(s, msg->tp, r->source_ip, l->contact);
    if (sip_strans_alloc(&l->st, s->sip, msg, on_cancel, l) != 0 ||
        sip_treply(&l->st, s->sip, msg, 100, "Trying") != 0) {
        l->over = true;
        leg_end(l, 500, -1);
        return;
    }
    s->h->invited(s->arg, l, r);
}

/* The first answer that makes a dialog: from here libre's session has the transaction. */
int stack_open_session(struct leg *l, uint16_t status, struct mbuf *sdp)
{
    char headers[64] = "", timer[STACK_TIMER_MAX] = "";
    int e;

    if (status < 200 && stack_is_reliable(l, sdp != NULL))
        re_snprintf(headers, sizeof headers, "Require: 100rel\r\nRSeq: %u\r\n", l->reliable.rseq);
    if (status >= 200)
        stack_timer_requested(l, l->msg, timer);
    l->st = mem_deref(l->st);
    stack_reach_back(l, l->msg);
    e = sipsess_accept(&l->sess, l->s->sock, l->msg, status, status_reason(status), l->contact,
                       "application/sdp", sdp, stack_on_challenge, l, true, on_offer, on_answer,
                       on_established, on_info, stack_on_refer, on_close, l, "%s%s" STACK_ALLOW,
                       headers, timer);
    if (e == 0)
        list_leg(l);
    return e;
}

void leg_attach(struct leg *l, const struct leg_handlers *h, void *arg)
{
    l->h = h;
    l->arg = arg;
}

const char *leg_call_id(const struct leg *l)
{
    return l->call_id;
}

const char *const *leg_headers(const struct leg *l)
{
    return l->headers;
}

const char *leg_local_ip(const struct leg *l)
{
    return l->local_ip;
}

void leg_ring(struct leg *l)
{
    bool described = mbuf_get_left(l->msg->mb) > 0;
    int e;

    /* Who wants it acknowledged, and made no offer, would have to get one with it. */
    if (l->over || l->sess != NULL || (l->reliable.required && !described))
        return;
    e = stack_is_reliable(l, false) ? stack_progress(l, 180, NULL)
                                    : stack_open_session(l, 180, NULL);
    if (e != 0)
        tell_ended(l, 500, -1);
}

bool leg_progress(struct leg *l, const char *sdp)
{
    struct mbuf *mb;
    int e = ENOMEM;

    if (l->over || l->answered)
        return false;
    mb = stack_describe(sdp, strlen(sdp));
    if (mb != NULL && stack_is_reliable(l, true))
        e = stack_progress(l, 183, mb);
    else if (mb != NULL && l->sess == NULL)
        e = stack_open_session(l, 183, mb);
    else if (mb != NULL)
        e = sipsess_progress(l->sess, 183, "Session Progress", mb, STACK_ALLOW);
    mem_deref(mb);
    return e == 0;
}

void stack_answer(struct leg *l, struct mbuf *sdp)
{
    char timer[STACK_TIMER_MAX];
    int e;

    if (l->sess == NULL) {
        e = stack_open_session(l, 200, sdp);
    } else {
        stack_timer_requested(l, l->msg, timer);
        /* A description that was acknowledged is not said twice. */
        e = sipsess_answer(l->sess, 200, "OK", l->reliable.described ? NULL : sdp, "%s" STACK_ALLOW,
                           timer);
    }
    if (e == 0)
        l->answered = true;
    else
        tell_ended(l, 500, -1);
}

void leg_answer(struct leg *l, const char *sdp)
{
    struct mbuf *mb;

    if (l->over || l->answered)
        return;
    mb = stack_describe(sdp, strlen(sdp));
    if (mb == NULL)
        tell_ended(l, 500, -1);
    else if (!stack_hold_answer(l, mb))
        stack_answer(l, mb);
    mem_deref(mb);
}

/* --- the end --- */

static void refuse(struct leg *l, unsigned status, int q850)
{
    char headers[64], warning[STACK_WARNING_MAX];
    const char *more = stack_refusal(status);

    headers[0] = '\0';
    if (q850 >= 0)
        re_snprintf(headers, sizeof headers, "Reason: Q.850;cause=%d\r\n", q850);
    stack_warning(l, status, warning);
    if (l->sess != NULL)
        sipsess_reject(l->sess, (uint16_t)status, status_reason(status),
                       "%s%s%sContent-Length: 0\r\n\r\n", headers, more, warning);
    else if (l->st != NULL)
        sip_treplyf(&l->st, NULL, l->s->sip, l->msg, false, (uint16_t)status, status_reason(status),
                    "%s%s%sContent-Length: 0\r\n\r\n", headers, more, warning);
}

void stack_give_up(struct leg *l, unsigned status)
{
    if (l->over)
        return;
    if (l->came_in && !l->answered)
        refuse(l, status, -1);
    tell_ended(l, status, -1);
}

struct leg *leg_end(struct leg *l, unsigned status, int q850)
{
    if (l == NULL)
        return NULL;
    l->h = NULL;
    l->s->h->soon(l->s->arg);
    if (!l->over && l->came_in && !l->answered) {
        refuse(l, status, q850);
        /* A transaction that has its final answer lives on by itself. */
        l->st = NULL;
    } else if (!l->over && l->sess != NULL && q850 >= 0) {
        sipsess_set_close_headers(l->sess, "Reason: Q.850;cause=%d\r\n", q850);
    }
    l->over = true;
    return let_go(l);
}

/* --- calls that go out --- */

void stack_local_ip(const char *route, char out[48])
{
    struct pl text;
    struct uri uri;
    struct sa to, from;
    int fd;

    out[0] = '\0';
    pl_set_str(&text, route);
    if (uri_decode(&uri, &text) != 0 || sa_set(&to, &uri.host, 5060) != 0)
        sa_set_str(&to, "192.0.2.1", 5060); /* a name: the way to the world */
    fd = socket(sa_af(&to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sa_init(&from, sa_af(&to));
    if (connect(fd, &to.u.sa, to.len) == 0 && getsockname(fd, &from.u.sa, &from.len) == 0)
        re_snprintf(out, 48, "%j", &from);
    close(fd);
}

static int place(struct leg *l, const struct leg_call *c, struct mbuf *sdp)
{
    const char *routes[1] = {c->route};
    int e;

    stack_say_placing(l);
    e = sipsess_connect(&l->sess, l->s->sock, c->uri, c->from_name, c->from_uri, l->contact, routes,
                        1, "application/sdp", sdp, stack_on_challenge, l, true, on_offer, on_answer,
                        on_progress, on_established, on_info, stack_on_refer, on_close, l,
                        "%s" STACK_ALLOW, c->headers);
    stack_say_placing(NULL);
    if (e == 0)
        list_leg(l);
    return e;
}

int leg_dial(struct leg **lp, struct stack *s, const struct leg_call *c,
             const struct leg_handlers *h, void *arg, struct error *err)
{
    struct leg *l = mem_zalloc(sizeof *l, leg_destructor);
    struct mbuf *sdp = stack_describe(c->sdp, strlen(c->sdp));
    int e = ENOMEM;

    if (l != NULL && sdp != NULL) {
        l->s = s;
        l->h = h;
        l->arg = arg;
        l->behind_nat = c->behind_nat;
        l->timer.asked = c->session_expires;
        str_ncpy(l->user, c->user != NULL ? c->user : "", sizeof l->user);
        str_ncpy(l->password, c->password != NULL ? c->password : "", sizeof l->password);
        stack_local_ip(c->route, l->local_ip);
        stack_contact(s, stack_transport_of(c->route), c->route, l->contact);
        e = place(l, c, sdp);
    }
    mem_deref(sdp);
    if (e != 0) {
        mem_deref(l);
        return error_set(err, ERR_IO, "cannot call %s: %s", c->uri, strerror(e));
    }
    *lp = l;
    return 0;
}
