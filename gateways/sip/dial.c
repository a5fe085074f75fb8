/* Where a call from the exchange goes: to a phone, a trunk, or a SIP address. */
#include "base/log.h"
#include "gateways/sip/gateway.h"
#include "gateways/sip/route.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct config_phone *find_phone(const struct gateway *g, const char *name)
{
    for (size_t i = 0; i < g->config->n_phones; i++)
        if (strcmp(g->config->phones[i].name, name) == 0)
            return &g->config->phones[i];
    return NULL;
}

/* The trunk that the exchange names (its routes fail over by themselves), or the first that takes
 * calls now. */
static const struct config_trunk *find_trunk(struct gateway *g, const char *name, int *refused)
{
    *refused = CAUSE_UNROUTABLE;
    for (size_t i = 0; i < g->config->n_trunks; i++) {
        const struct config_trunk *t = &g->config->trunks[i];
        const char *fault;

        if (t->to == NULL || (name != NULL && strcmp(t->name, name) != 0))
            continue;
        fault = trunks_fault(g->trunks, t);
        if (fault == NULL && call_count(g, t, NULL) < t->max_calls)
            return t;
        log_warn("sip", NULL, "trunk %s is passed over: %s", t->name,
                 fault != NULL ? fault : "it is full");
        *refused = CAUSE_CONGESTION;
    }
    return NULL;
}

/* Nothing that could end the URI, or the header that it stands in. */
static bool is_plain_uri(const char *uri)
{
    return strncmp(uri, "sip:", 4) == 0 && uri[4] != '\0' && strpbrk(uri, " <>\"\t,") == NULL &&
           strchr(uri, '?') == NULL;
}

/* Everything of a SIP address but its user: "sip:host:port;transport=tcp". */
static void host_of(const char *uri, char out[ROUTE_TEXT_MAX])
{
    const char *at = strchr(uri, '@');

    snprintf(out, ROUTE_TEXT_MAX, "sip:%.250s", at != NULL ? at + 1 : uri + 4);
}

/* The bare host of "sip:host:port;x=y". */
static void bare_host(const char *address, char out[ROUTE_TEXT_MAX])
{
    const char *host = address + 4;
    size_t n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;");

    snprintf(out, ROUTE_TEXT_MAX, "%.*s", (int)(n < 200 ? n : 200), host);
}

static void add_line(struct dial *d, const char *name, const char *value)
{
    size_t used = strlen(d->headers);

    if (snprintf(d->headers + used, sizeof d->headers - used, "%s: %s\r\n", name, value) >=
        (int)(sizeof d->headers - used))
        d->headers[used] = '\0'; /* whole lines or none */
}

/* Headers that a flow may set (twiml-voice.md §5.3). */
static bool may_be_set(const char *name)
{
    static const char *const names[] = {"User-to-User", "Remote-Party-ID", "P-Preferred-Identity",
                                        "P-Called-Party-ID"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return strncasecmp(name, "X-", 2) == 0;
}

static void add_headers(struct dial *d, const struct offer *offer)
{
    for (size_t i = 0; d->trunk != NULL && i < d->trunk->n_headers; i++) {
        char name[80];
        const char *colon = strchr(d->trunk->headers[i], ':');

        if (colon == NULL)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(colon - d->trunk->headers[i]),
                 d->trunk->headers[i]);
        add_line(d, name, colon + 1 + strspn(colon + 1, " "));
    }
    for (size_t i = 0; offer->params != NULL && offer->params[i] != NULL; i += 2) {
        const char *name = offer->params[i];

        if (strncmp(name, "SipHeader_", 10) == 0 && may_be_set(name + 10))
            add_line(d, name + 10, offer->params[i + 1]);
    }
}

/* Who calls, as the trunk's rules say. */
static void add_caller(struct gateway *g, struct dial *d, const struct offer *offer)
{
    char user[ROUTE_TEXT_MAX], number[ROUTE_TEXT_MAX], host[ROUTE_TEXT_MAX], uri[ROUTE_TEXT_MAX];
    const struct config_trunk *t = d->trunk;
    const char *rule = t != NULL ? t->caller_id : "from";
    const char *shown;

    route_user(offer->from, user);
    str_copy(number, sizeof number, user);
    if (t != NULL && route_is_number(user))
        route_rewrite(t->rewrite_out, t->n_rewrite_out, user, number);
    str_copy(host, sizeof host, g->config->sip.domain);
    if (t != NULL)
        bare_host(t->to, host);
    shown = strcmp(rule, "asserted") == 0 && t->user != NULL ? t->user : number;
    snprintf(uri, sizeof uri, "sip:%.120s", host);
    if (strcmp(user, "anonymous") == 0) {
        str_copy(d->from, sizeof d->from, DIAL_ANONYMOUS);
        add_line(d, "Privacy", "id");
        /* The carrier may know whose call it is, and tells nobody (RFC 3325 §9.3). */
        if (strcmp(rule, "from") != 0 && t->user != NULL && route_uri(t->user, uri, user)) {
            snprintf(uri, sizeof uri, "<%.250s>", user);
            add_line(d, "P-Asserted-Identity", uri);
        }
        return;
    }
    if (!route_uri(shown, uri, d->from))
        str_copy(d->from, sizeof d->from, uri);
    if (strcmp(rule, "from") != 0 && route_uri(number, uri, user)) {
        snprintf(uri, sizeof uri, "<%.250s>", user);
        add_line(d, "P-Asserted-Identity", uri);
    }
}

static void add_other_places(struct gateway *g, const struct config_phone *phone,
                             const struct registrar_contact *newest, struct dial *d)
{
    int64_t now = loop_now(g->loop);
    const struct registrar_contact *c;

    for (size_t i = 0; (c = registrar_at(g->registrar, phone->name, i, now)) != NULL; i++) {
        if (c == newest || d->n_more == REGISTRAR_CONTACTS - 1)
            continue;
        str_copy(d->more[d->n_more].uri, sizeof d->more[0].uri, c->uri);
        str_copy(d->more[d->n_more].route, sizeof d->more[0].route, c->route);
        d->n_more++;
    }
}

static int to_phone(struct gateway *g, const struct config_phone *phone, struct dial *d)
{
    const struct registrar_contact *c =
        registrar_find(g->registrar, phone->name, loop_now(g->loop));

    if (c == NULL)
        return CAUSE_NO_ANSWER;
    if (call_count(g, NULL, phone) >= phone->max_calls)
        return CAUSE_BUSY;
    d->phone = phone;
    str_copy(d->uri, sizeof d->uri, c->uri);
    str_copy(d->route, sizeof d->route, c->route);
    add_other_places(g, phone, c, d);
    return -1;
}

/* Its servers, in the order in which they are tried. */
static void add_places(struct gateway *g, struct dial *d)
{
    const char *routes[TRUNK_PLACES];
    size_t n = trunks_places(g->trunks, d->trunk, routes);

    for (size_t i = 0; i < n && d->n_more < REGISTRAR_CONTACTS - 1; i++) {
        if (i == 0) {
            str_copy(d->route, sizeof d->route, routes[0]);
            continue;
        }
        str_copy(d->more[d->n_more].uri, sizeof d->more[0].uri, d->uri);
        str_copy(d->more[d->n_more].route, sizeof d->more[0].route, routes[i]);
        d->n_more++;
    }
}

static int to_trunk(struct gateway *g, const char *number, const char *trunk, struct dial *d)
{
    char plain[ROUTE_TEXT_MAX];
    int refused;

    d->trunk = find_trunk(g, trunk, &refused);
    if (d->trunk == NULL)
        return refused;
    route_rewrite(d->trunk->rewrite_out, d->trunk->n_rewrite_out, number, plain);
    if (!route_uri(plain, d->trunk->to, d->uri))
        return CAUSE_UNROUTABLE;
    add_places(g, d);
    return -1;
}

/* With a trunk: as its rules say, and through its proxy. */
static int to_address(struct gateway *g, const char *uri, const char *trunk, struct dial *d)
{
    char user[ROUTE_TEXT_MAX], host[ROUTE_TEXT_MAX], secure[ROUTE_TEXT_MAX + 16];
    const struct config_phone *phone;
    int refused;

    if (strncmp(uri, "sips:", 5) == 0) { /* the way to its host is TLS; further on is not ours */
        snprintf(secure, sizeof secure, "sip:%.250s%s", uri + 5,
                 strcasestr(uri, ";transport=") != NULL ? "" : ";transport=tls");
        uri = secure;
    }
    if (!is_plain_uri(uri) || !str_copy(d->uri, sizeof d->uri, uri))
        return CAUSE_UNROUTABLE;
    host_of(uri, d->route);
    bare_host(d->route, host);
    route_user(uri, user);
    phone = strcasecmp(host, g->config->sip.domain) == 0 ? find_phone(g, user) : NULL;
    if (phone != NULL)
        return to_phone(g, phone, d);
    if (trunk != NULL && (d->trunk = find_trunk(g, trunk, &refused)) == NULL)
        return refused;
    if (trunk != NULL && d->trunk->proxy != NULL)
        add_places(g, d);
    return strcasecmp(host, g->config->sip.domain) == 0 ? CAUSE_UNROUTABLE : -1;
}

int dial_plan(struct gateway *g, const struct offer *offer, struct dial *d)
{
    const struct config_phone *phone = NULL;
    int refused;

    *d = (struct dial){0};
    if (g->stopping || g->n_calls >= (unsigned)g->config->sip.max_calls)
        return CAUSE_CONGESTION;
    if (strncmp(offer->to, "client:", 7) == 0) {
        phone = find_phone(g, offer->to + 7);
        refused = phone != NULL ? to_phone(g, phone, d) : CAUSE_UNROUTABLE;
    } else if (strncmp(offer->to, "sip:", 4) == 0 || strncmp(offer->to, "sips:", 5) == 0) {
        refused = to_address(g, offer->to, offer->trunk, d);
    } else {
        refused =
            route_is_number(offer->to) ? to_trunk(g, offer->to, offer->trunk, d) : CAUSE_UNROUTABLE;
    }
    if (refused >= 0)
        return refused;
    add_caller(g, d, offer);
    add_headers(d, offer);
    d->user = offer->user != NULL ? offer->user : d->trunk != NULL ? d->trunk->user : NULL;
    d->password = offer->user != NULL ? offer->password
                  : d->trunk != NULL  ? d->trunk->password
                                      : NULL;
    return -1;
}
