/* What libre's sessions say within calls, with our words in it. They answer a re-INVITE, and make
 * INVITEs of their own, without a header of ours; refuse one without a reason; and take 422 for the
 * end of a call.
 *
 * libre calls the functions that send by name, and the program's own come first (as with its
 * timers, see stack_tmr.c): those here add what is missing, and go on to libre's. Where its calls
 * do not come here, stack_say_reached() says so: then nothing is said of session timers. */
#include "gateways/sip/stack_private.h"
#include "gateways/sip/status.h"
#include <dlfcn.h>
#include <string.h>

static struct {
    struct stack *s;     /* whose calls; NULL: not reached */
    struct leg *placing; /* leg_dial() is under way, its session not yet there */
    bool asked, heard;   /* of stack_say_reached() */
    struct list invites; /* struct asked */
} ours;

/* libre's own. */
static struct {
    int (*treplyf)(struct sip_strans **stp, struct mbuf **mbp, struct sip *sip,
                   const struct sip_msg *msg, bool rec_route, uint16_t scode, const char *reason,
                   const char *fmt, ...);
    int (*reply)(struct sip *sip, const struct sip_msg *msg, uint16_t scode, const char *reason);
    int (*drequestf)(struct sip_request **reqp, struct sip *sip, bool stateful, const char *met,
                     struct sip_dialog *dlg, uint32_t cseq, struct sip_auth *auth,
                     sip_send_h *sendh, sip_resp_h *resph, void *arg, const char *fmt, ...);
} libre;

static bool find(const char *name, void *function)
{
    void *at = dlsym(RTLD_NEXT, name);

    memcpy(function, &at, sizeof at);
    return at != NULL;
}

static bool have_libre(void)
{
    return libre.drequestf != NULL ||
           (find("sip_treplyf", &libre.treplyf) && find("sip_reply", &libre.reply) &&
            find("sip_drequestf", &libre.drequestf));
}

/* --- answers --- */

/* The leg that is asked to change by `msg`; NULL: it is no re-INVITE. */
static struct leg *changed_by(const struct sip_msg *msg)
{
    struct sip_dialog *dlg;

    return ours.s != NULL && pl_strcmp(&msg->met, "INVITE") == 0 && pl_isset(&msg->to.tag)
               ? stack_find_leg(ours.s, msg, &dlg)
               : NULL;
}

int sip_treplyf(struct sip_strans **stp, struct mbuf **mbp, struct sip *sip,
                const struct sip_msg *msg, bool rec_route, uint16_t scode, const char *reason,
                const char *fmt, ...)
{
    struct leg *l = NULL;
    va_list ap;
    int e;

    if (ours.asked) {
        ours.heard = true;
        return ECANCELED;
    }
    if (!have_libre())
        return ENOSYS;
    if (msg != NULL && scode >= 200 && scode < 300)
        l = changed_by(msg);
    va_start(ap, fmt);
    e = libre.treplyf(stp, mbp, sip, msg, rec_route, scode, reason, "%s%s%v",
                      l != NULL ? l->agreement : "", l != NULL ? STACK_ALLOW : "",
                      fmt != NULL ? fmt : "Content-Length: 0\r\n\r\n", &ap);
    va_end(ap);
    return e;
}

/* A re-INVITE that does not fit is refused with a transaction, as its like at the beginning is. */
int sip_reply(struct sip *sip, const struct sip_msg *msg, uint16_t scode, const char *reason)
{
    struct leg *l = scode == 488 && msg != NULL ? changed_by(msg) : NULL;
    char warning[STACK_WARNING_MAX];

    if (!have_libre())
        return ENOSYS;
    if (l == NULL)
        return libre.reply(sip, msg, scode, reason);
    stack_warning(l, scode, warning);
    return libre.treplyf(NULL, NULL, sip, msg, false, scode, status_reason(scode),
                         "%sContent-Length: 0\r\n\r\n", warning);
}

/* --- INVITEs --- */

/* One that is under way, until its final answer. */
struct asked {
    struct le le; /* in ours.invites */
    struct leg *leg;
    bool within; /* it is a re-INVITE */
    sip_send_h *sent;
    sip_resp_h *answered;
    void *arg; /* of both */
};

static void asked_destructor(void *arg)
{
    struct asked *a = arg;

    list_unlink(&a->le);
    mem_deref(a->leg);
}

static int on_send(enum sip_transp tp, const struct sa *src, const struct sa *dst, struct mbuf *mb,
                   void *arg)
{
    const struct asked *a = arg;

    return a->sent != NULL ? a->sent(tp, src, dst, mb, a->arg) : 0;
}

/* libre makes an INVITE anew after a challenge, in the same call: so that is what 422 becomes, when
 * the next one will ask for more. */
static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct asked *a = arg;
    bool final = err != 0 || msg->scode >= 200;

    if (err == 0 && final && a->within)
        stack_timer_refreshed(a->leg, msg);
    else if (err == 0 && msg->scode == 422 && !a->leg->over && stack_timer_longer(a->leg, msg) &&
             stack_prove_passes(msg))
        ((struct sip_msg *)msg)->scode = 407;
    a->answered(err, msg, a->arg);
    stack_prove_passes(NULL);
    if (final)
        mem_deref(a);
}

static bool is_of_session(struct le *le, void *arg)
{
    const struct leg *l = le->data;

    return sipsess_dialog(l->sess) == arg;
}

static struct leg *leg_of(struct sip_dialog *dlg)
{
    if (ours.s == NULL)
        return NULL;
    if (ours.placing != NULL)
        return ours.placing;
    return list_ledata(
        hash_lookup(ours.s->legs, hash_joaat_str(sip_dialog_callid(dlg)), is_of_session, dlg));
}

int sip_drequestf(struct sip_request **reqp, struct sip *sip, bool stateful, const char *met,
                  struct sip_dialog *dlg, uint32_t cseq, struct sip_auth *auth, sip_send_h *sendh,
                  sip_resp_h *resph, void *arg, const char *fmt, ...)
{
    bool within = sip_dialog_established(dlg);
    struct leg *l = NULL;
    struct asked *a = NULL;
    char timer[STACK_TIMER_MAX] = "";
    va_list ap;
    int e;

    if (!have_libre())
        return ENOSYS;
    if (met != NULL && strcmp(met, "INVITE") == 0 && resph != NULL)
        l = leg_of(dlg);
    if (l != NULL) {
        a = mem_zalloc(sizeof *a, asked_destructor);
        if (a == NULL)
            return ENOMEM;
        *a = (struct asked){
            .leg = mem_ref(l), .within = within, .sent = sendh, .answered = resph, .arg = arg};
        list_append(&ours.invites, &a->le, a);
        stack_timer_ask(l, within, timer);
    }
    va_start(ap, fmt);
    e = libre.drequestf(reqp, sip, stateful, met, dlg, cseq, auth, a != NULL ? on_send : sendh,
                        a != NULL ? on_response : resph, a != NULL ? (void *)a : arg, "%s%s%v",
                        timer, l != NULL && within ? STACK_ALLOW : "", fmt, &ap);
    va_end(ap);
    if (e != 0)
        mem_deref(a);
    return e;
}

void stack_say_placing(struct leg *l)
{
    ours.placing = l;
}

/* --- whether libre's calls come here --- */

bool stack_say_reached(struct stack *s)
{
    if (!have_libre())
        return false;
    ours.asked = true;
    ours.heard = false;
    sip_treply(NULL, NULL, NULL, 0, NULL);
    ours.asked = false;
    ours.s = ours.heard ? s : NULL;
    return ours.heard;
}

void stack_say_nothing(void)
{
    ours.s = NULL;
    list_flush(&ours.invites); /* those that were under way when all was closed */
}
