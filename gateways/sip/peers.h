/* Which trunk an address belongs to: `from` of each trunk{…}, and what registration has shown. The
 * most exact network wins. */
#ifndef ALMON_SIP_PEERS_H
#define ALMON_SIP_PEERS_H

#include "base/config.h"
#include "base/error.h"
#include <stddef.h>
#include <sys/socket.h>

struct peers;

/* ERR_INVALID names the line of almon.lua. */
int peers_new(struct peers **pp, const struct config *config, struct error *err);
struct peers *peers_free(struct peers *p);
/* NULL: a stranger. */
const struct config_trunk *peers_find(const struct peers *p, const struct sockaddr_storage *source);
/* Calls from `source` are the trunk's too: it is who took our registration. */
int peers_learn(struct peers *p, const struct config_trunk *trunk,
                const struct sockaddr_storage *source);

#endif
