/* The sound of SIP calls: RTP, its digits and its reports. What stack_re.c and the calls need to
 * know of media; nothing here knows SIP or parses SDP.
 *
 * One `struct rtp_engine` a process holds the ports and the tick; one `struct rtp` a call holds a
 * port pair from the offer to the hang-up:
 *
 *   rtp_new()          takes the ports: rtp_port() goes into our SDP
 *   rtp_set_peer()     when the far end's SDP is known, and again at every re-INVITE or UPDATE
 *   rtp_deliver(true)  when the exchange's channel wants audio: from then on `frame` every 20 ms
 *   rtp_send_frame()   from the bridge client's `audio` handler
 *   rtp_free()         sends RTCP BYE, gives the ports back
 *
 * The exchange is the clock outwards: a packet leaves when its frame arrives. The engine's own tick
 * (ten slots of 2 ms, calls spread over them) serves what flows towards the exchange, digits on
 * their way out, comfort noise and keep-alives. No packet and no tick allocates.
 *
 * Everything runs on the loop of the engine, and only there, but for the sending of packets when
 * there are many. */
#ifndef ALMON_SIP_RTP_H
#define ALMON_SIP_RTP_H

#include "base/error.h"
#include "base/loop.h"
#include "media/audio.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct rtp_engine;
struct rtp;
struct srtp_key;   /* srtp.h */
struct dtls_print; /* dtls.h */

/* --- codecs on the wire --- */

enum rtp_codec { RTP_PCMU, RTP_PCMA, RTP_G722, RTP_OPUS, RTP_CODEC_COUNT };

/* As SDP's rtpmap spells it: "PCMU", "PCMA", "G722", "opus". */
const char *rtp_codec_name(enum rtp_codec c);
/* As rtpmap has it: 8000, 8000, 8000 (sic, for G722), 48000. */
unsigned rtp_codec_clock(enum rtp_codec c);
/* The static payload type, -1 for opus. */
int rtp_codec_payload(enum rtp_codec c);
/* What the bridge's channel must be: the offer's codec. G.722 and Opus are L16/16000 there. */
enum codec rtp_codec_bridge(enum rtp_codec c);
/* False for opus when built without libopus. */
bool rtp_codec_available(enum rtp_codec c);

/* --- the engine --- */

struct rtp_config {
    const char *address;         /* to bind, IPv4 or IPv6; NULL is 0.0.0.0 */
    unsigned port_min, port_max; /* even port RTP, the odd one after it RTCP; 0: 16384 to 32767 */
    int jitter_max_ms;           /* 0: 200, which is also the most */
    int learn_ms;                /* how long rtp_peer.learn holds; 0: 5000 */
    int timeout_ms;              /* no packet for so long: `timeout`; 0: 60000; -1: never */
    unsigned post_calls;         /* with so many a second thread sends (rtp_post.h); 0: 400 */
    /* After each slot of the tick in which a `frame` was handed over: time for client_flush(). */
    void (*flush)(void *arg);
    void *arg;
    /* For tests: packets go here, no socket is opened, and rtp_input() brings what comes. */
    void (*send)(void *arg, struct rtp *r, bool rtcp, const struct sockaddr *to, const void *bytes,
                 size_t len);
};

/* ERR_INVALID when the address or the range makes no sense. */
int rtp_engine_new(struct rtp_engine **ep, struct loop *loop, const struct rtp_config *c,
                   struct error *err);
/* After its calls are freed. Turns the loop until its sockets are closed. Returns NULL. */
struct rtp_engine *rtp_engine_free(struct rtp_engine *e);
/* Port pairs that are in use, and that there are. */
/* Our certificate's, as "a=fingerprint:" wants it; NULL when there can be none (the log says why).
 * It is made at the first call. */
const char *rtp_fingerprint(struct rtp_engine *e);
unsigned rtp_ports_used(const struct rtp_engine *e);
unsigned rtp_ports_all(const struct rtp_engine *e);

/* --- a call's media --- */

struct rtp_handlers {
    /* 20 ms of audio in the bridge's codec, or len 0: silence. Exactly one every 20 ms. */
    void (*frame)(void *arg, const void *bytes, size_t len);
    /* One for each key pressed (RFC 4733), as soon as its first packet is there; never before an
     * earlier one. `duration_ms` is what that packet knew, at least 40. */
    void (*digit)(void *arg, char digit, unsigned duration_ms);
    /* Neither sound nor a report came for timeout_ms, though both sides should speak; once, until
     * something comes again. May be NULL. The handler may call rtp_free(). */
    void (*timeout)(void *arg);
    /* DTLS was agreed, and for 20 s no keys came of it, for this reason; once. May be NULL. */
    void (*keyless)(void *arg, const char *why);
};

/* Takes the next free port pair; a pair that somebody else uses is skipped, five are tried.
 * ERR_LIMIT: all are in use (503 to the caller); ERR_IO: the system refused. */
int rtp_new(struct rtp **rp, struct rtp_engine *e, const struct rtp_handlers *h, void *arg,
            struct error *err);
/* IPv6 from now on, or IPv4 again, on the same ports, as the far end's addresses will be; not when
 * there is a far end already. ERR_IO when these ports are somebody else's there. */
int rtp_use_six(struct rtp *r, bool six, struct error *err);
/* Returns NULL. Allowed in `digit`, `timeout` and `keyless`, and in `frame`. */
struct rtp *rtp_free(struct rtp *r);
/* Our RTP port; RTCP's is one higher. */
unsigned rtp_port(const struct rtp *r);

/* The far end, in SDP's numbers. All zero but `address` and `send`/`receive` is a plain PCMU call
 * without digits (set `dtmf`, `comfort` to -1 when not offered: 0 is a payload type). */
struct rtp_peer {
    struct sockaddr_storage address; /* of c= and m=; port 0 or 0.0.0.0: nothing is sent */
    struct sockaddr_storage rtcp; /* of a=rtcp; family 0: the RTP port + 1, or with mux the same */
    bool rtcp_mux;
    enum rtp_codec codec;
    int payload;    /* codec's payload type in what we send; the answerer's mirror */
    int payload_in; /* in what we receive (our own SDP's); the same when SDP has but one */
    bool both_laws; /* it may speak the other law of G.711, too, under its own number */
    int dtmf;       /* telephone-event's payload type in what we send; -1: tones in the audio */
    int dtmf_in;    /* in what we receive; -1 */
    int comfort;    /* comfort noise (13), both ways; -1: silence is not suppressed */
    int ptime_ms;   /* a=ptime of the far end: 20, 40, 60; 0 or others: 20 */
    bool send;      /* we may send (far end is sendrecv or recvonly) */
    bool receive;   /* we listen (far end is sendrecv or sendonly); else `frame` gets silence */
    bool learn;     /* the far end may be behind NAT: its true address is taken from its packets */
    const struct srtp_key *key_out, *key_in; /* SRTP; copied; NULL: plain RTP, or DTLS: */
    const struct dtls_print *dtls; /* of a=fingerprint; copied; keys come by a handshake (and until
                                      then nothing is sent or heard); NULL: none */
    bool dtls_active;              /* we begin it */
    const char *ice_ufrag; /* copied; sound goes where ICE's checks come from; NULL: no ICE */
};

/* May be called again at any time; jitter buffer, counters and locks are kept where the address and
 * the codec did not change. ERR_INVALID, ERR_NOMEM: the former peer stays. */
int rtp_set_peer(struct rtp *r, const struct rtp_peer *p, struct error *err);
/* Our name and password for ICE, made at the first call; `anew` when the far end restarts it. They
 * stay until the next one. Checks are answered from now on. False: no memory or randomness. */
bool rtp_ice(struct rtp *r, bool anew, const char **ufrag, const char **pwd);
/* Whether `frame` is called every 20 ms. Off at first. */
void rtp_deliver(struct rtp *r, bool on);

/* One frame of the bridge's codec, len 0 for 20 ms of silence: leaves at once. Frames of other
 * lengths are dropped. Dropped too while the far end is on hold, and while a digit is being sent.
 */
void rtp_send_frame(struct rtp *r, const void *bytes, size_t len);
/* Queues keys 0-9 * # A-D, and w or W for half and one second of pause, as RFC 4733 events, or as
 * tones where the far end takes none. Others are left out; what does not fit into 64 is dropped. */
void rtp_send_digits(struct rtp *r, const char *digits);

/* Feeds a packet as if a socket had received it. For tests and the benchmark. */
void rtp_input(struct rtp *r, bool rtcp, const struct sockaddr *from, const void *bytes,
               size_t len);

/* --- figures for the journal --- */

struct rtp_stats {
    uint64_t sent, received; /* RTP packets; received: those accepted */
    uint64_t bytes_sent, bytes_received;
    uint64_t lost, late, duplicate; /* of what we receive: never came, came too late, came twice */
    uint64_t strangers;             /* dropped: from another source or SSRC than the locked one */
    uint64_t bad;                   /* dropped: no RTP or RTCP, wrong payload type, SRTP tag */
    uint64_t concealed;             /* frames made up in place of lost ones */
    uint64_t digits_in, digits_out, digits_dropped;
    double jitter_ms; /* interarrival jitter of what we receive (RFC 3550) */
    double delay_ms;  /* what the jitter buffer adds now */
    double loss;      /* 0 to 1, over the whole call, of what we receive */
    bool remote;      /* the far end has reported: */
    double remote_jitter_ms, remote_loss;
    double round_trip_ms; /* -1: not known */
    double mos;           /* 1 to 4.5, of what we receive; estimate, see rtcp.h */
};
void rtp_stats(const struct rtp *r, struct rtp_stats *s);
/* The address that packets go to now: SDP's, or the learned one. */
void rtp_remote(const struct rtp *r, struct sockaddr_storage *to);

#endif
