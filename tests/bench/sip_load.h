/* A load of SIP calls for bench_sip: one thread, one socket for SIP, one for all RTP, prebuilt
 * packets, no retry that hides a loss. Arrivals are the kernel's own times, so that our being busy
 * is not taken for their being late. Bounded in calls and in time. */
#ifndef ALMON_TESTS_BENCH_SIP_LOAD_H
#define ALMON_TESTS_BENCH_SIP_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sip_load;

/* Talks to a gateway at 127.0.0.1:sip_port (0: only to an echo). At most `most` calls over all. */
struct sip_load *load_new(int sip_port, unsigned most);
struct sip_load *load_free(struct sip_load *l);

/* From now on calls to `number` begin, `per_second`, until `total` more have begun. A `brief` call
 * presses a digit when it hears something, and waits to be hung up. */
void load_begin(struct sip_load *l, const char *number, unsigned per_second, unsigned total,
                bool brief);
/* N calls without signalling, to an echo at ports from `port` on, `step` apart. */
void load_begin_echo(struct sip_load *l, unsigned n, int port);
/* Callers say nothing, and only listen. */
void load_mute(struct sip_load *l, bool on);
/* Lets time pass. */
void load_run(struct sip_load *l, int ms);
/* What arrives is measured from now on, for at most `seconds`. */
void load_measure(struct sip_load *l, int seconds);

struct load_figures {
    unsigned begun, up, done, failed;    /* since the last load_begin(); up: now */
    uint64_t frames, lost;               /* since load_measure(): packets in, and missing ones */
    double p50_ms, p99_ms, worst_ms;     /* their lateness */
    double answer_p50_ms, answer_p99_ms; /* from INVITE to 200, since the last load_begin() */
    uint64_t sent;                       /* packets of RTP out, since load_measure() */
};
void load_figures(struct sip_load *l, struct load_figures *out);

#endif
