/* Who is reached as client:NAME: registered over the bridge, found where it was registered, gone
 * with its link. */
#include "base/mem.h"
#include "tests/unit/bridge_stand.h"
#include <stdio.h>
#include <string.h>

static const char *const agents[] = {"alice", "agent-*"};
static const char *const anybody[] = {"*"};

/* "gw" may register alice and agent-…, "out" anybody. */
static bool up(struct stand *s)
{
    ok(stand_up(s));
    s->gateways[0].identities = agents;
    s->gateways[0].n_identities = 2;
    s->gateways[1].identities = anybody;
    s->gateways[1].n_identities = 1;
    return true;
out:
    return false;
}

/* One more link of "out", which remembers its offers. */
struct phone {
    struct bridge_client *client;
    struct str heard;
};

static void nothing(void *arg)
{
    (void)arg;
}

static void gone(void *arg, const char *why)
{
    (void)arg;
    (void)why;
}

static void no_answer(void *arg, uint32_t number)
{
    (void)arg;
    (void)number;
}

static void ended(void *arg, uint32_t number, enum cause cause)
{
    struct phone *p = arg;

    str_addf(&p->heard, "ended %s;", cause_name(cause));
    (void)number;
}

static void offered(void *arg, uint32_t number, const struct offer *o)
{
    struct phone *p = arg;

    (void)number;
    str_addf(&p->heard, "offer %s %s %s %s %s", o->to, o->trunk != NULL ? o->trunk : "-",
             o->user != NULL ? o->user : "-", o->password != NULL ? o->password : "-",
             o->params != NULL ? "" : ";");
    for (size_t i = 0; o->params != NULL && o->params[i] != NULL; i += 2)
        str_addf(&p->heard, "%s=%s;", o->params[i], o->params[i + 1]);
}

static void registered(void *arg, const char *identity)
{
    struct phone *p = arg;

    str_addf(&p->heard, "registered %s;", identity);
}

static void failed(void *arg, uint32_t number, const char *code, const char *text)
{
    struct phone *p = arg;

    (void)number;
    (void)text;
    str_addf(&p->heard, "error %s;", code);
}

static const struct client_handlers handlers = {.ready = nothing,
                                                .closed = gone,
                                                .answered = no_answer,
                                                .ended = ended,
                                                .offered = offered,
                                                .registered = registered,
                                                .error = failed};

static bool phone_up(struct stand *s, struct phone *p, const char *identity)
{
    struct client_options o = {.bridge = s->bridge, .name = "out", .token = "secret"};
    struct error err = {0};

    p->heard = STR_INIT(4096);
    ok_rc(client_new(&p->client, s->control, &o, &handlers, p, &err), &err);
    stand_run(s, 10);
    client_register(p->client, identity);
    stand_run(s, 10);
    return true;
out:
    return false;
}

static void phone_down(struct phone *p)
{
    p->client = client_free(p->client);
    str_free(&p->heard);
}

UNIT(a_gateway_registers_only_whom_it_may)
{
    static const char *const names[] = {"alice", "agent-7", "bob", "Alice", "agent-"};
    struct bridge_registered r;
    struct stand s = {0};

    ok(up(&s) && stand_join(&s, "gw", "secret"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        client_register(s.client, names[i]);
    client_register(s.client, "alice"); /* again: it changes nothing */
    stand_run(&s, 10);
    ok_str(str_text(&s.heard), "ready;registered alice;registered agent-7;error 0 not-authorised;"
                               "error 0 not-authorised;registered agent-;registered alice;");
    ok(bridge_find_identity(s.bridge, "alice", 0, &r));
    ok_str(r.gateway, "gw");
    ok(!bridge_find_identity(s.bridge, "alice", 1, &r));
    ok(!bridge_find_identity(s.bridge, "bob", 0, &r));
    client_unregister(s.client, "alice");
    client_unregister(s.client, "nobody");
    stand_run(&s, 10);
    ok(!bridge_find_identity(s.bridge, "alice", 0, &r));
    ok(bridge_find_identity(s.bridge, "agent-7", 0, &r));
out:
    stand_down(&s);
}

UNIT(without_identities_only_the_sip_gateway_may_register_and_only_phones)
{
    static const struct config_phone phones[] = {{.name = "desk"}};
    struct stand s = {0};

    ok(stand_up(&s));
    s.config.phones = phones;
    s.config.n_phones = 1;
    ok(stand_join(&s, "gw", "secret"));
    client_register(s.client, "desk");
    stand_run(&s, 10);
    s.config.sip.gateway = "gw";
    client_register(s.client, "desk");
    client_register(s.client, "desk2");
    stand_run(&s, 10);
    ok_str(str_text(&s.heard),
           "ready;error 0 not-authorised;registered desk;error 0 not-authorised;");
out:
    stand_down(&s);
}

UNIT(a_call_goes_to_the_very_link_that_registered_with_all_that_the_flow_says)
{
    static const char *const params[] = {"Room no.", "12", "SipHeader_X-A", "b", NULL};
    struct phone a = {0}, b = {0};
    struct stand s = {0};
    struct bridge_registered r;
    struct offer o = {.from = "+1",
                      .to = "client:bob",
                      .codec = CODEC_PCMU,
                      .params = params,
                      .trunk = "carrier one",
                      .user = "u",
                      .password = "p"};
    struct channel *c = NULL;
    struct error err = {0};

    ok(up(&s) && phone_up(&s, &a, "bob") && phone_up(&s, &b, "bob"));
    ok(bridge_find_identity(s.bridge, "bob", 1, &r));
    o.link = r.link;
    ok_rc(bridge_offer(s.bridge, r.gateway, &o, &c, &err), &err);
    channel_hangup(c, CAUSE_CANCELED);
    stand_run(&s, 10);
    ok_str(str_text(&a.heard), "registered bob;");
    ok_str(str_text(&b.heard), "registered bob;offer client:bob carrier one u p Room no.=12;"
                               "SipHeader_X-A=b;ended canceled;");
    phone_down(&b);
    stand_run(&s, 10);
    ok(bridge_offer(s.bridge, "out", &o, &c, &err) == ERR_MISSING);
    ok(bridge_find_identity(s.bridge, "bob", 0, &r) && r.link != o.link);
    ok(!bridge_find_identity(s.bridge, "bob", 1, &r));
out:
    phone_down(&a);
    phone_down(&b);
    stand_down(&s);
}

UNIT(at_most_ten_links_have_one_name)
{
    struct phone phones[11] = {0};
    struct stand s = {0};
    struct bridge_stats stats;
    struct bridge_registered r;

    ok(up(&s));
    for (size_t i = 0; i < 11; i++)
        ok(phone_up(&s, &phones[i], "bob"));
    ok_str(str_text(&phones[9].heard), "registered bob;");
    ok_str(str_text(&phones[10].heard), "error too-many;");
    bridge_stats(s.bridge, &stats);
    ok_int(stats.identities, 10);
    for (size_t i = 0; i < 11; i++)
        phone_down(&phones[i]);
    stand_run(&s, 10);
    bridge_stats(s.bridge, &stats);
    ok_int(stats.identities, 0);
    ok(!bridge_find_identity(s.bridge, "bob", 0, &r));
out:
    for (size_t i = 0; i < 11; i++)
        phone_down(&phones[i]);
    stand_down(&s);
}

UNIT_MAIN(CASE(a_gateway_registers_only_whom_it_may),
          CASE(without_identities_only_the_sip_gateway_may_register_and_only_phones),
          CASE(a_call_goes_to_the_very_link_that_registered_with_all_that_the_flow_says),
          CASE(at_most_ten_links_have_one_name))
