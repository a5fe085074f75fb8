/* Where phones are: the addresses that each has registered, until they expire. Only users that
 * proved themselves get here, so what is kept is bounded by the phones of almon.lua. */
#ifndef ALMON_SIP_REGISTRAR_H
#define ALMON_SIP_REGISTRAR_H

#include "base/error.h"
#include "base/str.h"
#include <stddef.h>
#include <stdint.h>

/* The most is short, since nothing of it outlives the process: after a new start each phone is back
 * within that time. */
enum { REGISTRAR_CONTACTS = 10, REGISTRAR_MIN_SECONDS = 60, REGISTRAR_MAX_SECONDS = 600 };

struct registrar;

struct registrar_contact {
    char uri[256];   /* what the phone says */
    char route[128]; /* where it was heard from: sip:ip:port;transport=… */
    int64_t until_us;
    int64_t since_us;
};

int registrar_new(struct registrar **rp, struct error *err);
struct registrar *registrar_free(struct registrar *r);
/* Adds, renews, or with 0 seconds forgets. ERR_LIMIT: the user has ten already. */
int registrar_set(struct registrar *r, const char *user, const char *uri, const char *route,
                  long seconds, int64_t now_us);
void registrar_clear(struct registrar *r, const char *user);
/* The newest contact that has not expired; NULL: the phone is not there. */
const struct registrar_contact *registrar_find(struct registrar *r, const char *user,
                                               int64_t now_us);
/* The i-th contact that has not expired, from 0 in no order; NULL: there are fewer. */
const struct registrar_contact *registrar_at(struct registrar *r, const char *user, size_t i,
                                             int64_t now_us);
/* One Contact line for each that has not expired. */
void registrar_write(struct registrar *r, const char *user, int64_t now_us, struct str *out);

#endif
