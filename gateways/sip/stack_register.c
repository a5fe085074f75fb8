/* Our registrations with carriers. libre renews them, and waits longer after each failure: at last
 * half an hour, which is right after a refusal, but not for a network that was gone. */
#include "gateways/sip/stack_private.h"
#include <string.h>

enum { AGAIN_SECONDS = 30, AGAIN_SECONDS_MOST = 1800 };

struct enrolment {
    struct stack *s;
    struct sipreg *reg;
    void *arg;
    /* A NAT forgets where packets came from, some after 30 s. Two empty lines (RFC 5626 §3.5.1) are
     * no message to anybody. */
    struct tmr keep_open;
    uint32_t keep_open_ms; /* 0: never */
    enum sip_transp transport;
    struct sa registrar; /* who took it */
    char user[STACK_TEXT_MAX], password[STACK_TEXT_MAX];
};

static void enrolment_destructor(void *arg)
{
    struct enrolment *e = arg;

    tmr_cancel(&e->keep_open);
}

static int on_challenge(char **user, char **password, const char *realm, void *arg)
{
    struct enrolment *e = arg;

    (void)realm;
    return str_dup(user, e->user) | str_dup(password, e->password);
}

static void on_keep_open(void *arg)
{
    struct enrolment *e = arg;
    struct mbuf *mb = mbuf_alloc(4);

    if (mb != NULL && mbuf_write_str(mb, "\r\n\r\n") == 0) {
        mb->pos = 0;
        sip_send(e->s->sip, NULL, e->transport, &e->registrar, mb);
    }
    mem_deref(mb);
    tmr_start(&e->keep_open, e->keep_open_ms, on_keep_open, e);
}

/* Nobody answered, or he cannot at the moment. */
static void try_soon(struct enrolment *e, const struct sip_msg *msg)
{
    const struct sip_hdr *after = msg != NULL ? sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER) : NULL;
    uint32_t seconds = 0;
    struct pl number; /* a comment and parameters may stand behind it */

    if (after != NULL && re_regex(after->val.p, after->val.l, "[0-9]+", &number) == 0 &&
        number.p == after->val.p)
        seconds = number.l < 9 ? pl_u32(&number) : AGAIN_SECONDS_MOST;
    if (msg != NULL && msg->scode != 408 && msg->scode < 500)
        return;
    if (seconds > AGAIN_SECONDS_MOST)
        seconds = AGAIN_SECONDS_MOST;
    if (seconds == 0) /* not all in the same moment */
        seconds = AGAIN_SECONDS + rand_u16() % AGAIN_SECONDS;
    stack_tmr_again(e->reg, 1000ull * seconds);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct enrolment *e = arg;
    struct sockaddr_storage from = {0};

    (void)err;
    if (msg != NULL)
        memcpy(&from, &msg->src.u, sizeof msg->src.u.in6);
    if (msg != NULL && msg->scode == 200) {
        e->registrar = msg->src;
        e->transport = msg->tp;
        if (e->keep_open_ms > 0)
            tmr_start(&e->keep_open, e->keep_open_ms, on_keep_open, e);
    }
    try_soon(e, msg);
    e->s->h->soon(e->s->arg);
    e->s->h->enrolled(e->s->arg, e->arg, msg != NULL ? msg->scode : 0, &from);
}

int enrol(struct enrolment **ep, struct stack *s, const struct enrolment_config *c, void *arg,
          struct error *err)
{
    struct enrolment *e = mem_zalloc(sizeof *e, enrolment_destructor);
    const char *routes[1] = {c->route};
    int rc;

    if (e == NULL)
        return error_nomem(err);
    e->s = s;
    e->arg = arg;
    e->keep_open_ms = c->keep_alive * 1000;
    str_ncpy(e->user, c->user, sizeof e->user);
    str_ncpy(e->password, c->password != NULL ? c->password : "", sizeof e->password);
    /* libre's reference keeps what on_challenge() needs for the farewell, after
     * enrolment_free(). */
    rc = sipreg_register(&e->reg, s->sip, c->registrar, c->uri, NULL, c->uri, c->expires,
                         c->contact, routes, c->route != NULL ? 1 : 0, 0, on_challenge, e, true,
                         on_response, e, NULL, NULL);
    if (rc != 0) {
        mem_deref(e);
        return error_set(err, rc == ENOMEM ? ERR_NOMEM : ERR_IO, "cannot register with %s: %s",
                         c->registrar, strerror(rc));
    }
    *ep = e;
    return 0;
}

struct enrolment *enrolment_free(struct enrolment *e)
{
    if (e == NULL)
        return NULL;
    tmr_cancel(&e->keep_open);
    e->reg = mem_deref(e->reg);
    mem_deref(e);
    return NULL;
}
