#include "cli/reach.h"

#include <stdio.h>

const char reach_help[] =
    "  --config FILE     where the next three come from (default almon.lua, if it is there)\n"
    "  --link URL        the bridge (default ws:// and server.bridge)\n"
    "  --name NAME       the gateway that this is (default the first one)\n"
    "  --token TOKEN     and its token\n";

static const char *find_name(const struct reach *r)
{
    const struct config *c = r->loaded;

    for (size_t i = 0; r->identity != NULL && i < c->n_gateways; i++)
        if (config_may_register(c, c->gateways[i].name, r->identity))
            return c->gateways[i].name;
    return c->gateways[0].name;
}

int reach_find(struct reach *r, struct error *err)
{
    const char *path = r->config != NULL ? r->config : "almon.lua";
    struct error local = {0};
    const struct config_gateway *gw;
    int rc;

    if (r->link != NULL && r->name != NULL && r->token != NULL)
        return 0;
    rc = config_load(&r->loaded, path, NULL, NULL, &local);
    if (rc != 0)
        return error_set(err, rc, "%s; or give --link, --name and --token", local.text);
    if (r->link == NULL) {
        snprintf(r->url, sizeof r->url, "ws://%s/", r->loaded->server.bridge);
        r->link = r->url;
    }
    if (r->loaded->n_gateways == 0 && (r->name == NULL || r->token == NULL))
        return error_set(err, ERR_MISSING, "%s has no gateway{ name = …, token = … }", path);
    if (r->name == NULL)
        r->name = find_name(r);
    if (r->token != NULL)
        return 0;
    gw = config_find_gateway(r->loaded, r->name);
    if (gw == NULL)
        return error_set(err, ERR_MISSING, "no gateway '%s' in the configuration; give --token",
                         r->name);
    r->token = gw->token;
    return 0;
}

void reach_free(struct reach *r)
{
    config_free(r->loaded);
}
