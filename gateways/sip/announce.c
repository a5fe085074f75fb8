/* Tells the exchange which phones are there, so that client:NAME is called here while the phone's
 * registration lasts, and nowhere once it is over. */
#include "base/mem.h"
#include "gateways/sip/gateway.h"
#include <string.h>

enum { SWEEP_MS = 5000 }; /* how late an expiry may be told; calls meanwhile get no-answer */

static void announce(struct gateway *g, size_t i)
{
    const char *name = g->config->phones[i].name;
    bool there = registrar_find(g->registrar, name, loop_now(g->loop)) != NULL;

    if (!g->linked || there == g->announced[i])
        return;
    g->announced[i] = there;
    if (there)
        client_register(g->client, name);
    else
        client_unregister(g->client, name);
}

static void on_sweep(void *arg)
{
    struct gateway *g = arg;

    for (size_t i = 0; i < g->config->n_phones; i++)
        announce(g, i);
    timer_start(&g->sweep, SWEEP_MS);
}

int announce_start(struct gateway *g, struct error *err)
{
    g->announced = mem_alloc((g->config->n_phones + 1) * sizeof *g->announced);
    if (g->announced == NULL)
        return error_nomem(err);
    timer_init(&g->sweep, g->loop, on_sweep, g);
    if (g->config->n_phones > 0)
        timer_start(&g->sweep, SWEEP_MS);
    return 0;
}

void announce_phone(struct gateway *g, const struct config_phone *phone)
{
    announce(g, (size_t)(phone - g->config->phones));
}

void announce_again(struct gateway *g)
{
    for (size_t i = 0; i < g->config->n_phones; i++) {
        g->announced[i] = false;
        announce(g, i);
    }
}

static size_t index_of(const struct config *c, const char *name)
{
    size_t i = 0;

    while (i < c->n_phones && strcmp(c->phones[i].name, name) != 0)
        i++;
    return i;
}

int announce_renew(struct gateway *g, const struct config *old, struct error *err)
{
    const struct config *c = g->config;
    bool *announced = mem_alloc((c->n_phones + 1) * sizeof *announced);

    if (announced == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < old->n_phones; i++) {
        size_t at = index_of(c, old->phones[i].name);

        if (at < c->n_phones) {
            announced[at] = g->announced[i];
            continue;
        }
        registrar_clear(g->registrar, old->phones[i].name);
        if (g->linked && g->announced[i])
            client_unregister(g->client, old->phones[i].name);
    }
    mem_free(g->announced);
    g->announced = announced;
    timer_start(&g->sweep, SWEEP_MS);
    return 0;
}

void announce_stop(struct gateway *g)
{
    if (g->announced != NULL)
        timer_stop(&g->sweep);
    mem_free(g->announced);
}
