/* Where a call that a flow makes goes, and whether it may: almon.lua's route{…} and the ceilings of
 * its account{…}. Toll fraud ends here (threats.md S7), with a message that says what to write, and
 * no call made. The default is closed: without a route no number and no sip: address is called.
 *
 *   routes_plan(…, &request, &plan)            who may be tried, in which order
 *   routes_take(…, &plan.steps[0])             counts it against the limits; then it is offered
 *   routes_give(…, &plan.steps[0])             once that call is over
 *
 * Numbers are read as E.164 (route_target.h) and then judged: by the account's countries, by what
 * is dear everywhere (base/country.h), by who may be shown as caller (twiml-voice.md §5.2). Of the
 * routes that fit, the one with the longest pattern is tried first, then the next, equal ones in
 * the order of the file; one to almon-sip that names no trunk means all its trunks. client:NAME
 * goes to all links that registered NAME at once, then to routes. */
#ifndef ALMON_SESSION_ROUTE_H
#define ALMON_SESSION_ROUTE_H

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"
#include "base/loop.h"
#include "bridge/bridge.h"
#include "store/kv.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct route_request {
    const char *from; /* who shall be shown; NULL: call_from */
    const char *to;
    const char *call_from, *call_to; /* of the call whose flow asks; NULL: none does */
    const struct config_account *account;
    const char *trunk; /* byoc: only this one; NULL: any */
    bool from_sip;     /* that call came from a SIP address, where From is what anybody writes */
};

/* One call to try. Strings belong to the arena or the configuration. */
struct route_step {
    const char *gateway, *trunk; /* trunk NULL: the gateway's choice */
    uint64_t link;               /* of the gateway's links this one (struct offer); 0: any */
    const char *to, *from;
    unsigned group; /* steps of one group are offered at once, the next group when all of the former
                       have failed */
    int route;      /* which of config->routes; -1: none, a client that is registered */
    struct route_count *count; /* of that route, for the two below */
    int64_t since;             /* loop_now(), when it was taken */
};

enum { ROUTE_STEPS_MAX = 10 };
struct route_plan {
    struct route_step steps[ROUTE_STEPS_MAX];
    size_t n;
};

/* How often a call was passed on travels with it as a header, so that two exchanges (or one, by way
 * of a carrier) that call each other stop (threats.md D7). */
#define ROUTE_HOPS "SipHeader_X-Almon-Hops"
enum { ROUTE_HOPS_MAX = 10 };
/* What an offer's parameters say of it; 0 without. */
unsigned route_hops(const char *const *params);

struct routes;
/* `kv` keeps what is spent of budgets (ledger.h) and outlives the routes; NULL: nothing does. */
int routes_new(struct routes **rp, struct loop *loop, struct kv *kv, struct error *err);
struct routes *routes_free(struct routes *r);

/* At least one step, or an error with Twilio's code: 13224 no number, 13227 a country that the
 * account may not call, 13225 a dear number or no route, 13214 and 13248 the caller id.
 * ERR_MISSING: a client that nobody has registered. Changes nothing that others see. */
int routes_plan(struct routes *r, const struct config *config, struct bridge *bridge,
                const struct route_request *q, struct arena *arena, struct route_plan *plan,
                struct error *err);
/* Counts one call of the route and of the account, and sets step->since. ERR_LIMIT: too many at
 * once (10004), in this second, or today (20429), of calls or minutes; another route may still have
 * room. What is nearly or wholly spent today is an alarm in the log, once. */
int routes_take(struct routes *r, const struct config *config, const struct config_account *account,
                struct route_step *step, struct error *err);
/* Gives back what routes_take() took. */
void routes_give(struct routes *r, const struct config_account *account,
                 const struct route_step *step);
/* Counts one text message of the account. ERR_LIMIT: it has sent its messages of today (14107);
 * alarms as for calls. */
int routes_take_message(struct routes *r, const struct config *config,
                        const struct config_account *account, const char *to, struct error *err);
/* Gives the account's next message its turn: how many milliseconds from now that is, so that
 * messages_per_second holds; as many may go at once. To be asked once for each. */
int64_t routes_message_turn(struct routes *r, const struct config_account *account);
/* Offers the call where the step leads: bridge_offer() with its link and trunk put into `offer`. */
int route_offer(struct bridge *bridge, const struct route_step *step, const struct offer *offer,
                struct channel **cp, struct error *err);

#endif
