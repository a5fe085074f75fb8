/* Who calls whom: from the names of SIP to those of webhooks and back. Pure functions. */
#ifndef ALMON_SIP_ROUTE_H
#define ALMON_SIP_ROUTE_H

#include "base/config.h"
#include "base/error.h"
#include "gateways/sip/stack.h"
#include <stdbool.h>

enum { ROUTE_TEXT_MAX = 257 };

/* Digits, perhaps after '+', and * and #: what a telephone can dial. */
bool route_is_number(const char *text);
/* Replaces the beginning of `number` by the first rule "old:new" that fits. */
void route_rewrite(const char *const *rules, size_t n, const char *number,
                   char out[ROUTE_TEXT_MAX]);
/* From and To of a call that came in, as a webhook shall see them. */
void route_from(const struct stack_request *r, const struct config_trunk *trunk,
                const struct config_phone *phone, char out[ROUTE_TEXT_MAX]);
void route_to(const struct stack_request *r, const struct config_trunk *trunk,
              char out[ROUTE_TEXT_MAX]);
/* "sip:host:port;x=y" with a user: "sip:user@host:port;x=y". What no URI may hold in its user part
 * is written as %XX. False when it is too long or `address` is no sip: URI. */
bool route_uri(const char *user, const char *address, char out[ROUTE_TEXT_MAX]);
/* The user part of client:NAME or sip:NAME@…; "anonymous" when there is none. */
void route_user(const char *name, char out[ROUTE_TEXT_MAX]);
/* "sip:ip:port;transport=…" of a socket address. */
void route_of(const struct sockaddr_storage *a, const char *transport, char out[128]);

#endif
