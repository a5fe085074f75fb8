#include "gateways/sip/pump.h"

#include "base/mem.h"
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct pump {
    struct loop *loop;
    int timer;
    int64_t armed_us; /* when the timer fires; INT64_MAX: not set */
};

static void arm(struct pump *p, int64_t delay_us)
{
    int64_t due = loop_now(p->loop) + delay_us;
    struct itimerspec at = {0};

    if (due >= p->armed_us)
        return;
    p->armed_us = due;
    if (delay_us < 1)
        delay_us = 1;
    at.it_value.tv_sec = delay_us / 1000000;
    at.it_value.tv_nsec = delay_us % 1000000 * 1000;
    timerfd_settime(p->timer, 0, &at, NULL);
}

static void turn(struct pump *p)
{
    int ms;

    loop_turn(p->loop, false);
    ms = uv_backend_timeout(loop_uv(p->loop));
    if (ms >= 0)
        arm(p, (int64_t)ms * 1000);
}

static void on_descriptor(void *arg)
{
    turn(arg);
}

static void on_timer(void *arg)
{
    struct pump *p = arg;
    uint64_t times;

    if (read(p->timer, &times, sizeof times) > 0)
        p->armed_us = INT64_MAX;
    turn(p);
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
    p->armed_us = INT64_MAX;
    p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (p->timer < 0) {
        mem_free(p);
        return error_set(err, ERR_IO, "no timer: %s", strerror(errno));
    }
    *pp = p;
    return 0;
}

int pump_attach(struct pump *p, struct stack *s, struct error *err)
{
    int rc = stack_watch(s, uv_backend_fd(loop_uv(p->loop)), on_descriptor, p, err);

    if (rc == 0)
        rc = stack_watch(s, p->timer, on_timer, p, err);
    pump_soon(p);
    return rc;
}

struct pump *pump_free(struct pump *p)
{
    if (p == NULL)
        return NULL;
    close(p->timer);
    mem_free(p);
    return NULL;
}
