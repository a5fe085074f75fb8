/* The stack's life, its listeners, and what may come in at all. */
#include "base/log.h"
#include "gateways/sip/registrar.h"
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#define DEBUG_MODULE "stack"
#define DEBUG_LEVEL  4
#include <re_dbg.h>

enum {
    HASH_SIZE = 4096,
    FDS_MAX = 32768,
};

/* --- what may come in --- */

/* What a method does outside a dialog and inside one. Nothing else is done for anybody. */
enum doing { INVITES, REGISTERS, TELLS, TO_SESSION, TO_LEG, NO_CALL, NOT_ALLOWED, NOT_KNOWN };

static const struct method {
    const char *name;
    enum doing outside, inside;
} methods[] = {
    {"BYE", NO_CALL, TO_SESSION},
    {"CANCEL", NO_CALL, NO_CALL},
    {"INFO", NO_CALL, TO_SESSION},
    {"INVITE", INVITES, TO_SESSION},
    {"MESSAGE", NOT_ALLOWED, NOT_ALLOWED},
    {"NOTIFY", NO_CALL, TO_LEG},
    {"OPTIONS", TELLS, TELLS},
    {"PRACK", NO_CALL, TO_LEG},
    {"PUBLISH", NOT_ALLOWED, NOT_ALLOWED},
    {"REFER", NOT_ALLOWED, TO_SESSION},
    {"REGISTER", REGISTERS, NOT_ALLOWED},
    {"SUBSCRIBE", NOT_ALLOWED, NOT_ALLOWED},
    {"UPDATE", NO_CALL, TO_LEG},
};

static enum doing doing_of(const struct sip_msg *msg)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (pl_strcmp(&msg->met, methods[i].name) == 0)
            return pl_isset(&msg->to.tag) ? methods[i].inside : methods[i].outside;
    return NOT_KNOWN;
}

/* RFC 3261 §21.4 and §21.5; of 501 RFC 4475 §3.1.1.2; of 422 RFC 4028 §5. */
const char *stack_refusal(unsigned status)
{
    static char min_expires[32];

    switch (status) {
    case 405:
    case 501:
        return STACK_ALLOW;
    case 406:
    case 415:
        return "Accept: application/sdp\r\nAccept-Encoding: identity\r\n";
    case 422:
        return "Min-SE: 90\r\n";
    case 423:
        re_snprintf(min_expires, sizeof min_expires, "Min-Expires: %d\r\n", REGISTRAR_MIN_SECONDS);
        return min_expires;
    case 503: /* not long: who heeds it sends us nothing at all for that time */
        return "Retry-After: 5\r\n";
    default:
        return "";
    }
}

static void refuse(struct stack *s, const struct sip_msg *msg, unsigned status)
{
    char unsupported[STACK_TEXT_MAX] = "";

    if (status == 420)
        stack_unsupported(msg, unsupported);
    sip_replyf(s->sip, msg, (uint16_t)status, status_reason(status),
               "%s%sContent-Length: 0\r\n\r\n", stack_refusal(status), unsupported);
}

static void registers(struct stack *s, const struct sip_msg *msg, struct stack_parsed *p)
{
    struct str contacts = STR_INIT(8192);
    unsigned status = stack_parse_contacts(p, msg);

    if (status == 200)
        status =
            s->h->registers(s->arg, &p->r, p->contacts, p->n_contacts, p->all_contacts, &contacts);
    if (status == 200 && !contacts.failed)
        sip_replyf(s->sip, msg, 200, "OK", "%sContent-Length: 0\r\n\r\n", str_text(&contacts));
    else
        refuse(s, msg, contacts.failed ? 500 : status);
    str_free(&contacts);
}

/* Who asks, may he, and then what he asked for. */
static void judge(struct stack *s, const struct sip_msg *msg, enum doing doing)
{
    static struct stack_parsed p; /* 20 kB, and only one at a time: not on the stack */
    char user[STACK_TEXT_MAX] = "";
    enum auth_result auth;
    enum stack_verdict verdict;
    unsigned status = stack_parse(&p, msg);

    if (status != 200) {
        refuse(s, msg, status);
        return;
    }
    auth = stack_auth_check(s, msg, user);
    if (auth == AUTH_BAD)
        s->h->guessed(s->arg, &p.r.source);
    p.r.user = auth == AUTH_GOOD ? user : NULL;
    verdict = s->h->screen(s->arg, &p.r);
    if (verdict == STACK_DROP)
        return;
    if (verdict == STACK_CHALLENGE && auth != AUTH_GOOD)
        stack_auth_challenge(s, msg, auth == AUTH_STALE);
    else if (verdict != STACK_TAKE)
        refuse(s, msg, 403);
    else if (doing == REGISTERS)
        registers(s, msg, &p);
    else
        stack_invited(s, msg, &p.r);
}

static void tell(struct stack *s, const struct sip_msg *msg)
{
    sip_replyf(s->sip, msg, 200, "OK",
               STACK_ALLOW "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

static struct sockaddr_storage source_of(const struct sip_msg *msg)
{
    struct sockaddr_storage a = {0};

    memcpy(&a, &msg->src.u, sizeof msg->src.u.in6);
    return a;
}

/* True: it was dealt with here. Comes after libre's transactions (retransmissions, CANCEL) and
 * before its sessions. */
static bool on_request(const struct sip_msg *msg, void *arg)
{
    struct stack *s = arg;
    enum doing doing = doing_of(msg);
    bool within = doing == TO_SESSION || doing == TO_LEG, found;
    bool changes = pl_strcmp(&msg->met, "INVITE") == 0 || pl_strcmp(&msg->met, "UPDATE") == 0;
    unsigned status;
    struct sockaddr_storage source = source_of(msg);
    struct sip_dialog *dlg;
    struct pl maddr;

    s->h->soon(s->arg);
    if (pl_strcmp(&msg->met, "ACK") == 0)
        return !pl_isset(&msg->to.tag);
    /* It would have our answer sent to whomever it names. */
    if (msg_param_decode(&msg->via.params, "maddr", &maddr) == 0)
        return true;
    if (pl_cmp(&msg->met, &msg->cseq.met) != 0) {
        refuse(s, msg, 400);
        return true;
    }
    /* Whoever has no call with us asks for something new, whatever tag he writes: even a refusal is
     * a transaction, kept for 32 s. */
    found = within && stack_find_leg(s, msg, &dlg) != NULL;
    if (!found && !s->h->admit(s->arg, &source))
        return true;
    status = changes && found ? stack_check(msg) : 200;
    if (status != 200) {
        refuse(s, msg, status);
        return true;
    }
    if (doing == TO_SESSION)
        return false;
    if (doing == TO_LEG) {
        stack_within(s, msg);
        return true;
    }
    switch (doing) {
    case INVITES:
    case REGISTERS:
        judge(s, msg, doing);
        break;
    case TELLS:
        tell(s, msg);
        break;
    case NO_CALL:
        refuse(s, msg, 481);
        break;
    case NOT_ALLOWED:
        refuse(s, msg, 405);
        break;
    default:
        refuse(s, msg, 501);
        break;
    }
    return true;
}

/* Without it libre prints what nobody waited for, as it came. */
static bool on_stray_response(const struct sip_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
    return true;
}

/* --- listening --- */

static const char *transport_name(enum sip_transp tp)
{
    return tp == SIP_TRANSP_UDP ? "udp" : tp == SIP_TRANSP_TCP ? "tcp" : "tls";
}

static int listen_one(struct stack *s, enum sip_transp tp, const struct sa *at, struct error *err)
{
    char text[96];
    size_t used = strlen(s->addresses);
    int e = sip_transp_add(s->sip, tp, at, s->tls);

    re_snprintf(text, sizeof text, "%s %J", transport_name(tp), at);
    if (e != 0)
        return error_set(err, ERR_IO, "cannot listen on %s: %s", text, strerror(e));
    if (s->ports[tp] == 0)
        s->ports[tp] = sa_port(at);
    re_snprintf(s->addresses + used, sizeof s->addresses - used, "%s%s", used > 0 ? ", " : "",
                text);
    return 0;
}

/* libre writes the address that a socket is bound to into Via and Contact, so 0.0.0.0 becomes a
 * socket for each address; those of the network first, since the first sends what is new. */
static int listen_everywhere(struct stack *s, enum sip_transp tp, const struct sa *wild,
                             struct error *err)
{
    struct ifaddrs *all = NULL;
    int rc = 0, n = 0, outside = 0;

    if (getifaddrs(&all) != 0)
        return error_set(err, ERR_IO, "cannot list this machine's addresses");
    for (int loopback = 0; loopback < 2; loopback++) {
        for (struct ifaddrs *i = all; i != NULL && rc == 0; i = i->ifa_next) {
            struct sa at;

            if (i->ifa_addr == NULL || i->ifa_addr->sa_family != sa_af(wild) ||
                !(i->ifa_flags & IFF_UP) || sa_set_sa(&at, i->ifa_addr) != 0 ||
                sa_is_linklocal(&at) || sa_is_loopback(&at) != (loopback == 1))
                continue;
            sa_set_port(&at, sa_port(wild));
            rc = listen_one(s, tp, &at, err);
            n++;
            outside += loopback == 0;
        }
    }
    freeifaddrs(all);
    if (rc == 0 && n == 0)
        return error_set(err, ERR_IO, "this machine has no address of that family");
    if (rc == 0 && outside == 0 && !s->alone)
        log_warn("sip", NULL,
                 "there is no network: only this machine is listened to; start almon-sip again "
                 "once there is one, or name the address in sip.listen");
    s->alone = outside == 0;
    return rc;
}

static int add_listener(struct stack *s, const struct stack_config *c, const char *text,
                        struct error *err)
{
    static const struct {
        const char *prefix;
        enum sip_transp tp;
    } kinds[] = {{"udp:", SIP_TRANSP_UDP}, {"tcp:", SIP_TRANSP_TCP}, {"tls:", SIP_TRANSP_TLS}};
    struct sa at;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *address = text + 4;

        if (strncmp(text, kinds[i].prefix, 4) != 0)
            continue;
        if (sa_decode(&at, address, strlen(address)) != 0)
            break;
        if (kinds[i].tp == SIP_TRANSP_TLS && s->tls == NULL &&
            (c->tls_certificate == NULL ||
             tls_alloc(&s->tls, TLS_METHOD_SSLV23, c->tls_certificate, NULL) != 0))
            return error_set(err, ERR_INVALID,
                             "%s needs sip.tls_certificate, a PEM file with certificate and key",
                             text);
        return sa_is_any(&at) ? listen_everywhere(s, kinds[i].tp, &at, err)
                              : listen_one(s, kinds[i].tp, &at, err);
    }
    return error_set(err, ERR_INVALID,
                     "'%s' cannot be listened on; write udp:, tcp: or tls:, an IP address, a port",
                     text);
}

void stack_addresses(const struct stack *s, struct str *out)
{
    str_add(out, s->addresses);
}

/* --- life --- */

static int make_resolver(struct stack *s, const char *dns)
{
    struct sa servers[4];
    char domain[STACK_TEXT_MAX];
    uint32_t n = 4;

    if (dns != NULL && (sa_decode(&servers[0], dns, strlen(dns)) == 0 ||
                        sa_set_str(&servers[0], dns, DNS_PORT) == 0))
        n = 1;
    else if (dns != NULL)
        return EINVAL;
    else if (dns_srv_get(domain, sizeof domain, servers, &n) != 0)
        n = 0; /* addresses still work */
    return dnsc_alloc(&s->dns, NULL, servers, n);
}

static int make_parts(struct stack *s, const char *dns, struct error *err)
{
    int e = libre_init();

    if (!stack_tmr_reached())
        log_warn("sip", NULL,
                 "this libre keeps to its own list of timers: from 200 calls a second on they "
                 "take the most of the processor");
    if (e == 0)
        e = fd_setsize(FDS_MAX);
    if (e == 0)
        e = make_resolver(s, dns);
    if (e == 0)
        e = sip_alloc(&s->sip, s->dns, HASH_SIZE, HASH_SIZE, HASH_SIZE, "almon", NULL, NULL);
    if (e == 0 && !stack_prove_reached(s->sip))
        log_warn("sip", NULL, "this libre keeps to its own passwords: trunks may ask for MD5 only");
    if (e == 0)
        s->says = stack_say_reached(s);
    if (e == 0 && !s->says)
        log_warn("sip", NULL, "this libre keeps to its own words: there are no session timers");
    if (e == 0)
        e = sip_listen(NULL, s->sip, true, on_request, s);
    if (e == 0)
        e = sipsess_listen(&s->sock, s->sip, HASH_SIZE, NULL, NULL);
    if (e == 0)
        e = sip_listen(NULL, s->sip, false, on_stray_response, s);
    if (e == 0)
        e = hash_alloc(&s->legs, HASH_SIZE);
    if (e == 0)
        e = stack_auth_new(&s->auth);
    return e == 0 ? 0 : error_set(err, ERR_IO, "the SIP stack does not start: %s", strerror(e));
}

int stack_new(struct stack **sp, const struct stack_config *c, const struct stack_handlers *h,
              void *arg, struct error *err)
{
    struct stack *s = mem_zalloc(sizeof *s, NULL);
    int rc;

    if (s == NULL)
        return error_nomem(err);
    dbg_init(DBG_ERR, DBG_NONE);
    s->h = h;
    s->arg = arg;
    str_copy(s->domain, sizeof s->domain, c->domain);
    s->md5 = c->md5;
    s->sha256 = c->sha256;
    str_copy(s->external, sizeof s->external, c->address != NULL ? c->address : "");
    rc = make_parts(s, c->dns, err);
    for (size_t i = 0; rc == 0 && i < c->n_listen; i++)
        rc = add_listener(s, c, c->listen[i], err);
    if (rc != 0)
        stack_free(s);
    else
        *sp = s;
    return rc;
}

struct stack *stack_free(struct stack *s)
{
    if (s == NULL)
        return NULL;
    for (size_t i = 0; i < s->n_watches; i++)
        fd_close(s->watches[i].fd);
    if (s->sock != NULL)
        sipsess_close_all(s->sock);
    if (s->sip != NULL) {
        sip_transp_flush(s->sip);
        sip_close(s->sip, true);
    }
    mem_deref(s->sock);
    mem_deref(s->sip);
    stack_say_nothing();
    mem_deref(s->dns);
    mem_deref(s->tls);
    mem_deref(s->auth);
    mem_deref(s->legs);
    tmr_cancel(&s->alarm);
    mem_deref(s);
    libre_close();
    return NULL;
}

/* --- the loop --- */

static void on_ready(int flags, void *arg)
{
    struct watch *w = arg;

    (void)flags;
    w->ready(w->arg);
}

int stack_watch(struct stack *s, int fd, void (*ready)(void *arg), void *arg, struct error *err)
{
    struct watch *w;
    int e;

    if (s->n_watches == STACK_WATCHES)
        return error_set(err, ERR_LIMIT, "more than %d descriptors to watch", STACK_WATCHES);
    w = &s->watches[s->n_watches];
    *w = (struct watch){.fd = fd, .ready = ready, .arg = arg};
    e = fd_listen(fd, FD_READ, on_ready, w);
    if (e != 0)
        return error_set(err, ERR_IO, "cannot watch descriptor %d: %s", fd, strerror(e));
    s->n_watches++;
    return 0;
}

void stack_alarm(struct stack *s, unsigned ms, void (*due)(void *arg), void *arg)
{
    tmr_start(&s->alarm, ms, due, arg);
}

int stack_run(struct stack *s, struct error *err)
{
    int e = re_main(NULL);

    (void)s;
    return e == 0 ? 0 : error_set(err, ERR_IO, "the SIP stack's loop ended: %s", strerror(e));
}

void stack_stop(struct stack *s)
{
    (void)s;
    re_cancel();
}
