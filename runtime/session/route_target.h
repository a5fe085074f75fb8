/* Who is called: one name out of the many ways to write it, so that what is judged is what is
 * dialled. Pure functions; everything that could be read in two ways is refused. */
#ifndef ALMON_SESSION_ROUTE_TARGET_H
#define ALMON_SESSION_ROUTE_TARGET_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

enum { ROUTE_NAME_MAX = 257 };

enum target_kind {
    TARGET_NUMBER, /* "+493012345" */
    TARGET_SHORT,  /* 1 to 6 of 0-9 * #: an extension of a private exchange, an emergency number */
    TARGET_CLIENT, /* "client:bob" */
    TARGET_SIP,    /* "sip:bob@example.com" */
};

struct target {
    enum target_kind kind;
    char name[ROUTE_NAME_MAX];   /* as it is dialled; a number in E.164, however it was written */
    char number[ROUTE_NAME_MAX]; /* that it may reach, in E.164: also the user of sip:+49…@host;
                                    empty: none */
    char other[ROUTE_NAME_MAX];  /* the same, as those read it who write E.164 without its + */
    char user[ROUTE_NAME_MAX];   /* of a SIP address, %XX resolved */
    char host[ROUTE_NAME_MAX];   /* in small letters, without port */
    char port[8];
};

/* *err with 13224 for what is no number, no client: and no sip: address. */
int target_read(struct target *t, const char *text, struct error *err);
/* A telephone number however people write it ("(415) 555-0100" is in the USA) in E.164; false when
 * it is none. */
bool target_number(const char *text, char out[ROUTE_NAME_MAX]);
/* How many characters of a pattern (struct config_route) fit the target; 0: it does not. A pattern
 * without '*' counts one more. */
size_t target_fits(const struct target *t, const char *pattern);

#endif
