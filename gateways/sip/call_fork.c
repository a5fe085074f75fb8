/* A phone that is registered in several places rings at all of them; the first that answers has the
 * call, the others are cancelled (RFC 3261 §16.7, as a proxy would do it). All branches carry one
 * description: one port, one key. */
#include "base/log.h"
#include "base/mem.h"
#include "gateways/sip/call_private.h"
#include "gateways/sip/status.h"
#include <stdio.h>

struct branch {
    struct call *c;
    struct leg *leg; /* NULL: it has ended, or has the call */
};

struct call_fork {
    size_t n, alive;
    unsigned status; /* the best of those that refused, */
    int q850;        /* and what its Reason said */
    struct branch branches[REGISTRAR_CONTACTS];
};

/* Which refusal the caller is told: of a person before that of a machine. */
static int rank(unsigned status)
{
    switch (status_cause(status, -1)) {
    case CAUSE_BUSY:
    case CAUSE_REJECTED:
        return 3;
    case CAUSE_NO_ANSWER:
        return 2;
    default:
        return 1;
    }
}

static void on_ringing(void *arg, unsigned status)
{
    call_leg_handlers.ringing(((struct branch *)arg)->c, status);
}

/* Sound of one of several is nobody's. */
static void on_early(void *arg, const char *sdp, size_t len)
{
    struct call *c = ((struct branch *)arg)->c;

    if (c->fork->alive == 1)
        call_leg_handlers.early(c, sdp, len);
}

static bool on_agreed(void *arg, const char *sdp, size_t len)
{
    struct branch *b = arg;
    struct call *c = b->c;

    if (c->leg != NULL)
        return false; /* another was quicker */
    c->leg = b->leg;
    b->leg = NULL;
    c->fork->alive--;
    leg_attach(c->leg, &call_leg_handlers, c);
    return call_leg_handlers.agreed(c, sdp, len);
}

static void on_answered(void *arg)
{
    (void)arg; /* after `agreed` the leg is the call's */
}

static unsigned on_offered(void *arg, const char *sdp, size_t len, struct str *out)
{
    (void)arg;
    (void)sdp;
    (void)len;
    (void)out;
    return 488;
}

static void on_digit(void *arg, char digit, unsigned duration_ms)
{
    (void)arg;
    (void)digit;
    (void)duration_ms;
}

static void on_ended(void *arg, unsigned status, int q850)
{
    struct branch *b = arg;
    struct call *c = b->c;
    struct call_fork *f = c->fork;

    b->leg = leg_end(b->leg, status, -1);
    f->alive--;
    if (f->status == 0 || rank(status) > rank(f->status)) {
        f->status = status;
        f->q850 = q850;
    }
    log_info("sip", NULL, "%s: one of its places does not answer: %u", c->id, status);
    if (c->leg == NULL && f->alive == 0)
        call_leg_handlers.ended(c, f->status, f->q850);
}

static const struct leg_handlers branch_handlers = {
    .ringing = on_ringing,
    .early = on_early,
    .answered = on_answered,
    .offered = on_offered,
    .agreed = on_agreed,
    .digit = on_digit,
    .ended = on_ended,
};

int call_fork(struct call *c, const struct dial *d, const struct leg_call *first, struct error *err)
{
    struct call_fork *f = mem_alloc(sizeof *f);
    struct leg_call call = *first;
    int rc = 0;

    if (f == NULL)
        return error_nomem(err);
    c->fork = f;
    for (size_t i = 0; i <= d->n_more; i++) {
        struct branch *b = &f->branches[f->n];

        if (i > 0) {
            call.uri = d->more[i - 1].uri;
            call.route = d->more[i - 1].route;
        }
        b->c = c;
        rc = leg_dial(&b->leg, c->g->stack, &call, &branch_handlers, b, err);
        if (rc != 0) {
            log_warn("sip", NULL, "%s: %s", c->id, err->text);
            continue;
        }
        f->n++;
        f->alive++;
    }
    return f->alive > 0 ? 0 : rc;
}

void call_fork_drop(struct call *c)
{
    if (c->fork == NULL)
        return;
    for (size_t i = 0; i < c->fork->n; i++)
        c->fork->branches[i].leg = leg_end(c->fork->branches[i].leg, 487, -1);
    mem_free(c->fork);
    c->fork = NULL;
}
