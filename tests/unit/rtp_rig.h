/* Two calls in virtual time, each the other's far end, with a network between them that loses,
 * doubles, delays and reorders by a seed. Each end sends a tone, and keeps what it hears. */
#ifndef ALMON_TESTS_RTP_RIG_H
#define ALMON_TESTS_RTP_RIG_H

#include "gateways/sip/rtp.h"
#include <arpa/inet.h>
#include <netinet/in.h>

#define RIG_FRAMES 4000

struct rig_network {
    unsigned seed;
    int loss, twice; /* percent */
    int delay_ms, jitter_ms;
};

struct rig_end {
    struct rig *rig;
    struct rtp *rtp;
    struct sockaddr_storage address;
    double hz;        /* of the tone that it sends; 0: nothing */
    int64_t frame_us; /* how often a frame leaves: 20000 but for drifting clocks */
    unsigned sent, reports;
    struct timer clock;
    char digits[256];
    unsigned frames, silent, timeouts, keyless;
    char why[80];   /* it has no keys */
    int16_t *heard; /* the last RIG_FRAMES frames */
    int64_t last_us;
};

struct rig {
    struct vtime *vtime;
    struct loop *loop;
    struct rtp_engine *engine;
    struct rig_end ends[2];
    enum codec codec; /* of the bridge's side */
    struct rig_network network;
    unsigned flushes, packets;
    /* What left last: */
    uint8_t packet[1500];
    size_t packet_len;
    struct sockaddr_storage packet_to;
    bool cut; /* nothing gets through */
    struct flight *flights;
};

struct sockaddr_storage rig_address(const char *ip, unsigned port);
/* A plain call with codec, events and no comfort noise, between the two ends. */
struct rtp_peer rig_peer(const struct rig_end *far, enum rtp_codec c);
/* False when memory is out. */
bool rig_start(struct rig *r, enum rtp_codec c, const struct rig_network *n, struct error *err);
void rig_run(struct rig *r, int ms);
void rig_stop(struct rig *r);
/* How much of the power in the last `ms` of what was heard (but the last `skip_ms`) is the tone, 0
 * to 1. */
double rig_tone(const struct rig_end *e, double hz, int ms, int skip_ms);

#endif
