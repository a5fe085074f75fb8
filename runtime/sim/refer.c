/* Transfers: what a caller is asked to do, and asks for (SIP's REFER, as a gateway tells it). */
#include "base/mem.h"
#include "sim/private.h"

void sim_refer_asked(void *arg, uint32_t number, const char *to)
{
    struct sim_caller *c = sim_caller_of(arg, number);
    char *copy = c != NULL ? mem_strdup(to) : NULL;

    if (copy == NULL) {
        client_refer_status(((struct sim *)arg)->client, number, 500, 0);
        return;
    }
    mem_free(c->refer_to);
    c->refer_to = copy;
}

void sim_refer_status(void *arg, uint32_t number, unsigned response, unsigned notify)
{
    struct sim_caller *c = sim_caller_of(arg, number);

    if (c == NULL)
        return;
    c->refer.response = response;
    c->refer.notify = notify;
}

const char *sim_caller_referred_to(const struct sim_caller *c)
{
    return c->refer_to;
}

void sim_caller_refer_answers(struct sim_caller *c, unsigned response, unsigned notify)
{
    if (!c->over)
        client_refer_status(c->sim->client, c->number, response, notify);
}

void sim_caller_refers(struct sim_caller *c, const char *to, const char *const *params)
{
    c->refer = (struct sim_refer){0};
    if (!c->over)
        client_refer(c->sim->client, c->number, to, params);
}

struct sim_refer sim_caller_refer(const struct sim_caller *c)
{
    return c->refer;
}
