/* OPTIONS to somebody, to see whether he is there (RFC 3261 §11). */
#include "gateways/sip/stack_private.h"
#include <string.h>

struct probe {
    struct stack *s;
    struct sip_dialog *dialog;
    struct sip_request *request;
    void (*answered)(void *arg, unsigned status);
    void *arg;
};

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
    struct probe *p = arg;

    p->s->h->soon(p->s->arg);
    if (err == 0 && msg != NULL && msg->scode < 200)
        return;
    p->answered(p->arg, err == 0 && msg != NULL ? msg->scode : 0);
}

int stack_probe(struct probe **pp, struct stack *s, const char *uri, const char *from,
                const char *route, void (*answered)(void *arg, unsigned status), void *arg)
{
    struct probe *p = mem_zalloc(sizeof *p, NULL);
    const char *routes[1] = {route};
    int e = ENOMEM;

    if (p != NULL) {
        p->s = s;
        p->answered = answered;
        p->arg = arg;
        e = sip_dialog_alloc(&p->dialog, uri, uri, NULL, from, routes, 1);
    }
    if (e == 0)
        e = sip_drequestf(&p->request, s->sip, true, "OPTIONS", p->dialog, 0, NULL, NULL,
                          on_response, p, "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
    if (e != 0) {
        stack_probe_free(p);
        return ERR_IO;
    }
    *pp = p;
    return 0;
}

struct probe *stack_probe_free(struct probe *p)
{
    if (p == NULL)
        return NULL;
    mem_deref(p->request);
    mem_deref(p->dialog);
    mem_deref(p);
    return NULL;
}
