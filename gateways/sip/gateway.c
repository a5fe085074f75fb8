#include "gateways/sip/gateway.h"

#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/route.h"
#include "gateways/sip/status.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { GOODBYE_MS = 700, LINGER_MS = 1000 };

/* --- who may call --- */

static const struct config_phone *find_phone(const struct gateway *g, const char *name)
{
    for (size_t i = 0; name != NULL && i < g->config->n_phones; i++)
        if (strcmp(g->config->phones[i].name, name) == 0)
            return &g->config->phones[i];
    return NULL;
}

static bool on_admit(void *arg, const struct sockaddr_storage *source)
{
    struct gateway *g = arg;

    return guard_admit(g->guard, source, loop_now(g->loop));
}

static void on_guessed(void *arg, const struct sockaddr_storage *source)
{
    struct gateway *g = arg;
    char address[128];

    route_of(source, "udp", address);
    log_warn("sip", NULL, "a wrong password from %s", address);
    guard_charge(g->guard, source, (unsigned)g->config->sip.requests_per_second, loop_now(g->loop));
}

static enum stack_verdict on_screen(void *arg, const struct stack_request *r)
{
    struct gateway *g = arg;

    if (find_phone(g, r->user) != NULL)
        return STACK_TAKE;
    if (strcmp(r->method, "INVITE") == 0 && peers_find(g->peers, &r->source) != NULL)
        return STACK_TAKE;
    if (g->config->n_phones > 0)
        return STACK_CHALLENGE;
    if (bucket_take(&g->refused, loop_now(g->loop), 0.2, 5))
        log_warn("sip", NULL,
                 "%s from %s is refused: almon.lua has no trunk{} with that address in from, and "
                 "no phone{} whose password could be proved",
                 r->method, r->source_ip);
    return STACK_FORBID;
}

static const char *on_password(void *arg, const char *user)
{
    const struct config_phone *phone = find_phone(arg, user);

    return phone != NULL ? phone->password : NULL;
}

static void on_invited(void *arg, struct leg *leg, const struct stack_request *r)
{
    struct gateway *g = arg;
    const struct config_phone *phone = find_phone(g, r->user);

    call_invited(g, leg, r, phone == NULL ? peers_find(g->peers, &r->source) : NULL, phone);
}

/* --- phones that register --- */

static unsigned register_one(struct gateway *g, const struct stack_request *r,
                             const struct stack_contact *c)
{
    char route[128];
    long seconds = c->expires;

    if (seconds > REGISTRAR_MAX_SECONDS)
        seconds = REGISTRAR_MAX_SECONDS;
    route_of(&r->source, r->transport, route);
    switch (registrar_set(g->registrar, r->user, c->uri, route, seconds, loop_now(g->loop))) {
    case 0:
        return 200;
    case ERR_LIMIT:
        return 403;
    default:
        return 500;
    }
}

static unsigned on_registers(void *arg, const struct stack_request *r,
                             const struct stack_contact *c, size_t n, bool all, struct str *out)
{
    struct gateway *g = arg;
    unsigned status = 200;

    /* Nobody registers in somebody else's name. */
    if (strcmp(r->to_user, r->user) != 0)
        return 403;
    for (size_t i = 0; i < n; i++) /* before anything is changed */
        if (c[i].expires > 0 && c[i].expires < REGISTRAR_MIN_SECONDS)
            return 423;
    if (all)
        registrar_clear(g->registrar, r->user);
    for (size_t i = 0; i < n && status == 200; i++)
        status = register_one(g, r, &c[i]);
    registrar_write(g->registrar, r->user, loop_now(g->loop), out);
    announce_phone(g, find_phone(g, r->user));
    log_info("sip", NULL, "phone %s at %s: registration %u", r->user, r->source_ip, status);
    return status;
}

static void on_enrolled(void *arg, void *enrolment_arg, unsigned status,
                        const struct sockaddr_storage *from)
{
    struct gateway *g = arg;

    trunks_enrolled(g->trunks, enrolment_arg, status, from);
}

/* Keys in descriptions that anybody on the way can read. */
static void warn_of_open_keys(const struct gateway *g)
{
    const struct config *c = g->config;
    bool tls = false;

    for (size_t i = 0; i < c->sip.n_listen; i++)
        tls |= strncmp(c->sip.listen[i], "tls:", 4) == 0;
    for (size_t i = 0; i < c->n_trunks; i++) {
        const struct config_trunk *t = &c->trunks[i];
        const char *way = t->proxy != NULL ? t->proxy : t->to;

        if (strcmp(t->srtp, "required") == 0 && strcmp(t->srtp_keys, "sdes") == 0 &&
            !(way != NULL ? strstr(way, "transport=tls") != NULL : tls))
            log_warn("sip", NULL,
                     "%s:%d: trunk %s: srtp = 'required' without TLS: whoever reads its SIP reads "
                     "the keys; use transport=tls, or srtp_keys = 'dtls'",
                     c->path, t->line, t->name);
    }
    for (size_t i = 0; i < c->n_phones && !tls; i++)
        if (strcmp(c->phones[i].srtp, "required") == 0 &&
            strcmp(c->phones[i].srtp_keys, "sdes") == 0)
            log_warn("sip", NULL,
                     "%s:%d: phone %s: srtp = 'required', but no 'tls:' in sip.listen: whoever "
                     "reads its SIP reads the keys; or srtp_keys = 'dtls'",
                     c->path, c->phones[i].line, c->phones[i].name);
}

static void on_soon(void *arg)
{
    struct gateway *g = arg;

    pump_soon(g->pump);
}

static const struct stack_handlers stack_handlers = {
    .admit = on_admit,
    .guessed = on_guessed,
    .screen = on_screen,
    .password = on_password,
    .invited = on_invited,
    .registers = on_registers,
    .enrolled = on_enrolled,
    .soon = on_soon,
};

/* --- the exchange --- */

static void on_ready(void *arg)
{
    struct gateway *g = arg;

    g->linked = true;
    g->failures = 0;
    log_info("sip", NULL, "linked to the exchange at %s as %s", g->url, g->name);
    announce_again(g);
}

static void on_closed(void *arg, const char *why)
{
    struct gateway *g = arg;
    int64_t wait = client_backoff(g->failures++);

    log_warn("sip", NULL, "the link to the exchange at %s is gone: %s; again in %lld ms", g->url,
             why, (long long)wait);
    g->linked = false;
    g->client = client_free(g->client);
    call_end_all(g, CAUSE_LINK_LOST);
    if (!g->stopping)
        timer_start(&g->relink, wait);
}

static void on_answered(void *arg, uint32_t number)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_answered(c);
}

static void on_ringing(void *arg, uint32_t number)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_ringing(c);
}

static void on_ended(void *arg, uint32_t number, enum cause cause)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_ended(c, cause);
}

static void on_audio(void *arg, uint32_t number, const void *bytes, size_t len)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_audio(c, bytes, len);
}

static void on_digits(void *arg, uint32_t number, const char *digits)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_digits(c, digits);
}

static void on_refer(void *arg, uint32_t number, const char *to)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_refer(c, to);
}

static void on_refer_status(void *arg, uint32_t number, unsigned response, unsigned notify)
{
    struct call *c = call_find(arg, number);

    if (c != NULL)
        call_refer_status(c, response, notify);
}

static void on_offered(void *arg, uint32_t number, const struct offer *offer)
{
    call_offered(arg, number, offer);
}

static void on_error(void *arg, uint32_t number, const char *code, const char *text)
{
    (void)arg;
    log_warn("sip", NULL, "the exchange complains of channel %u: %s: %s", number, code,
             text != NULL ? text : "");
}

static const struct client_handlers client_handlers = {
    .ready = on_ready,
    .closed = on_closed,
    .answered = on_answered,
    .ended = on_ended,
    .audio = on_audio,
    .digits = on_digits,
    .offered = on_offered,
    .refer = on_refer,
    .refer_status = on_refer_status,
    .ringing = on_ringing,
    .error = on_error,
};

static void make_link(void *arg)
{
    struct gateway *g = arg;
    struct client_options o = {
        .url = g->url, .name = g->name, .token = g->token, .backlog_ms = 200};
    struct error err = {0};

    if (client_new(&g->client, g->loop, &o, &client_handlers, g, &err) == 0)
        return;
    log_error("sip", NULL, "cannot link to the exchange: %s", err.text);
    timer_start(&g->relink, client_backoff(++g->failures));
}

/* --- sound --- */

static void on_flush(void *arg)
{
    struct gateway *g = arg;

    if (g->client != NULL)
        client_flush(g->client);
}

static int make_sound(struct gateway *g, struct error *err)
{
    struct rtp_config c = {.port_min = (unsigned)g->config->sip.rtp_port_min,
                           .port_max = (unsigned)g->config->sip.rtp_port_max,
                           .flush = on_flush,
                           .arg = g};

    int rc = rtp_engine_new(&g->rtp, g->loop, &c, err);

    if (rc == 0)
        rtp_fingerprint(g->rtp); /* our certificate is made now, not while a caller waits */
    return rc;
}

/* --- life --- */

static int make_stack(struct gateway *g, struct error *err)
{
    static const char *const everywhere[] = {"udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"};
    struct stack_config c = {.listen = g->config->sip.listen,
                             .n_listen = g->config->sip.n_listen,
                             .domain = g->config->sip.domain,
                             .md5 = strcmp(g->config->sip.digest, "sha256") != 0,
                             .sha256 = strcmp(g->config->sip.digest, "md5") != 0,
                             .address = g->config->sip.address,
                             .dns = g->config->sip.dns};
    const char *pem = g->config->sip.tls_certificate;
    char path[1024];
    int rc;

    if (pem != NULL) {
        snprintf(path, sizeof path, "%s%s%s", *pem != '/' ? g->config->folder : "",
                 *pem != '/' ? "/" : "", pem);
        c.tls_certificate = path;
    }
    if (c.n_listen == 0) {
        c.listen = everywhere;
        c.n_listen = 2;
    }
    rc = stack_new(&g->stack, &c, &stack_handlers, g, err);
    return rc == 0 ? pump_attach(g->pump, g->stack, err) : rc;
}

static int find_name(struct gateway *g, struct error *err)
{
    const struct config_gateway *gw = config_find_gateway(g->config, g->config->sip.gateway);

    if (gw == NULL)
        return error_set(err, ERR_MISSING,
                         "%s: no gateway{ name = '%s', token = … }: almon-sip needs one to link "
                         "to the exchange",
                         g->config->path, g->config->sip.gateway);
    g->name = mem_strdup(gw->name);
    g->token = mem_strdup(gw->token);
    return g->name != NULL && g->token != NULL ? 0 : error_nomem(err);
}

static void on_leave(void *arg)
{
    struct gateway *g = arg;

    stack_stop(g->stack);
}

int gateway_new(struct gateway **gp, struct config *config, const char *url, struct error *err)
{
    struct gateway *g = mem_alloc(sizeof *g);
    int rc;

    if (g == NULL) {
        config_free(config);
        return error_nomem(err);
    }
    g->config = config;
    g->url = url;
    list_init(&g->calls);
    rc = find_name(g, err);
    if (rc == 0)
        rc = loop_new(&g->loop, NULL, err);
    if (rc == 0) {
        timer_init(&g->relink, g->loop, make_link, g);
        timer_init(&g->leave, g->loop, on_leave, g);
        g->next_session = (uint64_t)loop_wall(g->loop);
        rc = guard_new(&g->guard, (unsigned)config->sip.requests_per_second,
                       (uint64_t)loop_wall(g->loop) * 2654435761u, err);
    }
    if (rc == 0)
        rc = peers_new(&g->peers, config, err);
    if (rc == 0)
        rc = registrar_new(&g->registrar, err);
    if (rc == 0)
        rc = announce_start(g, err);
    if (rc == 0)
        rc = pump_new(&g->pump, g->loop, err);
    if (rc == 0)
        rc = make_stack(g, err);
    if (rc == 0)
        rc = make_sound(g, err);
    if (rc == 0)
        rc = trunks_new(&g->trunks, g, err);
    if (rc != 0) {
        gateway_free(g);
        return rc;
    }
    warn_of_open_keys(g);
    make_link(g);
    *gp = g;
    return 0;
}

/* --- another configuration --- */

/* Those that no call uses any more. */
static void free_old(struct gateway *g, bool all)
{
    struct old_config **at = &g->old, *o;

    while ((o = *at) != NULL) {
        if (!all && call_uses(g, o->config)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        config_free(o->config);
        mem_free(o);
    }
}

static void say_what_stays(const struct gateway *g, const struct config *old)
{
    const struct config *c = g->config;
    bool same = c->sip.n_listen == old->sip.n_listen &&
                strcmp(c->sip.gateway, old->sip.gateway) == 0 &&
                strcmp(c->sip.domain, old->sip.domain) == 0 &&
                c->sip.rtp_port_min == old->sip.rtp_port_min &&
                c->sip.rtp_port_max == old->sip.rtp_port_max;

    for (size_t i = 0; same && i < c->sip.n_listen; i++)
        same = strcmp(c->sip.listen[i], old->sip.listen[i]) == 0;
    if (!same)
        log_warn("sip", NULL,
                 "%s: sip.listen, gateway, domain and the range of ports stay as they were until "
                 "almon-sip is started again",
                 c->path);
}

int gateway_set_config(struct gateway *g, struct config *config, struct error *err)
{
    struct old_config *o = mem_alloc(sizeof *o);
    struct config *old = g->config;
    struct peers *peers = NULL;
    int rc = o == NULL ? error_nomem(err) : peers_new(&peers, config, err);

    if (rc == 0) {
        g->config = config;
        rc = announce_renew(g, old, err);
        if (rc != 0)
            g->config = old;
    }
    if (rc != 0) {
        mem_free(o);
        peers_free(peers);
        config_free(config);
        return rc;
    }
    peers_free(g->peers);
    g->peers = peers;
    guard_set_rate(g->guard, (unsigned)config->sip.requests_per_second);
    *o = (struct old_config){.config = old, .next = g->old};
    g->old = o;
    rc = trunks_renew(g->trunks, err);
    if (rc != 0) /* a trunk that cannot register is said, and not called */
        log_error("sip", NULL, "%s", err->text);
    say_what_stays(g, old);
    warn_of_open_keys(g);
    free_old(g, false);
    return 0;
}

int gateway_run(struct gateway *g, struct error *err)
{
    return stack_run(g->stack, err);
}

void gateway_stop(struct gateway *g)
{
    if (g->stopping)
        return;
    g->stopping = true;
    log_info("sip", NULL, "stopping: ending %u calls", g->n_calls);
    call_end_all(g, CAUSE_NORMAL);
    trunks_leave(g->trunks);
    timer_start(&g->leave, GOODBYE_MS);
}

static void on_late(void *arg)
{
    *(bool *)arg = true;
}

static void free_loop(struct gateway *g)
{
    struct timer wake;
    bool late = false;

    if (g->loop == NULL)
        return;
    timer_stop(&g->relink);
    timer_stop(&g->leave);
    announce_stop(g);
    timer_init(&wake, g->loop, on_late, &late);
    timer_start(&wake, LINGER_MS);
    while (client_lingering() > 0 && !late)
        loop_turn(g->loop, true);
    timer_stop(&wake);
    loop_free(g->loop);
}

struct gateway *gateway_free(struct gateway *g)
{
    if (g == NULL)
        return NULL;
    if (g->rtp != NULL)
        call_end_all(g, CAUSE_NORMAL);
    trunks_free(g->trunks);
    client_free(g->client);
    rtp_engine_free(g->rtp);
    stack_free(g->stack);
    free_loop(g);
    pump_free(g->pump);
    registrar_free(g->registrar);
    peers_free(g->peers);
    guard_free(g->guard);
    free_old(g, true);
    config_free(g->config);
    mem_free(g->name);
    mem_free(g->token);
    mem_free(g);
    return NULL;
}
