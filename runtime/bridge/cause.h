/* Why a channel ended. One table (cause.c) holds each cause's word on the wire, its SIP status and
 * the CallStatus that a webhook sees; add a sibling there and in README.md. */
#ifndef ALMON_BRIDGE_CAUSE_H
#define ALMON_BRIDGE_CAUSE_H

enum cause {
    CAUSE_NORMAL,     /* hung up after answer, or a caller who gave up */
    CAUSE_BUSY,       /* busy here */
    CAUSE_REJECTED,   /* declined */
    CAUSE_NO_ANSWER,  /* rang until somebody's patience ended */
    CAUSE_CANCELED,   /* by our side, before answer */
    CAUSE_UNROUTABLE, /* no such number */
    CAUSE_CONGESTION, /* too many calls, overload */
    CAUSE_ERROR,      /* the flow or the gateway failed */
    CAUSE_LINK_LOST,  /* the gateway's link broke; never sent, each side concludes it itself */
    CAUSE_COUNT
};

const char *cause_name(enum cause c); /* the wire's word: "normal", "busy" … */
int cause_find(const char *name);     /* -1 when unknown */
int cause_sip(enum cause c);          /* the final SIP status for a call not answered: 486 … */
/* CallStatus of a call that ended so; `answered` calls are always "completed". */
const char *cause_call_status(enum cause c, int answered);

#endif
