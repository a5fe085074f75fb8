/* What the files of the stack share. Only they include it, and with it libre, whose mem_alloc() and
 * struct list are not ours: so none of them includes base/mem.h or base/loop.h, and their objects
 * are made by libre's counted mem_zalloc(). */
#ifndef ALMON_SIP_STACK_PRIVATE_H
#define ALMON_SIP_STACK_PRIVATE_H

#include "gateways/sip/stack.h"
#include <openssl/evp.h>
#include <re.h>

/* The user part of our Contact in every dialog; see stack_contact(). */
#define STACK_CONTACT     "almon"
#define STACK_CONTACT_MAX 96

enum { STACK_TEXT_MAX = 256, STACK_WATCHES = 4 };

#define STACK_ALLOW                                                                                \
    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, INFO, PRACK, UPDATE, REFER, "             \
    "NOTIFY\r\nSupported: 100rel, timer\r\n"

struct stack_auth;

struct watch {
    int fd;
    void (*ready)(void *arg);
    void *arg;
};

enum { STACK_REPLY_HEADERS = 16, STACK_REPLY_TEXT = 2048 };

/* Transfers of one leg (stack_refer.c): what they asked of us, what we asked of them. One of each
 * at a time. */
struct leg_refers {
    struct sip_msg *msg; /* theirs; NULL: none */
    struct sip_strans *st;
    bool taken, silent; /* 2xx was said; they want no NOTIFY (RFC 4488) */
    bool again;         /* it is not their first: NOTIFYs name it */
    struct sip_request *req;
    struct sip_auth *auth;
    char to[STACK_TEXT_MAX + 2];
    bool waiting, told; /* for the end of ours; its 2xx was told */
};

enum { LEG_EARLY_MAX = 4 };

/* Who has answered a call of ours provisionally, and is told that it came. */
struct leg_early {
    struct leg *leg;
    struct sip_dialog *dlg;
    struct sip_request *req;
    char tag[STACK_TEXT_MAX];
    uint32_t rseq, cseq; /* of the last */
    bool proved;         /* its challenge was answered once */
};

/* Provisional answers that are acknowledged (stack_reliable.c). */
struct leg_reliable {
    bool supported, required; /* by who calls us */
    bool waiting;             /* for PRACK of ours: */
    uint32_t rseq;
    uint16_t status;
    struct mbuf *sdp; /* that it has; or that theirs had, which their 200 need not say again */
    bool described;   /* offer and answer are exchanged before the final answer */
    struct tmr tmr;
    unsigned wait_ms, waited_ms;
    struct mbuf *next, *answer; /* what is said after that PRACK: a 183, or 200 */
    struct leg_early *early[LEG_EARLY_MAX];
    size_t n_early;
    struct sip_auth *auth;
};

enum { STACK_TIMER_MAX = 80 };

/* Session timers (stack_timer.c). */
struct leg_timer {
    uint32_t asked;   /* in our INVITE; 0: none */
    unsigned again;   /* times that it was too short */
    uint32_t seconds; /* 0: none */
    bool ours;        /* we refresh; else they */
    bool proved;
    bool no_update; /* they take none: re-INVITEs refresh */
    bool waiting;   /* for the answer to such a one */
    struct tmr tmr;
    struct sip_request *req;
    struct sip_auth *auth;
};

struct leg {
    struct le le; /* in stack->legs */
    struct stack *s;
    const struct leg_handlers *h; /* NULL: nobody listens */
    void *arg;
    struct sip_msg *msg;   /* the INVITE that came in */
    struct sip_strans *st; /* its transaction, until there is a session */
    struct sipsess *sess;
    bool came_in, answered;
    bool over;   /* the far end or a fault ended it: nothing more to say */
    bool agreed; /* a description of theirs was taken */
    bool behind_nat;
    char target[2 * STACK_TEXT_MAX]; /* what their Contact says then */
    char local_ip[48];
    char contact[STACK_CONTACT_MAX];
    char user[STACK_TEXT_MAX], password[STACK_TEXT_MAX];

    /* what the far end's last answer told (leg_reply()) */
    char call_id[STACK_TEXT_MAX];
    const char *headers[2 * STACK_REPLY_HEADERS + 1];
    char texts[STACK_REPLY_TEXT];

    unsigned warning; /* leg_warn(); 0: none */
    const char *warning_text;

    struct leg_refers refers;
    struct leg_reliable reliable;
    struct leg_timer timer;
    char agreement[STACK_TIMER_MAX]; /* what our 200 to a re-INVITE says of it: lines, or "" */
};

struct stack {
    struct hash *legs; /* that have a dialog, by Call-ID */
    struct sip *sip;
    struct sipsess_sock *sock;
    struct dnsc *dns;
    struct tls *tls;
    struct stack_auth *auth;
    bool md5, sha256; /* how passwords are proved */
    bool says;        /* stack_say.c is reached */
    bool alone;       /* there is no network, and that was said */
    const struct stack_handlers *h;
    void *arg;
    char domain[STACK_TEXT_MAX];
    char addresses[1024];
    char external[48]; /* "": none */
    unsigned ports[8]; /* that are listened on, by enum sip_transp; 0: none */
    struct watch watches[STACK_WATCHES];
    size_t n_watches;
    struct tmr alarm;
};

/* --- stack_re.c --- */

/* The header lines that a refusal wants: Allow, Accept, Min-Expires, Retry-After …; "": none.
 * Unsupported and Warning are not among them, since they say of which message. */
const char *stack_refusal(unsigned status);

/* --- stack_parse.c: from libre's message to our struct --- */

struct stack_parsed {
    struct stack_request r;
    char texts[16 * 1024];
    size_t used;
    char source_ip[48], local_ip[48];
    const char *headers[2 * STACK_HEADERS_MAX + 1];
    struct stack_contact contacts[STACK_CONTACTS_MAX];
    size_t n_contacts;
    bool all_contacts;
};

/* 200, or the status that answers what is wrong with the request. */
unsigned stack_parse(struct stack_parsed *p, const struct sip_msg *msg);
/* The same, of an INVITE or UPDATE within a call. */
unsigned stack_check(const struct sip_msg *msg);
/* The Contacts of a REGISTER; 200, or a status. */
unsigned stack_parse_contacts(struct stack_parsed *p, const struct sip_msg *msg);
/* X-… and User-to-User headers of an answer, and its Call-ID, into the leg. */
void stack_keep_reply(struct leg *l, const struct sip_msg *msg);
/* "Unsupported: …" of what the request requires and we have not; empty: nothing. */
void stack_unsupported(const struct sip_msg *msg, char out[STACK_TEXT_MAX]);
/* The cause of a Reason header, -1. */
int stack_q850(const struct sip_msg *msg);
/* The digit of an INFO; false when it is none. */
bool stack_parse_digit(const struct sip_msg *msg, char *digit, unsigned *duration_ms);
/* The body: its bytes as far as Content-Length says; false when that is more than came. */
bool stack_body(const struct sip_msg *msg, const char **body, size_t *len);

/* --- stack_auth.c: passwords --- */

enum auth_result { AUTH_NONE, AUTH_GOOD, AUTH_STALE, AUTH_BAD };

int stack_auth_new(struct stack_auth **ap);
/* Whether the request proves who `user` is. */
enum auth_result stack_auth_check(struct stack *s, const struct sip_msg *msg,
                                  char user[STACK_TEXT_MAX]);
void stack_auth_challenge(struct stack *s, const struct sip_msg *msg, bool stale);

/* --- stack_prove.c: our own, to carriers --- */

enum { STACK_HASH_MAX = 2 * 32 + 1 };

/* The hash of a text (of libre's format), in hexadecimal; at most 256 bits. 0 or errno. */
int stack_hash(char out[STACK_HASH_MAX], const EVP_MD *md, const char *fmt, ...);

/* Whether libre asks us for its passwords; once, before anything else of it is used. */
bool stack_prove_reached(struct sip *sip);
/* libre's next sip_auth_authenticate() of `msg` finds that it needs no password; NULL: no more.
 * False: libre keeps its own. */
bool stack_prove_passes(const struct sip_msg *msg);

/* --- stack_say.c --- */

/* Whether libre's sessions send by ours; once, before they are used. */
bool stack_say_reached(struct stack *s);
/* After the stack was closed. */
void stack_say_nothing(void);
/* The INVITE that is sent now is of this leg, whose session is not there yet; NULL: no more. */
void stack_say_placing(struct leg *l);

/* --- stack_reach.c --- */

/* What libre shall make of our Contact towards `far`, an address or URI: a user part, behind which
 * it writes the socket's address, or a whole URI. */
void stack_contact(const struct stack *s, enum sip_transp tp, const char *far,
                   char out[STACK_CONTACT_MAX]);
enum sip_transp stack_transport_of(const char *route);
/* Of a leg that may be behind NAT: the message's Contact, which libre is about to read or will when
 * it is told to, says where the message came from. Valid while the leg is. */
void stack_reach_back(struct leg *l, const struct sip_msg *msg);

/* --- stack_leg.c --- */

/* An INVITE that was let in. */
void stack_invited(struct stack *s, const struct sip_msg *msg, struct stack_request *r);
/* libre asks for name and password; `arg` is the leg. */
int stack_on_challenge(char **user, char **password, const char *realm, void *arg);
/* Our Contact, for requests within a call; `arg` is not used. */
int stack_print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst,
                        struct mbuf *mb, void *arg);
/* The leg whose dialog this is of, and that dialog; NULL. */
struct leg *stack_find_leg(struct stack *s, const struct sip_msg *msg, struct sip_dialog **dlg);
/* The first answer that makes a dialog. */
int stack_open_session(struct leg *l, uint16_t status, struct mbuf *sdp);
/* The final one. */
void stack_answer(struct leg *l, struct mbuf *sdp);
/* The far end is gone: refuses a call that waits with `status`, or hangs up. */
void stack_give_up(struct leg *l, unsigned status);
struct mbuf *stack_describe(const char *sdp, size_t len);
/* Whether a list of option tags, or methods, has this one. */
bool stack_has_token(const struct sip_msg *msg, enum sip_hdrid id, const char *token);

enum { STACK_WARNING_MAX = STACK_TEXT_MAX + 128 };

/* The Warning line of a 488; "" with any other status, or when nothing is known. */
void stack_warning(const struct leg *l, unsigned status, char out[STACK_WARNING_MAX]);

/* --- stack_within.c --- */

/* A request within a call that libre does not know. */
void stack_within(struct stack *s, const struct sip_msg *msg);

/* Answers UPDATE or PRACK, and the offer in it. */
void stack_take_offer(struct leg *l, const struct sip_msg *msg);

/* --- stack_reliable.c --- */

bool stack_is_reliable(const struct leg *l, bool described);
/* A provisional answer of ours, sent again until it is acknowledged. */
int stack_progress(struct leg *l, uint16_t status, struct mbuf *sdp);
/* True: the final answer waits for that. */
bool stack_hold_answer(struct leg *l, struct mbuf *sdp);
void stack_on_prack(struct leg *l, const struct sip_msg *msg);
/* Acknowledges one of theirs, when it wants that. False: it came before, or too early. */
bool stack_acknowledge(struct leg *l, const struct sip_msg *msg);
void stack_drop_reliable(struct leg *l);

/* --- stack_timer.c --- */

/* An interval that is refused with 422. */
bool stack_timer_too_short(const struct sip_msg *msg);
/* Of a request that begins a call, or changes it: what our answer says of it, lines or nothing; the
 * timer starts. */
void stack_timer_requested(struct leg *l, const struct sip_msg *msg, char out[STACK_TIMER_MAX]);
/* Of the answer to our INVITE. */
void stack_timer_agreed(struct leg *l, const struct sip_msg *answer);
/* A re-INVITE of ours has its final answer. */
void stack_timer_refreshed(struct leg *l, const struct sip_msg *answer);
/* Of our INVITE, or one `within` the call: what it says, lines or nothing. */
void stack_timer_ask(const struct leg *l, bool within, char out[STACK_TIMER_MAX]);
/* Of the answer to our first: true when a longer interval was asked for, which stack_timer_ask()
 * now says. */
bool stack_timer_longer(struct leg *l, const struct sip_msg *answer);
void stack_timer_stop(struct leg *l);

/* --- stack_tmr.c --- */

/* Whether libre's timers are on our heap; asked before the first of them starts. */
bool stack_tmr_reached(void);
/* From a handler that libre calls right after it has started a timer with this argument: that is
 * due in so many milliseconds instead. */
void stack_tmr_again(const void *arg, uint64_t delay);

/* --- stack_refer.c --- */

/* REFER, which libre's session passes on, and NOTIFY. */
void stack_on_refer(struct sip *sip, const struct sip_msg *msg, void *leg);
void stack_on_notify(struct leg *l, const struct sip_msg *msg);
/* The leg goes: what is open of them is refused or forgotten. */
void stack_drop_refers(struct leg *l);

#endif
