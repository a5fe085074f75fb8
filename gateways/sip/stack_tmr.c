/* libre's timers, kept by us. libre 1.1.0 has all of them in one sorted list and puts each new one
 * in from its far end, behind every transaction that lingers for 32 s (RFC 3261 §17): at 200 calls
 * a second that was more than half of this program's work. And it reads the wall clock, so that a
 * clock that is set moved every retransmission.
 *
 * libre calls these functions of its public API (re_tmr.h) as any program does, by name, and the
 * program's own come first: so this file has all of them that touch the list, over a heap and the
 * monotonic clock. The linker exports them, since libre names them too. All timers are of the one
 * thread that runs re_main(). */
#include "gateways/sip/due.h"
#include <assert.h>
#include <re.h>
#include <stddef.h>
#include <time.h>

static_assert(sizeof(struct due) == sizeof(struct tmr), "a timer of libre is one of ours");
static_assert(offsetof(struct due, h) == offsetof(struct tmr, th), "the handler's place");
static_assert(offsetof(struct due, arg) == offsetof(struct tmr, arg), "its argument's place");
static_assert(offsetof(struct due, at) == offsetof(struct tmr, jfs), "the moment's place");

static struct due_heap timers;

static struct due *due_of(struct tmr *tmr)
{
    return (struct due *)(void *)tmr;
}

/* Milliseconds. */
uint64_t tmr_jiffies(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void tmr_init(struct tmr *tmr)
{
    if (tmr != NULL)
        *tmr = (struct tmr){0};
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
    if (tmr == NULL)
        return;
    if (tmr->th != NULL)
        due_remove(&timers, due_of(tmr));
    tmr->th = th;
    tmr->arg = arg;
    tmr->jfs = tmr_jiffies() + delay;
    if (th != NULL)
        due_add(&timers, due_of(tmr));
}

void tmr_cancel(struct tmr *tmr)
{
    tmr_start(tmr, 0, NULL, NULL);
}

/* Called by re_main(). A handler may start and cancel any timer, and free its own. */
void tmr_poll(struct list *tmrl)
{
    uint64_t now = tmr_jiffies();
    struct due *d;

    (void)tmrl;
    while ((d = timers.first) != NULL && d->at <= now) {
        void (*h)(void *) = d->h;
        void *arg = d->arg;

        due_remove(&timers, d);
        h(arg);
    }
}

/* Milliseconds until the first is due, at least 1; 0: there is none. */
uint64_t tmr_next_timeout(struct list *tmrl)
{
    uint64_t now = tmr_jiffies();

    (void)tmrl;
    if (timers.first == NULL)
        return 0;
    return timers.first->at > now ? timers.first->at - now : 1;
}

uint64_t tmr_get_expire(const struct tmr *tmr)
{
    uint64_t now = tmr_jiffies();

    return tmr != NULL && tmr->th != NULL && tmr->jfs > now ? tmr->jfs - now : 0;
}
