#include "gateways/sip/pump.h"

#include "base/mem.h"

struct pump {
    struct loop *loop;
    struct stack *stack; /* NULL: not attached yet */
    int64_t due;         /* when the stack turns us; INT64_MAX: when our descriptor says so */
};

static void turn(void *arg);

static void on_due(void *arg)
{
    struct pump *p = arg;

    p->due = INT64_MAX;
    turn(p);
}

static void arm(struct pump *p, unsigned ms)
{
    int64_t due = loop_now(p->loop) + (int64_t)ms * 1000;

    if (p->stack == NULL || due >= p->due)
        return;
    p->due = due;
    stack_alarm(p->stack, ms, on_due, p);
}

static void turn(void *arg)
{
    struct pump *p = arg;
    int ms;

    loop_turn(p->loop, false);
    ms = uv_backend_timeout(loop_uv(p->loop));
    if (ms >= 0)
        arm(p, (unsigned)ms);
}

void pump_soon(struct pump *p)
{
    arm(p, 0);
}

int pump_new(struct pump **pp, struct loop *loop, struct error *err)
{
    struct pump *p = mem_alloc(sizeof *p);

    if (p == NULL)
        return error_nomem(err);
    p->loop = loop;
    p->due = INT64_MAX;
    *pp = p;
    return 0;
}

int pump_attach(struct pump *p, struct stack *s, struct error *err)
{
    int rc = stack_watch(s, uv_backend_fd(loop_uv(p->loop)), turn, p, err);

    if (rc != 0)
        return rc;
    p->stack = s;
    pump_soon(p);
    return 0;
}

struct pump *pump_free(struct pump *p)
{
    mem_free(p);
    return NULL;
}
