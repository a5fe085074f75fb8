/* Transfers (RFC 3515): REFER within a call, from them and from us, and the NOTIFYs that tell how
 * they ended. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <ctype.h>
#include <string.h>

/* --- theirs --- */

/* The URI of Refer-To up to its headers, and of those Replaces, as plain text. */
static bool split_target(const struct sip_msg *msg, char to[STACK_TEXT_MAX],
                         char replaces[STACK_TEXT_MAX])
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
    struct sip_addr addr;
    struct pl uri, value;
    const char *mark;

    *replaces = '\0';
    if (hdr == NULL || sip_msg_hdr_count(msg, SIP_HDR_REFER_TO) != 1 ||
        sip_addr_decode(&addr, &hdr->val) != 0)
        return false;
    uri = addr.auri;
    mark = memchr(uri.p, '?', uri.l);
    if (mark != NULL) {
        value.p = mark;
        value.l = (size_t)(uri.p + uri.l - mark);
        uri.l = (size_t)(mark - uri.p);
        if (re_regex(value.p, value.l, "Replaces=[^&]+", &value) == 0 &&
            re_snprintf(replaces, STACK_TEXT_MAX, "%H", uri_header_unescape, &value) < 0)
            return false;
    }
    return uri.l > 0 && pl_strcpy(&uri, to, STACK_TEXT_MAX) == 0;
}

static bool is_line(const char *text)
{
    while (*text != '\0' && !iscntrl((unsigned char)*text))
        text++;
    return *text == '\0';
}

static bool wants_silence(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_SUB);

    return hdr != NULL && hdr->val.l >= 5 && strncasecmp(hdr->val.p, "false", 5) == 0;
}

void stack_on_refer(struct sip *sip, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    struct leg_refers *r = &l->refers;
    char to[STACK_TEXT_MAX], by[STACK_TEXT_MAX] = "", replaces[STACK_TEXT_MAX];
    const struct sip_hdr *referrer = sip_msg_hdr(msg, SIP_HDR_REFERRED_BY);
    struct leg_transfer t = {.to = to};
    unsigned status = 0;

    l->s->h->soon(l->s->arg);
    if (l->h == NULL || !l->answered)
        status = 603;
    else if (r->msg != NULL)
        status = 491;
    else if (!split_target(msg, to, replaces) || !is_line(to) || !is_line(replaces))
        status = 400;
    else if (sip_strans_alloc(&r->st, sip, msg, NULL, NULL) != 0)
        status = 503;
    if (status != 0) {
        sip_treply(NULL, sip, msg, (uint16_t)status, status_reason(status));
        return;
    }
    if (referrer != NULL && pl_strcpy(&referrer->val, by, sizeof by) == 0 && is_line(by))
        t.by = by;
    if (*replaces != '\0')
        t.replaces = replaces;
    r->msg = mem_ref((void *)msg);
    r->silent = wants_silence(msg);
    l->h->referred(l->arg, &t);
}

static void forget(struct leg_refers *r)
{
    r->msg = mem_deref(r->msg);
    r->taken = false;
    r->again = true;
}

static void notify(struct leg *l, unsigned status)
{
    struct leg_refers *r = &l->refers;
    char id[32] = "", text[96];

    if (r->silent || l->sess == NULL)
        return;
    if (r->again)
        re_snprintf(id, sizeof id, ";id=%u", r->msg->cseq.num);
    re_snprintf(text, sizeof text, "SIP/2.0 %u %s\r\n", status, status_reason(status));
    sip_drequestf(NULL, l->s->sip, true, "NOTIFY", sipsess_dialog(l->sess), 0, NULL,
                  stack_print_contact, NULL, NULL,
                  "Event: refer%s\r\n"
                  "Subscription-State: %s\r\n"
                  "Content-Type: message/sipfrag;version=2.0\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  id, status < 200 ? "active;expires=180" : "terminated;reason=noresource",
                  strlen(text), text);
}

static void respond(struct leg *l, unsigned status)
{
    struct leg_refers *r = &l->refers;
    struct sip_contact contact;

    sip_contact_set(&contact, l->contact, &r->msg->dst, r->msg->tp);
    sip_treplyf(&r->st, NULL, l->s->sip, r->msg, false, (uint16_t)status, status_reason(status),
                "%H%sContent-Length: 0\r\n\r\n", sip_contact_print, &contact,
                r->silent && status < 300 ? "Refer-Sub: false\r\n" : "");
    r->st = NULL; /* with its final answer it lives on by itself */
    r->taken = status < 300;
}

void leg_refer_answer(struct leg *l, unsigned response, unsigned final)
{
    struct leg_refers *r = &l->refers;

    l->s->h->soon(l->s->arg);
    if (r->msg == NULL || l->over)
        return;
    if (!r->taken) {
        respond(l, response >= 200 ? response : 603);
        if (r->taken && final == 0)
            notify(l, 100);
    }
    if (r->taken && final != 0)
        notify(l, final);
    if (!r->taken || final >= 200)
        forget(r);
}

/* --- ours --- */

static int send_refer(struct leg *l);

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct leg *l = arg;
    struct leg_refers *r = &l->refers;
    unsigned status = err == 0 ? msg->scode : err == ETIMEDOUT ? 408 : 503;

    l->s->h->soon(l->s->arg);
    if (status < 200)
        return;
    if ((status == 401 || status == 407) && err == 0 && sip_auth_authenticate(r->auth, msg) == 0 &&
        send_refer(l) == 0)
        return;
    if (status < 300 && r->told)
        return; /* its NOTIFY was faster */
    r->waiting = status < 300;
    r->told = true;
    if (l->h != NULL)
        l->h->refer_answered(l->arg, status);
}

static int send_refer(struct leg *l)
{
    struct leg_refers *r = &l->refers;

    return sip_drequestf(&r->req, l->s->sip, true, "REFER", sipsess_dialog(l->sess), 0, r->auth,
                         stack_print_contact, on_response, l,
                         "Refer-To: <%s>\r\n"
                         "Referred-By: <sip:" STACK_CONTACT "@%s>\r\n"
                         "Content-Length: 0\r\n\r\n",
                         r->to, l->s->domain);
}

int leg_refer(struct leg *l, const char *to, struct error *err)
{
    struct leg_refers *r = &l->refers;
    int e;

    if (l->over || !l->answered || r->req != NULL || r->waiting)
        return error_set(err, ERR_WRONG_STATE,
                         "a call can be transferred once it is answered, one transfer at a time");
    if (!is_line(to) || strpbrk(to, "<> \"") != NULL || strchr(to, ':') == NULL ||
        strlen(to) >= sizeof r->to)
        return error_set(err, ERR_INVALID, "'%s' is no URI that a call can be transferred to", to);
    str_ncpy(r->to, to, sizeof r->to);
    r->told = false;
    r->auth = mem_deref(r->auth);
    e = sip_auth_alloc(&r->auth, stack_on_challenge, l, false);
    if (e == 0)
        e = send_refer(l);
    return e == 0 ? 0 : error_set(err, ERR_IO, "REFER cannot be sent: %s", strerror(e));
}

/* The status in "SIP/2.0 200 OK"; 0: none. */
static unsigned fragment_status(const struct sip_msg *msg)
{
    struct pl body, status;

    if (!stack_body(msg, &body.p, &body.l) ||
        re_regex(body.p, body.l, "SIP/2.0 [0-9]3", &status) != 0)
        return 0;
    return pl_u32(&status);
}

void stack_on_notify(struct leg *l, const struct sip_msg *msg)
{
    const struct sip_hdr *event = sip_msg_hdr(msg, SIP_HDR_EVENT);
    const struct sip_hdr *state = sip_msg_hdr(msg, SIP_HDR_SUBSCRIPTION_STATE);
    struct leg_refers *r = &l->refers;
    unsigned status = 0;

    if (r->req == NULL && !r->waiting)
        status = 481;
    else if (event == NULL || event->val.l < 5 || strncasecmp(event->val.p, "refer", 5) != 0)
        status = 489;
    if (status != 0) {
        sip_treply(NULL, l->s->sip, msg, (uint16_t)status, status_reason(status));
        return;
    }
    sip_treply(NULL, l->s->sip, msg, 200, "OK");
    status = fragment_status(msg);
    /* They will tell nothing more, though it has not ended. */
    if (status < 200 && state != NULL && state->val.l >= 10 &&
        strncasecmp(state->val.p, "terminated", 10) == 0)
        status = 408;
    if (status < 200)
        return;
    r->waiting = false;
    r->told = true;
    if (l->h != NULL)
        l->h->refer_notified(l->arg, status);
}

void stack_drop_refers(struct leg *l)
{
    struct leg_refers *r = &l->refers;

    if (r->msg != NULL && !r->taken)
        sip_treply(&r->st, l->s->sip, r->msg, 603, status_reason(603));
    mem_deref(r->msg);
    mem_deref(r->req);
    mem_deref(r->auth);
}
