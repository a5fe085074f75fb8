/* The gateway: one link to the exchange, one SIP stack, one RTP engine, and the calls between. */
#ifndef ALMON_SIP_GATEWAY_H
#define ALMON_SIP_GATEWAY_H

#include "base/bucket.h"
#include "base/config.h"
#include "base/error.h"
#include "base/loop.h"
#include "bridge/client.h"
#include "gateways/sip/guard.h"
#include "gateways/sip/peers.h"
#include "gateways/sip/pump.h"
#include "gateways/sip/registrar.h"
#include "gateways/sip/rtp.h"
#include "gateways/sip/stack.h"
#include "gateways/sip/trunks.h"

enum { GATEWAY_BUCKETS = 4096 };

struct call;
/* A configuration that calls still use after another took its place. */
struct old_config {
    struct config *config;
    struct old_config *next;
};

struct gateway {
    struct config *config;
    struct old_config *old; /* freed when no call is left that began before */
    struct loop *loop;
    struct stack *stack;
    struct pump *pump;
    struct rtp_engine *rtp;
    struct peers *peers;
    struct guard *guard;
    struct registrar *registrar;
    struct trunks *trunks;
    struct bucket refused; /* how often strangers are logged */

    const char *url; /* of the link */
    char *name, *token;
    struct bridge_client *client;
    bool linked;
    unsigned failures; /* to link, in a row */
    struct timer relink;
    bool *announced; /* announce.c: which of config->phones the exchange knows to be here */
    struct timer sweep;

    struct list calls;
    unsigned n_calls;
    struct call *buckets[GATEWAY_BUCKETS]; /* by channel number */
    uint64_t next_session;

    bool stopping;
    struct timer leave;
};

/* Starts everything. `url` is the exchange's bridge. The configuration is taken over, also when
 * this fails. */
int gateway_new(struct gateway **gp, struct config *config, const char *url, struct error *err);
/* Trunks, phones and limits are those of `config` (taken over) from now on; calls go on as they
 * began. What it listens on, ports and its name at the exchange are not changed, which is said. On
 * an error all stays as it was. */
int gateway_set_config(struct gateway *g, struct config *config, struct error *err);
/* Polls until gateway_stop(). */
int gateway_run(struct gateway *g, struct error *err);
/* Ends all calls, gives their goodbyes a moment, and leaves gateway_run(). */
void gateway_stop(struct gateway *g);
struct gateway *gateway_free(struct gateway *g);

/* --- call.c --- */

/* A call from a phone or trunk; one of both is NULL. */
void call_invited(struct gateway *g, struct leg *leg, const struct stack_request *r,
                  const struct config_trunk *trunk, const struct config_phone *phone);
/* A call from the exchange. */
void call_offered(struct gateway *g, uint32_t number, const struct offer *offer);
struct call *call_find(struct gateway *g, uint32_t number);
/* What the bridge says of a call. */
void call_ringing(struct call *c);
/* The far end shall call `target` in our place; and what the exchange says to such a wish of the
 * far end's. */
void call_refer(struct call *c, const char *target);
void call_refer_status(struct call *c, unsigned response, unsigned final);
void call_answered(struct call *c);
void call_ended(struct call *c, enum cause cause);
void call_audio(struct call *c, const void *bytes, size_t len);
void call_digits(struct call *c, const char *digits);
/* Ends all, as `cause` says. */
void call_end_all(struct gateway *g, enum cause cause);
/* Some call began under this configuration. */
bool call_uses(const struct gateway *g, const struct config *config);
/* Calls of a trunk or phone now. */
int call_count(const struct gateway *g, const struct config_trunk *trunk,
               const struct config_phone *phone);

/* --- announce.c --- */

int announce_start(struct gateway *g, struct error *err);
/* Something changed about this phone's registration. */
void announce_phone(struct gateway *g, const struct config_phone *phone);
/* The link is new: all that are here. */
void announce_again(struct gateway *g);
/* The phones are others: `before` they were those of `old`. */
int announce_renew(struct gateway *g, const struct config *old, struct error *err);
void announce_stop(struct gateway *g);

/* --- dial.c --- */

/* Who calls when nobody is to know (RFC 3323 §4.1.1.3). */
#define DIAL_ANONYMOUS "sip:anonymous@anonymous.invalid"

/* Where a call to `to` goes. */
struct dial {
    char uri[257], route[257], from[300], headers[2048];
    const struct config_trunk *trunk;
    const struct config_phone *phone;
    const char *user, *password; /* what answers a challenge; NULL: nothing does */
    struct {
        char uri[257], route[257];
    } more[REGISTRAR_CONTACTS - 1]; /* where else the phone is, or the trunk's other servers */
    size_t n_more;
};
/* The cause that refuses it, or -1: `d` says how it is placed. */
int dial_plan(struct gateway *g, const struct offer *offer, struct dial *d);

#endif
