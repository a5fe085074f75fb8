/* The HTTP server on the control loop: recordings at Twilio's path, later the REST API. */
#ifndef ALMON_WEB_WEB_H
#define ALMON_WEB_WEB_H

#include "base/config.h"
#include "base/error.h"
#include "base/loop.h"

struct web;
/* `listen` is "host:port", port 0: any free one; `state` the folder with recordings/. */
int web_new(struct web **wp, struct loop *control, const struct config *config, const char *listen,
            const char *state, struct error *err);
int web_port(const struct web *w);
/* Accounts and rules used from now on; must outlive its use. */
void web_set_config(struct web *w, const struct config *config);
struct web *web_free(struct web *w);

#endif
