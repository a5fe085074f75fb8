/* What a call's media and the engine consist of: for rtp*.c only. */
#ifndef ALMON_SIP_RTP_PRIVATE_H
#define ALMON_SIP_RTP_PRIVATE_H

#include "base/list.h"
#include "gateways/sip/dtls.h"
#include "gateways/sip/dtmf.h"
#include "gateways/sip/ice.h"
#include "gateways/sip/rtcp.h"
#include "gateways/sip/rtp.h"
#include "gateways/sip/rtp_ear.h"
#include "gateways/sip/rtp_packet.h"
#include "gateways/sip/rtp_post.h"
#include "gateways/sip/srtp.h"

#define RTP_SLOTS           10 /* of the tick */
#define RTP_PAYLOAD_OUT     (3 * 320)
#define RTP_KEEPALIVE_MS    2000
#define RTP_PROBATION       4  /* packets in a row before a stranger is believed */
#define RTP_CHANGE_QUIET_MS 60 /* the old SSRC is silent for so long before a new one is taken */
#define RTP_LIARS           4  /* sources whose handshake failed, which are not tried again */
#define RTCP_INTERVAL_MS    5000
#define RTCP_RATE           10 /* of theirs a second, with a burst of as many */

struct epoll_event;

struct rtp_engine {
    struct loop *loop;
    struct rtp_config config;
    struct sockaddr_storage address;
    unsigned port_first, pairs, next, used;
    uint64_t *taken; /* a bit a pair */
    int64_t wall_us; /* of the wall clock at loop_now() 0 */
    struct timer tick;
    struct dtls_identity *identity; /* made when it is asked for */
    struct list slots[RTP_SLOTS];
    unsigned slot, calls, turn;
    int64_t due;
    struct link_node *walk; /* the call after the one whose tick runs */
    int poll;               /* epoll of the RTCP sockets; -1: there are no sockets (config.send) */
    int64_t read_us, read_wall_us; /* the loop's clock and the wall's when sockets are read */
    struct epoll_event *ready;     /* being read just now */
    int n_ready;
    struct rtp_post *post; /* NULL: packets are sent by us */
    bool no_post;          /* one core, or no thread to be had */
    struct list closing;   /* freed calls whose last packets are under way: struct rtp */
};

/* Who sends, as far as we believe it. */
struct rtp_lock {
    int rank; /* 0: nobody yet; see rtp_in_rank() */
    bool has_ssrc;
    uint32_t ssrc;
    struct sockaddr_storage source;
};

/* Who may be it. */
struct rtp_candidate {
    struct sockaddr_storage source;
    uint32_t ssrc;
    uint16_t seq;
    unsigned count;
};

/* One handshake: that of RTP's socket, or of RTCP's. */
struct rtp_side {
    struct dtls *dtls;            /* NULL: not begun, or no longer needed */
    struct sockaddr_storage with; /* whom */
    bool done;
};

/* What only a call with DTLS or ICE has. */
struct rtp_path {
    struct ice ice;          /* ufrag "": none */
    struct dtls_print print; /* len 0: no DTLS */
    bool active, told;
    int64_t since_us;
    struct rtp_side sides[2];
    struct srtp *report_out, *report_in; /* of the second side */
    struct sockaddr_storage liars[RTP_LIARS];
    unsigned n_liars, failures;
    char why[80]; /* the last failure */
};

/* With thousands of calls each packet finds its call in no cache: what every packet and tick
 * touches stands together, in this order, and what is large or seldom needed at the end. */
struct rtp {
    struct rtp_engine *engine;
    struct link_node node;
    const struct rtp_handlers *h;
    void *arg;
    unsigned pair;
    int family; /* of its sockets */
    int fds[2]; /* RTP, RTCP; -1: none */
    bool dead, has_peer, deliver, timed_out;
    bool closing;  /* dead, but its last packets are not sent: in the engine's list of them */
    unsigned busy; /* handlers of ours that run: then the memory stays */

    /* out */
    uint32_t ssrc, stamp; /* stamp: of the last frame */
    uint16_t seq;
    bool talking, said_comfort; /* no marker needed; the far end knows that we are silent */
    unsigned frames;            /* in the payload */
    size_t payload_len;
    int64_t stamp_us, sent_us; /* of the last frame, -1: none; of the last packet */
    int64_t report_us;
    uint64_t posted; /* the last packet that the other thread sends; 0: none */
    struct transcoder *encoder;
    struct srtp *out_crypt, *in_crypt;
    struct rtp_path *path; /* NULL: neither DTLS nor ICE */
    struct audio *tones;   /* of a key, where the far end takes no events */

    /* in */
    int64_t heard_us, learn_until;
    int64_t told_us; /* the last report came */
    struct rtp_lock lock;
    struct rtcp_source source;
    struct rtp_stats stats;

    struct sockaddr_storage to, rtcp_to;
    struct rtp_peer peer;
    struct dtmf_out keys_out;
    struct dtmf_in keys_in;
    struct rtp_ear ear;

    size_t tone_at;
    uint32_t key_stamp;
    uint64_t reported; /* packets sent at the last report */
    int64_t report_credit_us, report_at_us;
    struct rtp_candidate candidate;
    struct srtp_key keys[2]; /* copies: out, in */
    uint8_t payload[RTP_PAYLOAD_OUT];
};

/* rtp_engine.c */
int rtp_engine_take_ports(struct rtp *r, struct error *err);
void rtp_engine_give_ports(struct rtp *r);
void rtp_engine_join(struct rtp *r);
void rtp_engine_leave(struct rtp *r);
void rtp_engine_send(struct rtp *r, bool rtcp, const struct sockaddr_storage *to, const void *bytes,
                     size_t len);
int64_t rtp_now(const struct rtp *r);

/* NULL: it cannot be made, which was logged. */
struct dtls_identity *rtp_engine_identity(struct rtp_engine *e);

/* rtp_path.c */
/* The memory for what the peer needs; then rtp_path_set() cannot fail. */
int rtp_path_make(struct rtp *r, const struct rtp_peer *p, struct error *err);
/* After r->peer was copied: its pointers go to copies. */
void rtp_path_set(struct rtp *r, const struct rtp_peer *p);
void rtp_path_free(struct rtp *r);
/* True: it was no RTP or RTCP, and is done with. */
bool rtp_path_input(struct rtp *r, bool rtcp, const struct sockaddr_storage *from,
                    const uint8_t *bytes, size_t len);
void rtp_path_tick(struct rtp *r, int64_t now);
/* A packet of theirs had the right tag. */
void rtp_path_proved(struct rtp *r, bool rtcp);
/* Whether sound may flow: not before a handshake that is agreed. */
bool rtp_is_keyed(const struct rtp *r);
/* The same for reports, and under what; NULL: plainly. */
bool rtp_report_keys(const struct rtp *r, struct srtp **out, struct srtp **in);

/* rtp.c: memory stays while a handler runs */
void rtp_hold(struct rtp *r);
void rtp_let_go(struct rtp *r);

/* rtp_out.c */
void rtp_out_start(struct rtp *r);
void rtp_out_tick(struct rtp *r, int64_t now);
void rtp_out_report(struct rtp *r, int64_t now, bool bye);
/* There is an address to send to. */
bool rtp_is_reachable(const struct rtp *r);

/* rtp_in.c */
void rtp_in_start(struct rtp *r);
/* How well a source fits, 1 to 4; 0: not at all. */
/* One packet, which came at loop_now() `at`; `bytes` may be changed. */
void rtp_take(struct rtp *r, bool rtcp, const struct sockaddr_storage *from, uint8_t *bytes,
              size_t len, int64_t at);
int rtp_in_rank(const struct rtp *r, const struct sockaddr_storage *from, int64_t now);
/* True when it handed out a frame. */
bool rtp_in_tick(struct rtp *r, int64_t now);

/* rtp_address.c */
bool address_is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
bool address_is_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
unsigned address_port(const struct sockaddr_storage *a);
void address_set_port(struct sockaddr_storage *a, unsigned port);
/* 0.0.0.0, ::, port 0, or no address at all. */
bool address_is_empty(const struct sockaddr_storage *a);
socklen_t address_size(const struct sockaddr_storage *a);

#endif
