/* Where the exchange's bridge is, and as which gateway a command links to it: what is not said on
 * the command line comes from almon.lua. */
#ifndef ALMON_CLI_REACH_H
#define ALMON_CLI_REACH_H

#include "base/config.h"

struct reach {
    const char *config;              /* --config; NULL: almon.lua */
    const char *link, *name, *token; /* given, then found */
    const char *identity;            /* the gateway should be one that may register it; NULL */
    struct config *loaded;           /* what they may point into */
    char url[300];
};

/* The lines about its options for a command's help. */
extern const char reach_help[];
/* 0, or ERR_MISSING and ERR_INVALID with a message. */
int reach_find(struct reach *r, struct error *err);
void reach_free(struct reach *r);

#endif
