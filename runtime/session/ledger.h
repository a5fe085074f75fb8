/* What accounts and routes have spent today (budget.h), kept in the store, so that neither a
 * restart nor a crash gives anybody a second day's worth (threats.md S7). A budget is written when
 * a call begins or ends and, for the minutes of calls that run, every LEDGER_EVERY_MS: so much of
 * each running call a crash may forget. It lives in the store until its day is over. */
#ifndef ALMON_SESSION_LEDGER_H
#define ALMON_SESSION_LEDGER_H

#include "base/error.h"
#include "base/loop.h"
#include "session/budget.h"
#include "store/kv.h"

enum { LEDGER_EVERY_MS = 10000 };

struct ledger;
struct ledger_entry; /* an account's or a route's; lives as long as the ledger */

/* `kv` outlives it; NULL: a restart forgets. What was spent before is read meanwhile, and added as
 * soon as it is there. */
int ledger_new(struct ledger **lp, struct loop *loop, struct kv *kv, struct error *err);
/* Hands what is not written yet to the store. Accepts NULL; returns NULL. */
struct ledger *ledger_free(struct ledger *l);
/* By the kind ("account", "route") and a name; made when missing, NULL without memory. */
struct ledger_entry *ledger_find(struct ledger *l, const char *kind, const char *name);

/* As those of budget.h. Entries without a maximum are not written. */
enum budget_state ledger_look(struct ledger_entry *e, int max_calls, int max_minutes);
void ledger_take(struct ledger_entry *e);
void ledger_give(struct ledger_entry *e, int64_t since_us);
/* Marks it as spent; true when that is new today. */
bool ledger_exhausted(struct ledger_entry *e);

#endif
