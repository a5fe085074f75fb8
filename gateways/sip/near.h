/* Who is on our side of a router with NAT, and by which of IP's versions. */
#ifndef ALMON_SIP_NEAR_H
#define ALMON_SIP_NEAR_H

#include <stdbool.h>

/* Whether an address, or the host of a sip: URI, is one of a private network (RFC 1918, 4193), of
 * this link or of this machine. A name is not. */
bool is_near(const char *text);
/* Whether it is an IPv6 address, or a sip: URI with one. */
bool is_six(const char *text);

#endif
