/* libre's timers, kept by us. libre 1.1.0 has all of them in one sorted list and puts each new one
 * in from its far end, behind every transaction that lingers for 32 s (RFC 3261 §17): at 200 calls
 * a second that was more than half of this program's work. And it reads the wall clock, so that a
 * clock that is set moved every retransmission.
 *
 * libre calls these functions of its public API (re_tmr.h) as any program does, by name, and the
 * program's own come first: so this file has all of them that touch the list, over a heap, and
 * stack_clock.c has the monotonic clock. The linker exports them, since libre names them too. All
 * timers are of the one thread that runs re_main(). A libre whose own calls do not come here (one
 * linked with -Bsymbolic would not look in the program) keeps its list: stack_tmr_reached() finds
 * that out at the start, and what our files start then goes there, too. */
#include "gateways/sip/due.h"
#include "gateways/sip/stack_private.h"
#include <assert.h>
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static_assert(sizeof(struct due) == sizeof(struct tmr), "a timer of libre is one of ours");
static_assert(offsetof(struct due, h) == offsetof(struct tmr, th), "the handler's place");
static_assert(offsetof(struct due, arg) == offsetof(struct tmr, arg), "its argument's place");
static_assert(offsetof(struct due, at) == offsetof(struct tmr, jfs), "the moment's place");

static struct due_heap timers;
static struct tmr *last; /* the one that was started last; may be gone since */

/* libre's own, when its calls do not come here. */
static struct {
    bool used;
    void (*start)(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg);
    void (*poll)(struct list *tmrl);
    uint64_t (*next_timeout)(struct list *tmrl);
} libre;

static struct due *due_of(struct tmr *tmr)
{
    return (struct due *)(void *)tmr;
}

void tmr_init(struct tmr *tmr)
{
    if (tmr != NULL)
        *tmr = (struct tmr){0};
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
    if (libre.used) {
        libre.start(tmr, delay, th, arg);
        return;
    }
    if (tmr == NULL)
        return;
    if (tmr->th != NULL)
        due_remove(&timers, due_of(tmr));
    tmr->th = th;
    tmr->arg = arg;
    tmr->jfs = tmr_jiffies() + delay;
    if (th != NULL)
        due_add(&timers, due_of(tmr));
    last = th != NULL ? tmr : NULL;
}

void stack_tmr_again(const void *arg, uint64_t delay)
{
    if (!libre.used && last != NULL && last->arg == arg)
        tmr_start(last, delay, last->th, last->arg);
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

    if (libre.used) {
        libre.poll(tmrl);
        return;
    }
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

    if (libre.used)
        return libre.next_timeout(tmrl);
    if (timers.first == NULL)
        return 0;
    return timers.first->at > now ? timers.first->at - now : 1;
}

/* --- whether libre's calls come here --- */

static bool find(const char *name, void *function)
{
    void *at = dlsym(RTLD_NEXT, name);

    memcpy(function, &at, sizeof at);
    return at != NULL;
}

static void never(void *arg)
{
    (void)arg;
}

/* libre's tmr_cancel() calls tmr_start(): a timer of ours then leaves our heap, or it does not. */
bool stack_tmr_reached(void)
{
    void (*cancel)(struct tmr * tmr);
    struct tmr tmr = {.th = NULL};

    if (libre.used || timers.first != NULL || !find("tmr_cancel", &cancel) ||
        !find("tmr_start", &libre.start) || !find("tmr_poll", &libre.poll) ||
        !find("tmr_next_timeout", &libre.next_timeout))
        return !libre.used;
    tmr_start(&tmr, 1000, never, NULL);
    cancel(&tmr);
    libre.used = timers.first != NULL;
    timers.first = NULL;
    return !libre.used;
}
