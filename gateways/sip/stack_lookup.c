/* Where a name leads (RFC 3263 §4): NAPTR, SRV, then A and AAAA, one question after another, by
 * libre's DNS client. libre would look names up by itself for each request, but would stay with the
 * first address until 32 s of silence are over. */
#include "gateways/sip/stack_private.h"
#include <stdlib.h>
#include <string.h>

enum {
    SERVICES_MAX = 6,
    HOSTS_MAX = 8,
    NAME_MAX_BYTES = 256,
    TTL_LEAST = 30,
    TTL_MOST = 3600,
};

struct service {
    char name[NAME_MAX_BYTES]; /* _sip._udp.example.com */
    enum sip_transp tp;
};

struct host {
    char name[NAME_MAX_BYTES];
    uint16_t port, weight;
    uint32_t priority;
    enum sip_transp tp;
};

struct lookup {
    struct stack *s;
    struct dns_query *query;
    struct service services[SERVICES_MAX];
    size_t n_services, service; /* the one that is asked for */
    struct host hosts[HOSTS_MAX];
    size_t n_hosts, host;
    bool six; /* AAAA of the host is asked for */
    struct stack_place places[STACK_PLACES_MAX];
    size_t n_places;
    int64_t ttl;
    void (*found)(void *arg, const struct stack_place *places, size_t n, unsigned seconds);
    void *arg;
    char name[NAME_MAX_BYTES];
    enum sip_transp tp; /* that the URI says; SIP_TRANSP_NONE */
};

static const struct {
    const char *naptr, *srv;
    enum sip_transp tp;
} transports[] = {
    {"SIP+D2U", "_sip._udp", SIP_TRANSP_UDP},
    {"SIP+D2T", "_sip._tcp", SIP_TRANSP_TCP},
    {"SIPS+D2T", "_sips._tcp", SIP_TRANSP_TLS},
};

static void next_question(struct lookup *l);

static bool is_of_ours(const struct lookup *l, enum sip_transp tp)
{
    return l->tp != SIP_TRANSP_NONE ? tp == l->tp : l->s->ports[tp] != 0;
}

static void keep_ttl(struct lookup *l, const struct dnsrr *rr)
{
    if (rr->ttl < l->ttl)
        l->ttl = rr->ttl;
}

static void add_service(struct lookup *l, const char *name, enum sip_transp tp)
{
    struct service *sv = &l->services[l->n_services];

    if (l->n_services == SERVICES_MAX || strlen(name) >= sizeof sv->name)
        return;
    str_ncpy(sv->name, name, sizeof sv->name);
    sv->tp = tp;
    l->n_services++;
}

/* Those of the domain itself, when NAPTR says nothing or was not asked. */
static void add_own_services(struct lookup *l)
{
    char name[NAME_MAX_BYTES + 16];

    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        re_snprintf(name, sizeof name, "%s.%s", transports[i].srv, l->name);
        if (is_of_ours(l, transports[i].tp))
            add_service(l, name, transports[i].tp);
    }
}

static struct host *add_host(struct lookup *l, const char *name, uint16_t port, enum sip_transp tp)
{
    struct host *h = &l->hosts[l->n_hosts];

    if (l->n_hosts == HOSTS_MAX || name[0] == '\0' || strlen(name) >= sizeof h->name)
        return NULL;
    *h = (struct host){.port = port, .tp = tp};
    str_ncpy(h->name, name, sizeof h->name);
    l->n_hosts++;
    return h;
}

static void add_place(struct lookup *l, const struct host *h, const struct sa *sa)
{
    struct stack_place *p = &l->places[l->n_places];

    if (l->n_places == STACK_PLACES_MAX)
        return;
    re_snprintf(p->route, sizeof p->route, "sip:%J%s", sa, sip_transp_param(h->tp));
    p->priority = h->priority;
    p->weight = h->weight;
    l->n_places++;
}

/* --- answers --- */

static bool on_naptr(struct dnsrr *rr, void *arg)
{
    struct lookup *l = arg;

    keep_ttl(l, rr);
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++)
        if (str_casecmp(rr->rdata.naptr.services, transports[i].naptr) == 0 &&
            str_casecmp(rr->rdata.naptr.flags, "s") == 0 && is_of_ours(l, transports[i].tp))
            add_service(l, rr->rdata.naptr.replace, transports[i].tp);
    return false;
}

static bool on_srv(struct dnsrr *rr, void *arg)
{
    struct lookup *l = arg;
    struct host *h =
        add_host(l, rr->rdata.srv.target, rr->rdata.srv.port, l->services[l->service].tp);

    keep_ttl(l, rr);
    if (h == NULL)
        return false;
    h->priority = (uint32_t)l->service << 16 | rr->rdata.srv.pri;
    h->weight = rr->rdata.srv.weight;
    return false;
}

static bool on_address(struct dnsrr *rr, void *arg)
{
    struct lookup *l = arg;
    const struct host *h = &l->hosts[l->host];
    struct sa sa, ours;

    if (rr->type == DNS_TYPE_A)
        sa_set_in(&sa, rr->rdata.a.addr, h->port);
    else
        sa_set_in6(&sa, rr->rdata.aaaa.addr, h->port);
    keep_ttl(l, rr);
    if (sip_transp_laddr(l->s->sip, &ours, h->tp, &sa) == 0)
        add_place(l, h, &sa);
    return false;
}

static void on_answer(int err, const struct dnshdr *hdr, struct list *answers,
                      struct list *authorities, struct list *additional, void *arg)
{
    struct lookup *l = arg;

    (void)hdr;
    (void)authorities;
    (void)additional;
    if (err != 0)
        answers = NULL;
    if (l->n_services == 0 && l->n_hosts == 0) {
        if (answers != NULL) {
            dns_rrlist_sort(answers, DNS_TYPE_NAPTR, 0);
            dns_rrlist_apply(answers, NULL, DNS_TYPE_NAPTR, DNS_CLASS_IN, false, on_naptr, l);
        }
        if (l->n_services == 0)
            add_own_services(l);
    } else if (l->service < l->n_services) {
        if (answers != NULL)
            dns_rrlist_apply(answers, NULL, DNS_TYPE_SRV, DNS_CLASS_IN, false, on_srv, l);
        l->service++;
    } else {
        if (answers != NULL)
            dns_rrlist_apply2(answers, NULL, DNS_TYPE_A, DNS_TYPE_AAAA, DNS_CLASS_IN, false,
                              on_address, l);
        l->host += l->six ? 1 : 0;
        l->six = !l->six;
    }
    next_question(l);
}

/* --- questions --- */

static int compare_places(const void *a, const void *b)
{
    const struct stack_place *x = a, *y = b;

    return (x->priority > y->priority) - (x->priority < y->priority);
}

static void tell(struct lookup *l)
{
    int64_t ttl = l->n_places == 0 ? 0 : l->ttl;

    if (ttl < TTL_LEAST)
        ttl = TTL_LEAST;
    if (ttl > TTL_MOST)
        ttl = TTL_MOST;
    qsort(l->places, l->n_places, sizeof l->places[0], compare_places);
    l->s->h->soon(l->s->arg);
    l->found(l->arg, l->places, l->n_places, (unsigned)ttl);
}

static bool ask(struct lookup *l, const char *name, uint16_t type)
{
    return dnsc_query(&l->query, l->s->dns, name, type, DNS_CLASS_IN, true, on_answer, l) == 0;
}

/* A question that cannot be asked has no answer. */
static void next_question(struct lookup *l)
{
    for (; l->service < l->n_services; l->service++)
        if (ask(l, l->services[l->service].name, DNS_TYPE_SRV))
            return;
    if (l->n_hosts == 0) {
        enum sip_transp tp = l->tp != SIP_TRANSP_NONE ? l->tp : SIP_TRANSP_UDP;

        add_host(l, l->name, sip_transp_port(tp, 0), tp);
    }
    for (; l->host < l->n_hosts; l->host++, l->six = false)
        if (ask(l, l->hosts[l->host].name, l->six ? DNS_TYPE_AAAA : DNS_TYPE_A))
            return;
    tell(l);
}

static bool read_uri(struct lookup *l, const char *text, uint16_t *port)
{
    struct pl pl, transport;
    struct uri uri;

    pl_set_str(&pl, text);
    if (uri_decode(&uri, &pl) != 0 || uri.host.l >= sizeof l->name)
        return false;
    pl_strcpy(&uri.host, l->name, sizeof l->name);
    *port = uri.port;
    l->tp = SIP_TRANSP_NONE;
    if (msg_param_decode(&uri.params, "transport", &transport) == 0)
        l->tp = stack_transport_of(text);
    return true;
}

bool stack_is_name(const char *text)
{
    struct pl pl;
    struct uri uri;
    struct sa sa;

    pl_set_str(&pl, text);
    return uri_decode(&uri, &pl) == 0 && sa_set(&sa, &uri.host, 5060) != 0;
}

static void lookup_destructor(void *arg)
{
    struct lookup *l = arg;

    mem_deref(l->query);
}

int stack_lookup(struct lookup **lp, struct stack *s, const char *uri,
                 void (*found)(void *arg, const struct stack_place *places, size_t n,
                               unsigned seconds),
                 void *arg)
{
    struct lookup *l = mem_zalloc(sizeof *l, lookup_destructor);
    uint16_t port = 0;
    bool asked;

    if (l == NULL)
        return ERR_NOMEM;
    l->s = s;
    l->ttl = TTL_MOST;
    l->found = found;
    l->arg = arg;
    if (!read_uri(l, uri, &port)) {
        mem_deref(l);
        return ERR_INVALID;
    }
    if (port != 0)
        add_host(l, l->name, port, l->tp != SIP_TRANSP_NONE ? l->tp : SIP_TRANSP_UDP);
    else if (l->tp != SIP_TRANSP_NONE)
        add_own_services(l);
    if (l->n_hosts > 0)
        asked = ask(l, l->name, DNS_TYPE_A);
    else if (l->n_services > 0)
        asked = ask(l, l->services[0].name, DNS_TYPE_SRV);
    else
        asked = ask(l, l->name, DNS_TYPE_NAPTR);
    if (!asked) {
        mem_deref(l);
        return ERR_IO;
    }
    *lp = l;
    return 0;
}

struct lookup *stack_lookup_free(struct lookup *l)
{
    return mem_deref(l);
}
