/* The SIP stack as the rest of the gateway sees it. Behind this header sits libre (stack*.c), which
 * nobody else names: its functions and structs have names that ours have too.
 *
 * libre polls with a loop of its own, which cannot be driven from outside. So that one runs, and
 * ours turns inside it whenever ours has something to do (see pump.c): one thread, no queue, and
 * every handler below is called on it.
 *
 * A `leg` is one dialog with a phone or carrier. Its owner holds it from the `invited` handler, or
 * from leg_dial(), until leg_end(), which is always called exactly once, also after `ended`. */
#ifndef ALMON_SIP_STACK_H
#define ALMON_SIP_STACK_H

#include "base/error.h"
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct stack;
struct leg;

enum {
    STACK_HEADERS_MAX = 24,
    STACK_CONTACTS_MAX = 10,
};

/* A request that begins something. Strings are valid during the handler only, never NULL unless
 * said so, bounded and printable. */
struct stack_request {
    const char *method;
    struct sockaddr_storage source;
    const char *source_ip;
    const char *transport;           /* "udp", "tcp", "tls" */
    const char *user;                /* who proved himself by a password; NULL */
    const char *uri_user, *uri_host; /* host "": a number of tel: */
    const char *from_user, *from_host, *from_name;
    const char *to_user, *to_host;
    const char *asserted_user; /* of P-Asserted-Identity; NULL */
    bool anonymous;            /* Privacy: he is not to be named */
    const char *diverted_user; /* of Diversion; NULL */
    const char *call_id;
    const char *const *headers; /* X-… and User-to-User: name, value, …, NULL */
    const char *body;           /* SDP, when body_len > 0 */
    size_t body_len;
    const char *local_ip; /* where it arrived */
};

struct stack_contact {
    const char *uri;
    long expires;
};

enum stack_verdict {
    STACK_TAKE,
    STACK_CHALLENGE, /* 401, or 403 when a password was given that is right but does not help */
    STACK_FORBID,    /* 403 */
    STACK_DROP,      /* no answer at all */
};

struct stack_handlers {
    /* Something new from this source: false drops it unanswered. Before anything is stored. */
    bool (*admit)(void *arg, const struct sockaddr_storage *source);
    /* A wrong password from there. */
    void (*guessed)(void *arg, const struct sockaddr_storage *source);
    /* INVITE or REGISTER: may it? Called again with `user` once that is proved. */
    enum stack_verdict (*screen)(void *arg, const struct stack_request *r);
    /* NULL: no such user. */
    const char *(*password)(void *arg, const char *user);
    /* A call. The handler ends the leg, or attaches to it. */
    void (*invited)(void *arg, struct leg *leg, const struct stack_request *r);
    /* REGISTER of r->user: `all` says Contact: *. Writes what is registered now into `out`, as
     * Contact header lines; returns 200, or the status that refuses. */
    unsigned (*registers)(void *arg, const struct stack_request *r, const struct stack_contact *c,
                          size_t n, bool all, struct str *out);
    /* A registration of ours: `status` 0 when nobody answered; else who did. */
    void (*enrolled)(void *arg, void *enrolment_arg, unsigned status,
                     const struct sockaddr_storage *from);
    /* Something happened: our own loop must take a turn soon. */
    void (*soon)(void *arg);
};

struct stack_config {
    const char *const *listen; /* "udp:1.2.3.4:5060", "tcp:…", "tls:…" */
    size_t n_listen;
    const char *domain;
    const char *tls_certificate; /* NULL */
    bool md5, sha256;            /* how passwords are proved */
    const char *address;         /* how the world reaches us, NULL: as it is; see stack_reach.c */
    const char *dns;             /* "192.0.2.53" or with a port; NULL: the system's */
};

/* ERR_IO, ERR_INVALID with the address that cannot be listened on. One a process. */
int stack_new(struct stack **sp, const struct stack_config *c, const struct stack_handlers *h,
              void *arg, struct error *err);
/* After its legs were ended; forgets what is still under way. Returns NULL. */
struct stack *stack_free(struct stack *s);
/* What is listened on, as "udp 192.0.2.1:5060" in a list with commas. */
void stack_addresses(const struct stack *s, struct str *out);

/* Calls `ready` when the descriptor can be read. */
int stack_watch(struct stack *s, int fd, void (*ready)(void *arg), void *arg, struct error *err);
/* The one alarm: `due` is called once, in `ms` from now (0: before the stack polls again), instead
 * of what was set before. */
void stack_alarm(struct stack *s, unsigned ms, void (*due)(void *arg), void *arg);
/* Polls until stack_stop(). */
int stack_run(struct stack *s, struct error *err);
void stack_stop(struct stack *s);

/* --- legs --- */

/* A transfer that the far end asks for (REFER). */
struct leg_transfer {
    const char *to;       /* a URI, without headers */
    const char *by;       /* Referred-By; NULL */
    const char *replaces; /* of the URI's Replaces: the call to take over; NULL */
};

struct leg_handlers {
    /* Of a call that we placed. Must not end the leg. */
    void (*ringing)(void *arg, unsigned status);
    /* Of a call that we placed: something was answered, if only 100. NULL: not of interest. Must
     * not end the leg. */
    void (*heard)(void *arg);
    /* A description came before the answer: early media. Must not end the leg. */
    void (*early)(void *arg, const char *sdp, size_t len);
    void (*answered)(void *arg); /* after `agreed` */
    /* A new offer within the call: write the answer into `out` and return 200, or a status (488).
     * `sdp` NULL: they want an offer from us. Must not end the leg. */
    unsigned (*offered)(void *arg, const char *sdp, size_t len, struct str *out);
    /* Their answer to an offer of ours: leg_dial()'s, leg_answer()'s, or one that `offered` wrote.
     * Must not end the leg; false ends it. */
    bool (*agreed)(void *arg, const char *sdp, size_t len);
    void (*digit)(void *arg, char digit, unsigned duration_ms);
    /* They ask to transfer the call: leg_refer_answer() is due, at once or later. */
    void (*referred)(void *arg, const struct leg_transfer *t);
    /* What became of leg_refer(): its answer, and after 202 how it ended over there. */
    void (*refer_answered)(void *arg, unsigned status);
    void (*refer_notified)(void *arg, unsigned status);
    /* It is over: `status` of a final answer, 487 for CANCEL, 200 for BYE, 408 for silence, 500
     * for faults; `q850` of a Reason header or -1. Nothing more comes; leg_end() is still due. */
    void (*ended)(void *arg, unsigned status, int q850);
};

void leg_attach(struct leg *l, const struct leg_handlers *h, void *arg);
/* Why their description does not fit, for the 488 that comes of it: a code of RFC 3261 §20.43 and a
 * text that stays. Accepts NULL. */
void leg_warn(struct leg *l, unsigned code, const char *text);
/* 180. Of a call that came in, before its answer. */
void leg_ring(struct leg *l);
/* 183 with our description: sound goes to them before the answer. False: it cannot be sent. */
bool leg_progress(struct leg *l, const char *sdp);
/* 200. */
void leg_answer(struct leg *l, const char *sdp);
/* Ends it as its state demands, and frees it: `status` refuses a call that was not answered; CANCEL
 * or BYE otherwise. `q850` goes into a Reason header, -1: none. Returns NULL. */
struct leg *leg_end(struct leg *l, unsigned status, int q850);
/* Its far end may be behind NAT, where its Contact leads nowhere: our requests within the call go
 * where its messages come from, unless it records a route. Of a call that came in: before its
 * answer. */
void leg_behind_nat(struct leg *l);
/* Asks the far end to call `target`, a URI, in our place (REFER); one at a time. ERR_INVALID,
 * ERR_WRONG_STATE, ERR_IO. */
int leg_refer(struct leg *l, const char *target, struct error *err);
/* Answers `referred` with a SIP status; `final` (0: not known yet) is told as the transfer's end.
 */
void leg_refer_answer(struct leg *l, unsigned response, unsigned final);
/* What the far end told in its answers: X-… and User-to-User headers, name, value, …, NULL; valid
 * until the next one. */
const char *leg_call_id(const struct leg *l);
const char *const *leg_headers(const struct leg *l);
/* Our address as the far end sees it in this dialog's transport, for SDP. */
const char *leg_local_ip(const struct leg *l);

struct leg_call {
    const char *uri;                  /* sip:…, the request's target and To */
    const char *route;                /* sip:…: the INVITE goes there, also after a redirect */
    bool behind_nat;                  /* leg_behind_nat() */
    const char *from_uri, *from_name; /* name may be NULL */
    const char *headers;              /* whole lines with CRLF; may be "" */
    const char *sdp;
    const char *user, *password; /* for challenges; NULL */
    unsigned session_expires;    /* seconds in which it is refreshed (RFC 4028); 0: no timer */
};

/* Places a call. */
int leg_dial(struct leg **lp, struct stack *s, const struct leg_call *c,
             const struct leg_handlers *h, void *arg, struct error *err);
/* The address that packets to `host` leave from: for the SDP of a call to it. Empty when there is
 * no way there. */
void stack_local_ip(const char *route, char out[48]);

/* --- is somebody there? --- */

struct probe;
/* Asks `uri` by way of `route` (both sip:…); `answered` is called once with a status, 0 when nobody
 * answered, also from within when that is known at once. */
int stack_probe(struct probe **pp, struct stack *s, const char *uri, const char *from,
                const char *route, void (*answered)(void *arg, unsigned status), void *arg);
/* Not interested any more; also after `answered`. Accepts NULL, returns NULL. */
struct probe *stack_probe_free(struct probe *p);

/* --- where a name leads --- */

enum { STACK_PLACES_MAX = 16 };

/* One of the servers behind a name. */
struct stack_place {
    char route[257]; /* "sip:192.0.2.1:5060;transport=tcp" */
    uint32_t priority;
    unsigned weight; /* among those of one priority (RFC 2782) */
};

/* Whether the host of `uri` is a name, not an address. */
bool stack_is_name(const char *uri);
struct lookup;
/* Asks DNS where `uri` ("sip:name…") leads (RFC 3263 §4): `found` is called once, the first
 * priority first; `n` 0: nowhere. `seconds` says how long that holds. ERR_IO when there is nobody
 * to ask. */
int stack_lookup(struct lookup **lp, struct stack *s, const char *uri,
                 void (*found)(void *arg, const struct stack_place *places, size_t n,
                               unsigned seconds),
                 void *arg);
/* Not interested any more; due also after `found`. Accepts NULL, returns NULL. */
struct lookup *stack_lookup_free(struct lookup *l);

/* --- registration with somebody else --- */

struct enrolment;
struct enrolment_config {
    const char *registrar; /* sip:… */
    const char *uri;       /* sip:user@domain */
    const char *route;     /* sip:…, NULL */
    const char *contact;   /* its user part */
    const char *user, *password;
    unsigned expires;
    unsigned keep_alive; /* seconds between empty lines to who took it; 0: none */
};
int enrol(struct enrolment **ep, struct stack *s, const struct enrolment_config *c, void *arg,
          struct error *err);
/* Takes it back. Returns NULL. */
struct enrolment *enrolment_free(struct enrolment *e);

#endif
